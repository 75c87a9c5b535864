"""PennyLane `lightning.qubit` with its adjoint method, through a broadcast QNode."""

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

from benchmarks.peers.pennylane_circuit import qnode


def train(workload):
    if workload.precision != "double":
        raise NotImplementedError("double precision only")
    X, y, weights = workload.data()
    f = qnode(workload, "lightning.qubit", interface="autograd", diff_method="adjoint")
    trained = pnp.array(weights, requires_grad=True)
    gradient = qml.grad(lambda weights: ((f(X, weights) - y) ** 2).mean())

    def step():
        slope = gradient(trained)
        return np.append(gradient.forward, slope)

    return step


def predict(workload):
    if workload.precision != "double":
        raise NotImplementedError("double precision only")
    X, _, weights = workload.data()
    f = qnode(workload, "lightning.qubit", interface=None, diff_method=None)
    return lambda: np.asarray(f(X, weights))
