"""Natural gradient beside Adam
============================

The natural gradient (arXiv:1909.02108) measures a step by how much the state changes, not the angles: the metric tensor
turns the gradient in the steepest direction. On the ground state of a spin chain it needs fewer steps than Adam, but a
step also costs the metric tensor, so the seconds are printed beside them.

Run with `python examples/natural_gradient.py`.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

from qumba import Adam, X, Z, ansatz_circuit, metric_tensor

NUM_QUBITS, NUM_LAYERS, STEPS = 6, 4, 150
hamiltonian = -sum(Z(q) @ Z(q + 1) for q in range(NUM_QUBITS - 1)) - sum(X(q) for q in range(NUM_QUBITS))
circuit = ansatz_circuit("simplified_two_design", NUM_QUBITS, NUM_LAYERS)
ground_energy = np.linalg.eigvalsh(hamiltonian.matrix(NUM_QUBITS))[0]
start = np.random.default_rng(0).normal(0, 0.3, circuit.num_parameters)


def gradient_descent(state, angles, gradient):
    return state, angles - 0.05 * gradient


def natural_gradient(state, angles, gradient):
    metric = metric_tensor(circuit, angles) + 1e-2 * np.eye(len(angles))  # regularised: some directions change nothing
    return state, angles - 0.05 * np.linalg.solve(metric, gradient)


circuit.expectation_and_gradient(hamiltonian, start)  # compiles what is not compiled yet
adam = Adam(0.05)
for name, step, state in (
    ("gradient descent", gradient_descent, None),
    ("Adam", adam.step, adam.init(start)),
    ("natural gradient", natural_gradient, None),
):
    angles, energies, began = start, [], time.perf_counter()
    for _ in range(STEPS):
        energy, gradient = circuit.expectation_and_gradient(hamiltonian, angles)
        energies.append(energy - ground_energy)
        state, angles = step(state, angles, gradient)
    seconds = time.perf_counter() - began
    print(f"{name:17} {energies[-1]:.1e} above the ground state after {STEPS} steps, {seconds:.2f} s")
    plt.semilogy(energies, label=name)
plt.xlabel("steps")
plt.ylabel("energy above the ground state")
plt.legend()
plt.show()
