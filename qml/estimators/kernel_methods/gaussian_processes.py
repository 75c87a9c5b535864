"""Gaussian processes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.special import expit
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.estimators.kernel_methods.covariance import Stretched, TrainingRows
from qml.estimators.kernel_methods.kernel_estimator import KernelEstimator
from qml.estimators.search_space import Trial
from qml.estimators.targets import learn_classes, learn_scale, r_squared
from qml.kernels import Kernel

__all__ = ["QuantumGaussianProcessClassifier", "QuantumGaussianProcessRegressor"]

Array = NDArray[np.float64]

AMPLITUDES = (1e-3, 1e3)
NOISE_LEVELS = {"double": (1e-6, 10.0), "single": (1e-4, 10.0)}
Optimizer = Callable[[Callable[..., Any], Array, Array], tuple[Array, float]]
NODES, SHARES = np.polynomial.hermite_e.hermegauss(64)


MAX_SEARCHED_ROWS = 200
"""Maximum number of rows for which a search tries Gaussian processes by default."""


@dataclass(eq=False, repr=False, kw_only=True)
class GaussianProcess(KernelEstimator):
    """Kernel estimator whose amplitude and bandwidth maximise the marginal likelihood."""

    amplitude: float = 1.0
    optimizer: Literal["fmin_l_bfgs_b"] | Optimizer | None = "fmin_l_bfgs_b"
    n_restarts_optimizer: int = 0

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "amplitude": trial.suggest_float("amplitude", 0.1, 10.0, log=True),
        }

    def search_obstacle(self, n_rows: int, n_features: int) -> str | None:
        if n_rows > MAX_SEARCHED_ROWS:
            return f"a Gaussian process of {n_rows:,} rows is too slow to search; the limit is {MAX_SEARCHED_ROWS}"
        return super().search_obstacle(n_rows, n_features)

    def _learn_covariance(self, X: Array, y: NDArray[Any]) -> tuple[ConstantKernel, TrainingRows]:
        basis, gram = self._learn_kernel(X, np.ones(len(X)), y)
        rows = TrainingRows(self.kernel_, basis, gram)
        automatic = isinstance(self.bandwidth, str) and not isinstance(self.kernel, Kernel)
        stretched = Stretched(rows, 1.0, (0.1, 10.0) if automatic else "fixed")
        return ConstantKernel(self.amplitude, AMPLITUDES) * stretched, rows

    def _scaled(self, X: ArrayLike) -> Array:
        check_is_fitted(self)
        return self.scaling_(validate_data(self, X, dtype=np.float64, order="C", reset=False))

    def _covariances(self, X: Array, stretch: float, basis: NDArray[Any]) -> Array:
        """Kernel between scaled features and a basis, before the amplitude, shape (n_samples, n_basis)."""
        return np.asarray(self.kernel_.gram(self.kernel_.features(stretch * X), basis), np.float64)

    def _variances(self, X: Array, stretch: float) -> Array:
        return np.asarray(self.kernel_.diag(stretch * X), np.float64)


@dataclass(eq=False, repr=False, kw_only=True)
class QuantumGaussianProcessRegressor(RegressorMixin, GaussianProcess):
    """Gaussian process regression with a quantum kernel: scikit-learn's `GaussianProcessRegressor` on Gram matrices.

    The covariance is ``amplitude * k(stretch * x, stretch * x') + noise``. All three maximise the marginal likelihood;
    the stretch, a factor of the bandwidth, only if ``bandwidth="auto"``. The target is scaled to mean 0 and standard
    deviation 1, and back in `predict`.

    Parameters
    ----------
    kernel, feature_map, reps, n_qubits, bandwidth, scale_features, entangled, precision
        As in `QuantumKernelClassifier`.
    amplitude, noise_level : float
        Initial variances, in units of the target's variance.
    alpha : float
        Constant added to the diagonal for numerical stability.
    optimizer : {"fmin_l_bfgs_b"}, callable or None
        As in `GaussianProcessRegressor`; ``None`` keeps the initial amplitude, noise and stretch.
    n_restarts_optimizer : int
        Number of additional starting points.
    random_state : int, RandomState or None
        Seed for the additional starting points, and for the minibatches of ``kernel="trained"``.

    Attributes
    ----------
    amplitude_, noise_level_, stretch_ : float
    log_marginal_likelihood_value_ : float
        Log marginal likelihood of the scaled target.
    target_mean_, target_scale_ : float
    kernel_, scaling_, basis_, coefficients_, intercept_, n_features_in_, feature_names_in_
        As in `QuantumKernelClassifier`; every training row is in the basis.
    cholesky_ : float ndarray, shape (n_samples, n_samples)
        Cholesky factor of the training rows' covariance with noise.

    References
    ----------
    Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), algorithm 2.1.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.sin(X[:, 0]) + X[:, 1]
    >>> mean, std = QuantumGaussianProcessRegressor().fit(X, y).predict(X, return_std=True)
    >>> bool(np.abs(mean - y).mean() < 0.3)
    True
    """

    noise_level: float = 0.1
    alpha: float = 1e-10

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn scaling, bandwidth, amplitude and noise.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)

        Returns
        -------
        self
        """
        self._check_settings()
        checked, targets = validate_data(self, X, y, dtype=np.float64, order="C", y_numeric=True)
        targets = learn_scale(self, targets.astype(np.float64), np.ones(len(targets)))
        covariance, rows = self._learn_covariance(checked, targets)
        solver = GaussianProcessRegressor(
            covariance + WhiteKernel(self.noise_level, NOISE_LEVELS[self.precision]),
            alpha=self.alpha,
            optimizer=self.optimizer,
            n_restarts_optimizer=self.n_restarts_optimizer,
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            # noise-free data put the noise level at its bound, which is not a failure
            warnings.filterwarnings("ignore", "The optimal value found for dimension", ConvergenceWarning)
            solver.fit(np.arange(len(checked), dtype=np.float64)[:, None], targets)
        self.amplitude_ = float(solver.kernel_.k1.k1.constant_value)
        self.stretch_ = float(solver.kernel_.k1.k2.stretch)
        self.noise_level_ = float(solver.kernel_.k2.noise_level)
        self.log_marginal_likelihood_value_ = float(solver.log_marginal_likelihood_value_)
        self.cholesky_ = np.ascontiguousarray(solver.L_)
        self._expand(rows.basis(self.stretch_), self.amplitude_ * solver.alpha_.reshape(-1, 1), 0.0)
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Predict targets, shape (n_samples,); with ``return_std`` also the standard deviations of new observations.

        As in scikit-learn, the standard deviations include the noise.
        """
        scaled = self._scaled(X)
        covariances = self._covariances(scaled, self.stretch_, self.basis_)
        mean = (covariances @ self.coefficients_)[:, 0] * self.target_scale_ + self.target_mean_
        if not return_std:
            return mean
        explained = solve_triangular(self.cholesky_, self.amplitude_ * covariances.T, lower=True)
        prior = self.amplitude_ * self._variances(scaled, self.stretch_) + self.noise_level_
        variance = np.maximum(prior - np.einsum("ij,ij->j", explained, explained), 0.0)
        return mean, np.sqrt(variance) * self.target_scale_

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Compute R^2 of the predictions."""
        predictions = self.predict(X)
        assert not isinstance(predictions, tuple)
        return r_squared(y, predictions, sample_weight)


@dataclass(eq=False, repr=False, kw_only=True)
class QuantumGaussianProcessClassifier(ClassifierMixin, GaussianProcess):
    """Gaussian process classification with a quantum kernel: scikit-learn's `GaussianProcessClassifier`.

    Uses Laplace's approximation. More than two classes are separated one-versus-rest, each with a separate amplitude
    and stretch that maximise the marginal likelihood. The stretch, a factor of the bandwidth, is tuned only if
    ``bandwidth="auto"``.

    Parameters
    ----------
    kernel, feature_map, reps, n_qubits, bandwidth, scale_features, entangled, precision, random_state
        As in `QuantumKernelClassifier`.
    amplitude : float
        Initial variance of the latent function.
    optimizer, n_restarts_optimizer
        As in `QuantumGaussianProcessRegressor`.
    max_iter_predict : int
        Maximum number of Newton steps in each Laplace approximation.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    latent_ : list of dict
        One latent function for two classes, otherwise one per class: ``stretch``, ``amplitude``, ``basis``,
        ``coefficients`` (n_samples,), and ``root`` (n_samples, n_samples), which maps covariances to the explained
        part.
    log_marginal_likelihood_value_ : float
        Mean log marginal likelihood of the latent functions.
    kernel_, scaling_, n_features_in_, feature_names_in_
        As in `QuantumKernelClassifier`.

    References
    ----------
    Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), algorithms 3.1 and 3.2.

    Examples
    --------
    >>> X = np.linspace(-2, 2, 20)[:, None]
    >>> clf = QuantumGaussianProcessClassifier().fit(X, ["left"] * 10 + ["right"] * 10)
    >>> clf.predict([[-1.7], [1.7]]).tolist()
    ['left', 'right']
    """

    max_iter_predict: int = 100

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn scaling, bandwidth and amplitudes.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)

        Returns
        -------
        self
        """
        self._check_settings()
        checked, labels = validate_data(self, X, y, dtype=np.float64, order="C")
        learn_classes(self, labels)
        indices = np.searchsorted(self.classes_, labels)
        covariance, rows = self._learn_covariance(checked, indices)
        solver = GaussianProcessClassifier(
            covariance,
            optimizer=self.optimizer,
            n_restarts_optimizer=self.n_restarts_optimizer,
            max_iter_predict=self.max_iter_predict,
            random_state=self.random_state,
        )
        with warnings.catch_warnings():
            # perfectly separable classes put the amplitude at its bound
            warnings.filterwarnings("ignore", "The optimal value found for dimension", ConvergenceWarning)
            solver.fit(np.arange(len(checked), dtype=np.float64)[:, None], indices)
        self.log_marginal_likelihood_value_ = float(solver.log_marginal_likelihood_value_)
        binary = [solver.base_estimator_] if len(self.classes_) == 2 else solver.base_estimator_.estimators_
        self.latent_ = [_latent_function(machine, rows) for machine in binary]
        self.basis_samples_ = np.ascontiguousarray(rows.basis(1.0).samples)  # for the plan
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the most probable class, shape (n_samples,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike) -> Array:
        """Predict class probabilities, shape (n_samples, n_classes): posterior means of the logistic function."""
        scaled = self._scaled(X)
        columns = [self._probability(scaled, latent) for latent in self.latent_]
        if len(columns) == 1:
            return np.column_stack([1.0 - columns[0], columns[0]])
        stacked = np.column_stack(columns)
        return stacked / stacked.sum(axis=1, keepdims=True)

    def _probability(self, scaled: Array, latent: dict[str, Any]) -> Array:
        covariances = latent["amplitude"] * self._covariances(scaled, latent["stretch"], latent["basis"])
        mean = covariances @ latent["coefficients"]
        explained = latent["root"] @ covariances.T
        prior = latent["amplitude"] * self._variances(scaled, latent["stretch"])
        deviation = np.sqrt(np.maximum(prior - np.einsum("ij,ij->j", explained, explained), 0.0))
        return expit(mean[:, None] + deviation[:, None] * NODES) @ (SHARES / SHARES.sum())


def _latent_function(machine: Any, rows: TrainingRows) -> dict[str, Any]:
    """Extract from a fitted binary classifier of scikit-learn the arrays that prediction needs."""
    stretch = float(machine.kernel_.k2.stretch)
    return {
        "stretch": stretch,
        "amplitude": float(machine.kernel_.k1.constant_value),
        "basis": np.ascontiguousarray(rows.basis(stretch).features),
        "coefficients": np.ascontiguousarray(machine.y_train_ - machine.pi_),
        "root": np.ascontiguousarray(solve_triangular(machine.L_, np.diag(machine.W_sr_), lower=True)),
    }
