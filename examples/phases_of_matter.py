"""Phases of a spin chain, told apart by a quantum convolutional network
=====================================================================

Ground states of the ANNNI chain are quantum data: a circuit reads the amplitudes themselves. A convolutional network
(arXiv:1810.03994) with few weights learns from some states which phase the others are in; the phases of an infinite
chain serve as labels, and eight spins are far from infinite.

Run with `python examples/phases_of_matter.py`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from qml.datasets import annni
from qumba import ConvolutionalClassifier

states, phases, couplings = annni(400, num_qubits=8, return_couplings=True, random_state=0)
train, test = slice(0, 100), slice(100, None)
network = ConvolutionalClassifier("amplitude", n_qubits=8, scale_features=False, epochs=60, random_state=0)
network.fit(states[train], phases[train])
predictions = network.predict(states[test])
classical = LogisticRegression(max_iter=1000).fit(states[train] ** 2, phases[train])
print(f"network with {len(network.weights_)} weights: {network.score(states[test], phases[test]):.3f}")
print(f"logistic regression on probabilities: {classical.score(states[test] ** 2, phases[test]):.3f}")

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True)
for axis, labels, title in (
    (axes[0], phases[test], "phase of the infinite chain"),
    (axes[1], predictions, "predicted"),
):
    for phase, marker in zip(np.unique(phases), "o^s", strict=True):
        axis.scatter(*couplings[test][labels == phase].T, marker=marker, s=18, label=phase)
    axis.set_title(title)
    axis.set_xlabel("kappa, coupling of next neighbours")
axes[0].set_ylabel("h, transverse field")
axes[1].legend(loc="upper left", fontsize=8)
plt.show()
