"""Summary of a quantum model as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from simulator.circuit import Circuit
from simulator.errors import counted
from simulator.parameters import Parameter

__all__ = ["model_summary"]

MAX_LISTED = 8
"""Maximum number of names in a line."""


class _Model(Protocol):
    """What a summary shows of a model."""

    circuit: Circuit
    inputs: tuple[Parameter, ...]
    weights: tuple[Parameter, ...]

    @property
    def output_names(self) -> tuple[str, ...]: ...


def model_summary(model: _Model) -> str:
    """Return a line for the circuit, the inputs, the weights and the outputs."""
    circuit = model.circuit
    rows = {
        "inputs": [parameter.name for parameter in model.inputs],
        "weights": [parameter.name for parameter in model.weights],
        "outputs": model.output_names,
    }
    size = f"{counted(circuit.num_qubits, 'qubit')}, {counted(len(circuit), 'gate')}, depth {circuit.depth()}"
    return "\n".join([f"circuit  {size}", *(f"{name:7}  {_listed(names)}" for name, names in rows.items())])


def _listed(names: Sequence[str]) -> str:
    """Return the number of names and the first of them."""
    if not names:
        return "0"
    return f"{len(names)}: {', '.join(names[:MAX_LISTED])}{', ...' if len(names) > MAX_LISTED else ''}"
