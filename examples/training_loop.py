"""The training loop, by hand
==========================

Train a hybrid network by hand: forward, cost, backward, descent. `NetworkClassifier` does the same, and more.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from qml import NetworkClassifier, layered_model
from qml.layers import Dense, Quantum, Sequential, Tanh
from qml.losses import CrossEntropy

X, y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

circuit = layered_model("angle", "strongly_entangling", num_features=4, num_layers=2)
network = Sequential(Dense(13, 4), Tanh(), Quantum(circuit), Dense(4, 3))
print(network)

loss, rate, rng = CrossEntropy(), 0.2, np.random.default_rng(0)
weights = network.initial_weights(rng)


def derivative_of_cost(targets, costs, outputs, rows):
    """Derivative of the mean loss of a batch with respect to the outputs of some of its rows."""
    costs.append(loss.value(outputs, targets[rows]).mean())
    return loss.gradient(outputs, targets[rows]) / len(targets)


history = []
for epoch in range(40):
    costs = []
    for batch in np.array_split(rng.permutation(len(X_train)), 5):
        rest = partial(derivative_of_cost, y_train[batch], costs)
        gradient, _ = network.sweep(X_train[batch], weights, rest, inputs=False)  # forward, cost and backward
        weights = weights - rate * gradient  # descent
    history.append(np.mean(costs))
    if epoch % 10 == 0 or epoch == 39:
        print(f"epoch {epoch:2d}  cost {history[-1]:.3f}")

accuracy = (network.forward(X_test, weights).argmax(axis=1) == y_test).mean()
estimator = NetworkClassifier(network, random_state=0).fit(X_train, y_train)
print(f"test accuracy by hand {accuracy:.3f}, by NetworkClassifier {estimator.score(X_test, y_test):.3f}")

plt.plot(history, label="by hand")
plt.plot(estimator.loss_history_, label="NetworkClassifier, with Adam")
plt.xlabel("epoch")
plt.ylabel("cost")
plt.legend()
plt.show()
