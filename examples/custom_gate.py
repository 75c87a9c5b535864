"""A gate of your own
==================

Train a circuit with a custom gate: find the pulse that moves an excitation from one qubit to another.

The gate is declared by its generator. Simulation, gradient, inverse, control and export follow from that one line.

Run with `python examples/custom_gate.py`.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

from qumba import Circuit, Parameter, Z, gates

# Two qubits exchange an excitation, like neighbouring superconducting qubits: exp(-i theta (XX + YY) / 2).
exchange = np.array(
    [
        [0, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 0],
    ]
)
EXCHANGE = gates.Rotation("exchange", exchange)

theta, phi = Parameter("theta"), Parameter("phi")
circuit = Circuit(2).x(0)  # the excitation starts on qubit 0
circuit = circuit + Circuit(2, [EXCHANGE(theta, 0, 1), gates.RZ(phi, 0), EXCHANGE(2 * theta + 0.1, 0, 1)])
print(circuit)

# The excitation is on qubit 1 when <Z1> is -1.
angles = np.array([0.2, 0.3])
print("\nadjoint gradient:  ", circuit.gradient(Z(1), angles))
print("parameter shift:   ", circuit.gradient(Z(1), angles, method="parameter_shift"))
print("finite differences:", circuit.gradient(Z(1), angles, method="finite_difference"))

optimum = minimize(lambda angles: circuit.expectation_and_gradient(Z(1), angles), angles, jac=True)
print(f"\n<Z1> = {optimum.fun:.6f} at theta = {optimum.x[0]:.4f}, phi = {optimum.x[1]:.4f}, {optimum.nit} iterations")
print("measured:         ", circuit.sample(optimum.x, shots=1000, seed=1), "(qubit 1 is the first digit)")

undone = circuit + circuit.inverse()
print("after the inverse:", undone.sample(optimum.x, shots=1000, seed=1))

pulses = np.stack([np.linspace(0, 1.5, 101), np.full(101, optimum.x[1])], axis=1)
for q in (0, 1):
    plt.plot(pulses[:, 0], 0.5 - 0.5 * circuit.expectation(Z(q), pulses), label=f"excitation on qubit {q}")
plt.axvline(optimum.x[0], color="grey", linestyle=":", label="trained pulse")
plt.xlabel("theta, the duration of the exchange")
plt.ylabel("probability")
plt.legend()
plt.show()
