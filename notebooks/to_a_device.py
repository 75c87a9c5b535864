# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # To a device
#
# What happens to a circuit, and to a trained model, on a noisy device: shots, gate errors, readout errors, and what
# mitigation gets back. No account is needed. The device is a fake one: Qiskit's snapshot of IBM's Manila with five
# qubits, whose calibration data make Aer simulate its errors. A real device takes its place by one line at the end.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from qml import VariationalClassifier, compare_backends
from qumba import Circuit, NoiseModel, ParameterVector, Z, depolarizing
from simulator.backends.numba_backend import NumbaBackend
from simulator.noise import zero_noise_extrapolation
from simulator.qiskit_backend import QiskitBackend

# %% [markdown]
# ## Noise as an argument
#
# Four qubits, three entangling gates. The same method takes the noise, and the result is exact: no shots are drawn
# unless you ask for them.

# %%
w = ParameterVector("w", 8)
circuit = Circuit(4)
for q in range(4):
    circuit = circuit.ry(w[q], q)
circuit = circuit.cx(0, 1).cx(1, 2).cx(2, 3)
for q in range(4):
    circuit = circuit.ry(w[4 + q], q)
values = [0.3, -0.5, 0.8, 1.1, -0.2, 0.4, 0.9, -0.7]
observable = Z(0) @ Z(3)
print(circuit)

ideal = circuit.expectation(observable, values)
strengths = np.linspace(0, 0.1, 11)
models = [NoiseModel(after_2q=depolarizing(p)) for p in strengths]
noisy = [circuit.expectation(observable, values, noise=model) for model in models]
extrapolated = [
    zero_noise_extrapolation(lambda folded, model=model: folded.expectation(observable, values, noise=model), circuit)
    for model in models
]
figure, axis = plt.subplots(figsize=(6.5, 3.2))
axis.plot(strengths, noisy, "o-", label="noisy")
axis.plot(strengths, extrapolated, "s-", label="extrapolated to zero noise")
axis.axhline(ideal, color="grey", linestyle=":", label="without noise")
axis.set(xlabel="depolarizing probability after each two-qubit gate", ylabel="<Z0 Z3>")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# Noise shrinks the expectation. Extrapolation runs the circuit with its gates folded too, so that the noise is three
# and five times as strong, and extends the curve to none. It helps as long as the signal is not gone, and needs three
# circuits instead of one.
#
# ## The same circuit on a fake device
#
# A backend takes the place of the engine. It transpiles to the device's gates and couplings, draws shots, and returns
# expectations.

# %%
bound = np.array([values])
runs = {
    "readout errors not corrected": QiskitBackend(FakeManilaV2(), shots=4000, seed=0),
    "readout errors corrected": QiskitBackend(FakeManilaV2(), shots=4000, seed=0, readout_mitigation=True),
}
print(f"{'without noise':32} {ideal:+.4f}")
for name, backend in runs.items():
    estimate = backend.estimate(circuit, [observable], bound)
    print(f"{name:32} {estimate.values[0, 0]:+.4f} +- {estimate.standard_errors[0, 0]:.4f} (shot noise)")

# %% [markdown]
# ## A model: trained here, run there
#
# Training needs thousands of gradients, each of which takes milliseconds here, so a model is trained here. One layer
# and few gates keep the errors of the device small.

# %%
X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
classifier = VariationalClassifier(n_qubits=4, n_layers=1, epochs=40, random_state=0).fit(X_train, y_train)
print(f"accuracy here, {len(X_test)} test rows: {classifier.score(X_test, y_test):.3f}")

# %% [markdown]
# Ask first what a run costs. Making the plan sends nothing.

# %%
device = QiskitBackend(FakeManilaV2(), shots=1000, seed=0)
print(classifier.plan(X_test, device))

# %%
print(f"accuracy there: {classifier.score(X_test, y_test, backend=device):.3f}")

# %% [markdown]
# ## Where the results differ
#
# The second backend is a guess at the device: a noise model of two numbers.

# %%
model_of_noise = NumbaBackend(noise=NoiseModel(after_2q=depolarizing(0.02), readout=0.02))
comparison = compare_backends(classifier, X_test, ["numba", model_of_noise, device], y_test)
print(comparison)

# %%
figure = comparison.plot()
figure

# %% [markdown]
# The expectations have lost about a seventh of their contrast, on the device and in the guess, and much more of it than
# shots explain. No label flips: labels depend on the order of the probabilities only.
#
# ## A real device
#
# Only the backend changes; `resume=` names a folder in which the jobs are recorded, so that a lost connection loses no
# results:
#
#     from qiskit_ibm_runtime import QiskitRuntimeService
#     device = QiskitBackend(QiskitRuntimeService().least_busy(), shots=2000, resilience_level=1)
#     print(classifier.plan(X_test, device))
#     classifier.predict(X_test, backend=device, resume="my-run")
#
# We had no account, so what is specific to IBM's service was not tested on it; the page on hardware says what that is.
