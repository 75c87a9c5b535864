"""Two-qubit blocks of tensor networks and convolutions, by name or as circuits."""

from __future__ import annotations

from collections.abc import Iterator

from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.gates import Angle, Operation
from simulator.names import choose
from simulator.parameters import ParameterVector

__all__ = ["BLOCKS", "block_circuit", "checked_block", "place"]


def _so4() -> Circuit:
    w = ParameterVector("b", 6)
    rotations = [gates.RY(w[k], k % 2) for k in range(6)]
    operations = [*rotations[:2], gates.CX(0, 1), *rotations[2:4], gates.CX(0, 1), *rotations[4:]]
    return Circuit(2, operations)


def _su4() -> Circuit:
    w = iter(ParameterVector("b", 15))

    def rotated() -> list[Operation]:
        return [rotation(next(w), q) for q in (0, 1) for rotation in (gates.RZ, gates.RY, gates.RZ)]

    operations = [*rotated(), gates.CX(0, 1), gates.RY(next(w), 0), gates.RZ(next(w), 1), gates.CX(1, 0)]
    return Circuit(2, [*operations, gates.RY(next(w), 0), gates.CX(0, 1), *rotated()])


def _ry_cx() -> Circuit:
    w = ParameterVector("b", 2)
    return Circuit(2).ry(w[0], 0).ry(w[1], 1).cx(0, 1)


BLOCKS: dict[str, Circuit] = {"ry_cx": _ry_cx(), "so4": _so4(), "su4": _su4()}
"""Two-qubit blocks by name: the weights of a block are its parameters, in order of first use.

``"ry_cx"`` is two RY and a CNOT (2 weights), ``"so4"`` reaches every real rotation of two qubits (6), ``"su4"`` every
unitary up to a phase (15): the convolutions of Hur, Kim and Park, arXiv:2108.00661.
"""


def block_circuit(block: str | Circuit) -> Circuit:
    """Return the circuit of a block."""
    return BLOCKS[block] if isinstance(block, str) else block


def checked_block(block: str | Circuit) -> str | Circuit:
    """Return the name of a block as the table spells it, or the circuit, after a check of its width.

    Raises
    ------
    UnknownNameError
        If there is no block of that name; the nearest names are suggested.
    CircuitError
        If it is neither a name nor a circuit on 2 qubits.
    """
    if isinstance(block, str):
        return choose("two-qubit block", block, BLOCKS)
    if not isinstance(block, Circuit) or block.num_qubits != 2:
        got = f"one on {block.num_qubits}" if isinstance(block, Circuit) else repr(block)
        raise CircuitError(f"block expects one of {', '.join(BLOCKS)}, or a Circuit on 2 qubits, got {got}")
    return block


def place(circuit: Circuit, block: Circuit, weights: Iterator[Angle], pair: tuple[int, int]) -> Circuit:
    """Append a block on two qubits; takes its weights from the iterator."""
    return circuit.compose(block.bind({parameter: next(weights) for parameter in block.parameters}), pair)
