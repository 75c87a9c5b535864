"""Circuits from Qiskit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit import circuit as qiskit_circuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlFlowOp,
    ControlledGate,
    ControlModifier,
    InverseModifier,
    ParameterExpression,
    PowerModifier,
    library,
)
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator, SparsePauliOp
from qiskit.synthesis import LieTrotter, SuzukiTrotter

from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError, ParameterError
from simulator.gates import Angle, Operation
from simulator.parameters import Expression, Parameter
from simulator.qiskit_circuits.standard import QISKIT_CLASSES

__all__ = ["from_qiskit"]

IDENTITIES = ("barrier", "delay")


def from_qiskit(circuit: QuantumCircuit) -> Circuit:
    """Convert a ``qiskit.QuantumCircuit``.

    Barriers and delays are left out, and so are measurements after which nothing happens to their qubit:
    `Circuit.sample` measures all qubits. A gate we do not have is taken by its definition. Parameters come in
    the order of first use, where Qiskit sorts them by name.

    Raises
    ------
    CircuitError
        If the circuit measures, resets or branches in the middle, or contains an instruction that has neither
        a definition nor a matrix.
    ParameterError
        If an angle is not an affine expression of its parameters with real coefficients.
    """
    if not isinstance(circuit, QuantumCircuit):
        raise CircuitError(f"expected a qiskit.QuantumCircuit, got {type(circuit).__name__}")
    reader = _Reader()
    reader.read(circuit, range(circuit.num_qubits))
    return Circuit(circuit.num_qubits, reader.operations)


class _Reader:
    """Collects operations, and which qubits were touched or measured on the way.

    Parameters
    ----------
    fresh : bool
        Whether qubits not touched yet are in the state |0>.
    """

    def __init__(self, fresh: bool = True) -> None:
        self.operations: list[Operation] = []
        self.fresh = fresh
        self.touched: set[int] = set()
        self.measured: set[int] = set()

    def read(self, circuit: QuantumCircuit, place: Sequence[int]) -> None:
        """Read a circuit whose qubit k is our qubit ``place[k]``."""
        phase = _angle(circuit.global_phase)
        if phase:
            self.operations.append(Operation(gates.GLOBAL_PHASE, (), (phase,)))
        index = {qubit: place[k] for k, qubit in enumerate(circuit.qubits)}
        for instruction in circuit.data:
            self._read_one(instruction.operation, tuple([index[qubit] for qubit in instruction.qubits]))

    def _read_one(self, operation: Any, qubits: tuple[int, ...]) -> None:
        name = operation.name
        if QISKIT_CLASSES.get(name, self) is getattr(operation, "base_class", None):
            self._add(Operation(gates.STANDARD[name], qubits, tuple([_angle(value) for value in operation.params])))
        elif name == "measure":
            self.measured.update(qubits)
        elif name in IDENTITIES:
            return
        elif name == "reset" or isinstance(operation, library.Initialize):
            self._reset(operation, qubits)
        elif isinstance(operation, ControlFlowOp):
            raise CircuitError(f"a circuit has no control flow, got {name!r} on qubits {qubits}")
        else:
            self._read_special(operation, qubits)

    def _reset(self, operation: Any, qubits: tuple[int, ...]) -> None:
        if not self.fresh or not self.touched.isdisjoint(qubits):
            raise CircuitError(f"a circuit resets no qubit after its first gate, got {operation.name!r} on {qubits}")
        if operation.name != "reset":
            self._prepare(operation, qubits)

    def _read_special(self, operation: Any, qubits: tuple[int, ...]) -> None:
        if isinstance(operation, library.UnitaryGate):
            named = operation.label and operation.label not in gates.STANDARD
            gate = gates.Fixed(operation.label if named else "unitary", operation.to_matrix())
            self._add(Operation(gate, qubits))
        elif isinstance(operation, library.DiagonalGate):
            self._add(Operation(gates.Diagonal("diagonal", np.angle(operation.params)), qubits))
        elif isinstance(operation, library.StatePreparation) and self.fresh and self.touched.isdisjoint(qubits):
            self._prepare(operation, qubits)
        elif isinstance(operation, library.PauliEvolutionGate) and _is_product_of_rotations(operation):
            for label, coefficient in operation.operator.to_list():
                angle = _angle(2 * float(coefficient.real) * operation.time)
                self._add(Operation(gates.PauliRotation(label), qubits, (angle,)))
        elif isinstance(operation, ControlledGate):
            values = [operation.ctrl_state >> k & 1 for k in range(operation.num_ctrl_qubits)]
            self._place(_controlled(_base_operations(operation), values), qubits)
        elif isinstance(operation, AnnotatedOperation):
            self._place(_annotated(operation), qubits)
        else:
            self._read_definition(operation, qubits)

    def _prepare(self, operation: Any, qubits: tuple[int, ...]) -> None:
        """State preparation on |0...0>, where only the first column of its unitary matters."""
        if len(operation.params) == 1 << len(qubits) and not operation.name.endswith("_dg"):
            self._add(Operation(gates.StatePreparation(operation.params), qubits))
        else:  # a label or a number instead of amplitudes
            self._read_definition(operation, qubits)

    def _read_definition(self, operation: Any, qubits: tuple[int, ...]) -> None:
        definition = getattr(operation, "definition", None)
        if definition is None and hasattr(operation, "to_circuit"):
            definition = operation.to_circuit()
        if definition is not None:
            self.read(definition, qubits)
            return
        try:
            matrix = operation.to_matrix()
        except (AttributeError, QiskitError):
            raise CircuitError(f"instruction {operation.name!r} has neither a definition nor a matrix") from None
        self._add(Operation(gates.Fixed(operation.name, matrix), qubits))

    def _place(self, operations: Iterable[Operation], qubits: tuple[int, ...]) -> None:
        for operation in operations:
            self._add(Operation(operation.gate, tuple([qubits[q] for q in operation.qubits]), operation.angles))

    def _add(self, operation: Operation) -> None:
        if self.measured and not self.measured.isdisjoint(operation.qubits):
            raise CircuitError(
                f"a circuit measures at its end only, but {operation.gate.name} acts on {operation.qubits} "
                "after a measurement there"
            )
        self.touched.update(operation.qubits)
        self.operations.append(operation)


def _operations(operation: Any) -> list[Operation]:
    """A gate alone, on qubits 0, 1, ..., right as a whole unitary and not just on |0...0>."""
    reader = _Reader(fresh=False)
    reader._read_one(operation, tuple(range(operation.num_qubits)))
    if reader.measured:
        raise CircuitError(f"a measurement in {operation.name!r} can not be controlled or inverted")
    return reader.operations


def _base_operations(operation: ControlledGate) -> list[Operation]:
    """What a controlled gate controls; CUGate calls UGate its base and keeps the fourth angle, a phase, to itself."""
    base = operation.base_gate
    if base.base_class is library.UGate and len(operation.params) == 4:
        *angles, phase = (_angle(value) for value in operation.params)
        return [Operation(gates.U, (0,), tuple(angles)), Operation(gates.GLOBAL_PHASE, (), (phase,))]
    return _operations(base)


def _controlled(operations: Iterable[Operation], values: Sequence[int]) -> list[Operation]:
    """Operations under the control of new first qubits."""
    split = len(values)
    moved = [Operation(op.gate, tuple([q + split for q in op.qubits]), op.angles) for op in operations]
    return [op.controlled(range(split), values) for op in moved] if split else moved


def _annotated(operation: AnnotatedOperation) -> list[Operation]:
    out, width = _operations(operation.base_op), operation.base_op.num_qubits
    for modifier in operation.modifiers:
        if isinstance(modifier, ControlModifier):
            out = _controlled(out, [modifier.ctrl_state >> k & 1 for k in range(modifier.num_ctrl_qubits)])
            width += modifier.num_ctrl_qubits
        elif isinstance(modifier, InverseModifier):
            out = [op.inverse() for op in reversed(out)]
        elif isinstance(modifier, PowerModifier) and float(modifier.power).is_integer():
            chosen = out if modifier.power >= 0 else [op.inverse() for op in reversed(out)]
            out = chosen * abs(int(modifier.power))
        elif isinstance(modifier, PowerModifier):
            matrix = Operator(Circuit(max(width, 1), out).to_matrix()).power(modifier.power).data
            out = [Operation(gates.Fixed("unitary", matrix), tuple(range(max(width, 1))))]
        else:
            raise CircuitError(f"unknown modifier {modifier!r} of {operation.base_op.name!r}")
    return out


def _is_product_of_rotations(evolution: library.PauliEvolutionGate) -> bool:
    """Whether the strings commute, so that the evolution is the product of theirs in any order."""
    operator = evolution.operator
    return (
        type(evolution.synthesis) in (LieTrotter, SuzukiTrotter)
        and isinstance(operator, SparsePauliOp)
        and operator.coeffs.dtype.kind in "fc"
        and not np.any(operator.coeffs.imag)
        and len(operator.group_commuting()) == 1
    )


def _angle(value: Any) -> Angle:
    """An angle of Qiskit's, a number or an expression, as one of ours."""
    if not isinstance(value, ParameterExpression):
        return float(value)
    if isinstance(value, qiskit_circuit.Parameter):
        return Parameter.with_identity(value.name, value.uuid.int)
    try:
        slopes = {parameter: value.gradient(parameter) for parameter in value.parameters}
        if any(isinstance(slope, ParameterExpression | complex) for slope in slopes.values()):
            raise TypeError
        out: Angle = float(value.bind(dict.fromkeys(slopes, 0.0)))
    except (RuntimeError, TypeError, QiskitError):  # no derivative, a derivative that depends on parameters, complex
        raise ParameterError(
            f"an angle must be an affine expression of its parameters with real coefficients, got {value}"
        ) from None
    for parameter, slope in slopes.items():
        out = out + float(slope) * Parameter.with_identity(parameter.name, parameter.uuid.int)
    return out.constant if isinstance(out, Expression) and not out.terms else out
