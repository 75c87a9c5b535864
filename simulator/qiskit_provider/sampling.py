"""Shots of many circuits, in as few calls of the engine as there are different structures."""

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

_CHUNK_BYTES = 1 << 26  # states held at a time
_TABLE_BITS = 16  # up to here what an outcome looks like in a register is looked up


@dataclass(frozen=True)
class Outcomes:
    """What the shots of one circuit found.

    Parameters
    ----------
    values : int64 ndarray, shape (n_sets, shots)
    positions : dict of int to int
        Which bit of a value belongs to a classical bit; those never measured are 0.
    """

    values: NDArray[np.int64]
    positions: dict[int, int]

    def packed(self, clbits: Sequence[int]) -> NDArray[np.uint8]:
        """Bits of a register, shape (n_sets, shots, n_bytes), in the layout of ``qiskit.primitives.BitArray``."""
        places = tuple(self.positions.get(clbit, -1) for clbit in clbits)
        width = 1 + max(self.positions.values(), default=-1)
        return _table(width, places)[self.values] if width <= _TABLE_BITS else _packed(self.values, places)


@lru_cache(maxsize=64)
def _table(width: int, places: tuple[int, ...]) -> NDArray[np.uint8]:
    """What each outcome of ``width`` bits looks like in a register."""
    return _packed(np.arange(1 << width), places)


def _packed(values: NDArray[np.int64], places: tuple[int, ...]) -> NDArray[np.uint8]:
    """Registers whose bit k is bit ``places[k]`` of the values, or 0 where that is negative."""
    bits = np.zeros((*values.shape, -len(places) % 8 + len(places)), np.uint8)
    for k, place in enumerate(places):
        if place >= 0:
            bits[..., -1 - k] = values >> place & 1
    return np.packbits(bits, axis=-1)


def sample(
    prepared: Sequence[PreparedCircuit],
    values: Sequence[FloatArray],
    shots: Sequence[int],
    seed: Seed,
    noise: NoiseModel | None = None,
) -> list[Outcomes]:
    """Sample circuits at sets of values.

    An int seeds each circuit and set of values anew, as Qiskit's ``StatevectorSampler`` does; with the same seed the
    shots are then the same as there.

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
    plain, circuits, rows, measured = [], [], [], []
    for number, (one, sets) in enumerate(zip(prepared, values, strict=True)):
        if one.final is None or noise is not None:
            out[number] = _sample_shots(one, sets, shots[number], random, noise)
            continue
        operations, clbits = one.final
        qubits = sorted({q for operation in operations for q in operation.qubits} | set(clbits.values()))
        place = {qubit: k for k, qubit in enumerate(qubits)}
        plain.append(number)
        circuits.append(one.compact(operations, qubits))
        rows.append(one.angles(sets))
        measured.append({clbit: place[qubit] for clbit, qubit in clbits.items()})
    for circuit, members, sets in groups_of_equal_structure(circuits, rows):
        sizes = [len(rows[member]) for member in members]
        found = _probabilities(circuit, sets)
        for member, size in zip(members, sizes, strict=True):
            number, clbits = plain[member], measured[member]
            qubits = sorted(set(clbits.values()))
            positions = {clbit: qubits.index(qubit) for clbit, qubit in clbits.items()}
            drawn = np.empty((size, shots[number]), np.int64)
            for row in range(size):
                drawn[row] = random.outcomes(_marginal(next(found), qubits), shots[number])
            out[number] = Outcomes(drawn, positions)
    return out


def _sample_shots(
    prepared: PreparedCircuit, values: FloatArray, shots: int, random: _Random, noise: NoiseModel | None
) -> Outcomes:
    """Shots of a circuit that goes on after measurements, or is noisy."""
    qubits = sorted(prepared.used)
    clbits = prepared.circuit.num_clbits
    if noise is not None:  # a model may speak of particular qubits
        qubits = list(range(prepared.circuit.num_qubits))
    circuit = prepared.compact(prepared.circuit.operations, qubits, clbits)
    angles = prepared.angles(values)
    drawn = np.zeros((len(angles), shots), np.int64)
    if circuit.measures:
        for row, bound in enumerate(angles):
            generator = random.generator()
            outcomes, counts = circuit.sample_array(bound, shots=shots, seed=generator, noise=noise)
            drawn[row] = generator.permutation(np.repeat(outcomes, counts))
    return Outcomes(drawn, {clbit: clbit for clbit in range(clbits)})


def _probabilities(circuit: Circuit, values: FloatArray) -> Iterator[FloatArray]:
    """Probabilities of the basis states, row after row."""
    step = max(1, _CHUNK_BYTES >> (circuit.num_qubits + 4))
    for begin in range(0, len(values), step):
        yield from circuit.probabilities(values[begin : begin + step])


def _marginal(probabilities: FloatArray, qubits: Sequence[int]) -> FloatArray:
    """Probabilities of the outcomes of some qubits, in increasing order; the first is the lowest bit."""
    width = len(probabilities).bit_length() - 1
    if len(qubits) == width:
        return probabilities
    tensor = probabilities.reshape((2,) * width)  # axis width - 1 - q is qubit q
    kept = {width - 1 - qubit for qubit in qubits}
    return tensor.sum(axis=tuple(axis for axis in range(width) if axis not in kept)).ravel()


class _Random:
    """Random numbers of a run: an int begins again for each circuit, a generator goes on."""

    def __init__(self, seed: Seed) -> None:
        self.seed = seed if isinstance(seed, int | np.integer) else None
        self._generator = None if self.seed is not None else np.random.default_rng(seed)
        self._sorted: dict[int, tuple[FloatArray, NDArray[np.int64]]] = {}

    def generator(self) -> np.random.Generator:
        """For one circuit at one set of values."""
        return self._generator or np.random.default_rng(self.seed)

    def outcomes(self, probabilities: FloatArray, shots: int) -> NDArray[np.int64]:
        """Indices drawn with these probabilities: what ``Generator.choice`` gives, which searches one by one."""
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
