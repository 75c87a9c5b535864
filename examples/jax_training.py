"""A circuit in JAX
================

A quantum circuit trained in JAX: the gradient step is compiled as a whole, the circuit is a part of it.

Needs the extra [jax]: pip install 'qumba[jax]'. Run with `python examples/jax_training.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split

from qml import layered_model
from qml.jax import quantum_function

X, y = make_moons(400, noise=0.1, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

model = layered_model("reuploading", "strongly_entangling", num_features=2, num_layers=6, observables="z")
circuit = quantum_function(model)


def logits(parameters, X):
    return circuit(X, parameters["circuit"]) @ parameters["readout"] + parameters["bias"]


def loss(parameters, X, y):
    return jnp.mean(jnp.logaddexp(0, logits(parameters, X)) - y * logits(parameters, X))


@jax.jit
def step(parameters, velocity, X, y):
    value, slope = jax.value_and_grad(loss)(parameters, X, y)
    velocity = jax.tree.map(lambda v, s: 0.9 * v - 0.1 * s, velocity, slope)
    return value, jax.tree.map(jnp.add, parameters, velocity), velocity


parameters = {
    "circuit": jnp.asarray(np.random.default_rng(0).normal(0, 0.3, model.num_weights)),
    "readout": jnp.ones(len(model.observables)),
    "bias": jnp.zeros(()),
}
velocity = jax.tree.map(jnp.zeros_like, parameters)
for number in range(1, 201):
    value, parameters, velocity = step(parameters, velocity, X_train, y_train)
    if number % 50 == 0:
        print(f"step {number:3}: loss {value:.4f}")

accuracy = jnp.mean((logits(parameters, X_test) > 0) == (y_test == 1))
print(f"accuracy on {len(y_test)} test points: {accuracy:.3f}")
