"""Base of the kernel estimators: scaling, the kernel, and prediction by an expansion in kernel functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.estimators.kernel_methods.distinct_rows import distinct_rows
from qml.estimators.num_qubits import choose_num_qubits
from qml.estimators.saved import Saved
from qml.estimators.search_space import Searchable, Trial
from qml.feature_maps import CenteredMap, FeatureMap, get_feature_map
from qml.features.scaling import Scaling, fit_linear_scaling, fit_scaling
from qml.kernels import ClassicalKernel, FidelityKernel, Kernel, ProjectedKernel, TrainedKernel
from qml.kernels.classical import CLASSICAL
from qml.kernels.composite import leaves
from qml.kernels.embedding import EmbeddingKernel
from qml.settings import check_choice, check_circuit_size, check_flags, check_whole
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.names import choose, expect_instance

__all__ = ["Basis", "KernelEstimator"]

Array = NDArray[np.float64]

KERNELS = ("fidelity", "projected", "trained", *CLASSICAL)

AUTOMATIC_QUBITS = 10
"""Maximum default number of qubits: the states of a thousand samples take 16 MB."""

MAX_SEARCHED_ROWS = 3000
"""Maximum number of rows for which a search tries kernel estimators by default."""

ONE_RADIAN = (-np.pi / 2, np.pi / 2)
"""Feature range, in radians, for kernels that do not define one: a standard deviation becomes one radian."""


@dataclass(frozen=True)
class Basis:
    """Scaled training rows, shape (n_rows, n_features), and the kernel's features of each."""

    samples: Array
    features: NDArray[Any]

    def __getitem__(self, rows: NDArray[np.intp]) -> Basis:
        return Basis(self.samples[rows], self.features[rows])


@dataclass(eq=False, repr=False)
class KernelEstimator(Saved, Searchable, BaseEstimator):
    """Scales features, computes kernels, and predicts by ``sum_i k(x, x_i) coefficients_i + intercept``.

    Holds the settings that all kernel estimators share; a subclass is a dataclass with further ones, and `fit`.
    """

    kernel: str | Kernel = "fidelity"
    feature_map: str | FeatureMap = "zz"
    reps: int | None = None
    n_qubits: int | None = None
    _: KW_ONLY
    bandwidth: float | ArrayLike | Literal["auto"] = "auto"
    scale_features: bool | Literal["jointly"] = True
    entangled: bool = True
    precision: Literal["double", "single"] = "double"
    random_state: int | RandomState | None = None

    def search_space(self, trial: Trial) -> dict[str, Any]:
        settings = super().search_space(trial) | {
            "kernel": trial.suggest_categorical("kernel", ["fidelity", "projected"]),
            "feature_map": trial.suggest_categorical("feature_map", ["zz", "angle", "z", "iqp", "hubregtsen"]),
            "n_qubits": trial.suggest_categorical("n_qubits", [None, 2, 4, 6, 8]),
            "bandwidth": trial.suggest_categorical("bandwidth", ["auto", 0.1, 0.2, 0.4, 0.7, 1.0]),
            "scale_features": trial.suggest_categorical("scale_features", [True, "jointly"]),
            "entangled": trial.suggest_categorical("entangled", [True, False]),
        }
        if hasattr(get_feature_map(settings["feature_map"]), "reps"):
            settings["reps"] = trial.suggest_categorical("reps", [None, 1, 2, 3])
        return settings

    def search_obstacle(self, n_rows: int, n_features: int) -> str | None:
        if n_rows > MAX_SEARCHED_ROWS:
            return f"a kernel matrix of {n_rows:,} rows takes too long for a search; its limit is {MAX_SEARCHED_ROWS:,}"
        return super().search_obstacle(n_rows, n_features)

    def without_entanglement(self) -> Self:
        """Return an unfitted copy whose kernel has no gates on two or more qubits; everything else is the same.

        Compare it with the original to see what entanglement contributes. A classical kernel stays as it is.

        References
        ----------
        Bowles, Ahmed and Schuld, arXiv:2403.07059.
        """
        return clone(self).set_params(entangled=False)

    def _check_settings(self) -> None:
        check_flags(self)
        if isinstance(self.kernel, str):
            choose("kernel", self.kernel, KERNELS)
        else:
            expect_instance("kernel", self.kernel, Kernel)
        check_whole("n_qubits", self.n_qubits, instead=[None])
        check_whole("reps", self.reps, instead=[None])
        check_choice("precision", self.precision, ("double", "single"))
        if not isinstance(self.scale_features, bool | np.bool_):
            check_choice("scale_features", self.scale_features, ("jointly",))

    def plan(self, X: ArrayLike, backend: Backend | str | None = None, *, y: ArrayLike | None = None) -> Plan:
        """Estimate the cost of prediction or training on a backend; nothing is sent.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend, optional
            Backend to plan for; by default that of the kernel.
        y : array-like, shape (n_samples,), optional
            With targets, the plan is for ``fit(X, y)`` with a kernel on this backend; the estimator need not be fitted.
            Without, the plan is for ``predict(X)``.

        Raises
        ------
        TypeError
            If the kernel is classical.
        """
        if y is not None:
            return clone(self)._plan_of_fit(X, y, backend)
        check_is_fitted(self)
        scaled = self.scaling_(validate_data(self, X, dtype=np.float64, order="C", reset=False))
        kernel = self.kernel_ if backend is None else self.kernel_.on(backend)
        return kernel.plan_with_stored(scaled, self.basis_samples_)

    def _plan_of_fit(self, X: ArrayLike, y: ArrayLike, backend: Backend | str | None) -> Plan:
        self._check_settings()
        checked, targets = validate_data(self, X, y, dtype=np.float64, order="C")
        rows = distinct_rows(checked, np.unique(targets, return_inverse=True)[1], np.ones(len(checked)))
        kernel, max_features, bounds = self._unfitted_kernel()
        return kernel.plan(self._learn_scaling(rows.X, rows.weight, max_features, bounds)(rows.X), backend=backend)

    def _learn_kernel(self, X: Array, weight: Array, y: NDArray[Any] | None = None) -> tuple[Basis, Array]:
        """Learn scaling and kernel; returns the rows and their Gram matrix, shape (n_rows, n_rows)."""
        kernel, max_features, feature_map = self._unfitted_kernel()
        self.scaling_ = self._learn_scaling(X, weight, max_features, feature_map)
        scaled = self.scaling_(X)
        features = kernel.fit_features(scaled, y)
        self.kernel_ = kernel
        return Basis(scaled, features), np.asarray(kernel.gram(features), np.float64)

    def _unfitted_kernel(self) -> tuple[Kernel, int, FeatureMap | None]:
        """Return an unfitted kernel, its number of features, and the feature map whose range they are scaled to."""
        kernel, max_features, feature_map = self._new_kernel()
        return kernel if self.entangled else kernel.without_entanglement(), max_features, feature_map

    def _new_kernel(self) -> tuple[Kernel, int, FeatureMap | None]:
        """Return the kernel with its entanglement; see `_unfitted_kernel`."""
        max_features = self.n_features_in_ if self.n_qubits is None else self.n_qubits
        if isinstance(self.kernel, Kernel):
            kernel = clone(self.kernel)
            parts = list(_simple_kernels(kernel))
            limits = [self._max_features(part) for part in parts if not isinstance(part, ClassicalKernel)]
            bounded = [part.bounded_map() for part in parts if isinstance(part, EmbeddingKernel)]
            narrowest = min(filter(None, bounded), key=lambda feature_map: feature_map.domain[1], default=None)
            return kernel, min(limits, default=max_features), narrowest
        name = choose("kernel", self.kernel, KERNELS)
        if name in CLASSICAL:
            return ClassicalKernel(name, gamma="auto"), max_features, None
        feature_map = self._feature_map()
        num_qubits = self._num_qubits(feature_map)
        if feature_map.angle_range is not None and sum(feature_map.angle_range) != 0:
            feature_map = CenteredMap(feature_map)
        kernel_class = ProjectedKernel if name == "projected" else FidelityKernel
        kernel = kernel_class(
            feature_map,
            bandwidth=self.bandwidth,
            num_qubits=num_qubits,
            precision=self.precision,
            random_state=self.random_state,
        )
        if name == "trained":
            kernel = TrainedKernel(kernel, random_state=self.random_state)
        return kernel, feature_map.max_features(num_qubits), feature_map

    def _feature_map(self) -> FeatureMap:
        feature_map: Any = get_feature_map(self.feature_map)
        if self.reps is None:
            return feature_map
        if not hasattr(feature_map, "reps"):
            raise ValueError(f"feature_map={self.feature_map!r} takes no reps, got reps={self.reps}")
        return replace(feature_map, reps=self.reps)

    def _num_qubits(self, feature_map: FeatureMap) -> int:
        check_circuit_size("n_qubits", self.n_qubits)
        return choose_num_qubits(self.n_qubits, feature_map, self.n_features_in_, at_most=AUTOMATIC_QUBITS)

    def _max_features(self, kernel: Kernel | None) -> int:
        """Return the number of features that fit on the qubits of a kernel object."""
        if not isinstance(kernel, EmbeddingKernel) or (known := kernel.known_map()) is None:
            return self.n_features_in_
        num_qubits = self.n_qubits if kernel.num_qubits is None else kernel.num_qubits
        return known.max_features(self._num_qubits(known) if num_qubits is None else num_qubits)

    def _learn_scaling(self, X: Array, weight: Array, max_features: int, feature_map: FeatureMap | None) -> Scaling:
        if self.scale_features is False:
            return Scaling.identity(X.shape[1])
        jointly = self.scale_features == "jointly"
        bounds = None if feature_map is None else feature_map.angle_range
        if feature_map is not None and (bounds is None or hasattr(feature_map, "domain")):
            if jointly:
                raise ValueError(f'scale_features="jointly" is linear; {feature_map!r} needs features of its own range')
            return fit_scaling(X, weight, max_features, bounds)
        low, high = bounds or ONE_RADIAN
        scaling = fit_linear_scaling(X, weight, max_features, jointly)
        return replace(scaling, factor=scaling.factor * ((high - low) / np.pi))

    def _expand(self, basis: Basis, coefficients: Array, intercept: ArrayLike) -> None:
        """Store an expansion in kernel functions: coefficients (n_rows, n_outputs), intercept (n_outputs,)."""
        self.basis_ = np.ascontiguousarray(basis.features)
        self.basis_samples_ = np.ascontiguousarray(basis.samples)
        self.coefficients_ = np.ascontiguousarray(coefficients, np.float64)
        self.intercept_ = np.array(intercept, np.float64, ndmin=1)

    def _kernel_rows(self, X: ArrayLike, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Compute the kernel between samples and the basis, shape (n_samples, n_basis)."""
        check_is_fitted(self)
        checked = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        if not len(self.basis_):  # a constant target has no support vectors
            return np.empty((len(checked), 0))
        kernel, basis = self.kernel_, self.basis_
        if backend is not None:
            kernel = kernel.on(backend, resume)
            basis = kernel.stored_features(basis, self.basis_samples_)
        elif resume is not None:
            kernel = kernel.resuming(resume)
        rows = kernel.gram(kernel.features(self.scaling_(checked)), basis)
        return np.asarray(rows, np.float64)

    def _outputs(self, X: ArrayLike, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Evaluate the expansion, shape (n_samples, n_outputs)."""
        return self._kernel_rows(X, backend, resume) @ self.coefficients_ + self.intercept_


def _simple_kernels(kernel: Kernel) -> Iterator[Kernel]:
    """Iterate over the kernels inside composite and trained kernels."""
    for _, leaf in leaves(kernel):
        if isinstance(leaf, TrainedKernel) and leaf.kernel is not None:
            yield from _simple_kernels(leaf.kernel)
        else:
            yield leaf
