"""Principal components in the kernel's feature space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import KernelPCA

from qml.estimators.kernel_methods.kernel_estimator import KernelEstimator
from qml.estimators.kernel_methods.training_data import only_features
from simulator.backends.trait import Backend, Folder

__all__ = ["QuantumKernelPCA", "principal_components"]

Array = NDArray[np.float64]


@dataclass(eq=False, repr=False)
class NumComponents:
    """First positional argument of a constructor: fields of the last base class come first."""

    n_components: int | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class QuantumKernelPCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, KernelEstimator, NumComponents):
    """Principal components in the feature space of a quantum kernel: scikit-learn's `KernelPCA` on a Gram matrix.

    Parameters
    ----------
    n_components : int, optional
        Number of components; by default all with a non-zero eigenvalue.
    kernel, feature_map, reps, n_qubits, bandwidth, scale_features, entangled, precision, random_state
        As in `QuantumKernelClassifier`. Without labels, ``"trained"`` is not available.
    eigen_solver : {"auto", "dense", "arpack", "randomized"}
        As in `KernelPCA`.

    Attributes
    ----------
    eigenvalues_ : float ndarray, shape (n_components,)
        Eigenvalues of the centred Gram matrix, in decreasing order.
    kernel_, scaling_, basis_, coefficients_, intercept_, n_features_in_, feature_names_in_
        As in `QuantumKernelClassifier`.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(20, 3))
    >>> QuantumKernelPCA(2).fit_transform(X).shape
    (20, 2)
    """

    eigen_solver: Literal["auto", "dense", "arpack", "randomized"] = "auto"

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn scaling, bandwidth and components; ``y`` is ignored."""
        checked, weight = only_features(self, X)
        basis, gram = self._learn_kernel(checked, weight)
        solver = KernelPCA(
            self.n_components,
            kernel="precomputed",
            eigen_solver=self.eigen_solver,
            remove_zero_eig=True,
            random_state=self.random_state,
        )
        self.eigenvalues_ = solver.fit(gram).eigenvalues_
        self._expand(basis, *principal_components(solver, gram))
        return self

    def transform(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Project samples on the components, shape (n_samples, n_components).

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Backend that measures kernel entries, see `plan`; by default the kernel's.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
        """
        return self._outputs(X, backend, resume)

    @property
    def _n_features_out(self) -> int:
        return self.coefficients_.shape[1]


def principal_components(solver: KernelPCA, gram: Array) -> tuple[Array, Array]:
    """Coefficients (n_samples, n_components) and intercept (n_components,) that map kernel rows to components.

    A row of the centred kernel is ``k - mean(k) - column means + total mean``; the coefficients of a component sum to
    0, so the mean of the row cancels.
    """
    coefficients = solver.eigenvectors_ / np.sqrt(solver.eigenvalues_)
    coefficients = coefficients - coefficients.mean(axis=0)
    return coefficients, -gram.mean(axis=0) @ coefficients
