"""Removal of entanglement from a circuit; this function is a method of `Circuit`."""

from __future__ import annotations

from collections.abc import Iterator

from simulator import gates
from simulator.errors import CircuitError, counted
from simulator.gates import Operation
from simulator.operations.sequence import CircuitT

__all__ = ["without_entanglement"]


def without_entanglement(circuit: CircuitT) -> CircuitT:
    """Remove all gates on two or more qubits, so that a product state remains one.

    Composite gates that are not standard gates, such as the subcircuits of a Qiskit circuit, are expanded first, so
    that their gates on single qubits are kept. Angles that occur only in the removed gates are no longer parameters.

    Raises
    ------
    CircuitError
        If the circuit prepares amplitudes on two or more qubits: without them it would do something else entirely.

    References
    ----------
    Bowles, Ahmed and Schuld, "Better than classical?", arXiv:2403.07059: models compared with themselves without
    entanglement.

    Examples
    --------
    >>> from simulator import Circuit
    >>> Circuit(2).h(0).cx(0, 1).rx(0.3, 1).without_entanglement() == Circuit(2).h(0).rx(0.3, 1)
    True
    """
    return circuit.with_operations(
        single for operation in circuit.operations for single in _on_single_qubits(operation)
    )


def _on_single_qubits(operation: Operation) -> Iterator[Operation]:
    gate = operation.gate
    if len(operation.qubits) < 2:
        yield operation
    elif isinstance(gate, gates.StatePreparation | gates.AmplitudeEncoding):
        raise CircuitError(
            f"{gate.name} prepares amplitudes on {counted(len(operation.qubits), 'qubit')} at once, and cannot be "
            "separated into gates on single qubits; encode the data by rotations instead"
        )
    elif isinstance(gate, gates.Composite) and not gate.controls and gates.STANDARD.get(gate.name) != gate:
        for step in gate.expand(operation.qubits, operation.angles):
            for single in _on_single_qubits(step):
                yield Operation(single.gate, single.qubits, single.angles, single.clbits, operation.conditions)
