"""A barren plateau
================

The gradient of a random deep circuit vanishes exponentially with the number of qubits (arXiv:1803.11173), while that of
a shallow circuit with a local observable does not. Initial weights near the identity keep a deep circuit trainable.

Run with `python examples/barren_plateau.py`.
"""

import matplotlib.pyplot as plt
import numpy as np

from qumba import Z, ansatz_circuit

QUBITS, SAMPLES = [2, 4, 6, 8, 10], 300
random = np.random.default_rng(0)


def gradient_variance(num_qubits, num_layers, spread):
    """Return the variance, over random weights, of the derivative of <Z0 Z1> with respect to the first weight."""
    circuit = ansatz_circuit("simplified_two_design", num_qubits, num_layers)
    weights = random.uniform(-spread, spread, (SAMPLES, circuit.num_parameters))
    _, gradients = circuit.expectation_and_gradient(Z(0) @ Z(1), weights)
    return gradients[:, 0].var()


figure, axis = plt.subplots(figsize=(6, 4))
for name, depth, spread in (
    ("twice as many layers as qubits", lambda n: 2 * n, np.pi),
    ("two layers", lambda n: 2, np.pi),
    ("twice as many layers, small angles", lambda n: 2 * n, 0.1),
):
    variances = [gradient_variance(n, depth(n), spread) for n in QUBITS]
    slope = np.polyfit(QUBITS, np.log2(variances), 1)[0]
    print(f"{name:40} variance changes by a factor of 2^{slope:+.2f} per qubit")
    axis.semilogy(QUBITS, variances, "o-", label=name)
axis.set_xlabel("number of qubits")
axis.set_ylabel("variance of a derivative")
axis.legend()
plt.show()
