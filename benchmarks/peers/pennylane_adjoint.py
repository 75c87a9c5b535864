"""A PennyLane device with its adjoint method, through a broadcast QNode; the variant is the device's name."""

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

from benchmarks.peers.pennylane_circuit import qnode


def train(workload, variant):
    if workload.precision != "double":
        raise NotImplementedError("double precision only")
    X, y, weights = workload.data()
    f = qnode(workload, variant, interface="autograd", diff_method="adjoint")
    trained = pnp.array(weights, requires_grad=True)
    gradient = qml.grad(lambda weights: ((f(X, weights) - y) ** 2).mean())

    def step():
        slope = gradient(trained)
        return np.append(gradient.forward, slope)

    return step


def adam(workload, variant):
    """One step of `qml.AdamOptimizer` on all samples, from where the last one ended."""
    X, y, weights = workload.data()
    f = qnode(workload, variant, interface="autograd", diff_method="adjoint")
    optimizer = qml.AdamOptimizer(0.05)
    trained = pnp.array(weights, requires_grad=True)

    def step():
        nonlocal trained
        trained, cost = optimizer.step_and_cost(lambda weights: ((f(X, weights) - y) ** 2).mean(), trained)
        return np.append(cost, trained)

    return step


def inputs(workload, variant):
    """The gradient of one sample with respect to weights and features."""
    X, y, weights = workload.data()
    f = qnode(workload, variant, interface="autograd", diff_method="adjoint")
    x, trained = pnp.array(X[0], requires_grad=True), pnp.array(weights, requires_grad=True)
    gradient = qml.grad(lambda x, weights: (f(x, weights) - y[0]) ** 2)
    return lambda: np.concatenate(gradient(x, trained))


def predict(workload, variant):
    if workload.precision != "double":
        raise NotImplementedError("double precision only")
    X, _, weights = workload.data()
    f = qnode(workload, variant, interface=None, diff_method=None)
    return lambda: np.asarray(f(X, weights))


def loop(workload, variant):
    """<Z0> of all samples, one call of the QNode each: what a user writes who does not know of broadcasting."""
    X, _, weights = workload.data()
    f = qnode(workload, variant, interface=None, diff_method=None)
    return lambda: np.array([f(x, weights) for x in X])
