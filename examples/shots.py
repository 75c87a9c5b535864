"""How many shots a prediction needs
=================================

A device estimates an expectation from a finite number of measurements. The error falls with the square root of the
shots, and labels are right long before probabilities are: only samples near the boundary flip.

Run with `python examples/shots.py`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from qumba import VariationalClassifier
from simulator.qiskit_backend import QiskitBackend
from simulator.qiskit_provider import QumbaBackend

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
classifier = VariationalClassifier(n_qubits=6, n_layers=3, epochs=30, random_state=0).fit(X_train, y_train)
exact = classifier.predict_proba(X_test)[:, 1]

SHOTS = [10, 30, 100, 300, 1000, 3000]
errors, flips = [], []
for shots in SHOTS:
    backend = QiskitBackend(QumbaBackend(), shots=shots, seed=1)  # or a device
    sampled = classifier.predict_proba(X_test, backend=backend)[:, 1]
    errors.append(np.sqrt(np.mean((sampled - exact) ** 2)))
    flips.append(np.mean((sampled > 0.5) != (exact > 0.5)))
    print(f"{shots:5} shots: probabilities off by {errors[-1]:.3f}, {100 * flips[-1]:.1f} % of the labels differ")

plt.loglog(SHOTS, errors, "o-", label="error of the probabilities (root mean square)")
plt.loglog(SHOTS, errors[0] * np.sqrt(SHOTS[0] / np.array(SHOTS)), ":", color="grey", label="1 / square root of shots")
plt.loglog(SHOTS, np.maximum(flips, 1e-3), "s-", label="share of labels that differ (0 drawn at 0.001)")
plt.xlabel("shots per circuit")
plt.legend()
plt.show()
