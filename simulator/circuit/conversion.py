"""How a circuit looks elsewhere: drawn, in Qiskit, in OpenQASM; all through `simulator.qiskit_circuits`.

These functions are methods of `Circuit`.
"""

from __future__ import annotations

from typing import Any

from simulator.operations.sequence import CircuitT, OperationSequence
from simulator.parameters.angle_maps import AngleMap

__all__ = ["draw", "from_qasm", "from_qiskit", "from_qiskit_with_angle_map", "to_qasm", "to_qiskit"]


def draw(circuit: OperationSequence, output: str = "text", **options: Any) -> Any:
    """Draw with Qiskit's drawer.

    Parameters
    ----------
    output : {"text", "mpl", "latex", "latex_source"}
        "mpl" gives a matplotlib figure (extra ``[plot]``).
    **options
        Of ``qiskit.QuantumCircuit.draw``.
    """
    from simulator import qiskit_circuits

    return qiskit_circuits.draw(circuit, output, **options)


def to_qiskit(circuit: OperationSequence) -> Any:
    """The same circuit as a ``qiskit.QuantumCircuit``, parameters and global phase included."""
    from simulator import qiskit_circuits

    return qiskit_circuits.to_qiskit(circuit)


def from_qiskit(kind: type[CircuitT], circuit: Any) -> CircuitT:
    """Read a ``qiskit.QuantumCircuit``; barriers are left out.

    Raises
    ------
    CircuitError
        If it contains loops, or conditions other than classical bits being equal to a value.
    ParameterError
        If an angle is not affine in its parameters; `from_qiskit_with_angle_map` takes such angles too.
    """
    from simulator import qiskit_circuits

    return qiskit_circuits.from_qiskit(kind, circuit)


def from_qiskit_with_angle_map(kind: type[CircuitT], circuit: Any) -> tuple[CircuitT, AngleMap]:
    """Read a ``qiskit.QuantumCircuit`` whose angles may be any expression, such as ``sin(x)`` or ``x * y``.

    Returns
    -------
    circuit : Circuit
        Each angle that is not affine is a parameter of its own.
    angles : AngleMap
        From values of Qiskit's parameters to values of this circuit's parameters; and derivatives back.

    Raises
    ------
    CircuitError
        As `from_qiskit`.
    ParameterError
        If an angle is not a real function of its parameters.
    """
    from simulator import qiskit_circuits

    return qiskit_circuits.from_qiskit_with_angle_map(kind, circuit)


def to_qasm(circuit: OperationSequence, version: int = 3) -> str:
    """OpenQASM 3 or 2 text, by Qiskit's exporter; version 2 has no free parameters."""
    from simulator import qiskit_circuits

    return qiskit_circuits.to_qasm(circuit, version)


def from_qasm(kind: type[CircuitT], text: str) -> CircuitT:
    """Read OpenQASM 2 or 3, by Qiskit's parsers; only the standard include files are allowed.

    Raises
    ------
    CircuitError
        If the text is malformed (with line and column), includes another file, or contains what a circuit
        does not have (see `from_qiskit`).
    """
    from simulator import qiskit_circuits

    return qiskit_circuits.from_qasm(kind, text)
