"""Kernel ridge regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.kernel_ridge import KernelRidge

from qml.estimators.kernel_methods.kernel_estimator import KernelEstimator
from qml.estimators.kernel_methods.training_data import target_rows
from qml.estimators.search_space import Trial
from qml.estimators.targets import BackendRegressor

__all__ = ["QuantumKernelRidge"]

Array = NDArray[np.float64]


@dataclass(eq=False, repr=False, kw_only=True)
class QuantumKernelRidge(BackendRegressor, KernelEstimator):
    """Ridge regression with a quantum kernel: scikit-learn's `KernelRidge` on a Gram matrix.

    The target is scaled to mean 0 and standard deviation 1, and back in `predict`.

    Parameters
    ----------
    kernel, feature_map, reps, n_qubits, bandwidth, scale_features, entangled, precision, random_state
        As in `QuantumKernelClassifier`.
    alpha : float
        Constant added to the diagonal of the Gram matrix.

    Attributes
    ----------
    target_mean_, target_scale_ : float
    kernel_, scaling_, basis_, coefficients_, intercept_, n_features_in_, feature_names_in_
        As in `QuantumKernelClassifier`; every distinct training row is in the basis.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.sin(X[:, 0]) + X[:, 1]
    >>> QuantumKernelRidge(alpha=1e-3).fit(X, y).score(X, y) > 0.95
    True
    """

    alpha: float = 1.0

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "alpha": trial.suggest_float("alpha", 0.0001, 10.0, log=True),
        }

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn scaling, bandwidth and coefficients; parameters as in `QuantumKernelClassifier.fit`."""
        rows = target_rows(self, X, y, sample_weight)
        basis, gram = self._learn_kernel(rows.X, rows.weight, rows.y)
        solver = KernelRidge(alpha=self.alpha, kernel="precomputed").fit(gram, rows.y, sample_weight=rows.weight)
        self._expand(basis, solver.dual_coef_[:, None], 0.0)
        return self
