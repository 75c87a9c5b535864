"""Pauli coefficients of states that a circuit begins with, and derivatives by amplitudes that are parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator import pauli
from simulator.errors import ParameterError
from simulator.program.lowering import Start

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


def interleaved(x: NDArray[np.int64], z: NDArray[np.int64], num_qubits: int) -> NDArray[np.int64]:
    """Index of a Pauli coefficient from its masks: bits 2q and 2q + 1 are the x and z bit of qubit q."""
    out = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(z)), np.int64)
    for q in range(num_qubits):
        out |= (x >> q & 1) << 2 * q | (z >> q & 1) << 2 * q + 1
    return out


def product_states(starts: Sequence[Start], parameters: FloatArray, num_qubits: int) -> ComplexArray:
    """The states that ``starts`` prepare, other qubits being 0, shape (1 or B, 2**n)."""
    rows = len(parameters) if any(start.angles for start in starts) else 1
    index, values = np.zeros(1, np.int64), np.ones((rows, 1), complex)
    for start in starts:
        amplitudes = _amplitudes(start, parameters)[0]
        index = (index[:, None] | _scattered(start)).ravel()
        values = (values[:, :, None] * amplitudes[:, None, :]).reshape(rows, -1)
    out = np.zeros((rows, 1 << num_qubits), complex)
    out[:, index] = values
    return out


def coefficients(states: ComplexArray) -> FloatArray:
    """``<psi|P|psi>`` for every Pauli string, shape (B, 4**n), from states (B, 2**n)."""
    size = states.shape[1]
    j = np.arange(size)
    pairs = states[:, None, :] * states.conj()[:, j[None, :] ^ j[:, None]]  # [b, x, j]
    out = np.empty((len(states), size * size))
    out[:, _order(size)] = (_phases(size) * pauli.walsh_hadamard(pairs)).real
    return out


def derivatives(
    starts: Sequence[Start], parameters: FloatArray, states: ComplexArray, by_coefficient: FloatArray
) -> FloatArray:
    """Derivatives by the parameters (B, P) that are amplitudes, from those by the coefficients (B, 4**n)."""
    size = states.shape[1]
    j = np.arange(size)
    # the operator sum_P lambda_P P on the state: a transform over z, a shift by x
    columns = pauli.walsh_hadamard(_phases(size) * by_coefficient[:, _order(size)]) * states[:, None, :]
    image = np.zeros((len(by_coefficient), size), complex)
    for x in range(size):
        image[:, j ^ x] += columns[:, x]
    out = np.zeros(parameters.shape)
    n = size.bit_length() - 1
    for start in starts:
        if not start.angles:
            continue
        amplitudes, norms = _amplitudes(start, parameters)
        others = product_states([other for other in starts if other is not start], parameters, n)
        own = _scattered(start)
        by_amplitude = np.empty(amplitudes.shape)
        for k, bits in enumerate(own):  # the state is linear in each amplitude
            member = (j & own[-1]) == bits
            by_amplitude[:, k] = 2 * (image[:, member].conj() * others[:, j[member] ^ bits]).real.sum(axis=1)
        by_amplitude -= (by_amplitude * amplitudes).sum(axis=1, keepdims=True) * amplitudes
        by_amplitude /= norms
        for k, angle in enumerate(start.angles):
            for number, factor in angle.factors.items():
                out[:, number] += factor * by_amplitude[:, k]
    return out


def _amplitudes(start: Start, parameters: FloatArray) -> tuple[NDArray[np.float64], FloatArray]:
    """Normalised amplitudes (1 or B, 2**k) and their norms before that."""
    if start.amplitudes is not None:
        return start.amplitudes[None, :], np.ones((1, 1))  # type: ignore[return-value]
    raw = np.stack(
        [angle.constant + sum(parameters[:, k] * f for k, f in angle.factors.items()) for angle in start.angles], axis=1
    )
    norms = np.linalg.norm(raw, axis=1, keepdims=True)
    if not norms.all():
        row = int(np.flatnonzero(norms[:, 0] == 0)[0])
        raise ParameterError(f"amplitude encoding needs a sample that is not all zeros; row {row} is")
    return raw / norms, norms


def _scattered(start: Start) -> NDArray[np.int64]:
    index = np.arange(1 << len(start.qubits))
    return sum(((index >> k & 1) << q for k, q in enumerate(start.qubits)), np.zeros_like(index))


def _order(size: int) -> NDArray[np.int64]:
    """Index of the coefficient with masks x (rows) and z (columns)."""
    mask = np.arange(size)
    return interleaved(mask[:, None], mask[None, :], size.bit_length() - 1)


def _phases(size: int) -> ComplexArray:
    mask = np.arange(size)
    return 1j ** (np.bitwise_count(mask[:, None] & mask[None, :]) % 4)
