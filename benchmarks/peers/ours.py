"""qumba, through its public interface only."""

import numpy as np

from qml import QuantumModel
from simulator import Circuit, ParameterVector, Z


def model(workload):
    symbols = {
        "feature": ParameterVector("x", workload.n_qubits),
        "weight": ParameterVector("w", workload.n_weights),
    }
    circuit = Circuit(workload.n_qubits)
    for gate, qubits, symbol in workload.steps():
        angles = () if symbol is None else (symbols[symbol.kind][symbol.index],)
        circuit = getattr(circuit, gate)(*angles, *qubits)
    return QuantumModel(
        circuit,
        inputs=symbols["feature"],
        weights=symbols["weight"],
        observables=[Z(0)],
        precision=workload.precision,
    )


def train(workload):
    ours, (X, y, weights) = model(workload), workload.data()

    def step():
        loss, gradient = ours.loss_and_gradient(X, y, weights, loss="mse")
        return np.append(loss, gradient)

    return step


def predict(workload):
    ours, (X, _, weights) = model(workload), workload.data()
    return lambda: ours.forward(X, weights)[:, 0]
