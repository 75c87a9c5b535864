"""Controls, inverses and powers of Qiskit's gates, applied to the operations that the gate consists of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from qiskit.circuit import (
    AnnotatedOperation,
    ControlledGate,
    ControlModifier,
    InverseModifier,
    PowerModifier,
    library,
)
from qiskit.quantum_info import Operator

from simulator import gates
from simulator.calculations.unitary import to_matrix
from simulator.errors import CircuitError, ParameterError
from simulator.gates import Operation
from simulator.operations.binding import listed
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Expression

__all__ = ["annotated", "controlled", "is_controlled_base"]

_CONTROLLED = {kind for kind in vars(library).values() if isinstance(kind, type) and issubclass(kind, ControlledGate)}
"""Controlled gates of Qiskit's library."""

_PREFIX = re.compile(r"c(c|-|\d+)?")
"""Prefix that ``control()`` adds to a name."""

_ROTATIONS = (gates.R, gates.XX_PLUS_YY, gates.XX_MINUS_YY)
"""Gates that rotate by their first angle, about an axis set by the second."""


def is_controlled_base(operation: Any) -> bool:
    """Return whether an instruction is exactly its base gate under the control of its first qubits.

    The widths must fit (with several targets or auxiliary qubits they do not), and the gate must come from Qiskit: from
    its library, or from ``control()``, which names it after its base gate. A custom gate can have any definition.
    """
    if not isinstance(operation, ControlledGate) or operation.base_gate is None:
        return False
    base = operation.base_gate
    if operation.num_qubits != operation.num_ctrl_qubits + base.num_qubits:
        return False
    if operation.base_class in _CONTROLLED:
        return True
    if operation.base_class is ControlledGate:
        name = operation._name  # without the control state
        if name.endswith(base.name) and _PREFIX.fullmatch(name, 0, len(name) - len(base.name)):
            return True
    return operation.definition is None


def controlled(operations: Iterable[Operation], control: Any) -> list[Operation]:
    """Put operations under the control of new first qubits, with the control state of a gate or a modifier."""
    split = control.num_ctrl_qubits
    values = [control.ctrl_state >> k & 1 for k in range(split)]
    moved = [Operation(op.gate, tuple([q + split for q in op.qubits]), op.angles) for op in operations]
    return [op.controlled(range(split), values) for op in moved] if split else moved


def annotated(operations: Sequence[Operation], operation: AnnotatedOperation) -> list[Operation]:
    """Apply the modifiers of an operation to the operations of its base, on qubits 0, 1, ..."""
    out, width = list(operations), operation.base_op.num_qubits
    for modifier in operation.modifiers:
        if isinstance(modifier, ControlModifier):
            out = controlled(out, modifier)
            width += modifier.num_ctrl_qubits
        elif isinstance(modifier, InverseModifier):
            out = _inverse(out)
        elif isinstance(modifier, PowerModifier) and float(modifier.power).is_integer():
            out = (out if modifier.power >= 0 else _inverse(out)) * abs(int(modifier.power))
        elif isinstance(modifier, PowerModifier):
            out = _fractional_power(out, width, modifier.power)
        else:
            raise CircuitError(f"unknown modifier {modifier!r} of {operation.base_op.name!r}")
    return out


def _inverse(operations: Sequence[Operation]) -> list[Operation]:
    return [operation.inverse() for operation in reversed(operations)]


def _fractional_power(operations: Sequence[Operation], width: int, power: float) -> list[Operation]:
    """Return the principal power of a unitary, as in Qiskit; for a rotation with a free angle, multiply the angle."""
    free = {p: None for o in operations for a in o.angles if isinstance(a, Expression) for p in a.terms}
    if not free:
        size = 1 << width
        matrix = Operator(to_matrix(OperationSequence(max(width, 1), operations))[:size, :size]).power(power).data
        return [Operation(gates.Fixed("unitary", matrix), tuple(range(width)))]
    if len(operations) == 1:
        gate, qubits, (angle, *axis) = operations[0].gate, operations[0].qubits, operations[0].angles
        if isinstance(gate, gates.Rotation) or gate.without_controls() in _ROTATIONS:
            return [Operation(gate, qubits, (power * angle, *axis))]
    names = ", ".join(dict.fromkeys(operation.gate.name for operation in operations))
    raise ParameterError(
        f"with free angles, the power {power:g} is supported only for a single rotation, got {names}: "
        f"bind {listed(free)}"
    )
