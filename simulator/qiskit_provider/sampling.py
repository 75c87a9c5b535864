"""Sample many circuits, with one call of the engine for each distinct circuit structure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.circuit import Circuit
from simulator.noise import NoiseModel
from simulator.qiskit_provider.preparation import PreparedCircuit, groups_of_equal_structure

__all__ = ["Outcomes", "Seed", "sample"]

FloatArray = NDArray[np.float64]
Seed = np.random.Generator | int | None

_CHUNK_BYTES = 1 << 26
"""Bytes of the states that are held at the same time."""

_MAX_TABLE_BITS = 16
"""Number of bits of an outcome up to which its bits in a register are looked up in a table."""


@dataclass(frozen=True)
class Outcomes:
    """The shots of one circuit.

    Parameters
    ----------
    values : int64 ndarray, shape (n_sets, shots)
        Outcome of each shot.
    positions : dict of int to int
        For each classical bit, the bit of a value that holds it; classical bits that are not measured are 0.
    """

    values: NDArray[np.int64]
    positions: dict[int, int]

    def packed(self, clbits: Sequence[int]) -> NDArray[np.uint8]:
        """Pack the bits of a register as in ``qiskit.primitives.BitArray``, shape (n_sets, shots, n_bytes)."""
        positions = tuple(self.positions.get(clbit, -1) for clbit in clbits)
        width = 1 + max(self.positions.values(), default=-1)
        return _table(width, positions)[self.values] if width <= _MAX_TABLE_BITS else _packed(self.values, positions)


@lru_cache(maxsize=64)
def _table(width: int, positions: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the packed register for each outcome of ``width`` bits."""
    return _packed(np.arange(1 << width), positions)


def _packed(values: NDArray[np.int64], positions: tuple[int, ...]) -> NDArray[np.uint8]:
    """Pack registers whose bit k is bit ``positions[k]`` of the values, or 0 if that is negative."""
    bits = np.zeros((*values.shape, -len(positions) % 8 + len(positions)), np.uint8)
    for k, position in enumerate(positions):
        if position >= 0:
            bits[..., -1 - k] = values >> position & 1
    return np.packbits(bits, axis=-1)


def sample(
    prepared: Sequence[PreparedCircuit],
    values: Sequence[FloatArray],
    shots: Sequence[int],
    seed: Seed,
    noise: NoiseModel | None = None,
) -> list[Outcomes]:
    """Sample circuits at sets of values.

    An int seeds each circuit and set of values separately, like Qiskit's ``StatevectorSampler``, and gives the same
    shots for the same seed.

    Parameters
    ----------
    prepared : sequence of PreparedCircuit
    values : sequence of float64 ndarray, each of shape (n_sets, num_parameters of Qiskit's circuit)
    shots : sequence of int
    seed : None, int or numpy.random.Generator
    noise : NoiseModel, optional
    """
    out: list[Any] = [None] * len(prepared)
    random = _Random(seed)
    numbers, circuits, rows, measured = [], [], [], []
    for number, (circuit, sets) in enumerate(zip(prepared, values, strict=True)):
        if circuit.final is None or noise is not None:
            out[number] = _sample_by_shot(circuit, sets, shots[number], random, noise)
            continue
        operations, clbits = circuit.final
        qubits = sorted({q for operation in operations for q in operation.qubits} | set(clbits.values()))
        position = {qubit: k for k, qubit in enumerate(qubits)}
        numbers.append(number)
        circuits.append(circuit.compact(operations, qubits))
        rows.append(circuit.angles(sets))
        measured.append({clbit: position[qubit] for clbit, qubit in clbits.items()})
    for structure, members, sets in groups_of_equal_structure(circuits, rows):
        sizes = [len(rows[member]) for member in members]
        probabilities = _probabilities(structure, sets)
        for member, size in zip(members, sizes, strict=True):
            number, clbits = numbers[member], measured[member]
            qubits = sorted(set(clbits.values()))
            positions = {clbit: qubits.index(qubit) for clbit, qubit in clbits.items()}
            outcomes = np.empty((size, shots[number]), np.int64)
            for row in range(size):
                outcomes[row] = random.outcomes(_marginal(next(probabilities), qubits), shots[number])
            out[number] = Outcomes(outcomes, positions)
    return out


def _sample_by_shot(
    prepared: PreparedCircuit, values: FloatArray, shots: int, random: _Random, noise: NoiseModel | None
) -> Outcomes:
    """Sample a circuit that has operations after measurements, or noise."""
    qubits = sorted(prepared.used)
    clbits = prepared.circuit.num_clbits
    if noise is not None:  # a noise model may refer to particular qubits
        qubits = list(range(prepared.circuit.num_qubits))
    circuit = prepared.compact(prepared.circuit.operations, qubits, clbits)
    angles = prepared.angles(values)
    out = np.zeros((len(angles), shots), np.int64)
    if circuit.measures:
        for row, bound in enumerate(angles):
            generator = random.generator()
            outcomes, counts = circuit.sample_array(bound, shots=shots, seed=generator, noise=noise)
            out[row] = generator.permutation(np.repeat(outcomes, counts))
    return Outcomes(out, {clbit: clbit for clbit in range(clbits)})


def _probabilities(circuit: Circuit, values: FloatArray) -> Iterator[FloatArray]:
    """Iterate over the probabilities of the basis states, row by row."""
    step = max(1, _CHUNK_BYTES >> (circuit.num_qubits + 4))
    for begin in range(0, len(values), step):
        yield from circuit.probabilities(values[begin : begin + step])


def _marginal(probabilities: FloatArray, qubits: Sequence[int]) -> FloatArray:
    """Compute the probabilities of outcomes on some qubits, in increasing order; the first is the lowest bit."""
    width = len(probabilities).bit_length() - 1
    if len(qubits) == width:
        return probabilities
    tensor = probabilities.reshape((2,) * width)  # axis width - 1 - q is qubit q
    axes = {width - 1 - qubit for qubit in qubits}
    return tensor.sum(axis=tuple(axis for axis in range(width) if axis not in axes)).ravel()


class _Random:
    """Random numbers of a run: an int restarts for each circuit, a generator continues."""

    def __init__(self, seed: Seed) -> None:
        self.seed = seed if isinstance(seed, int | np.integer) else None
        self._generator = None if self.seed is not None else np.random.default_rng(seed)
        self._sorted: dict[int, tuple[FloatArray, NDArray[np.int64]]] = {}

    def generator(self) -> np.random.Generator:
        """Return the generator for one circuit at one set of values."""
        return self._generator or np.random.default_rng(self.seed)

    def outcomes(self, probabilities: FloatArray, shots: int) -> NDArray[np.int64]:
        """Draw indices with these probabilities: the same as ``Generator.choice``, without its search for each one."""
        if self._generator is not None or shots not in self._sorted:
            draws = self.generator().random(shots)
            order = np.argsort(draws)
            self._sorted[shots] = draws[order], order
        draws, order = self._sorted[shots]
        cumulated = np.cumsum(probabilities)
        ends = np.searchsorted(draws, cumulated[:-1] / cumulated[-1])
        counts = np.diff(ends, prepend=0, append=shots)
        out = np.empty(shots, np.int64)
        out[order] = np.repeat(np.arange(len(counts)), counts)
        return out
