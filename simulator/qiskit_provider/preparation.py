"""Prepare Qiskit circuits for the engine: remove idle qubits, and batch circuits of equal structure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError

from simulator.caching import cached_property
from simulator.circuit import Circuit
from simulator.errors import QumbaError
from simulator.gates import Operation
from simulator.operations.measurements import final_measurements
from simulator.parameters import Expression, Parameter
from simulator.parameters.angle_maps import AngleMap

__all__ = ["PreparedCircuit", "UnsupportedCircuitError", "groups_of_equal_structure", "prepare", "prepare_all"]

FloatArray = NDArray[np.float64]


class UnsupportedCircuitError(QumbaError, QiskitError, ValueError):
    """The circuit contains an instruction that cannot be simulated; this is also a ``QiskitError``."""


@dataclass(frozen=True)
class PreparedCircuit:
    """A Qiskit circuit, converted for the engine.

    Parameters
    ----------
    circuit : Circuit
        Converted circuit, on the same qubits, with measurements.
    angles : AngleMap
        Map from values in the order of Qiskit's ``circuit.parameters`` to values for ``circuit``.
    """

    circuit: Circuit
    angles: AngleMap

    @cached_property
    def used(self) -> frozenset[int]:
        """Qubits on which operations act."""
        return frozenset(q for operation in self.circuit.operations for q in operation.qubits)

    @cached_property
    def final(self) -> tuple[list[Operation], dict[int, int]] | None:
        """The gates, and the qubit measured into each classical bit; None if an operation follows a measurement."""
        return final_measurements(self.circuit.operations)

    def compact(self, operations: Iterable[Operation], qubits: Sequence[int], num_clbits: int = 0) -> Circuit:
        """Make a circuit of operations on these qubits only, which must include all that are used."""
        if len(qubits) < self.circuit.num_qubits:
            position = {qubit: k for k, qubit in enumerate(qubits)}
            operations = [_moved(operation, position) for operation in operations]
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
    """Convert circuits, each object only once."""
    by_identity: dict[int, PreparedCircuit] = {}
    out = []
    for circuit in circuits:
        if id(circuit) not in by_identity:
            by_identity[id(circuit)] = prepare(circuit)
        out.append(by_identity[id(circuit)])
    return out


def groups_of_equal_structure(
    circuits: Sequence[Circuit], values: Sequence[FloatArray]
) -> list[tuple[Circuit, list[int], FloatArray]]:
    """Group circuits that differ only in numbers, so that each group is one batch.

    Parameters
    ----------
    circuits : sequence of Circuit
    values : sequence of float64 ndarray, each of shape (n_sets, num_parameters of its circuit)

    Returns
    -------
    list of (circuit, members, values)
        Common circuit, positions of the members in ``circuits``, and their values, concatenated.
    """
    several = len({id(circuit) for circuit in circuits}) > 1
    members: dict[Circuit, list[int]] = {}
    rows: dict[Circuit, list[FloatArray]] = {}
    by_identity: dict[int, tuple[Circuit, FloatArray]] = {}
    for number, (circuit, value) in enumerate(zip(circuits, values, strict=True)):
        structure, row = circuit, value
        if several and not circuit.num_parameters and not circuit.measures:
            if id(circuit) not in by_identity:
                by_identity[id(circuit)] = _parametrized(circuit)
            structure, constants = by_identity[id(circuit)]
            row = np.repeat(constants, len(value), axis=0)
        members.setdefault(structure, []).append(number)
        rows.setdefault(structure, []).append(row)
    return [(structure, numbers, np.concatenate(rows[structure])) for structure, numbers in members.items()]


def _moved(operation: Operation, position: dict[int, int]) -> Operation:
    qubits = tuple([position[qubit] for qubit in operation.qubits])
    return Operation(operation.gate, qubits, operation.angles, operation.clbits, operation.conditions)


def _parametrized(circuit: Circuit) -> tuple[Circuit, FloatArray]:
    """Replace each angle of a circuit by a parameter; also return the angles, shape (1, n_angles)."""
    operations: list[Operation] = []
    numbers: list[Any] = []
    for operation in circuit.operations:
        if operation.angles:  # a plain gate, without classical bits or conditions
            first = len(numbers)
            numbers.extend(operation.angles)
            angles = tuple([_angle_parameter(k) for k in range(first, len(numbers))])
            operation = Operation(operation.gate, operation.qubits, angles)
        operations.append(operation)
    parametrized = Circuit(circuit.num_qubits, circuit.num_clbits).extended_by(operations)
    return parametrized, np.array([numbers], np.float64)


def _angle_parameter(number: int) -> Expression:
    while number >= len(_angle_parameters):
        identity = _FIRST_IDENTITY + len(_angle_parameters)
        _angle_parameters.append(Parameter.with_identity(f"angle[{len(_angle_parameters)}]", identity))
    return _angle_parameters[number]


_FIRST_IDENTITY = 0x5107 << 112
"""Identity of the first of these parameters. Identities are fixed, so that circuits of equal structure are equal."""

_angle_parameters: list[Parameter] = []
