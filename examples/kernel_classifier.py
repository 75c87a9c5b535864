"""A quantum kernel on real data, from the bandwidth to an honest verdict beside the classical kernel.

Run with `python examples/kernel_classifier.py`.
"""

from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, train_test_split

from qml import FidelityKernel, QuantumKernelClassifier

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
folds = StratifiedKFold(3, shuffle=True, random_state=0)

# One number decides: how far the data are spread over the circle of angles. In the literature's usual setting, a
# standard deviation is one radian, and all states are nearly orthogonal.
for name, kernel in (("bandwidth 1", FidelityKernel("zz")), ('bandwidth="auto"', "fidelity")):
    model = QuantumKernelClassifier(kernel, n_qubits=6, probability=False).fit(X_train, y_train)
    gram = model.kernel_(model.scaling_(X_train))
    scores = cross_val_score(model, X_train, y_train, cv=folds)
    print(f"{name}: accuracy {scores.mean():.3f} in cross-validation, mean fidelity of two samples {gram.mean():.3f}")

# A comparison with a classical kernel is one word, and each chooses its C in the same folds.
found = {}
for kernel in ("fidelity", "projected", "rbf"):
    search = GridSearchCV(QuantumKernelClassifier(kernel, n_qubits=6, random_state=0), {"C": [1, 10, 100]}, cv=folds)
    found[kernel] = search.fit(X_train, y_train).best_estimator_
    right = (found[kernel].predict(X_test) == y_test).sum()
    print(f"{kernel}: C = {search.best_params_['C']}, {right} of {len(y_test)} test samples right")

quantum, classical = (found[kernel].predict(X_test) == y_test for kernel in ("fidelity", "rbf"))
only_quantum, only_classical = (quantum & ~classical).sum(), (classical & ~quantum).sum()
print(f"\nright in the fidelity kernel only: {only_quantum} samples, in the RBF kernel only: {only_classical}")
clear = abs(only_quantum - only_classical) > 2 * (only_quantum + only_classical) ** 0.5
print("verdict:", "a clear difference" if clear else "too little to tell the quantum kernel from the classical one")
print("probabilities of the first three:", found["fidelity"].predict_proba(X_test[:3]).round(3).tolist())
