"""Pauli coefficients of initial states, and derivatives with respect to amplitudes that are parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator import pauli
from simulator.program.starts import Start, amplitude_derivatives

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


def interleaved(x: NDArray[np.int64], z: NDArray[np.int64], num_qubits: int) -> NDArray[np.int64]:
    """Compute the index of a Pauli coefficient from its masks: bits 2q and 2q + 1 are the x and z bit of qubit q."""
    return pauli.spread(x, range(0, 2 * num_qubits, 2)) | pauli.spread(z, range(1, 2 * num_qubits, 2))


def coefficients(states: ComplexArray) -> FloatArray:
    """Compute ``<psi|P|psi>`` for every Pauli string, shape (B, 4**n), from states (B, 2**n)."""
    size = states.shape[1]
    j = np.arange(size)
    pairs = states[:, None, :] * states.conj()[:, j[None, :] ^ j[:, None]]  # [b, x, j]
    out = np.empty((len(states), size * size))
    out[:, _order(size)] = (_phases(size) * pauli.walsh_hadamard(pairs)).real
    return out


def derivatives(
    starts: Sequence[Start], parameters: FloatArray, states: ComplexArray, by_coefficient: FloatArray
) -> FloatArray:
    """Map derivatives with respect to coefficients (B, 4**n) to those with respect to amplitude parameters (B, P)."""
    size = states.shape[1]
    j = np.arange(size)
    # applies sum_P lambda_P P to the state: a transform over z and a shift by x
    columns = pauli.walsh_hadamard(_phases(size) * by_coefficient[:, _order(size)]) * states[:, None, :]
    image = np.zeros((len(by_coefficient), size), complex)
    for x in range(size):
        image[:, j ^ x] += columns[:, x]
    return amplitude_derivatives(starts, parameters, np.zeros(0), image)


def _order(size: int) -> NDArray[np.int64]:
    """Return the index of the coefficient with masks x (rows) and z (columns)."""
    mask = np.arange(size)
    return interleaved(mask[:, None], mask[None, :], size.bit_length() - 1)


def _phases(size: int) -> ComplexArray:
    mask = np.arange(size)
    return 1j ** (np.bitwise_count(mask[:, None] & mask[None, :]) % 4)
