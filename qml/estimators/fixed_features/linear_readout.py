"""Base of the estimators that compute fixed quantum features and fit one of scikit-learn's linear models to them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.estimators.fixed_features.multinomial import fit_multinomial
from qml.estimators.saved import Saved
from qml.estimators.search_space import Searchable, Trial
from qml.estimators.targets import BackendClassifier, BackendRegressor, learn_classes, learn_scale
from qml.estimators.twins import Entangled
from qml.models.evaluation import check_noise
from qml.settings import check_backend, check_choice, check_flags, check_non_negative
from qml.weights import checked_sample_weight, weighted_by_class
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.noise import NoiseModel

__all__ = ["FixedFeatures", "FixedFeaturesClassifier", "FixedFeaturesRegressor"]

Array = NDArray[np.float64]

MAX_ITERATIONS = 1000
TOLERANCE = 1e-8
"""Largest gradient at which logistic regression stops: small enough that repeated rows count like weights."""

MAX_NEWTON = 1000
"""Maximum number of coefficients for which logistic regression uses Newton's method, whose Hessian has their square.
With more, that of several classes starts from the second moments of as many features at most."""


@dataclass(eq=False, repr=False, kw_only=True)
class FixedFeatures(Entangled, Saved, Searchable, BaseEstimator):
    """Base of the estimators whose circuits are drawn once and not trained; only a linear model is.

    To add a model, write a dataclass with its settings, `_learn_features`, `_features` and `_plan`; subclass it
    together with `FixedFeaturesClassifier` for a classifier, and with `FixedFeaturesRegressor` for a regressor. The
    remainder is inherited: the linear model, sample weights, noise, backends, plans, model files.
    """

    scale_features: bool = True
    precision: Literal["double", "single"] = "double"
    noise: NoiseModel | None = None
    backend: Backend | str | None = None
    random_state: int | RandomState | None = None

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "entangled": trial.suggest_categorical("entangled", [True, False]),
        }

    @abstractmethod
    def _learn_features(self, X: Array, weight: Array) -> None:
        """Learn the scaling of the data, and draw the circuits."""

    @abstractmethod
    def _features(self, X: Array, backend: Backend | str | None, resume: Folder) -> Array:
        """Compute features, shape (n_samples, n_outputs), on a backend, or with the estimator's noise if it is None."""

    @abstractmethod
    def _plan(self, backend: Backend, X: Array) -> Plan:
        """Estimate the cost of the features on a backend."""

    @abstractmethod
    def _fit_readout(self, features: Array, y: NDArray[Any], weight: Array) -> None:
        """Fit ``readout_`` to features and encoded targets."""

    @abstractmethod
    def _learn_targets(self, y: NDArray[Any], weight: Array) -> NDArray[Any]:
        """Learn the classes or the scale of y; return the targets of the linear model."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, resume: Folder = None) -> Self:
        """Draw the circuits, compute the features and fit the linear model.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,), or (n_samples, n_targets) for a regressor
        sample_weight : array-like, shape (n_samples,), optional
            A weight of 0 is equivalent to omitting the sample, a weight of k to repeating it k times.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or hyper-parameters are invalid.
        """
        features, targets, weight = self._checked_samples(X, y, sample_weight)
        encoded = self._learn_targets(targets, weight)
        self._learn_features(features, weight)
        self._fit_readout(self._features(features, self.backend, resume), encoded, weight)
        return self

    def plan(self, X: ArrayLike, backend: Backend | str | None = None, *, y: ArrayLike | None = None) -> Plan:
        """Estimate the cost of prediction or training on a backend; nothing is sent.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend, optional
            Backend to plan for; by default the estimator's.
        y : array-like, shape (n_samples,), optional
            With targets, the plan is for ``fit(X, y)`` with this backend; the estimator need not be fitted. Without,
            the plan is for ``predict(X)``.

        Returns
        -------
        Plan
            Cost estimate; print it, or use ``as_dict()`` for the numbers.
        """
        named = check_backend(self.backend if backend is None else backend)
        target = NumbaBackend(noise=self.noise, precision=self.precision) if named is None else named
        if y is None:
            return self._plan(target, self._checked_features(X))
        unfitted = clone(self)
        features, _, weight = unfitted._checked_samples(X, y, None)
        unfitted._learn_features(features, weight)
        return unfitted._plan(target, features)

    def _check_settings(self) -> None:
        check_flags(self)
        check_choice("precision", self.precision, ("double", "single"))
        check_noise(self.noise, self.backend)

    def _checked_samples(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[Array, NDArray[Any], Array]:
        """Return features, targets and positive weights; samples of weight 0 are left out."""
        self._check_settings()
        numeric = isinstance(self, BackendRegressor)
        features, targets = validate_data(
            self, X, y, dtype=np.float64, order="C", y_numeric=numeric, multi_output=numeric
        )
        weight = checked_sample_weight(sample_weight, features)
        rows = np.flatnonzero(weight)
        return features[rows], targets[rows], weight[rows]

    def _checked_features(self, X: ArrayLike) -> Array:
        check_is_fitted(self, "readout_")
        return validate_data(self, X, dtype=np.float64, order="C", reset=False)  # type: ignore[no-any-return]

    def _transformed(self, X: ArrayLike, backend: Backend | str | None, resume: Folder) -> Array:
        return self._features(self._checked_features(X), self.backend if backend is None else backend, resume)

    def _outputs(self, X: ArrayLike, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Compute outputs of the linear model, shape (n_samples, n_outputs)."""
        features = self._transformed(X, backend, resume)
        coefficients = np.atleast_2d(self.readout_.coef_)
        outputs: Array = features @ coefficients.T + self.readout_.intercept_
        return outputs


@dataclass(eq=False, repr=False, kw_only=True)
class FixedFeaturesClassifier(BackendClassifier, FixedFeatures):
    """Base of the classifiers: scikit-learn's `LogisticRegression` on the features."""

    C: float = 100.0
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "C": trial.suggest_float("C", 0.1, 10000.0, log=True),
        }

    def predict_proba(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Predict class probabilities, shape (n_samples, n_classes).

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Backend that runs the circuits, in place of the estimator's.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
        """
        features = self._transformed(X, backend, resume)
        return self.readout_.predict_proba(features)  # type: ignore[no-any-return]

    def predict_log_proba(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Predict log-probabilities, shape (n_samples, n_classes); arguments as for `predict_proba`."""
        features = self._transformed(X, backend, resume)
        return self.readout_.predict_log_proba(features)  # type: ignore[no-any-return]

    def _check_settings(self) -> None:
        super()._check_settings()
        check_non_negative("C", self.C)

    def _learn_targets(self, y: NDArray[Any], weight: Array) -> NDArray[Any]:
        learn_classes(self, y)
        return np.searchsorted(self.classes_, y)

    def _fit_readout(self, features: Array, y: NDArray[Any], weight: Array) -> None:
        emphasis = weighted_by_class(self.class_weight, self.classes_, y, weight)
        num_outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        newton = features.shape[1] * num_outputs <= MAX_NEWTON
        solver = {"solver": "newton-cholesky", "tol": TOLERANCE} if newton else {}
        model = LogisticRegression(C=self.C, max_iter=MAX_ITERATIONS, **solver)
        if not (
            num_outputs > 1
            and not newton
            and self.C > 0
            and features.shape[1] <= MAX_NEWTON
            and fit_multinomial(model, features, y, emphasis, tolerance=TOLERANCE, max_iter=MAX_ITERATIONS)
        ):
            model.fit(features, y, sample_weight=emphasis)
        self.readout_ = model


@dataclass(eq=False, repr=False, kw_only=True)
class FixedFeaturesRegressor(BackendRegressor, FixedFeatures):
    """Base of the regressors: scikit-learn's `Ridge` on the features, for one target or several."""

    alpha: float = 1e-3

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "alpha": trial.suggest_float("alpha", 1e-06, 1.0, log=True),
        }

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = tags.target_tags.multi_output = True
        return tags

    def _check_settings(self) -> None:
        super()._check_settings()
        check_non_negative("alpha", self.alpha)

    def _learn_targets(self, y: NDArray[Any], weight: Array) -> NDArray[Any]:
        return learn_scale(self, y, weight)

    def _fit_readout(self, features: Array, y: NDArray[Any], weight: Array) -> None:
        self.readout_ = Ridge(alpha=self.alpha).fit(features, y, sample_weight=weight)
