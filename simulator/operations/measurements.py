"""Measurements and resets: add them to circuits, split off final ones, refuse them where only gates are defined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulator import gates
from simulator.errors import CircuitError
from simulator.gates import Measure, Operation, Reset
from simulator.operations.arguments import as_qubits
from simulator.operations.sequence import CircuitT

__all__ = [
    "final_measurements",
    "measure",
    "measure_all",
    "refuse_measurements",
    "remove_final_measurements",
    "reset",
]


def measure(circuit: CircuitT, qubit: int | Sequence[int], clbit: int | Sequence[int]) -> CircuitT:
    """Measure qubits in the computational basis, each into a classical bit.

    Parameters
    ----------
    qubit, clbit : int, or sequences of int of one length

    Raises
    ------
    CircuitError
        If the circuit has no such qubit or classical bit.

    Examples
    --------
    >>> from simulator import Circuit
    >>> Circuit(2, 1).x(1).measure(1, 0).sample(shots=10, seed=0)
    {'1': 10}
    """
    qubits, clbits = as_qubits(qubit), as_qubits(clbit)
    if len(qubits) != len(clbits):
        raise CircuitError(f"measure takes one classical bit per qubit, got {len(qubits)} and {len(clbits)}")
    return circuit.append(*(gates.MEASURE(q, c) for q, c in zip(qubits, clbits, strict=True)))


def measure_all(circuit: CircuitT) -> CircuitT:
    """Measure every qubit into a new classical bit, added after the existing ones, as in Qiskit."""
    n, first = circuit.num_qubits, circuit.num_clbits
    wider = circuit.with_operations(circuit.operations, num_clbits=first + n)
    return measure(wider, range(n), range(first, first + n))


def reset(circuit: CircuitT, qubit: int | Sequence[int]) -> CircuitT:
    """Reset qubits to 0."""
    return circuit.append(*(gates.RESET(q) for q in as_qubits(qubit)))


def remove_final_measurements(circuit: CircuitT) -> CircuitT:
    """Return the circuit without its measurements, which must all be at the end, and without classical bits.

    Raises
    ------
    CircuitError
        If an operation acts on a measured qubit or depends on a classical bit.
    """
    split = final_measurements(circuit.operations)
    if split is None:
        raise CircuitError("the circuit measures, resets or branches in the middle: it is not a unitary")
    return circuit.with_operations(split[0], num_clbits=0)


def final_measurements(operations: Iterable[Operation]) -> tuple[list[Operation], dict[int, int]] | None:
    """Split off the final measurements, which no operation on their qubits follows.

    Returns
    -------
    operations : list of Operation
        Remaining operations; a reset of a qubit that no operation has acted on is dropped.
    measured : dict of int to int
        Measured qubit of each classical bit.
    None
        If an operation is conditional, resets a qubit in use, or acts on a qubit already measured.
    """
    remaining: list[Operation] = []
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
            remaining.append(operation)
        used.update(operation.qubits)
    return remaining, measured


def refuse_measurements(operations: Iterable[Operation], what: str) -> None:
    """Raise a CircuitError that says why ``what`` is undefined if an operation is not a plain gate."""
    for operation in operations:
        if operation.conditions or not operation.gate.is_reversible:
            kind = "branches on classical bits" if operation.conditions else f"contains {operation.gate.name}"
            raise CircuitError(
                f"{what} has no meaning for a circuit that {kind}: its final state is random; "
                "remove_final_measurements() leaves out measurements at the end"
            )
