"""A circuit in JAX
================

A quantum circuit trained in JAX: the gradient step is compiled as a whole, the circuit is a part of it.

.. image:: /static/gallery/jax_training.png
   :alt: Two half-moons, and the boundary that the circuit draws between them

Needs two extras: pip install 'qumba[jax,plot]'. Run with `python examples/jax_training.py`.
"""

# sphinx_gallery_thumbnail_path = "static/gallery/jax_training.png"
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split

from qml import layered_model
from qml.jax import quantum_function

X_train, X_test, y_train, y_test = train_test_split(*make_moons(400, noise=0.1, random_state=0), random_state=0)

model = layered_model("reuploading", "strongly_entangling", num_features=2, num_layers=6, observables="z")
circuit = quantum_function(model)


def logits(parameters, X):
    return circuit(X, parameters["circuit"]) @ parameters["readout"]


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
}
velocity = jax.tree.map(jnp.zeros_like, parameters)
for _ in range(200):
    value, parameters, velocity = step(parameters, velocity, X_train, y_train)

accuracy = jnp.mean((logits(parameters, X_test) > 0) == (y_test == 1))
print(f"loss {value:.4f}, accuracy on {len(y_test)} test points: {accuracy:.3f}")

sides = np.meshgrid(np.linspace(-1.5, 2.5, 80), np.linspace(-1, 1.5, 80))
values = logits(parameters, np.stack(sides, axis=-1).reshape(-1, 2)).reshape(80, 80)
plt.contourf(*sides, values, [-99, 0, 99], cmap="PuOr", alpha=0.5)
plt.scatter(*X_test.T, c=y_test, cmap="PuOr", edgecolor="black")
plt.show()
