"""Noise and its mitigation
========================

Simulate a circuit with noise, and mitigate the errors.

Run with `python examples/noise.py`.
"""

import matplotlib.pyplot as plt
import numpy as np

from qumba import Circuit, NoiseModel, ParameterVector, Z, depolarizing
from simulator.noise import amplitude_damping, estimate, mitigate_readout, zero_noise_extrapolation

weights = ParameterVector("w", 8)
ansatz = Circuit(4)
for q in range(4):
    ansatz = ansatz.ry(weights[q], q)
ansatz = ansatz.cx(0, 1).cx(1, 2).cx(2, 3)
for q in range(4):
    ansatz = ansatz.ry(weights[4 + q], q)
values = [0.3, -0.5, 0.8, 1.1, -0.2, 0.4, 0.9, -0.7]

# A channel follows every gate, and every measured bit may be misread.
noise = NoiseModel(after_1q=amplitude_damping(0.002), after_2q=depolarizing(0.02), readout=(0.01, 0.03))
observable = Z(0) @ Z(3)
ideal = ansatz.expectation(observable, values)
noisy, gradient = ansatz.expectation_and_gradient(observable, values, noise=noise)
print(f"without noise {ideal:.4f}, with noise {noisy:.4f}; both exact, and so is the gradient {gradient.round(3)}")

result = estimate(ansatz, observable, values, noise=noise, trajectories=4000, seed=1)
print(f"from 4000 trajectories {result.value:.4f} +- {result.standard_error:.4f}")

# Two ways to mitigate errors: fold gates, to extrapolate from stronger noise to none, and correct misread bits.
gate_noise = NoiseModel(after_1q=amplitude_damping(0.002), after_2q=depolarizing(0.02))
before = ansatz.expectation(observable, values, noise=gate_noise)
after = zero_noise_extrapolation(lambda folded: folded.expectation(observable, values, noise=gate_noise), ansatz)
print(f"gate noise alone {before:.4f}, extrapolated to zero noise {after:.4f}")

readout = NoiseModel(readout=(0.01, 0.03))
counts = ansatz.sample(values, shots=100_000, seed=1, noise=readout)
corrected = mitigate_readout(counts, readout)
parity = sum(p * (-1) ** (int(bits[0]) + int(bits[3])) for bits, p in corrected.items())
print(f"readout errors alone {ansatz.expectation(observable, values, noise=readout):.4f}, corrected {parity:.4f}")

strengths = np.linspace(0, 0.1, 11)
models = [NoiseModel(after_2q=depolarizing(p)) for p in strengths]
plt.plot(strengths, [ansatz.expectation(observable, values, noise=noise) for noise in models], "o-", label="noisy")
plt.plot(
    strengths,
    [zero_noise_extrapolation(lambda c, m=m: c.expectation(observable, values, noise=m), ansatz) for m in models],
    "s-",
    label="extrapolated to zero noise",
)
plt.axhline(ideal, color="grey", linestyle=":", label="without noise")
plt.xlabel("depolarizing probability after each two-qubit gate")
plt.ylabel("<Z0 Z3>")
plt.legend()
plt.show()
