"""The task: two kinds of iris, four qubits, three strongly entangling layers, 40 steps of Adam."""

import os

import numpy as np
from sklearn.datasets import load_iris

QUBITS, LAYERS, RATE = 4, 3, 0.05
STEPS = int(os.environ.get("STEPS", "40"))


def data():
    """Return angles and labels of -1 or 1 of 60 rows to train on and 40 to test on."""
    X, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(y > 0))
    angles = (X - X.mean(axis=0)) / X.std(axis=0)
    labels = np.where(y == 1, 1.0, -1.0)
    return angles[rows[:60]], labels[rows[:60]], angles[rows[60:]], labels[rows[60:]]


def initial_weights():
    """Return the angles of RZ RY RZ for each layer and qubit, shape (3, 4, 3)."""
    return np.random.default_rng(1).normal(0, 0.3, (LAYERS, QUBITS, 3))
