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
# # A first circuit
#
# From two qubits to a trained custom model: drawing, measurements, expectations, gradients, a custom gate, and a
# circuit that learns a function. Nothing is assumed but a little linear algebra.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

from qumba import Circuit, Parameter, ParameterVector, QuantumModel, Z, gates

# %% [markdown]
# ## Two qubits that agree
#
# A circuit is a value: each method returns a new circuit. `h` puts a qubit halfway between 0 and 1, and `cx` flips the
# second qubit if the first is 1.

# %%
bell = Circuit(2).h(0).cx(0, 1)
print(bell)
print("amplitudes of 00, 01, 10, 11:", bell.statevector().round(4))

# %% [markdown]
# A measurement gives bits, and destroys the state. All a device returns are counts; the amplitudes exist only here, in
# a simulator.

# %%
counts = bell.sample(shots=1000, seed=7)
print(counts)
figure, axis = plt.subplots(figsize=(5, 2.6))
outcomes = ["00", "01", "10", "11"]
axis.bar(outcomes, [counts.get(outcome, 0) for outcome in outcomes], color="#0072b2")
axis.plot(outcomes, 1000 * bell.probabilities(), "o", color="black", label="expected")
axis.set(xlabel="measured bits", ylabel="of 1000 measurements")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# ## An angle, and the slope along it
#
# A rotation has an angle in radians. The expectation of `Z` is the mean of +1 for a measured 0 and -1 for a measured 1;
# that of `Z(0) @ Z(1)` is +1 if both qubits always agree. As a function of the angle it is a cosine, and its derivative
# is exact: no step size is involved.

# %%
theta = Parameter("theta")
rotated = bell.ry(theta, 0)
agreement = Z(0) @ Z(1)
for angle in (0.0, 0.5, 1.0):
    value, slope = rotated.expectation_and_gradient(agreement, {theta: angle})
    print(f"angle {angle:.1f}: <ZZ> = {value:+.4f}, slope {slope[0]:+.4f}, -sin(angle) {-np.sin(angle):+.4f}")

# %% [markdown]
# With 100 measurements for each point, the same curve has an error of about 1 / sqrt(100):

# %%
angles = np.linspace(0, 2 * np.pi, 60)


def measured(angle, shots=100, seed=0):
    """Estimate the agreement from counts."""
    counts = rotated.sample({theta: angle}, shots=shots, seed=seed)
    return sum(count * (1 if bits[0] == bits[1] else -1) for bits, count in counts.items()) / shots


figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(angles, rotated.expectation(agreement, angles[:, None]), label="exact")
axis.plot(angles, [measured(angle, seed=k) for k, angle in enumerate(angles)], ".", label="100 measurements each")
axis.set(xlabel="angle (radians)", ylabel="<Z0 Z1>")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# ## A gate of your own
#
# A rotation is given by its Hermitian generator G: exp(-i theta G). This one lets two qubits exchange an excitation.
# Simulation, gradient, inverse and controlled versions follow from the matrix.

# %%
exchange = np.array([[0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
EXCHANGE = gates.Rotation("exchange", exchange)
transfer = Circuit(2).x(0).append(EXCHANGE(theta, 0, 1))
print(transfer)
for method in ("adjoint", "parameter_shift", "finite_difference"):
    print(f"{method:18} {transfer.gradient(Z(1), {theta: 0.3}, method=method)[0]:+.9f}")
undone = transfer + transfer.inverse()
print("after the inverse:", undone.sample({theta: 0.3}, shots=1000, seed=1))

# %% [markdown]
# How long must it act until the excitation is on qubit 1, that is, until $\langle Z_1\rangle = -1$?

# %%
optimum = minimize(lambda angle: transfer.expectation_and_gradient(Z(1), angle), [1.0], jac=True)
print(f"angle {optimum.x[0]:.6f} after {optimum.nit} iterations; pi / 2 is {np.pi / 2:.6f}")

# %% [markdown]
# ## A circuit that learns
#
# A model is a circuit with two kinds of parameters: inputs, which come from the data, and weights, which are trained.
# If the input enters three times, with trained rotations between, the output is a Fourier series of the input with
# frequencies up to three (Schuld, Sweke and Meyer, arXiv:2008.08605).

# %%
LAYERS = 3
x, w = ParameterVector("x", 1), ParameterVector("w", 3 * (LAYERS + 1))
circuit = Circuit(1).rz(w[0], 0).ry(w[1], 0).rz(w[2], 0)
for layer in range(1, LAYERS + 1):
    circuit = circuit.rx(x[0], 0).rz(w[3 * layer], 0).ry(w[3 * layer + 1], 0).rz(w[3 * layer + 2], 0)
print(circuit)
model = QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0)])

points = np.linspace(-np.pi, np.pi, 50)[:, None]
target = 0.4 * np.cos(points) + 0.35 * np.sin(3 * points)


# %%
initial = np.random.default_rng(0).uniform(-np.pi, np.pi, len(w))
trained = minimize(lambda weights: model.loss_and_gradient(points, target, weights), initial, jac=True)
before = model.loss_and_gradient(points, target, initial)[0]
print(f"mean squared error {before:.4f} before, {trained.fun:.2g} after {trained.nit} iterations")

figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(points, target, "k.", label="data")
axis.plot(points, model.forward(points, initial), "--", label="before training")
axis.plot(points, model.forward(points, trained.x), label="after training")
axis.set(xlabel="x", ylabel="<Z>")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# ## Where to go next
#
# * Estimators put such a circuit, its training and a readout behind `fit` and `predict`: the notebook on honest
#   verdicts trains one on a table, and asks whether it is any better than a classical model.
# * A circuit on a device has noise and shots: the notebook "To a device".
