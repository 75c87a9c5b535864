"""A cut through a graph by QAOA
=============================

Split the nodes of a graph in two groups with as many edges as possible between them, by the quantum approximate
optimization algorithm (arXiv:1411.4028): alternating rotations by the cut and by a transverse field.

Run with `python examples/qaoa_maxcut.py`.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

from qumba import Circuit, ParameterVector, Z

NODES, LAYERS = 8, 4
EDGES = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 0), (0, 4), (1, 5), (2, 7), (3, 6)]
cut = sum(0.5 - 0.5 * Z(a) @ Z(b) for a, b in EDGES)


def qaoa(layers):
    """Alternate the phases of the cut and rotations of all qubits, starting from the equal superposition."""
    gamma, beta = ParameterVector("gamma", layers), ParameterVector("beta", layers)
    circuit = Circuit(NODES).h(range(NODES))
    for layer in range(layers):
        for a, b in EDGES:
            circuit = circuit.rzz(-gamma[layer], a, b)
        circuit = circuit.rx(2 * beta[layer], range(NODES))
    return circuit


def size(bits):
    """Count the edges between the two groups; the last character is node 0."""
    return sum(bits[-1 - a] != bits[-1 - b] for a, b in EDGES)


def loss(angles, circuit):
    value, gradient = circuit.expectation_and_gradient(cut, angles)
    return -value, -gradient


# The parameters of a circuit are in order of first use: gamma[0], beta[0], gamma[1], ...
ramp = np.linspace(0, 1, LAYERS + 2)[1:-1]  # turn the cut on and the field off, as in adiabatic evolution
start = np.stack([0.6 * ramp, 0.6 * (1 - ramp)], axis=1).ravel()
optimum = minimize(loss, start, (qaoa(LAYERS),), jac=True)
counts = qaoa(LAYERS).sample(optimum.x, shots=1000, seed=0)
best = max(counts, key=size)
most = max(size(f"{state:0{NODES}b}") for state in range(2**NODES))
print(f"expected edges cut: {-optimum.fun:.3f} of {len(EDGES)} after {optimum.nfev} evaluations")
print(f"best of 1000 samples: {best}, which cuts {size(best)} edges; the maximum is {most}")

gamma, beta = np.meshgrid(np.linspace(0, np.pi, 61), np.linspace(0, np.pi / 2, 61))
values = qaoa(1).expectation(cut, np.stack([gamma, beta], axis=-1).reshape(-1, 2)).reshape(61, 61)
plt.contourf(gamma, beta, values, 20)
plt.colorbar(label="expected edges cut by one layer")
plt.xlabel("gamma (radians)")
plt.ylabel("beta (radians)")
plt.show()
