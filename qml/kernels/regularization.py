"""Corrections of measured kernel matrices: positive semidefiniteness, and depolarizing noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.names import choose

__all__ = ["METHODS", "mitigate_depolarizing", "nearest_psd"]

METHODS = ("threshold", "tikhonov", "correlation")
_ROUNDS = 1000


def nearest_psd(K: ArrayLike, method: str = "threshold") -> NDArray[Any]:
    """Return a positive semidefinite matrix near a symmetric one that has negative eigenvalues because of noise.

    Parameters
    ----------
    K : array-like, shape (n, n), symmetric
    method : {"threshold", "tikhonov", "correlation"}
        "threshold" sets negative eigenvalues to zero: the nearest matrix in the Frobenius norm. "tikhonov" adds a
        constant to the diagonal, which preserves eigenvectors and off-diagonal entries. "correlation" is the nearest
        matrix with the diagonal of K, by alternating projections.

    Returns
    -------
    ndarray, shape (n, n)

    References
    ----------
    Hubregtsen et al., arXiv:2105.02276, section V; Higham, IMA J. Numer. Anal. 22, 329 (2002), for "correlation".

    Examples
    --------
    >>> nearest_psd([[1.0, 2.0], [2.0, 1.0]])
    array([[1.5, 1.5],
           [1.5, 1.5]])
    """
    method = choose("regularization", method, METHODS)
    matrix = _symmetric(K)
    if method == "tikhonov":
        least = np.linalg.eigvalsh(matrix)[0]
        return matrix if least >= 0 else matrix - least * np.eye(len(matrix), dtype=matrix.dtype)
    if method == "threshold":
        return _thresholded(matrix)
    diagonal, correction, iterate = np.diag(matrix).copy(), np.zeros_like(matrix), matrix
    for _ in range(_ROUNDS):
        shifted = iterate - correction
        positive = _thresholded(shifted)
        correction = positive - shifted
        change = np.abs(np.diag(positive) - diagonal).max(initial=0.0)
        iterate = positive.copy()
        np.fill_diagonal(iterate, diagonal)
        if change <= 1e-10:
            break
    scale = np.sqrt(diagonal / np.diag(positive))
    return positive * scale[:, None] * scale


def mitigate_depolarizing(K: ArrayLike, num_qubits: int) -> NDArray[Any]:
    """Undo depolarizing noise, with its strength estimated from the measured diagonal.

    Noise of rate lambda turns a fidelity k into ``(1 - lambda) k + lambda / 2**n``, so a diagonal entry gives the rate
    of its sample, and a pair has the geometric mean.

    Parameters
    ----------
    K : array-like, shape (n, n), symmetric
        Kernel matrix with its measured diagonal.
    num_qubits : int

    Returns
    -------
    ndarray, shape (n, n)
        Corrected matrix with ones on its diagonal.

    References
    ----------
    Hubregtsen et al., arXiv:2105.02276, section V B.
    """
    matrix = _symmetric(K)
    floor = 0.5**num_qubits
    survival = (np.diag(matrix) - floor) / (1 - floor)  # 1 - lambda
    if (survival <= 0).any():
        row = int(np.argmax(survival <= 0))
        raise ValueError(
            f"the diagonal must be above {floor}, that of the fully mixed state of {num_qubits} qubits; "
            f"entry {row} is {matrix[row, row]}"
        )
    both = np.sqrt(np.outer(survival, survival))
    return (matrix - (1 - both) * floor) / both


def _symmetric(K: ArrayLike) -> NDArray[Any]:
    matrix = np.asarray(K)
    if matrix.dtype != np.float32:
        matrix = matrix.astype(np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a kernel matrix of shape (n, n) expected, got {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("the kernel matrix contains NaN or infinity")
    if not np.allclose(matrix, matrix.T, atol=1e-6):
        raise ValueError(f"a symmetric matrix expected, got one that differs by {np.abs(matrix - matrix.T).max():.3g}")
    return matrix


def _thresholded(matrix: NDArray[Any]) -> NDArray[Any]:
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= 0:
        return matrix
    root = vectors[:, values > 0] * np.sqrt(values[values > 0])
    return root @ root.T  # type: ignore[no-any-return]
