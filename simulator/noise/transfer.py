"""Pauli transfer matrices: the action of gates and channels on expectations of Pauli strings.

A density matrix of n qubits is held as the 4**n real numbers ``r[i] = tr(P_i rho)``; a gate or channel on k of the
qubits is then a real matrix ``R[i, j] = tr(P_i E(P_j)) / 2**k``. Bits 2q and 2q + 1 of an index are the x and z bit
of qubit q's Pauli: 0 to 3 are I, X, Z and Y.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator import gates, pauli
from simulator.errors import GateError

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

_ONE_QUBIT = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 0], [0, -1]], [[0, -1j], [1j, 0]]])
MAX_GATE_QUBITS = 4  # maximum number of qubits of a transfer matrix (4**4 rows); wider gates are decomposed


@functools.cache
def pauli_basis(num_qubits: int) -> ComplexArray:
    """Return all Pauli strings, shape (4**k, 2**k, 2**k), in the order of the transfer matrices' indices."""
    out = np.ones((1, 1, 1), complex)
    for _ in range(num_qubits):
        out = np.einsum("aij,bkl->abikjl", _ONE_QUBIT, out).reshape(4 * len(out), 2 * out.shape[1], -1)
    return out


def transfer_matrix(kraus: ComplexArray) -> FloatArray:
    """Compute the transfer matrix, shape (4**k, 4**k), of Kraus operators, shape (m, 2**k, 2**k)."""
    dimension = kraus.shape[-1]
    paulis = pauli_basis(dimension.bit_length() - 1)
    images = np.einsum("mab,jbc,mdc->jad", kraus, paulis, kraus.conj(), optimize=True)
    return np.einsum("iab,jba->ij", paulis, images, optimize=True).real / dimension


def choi_matrix(transfer: FloatArray) -> ComplexArray:
    """Compute the Choi matrix ``sum_ab E(|a><b|) (x) |a><b|``, shape (4**k, 4**k), positive for a positive map."""
    paulis = pauli_basis((len(transfer).bit_length() - 1) // 2)
    d = paulis.shape[1]
    out = np.einsum("ij,iab,jdc->acbd", transfer, paulis, paulis, optimize=True) / d
    return out.reshape(d * d, d * d)


@functools.lru_cache(maxsize=4096)
def fixed_transfer(gate: gates.Gate) -> FloatArray:
    """Compute the transfer matrix of a gate without angles."""
    return transfer_matrix(gate.matrix()[None])


@functools.lru_cache(maxsize=1024)
def rotation_series(gate: gates.Rotation) -> tuple[FloatArray, FloatArray]:
    """Express the transfer matrix of a rotation as a trigonometric polynomial of its angle.

    Returns
    -------
    frequencies : float64 ndarray, shape (f,)
        Distinct gaps of the generator's spectrum, without 0.
    matrices : float64 ndarray, shape (1 + 2 f, 4**k, 4**k)
        ``R(t) = matrices[0] + sum_f cos(frequencies[f] t) matrices[1 + f] + sin(...) matrices[1 + F + f]``.
    """
    values, vectors = gate.spectrum
    split = len(gate.controls)
    if split:  # the gate is the identity if the controls do not have their required values
        size = 1 << gate.num_qubits
        active = (np.arange(len(values)) << split) + sum(v << k for k, v in enumerate(gate.controls))
        all_values, all_vectors = np.zeros(size), np.eye(size, dtype=complex)
        all_values[active] = values
        all_vectors[np.ix_(active, active)] = vectors
        values, vectors = all_values, all_vectors
    paulis = pauli_basis(gate.num_qubits)
    elements = np.einsum("db,pde,ea->pab", vectors.conj(), paulis, vectors, optimize=True)
    gaps = np.round(values[:, None] - values[None, :], 12)
    frequencies = np.unique(gaps[gaps > 0])
    out = np.empty((1 + 2 * len(frequencies), len(paulis), len(paulis)))
    for f, gap in enumerate([0.0, *frequencies]):
        terms = elements[:, gaps == gap]  # the terms exp(-i gap t) of these pairs of eigenvectors
        matrix = terms @ terms.conj().T / len(values)
        if f == 0:
            out[0] = matrix.real
        else:
            out[f], out[f + len(frequencies)] = 2 * matrix.real, 2 * matrix.imag
    return frequencies, out


def rotation_terms(frequencies: FloatArray, angles: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute the coefficients of a series' matrices at angles (B,), and their derivatives, each (B, 1 + 2 f)."""
    phases = np.multiply.outer(angles, frequencies)
    cosines, sines = np.cos(phases), np.sin(phases)
    ones = np.ones((len(phases), 1))
    return (
        np.concatenate([ones, cosines, sines], axis=1),
        np.concatenate([0 * ones, -frequencies * sines, frequencies * cosines], axis=1),
    )


def embed(matrix: FloatArray, positions: Sequence[int], num_qubits: int) -> FloatArray:
    """Embed transfer matrices (..., 4**k, 4**k) on ``positions`` into ``num_qubits`` qubits."""
    k = len(positions)
    if tuple(positions) == tuple(range(num_qubits)):
        return matrix
    others = [q for q in range(num_qubits) if q not in positions]
    place = np.argsort([*positions, *others])  # digit d of the result's index comes from digit place[d] of the product
    source = pauli.spread(np.arange(4**num_qubits), [2 * int(p) + bit for p in place for bit in (0, 1)])
    low, high = source & (4**k - 1), source >> 2 * k
    return np.where(high[:, None] == high[None, :], matrix[..., low[:, None], low[None, :]], 0.0)


def check_width(gate: gates.Gate) -> None:
    """Raise an error if a dense gate is too wide for a transfer matrix."""
    if gate.num_qubits > MAX_GATE_QUBITS:
        raise GateError(
            f"{gate.name}: a density matrix takes dense gates on up to {MAX_GATE_QUBITS} qubits, got {gate.num_qubits}"
        )
