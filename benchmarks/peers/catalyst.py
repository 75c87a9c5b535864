"""PennyLane Catalyst (qjit) with Lightning's adjoint method, and Catalyst's compiled loop over the samples."""

import catalyst
import jax.numpy as jnp
import numpy as np
import pennylane as qml

from benchmarks.peers.pennylane_circuit import qnode


def train(workload):
    if workload.precision != "double":
        raise NotImplementedError("double precision only")
    X, y, weights = workload.data()
    f = qnode(workload, "lightning.qubit", diff_method="adjoint")

    @qml.qjit
    def values_and_gradients(X, weights):
        return catalyst.vmap(lambda x: catalyst.value_and_grad(f, argnums=1)(x, weights))(X)

    jax_X, jax_weights = jnp.asarray(X), jnp.asarray(weights)

    def step():
        values, gradients = map(np.asarray, values_and_gradients(jax_X, jax_weights))
        errors = values - y
        return np.append((errors**2).mean(), 2 * errors @ gradients / len(y))

    return step


def predict(workload):
    if workload.precision != "double":
        raise NotImplementedError("double precision only")
    X, _, weights = map(jnp.asarray, workload.data())
    f = qnode(workload, "lightning.qubit")
    outputs = qml.qjit(lambda X, weights: catalyst.vmap(lambda x: f(x, weights))(X))
    return lambda: np.asarray(outputs(X, weights))
