"""Pauli strings and matrices on the amplitudes of small circuits, in the engine's stored basis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.program.levels import Dense

__all__ = ["dense_matrix", "distinct_columns", "joint_eigenbasis", "string_times"]

Array = NDArray[np.float64]
Matrix = NDArray[np.complex128]

SEED = 7
"""Seed of the coefficients with which commuting strings are added to be diagonalised together."""


def joint_eigenbasis(strings: Sequence[tuple[int, int]], num_qubits: int) -> tuple[Matrix | None, Array]:
    """Diagonalise commuting Pauli strings together.

    Returns
    -------
    basis : complex ndarray, shape (2**n, 2**n), or None
        Eigenvectors as columns; None if the strings are diagonal already.
    signs : float ndarray, shape (n_strings, 2**n)
        Eigenvalue, 1 or -1, of each string on each vector.
    """
    identity = np.eye(1 << num_qubits, dtype=complex)
    if not any(x for x, _ in strings):
        index = np.arange(1 << num_qubits)
        return None, np.array([1.0 - 2.0 * (np.bitwise_count(index & z) & 1) for _, z in strings])
    matrices = [string_times(x, z, identity) for x, z in strings]
    factors = np.random.default_rng(SEED).uniform(1.0, 2.0, len(strings))
    _, basis = np.linalg.eigh(sum(factor * matrix for factor, matrix in zip(factors, matrices, strict=True)))
    signs = np.array([np.einsum("ij,ij->j", basis.conj(), matrix @ basis).real for matrix in matrices])
    return basis, np.rint(signs)


def string_times(x: int, z: int, columns: Matrix) -> Matrix:
    """Multiply columns by a Pauli string: ``P|i> = i**|x & z| (-1)**|i & z| |i ^ x>``."""
    index = np.arange(len(columns))
    signs = 1.0 - 2.0 * (np.bitwise_count((index ^ x) & z) & 1)
    return np.asarray(1j ** ((x & z).bit_count() % 4) * signs[:, None] * columns[index ^ x])


def dense_matrix(dense: Dense, num_qubits: int) -> Matrix:
    """Return a matrix on some qubits, given by the masks of their X and Z, on all stored amplitudes."""
    index = np.arange(1 << num_qubits)
    local = np.zeros_like(index)
    for k, mask in enumerate(dense.zs):
        local |= (np.bitwise_count(index & mask).astype(np.intp) & 1) << k
    out = np.zeros((len(index), len(index)), complex)
    for a in range(len(dense.matrix)):
        flipped = index.copy()
        for k, mask in enumerate(dense.xs):
            flipped ^= mask * ((a ^ local) >> k & 1)
        out[flipped, index] += dense.matrix[a, local]
    return out


def distinct_columns(angles: Array) -> tuple[Array, NDArray[np.intp], Array]:
    """Return the distinct columns up to the sign, the place of each column among them, and its sign."""
    rounded = np.round(angles, 14)
    first = np.abs(rounded).argmax(axis=0)
    signs = np.where(rounded[first, np.arange(angles.shape[1])] < 0, -1.0, 1.0)
    _, firsts, places = np.unique(rounded * signs + 0.0, axis=1, return_index=True, return_inverse=True)
    return angles[:, firsts] * signs[firsts], places.ravel(), signs
