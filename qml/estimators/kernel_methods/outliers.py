"""Outlier detection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OutlierMixin
from sklearn.svm import OneClassSVM

from qml.estimators.kernel_methods.distinct_rows import distinct_rows
from qml.estimators.kernel_methods.support_vectors import SupportVectorEstimator
from qml.estimators.kernel_methods.training_data import only_features
from qml.estimators.search_space import Trial
from simulator.backends.trait import Backend, Folder

__all__ = ["QuantumOneClassSVM"]

Array = NDArray[np.float64]


@dataclass(eq=False, repr=False, kw_only=True)
class QuantumOneClassSVM(OutlierMixin, SupportVectorEstimator):
    """Outlier detection with a quantum kernel: scikit-learn's `OneClassSVM` on a Gram matrix.

    Parameters
    ----------
    kernel, feature_map, reps, n_qubits, bandwidth, scale_features, entangled, precision, random_state
        As in `QuantumKernelClassifier`. Without labels, ``"trained"`` is not available.
    nu : float
        Approximate share of the training data classified as outliers, between 0 and 1.
    tol, max_iter
        As in `OneClassSVM`.

    Attributes
    ----------
    offset_ : float
        Score below which a sample is an outlier.
    kernel_, scaling_, support_, basis_, coefficients_, intercept_, n_iter_, n_features_in_, feature_names_in_
        As in `QuantumKernelClassifier`.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> QuantumOneClassSVM(nu=0.1).fit(X).predict([[0, 0], [6, 6]])
    array([ 1, -1])
    """

    nu: float = 0.5

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "nu": trial.suggest_float("nu", 0.01, 0.5, log=True),
        }

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn scaling, bandwidth and support vectors; ``y`` is ignored."""
        checked, weight = only_features(self, X, sample_weight)
        rows = distinct_rows(checked, None, weight)
        basis, gram = self._learn_kernel(rows.X, rows.weight)
        solver = OneClassSVM(kernel="precomputed", nu=self.nu, tol=self.tol, max_iter=self.max_iter)
        solver.fit(gram, sample_weight=rows.weight)
        self._store_support(rows, basis, solver, solver.dual_coef_.T)
        self.offset_ = -float(self.intercept_[0])
        return self

    def decision_function(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Compute scores minus the offset, shape (n_samples,): negative for outliers.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Backend that measures kernel entries, see `plan`; by default the kernel's.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
        """
        return self._outputs(X, backend, resume)[:, 0]

    def score_samples(self, X: ArrayLike) -> Array:
        """Compute scores, shape (n_samples,); a lower score is less similar to the training data."""
        return self.decision_function(X) + self.offset_

    def predict(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> NDArray[np.intp]:
        """Predict 1 for inliers and -1 for outliers, shape (n_samples,); parameters as in `decision_function`."""
        return np.where(self.decision_function(X, backend=backend, resume=resume) >= 0, 1, -1)
