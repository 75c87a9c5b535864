"""Clustering."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClusterMixin
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.decomposition import KernelPCA
from sklearn.exceptions import ConvergenceWarning

from qml.estimators.kernel_methods.components import principal_components
from qml.estimators.kernel_methods.distinct_rows import distinct_rows
from qml.estimators.kernel_methods.kernel_estimator import KernelEstimator
from qml.estimators.kernel_methods.training_data import only_features

__all__ = ["QuantumKernelKMeans", "QuantumSpectralClustering"]

Array = NDArray[np.float64]


@dataclass(eq=False, repr=False)
class NumClusters:
    """First positional argument of a constructor: fields of the last base class come first."""

    n_clusters: int = 8


@dataclass(eq=False, repr=False, kw_only=True)
class KernelClustering(ClusterMixin, KernelEstimator, NumClusters):
    """Base of the clusterings, which start k-means several times."""

    n_init: int = 10


@dataclass(eq=False, repr=False, kw_only=True)
class QuantumKernelKMeans(KernelClustering):
    """k-means in the feature space of a quantum kernel: scikit-learn's `KMeans` on all kernel principal components.

    Distances in these coordinates equal those in the feature space, so this is exactly kernel k-means.

    Parameters
    ----------
    n_clusters : int
    kernel, feature_map, reps, n_qubits, bandwidth, scale_features, entangled, precision
        As in `QuantumKernelClassifier`. Without labels, ``"trained"`` is not available.
    n_init : int
        Number of random initialisations; the best result is kept.
    max_iter, tol
        As in `KMeans`.
    random_state : int, RandomState or None
        Seed for the initial centres.

    Attributes
    ----------
    labels_ : int ndarray, shape (n_samples,)
    inertia_ : float
        Sum of squared distances in feature space to the nearest centre.
    n_iter_ : int
    kernel_, scaling_, basis_, coefficients_, intercept_, n_features_in_, feature_names_in_
        As in `QuantumKernelClassifier`; outputs increase as a cluster's centre gets nearer.

    References
    ----------
    Dhillon, Guan and Kulis, Kernel k-means, spectral clustering and normalized cuts (2004).

    Examples
    --------
    >>> X = np.array([[0.0, 0.1], [0.1, 0.0], [3.0, 3.1], [3.1, 3.0]])
    >>> labels = QuantumKernelKMeans(2, random_state=0).fit_predict(X)
    >>> labels[0] == labels[1] != labels[2] == labels[3]
    np.True_
    """

    max_iter: int = 300
    tol: float = 1e-4

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn scaling, bandwidth and clusters; ``y`` is ignored."""
        checked, weight = only_features(self, X, sample_weight)
        rows = distinct_rows(checked, None, weight)
        basis, gram = self._learn_kernel(rows.X, rows.weight)
        components = KernelPCA(kernel="precomputed", eigen_solver="dense", remove_zero_eig=True).fit(gram)
        num_clusters = min(self.n_clusters, len(rows.X))
        if num_clusters < self.n_clusters:
            warnings.warn(
                f"n_clusters={self.n_clusters}, but there are only {num_clusters} distinct rows: as many clusters",
                ConvergenceWarning,
                stacklevel=2,
            )
        solver = KMeans(
            num_clusters, n_init=self.n_init, max_iter=self.max_iter, tol=self.tol, random_state=self.random_state
        )
        positions = components.eigenvectors_ * np.sqrt(components.eigenvalues_)
        if not positions.shape[1]:  # all rows are equal: KMeans needs at least one column
            positions = np.zeros((len(positions), 1))
        solver.fit(positions, sample_weight=rows.weight)
        self.inertia_, self.n_iter_ = float(solver.inertia_), solver.n_iter_
        # |z - c|^2 is smallest where z.c - |c|^2 / 2 is largest, and that is linear in the kernel's rows
        centers = solver.cluster_centers_.T[: len(components.eigenvalues_)]
        coefficients, intercept = principal_components(components, gram)
        self._expand(basis, coefficients @ centers, intercept @ centers - np.sum(centers**2, axis=0) / 2)
        self.labels_ = self.predict(X)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.int32]:
        """Predict the cluster with the nearest centre, shape (n_samples,)."""
        return self._outputs(X).argmax(axis=1).astype(np.int32)


@dataclass(eq=False, repr=False, kw_only=True)
class QuantumSpectralClustering(KernelClustering):
    """Spectral clustering with a quantum kernel as affinity: scikit-learn's `SpectralClustering` on a Gram matrix.

    Parameters
    ----------
    n_clusters : int
    kernel, feature_map, reps, n_qubits, bandwidth, scale_features, entangled, precision
        As in `QuantumKernelClassifier`; a kernel with negative values is not an affinity. Without labels,
        ``"trained"`` is not available.
    n_components : int, optional
        Number of eigenvectors; by default ``n_clusters``.
    assign_labels : {"kmeans", "discretize", "cluster_qr"}
    n_init : int
        Number of random initialisations of k-means.
    random_state : int, RandomState or None
        Seed for the eigenvectors and k-means.

    Attributes
    ----------
    labels_ : int ndarray, shape (n_samples,)
    affinity_matrix_ : float ndarray, shape (n_samples, n_samples)
        The Gram matrix.
    kernel_, scaling_, n_features_in_, feature_names_in_
        As in `QuantumKernelClassifier`.

    Examples
    --------
    >>> X = np.array([[0.0, 0.1], [0.1, 0.0], [3.0, 3.1], [3.1, 3.0]])
    >>> labels = QuantumSpectralClustering(2, random_state=0).fit_predict(X)
    >>> labels[0] == labels[1] != labels[2] == labels[3]
    np.True_
    """

    n_components: int | None = None
    assign_labels: Literal["kmeans", "discretize", "cluster_qr"] = "kmeans"

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn scaling, bandwidth and clusters; ``y`` is ignored."""
        checked, weight = only_features(self, X)
        _, gram = self._learn_kernel(checked, weight)
        if gram.min() < 0:
            raise ValueError(
                f"spectral clustering needs a kernel without negative values, kernel={self.kernel!r} has {gram.min():g}"
            )
        solver = SpectralClustering(
            self.n_clusters,
            affinity="precomputed",
            n_components=self.n_components,
            assign_labels=self.assign_labels,
            n_init=self.n_init,
            random_state=self.random_state,
        )
        self.labels_ = solver.fit(gram).labels_
        self.affinity_matrix_ = gram
        return self
