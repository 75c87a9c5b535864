"""Diagnostics of kernels: whether a kernel distinguishes samples, fits the labels, and differs from a classical one.

All are functions of the Gram matrix of any kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from qml.kernels import Kernel, get_kernel, kernel_target_alignment
from qml.settings import check_non_negative
from simulator.display import Preformatted
from simulator.masked import check_unmasked

__all__ = [
    "Concentration",
    "KernelInspection",
    "concentration",
    "effective_dimension",
    "geometric_difference",
    "inspect_kernel",
    "model_complexity",
    "spectrum",
]

Array = NDArray[np.float64]

SYMMETRY_TOLERANCE = 1e-5
"""Maximum difference between a matrix and its transpose, relative to the largest entry; single precision passes."""

PSD_TOLERANCE = 1e-5
"""Most negative eigenvalue, relative to the largest, that is attributed to rounding."""

NEARLY_IDENTITY = 0.8
NEARLY_CONSTANT = 0.99


def spectrum(K: ArrayLike) -> Array:
    """Compute the eigenvalues of a Gram matrix, divided by the number of samples, largest first, shape (n,).

    They estimate the eigenvalues of the kernel's integral operator. For a kernel with unit diagonal they sum to 1.
    """
    matrix = _gram("K", K)
    return np.linalg.eigvalsh(matrix)[::-1] / len(matrix)


def effective_dimension(K: ArrayLike, alpha: float = 1.0) -> float:
    """Compute the effective degrees of freedom of a kernel ridge regression, ``tr K (K + alpha I)^-1``.

    They are n / (1 + alpha) for the identity, which can fit any labels but learns nothing, and close to 1 for a
    constant kernel, which cannot distinguish samples.

    Parameters
    ----------
    K : array-like, shape (n, n)
    alpha : float, positive
        Regularization, as in scikit-learn's ``KernelRidge(alpha=...)``.

    References
    ----------
    Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, section 5.4.1.
    """
    check_non_negative("alpha", alpha)
    eigenvalues = np.asarray(np.linalg.eigvalsh(_gram("K", K)), np.float64)
    _check_psd("K", eigenvalues)
    eigenvalues = np.maximum(eigenvalues, 0.0)
    positive = eigenvalues[eigenvalues > 0]
    return float(np.sum(positive / (positive + alpha)))


def geometric_difference(K_classical: ArrayLike, K_quantum: ArrayLike, regularization: float = 0.0) -> float:
    """Compute the maximum advantage of a quantum kernel over a classical one, on the worst labels for the latter.

    ``g = sqrt ||sqrt(K_Q) sqrt(K_C) (K_C + lambda I)^-2 sqrt(K_C) sqrt(K_Q)||``, the spectral norm, both matrices
    scaled to trace n. If g is far below sqrt(n), the classical kernel predicts as well or better for any labels.
    If g is about sqrt(n), *some* labels separate the two; `model_complexity` tests particular labels.

    Parameters
    ----------
    K_classical, K_quantum : array-like, shape (n, n)
        Gram matrices of the same samples.
    regularization : float
        lambda. With 0, the classical matrix must be invertible.

    Raises
    ------
    ValueError
        If the classical matrix is singular and not regularized, or the shapes differ.

    References
    ----------
    Huang et al., "Power of data in quantum machine learning", arXiv:2011.01938.
    """
    check_non_negative("regularization", regularization)
    classical, quantum = _unit_trace("K_classical", K_classical), _unit_trace("K_quantum", K_quantum)
    if classical.shape != quantum.shape:
        raise ValueError(f"both matrices must be of the same samples, got {classical.shape} and {quantum.shape}")
    eigenvalues, vectors = np.linalg.eigh(classical)
    _check_psd("K_classical", eigenvalues)
    shrinkage = _shrinkage(eigenvalues, regularization)
    root = vectors * np.sqrt(shrinkage)
    return float(np.sqrt(max(np.linalg.eigvalsh(root.T @ quantum @ root)[-1], 0.0)))


def model_complexity(K: ArrayLike, y: ArrayLike, regularization: float = 0.0) -> float:
    """Compute the model complexity ``s = y^T (K + lambda I)^-1 K (K + lambda I)^-1 y``, with K scaled to trace n.

    The error on new samples is bounded by a multiple of ``sqrt(s / n)``, so the kernel with the smaller s is the better
    guess, and an s of about n or more guarantees nothing. Without regularization it is ``y^T K^-1 y``.

    Parameters
    ----------
    K : array-like, shape (n, n)
    y : array-like of numbers, shape (n,)
        Targets; for two classes, -1 and 1.
    regularization : float
        lambda. With 0, the matrix must be invertible.

    References
    ----------
    Huang et al., arXiv:2011.01938.
    """
    check_non_negative("regularization", regularization)
    matrix, targets = _unit_trace("K", K), np.asarray(y, np.float64)
    if targets.shape != (len(matrix),):
        raise ValueError(f"y must have one number per sample, shape ({len(matrix)},), got {targets.shape}")
    eigenvalues, vectors = np.linalg.eigh(matrix)
    _check_psd("K", eigenvalues)
    return float(np.sum(_shrinkage(eigenvalues, regularization) * (vectors.T @ targets) ** 2))


@dataclass(frozen=True)
class Concentration(Preformatted):
    """Concentration of a kernel's entries around one value with an increasing number of features and qubits.

    Parameters
    ----------
    num_features : int ndarray, shape (k,)
    means, deviations : float ndarray, shape (k,)
        Means and standard deviations of the off-diagonal entries.
    """

    num_features: NDArray[np.intp]
    means: Array
    deviations: Array

    @property
    def decay(self) -> float:
        """Factor by which each further feature multiplies the deviation: well below 1 is exponential concentration."""
        slope = np.polyfit(self.num_features, np.log(np.maximum(self.deviations, np.finfo(float).tiny)), 1)[0]
        return float(np.exp(slope))

    def __str__(self) -> str:
        rows = [
            f"{count:8d}  {mean:9.2e}  {deviation:9.2e}"
            for count, mean, deviation in zip(self.num_features, self.means, self.deviations, strict=True)
        ]
        return "\n".join(
            ["features       mean  deviation", *rows, f"each feature multiplies the deviation by {self.decay:.2f}"]
        )


def concentration(kernel: str | Kernel, X: ArrayLike, num_features: Sequence[int] | None = None) -> Concentration:
    """Compute mean and deviation of a kernel's entries for the first 2, 3, ... columns of X.

    If both decrease exponentially, the matrix approaches the identity: a quantum computer would need exponentially many
    shots to resolve anything else, and a model built on it only memorises its samples.

    Parameters
    ----------
    kernel : str or Kernel
        See `qml.kernels.get_kernel`. It is fitted for each number of columns.
    X : array-like, shape (n_samples, n_features)
        Features, scaled for the kernel.
    num_features : sequence of int, optional
        Numbers of columns, at least two different ones; by default from 2 to all.

    References
    ----------
    Thanasilp et al., "Exponential concentration in quantum kernel methods", arXiv:2208.11060.
    """
    check_unmasked(X, "X")
    features = np.asarray(X, np.float64)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"X must have shape (n_samples, n_features) with at least 2 samples, got {features.shape}")
    counts = list(range(2, features.shape[1] + 1) if num_features is None else num_features)
    if len(set(counts)) < 2 or min(counts) < 1 or max(counts) > features.shape[1]:
        raise ValueError(f"num_features expects at least two of 1 ... {features.shape[1]} (columns of X), got {counts}")
    entries = []
    for count in counts:
        columns = features[:, :count]
        entries.append(_off_diagonal(np.asarray(clone(get_kernel(kernel)).fit(columns)(columns), np.float64)))
    means = np.array([values.mean() for values in entries])
    return Concentration(np.array(counts), means, np.array([values.std() for values in entries]))


@dataclass(frozen=True)
class KernelInspection(Preformatted):
    """Diagnostics of a Gram matrix; ``print`` it.

    Parameters
    ----------
    n_samples : int
    mean, deviation : float
        Mean and standard deviation of the off-diagonal entries, with the diagonal scaled to 1.
    largest_share, smallest_eigenvalue : float
        The largest eigenvalue's share of the trace; the smallest eigenvalue.
    alpha, effective_dimension : float
        See `effective_dimension`.
    alignment, centered_alignment : float or None
        Alignment with the labels, if any: see `qml.kernels.kernel_target_alignment`.
    """

    n_samples: int
    mean: float
    deviation: float
    largest_share: float
    smallest_eigenvalue: float
    alpha: float
    effective_dimension: float
    alignment: float | None
    centered_alignment: float | None

    @property
    def verdict(self) -> str:
        """Describe the kernel in a sentence, with advice."""
        if self.mean > NEARLY_CONSTANT:
            return "nearly constant: it does not distinguish samples; increase the bandwidth"
        if self.effective_dimension > NEARLY_IDENTITY * self.n_samples / (1 + self.alpha):
            return "nearly the identity: it sees no similarity between different samples; decrease the bandwidth"
        return "neither constant nor the identity"

    def __str__(self) -> str:
        limit = self.n_samples / (1 + self.alpha)
        lines = [
            f"samples              {self.n_samples}",
            f"off the diagonal     {self.mean:.3g} +- {self.deviation:.3g}",
            f"largest eigenvalue   {self.largest_share:.1%} of the trace",
            f"smallest eigenvalue  {self.smallest_eigenvalue:.2g}",
            f"effective dimension  {self.effective_dimension:.1f} (at most {limit:.1f}, at alpha = {self.alpha:g})",
        ]
        if self.alignment is not None:
            lines.append(f"alignment with y     {self.alignment:.3f}, centred {self.centered_alignment:.3f}")
        return "\n".join([*lines, self.verdict])


def inspect_kernel(K: ArrayLike, y: ArrayLike | None = None, alpha: float = 1.0) -> KernelInspection:
    """Summarise concentration, spectrum, effective dimension and alignment of a Gram matrix.

    Parameters
    ----------
    K : array-like, shape (n, n), n at least 2
        Gram matrix with a positive diagonal.
    y : array-like, shape (n,), optional
        Classes or numbers.
    alpha : float
        See `effective_dimension`.

    Examples
    --------
    >>> print(inspect_kernel(np.eye(4), y=[0, 0, 1, 1]))
    samples              4
    off the diagonal     0 +- 0
    largest eigenvalue   25.0% of the trace
    smallest eigenvalue  1
    effective dimension  2.0 (at most 2.0, at alpha = 1)
    alignment with y     0.500, centred 0.577
    nearly the identity: it sees no similarity between different samples; decrease the bandwidth
    """
    matrix = _gram("K", K)
    if len(matrix) < 2:
        raise ValueError("K must have at least 2 samples, got 1")
    diagonal = np.diag(matrix)
    if not (diagonal > 0).all():
        raise ValueError(f"K must have a positive diagonal, got {diagonal.min():g}")
    matrix = matrix / np.sqrt(np.outer(diagonal, diagonal))
    entries, eigenvalues = _off_diagonal(matrix), np.linalg.eigvalsh(matrix)
    return KernelInspection(
        n_samples=len(matrix),
        mean=float(entries.mean()),
        deviation=float(entries.std()),
        largest_share=float(eigenvalues[-1] / len(matrix)),
        smallest_eigenvalue=float(eigenvalues[0]),
        alpha=alpha,
        effective_dimension=effective_dimension(matrix, alpha),
        alignment=None if y is None else kernel_target_alignment(matrix, y, centered=False),
        centered_alignment=None if y is None else kernel_target_alignment(matrix, y),
    )


def _gram(name: str, matrix_like: Any) -> Array:
    """Return an exactly symmetric matrix of finite numbers."""
    matrix = np.asarray(matrix_like, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ValueError(f"{name} must be a square Gram matrix, got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} contains NaN or infinity")
    asymmetry = np.abs(matrix - matrix.T).max()
    if asymmetry > SYMMETRY_TOLERANCE * np.abs(matrix).max():
        raise ValueError(f"{name} must be symmetric, but entries differ from the transposed ones by {asymmetry:.2g}")
    return (matrix + matrix.T) / 2


def _unit_trace(name: str, matrix_like: Any) -> Array:
    """Return a Gram matrix scaled to trace n."""
    matrix = _gram(name, matrix_like)
    trace = np.trace(matrix)
    if not trace > 0:
        raise ValueError(f"{name} must have a positive trace, got {trace:g}")
    return matrix * (len(matrix) / trace)


def _check_psd(name: str, eigenvalues: Array) -> None:
    """Raise if a matrix of these eigenvalues, in increasing order, is not positive semidefinite."""
    if eigenvalues[0] < -PSD_TOLERANCE * np.abs(eigenvalues).max():
        raise ValueError(
            f"{name} must be positive semidefinite, got eigenvalues from {eigenvalues[0]:.2g} to {eigenvalues[-1]:.2g} "
            "(qml.kernels.nearest_psd makes it so)"
        )


def _shrinkage(eigenvalues: Array, regularization: float) -> Array:
    """Compute ``e / (e + lambda)^2`` for eigenvalues e, and zero if both vanish."""
    if regularization == 0 and eigenvalues[0] <= len(eigenvalues) * np.finfo(float).eps * eigenvalues[-1]:
        raise ValueError(
            f"the matrix is singular (eigenvalues from {eigenvalues[0]:.2g} to {eigenvalues[-1]:.2g} at trace n), so "
            "regularization must be above 0; are there equal samples?"
        )
    positive = np.maximum(eigenvalues, 0.0)
    return positive / (positive + regularization) ** 2


def _off_diagonal(matrix: Array) -> Array:
    return matrix[np.triu_indices(len(matrix), 1)]
