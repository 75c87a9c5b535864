"""Outlier detection."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OutlierMixin
from sklearn.svm import OneClassSVM

from qml.estimators.kernel_methods.distinct_rows import distinct_rows
from qml.estimators.kernel_methods.kernel_estimator import KernelEstimator
from qml.estimators.kernel_methods.training_data import only_features
from qml.feature_maps import FeatureMap
from qml.kernels import Kernel
from simulator.backends.trait import Backend, Folder

__all__ = ["QuantumOneClassSVM"]

Array = NDArray[np.float64]


class QuantumOneClassSVM(OutlierMixin, KernelEstimator):
    """Outlier detection with a quantum kernel: scikit-learn's `OneClassSVM` on a Gram matrix.

    Parameters
    ----------
    kernel, feature_map, reps, n_qubits, bandwidth, scale_features, precision, random_state
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

    def __init__(
        self,
        kernel: str | Kernel = "fidelity",
        feature_map: str | FeatureMap = "zz",
        reps: int | None = None,
        n_qubits: int | None = None,
        *,
        bandwidth: float | ArrayLike | Literal["auto"] = "auto",
        nu: float = 0.5,
        tol: float = 1e-3,
        max_iter: int = -1,
        scale_features: bool | Literal["jointly"] = True,
        precision: Literal["double", "single"] = "double",
        random_state: int | RandomState | None = None,
    ) -> None:
        super().__init__(
            kernel,
            feature_map,
            reps,
            n_qubits,
            bandwidth=bandwidth,
            scale_features=scale_features,
            precision=precision,
            random_state=random_state,
        )
        self.nu = nu
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn scaling, bandwidth and support vectors; ``y`` is ignored."""
        checked, weight = only_features(self, X, sample_weight)
        rows = distinct_rows(checked, None, weight)
        features, gram = self._learn_kernel(rows.X, rows.weight)
        solver = OneClassSVM(kernel="precomputed", nu=self.nu, tol=self.tol, max_iter=self.max_iter)
        solver.fit(gram, sample_weight=rows.weight)
        self.support_, self.n_iter_ = rows.first[solver.support_], solver.n_iter_
        self._expand(features[solver.support_], solver.dual_coef_.T, solver.intercept_)
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
