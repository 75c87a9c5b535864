"""Decision boundaries of five models
==================================

Five quantum models with their default settings, and a classical one, on two interleaved half-moons. A boundary shows
more than a score: how smooth a model is, and what it does where there are no data.

Run with `python examples/decision_boundaries.py`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from qumba import (
    DressedClassifier,
    KitchenSinksClassifier,
    QuantumKernelClassifier,
    ReuploadingClassifier,
    VariationalClassifier,
)

X, y = make_moons(200, noise=0.2, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
MODELS = {
    "angles and layers": VariationalClassifier(random_state=0),
    "re-uploading": ReuploadingClassifier(random_state=0),
    "dressed circuit": DressedClassifier(random_state=0),
    "fidelity kernel": QuantumKernelClassifier(feature_map="angle"),
    "kitchen sinks": KitchenSinksClassifier(random_state=0),
    "RBF support vectors (classical)": SVC(),
}
grid = np.stack(np.meshgrid(np.linspace(-2, 3, 60), np.linspace(-1.5, 2, 60)), axis=-1)

figure, axes = plt.subplots(2, 3, figsize=(9, 5.4), sharex=True, sharey=True)
for (name, model), axis in zip(MODELS.items(), axes.flat, strict=True):
    classifier = make_pipeline(StandardScaler(), model).fit(X_train, y_train)
    accuracy = classifier.score(X_test, y_test)
    print(f"{name:32} {accuracy:.3f} on {len(X_test)} test rows")
    values = classifier.decision_function(grid.reshape(-1, 2)).reshape(60, 60)
    limit = np.abs(values).max()
    axis.contourf(*np.moveaxis(grid, -1, 0), values, 20, cmap="PuOr", vmin=-limit, vmax=limit)
    axis.contour(*np.moveaxis(grid, -1, 0), values, [0.0], colors="black")
    for label, marker in ((0, "o"), (1, "^")):
        axis.scatter(*X_test[y_test == label].T, marker=marker, color="white", edgecolor="black", s=22)
    axis.set_title(f"{name}: {accuracy:.2f}", fontsize=10)
figure.tight_layout()
plt.show()
