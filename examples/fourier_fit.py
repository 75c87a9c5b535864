"""A re-uploading model is a Fourier series
========================================

A circuit that encodes a number L times by rotations is a Fourier series with frequencies up to L (arXiv:2008.08605). A
function of three frequencies therefore needs three encodings, and training cannot help a model that has fewer.

Run with `python examples/fourier_fit.py`.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

from qml.diagnostics import fourier_spectrum
from qumba import Circuit, ParameterVector, QuantumModel, Z

angles = np.linspace(-np.pi, np.pi, 60)[:, None]
targets = 0.4 * np.sin(angles[:, 0]) + 0.3 * np.cos(3 * angles[:, 0])


def reuploading(encodings):
    """Build one qubit that encodes x several times between trained rotations."""
    x, w = ParameterVector("x", 1), ParameterVector("w", 2 * encodings + 2)
    circuit = Circuit(1).ry(w[0], 0).rz(w[1], 0)
    for k in range(encodings):
        circuit = circuit.rx(x[0], 0).ry(w[2 * k + 2], 0).rz(w[2 * k + 3], 0)
    return QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0)])


figure, (curves, bars) = plt.subplots(1, 2, figsize=(9, 3.6))
curves.plot(angles, targets, color="black", linewidth=3, alpha=0.3, label="function")
for encodings in (1, 2, 3):
    model = reuploading(encodings)
    fits = [
        minimize(lambda w, model=model: model.loss_and_gradient(angles, targets, w, loss="mse"), start, jac=True)
        for start in np.random.default_rng(0).uniform(-np.pi, np.pi, (8, model.num_weights))
    ]
    best = min(fits, key=lambda fit: fit.fun)
    print(f"encoded {encodings} times: mean squared error {best.fun:.1e}")
    curves.plot(angles, model.forward(angles, best.x), label=f"encoded {encodings} times, error {best.fun:.0e}")
spectrum = fourier_spectrum(model, angles[:1], best.x)
frequencies = spectrum.frequencies[0]
bars.bar(frequencies, abs(spectrum.coefficients[0]), label="three encodings")
bars.plot([-3, -1, 1, 3], [0.15, 0.2, 0.2, 0.15], "_", markersize=24, color="black", label="function")
bars.set_xlabel("frequency")
bars.set_ylabel("size of the coefficient")
curves.set_xlabel("x (radians)")
curves.legend(fontsize=8)
bars.legend(fontsize=8)
figure.tight_layout()
plt.show()
