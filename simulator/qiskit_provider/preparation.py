"""Qiskit circuits made ready for the engine: without idle qubits, and in batches of equal structure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError

from simulator.circuit import Circuit
from simulator.errors import QumbaError
from simulator.gates import Operation
from simulator.operations.measurements import final_measurements
from simulator.parameters import Expression, Parameter
from simulator.parameters.angle_maps import AngleMap

__all__ = ["PreparedCircuit", "UnsupportedCircuitError", "groups_of_equal_structure", "prepare", "prepare_all"]

FloatArray = NDArray[np.float64]


class UnsupportedCircuitError(QumbaError, QiskitError, ValueError):
    """A circuit contains what cannot be simulated; for Qiskit it is one of its own errors."""


@dataclass(frozen=True)
class PreparedCircuit:
    """A circuit of Qiskit's as the engine runs it.

    Parameters
    ----------
    circuit : Circuit
        On the circuit's own qubits, measurements included.
    angles : AngleMap
        From values in the order of Qiskit's ``circuit.parameters`` to the values of this circuit's.
    """

    circuit: Circuit
    angles: AngleMap

    @cached_property
    def used(self) -> frozenset[int]:
        """The qubits something happens to."""
        return frozenset(q for operation in self.circuit.operations for q in operation.qubits)

    @cached_property
    def final(self) -> tuple[list[Operation], dict[int, int]] | None:
        """The gates, and the qubit each classical bit is read from; None if something happens after a measurement."""
        return final_measurements(self.circuit.operations)

    def compact(self, operations: Iterable[Operation], qubits: Sequence[int], num_clbits: int = 0) -> Circuit:
        """Operations as a circuit on these qubits alone, which must include all that are used."""
        if len(qubits) < self.circuit.num_qubits:
            place = {qubit: k for k, qubit in enumerate(qubits)}
            operations = [_moved(operation, place) for operation in operations]
        return Circuit(max(1, len(qubits)), num_clbits).extended_by(operations)


def prepare(circuit: QuantumCircuit) -> PreparedCircuit:
    """Convert a circuit.

    Raises
    ------
    UnsupportedCircuitError
        If it contains a loop, a switch or an instruction without a definition.
    """
    if not isinstance(circuit, QuantumCircuit):
        raise UnsupportedCircuitError(f"expected a qiskit.QuantumCircuit, got {type(circuit).__name__}")
    try:
        if circuit.num_qubits:
            return PreparedCircuit(*Circuit.from_qiskit_with_angle_map(circuit))
        return PreparedCircuit(Circuit(1, circuit.num_clbits), AngleMap(0, []))
    except QumbaError as error:
        raise UnsupportedCircuitError(f"circuit {circuit.name!r}: {error}") from error


def prepare_all(circuits: Iterable[QuantumCircuit]) -> list[PreparedCircuit]:
    """Convert circuits, each object once."""
    known: dict[int, PreparedCircuit] = {}
    out = []
    for circuit in circuits:
        if id(circuit) not in known:
            known[id(circuit)] = prepare(circuit)
        out.append(known[id(circuit)])
    return out


def groups_of_equal_structure(
    circuits: Sequence[Circuit], values: Sequence[FloatArray]
) -> list[tuple[Circuit, list[int], FloatArray]]:
    """Put circuits that differ in nothing but numbers together, so that each group is one batch.

    Parameters
    ----------
    circuits : sequence of Circuit
    values : sequence of float64 ndarray, each of shape (n_sets, num_parameters of its circuit)

    Returns
    -------
    list of (circuit, members, values)
        The positions of the members in ``circuits``, and their values one below the other.
    """
    several = len({id(circuit) for circuit in circuits}) > 1
    members: dict[Circuit, list[int]] = {}
    rows: dict[Circuit, list[FloatArray]] = {}
    known: dict[int, tuple[Circuit, FloatArray]] = {}
    for number, (circuit, value) in enumerate(zip(circuits, values, strict=True)):
        structure, row = circuit, value
        if several and not circuit.num_parameters and not circuit.measures:
            if id(circuit) not in known:
                known[id(circuit)] = _lifted(circuit)
            structure, constants = known[id(circuit)]
            row = np.repeat(constants, len(value), axis=0)
        members.setdefault(structure, []).append(number)
        rows.setdefault(structure, []).append(row)
    return [(structure, found, np.concatenate(rows[structure])) for structure, found in members.items()]


def _moved(operation: Operation, place: dict[int, int]) -> Operation:
    qubits = tuple([place[qubit] for qubit in operation.qubits])
    return Operation(operation.gate, qubits, operation.angles, operation.clbits, operation.conditions)


def _lifted(circuit: Circuit) -> tuple[Circuit, FloatArray]:
    """The circuit with a parameter in place of each angle, and the angles, shape (1, n_angles)."""
    operations: list[Operation] = []
    numbers: list[Any] = []
    for operation in circuit.operations:
        if operation.angles:  # of a plain gate: no classical bits, no conditions
            first = len(numbers)
            numbers.extend(operation.angles)
            angles = tuple([_slot(k) for k in range(first, len(numbers))])
            operation = Operation(operation.gate, operation.qubits, angles)
        operations.append(operation)
    lifted = Circuit(circuit.num_qubits, circuit.num_clbits).extended_by(operations)
    return lifted, np.array([numbers], np.float64)


def _slot(number: int) -> Expression:
    while number >= len(_slots):
        _slots.append(Parameter.with_identity(f"angle[{len(_slots)}]", _SLOTS_BEGIN + len(_slots)))
    return _slots[number]


_SLOTS_BEGIN = 0x5107 << 112  # identities of their own, so that equal structures are equal circuits
_slots: list[Parameter] = []
