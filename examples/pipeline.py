"""A scikit-learn pipeline
=======================

Use a quantum classifier in a scikit-learn pipeline, on real data, and compare it with a classical one.

Run with `python examples/pipeline.py`.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.metrics import RocCurveDisplay
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from qumba import VariationalClassifier

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)

quantum = make_pipeline(
    StandardScaler(),
    PCA(6),  # the classifier uses one qubit for each remaining feature
    VariationalClassifier(epochs=60, random_state=0),
)
classical = make_pipeline(StandardScaler(), SVC())

axis = plt.gca()
for name, model in (("quantum", quantum), ("RBF SVM", classical)):
    folds = cross_val_score(model, X_train, y_train, cv=3)
    model.fit(X_train, y_train)
    RocCurveDisplay.from_estimator(model, X_test, y_test, name=name, ax=axis)
    print(f"{name}: {folds.mean():.3f} in cross-validation, {model.score(X_test, y_test):.3f} on the test set")

classifier = quantum[-1]
print(f"\n{classifier.circuit_.num_qubits} qubits, {len(classifier.weights_)} weights")
print("probabilities of the first three:", quantum.predict_proba(X_test[:3]).round(3).tolist())
plt.show()
