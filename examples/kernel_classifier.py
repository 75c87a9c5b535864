"""A quantum kernel beside a classical one
=======================================

Classify real data with a quantum kernel: choose its bandwidth, then compare it honestly with a classical kernel.

Run with `python examples/kernel_classifier.py`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, train_test_split

from qumba import FidelityKernel, QuantumKernelClassifier

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
folds = StratifiedKFold(3, shuffle=True, random_state=0)

# The bandwidth matters most: how far the data are spread over the circle of angles. In the usual setting of the
# literature, one standard deviation is one radian, and all states are nearly orthogonal.
figure, axes = plt.subplots(1, 2, figsize=(8, 3.8))
order = np.argsort(y_train, kind="stable")
kernels = {"bandwidth 1": FidelityKernel("zz"), 'bandwidth="auto"': "fidelity"}
for axis, (name, kernel) in zip(axes, kernels.items(), strict=True):
    model = QuantumKernelClassifier(kernel, n_qubits=6, probability=False).fit(X_train, y_train)
    gram = model.kernel_(model.scaling_(X_train))
    axis.imshow(gram[np.ix_(order, order)], vmin=0, vmax=1)
    axis.set_title(f"{name}: fidelities, sorted by class", fontsize=10)
    scores = cross_val_score(model, X_train, y_train, cv=folds)
    print(f"{name}: accuracy {scores.mean():.3f} in cross-validation, mean fidelity of two samples {gram.mean():.3f}")

# Replacing one word gives the classical kernel to compare with. Each kernel's C is chosen on the same folds.
classifiers = {}
for kernel in ("fidelity", "projected", "rbf"):
    search = GridSearchCV(QuantumKernelClassifier(kernel, n_qubits=6, random_state=0), {"C": [1, 10, 100]}, cv=folds)
    classifiers[kernel] = search.fit(X_train, y_train).best_estimator_
    num_correct = (classifiers[kernel].predict(X_test) == y_test).sum()
    print(f"{kernel}: C = {search.best_params_['C']}, {num_correct} of {len(y_test)} test samples correct")

quantum, classical = (classifiers[kernel].predict(X_test) == y_test for kernel in ("fidelity", "rbf"))
only_quantum, only_classical = (quantum & ~classical).sum(), (classical & ~quantum).sum()
print(f"\ncorrect with the fidelity kernel only: {only_quantum} samples, with the RBF kernel only: {only_classical}")
clear = abs(only_quantum - only_classical) > 2 * (only_quantum + only_classical) ** 0.5
print("verdict:", "a clear difference" if clear else "too few to tell the quantum kernel from the classical one")
print("probabilities of the first three:", classifiers["fidelity"].predict_proba(X_test[:3]).round(3).tolist())
plt.show()
