"""TensorCircuit-NG on JAX: jit and vmap over the samples."""

import jax
import jax.numpy as jnp
import numpy as np
import tensorcircuit as tc

from benchmarks.peers import jax_adam

tc.set_backend("jax")


def expectation(workload):
    """Return (f(x, weights) for one sample, a function that makes JAX arrays of the right precision)."""
    tc.set_dtype("complex128" if workload.precision == "double" else "complex64")
    real = jnp.float64 if workload.precision == "double" else jnp.float32

    def f(x, weights):
        circuit = tc.Circuit(workload.n_qubits)
        for gate, qubits, symbol in workload.steps():
            if symbol is None:
                circuit.cnot(*qubits)
            else:
                getattr(circuit, gate)(*qubits, theta=(x if symbol.kind == "feature" else weights)[symbol.index])
        return jnp.real(circuit.expectation_ps(z=[0]))

    return f, lambda array: jnp.asarray(array, real)


def train(workload):
    f, array = expectation(workload)
    X, y, weights = map(array, workload.data())
    outputs = jax.vmap(f, (0, None))
    value_and_gradient = jax.jit(jax.value_and_grad(lambda weights: ((outputs(X, weights) - y) ** 2).mean()))

    def step():
        loss, gradient = value_and_gradient(weights)
        return np.append(loss, gradient)

    return step


def predict(workload):
    f, array = expectation(workload)
    X, _, weights = map(array, workload.data())
    outputs = jax.jit(jax.vmap(f, (0, None)))
    return lambda: np.asarray(outputs(X, weights))


def fit(workload):
    f, array = expectation(workload)
    return jax_adam.fit(jax.vmap(f, (0, None)), workload, array)
