"""Initial amplitudes of a circuit: numbers, or parameters that are normalised for each sample.

Samples are rows of ``X``; parameter k of an amplitude is column k of ``X``, then entry k - n_inputs of ``weights``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
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
_FEW_QUBITS = 12  # maximum number of qubits whose indices are cached


@dataclass(slots=True)
class Start:
    """Initial amplitudes of some qubits: numbers, parameters that are normalised, or the rows of X (`are_inputs`)."""

    qubits: tuple[int, ...]
    amplitudes: NDArray[np.complex128] | None
    angles: tuple[Angle, ...] = ()
    are_inputs: bool = False
    _affine: _Affine | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def affine(self) -> _Affine:
        """The amplitudes that are parameters, as arrays; computed once."""
        if self._affine is None:
            self._affine = _Affine.of(self.angles)
        return self._affine

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
        if self.are_inputs:
            return X.view(np.complex128), np.ones((len(X), 1))
        raw = self.affine.values(X, weights)
        if np.isinf(raw).any():
            split = X.shape[1]
            for angle in self.angles:
                for k, factor in angle.factors.items():
                    values = X[:, k] if k < split else weights[k - split]
                    term(factor, values, names[k] if names else f"number {k}")
            raise ParameterError("an amplitude is infinite: a sum of values of parameters overflows")
        unit, norms = unit_vectors(raw)
        if not norms.all():
            row = int(np.flatnonzero(norms[:, 0] == 0)[0])
            raise ParameterError(f"amplitude encoding needs a sample that is not all zeros; row {row} is")
        return unit, norms


@dataclass(frozen=True)
class _Affine:
    """Amplitudes affine in numbered parameters, as arrays.

    Parameters
    ----------
    key : tuple
        Equal for equal amplitudes.
    constants : float ndarray, shape (2**k,)
    terms : list of tuple
        Places of some amplitudes, with the number and the factor of one parameter for each.
    """

    key: tuple[Any, ...]
    constants: FloatArray
    terms: list[tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]]

    @classmethod
    def of(cls, angles: Sequence[Angle]) -> _Affine:
        listed = [list(angle.factors.items()) for angle in angles]
        terms = []
        for e in range(max(map(len, listed))):
            places = [j for j, factors in enumerate(listed) if len(factors) > e]
            numbers, factors = zip(*(listed[j][e] for j in places), strict=True)
            terms.append((np.array(places), np.array(numbers), np.array(factors)))
        constants = np.array([angle.constant for angle in angles])
        return cls((*constants.tolist(), *map(tuple, listed)), constants, terms)

    def values(self, X: FloatArray, weights: FloatArray) -> FloatArray:
        """Compute the amplitudes before normalisation, shape (n_samples, 2**k)."""
        raw = np.empty((len(X), len(self.constants)))
        raw[:] = self.constants
        for places, numbers, factors in self.terms:
            if numbers.max() < X.shape[1]:
                values = X.take(numbers, axis=1)
            else:
                values = np.hstack([X, np.broadcast_to(weights, (len(X), len(weights)))])[:, numbers]
            with np.errstate(over="ignore"):
                raw[:, places] += factors * values
        return raw

    def pull_back(self, by_amplitude: FloatArray, out: FloatArray) -> None:
        """Add derivatives with respect to the parameters, shape (n_samples, n_parameters), to ``out``."""
        for places, numbers, factors in self.terms:
            terms = factors * by_amplitude[:, places]
            if len(set(numbers.tolist())) == len(numbers):
                out[:, numbers] += terms
            else:
                np.add.at(out.T, numbers, terms.T)


Normalised = tuple[NDArray[Any], FloatArray]


def _all_normalised(
    starts: Sequence[Start], X: FloatArray, weights: FloatArray, names: Sequence[object] = ()
) -> list[Normalised]:
    """Return `Start.normalised` of each start; copies of one start on other qubits are computed once."""
    by_key: dict[tuple[Any, ...], Normalised] = {}
    results = []
    for start in starts:
        if not start.angles:
            results.append(start.normalised(X, weights))
            continue
        key = start.affine.key
        if key not in by_key:
            by_key[key] = start.normalised(X, weights, names)
        results.append(by_key[key])
    return results


def amplitude_runs(
    starts: Sequence[Start], X: FloatArray, weights: FloatArray, names: Sequence[object] = ()
) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Yield the amplitudes of a product of starts in chunks: indices (m,), values (1 or n_samples, m)."""
    factors = [unit for unit, _ in _all_normalised(starts, X, weights, names)]
    count = math.prod(factor.shape[1] for factor in factors)
    if count <= _RUN:
        yield _indices(_qubits(starts)), _product(factors)
        return
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
    if starts and starts[0].qubits == tuple(range(num_qubits)):
        unit = starts[0].normalised(X, weights, names)[0]
        return unit if starts[0].are_inputs else unit.astype(complex)
    rows = len(X) if any(start.angles for start in starts) else 1
    out = np.zeros((rows, 1 << num_qubits), complex)
    for index, values in amplitude_runs(starts, X[:rows], weights, names):
        out[:, index] = values
    return out


def amplitude_derivatives(
    starts: Sequence[Start], X: FloatArray, weights: FloatArray, adjoint: NDArray[np.complex128]
) -> FloatArray:
    """Derivatives with respect to the parameters that are amplitudes, shape (n_samples, n_inputs + n_weights).

    ``adjoint``, shape (n_samples, 2**n), is the adjoint state at the beginning: ``df = 2 Re <adjoint|d psi>``.
    """
    out = np.zeros((len(X), X.shape[1] + len(weights)))
    normalised = _all_normalised(starts, X, weights)
    for number, start in enumerate(starts):
        if not start.angles:
            continue
        amplitudes, norms = normalised[number]
        others = [k for k in range(len(starts)) if k != number]
        factor = _product([normalised[k][0] for k in others])
        along, across = _indices(start.qubits), _indices(_qubits([starts[k] for k in others]))
        by_amplitude = np.empty(amplitudes.shape)
        step = max(1, _RUN // (len(adjoint) * len(across)))
        for first in range(0, len(along), step):  # the state is linear in each amplitude
            part = adjoint[:, along[first : first + step, None] | across]
            by_amplitude[:, first : first + step] = 2 * np.einsum("sjr,sr->sj", part.conj(), factor).real
        radial = (by_amplitude * amplitudes).sum(axis=1, keepdims=True)
        start.affine.pull_back((by_amplitude - radial * amplitudes) / norms, out)
    return out


def _product(factors: Sequence[NDArray[Any]]) -> NDArray[np.complex128]:
    """Product of amplitudes, shape (1 or n_samples, prod of their numbers); the digits of the first vary fastest."""
    values = np.ones((1, 1), complex)
    for factor in factors:
        products = values[:, None, :] * factor[:, :, None]
        values = products.reshape(len(products), -1)
    return values


def _qubits(starts: Sequence[Start]) -> tuple[int, ...]:
    return tuple(qubit for start in starts for qubit in start.qubits)


def _indices(qubits: tuple[int, ...]) -> NDArray[np.int64]:
    """Indices of the basis states in which all other qubits are 0, shape (2**k,)."""
    return _few_indices(qubits) if len(qubits) <= _FEW_QUBITS else pauli.spread(np.arange(1 << len(qubits)), qubits)


@lru_cache(maxsize=64)
def _few_indices(qubits: tuple[int, ...]) -> NDArray[np.int64]:
    return pauli.spread(np.arange(1 << len(qubits)), qubits)
