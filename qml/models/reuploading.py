"""Re-uploading model: data before every trained rotation, on every layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from qml.models.observables import Observable, readout_observables
from qml.models.quantum_model import QuantumModel
from qml.settings import check_whole
from simulator.circuit import Circuit
from simulator.parameters import ParameterVector

__all__ = ["reuploading_model"]


def reuploading_model(
    num_inputs: int,
    num_layers: int,
    num_qubits: int,
    observables: str | Sequence[Observable] = "z",
    precision: Literal["double", "single"] = "double",
) -> QuantumModel:
    """Build a circuit whose layers each encode ``num_inputs`` inputs of their own, then rotate and entangle.

    In a layer, input ``i`` rotates qubit ``i mod num_qubits``, the first about Y, the next one on the same qubit about
    Z, and so on; then each qubit gets a trained rotation (RZ, RY, RZ), and a ring of CZ gates follows, except after the
    last layer.

    Parameters
    ----------
    num_inputs : int
        Number of inputs of a layer; the model has ``num_layers * num_inputs`` inputs, layer by layer.
    num_layers, num_qubits : int
    observables : str or sequence of Observable
        See `readout_observables`.
    precision : {"double", "single"}

    References
    ----------
    Perez-Salinas, Cervera-Lierta, Gil-Fuster and Latorre, arXiv:1907.02085.

    Examples
    --------
    >>> model = reuploading_model(num_inputs=2, num_layers=2, num_qubits=2)
    >>> model
    QuantumModel(2 qubits, 4 inputs, 12 weights, 2 observables, precision='double')
    >>> print(model.circuit)
         ┌──────────┐┌──────────┐┌──────────┐┌──────────┐   ┌──────────┐»
    q_0: ┤ Ry(x[0]) ├┤ Rz(w[0]) ├┤ Ry(w[1]) ├┤ Rz(w[2]) ├─■─┤ Ry(x[2]) ├»
         ├──────────┤├──────────┤├──────────┤├──────────┤ │ ├──────────┤»
    q_1: ┤ Ry(x[1]) ├┤ Rz(w[3]) ├┤ Ry(w[4]) ├┤ Rz(w[5]) ├─■─┤ Ry(x[3]) ├»
         └──────────┘└──────────┘└──────────┘└──────────┘   └──────────┘»
    «     ┌──────────┐ ┌──────────┐ ┌──────────┐
    «q_0: ┤ Rz(w[6]) ├─┤ Ry(w[7]) ├─┤ Rz(w[8]) ├
    «     ├──────────┤┌┴──────────┤┌┴──────────┤
    «q_1: ┤ Rz(w[9]) ├┤ Ry(w[10]) ├┤ Rz(w[11]) ├
    «     └──────────┘└───────────┘└───────────┘
    """
    for name, value in (("num_inputs", num_inputs), ("num_layers", num_layers), ("num_qubits", num_qubits)):
        check_whole(name, value)
    inputs = ParameterVector("x", num_layers * num_inputs)
    weights = ParameterVector("w", 3 * num_layers * num_qubits)
    circuit = Circuit(num_qubits)
    for layer in range(num_layers):
        for i in range(num_inputs):
            qubit, rank = i % num_qubits, i // num_qubits
            angle = inputs[layer * num_inputs + i]
            circuit = circuit.rz(angle, qubit) if rank % 2 else circuit.ry(angle, qubit)
        for qubit in range(num_qubits):
            a, b, c = (weights[3 * (layer * num_qubits + qubit) + k] for k in range(3))
            circuit = circuit.rz(a, qubit).ry(b, qubit).rz(c, qubit)
        if layer + 1 < num_layers:
            for first, second in _ring(num_qubits):
                circuit = circuit.cz(first, second)
    return QuantumModel(
        circuit,
        inputs=inputs,
        weights=weights,
        observables=readout_observables(observables, num_qubits),
        precision=precision,
    )


def _ring(num_qubits: int) -> list[tuple[int, int]]:
    """Return the pairs of neighbours on a ring, each once."""
    pairs = [(qubit, qubit + 1) for qubit in range(num_qubits - 1)]
    return [*pairs, (num_qubits - 1, 0)] if num_qubits > 2 else pairs
