"""Drawings of circuits, by Qiskit's drawer."""

from __future__ import annotations

from typing import Any

from qiskit.exceptions import MissingOptionalLibraryError

from simulator import gates
from simulator.names import choose
from simulator.operations.sequence import OperationSequence
from simulator.qiskit_circuits.outgoing import to_qiskit

__all__ = ["draw"]

OUTPUTS = ("text", "mpl", "latex", "latex_source")


def draw(circuit: OperationSequence, output: str = "text", **options: Any) -> Any:
    """Draw a circuit; the options are those of ``qiskit.QuantumCircuit.draw``."""
    output = choose("drawing output", output, OUTPUTS)
    try:
        return to_qiskit(_with_boxes(circuit)).draw(output, **options)
    except MissingOptionalLibraryError as error:
        extra = " (the extra [plot]: pip install 'qumba[plot]')" if output == "mpl" else ""
        raise ImportError(f"drawing with {output!r} needs {error.args[0] if error.args else error}{extra}") from None


def _with_boxes(circuit: OperationSequence) -> OperationSequence:
    """Replace gates whose amplitudes are parameters by plain boxes, because Qiskit's gate would need their values."""
    operations = []
    for operation in circuit.operations:
        if isinstance(operation.gate, gates.AmplitudeEncoding):
            box = gates.Composite(operation.gate.name, operation.gate.num_qubits, 0, [])
            operation = gates.Operation(box, operation.qubits)
        operations.append(operation)
    return circuit.with_operations(operations)
