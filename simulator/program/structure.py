"""Gates and qubits of a circuit without its angles: what circuits that differ only in numbers have in common."""

from __future__ import annotations

from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.gates import Gate
from simulator.operations.sequence import CircuitT, OperationSequence
from simulator.parameters import ParameterVector
from simulator.range_reduction import EXACT

__all__ = ["Structure", "keep_numbers", "recall", "structure_of", "with_parameters"]

_RECENT = 32
_recent: dict[Any, OperationSequence] = {}  # the last circuits, by their sizes and three of their operations


class Structure:
    """Gates of a circuit with their qubits, without their angles. Hashed once.

    Attributes
    ----------
    num_qubits : int
    gates : tuple of Gate
    qubits : tuple of tuple of int
    """

    __slots__ = ("_hash", "gates", "num_qubits", "qubits")

    def __init__(self, num_qubits: int, gates: tuple[Gate, ...], qubits: tuple[tuple[int, ...], ...]) -> None:
        self.num_qubits, self.gates, self.qubits = num_qubits, gates, qubits
        self._hash = hash((num_qubits, qubits))  # without the gates, whose hashes would be computed in Python

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Structure) or self._hash != other._hash or self.num_qubits != other.num_qubits:
            return False
        return self.qubits == other.qubits and self.gates == other.gates

    def __hash__(self) -> int:
        return self._hash


def recall(circuit: OperationSequence) -> None:
    """Let a circuit share what was derived from an equal one, if that is among the last ones.

    Comparing two circuits takes a fraction of the time that it takes to hash one, or to split it from its angles.
    """
    if circuit._hash is not None or circuit._structure is not None or not len(circuit):
        return
    operations = circuit.operations
    key = circuit.num_qubits, len(operations), operations[0], operations[len(operations) // 2], operations[-1]
    other = _recent.pop(key, None)
    _recent[key] = other if other is not None and circuit._adopt(other) else circuit
    if len(_recent) > _RECENT:
        for key in [*_recent][:-_RECENT]:  # a copy, because other threads may change it
            _recent.pop(key, None)


def structure_of(circuit: OperationSequence) -> tuple[Structure, NDArray[np.float64]] | None:
    """Split a circuit into its structure and its angles in order, float64, radians.

    None if it has parameters, no operations, operations that depend on classical bits, or angles that must be reduced,
    and after `keep_numbers`. Found once per circuit.
    """
    if circuit._structure is None:
        circuit._structure = _split(circuit)
    return circuit._structure or None


def keep_numbers(circuit: OperationSequence) -> None:
    """Remember that a circuit's angles must stay numbers."""
    circuit._structure = ()


def _split(circuit: OperationSequence) -> tuple[Structure, NDArray[np.float64]] | tuple[()]:
    if not circuit.operations:
        return ()
    gates, qubits, angles, _, conditions = zip(*circuit.operations, strict=True)
    numbers = [*chain.from_iterable(angles)]
    if any(conditions) or not set(map(type, numbers)) <= {float}:
        return ()
    values = np.array(numbers, float)
    if values.max(initial=0.0) > EXACT or values.min(initial=0.0) < -EXACT:
        return ()
    return Structure(circuit.num_qubits, gates, qubits), values


def with_parameters(circuit: CircuitT, parameters: ParameterVector) -> CircuitT:
    """Replace a circuit's angles, in order, by parameters."""
    remaining = iter(parameters)
    return circuit.with_operations(
        [operation._replace(angles=tuple(islice(remaining, len(operation.angles)))) for operation in circuit.operations]
    )
