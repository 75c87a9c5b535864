"""Initial amplitudes of a circuit: numbers, or parameters that are normalised for each sample.

Samples are rows of ``X``; parameter k of an amplitude is column k of ``X``, then entry k - n_inputs of ``weights``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import pauli
from simulator.errors import ParameterError
from simulator.gates.matrices import unit_vectors
from simulator.program.levels import Angle
from simulator.range_reduction import term

FloatArray = NDArray[np.float64]

_RUN = 1 << 20  # amplitudes computed at a time, which bounds temporary memory


@dataclass(slots=True)
class Start:
    """Initial amplitudes of some qubits, numbers or parameters."""

    qubits: tuple[int, ...]
    amplitudes: NDArray[np.complex128] | None
    angles: tuple[Angle, ...] = ()

    def normalised(
        self, X: FloatArray, weights: FloatArray, names: Sequence[object] = ()
    ) -> tuple[NDArray[Any], FloatArray]:
        """Normalised amplitudes, shape (1 or n_samples, 2**k), and the norms divided by, shape (1 or n_samples, 1).

        ``names`` are the parameters' names in error messages.

        Raises
        ------
        ParameterError
            If the amplitudes of a sample are all zero, or one is infinite.
        """
        if self.amplitudes is not None:
            return self.amplitudes[None, :], np.ones((1, 1))
        split = X.shape[1]
        raw = np.tile([angle.constant for angle in self.angles], (len(X), 1))
        terms = [list(angle.factors.items()) for angle in self.angles]
        for e in range(max(map(len, terms))):
            places = [j for j, listed in enumerate(terms) if len(listed) > e]
            numbers, factors = zip(*(terms[j][e] for j in places), strict=True)
            if max(numbers) < split:
                values = X[:, numbers]
            else:
                values = np.stack([X[:, k] if k < split else np.full(len(X), weights[k - split]) for k in numbers], 1)
            with np.errstate(over="ignore"):
                raw[:, places] += np.array(factors) * values
        if np.isinf(raw).any():
            for listed in terms:
                for k, factor in listed:
                    values = X[:, k] if k < split else weights[k - split]
                    term(factor, values, names[k] if names else f"number {k}")
            raise ParameterError("an amplitude is infinite: a sum of values of parameters overflows")
        unit, norms = unit_vectors(raw)
        if not norms.all():
            row = int(np.flatnonzero(norms[:, 0] == 0)[0])
            raise ParameterError(f"amplitude encoding needs a sample that is not all zeros; row {row} is")
        return unit, norms


def amplitude_runs(
    starts: Sequence[Start], X: FloatArray, weights: FloatArray, names: Sequence[object] = ()
) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Yield the amplitudes of a product of starts in chunks: indices (m,), values (1 or n_samples, m)."""
    factors = [start.normalised(X, weights, names)[0] for start in starts]
    count = math.prod(factor.shape[1] for factor in factors)
    for first in range(0, count, _RUN):
        number = np.arange(first, min(first + _RUN, count))
        index, values = np.zeros_like(number), np.ones((1, 1), complex)
        for start, factor in zip(starts, factors, strict=True):
            number, digit = np.divmod(number, factor.shape[1])
            index |= pauli.spread(digit, start.qubits)
            values = values * factor[:, digit]
        yield index, values


def product_states(
    starts: Sequence[Start], X: FloatArray, weights: FloatArray, num_qubits: int, names: Sequence[object] = ()
) -> NDArray[np.complex128]:
    """States that ``starts`` prepare, all other qubits being 0, shape (1 or n_samples, 2**num_qubits)."""
    rows = len(X) if any(start.angles for start in starts) else 1
    out = np.zeros((rows, 1 << num_qubits), complex)
    for index, values in amplitude_runs(starts, X[:rows], weights, names):
        out[:, index] = values
    return out


def amplitude_derivatives(
    starts: Sequence[Start], X: FloatArray, weights: FloatArray, adjoint: NDArray[np.complex128]
) -> Iterator[tuple[Angle, FloatArray]]:
    """Derivatives with respect to each amplitude that is a parameter, shape (n_samples,), through the normalisation.

    ``adjoint``, shape (n_samples, 2**n), is the adjoint state at the beginning: ``df = 2 Re <adjoint|d psi>``.
    """
    index = np.arange(adjoint.shape[1])
    num_qubits = adjoint.shape[1].bit_length() - 1
    for start in starts:
        if not start.angles:
            continue
        amplitudes, norms = start.normalised(X, weights)
        others = product_states([other for other in starts if other is not start], X, weights, num_qubits)
        places = pauli.spread(np.arange(len(start.angles)), start.qubits)
        by_amplitude = np.empty(amplitudes.shape)
        for j, bits in enumerate(places):  # the state is linear in each amplitude
            member = (index & places[-1]) == bits
            by_amplitude[:, j] = 2 * (adjoint[:, member].conj() * others[:, index[member] ^ bits]).real.sum(axis=1)
        along = (by_amplitude * amplitudes).sum(axis=1, keepdims=True)
        raw = (by_amplitude - along * amplitudes) / norms
        yield from zip(start.angles, raw.T, strict=True)
