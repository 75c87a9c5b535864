"""Pictures of circuits, with repeated layers folded."""

from __future__ import annotations

from os import PathLike
from typing import Any

from qml.plots.canvas import DOTS_PER_INCH
from simulator import gates
from simulator.circuit import Circuit

__all__ = ["plot_circuit"]

MIN_REPEATS = 3
"""Minimum number of equal layers in a row that are folded into one."""


def plot_circuit(circuit: Any, path: str | PathLike[str] | None = None, *, fold_layers: bool = True) -> Any:
    """Draw a circuit with Qiskit's drawer.

    Parameters
    ----------
    circuit : Circuit, or a model or a fitted estimator that has one
    path : path of a PNG file, optional
    fold_layers : bool
        Whether three or more layers in a row that differ only in their angles are drawn as the first of them and a
        box with their number.

    Returns
    -------
    matplotlib Figure
    """
    if not isinstance(circuit, Circuit):
        inner = getattr(circuit, "circuit_", getattr(circuit, "circuit", None))
        if not isinstance(inner, Circuit):
            raise TypeError(f"plot_circuit draws a Circuit, or what has one (model, fitted estimator), got {circuit!r}")
        circuit = inner
    shown = _folded(circuit) if fold_layers else circuit
    figure = shown.draw("mpl", fold=24, scale=0.6)
    if path is not None:
        figure.savefig(path, dpi=DOTS_PER_INCH, bbox_inches="tight")
    return figure


def _folded(circuit: Circuit) -> Circuit:
    """Replace the repetitions of the block that saves most by one box; operations are equal up to their angles."""
    operations = circuit.operations
    keys = [(operation.gate, operation.qubits, operation.clbits, operation.conditions) for operation in operations]
    best, block = 0, (0, 0, 0)
    for period in range(2, len(keys) // MIN_REPEATS + 1):
        run = 0
        for position in range(len(keys) - period):
            run = run + 1 if keys[position] == keys[position + period] else 0
            repeats = run // period + 1
            saved = (repeats - 1) * period
            if repeats >= MIN_REPEATS and saved > best:
                best, block = saved, (position - run + 1, period, repeats)
    if not best:
        return circuit
    start, period, repeats = block
    end = start + period * repeats
    qubits = sorted({qubit for operation in operations[start:end] for qubit in operation.qubits})
    box = gates.Composite(f"... {repeats} in all", len(qubits), 0, [])
    first, last = operations[: start + period], operations[end:]
    return circuit.with_operations([*first, gates.Operation(box, tuple(qubits)), *last])
