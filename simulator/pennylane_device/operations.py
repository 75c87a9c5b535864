"""Conversion of PennyLane's operations to gates.

The angles of a native operation stay parameters, so that a circuit is lowered once whatever its angles. PennyLane
decomposes all other operations until they are native, or supplies their matrix.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import NDArray
from pennylane.operation import Operator
from pennylane.ops import Adjoint, Controlled

from simulator import gates
from simulator.gates import Operation
from simulator.pennylane_device.decompositions import is_decomposed_here, loses_control_values

Angles = Sequence[Any]
Qubits = tuple[int, ...]
Maker = Callable[[Angles, Qubits], list[Operation]]

MAX_CONTROLS = 8
"""Maximum number of controls; a controlled rotation is lowered to a rotation for each subset of its controls."""

MAX_MATRIX_WIRES = 12
"""Maximum number of wires of an operation that is applied as its matrix."""

UNITARY_TOLERANCE = 1e-6
"""Tolerance with which PennyLane checks a QubitUnitary."""


def _gate(gate: gates.Gate) -> Maker:
    return lambda angles, qubits: [gate(*angles, *qubits)]


def _one_after_another(*steps: gates.Gate) -> Maker:
    """Apply gates to the same qubits in sequence, each with one of the angles."""
    return lambda angles, qubits: [step(angle, *qubits) for step, angle in zip(steps, angles, strict=True)]


ANGLED: dict[type[Operator], Maker] = {
    qml.RX: _gate(gates.RX),
    qml.RY: _gate(gates.RY),
    qml.RZ: _gate(gates.RZ),
    qml.PhaseShift: _gate(gates.P),
    qml.U1: _gate(gates.P),
    qml.U2: lambda angles, qubits: [gates.U(math.pi / 2, *angles, *qubits)],
    qml.U3: _gate(gates.U),
    qml.Rot: _one_after_another(gates.RZ, gates.RY, gates.RZ),
    qml.CRX: _gate(gates.CRX),
    qml.CRY: _gate(gates.CRY),
    qml.CRZ: _gate(gates.CRZ),
    qml.CRot: _one_after_another(gates.CRZ, gates.CRY, gates.CRZ),
    qml.ControlledPhaseShift: _gate(gates.CP),
    qml.IsingXX: _gate(gates.RXX),
    qml.IsingYY: _gate(gates.RYY),
    qml.IsingZZ: _gate(gates.RZZ),
    qml.IsingXY: lambda angles, qubits: [gate(-0.5 * angles[0], *qubits) for gate in (gates.RXX, gates.RYY)],
    qml.MultiRZ: lambda angles, qubits: [gates.PauliRotation("Z" * len(qubits))(*angles, *qubits)],
    qml.GlobalPhase: lambda angles, _: [gates.GLOBAL_PHASE(-1.0 * angles[0])],
}
"""Operations whose data are the angles of gates."""

GENERATED: set[type[Operator]] = {
    qml.SingleExcitation,
    qml.SingleExcitationMinus,
    qml.SingleExcitationPlus,
    qml.DoubleExcitation,
    qml.DoubleExcitationMinus,
    qml.DoubleExcitationPlus,
    qml.FermionicSWAP,
}
"""Operations ``exp(i angle G)`` that become a rotation with the generator -G."""

FIXED: dict[type[Operator], gates.Gate | None] = {
    qml.Identity: None,
    qml.PauliX: gates.X,
    qml.PauliY: gates.Y,
    qml.PauliZ: gates.Z,
    qml.Hadamard: gates.H,
    qml.S: gates.S,
    qml.T: gates.T,
    qml.SX: gates.SX,
    qml.CNOT: gates.CX,
    qml.CY: gates.CY,
    qml.CZ: gates.CZ,
    qml.CH: gates.CH,
    qml.SWAP: gates.SWAP,
    qml.ISWAP: gates.ISWAP,
    qml.CSWAP: gates.CSWAP,
    qml.Toffoli: gates.CCX,
    qml.CCZ: gates.CCZ,
}
"""Operations without data; their wires have the order of the gate's qubits."""

MATRICES: set[type[Operator]] = {qml.QubitUnitary, qml.SISWAP, qml.ECR, qml.QubitSum, qml.QubitCarry}
"""Operations that are applied as their matrix."""

NAMES = {
    *(kind.__name__ for kind in (*ANGLED, *GENERATED, *FIXED, *MATRICES, qml.PauliRot, qml.DiagonalQubitUnitary)),
    "MultiControlledX",
}
"""Names of the native operations, for PennyLane's decomposition graph."""


def is_native(op: Operator) -> bool:
    """Whether `signature` and `make` accept the operation without decomposition."""
    kind = type(op)
    if kind in ANGLED or kind in FIXED:
        return True
    if kind is qml.PauliRot or kind in GENERATED:
        return True
    if kind in MATRICES or kind is qml.DiagonalQubitUnitary or isinstance(op, qml.Projector):
        return not any(qml.math.requires_grad(data) for data in op.data)
    if isinstance(op, Adjoint):
        return is_native(op.base)
    if isinstance(op, Controlled):
        if len(op.control_wires) > MAX_CONTROLS or isinstance(op.base, qml.Projector) or loses_control_values(op):
            return False
        return is_native(op.base)
    return False


def is_supported(op: Operator) -> bool:
    """Whether decomposition stops at the operation: it is native, or has a matrix and no decomposition."""
    if is_native(op):
        return True
    # the order matters: asking an exponential for its decomposition changes its coefficient (PennyLane 0.45)
    if is_decomposed_here(op) or op.has_decomposition or any(qml.math.requires_grad(data) for data in op.data):
        return False
    return bool(op.has_matrix) and len(op.wires) <= MAX_MATRIX_WIRES


def has_angles(op: Operator) -> bool:
    """Whether the operation's data are angles (each a column of the parameters) rather than part of its structure."""
    if isinstance(op, Adjoint | Controlled) and type(op) not in ANGLED:
        return has_angles(op.base)
    return type(op) in ANGLED or type(op) in GENERATED or type(op) is qml.PauliRot


def signature(op: Operator) -> Hashable:
    """Return a key that distinguishes the operation from others, up to its angles."""
    kind: Any = type(op)
    if kind in ANGLED or kind in FIXED or kind in GENERATED:
        return kind, op.wires
    if kind is qml.PauliRot:
        return kind, op.wires, op.hyperparameters["pauli_word"]
    if isinstance(op, Adjoint):
        return kind, signature(op.base)
    if isinstance(op, Controlled) and is_native(op):
        return kind, op.control_wires, tuple(op.control_values), signature(op.base)
    return kind, op.wires, np.asarray(_matrix(op), complex).tobytes()


def make(op: Operator, qubits: Qubits, angles: Angles) -> list[Operation]:
    """Convert a supported operation.

    Parameters
    ----------
    op : pennylane Operator
    qubits : tuple of int
        Qubit of each of the operation's wires.
    angles : sequence of float or Expression
        Angles that replace its data, if `has_angles`.
    """
    kind: Any = type(op)
    if kind in ANGLED:
        return ANGLED[kind](angles, qubits)
    if kind in FIXED:
        gate = FIXED[kind]
        return [] if gate is None else [gate(*qubits)]
    if kind is qml.PauliRot:
        return _pauli_rotation(op.hyperparameters["pauli_word"], angles[0], qubits)
    if kind in GENERATED:
        return [_generated(kind)(*angles, *reversed(qubits))]
    if kind is qml.DiagonalQubitUnitary:
        return [gates.Diagonal("diagonal", np.angle(op.data[0]))(*reversed(qubits))]
    if isinstance(op, Adjoint):
        return [step.inverse() for step in reversed(make(op.base, qubits, angles))]
    if isinstance(op, Controlled) and is_native(op):
        controls = len(op.control_wires)
        steps = make(op.base, qubits[controls:], angles)
        return [step.controlled(qubits[:controls], [int(v) for v in op.control_values]) for step in steps]
    if isinstance(op, qml.Projector):
        return [gates.Fixed(op.name, _matrix(op), check=False)(*reversed(qubits))]
    return [gates.Fixed.accepted(op.name, _matrix(op), UNITARY_TOLERANCE)(*reversed(qubits))]


def _pauli_rotation(word: str, angle: Any, qubits: Qubits) -> list[Operation]:
    acting = [(letter, qubit) for letter, qubit in zip(word, qubits, strict=True) if letter != "I"]
    if not acting:
        return [gates.GLOBAL_PHASE(-0.5 * angle)]
    label = "".join(letter for letter, _ in reversed(acting))
    return [gates.PauliRotation(label)(angle, *(qubit for _, qubit in acting))]


@functools.cache
def _generated(kind: Any) -> gates.Rotation:
    wires = range(kind.num_wires)
    generator = kind(0.0, wires=wires).generator()
    return gates.Rotation(kind.__name__, -qml.matrix(generator, wire_order=wires))


def _matrix(op: Operator) -> NDArray[Any]:
    """Return the operation's matrix in its original precision, with the first wire most significant."""
    if not op.has_matrix and op.has_sparse_matrix:
        return np.asarray(op.sparse_matrix().toarray())
    return np.asarray(qml.math.unwrap([op.matrix()])[0])
