"""Conversion of circuits to drawings, Qiskit and OpenQASM, through `simulator.qiskit_circuits`.

These functions are methods of `Circuit`.
"""

from __future__ import annotations

from typing import Any

from simulator.operations.sequence import OperationSequence

__all__ = ["draw", "to_qasm", "to_qiskit"]


def draw(circuit: OperationSequence, output: str = "text", **options: Any) -> Any:
    """Draw the circuit with Qiskit's drawer.

    Parameters
    ----------
    output : {"text", "mpl", "latex", "latex_source"}
        "mpl" gives a matplotlib figure (extra ``[plot]``).
    **options
        Options of ``qiskit.QuantumCircuit.draw``.
    """
    from simulator import qiskit_circuits

    return qiskit_circuits.draw(circuit, output, **options)


def to_qiskit(circuit: OperationSequence) -> Any:
    """Convert to a ``qiskit.QuantumCircuit``, including parameters and global phase."""
    from simulator import qiskit_circuits

    return qiskit_circuits.to_qiskit(circuit)


def to_qasm(circuit: OperationSequence, version: int = 3) -> str:
    """Convert to OpenQASM 3 or 2 text by Qiskit's exporter; version 2 has no free parameters."""
    from simulator import qiskit_circuits

    return qiskit_circuits.to_qasm(circuit, version)
