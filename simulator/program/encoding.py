"""Split of a program where its weights begin: the states that only the inputs determine, and what follows."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from simulator.gates import Operation
from simulator.parameters import Expression, Parameter
from simulator.program.decomposition import decompose
from simulator.program.program import Program

__all__ = ["split_encoding"]

Parts = tuple[Program, Program]

FEWEST_LEVELS = 5
"""Fewest levels of an encoding whose states are worth keeping; measured: with three, reading them takes as long."""

_parts: WeakKeyDictionary[Program, Parts | None] = WeakKeyDictionary()


def split_encoding(program: Program) -> Parts | None:
    """Split off the operations that act on each qubit before the first one with a weight.

    Parameters
    ----------
    program : Program

    Returns
    -------
    (Program, Program) or None
        The first without observables and weights; the second begins in the states of the first, so that its inputs are
        their amplitudes (see `Program.from_states`). None if inputs follow weights, as with re-uploading, or if the
        first is so short that it takes no longer than reading its states.
    """
    if program not in _parts:
        _parts[program] = _split(program)
    return _parts[program]


def _split(program: Program) -> Parts | None:
    circuit = program.circuit
    if circuit is None or not program.inputs:
        return None
    weights, inputs = set(program.weights), set(program.inputs)
    first: list[Operation] = []
    second: list[Operation] = []
    reached: set[int] = set()  # qubits on which an operation of the second part acts
    for operation in circuit.operations:
        parameters = _parameters(operation)
        if parameters & weights or not reached.isdisjoint(operation.qubits):
            if parameters & inputs or decompose(operation.gate) is None:
                return None
            second.append(operation)
            reached.update(operation.qubits)
        else:
            first.append(operation)
    if not second or all(len(operation.qubits) == 1 for operation in first):
        return None
    encoding = Program(circuit.with_operations(first), (), program.inputs, (), program.precision)
    if not encoding.starts and len(encoding.lowered.levels) < FEWEST_LEVELS:
        return None
    return encoding, Program.from_states(
        circuit.with_operations(second), program.observables, program.weights, program.precision
    )


def _parameters(operation: Operation) -> set[Parameter]:
    return {p for angle in operation.angles if isinstance(angle, Expression) for p in angle.terms}
