"""Measurements, resets and conditions in a list of operations: made, checked, and found to be at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from simulator.errors import CircuitError
from simulator.gates import Condition, Measure, Operation, Reset
from simulator.gates.trait import classical_bit

__all__ = ["as_condition", "conditional", "final_measurements", "refuse_measurements"]


def as_condition(owner: str, condition: Any) -> Condition:
    """``(clbit, value)``, or ``((clbit, ...), value)`` with the lowest bit first, as a Condition.

    Raises
    ------
    CircuitError
        If it is no such pair, a bit is given twice, or the bits can not hold the value.
    """
    if isinstance(condition, Condition):
        return condition
    try:
        bits, value = condition
    except (TypeError, ValueError):
        raise CircuitError(f"{owner}: a condition is (clbit, value) or ((clbits), value), got {condition!r}") from None
    given = tuple(bits) if isinstance(bits, Iterable) else (bits,)
    clbits = tuple(classical_bit(owner, bit) for bit in given)
    if not clbits or len(set(clbits)) != len(clbits):
        raise CircuitError(f"{owner}: a condition takes distinct classical bits, got {clbits}")
    if not isinstance(value, int | np.integer | np.bool_) or not 0 <= int(value) < 1 << len(clbits):
        raise CircuitError(
            f"{owner}: the value of {len(clbits)} classical bit{'s' * (len(clbits) != 1)} is 0 to "
            f"{(1 << len(clbits)) - 1}, got {value!r}"
        )
    return Condition(clbits, int(value))


def conditional(condition: Condition, body: Sequence[Operation]) -> list[Operation]:
    """The operations of ``body``, each under the condition.

    Raises
    ------
    CircuitError
        If the body measures into a bit of the condition, so that its operations would not all happen or not.
    """
    for operation in body:
        overwritten = set(operation.clbits).intersection(condition.clbits)
        if overwritten:
            raise CircuitError(
                f"the body of a condition on classical bits {condition.clbits} measures into bit {min(overwritten)}"
            )
    return [replace(operation, conditions=(condition, *operation.conditions)) for operation in body]


def final_measurements(operations: Iterable[Operation]) -> tuple[list[Operation], dict[int, int]] | None:
    """Split off measurements after which nothing happens to their qubits.

    Returns
    -------
    operations : list of Operation
        All others; a reset of a qubit that nothing has acted on is dropped.
    measured : dict of int to int
        The qubit each classical bit is read from.
    None
        If an operation is conditional, resets a qubit in use, or acts on a qubit already measured.
    """
    rest: list[Operation] = []
    measured: dict[int, int] = {}
    used: set[int] = set()
    read: set[int] = set()
    for operation in operations:
        if operation.conditions:
            return None
        if isinstance(operation.gate, Measure):
            measured[operation.clbits[0]] = operation.qubits[0]
            read.update(operation.qubits)
        elif isinstance(operation.gate, Reset):
            if not (used | read).isdisjoint(operation.qubits):
                return None
            continue
        else:
            if not read.isdisjoint(operation.qubits):
                return None
            rest.append(operation)
        used.update(operation.qubits)
    return rest, measured


def refuse_measurements(operations: Iterable[Operation], what: str) -> None:
    """Raise a CircuitError that says why ``what`` has no meaning, if an operation is not a plain gate."""
    for operation in operations:
        if not operation.is_unitary:
            kind = "branches on classical bits" if operation.conditions else f"contains {operation.gate.name}"
            raise CircuitError(
                f"{what} has no meaning for a circuit that {kind}: its final state is random; "
                "remove_final_measurements() leaves out measurements at the end"
            )
