"""Plain NumPy models of a federation on logistic regression, written from the papers and not from the library."""

import numpy as np
from sklearn.datasets import make_classification

from qml import SGD, NetworkClassifier
from qml.layers import Dense

RATE = 0.3


def logistic(**settings):
    """Logistic regression as a network: one dense layer, plain gradient descent on all rows."""
    settings = {"optimizer": SGD(momentum=0), "learning_rate": RATE, "batch_size": "full", **settings}
    return NetworkClassifier(Dense(), scale_features=False, random_state=0, **settings)


def rows(n_samples=90, n_features=3, seed=0):
    X, y = make_classification(n_samples, n_features, n_informative=2, n_redundant=0, random_state=seed)
    return X, y


def unequal_clients(X, y, cuts=(20, 50)):
    return list(zip(np.split(X, cuts), np.split(y, cuts), strict=True))


def gradient(weights, X, y):
    """Gradient of the mean logistic loss; the last weight is the bias."""
    inputs = np.column_stack([X, np.ones(len(X))])
    return inputs.T @ (1 / (1 + np.exp(-inputs @ weights)) - y) / len(y)


def descended(weights, X, y, epochs, center=None, mu=0.0, slope=0.0):
    center = weights if center is None else center
    for _ in range(epochs):
        weights = weights - RATE * (gradient(weights, X, y) + mu * (weights - center) + slope)
    return weights


def averaged(weights, clients, rounds, epochs, mu=0.0):
    """Federated averaging, with a proximal term if mu is not 0."""
    for _ in range(rounds):
        local = [descended(weights, X, y, epochs, mu=mu) for X, y in clients]
        weights = np.average(local, axis=0, weights=[len(y) for _, y in clients])
    return weights


def scaffolded(weights, clients, rounds, epochs):
    """SCAFFOLD, option II, with all clients in each round (arXiv:1910.06378, algorithm 1)."""
    c, c_k = np.zeros_like(weights), [np.zeros_like(weights) for _ in clients]
    for _ in range(rounds):
        changes, shifts = [], []
        for k, (X, y) in enumerate(clients):
            local = descended(weights, X, y, epochs, slope=c - c_k[k])
            new = c_k[k] - c + (weights - local) / (epochs * RATE)
            changes.append(local - weights)
            shifts.append(new - c_k[k])
            c_k[k] = new
        weights, c = weights + np.mean(changes, axis=0), c + np.mean(shifts, axis=0)
    return weights
