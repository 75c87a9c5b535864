"""PennyLane `default.qubit` on JAX: jit, with PennyLane's own broadcasting or (variant "vmap") JAX's vmap."""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers import jax_adam
from benchmarks.peers.pennylane_circuit import qnode


def outputs_and_data(workload, variant):
    jax.config.update("jax_enable_x64", workload.precision == "double")
    real = jnp.float64 if workload.precision == "double" else jnp.float32
    f = qnode(workload, "default.qubit", interface="jax", diff_method="backprop")
    outputs = jax.vmap(f, (0, None)) if variant == "vmap" else f
    return outputs, *(jnp.asarray(array, real) for array in workload.data())


def train(workload, variant="broadcast"):
    outputs, X, y, weights = outputs_and_data(workload, variant)
    value_and_gradient = jax.jit(jax.value_and_grad(lambda weights: ((outputs(X, weights) - y) ** 2).mean()))

    def step():
        loss, gradient = value_and_gradient(weights)
        return np.append(loss, gradient)

    return step


def predict(workload, variant="broadcast"):
    outputs, X, _, weights = outputs_and_data(workload, variant)
    compiled = jax.jit(outputs)
    return lambda: np.asarray(compiled(X, weights))


def fit(workload, variant="broadcast"):
    outputs, *_ = outputs_and_data(workload, variant)
    return jax_adam.fit(outputs, workload, jnp.asarray)
