"""qumba, through its public interface only."""

import warnings

import numpy as np

from benchmarks.workloads import BATCH, BETAS, EPOCHS, EPSILON, LEARNING_RATE, SEED
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


def fit(workload):
    from qml.layers import Quantum  # imported here because `benchmarks.revisions` reads this file with older trees
    from qml.losses import get_loss
    from qml.optimizers import Adam
    from qml.training import train
    from qml.training.layers_objective import LayersObjective

    X, y, weights = workload.data()
    objective = LayersObjective(Quantum(model(workload)), X, y, np.ones(len(X)), get_loss("mse"))
    optimizer = Adam(LEARNING_RATE, *BETAS, EPSILON)
    warnings.simplefilter("ignore")  # nothing can be learnt from these labels
    settings = {"epochs": EPOCHS, "batch_size": BATCH, "rng": SEED}
    return lambda: train(objective, weights, optimizer, **settings).last_weights
