"""Drawings of circuits, by Qiskit's drawer."""

from __future__ import annotations

from typing import Any

from qiskit.exceptions import MissingOptionalLibraryError

from simulator import gates
from simulator.names import choose
from simulator.operations.binding import bind
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Expression, Parameter
from simulator.qiskit_circuits.outgoing import to_qiskit

__all__ = ["draw"]

OUTPUTS = ("text", "mpl", "latex", "latex_source")


def draw(circuit: OperationSequence, output: str = "text", **options: Any) -> Any:
    """Draw a circuit; the options are those of ``qiskit.QuantumCircuit.draw``."""
    output = choose("drawing output", output, OUTPUTS)
    try:
        return to_qiskit(_with_boxes(_with_different_names(circuit))).draw(output, **options)
    except MissingOptionalLibraryError as error:
        extra = " (the extra [plot]: pip install 'qumba[plot]')" if output == "mpl" else ""
        raise ImportError(f"drawing with {output!r} needs {error.args[0] if error.args else error}{extra}") from None


def _with_different_names(circuit: OperationSequence) -> OperationSequence:
    """Number parameters that share a name, as in ``theta (2)``: they are different here, but not in Qiskit."""
    names: set[str] = set()
    renamed = {}
    for parameter in circuit.parameters:
        name, number = parameter.name, 1
        while name in names:
            number += 1
            name = f"{parameter.name} ({number})"
        names.add(name)
        if number > 1:
            renamed[parameter] = Parameter(name)
    return bind(circuit, renamed) if renamed else circuit


def _with_boxes(circuit: OperationSequence) -> OperationSequence:
    """Replace gates that Qiskit would draw as several boxes, or not at all, by one plain box with their angles."""
    return circuit.with_operations([_boxed(operation) for operation in circuit.operations])


def _boxed(operation: gates.Operation) -> gates.Operation:
    gate = operation.gate
    if isinstance(gate, gates.AmplitudeEncoding):  # Qiskit's gate would need the values of the amplitudes
        name = gate.name
    elif isinstance(gate, gates.Rotation) and _is_custom(gate) and gate.num_qubits:
        name = f"{gate.name}({', '.join(map(_short, operation.angles))})"
    else:
        return operation
    return operation._replace(gate=gates.Composite(name, gate.num_qubits, 0, []), angles=())


def _is_custom(gate: gates.Rotation) -> bool:
    base = gate.without_controls() if gate.controls else gate
    return not isinstance(gate, gates.PauliRotation) and gates.STANDARD.get(base.name) != base


def _short(angle: gates.Angle) -> str:
    return str(angle) if isinstance(angle, Expression) else f"{angle:.4g}"
