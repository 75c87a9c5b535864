"""Operations that this device decomposes itself, before PennyLane converts the numbers of a tape to NumPy's.

* `qml.evolve` and `qml.exp`: PennyLane decomposes them only if their operator is a single Pauli string, and it cannot
  convert an evolution, because the coefficients of its operator are not part of its data.
* `qml.ControlledQubitUnitary`: the conversion loses its control values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.exceptions import DecompositionUndefinedError
from pennylane.operation import Operator
from pennylane.ops import Adjoint, Controlled, Evolution, Exp, Pow

from simulator import pauli
from simulator.pennylane_device.observables import MAX_MATRIX_WIRES
from simulator.precision import tolerance_for

MAX_FIXED_WIRES = 12
"""Maximum number of wires of an exponential without trainable numbers, which becomes a matrix."""


def is_exponential(op: Operator) -> bool:
    """Return whether the operation is an exponential, or the adjoint, a power or a controlled version of one."""
    while isinstance(op, Adjoint | Controlled | Pow):
        op = op.base
    return isinstance(op, Exp)


def is_decomposed_here(op: Operator) -> bool:
    """Return whether `decomposition` differs from PennyLane's."""
    return loses_control_values(op) or is_exponential(op)


def loses_control_values(op: Operator) -> bool:
    """Return whether PennyLane's conversion would set all control values of the operation to 1."""
    return type(op) is qml.ControlledQubitUnitary and not all(op.control_values)


def expanded(op: Operator) -> list[Operator]:
    """Decompose operations that this device decomposes itself, and leave others unchanged."""
    if not is_decomposed_here(op):
        return [op]
    try:
        parts = decomposition(op)
    except DecompositionUndefinedError:
        return [op]
    return [inner for part in parts for inner in expanded(part)]


def decomposition(op: Operator) -> Sequence[Operator]:
    """Decompose an operation.

    An exponential of commuting Pauli strings becomes a rotation for each string. Other exponentials become a matrix,
    or, if the time is trainable, rotations in the eigenbasis of their operator.

    Raises
    ------
    DecompositionUndefinedError
        If there is no decomposition: a trainable exponent is not imaginary, or strings that do not commute have
        trainable coefficients or act on too many wires.
    """
    if not is_decomposed_here(op):
        return op.decomposition()  # type: ignore[no-any-return]
    if isinstance(op, qml.ControlledQubitUnitary):
        return [Controlled(op.base, op.control_wires, op.control_values)]
    if isinstance(op, Adjoint):
        return [qml.adjoint(part) for part in reversed(decomposition(op.base))]
    if isinstance(op, Controlled):
        return [qml.ctrl(part, op.control_wires, op.control_values) for part in decomposition(op.base)]
    if isinstance(op, Pow):
        return [op.base.pow(op.z)] if isinstance(op.base, Exp) else op.decomposition()
    time = _time(op)
    if time is not None and _commutes(op.base):
        return _rotations(op.base, time)
    if not any(qml.math.requires_grad(data) for data in op.data) and len(op.wires) <= MAX_FIXED_WIRES:
        return [qml.QubitUnitary(op.matrix(), wires=op.wires)]
    fixed = not any(qml.math.requires_grad(data) for data in op.data[1:])
    if time is None or not fixed or len(op.wires) > MAX_MATRIX_WIRES:
        raise DecompositionUndefinedError
    return _in_eigenbasis(op.base, time)


def _time(op: Exp) -> Any:
    """Return the real t of ``exp(-i t H)``, None if the exponent is not imaginary.

    A complex exponent whose value is unknown while JAX traces it is assumed to be imaginary, as in PennyLane.
    """
    time = op.param if isinstance(op, Evolution) else 1j * op.coeff
    if not qml.math.get_dtype_name(time).startswith("complex"):
        return time
    if qml.math.is_abstract(time):
        return qml.math.real(time) if isinstance(op, Evolution) or _is_complex(op.coeff) else None
    return None if np.any(np.imag(_value(time))) else qml.math.real(time)


def _is_complex(number: Any) -> bool:
    return bool(qml.math.get_dtype_name(number).startswith("complex"))


def _value(number: Any) -> Any:
    """Return the number or array that autograd, torch or JAX has wrapped."""
    return qml.math.unwrap([number])[0]


def _commutes(operator: Operator) -> bool:
    """Return whether the operator is a sum of commuting Pauli strings with real coefficients."""
    sentence = operator.pauli_rep
    if sentence is None or any(_is_complex(c) and np.imag(_value(c)) for c in sentence.values()):
        return False
    words = list(sentence)
    return all(word.commutes_with(other) for k, word in enumerate(words) for other in words[:k])


def _rotations(operator: Operator, time: Any) -> list[Operator]:
    """Return a rotation for each string of an operator, and a phase for the identity."""
    out = []
    for word, coefficient in operator.pauli_rep.items():
        angle = qml.math.real(coefficient) * time
        if word.wires:
            out.append(qml.PauliRot(2 * angle, "".join(word.values()), wires=word.wires))
        else:
            out.append(qml.GlobalPhase(angle))
    return out


def _in_eigenbasis(operator: Operator, time: Any) -> list[Operator]:
    """Return a change to the eigenbasis, rotations about Z strings, and the change back."""
    matrix = np.asarray(_value(qml.matrix(operator, wire_order=operator.wires)))
    adjoint = matrix.conj().T
    if np.abs(matrix - adjoint).max() > tolerance_for(matrix) * max(1.0, np.abs(matrix).max()):
        raise DecompositionUndefinedError
    values, vectors = np.linalg.eigh(np.asarray(matrix + adjoint, complex) / 2)
    wires = operator.wires[::-1]  # the first is the highest bit
    phases = []
    for z, coefficient in enumerate(pauli.walsh_hadamard(values) / len(values)):
        acting = [wire for bit, wire in enumerate(wires) if z >> bit & 1]
        phases.append(qml.MultiRZ(2 * coefficient * time, acting) if acting else qml.GlobalPhase(coefficient * time))
    to_basis, from_basis = (qml.QubitUnitary(matrix, wires=operator.wires) for matrix in (vectors.conj().T, vectors))
    return [to_basis, *phases, from_basis]
