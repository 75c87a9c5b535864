"""Transformations of circuits: composition, inverse, control, repetition.

These functions are methods of `Circuit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from simulator.errors import CircuitError, counted
from simulator.gates import Composite, Operation
from simulator.gates.trait import classical_bit
from simulator.memory import check_count
from simulator.operations.arguments import as_qubits, whole_number
from simulator.operations.sequence import CircuitT, OperationSequence

__all__ = ["compose", "controlled", "inverse", "power", "repeat"]

REPEATED_BYTES = 32  # of a repeated operation until the circuit has run; measured by the growth of the process


def compose(
    circuit: CircuitT,
    other: OperationSequence,
    qubits: Sequence[int] | None = None,
    clbits: Sequence[int] | None = None,
) -> CircuitT:
    """Apply another circuit after this one.

    Parameters
    ----------
    other : Circuit
        A circuit with at most as many qubits as this one.
    qubits, clbits : sequence of int, optional
        Qubit k of ``other`` is placed on ``qubits[k]``, and bit k on ``clbits[k]``. The first ones by default.
    """
    if not isinstance(other, OperationSequence):
        raise CircuitError(f"compose takes a Circuit, got {type(other).__name__}; append takes operations")
    place = _qubit_places(circuit, other.num_qubits, qubits)
    bits = _clbit_places(circuit, other.num_clbits, clbits)
    if qubits is None and not other.num_clbits:
        return circuit.extended_by(other.operations)
    return circuit.extended_by(_placed(operation, place, bits) for operation in other.operations)


def inverse(circuit: CircuitT) -> CircuitT:
    """Return the inverse circuit: the inverse gates in reverse order."""
    return circuit.with_operations(operation.inverse() for operation in reversed(circuit.operations))


def controlled(circuit: CircuitT, num_controls: int = 1, control_values: Sequence[int] | None = None) -> CircuitT:
    """Return the circuit controlled by additional qubits.

    The controls are qubits 0 to ``num_controls - 1`` of the result, and every qubit of this circuit moves
    up by ``num_controls``, as in Qiskit.

    Parameters
    ----------
    num_controls : int
        At least 1.
    control_values : sequence of 0 or 1, optional
        Value required of each control; all ones by default.
    """
    count = whole_number("controlled", "num_controls", num_controls)
    if count < 1:
        raise CircuitError(f"controlled takes at least 1 control, got {count}")
    if control_values is not None and len(control_values) != count:
        raise CircuitError(f"controlled takes one value per control, got {count} and {list(control_values)}")
    place, bits = range(count, count + circuit.num_qubits), range(circuit.num_clbits)
    moved = (_placed(operation, place, bits) for operation in circuit.operations)
    return circuit.with_operations(
        (op.controlled(range(count), control_values) for op in moved), circuit.num_qubits + count
    )


def repeat(circuit: CircuitT, times: int) -> CircuitT:
    """Apply the circuit ``times`` times in sequence; 0 gives the empty circuit."""
    if whole_number("repeat", "times", times) < 0:
        raise CircuitError(f"repeat takes a number of 0 or more, got {times}; power takes negative ones")
    check_count("repeat", "operations", len(circuit.operations) * int(times), REPEATED_BYTES)
    return circuit.with_operations(circuit.operations * int(times))


def power(circuit: CircuitT, exponent: int) -> CircuitT:
    """Raise the circuit to an integer power; a negative one repeats the inverse."""
    if whole_number("power", "exponent", exponent) < 0:
        return repeat(inverse(circuit), -exponent)
    return repeat(circuit, exponent)


def _placed(operation: Operation, qubits: Sequence[int], clbits: Sequence[int]) -> Operation:
    """Move an operation to other qubits and classical bits."""
    place = tuple(qubits[q] for q in operation.qubits)
    if not operation.clbits and not operation.conditions:
        return Operation(operation.gate, place, operation.angles)
    conditions = tuple(replace(test, clbits=tuple(clbits[c] for c in test.clbits)) for test in operation.conditions)
    return Operation(operation.gate, place, operation.angles, tuple(clbits[c] for c in operation.clbits), conditions)


def _qubit_places(circuit: OperationSequence, count: int, qubits: Sequence[int] | None) -> Sequence[int]:
    """Return the target qubits for a circuit of ``count`` qubits."""
    if qubits is None:
        if count > circuit.num_qubits:
            raise CircuitError(f"a circuit of {count} qubits does not fit on one of {circuit.num_qubits} qubits")
        return range(count)
    # the same checks and messages as for a gate
    place = Composite("compose", count, 0, ()).check_qubits(as_qubits(qubits))
    circuit._check_range("compose", place)
    return place


def _clbit_places(circuit: OperationSequence, count: int, clbits: Sequence[int] | None) -> Sequence[int]:
    """Return the target classical bits for a circuit with ``count`` classical bits."""
    available = circuit.num_clbits
    if clbits is None:
        if count > available:
            raise CircuitError(f"a circuit with {counted(count, 'classical bit')} does not fit on one with {available}")
        return range(count)
    place = tuple(classical_bit("compose", bit) for bit in as_qubits(clbits))
    if len(place) != count or len(set(place)) != count or any(bit >= available for bit in place):
        raise CircuitError(f"compose takes {count} distinct classical bits below {available}, got {place}")
    return place
