"""Gates and qubits of a circuit without its angles: what circuits that differ only in numbers have in common."""

from __future__ import annotations

from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from simulator.gates import Gate
from simulator.operations.sequence import CircuitT, OperationSequence
from simulator.parameters import ParameterVector

__all__ = ["Structure", "structure_of", "with_parameters"]


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


def structure_of(circuit: OperationSequence) -> tuple[Structure, NDArray[np.float64]] | None:
    """Split a circuit into its structure and its angles in order, float64, radians.

    None if it has parameters, no operations, or operations that depend on classical bits.
    """
    if circuit._structure is None and circuit.operations:
        gates, qubits, angles, _, conditions = zip(*circuit.operations, strict=True)
        values = [*chain.from_iterable(angles)]
        if set(map(type, values)) <= {float} and not any(conditions):
            circuit._structure = Structure(circuit.num_qubits, gates, qubits), np.array(values, float)
    return circuit._structure


def with_parameters(circuit: CircuitT, parameters: ParameterVector) -> CircuitT:
    """Replace a circuit's angles, in order, by parameters."""
    remaining = iter(parameters)
    return circuit.with_operations(
        [operation._replace(angles=tuple(islice(remaining, len(operation.angles)))) for operation in circuit.operations]
    )
