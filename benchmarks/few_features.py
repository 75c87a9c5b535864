"""Kernel estimators with their defaults on few features: `python -m benchmarks.few_features`.

Twenty classification tasks with one to three features and 150 to 200 rows, eight tasks of regression with one to three
features, and 5 folds, repeated twice, of each: mean accuracy, or mean R^2, of support vector machines. The RBF kernel
has standardised features and scikit-learn's defaults, as the quantum kernels have theirs. In the columns "alignment"
the bandwidth is chosen as for more than three features, by the centred alignment with the targets; below each table are
the differences that the rule for few features makes, with their standard errors over tasks.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
from sklearn import datasets
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from qml import QuantumKernelClassifier, QuantumKernelRegressor
from qml.datasets import circles_on_qubit
from qml.kernels import bandwidth

Data = tuple[np.ndarray, np.ndarray]

ROWS = 200
FUNCTIONS: Mapping[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "sin 2x": (1, lambda X: np.sin(2 * X[:, 0])),
    "sin 5x": (1, lambda X: np.sin(5 * X[:, 0])),
    "square": (1, lambda X: X[:, 0] ** 2),
    "product": (2, lambda X: X[:, 0] * X[:, 1]),
    "waves": (2, lambda X: np.sin(2 * X[:, 0]) * np.cos(X[:, 1])),
    "corner": (2, lambda X: np.abs(X[:, 0]) + X[:, 1]),
    "linear": (3, lambda X: X @ [1, 2, -1]),
    "Friedman": (3, lambda X: np.sin(X[:, 0] * X[:, 1]) + X[:, 2] ** 2),
}
"""Number of features from -2 to 2, and the function of them to which normal noise of deviation 0.1 is added."""


def classification() -> Mapping[str, Data]:
    """Return the classification tasks."""
    rng = np.random.default_rng(0)
    turn = np.sqrt(rng.uniform(size=ROWS // 2)) * 2 * np.pi
    arm = np.c_[turn * np.cos(turn), turn * np.sin(turn)]
    plane, line, normal = rng.uniform(-1, 1, (ROWS, 2)), rng.uniform(-3, 3, (ROWS, 1)), rng.normal(size=(ROWS, 1))
    iris, wine = datasets.load_iris(return_X_y=True), datasets.load_wine(return_X_y=True)
    cancer = datasets.load_breast_cancer(return_X_y=True)
    s_curve, height = datasets.make_s_curve(ROWS, noise=0.1, random_state=0)
    swiss, angle = datasets.make_swiss_roll(ROWS, noise=0.3, random_state=0)
    blocks = {"n_redundant": 0, "n_clusters_per_class": 2, "random_state": 0}
    return {
        "moons, noise 0.2": datasets.make_moons(ROWS, noise=0.2, random_state=1),
        "moons, noise 0.3": datasets.make_moons(ROWS, noise=0.3, random_state=2),
        "circles": datasets.make_circles(ROWS, noise=0.1, factor=0.5, random_state=0),
        "circle": circles_on_qubit(ROWS, random_state=0),
        "quantiles, 2": datasets.make_gaussian_quantiles(n_samples=ROWS, n_features=2, n_classes=3, random_state=0),
        "quantiles, 3": datasets.make_gaussian_quantiles(n_samples=ROWS, n_features=3, n_classes=2, random_state=0),
        "blobs": datasets.make_blobs(ROWS, centers=4, cluster_std=2.0, random_state=3),
        "spirals": (np.vstack([arm, -arm]) + rng.normal(0, 0.3, (ROWS, 2)), np.repeat([0, 1], ROWS // 2)),
        "exclusive or": (plane, plane.prod(axis=1) > 0),
        "sine": (line, np.sin(2 * line[:, 0]) + rng.normal(0, 0.2, ROWS) > 0),
        "interval": (normal, np.abs(normal[:, 0]) > 0.7),
        "iris, 2": (iris[0][:, 2:], iris[1]),
        "iris, 3": (iris[0][:, :3], iris[1]),
        "wine, 2": (wine[0][:, [0, 6]], wine[1]),
        "wine, 3": (wine[0][:, [0, 6, 9]], wine[1]),
        "cancer, 2": (cancer[0][:ROWS, [20, 21]], cancer[1][:ROWS]),
        "clusters, 2": datasets.make_classification(ROWS, 2, n_informative=2, **blocks),
        "clusters, 3": datasets.make_classification(ROWS, 3, n_informative=3, **blocks),
        "s curve": (s_curve, height > 0),
        "swiss roll": (swiss, np.digitize(angle, [7, 10])),
    }


def regression() -> Mapping[str, Data]:
    """Return the tasks of regression."""
    rng, tasks = np.random.default_rng(0), {}
    for name, (n_features, function) in FUNCTIONS.items():
        X = rng.uniform(-2, 2, (ROWS, n_features))
        tasks[name] = X, function(X) + rng.normal(0, 0.1, ROWS)
    return tasks


def table(estimator: Callable[..., Any], classical: Any, tasks: Mapping[str, Data], folds: Any) -> None:
    """Print the scores on the tasks, their means, and the differences between the rules for the bandwidth."""
    kernels = ("fidelity", "projected")
    columns = [name for kernel in kernels for name in (f"{kernel}, alignment", kernel)]
    print(f"\n| | {' | '.join(columns)} | RBF |\n|---{'|---' * (len(columns) + 1)}|")
    rows = []
    for name, (X, y) in tasks.items():
        scores = []
        for kernel in kernels:
            for limit in (0, bandwidth._FEW_FEATURES):
                with mock.patch.object(bandwidth, "_FEW_FEATURES", limit):
                    scores.append(cross_val_score(estimator(kernel, random_state=0), X, y, cv=folds).mean())
        scores.append(cross_val_score(classical, X, y, cv=folds).mean())
        rows.append(scores)
        print(f"| {name} | {' | '.join(f'{score:.3f}' for score in scores)} |", flush=True)
    print(f"| mean | {' | '.join(f'{score:.3f}' for score in np.mean(rows, axis=0))} |\n")
    for k, kernel in enumerate(kernels):
        gain = np.array([scores[2 * k + 1] - scores[2 * k] for scores in rows])
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        print(
            f"{kernel}: {gain.mean():+.3f} +- {error:.3f}; {(gain > 0).sum()} gain, {(gain < 0).sum()} lose", flush=True
        )


def main() -> None:
    """Print both tables."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    warnings.simplefilter("ignore")
    classifier = partial(QuantumKernelClassifier, probability=False)
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
    table(classifier, make_pipeline(StandardScaler(), SVC()), classification(), folds)
    folds = RepeatedKFold(n_splits=5, n_repeats=2, random_state=0)
    table(QuantumKernelRegressor, make_pipeline(StandardScaler(), SVR()), regression(), folds)


if __name__ == "__main__":
    main()
