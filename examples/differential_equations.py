"""Differential equations
======================

Circuits whose derivatives with respect to the inputs are exact solve them.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

from qml.layers import Derivatives, Quantum
from qumba import Circuit, ParameterVector, QuantumModel, Z, gates


def trial_function(num_inputs, num_layers, num_qubits, scale):
    """Layers that encode every input on every qubit, with trained rotations before, between and after them."""
    x, w = ParameterVector("x", num_inputs), ParameterVector("w", (num_layers + 1) * num_qubits * 2)
    circuit, trained = Circuit(num_qubits), iter(w)
    for layer in range(num_layers + 1):
        for q in range(num_qubits):
            circuit = circuit.rz(next(trained), q).ry(next(trained), q)
        circuit = circuit.append(*(gates.CZ(q, (q + 1) % num_qubits) for q in range(num_qubits)))
        for q in range(num_qubits if layer < num_layers else 0):
            circuit = circuit.rx(x[q % num_inputs], q)
    return Derivatives(Quantum(QuantumModel(circuit, inputs=x, weights=w, observables=scale * Z(0))))


def solve(layer, X, factors, targets):
    """Fit ``sum(factors * outputs)`` to targets and return u; the outputs are u, u_x, u_y, u_xx, u_yy."""

    def loss_and_gradient(weights):
        differences = np.zeros(len(X))

        def rest(Y, rows):
            differences[rows] = np.sum(factors[rows] * Y, axis=1) - targets[rows]
            return 2 / len(X) * differences[rows, None] * factors[rows]

        gradient, _ = layer.sweep(X, weights, rest, inputs=False)
        return np.mean(differences**2), gradient

    optimum = minimize(loss_and_gradient, layer.initial_weights(np.random.default_rng(1)), jac=True, method="BFGS")
    return layer.forward(X, optimum.x)[:, 0]


# A damped oscillator, u'' + 2 u' + 17 u = 0, with u(0) = 1 and u'(0) = 0
t = np.linspace(0, 2, 25)[:, None]
solution = np.exp(-t[:, 0]) * (np.cos(4 * t[:, 0]) + np.sin(4 * t[:, 0]) / 4)
factors = np.vstack([np.tile([17, 2, 1], (25, 1)) / 17, [[5, 0, 0], [0, 1, 0]]])
u = solve(trial_function(1, 4, 3, scale=2), np.vstack([t, [[0], [0]]]), factors, np.append(np.zeros(25), [5, 0]))[:25]
print(f"damped oscillator: maximal error {np.abs(u - solution).max():.1e}")
plt.plot(t, solution, "k:", t, u, "o")
# The Poisson equation, u_xx + u_yy = -2 pi^2 sin(pi x) sin(pi y), with u = 0 on the boundary of the unit square
X = np.stack(np.meshgrid(*2 * [np.linspace(0, 1, 7)]), axis=-1).reshape(-1, 2)
solution = np.sin(np.pi * X[:, 0]) * np.sin(np.pi * X[:, 1])
inside = np.all((X > 0) & (X < 1), axis=1)
factors = np.where(inside[:, None], [0, 0, 0, 0.1, 0.1], [2, 0, 0, 0, 0])
u = solve(trial_function(2, 5, 4, scale=2), X, factors, np.where(inside, -0.2 * np.pi**2 * solution, 0))
print(f"Poisson equation: maximal error {np.abs(u - solution).max():.1e}")
plt.show()
