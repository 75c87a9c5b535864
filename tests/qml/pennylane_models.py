"""Three models, written once and built here as a `QuantumModel` and as a QNode of PennyLane."""

import pennylane
from pennylane import numpy as pnp

from qml import QuantumModel
from simulator import Circuit, ParameterVector, X, Y, Z

NUM_QUBITS = 3
NAMES_IN_PENNYLANE = {
    "h": "Hadamard",
    "rx": "RX",
    "ry": "RY",
    "rz": "RZ",
    "p": "PhaseShift",
    "cx": "CNOT",
    "crx": "CRX",
    "cp": "ControlledPhaseShift",
    "rzz": "IsingZZ",
    "ryy": "IsingYY",
}


def rings():
    yield from (("ry", [q], ("x", q)) for q in range(NUM_QUBITS))
    for layer in range(2):
        for q in range(NUM_QUBITS):
            first = 3 * (layer * NUM_QUBITS + q)
            yield from ((gate, [q], ("w", first + k)) for k, gate in enumerate(["rz", "ry", "rz"]))
        yield from (("cx", [q, (q + 1) % NUM_QUBITS], None) for q in range(NUM_QUBITS))


def reuploading():
    for layer in range(3):
        for q in range(NUM_QUBITS):
            yield "rx", [q], ("x", q, 1.5, 0.2)  # 1.5 x + 0.2
            yield "ry", [q], ("w", layer * NUM_QUBITS + q)
        yield from (("cx", [q, q + 1], None) for q in range(NUM_QUBITS - 1))


def two_qubit_rotations():
    yield from (("h", [q], None) for q in range(NUM_QUBITS))
    for q in range(NUM_QUBITS):
        pair = [q, (q + 1) % NUM_QUBITS]
        yield "p", [q], ("x", q, 2.0, 0.0)
        yield "rzz", pair, ("w", q)
        yield "crx", pair, ("x", q)
        yield "ryy", pair, ("w", 3 + q)
        yield "cp", pair, ("w", 6 + q)


CIRCUITS = {
    "rings": (rings, [Z(0), Z(1), Z(2)], 18),
    "re-uploading": (reuploading, [Z(0) @ Z(1), X(2)], 9),
    "two-qubit rotations": (two_qubit_rotations, [0.5 * X(0) + Z(1) @ Y(2), Z(0)], 9),
}
"""Name -> the gates with their qubits and angles, observables, number of weights; three inputs each."""


def quantum_model(name, **options):
    """The `QuantumModel`."""
    gates, observables, num_weights = CIRCUITS[name]
    symbols = {"x": ParameterVector("x", NUM_QUBITS), "w": ParameterVector("w", num_weights)}
    circuit = Circuit(NUM_QUBITS)
    for gate, qubits, angle in gates():
        circuit = getattr(circuit, gate)(*values(angle, lambda role, k: symbols[role][k]), *qubits)
    return QuantumModel(circuit, inputs=symbols["x"], weights=symbols["w"], observables=observables, **options)


def reference(name, X, weights, cotangent):
    """Values on `default.qubit`, and the derivatives of ``sum(cotangent * values)`` by backpropagation."""
    device = pennylane.device("default.qubit", wires=NUM_QUBITS)

    @pennylane.qnode(device, interface="autograd", diff_method="backprop")
    def node(X, weights):
        for gate, qubits, angle in CIRCUITS[name][0]():
            kind = getattr(pennylane, NAMES_IN_PENNYLANE[gate])
            kind(*values(angle, lambda role, k: X[..., k] if role == "x" else weights[k]), wires=qubits)
        return [pennylane.expval(observable) for observable in IN_PENNYLANE[name]]

    def outputs(X, weights):
        return pnp.stack(node(X, weights), axis=-1)

    arguments = [pnp.array(array, requires_grad=True) for array in (X, weights)]
    d_X, d_weights = pennylane.grad(lambda X, weights: pnp.sum(cotangent * outputs(X, weights)))(*arguments)
    return outputs(*arguments), d_X, d_weights


IN_PENNYLANE = {
    "rings": [pennylane.Z(q) for q in range(NUM_QUBITS)],
    "re-uploading": [pennylane.Z(0) @ pennylane.Z(1), pennylane.X(2)],
    "two-qubit rotations": [0.5 * pennylane.X(0) + pennylane.Z(1) @ pennylane.Y(2), pennylane.Z(0)],
}


def values(angle, symbol):
    """The angle of a gate as arguments: none, or one."""
    if angle is None:
        return ()
    role, k, *affine = angle
    factor, shift = affine or (1.0, 0.0)
    return (factor * symbol(role, k) + shift,)
