"""Operations conditioned on classical bits: `Circuit.if_test` and `Circuit.if_else`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from simulator.errors import CircuitError, counted
from simulator.gates import Condition, Operation
from simulator.gates.trait import classical_bit
from simulator.operations.arguments import as_qubits
from simulator.operations.composition import compose
from simulator.operations.sequence import CircuitT, OperationSequence

__all__ = ["as_condition", "conditional", "if_else", "if_test"]


def if_test(
    circuit: CircuitT,
    condition: tuple[int | Sequence[int], int],
    body: OperationSequence | Iterable[Operation],
    qubits: Sequence[int] | None = None,
    clbits: Sequence[int] | None = None,
) -> CircuitT:
    """Apply a body only if classical bits hold a value.

    Parameters
    ----------
    condition : (clbit, value), or ((clbit, ...), value)
        The first of several bits is the lowest bit of the value.
    body : Circuit, or iterable of Operation
        Operations to apply; a circuit is placed as by `compose`.
    qubits, clbits : sequence of int, optional
        Targets of the body's qubits and classical bits; the first ones by default.

    Raises
    ------
    CircuitError
        If a bit is missing, the bits cannot hold the value, or the body measures into them.

    Examples
    --------
    >>> from simulator import Circuit
    >>> corrected = Circuit(1, 1).h(0).measure(0, 0).if_test((0, 1), Circuit(1).x(0))
    >>> corrected.measure_all().sample(shots=100, seed=1)
    {'00': 46, '01': 54}
    """
    return if_else(circuit, condition, body, (), qubits, clbits)


def if_else(
    circuit: CircuitT,
    condition: tuple[int | Sequence[int], int],
    true_body: OperationSequence | Iterable[Operation],
    false_body: OperationSequence | Iterable[Operation],
    qubits: Sequence[int] | None = None,
    clbits: Sequence[int] | None = None,
) -> CircuitT:
    """Apply one body if classical bits hold a value and another otherwise; arguments as for `if_test`."""
    test = as_condition("if_test", condition)
    operations = [
        operation
        for branch, body in ((test, true_body), (replace(test, equal=not test.equal), false_body))
        for operation in conditional(branch, _placed_body(circuit, body, qubits, clbits))
    ]
    return circuit.append(*operations)


def _placed_body(
    circuit: OperationSequence,
    body: OperationSequence | Iterable[Operation],
    qubits: Sequence[int] | None,
    clbits: Sequence[int] | None,
) -> Sequence[Operation]:
    if isinstance(body, OperationSequence):
        return compose(circuit.with_operations(()), body, qubits, clbits).operations
    operations = tuple(circuit._checked(operation) for operation in body)
    if operations and (qubits is not None or clbits is not None):
        raise CircuitError("if_test places a circuit; operations say themselves which qubits they act on")
    return operations


def as_condition(owner: str, condition: Any) -> Condition:
    """Convert ``(clbit, value)``, or ``((clbit, ...), value)`` with the lowest bit first, to a Condition.

    Raises
    ------
    CircuitError
        If it is not such a pair, a bit is repeated, or the bits cannot hold the value.
    """
    if isinstance(condition, Condition):
        return condition
    try:
        bits, value = condition
    except (TypeError, ValueError):
        raise CircuitError(f"{owner}: a condition is (clbit, value) or ((clbits), value), got {condition!r}") from None
    clbits = tuple(classical_bit(owner, bit) for bit in as_qubits(bits))
    if not clbits or len(set(clbits)) != len(clbits):
        raise CircuitError(f"{owner}: a condition takes distinct classical bits, got {clbits}")
    if not isinstance(value, int | np.integer | np.bool_) or not 0 <= int(value) < 1 << len(clbits):
        raise CircuitError(
            f"{owner}: the value of {counted(len(clbits), 'classical bit')} is 0 to "
            f"{(1 << len(clbits)) - 1}, got {value!r}"
        )
    return Condition(clbits, int(value))


def conditional(condition: Condition, body: Sequence[Operation]) -> list[Operation]:
    """Put each operation of ``body`` under the condition.

    Raises
    ------
    CircuitError
        If the body measures into a bit of the condition, which would change it between operations of the body.
    """
    for operation in body:
        overwritten = set(operation.clbits).intersection(condition.clbits)
        if overwritten:
            raise CircuitError(
                f"the body of a condition on classical bits {condition.clbits} measures into bit {min(overwritten)}"
            )
    return [operation._replace(conditions=(condition, *operation.conditions)) for operation in body]
