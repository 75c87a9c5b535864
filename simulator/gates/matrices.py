"""Validation of matrices and amplitudes, and embedding of matrices into more qubits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import pauli
from simulator.errors import GateError
from simulator.gates.trait import ComplexMatrix
from simulator.precision import tolerance_for

_SQUARES_VANISH, _SQUARES_OVERFLOW = 1e-140, 1e140  # norms beyond which squared amplitudes may under- or overflow


def normalized(name: str, amplitudes: ArrayLike, normalize: bool) -> NDArray[np.complex128]:
    """Convert ``amplitudes`` to a complex vector of norm 1 with a power of two as length, or raise a GateError."""
    try:
        out: NDArray[np.complex128] = np.array(amplitudes, np.complex128)
    except (TypeError, ValueError):
        raise GateError(f"{name}: amplitudes are numbers") from None
    if out.ndim != 1 or not is_power_of_two(len(out)):
        raise GateError(f"{name}: amplitudes has shape (2**k,), got {out.shape}")
    if not np.isfinite(out).all():
        raise GateError(f"{name}: amplitudes contain NaN or infinity")
    unit, norm = unit_vectors(out)
    if norm == 0:
        raise GateError(f"{name}: all amplitudes are zero")
    if not normalize and abs(norm - 1) > tolerance_for(amplitudes):
        raise GateError(f"{name}: amplitudes have norm {norm:.9g}, expected 1 (normalize=True divides by it)")
    return unit


def unit_vectors(vectors: NDArray[Any]) -> tuple[NDArray[Any], Any]:
    """Divide vectors of any magnitude by their norms, without overflow or underflow of squares; also the norms.

    Parameters
    ----------
    vectors : float64 or complex128 ndarray, shape (k,) or (n, k), contiguous

    Returns
    -------
    unit : ndarray
        Normalised vectors of the same shape; a zero vector remains zero.
    norms : float, or float64 ndarray of shape (n, 1)
    """
    axis = None if vectors.ndim == 1 else 1
    with np.errstate(over="ignore", under="ignore"):
        norms = np.linalg.norm(vectors, axis=axis, keepdims=axis is not None)
    if np.min(norms) > _SQUARES_VANISH and np.max(norms) < _SQUARES_OVERFLOW:
        return vectors / norms, norms
    parts = vectors.view(np.float64)
    exponents = np.frexp(np.abs(parts).max(axis=-1, keepdims=True))[1]
    scaled = np.ldexp(parts, -exponents).view(vectors.dtype)  # scaling by a power of two is exact
    norms = np.linalg.norm(scaled, axis=-1, keepdims=True)
    unit = scaled / np.where(norms == 0, 1.0, norms)
    with np.errstate(over="ignore"):
        norms = np.ldexp(norms, exponents)
    return unit, norms if axis else float(norms[0])


def embed(matrix: ComplexMatrix, positions: Sequence[int], num_qubits: int) -> ComplexMatrix:
    """Embed ``matrix`` on the qubits ``positions`` into a matrix on ``num_qubits`` qubits."""
    k = len(positions)
    others = [q for q in range(num_qubits) if q not in positions]
    order = [*positions, *others]  # bit b of the product's index is qubit order[b]
    big = np.kron(np.eye(1 << len(others)), matrix) if k else matrix[0, 0] * np.eye(1 << num_qubits)
    index = pauli.gather(np.arange(1 << num_qubits), order)
    return np.asarray(big[np.ix_(index, index)])


def square_matrix(name: str, matrix: ArrayLike) -> ComplexMatrix:
    """Convert ``matrix`` to a finite complex array of shape (2**k, 2**k), or raise a GateError naming the gate."""
    if not isinstance(name, str) or not name:
        raise GateError(f"the name of a gate must be a non-empty string, got {name!r}")
    try:
        out: ComplexMatrix = np.array(matrix, np.complex128)
    except (TypeError, ValueError):
        raise GateError(f"{name}: the matrix is not numeric") from None
    if out.ndim != 2 or out.shape[0] != out.shape[1] or not is_power_of_two(len(out)):
        raise GateError(f"{name}: a matrix of shape (2**k, 2**k) is expected, got {out.shape}")
    if not np.isfinite(out).all():
        raise GateError(f"{name}: the matrix contains NaN or infinity")
    return np.asarray(out + 0.0, np.complex128)  # removes negative zeros, so that equal matrices have equal bytes


def is_power_of_two(size: int) -> bool:
    """Whether ``size`` is a power of two: 1, 2, 4, ..."""
    return size > 0 and size & (size - 1) == 0


def log2(size: int) -> int:
    """Return the exponent of a power of two."""
    return size.bit_length() - 1
