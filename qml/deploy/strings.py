"""Pauli strings and matrices on the amplitudes of small circuits, in the engine's stored basis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.program.levels import Dense

__all__ = [
    "dense_matrix",
    "distinct_columns",
    "joint_eigenbasis",
    "rotated",
    "string_expectations",
    "string_permutation",
    "string_times",
    "with_powers",
]

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


def string_permutation(x: int, z: int, size: int, times: complex = 1.0) -> tuple[NDArray[np.int64], Array]:
    """Return a Pauli string as a permutation with signs of the real parts, then the imaginary parts, of a state.

    Parameters
    ----------
    x, z : int
        Masks.
    size : int
        Twice the number of amplitudes.
    times : {1, 1j, -1, -1j}
        Factor of the string.

    Returns
    -------
    places : int64 ndarray, shape (size,)
    signs : float ndarray, shape (size,)
        Entry i of the product is ``signs[i]`` times entry ``places[i]`` of the state.
    """
    half = size // 2
    flipped = np.arange(half) ^ x
    signs = 1.0 - 2.0 * (np.bitwise_count(flipped & z) & 1)
    factor = times * 1j ** ((x & z).bit_count() % 4)
    if abs(factor.real) > 0.5:
        return np.concatenate([flipped, half + flipped]), factor.real * np.concatenate([signs, signs])
    return np.concatenate([half + flipped, flipped]), factor.imag * np.concatenate([-signs, signs])


def with_powers(table: NDArray[np.int64], times: int = 0) -> NDArray[np.int64]:
    """Return a table of X masks, Z masks and further columns, with a column after the masks for the strings' factors.

    A string flips bits and changes signs, times ``i**power``; ``times`` is added to the power, modulo 4.
    """
    powers = (np.bitwise_count(table[:, 0] & table[:, 1]) + times) % 4
    return np.insert(table, 2, powers, axis=1)


def rotated(state: Array, cosines: Array, sines: Array, table: NDArray[np.int64]) -> Array:
    """Apply ``cosine - i sine P`` to states, for one Pauli string P after the other.

    Parameters
    ----------
    state : float ndarray, shape (n_samples, 2 * 2**n)
        Real parts, then imaginary parts.
    cosines, sines : float ndarray, shape (n_samples, n_values)
    table : int64 ndarray, shape (n_strings, 3)
        X mask, Z mask, and place of cosine and sine.
    """
    columns = _amplitudes(state)
    for x, z, place in table.tolist():
        columns = cosines[:, place] * columns - 1j * sines[:, place] * string_times(x, z, columns)
    return np.concatenate([columns.real, columns.imag]).T


def string_expectations(state: Array, masks: NDArray[np.int64]) -> Array:
    """Return the expectation values of Pauli strings, shape (n_samples, n_strings); the state is as in `rotated`."""
    columns = _amplitudes(state)
    values = [(columns.conj() * string_times(x, z, columns)).sum(axis=0).real for x, z in masks.tolist()]
    return np.stack(values, axis=1)


def _amplitudes(state: Array) -> Matrix:
    size = state.shape[1] // 2
    return np.ascontiguousarray((state[:, :size] + 1j * state[:, size:]).T)


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
