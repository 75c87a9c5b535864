"""Ten hospitals train one classifier
==================================

Train a quantum classifier over clients that do not share their rows: strategies, faults, and privacy within a budget.

Run with `python examples/federated.py`. Epsilon needs `pip install 'qumba[privacy]'`.
"""

import logging

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from qml import VariationalClassifier
from qml.federated import Federation, GaussianMechanism, dirichlet_split

logging.getLogger("qml.federated").setLevel(logging.ERROR)

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X[:, :4], y, test_size=0.3, stratify=y, random_state=0)
model = VariationalClassifier(n_layers=2, epochs=60, random_state=0)
print(f"all rows in one place: {model.fit(X_train, y_train).score(X_test, y_test):.3f}")

# Each hospital sees other proportions of the two classes.
figure, axis = plt.subplots(figsize=(6.5, 3.5))
hospitals = dirichlet_split(X_train, y_train, n_clients=10, alpha=1.0, random_state=0)
for strategy in ("fedavg", "fedprox"):
    federation = Federation(hospitals, strategy, rounds=20, local_epochs=2, random_state=0)
    clf = federation.fit(model, validation_data=(X_test, y_test))
    axis.plot([record.score for record in federation.history_], "o-", label=strategy)
    last = federation.history_[-1]
    print(f"{strategy}: {last.score:.3f} after {last.round} rounds of {last.n_bytes} bytes")

# One answer in five is missing, and one in ten comes too late.
federation = Federation(hospitals, rounds=20, local_epochs=2, dropout_rate=0.2, straggler_rate=0.1, random_state=0)
clf = federation.fit(model)
accepted = [len(record.accepted) for record in federation.history_]
print(f"with faults: {clf.score(X_test, y_test):.3f}, {min(accepted)} to {max(accepted)} updates per round")

# A few public rows give the scaling, so that epsilon covers all that leaves a hospital.
public = X_test[:40], y_test[:40]
for budget in (4.0, 16.0):
    private = GaussianMechanism(budget=budget, delta=1e-4, at="example", clip=1.0)
    federation = Federation(hospitals, rounds=20, privacy=private, reference=public, random_state=0)
    clf = federation.fit(model)
    print(
        f"private rows, epsilon {federation.epsilon_:.2f}: {clf.score(X_test[40:], y_test[40:]):.3f}, "
        f"noise {federation.privacy_.noise:.2f}"
    )

axis.axhline(model.score(X_test, y_test), color="grey", linestyle=":", label="all rows in one place")
axis.set_xlabel("round")
axis.set_ylabel("accuracy on test rows")
axis.legend()
figure.tight_layout()
plt.show()
