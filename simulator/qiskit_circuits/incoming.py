"""Conversion of circuits from Qiskit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    Barrier,
    BoxOp,
    Clbit,
    ControlFlowOp,
    ControlledGate,
    Delay,
    IfElseOp,
    Measure,
    Reset,
    library,
)
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import SparsePauliOp
from qiskit.synthesis import LieTrotter, SuzukiTrotter

from simulator import gates
from simulator.errors import CircuitError, ParameterError, counted
from simulator.gates import Angle, Gate, Operation
from simulator.operations.conditions import conditional
from simulator.operations.sequence import CircuitT
from simulator.parameters.angle_maps import AngleMap
from simulator.qiskit_circuits.conditions import read_condition
from simulator.qiskit_circuits.expressions import AngleReader, MappingAngleReader
from simulator.qiskit_circuits.modifiers import annotated, controlled, is_controlled_base
from simulator.qiskit_circuits.standard import QISKIT_CLASSES

__all__ = ["from_qiskit", "from_qiskit_with_angle_map"]

UNITARY_TOLERANCE = 1e-5
"""Tolerance with which Qiskit checks a UnitaryGate."""

_IDENTITIES = (Barrier, Delay)
_STANDARD = {name: gates.STANDARD[name] for name in QISKIT_CLASSES}


def from_qiskit(kind: type[CircuitT], circuit: QuantumCircuit) -> CircuitT:
    """Convert a ``qiskit.QuantumCircuit`` to a circuit of class ``kind``.

    Measurements, resets, if-tests and the content of boxes are converted; barriers, delays, and resets of qubits that
    nothing has acted on are left out. Unknown gates are replaced by their definition. A fractional power of a
    rotation with a free angle is the rotation by that fraction of the angle. Parameters are in the order of first use,
    whereas Qiskit sorts them by name.

    Raises
    ------
    CircuitError
        If the circuit contains a loop, a switch, a condition on variables other than classical bits, or an
        instruction that has neither a definition nor a matrix.
    ParameterError
        If an angle is not an affine expression of its parameters with real coefficients.
    """
    return _read(kind, circuit, AngleReader())


def from_qiskit_with_angle_map(kind: type[CircuitT], circuit: QuantumCircuit) -> tuple[CircuitT, AngleMap]:
    """Convert a circuit whose angles may be any expression of its parameters, such as ``sin(x)`` or ``x * y``.

    Returns
    -------
    circuit : kind
        Converted circuit; each angle that is not affine is a new parameter.
    angles : AngleMap
        Map from values of Qiskit's parameters, in the order of its ``circuit.parameters``, to values of the returned
        circuit's parameters, in their order; it also maps derivatives back.

    Raises
    ------
    CircuitError
        As in `from_qiskit`.
    ParameterError
        If an angle is not a real function of its parameters.

    Examples
    --------
    >>> import qiskit, qiskit.circuit
    >>> from simulator import Circuit, Z
    >>> x = qiskit.circuit.Parameter("x")
    >>> qiskit_circuit = qiskit.QuantumCircuit(1)
    >>> _ = qiskit_circuit.ry(x * x, 0)
    >>> circuit, angles = Circuit.from_qiskit_with_angle_map(qiskit_circuit)
    >>> circuit.expectation(Z(0), angles([[0.0], [np.sqrt(np.pi)]])).round(6)
    array([ 1., -1.])
    """
    if not isinstance(circuit, QuantumCircuit):
        raise CircuitError(f"expected a qiskit.QuantumCircuit, got {type(circuit).__name__}")
    angles = MappingAngleReader(circuit.parameters)
    out = _read(kind, circuit, angles)
    return out, angles.angle_map(out.parameters)


def _read(kind: type[CircuitT], circuit: QuantumCircuit, angles: AngleReader) -> CircuitT:
    if not isinstance(circuit, QuantumCircuit):
        raise CircuitError(f"expected a qiskit.QuantumCircuit, got {type(circuit).__name__}")
    empty = kind(circuit.num_qubits, circuit.num_clbits)
    reader = _Reader(angles)
    reader.read(circuit, range(circuit.num_qubits), range(circuit.num_clbits))
    return empty.extended_by(reader.operations)


class _Reader:
    """Collects operations, and the qubits that they act on.

    Parameters
    ----------
    angles : AngleReader
    fresh : bool
        Whether qubits that nothing has acted on are in the state |0>.
    """

    def __init__(self, angles: AngleReader, fresh: bool = True) -> None:
        self.angles = angles
        self.operations: list[Operation] = []
        self.fresh = fresh
        self.touched: set[int] = set()

    def read(self, circuit: QuantumCircuit, qubits: Sequence[int], clbits: Sequence[int] = ()) -> None:
        """Read a circuit, with its qubit k as qubit ``qubits[k]``, and its classical bits likewise."""
        phase = self.angles.read(circuit.global_phase)
        if phase:
            self.operations.append(Operation(gates.GLOBAL_PHASE, (), (phase,)))
        qubit_index = {qubit: qubits[k] for k, qubit in enumerate(circuit.qubits)}
        clbit_index = {clbit: clbits[k] for k, clbit in enumerate(circuit.clbits)}
        for instruction in circuit.data:
            targets = tuple([qubit_index[qubit] for qubit in instruction.qubits])
            gate = _STANDARD.get(instruction.name)
            if gate is not None and instruction.is_standard_gate():  # not a custom gate of the same name
                self._add(Operation(gate, targets, self._angles(gate.name, instruction.params)))
            elif instruction.clbits:
                bits = tuple([clbit_index[clbit] for clbit in instruction.clbits])
                self._read_classical(instruction.operation, targets, bits, clbit_index)
            else:
                self._read_one(instruction.operation, targets)

    def _angles(self, name: str, values: Sequence[Any]) -> tuple[Any, ...]:
        try:
            return tuple([self.angles.read(value) for value in values]) if values else ()
        except ParameterError as error:
            raise ParameterError(f"{name}: {error}") from None

    def _read_classical(
        self, operation: Any, qubits: tuple[int, ...], bits: tuple[int, ...], clbit_index: dict[Clbit, int]
    ) -> None:
        """Read an operation that writes classical bits or depends on them."""
        if isinstance(operation, Measure):
            self._add(Operation(gates.MEASURE, qubits, clbits=bits))
        elif isinstance(operation, ControlFlowOp):
            self._read_control_flow(operation, qubits, bits, clbit_index)
        else:
            self._read_definition(operation, qubits, bits)

    def _read_control_flow(
        self, operation: Any, qubits: tuple[int, ...], bits: tuple[int, ...], clbit_index: dict[Clbit, int]
    ) -> None:
        if isinstance(operation, BoxOp):
            self.read(operation.blocks[0], qubits, bits)
            return
        if not isinstance(operation, IfElseOp):
            raise CircuitError(
                f"if-tests and boxes are the only supported control flow, got {operation.name!r} on qubits {qubits}"
            )
        branches = read_condition(operation.condition, clbit_index)
        for conditions, block in zip(branches, operation.blocks, strict=False):
            if conditions is None:
                continue
            reader = _Reader(self.angles, fresh=False)
            reader.read(block, qubits, bits)
            body = reader.operations
            for condition in reversed(conditions):
                body = conditional(condition, body)
            for inner in body:
                self._add(inner)

    def _read_one(self, operation: Any, qubits: tuple[int, ...]) -> None:
        name = operation.name
        gate = _STANDARD.get(name)
        if gate is not None and QISKIT_CLASSES[name] is getattr(operation, "base_class", None):
            self._add(Operation(gate, qubits, self._angles(name, operation.params)))
        elif isinstance(operation, _IDENTITIES):
            return
        elif isinstance(operation, Reset):
            if not self.fresh or not self.touched.isdisjoint(qubits):
                self._add(Operation(gates.RESET, qubits))
        elif isinstance(operation, library.Initialize):
            if not self.fresh or not self.touched.isdisjoint(qubits):
                for qubit in qubits:
                    self._add(Operation(gates.RESET, (qubit,)))
            self._prepare(operation, qubits)
        elif isinstance(operation, ControlFlowOp):
            self._read_control_flow(operation, qubits, (), {})
        else:
            self._read_special(operation, qubits)

    def _read_special(self, operation: Any, qubits: tuple[int, ...]) -> None:
        if isinstance(operation, library.UnitaryGate):
            has_name = operation.label and operation.label not in gates.STANDARD
            name = operation.label if has_name else "unitary"
            self._apply(gates.Fixed.accepted(name, operation.to_matrix(), UNITARY_TOLERANCE), qubits)
        elif isinstance(operation, library.DiagonalGate):
            self._apply(gates.Diagonal("diagonal", np.angle(operation.params)), qubits)
        elif isinstance(operation, library.StatePreparation) and self.fresh and self.touched.isdisjoint(qubits):
            self._prepare(operation, qubits)
        elif isinstance(operation, library.PauliEvolutionGate) and _is_product_of_rotations(operation):
            for label, coefficient in operation.operator.to_list():
                angles = self._angles(operation.name, [2 * float(coefficient.real) * operation.time])
                self._apply(gates.PauliRotation(label), qubits, angles)
        elif is_controlled_base(operation):
            self._place(controlled(self._base_operations(operation), operation), qubits)
        elif isinstance(operation, AnnotatedOperation):
            self._place(annotated(self._operations(operation.base_op), operation), qubits)
        else:
            self._read_definition(operation, qubits)

    def _prepare(self, operation: Any, qubits: tuple[int, ...]) -> None:
        """Read a state preparation on |0...0>, for which only the first column of the unitary matters."""
        if len(operation.params) == 1 << len(qubits) and not operation.name.endswith("_dg"):
            self._apply(gates.StatePreparation(operation.params), qubits)
        else:  # a label or a number instead of amplitudes
            self._read_definition(operation, qubits)

    def _read_definition(self, operation: Any, qubits: tuple[int, ...], clbits: tuple[int, ...] = ()) -> None:
        definition = getattr(operation, "definition", None)
        if definition is None and hasattr(operation, "to_circuit"):
            definition = operation.to_circuit()
        if definition is not None:
            if definition.num_qubits > len(qubits):  # a narrower one acts on the first qubits, as in Qiskit
                raise _width_error(operation.name, definition.num_qubits, qubits)
            self.read(definition, qubits, clbits)
            return
        try:
            matrix = operation.to_matrix()
        except (AttributeError, QiskitError):
            raise CircuitError(f"instruction {operation.name!r} has neither a definition nor a matrix") from None
        self._apply(gates.Fixed.accepted(operation.name, matrix, UNITARY_TOLERANCE), qubits)

    def _apply(self, gate: Gate, qubits: tuple[int, ...], angles: tuple[Angle, ...] = ()) -> None:
        """Add a gate made from the content of an instruction, after checking that its width fits."""
        if gate.num_qubits != len(qubits):
            raise _width_error(gate.name, gate.num_qubits, qubits)
        self._add(Operation(gate, qubits, angles))

    def _place(self, operations: Iterable[Operation], qubits: tuple[int, ...]) -> None:
        for operation in operations:
            self._add(Operation(operation.gate, tuple([qubits[q] for q in operation.qubits]), operation.angles))

    def _add(self, operation: Operation) -> None:
        self.touched.update(operation.qubits)
        self.operations.append(operation)

    def _operations(self, operation: Any) -> list[Operation]:
        """Read a single gate, on qubits 0, 1, ..., exact as a whole unitary and not just on |0...0>."""
        reader = _Reader(self.angles, fresh=False)
        reader._read_one(operation, tuple(range(operation.num_qubits)))
        return reader.operations

    def _base_operations(self, operation: ControlledGate) -> list[Operation]:
        """Read the base of a controlled gate; the base of CUGate is UGate, without the fourth angle, a phase."""
        base = operation.base_gate
        if base.base_class is library.UGate and len(operation.params) == 4:
            *angles, phase = self._angles(operation.name, operation.params)
            return [Operation(gates.U, (0,), tuple(angles)), Operation(gates.GLOBAL_PHASE, (), (phase,))]
        return self._operations(base)


def _width_error(name: str, width: int, qubits: tuple[int, ...]) -> CircuitError:
    return CircuitError(f"{name} acts on {counted(len(qubits), 'qubit')}, but its definition on {width}")


def _is_product_of_rotations(evolution: library.PauliEvolutionGate) -> bool:
    """Whether the strings commute, so that the evolution is the product of their evolutions in any order."""
    operator = evolution.operator
    return (
        type(evolution.synthesis) in (LieTrotter, SuzukiTrotter)
        and isinstance(operator, SparsePauliOp)
        and operator.coeffs.dtype.kind in "fc"
        and not np.any(operator.coeffs.imag)
        and len(operator.group_commuting()) == 1
    )
