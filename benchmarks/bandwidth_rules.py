"""Two rules for a kernel's bandwidth on more than three features: `python -m benchmarks.bandwidth_rules`.

Fourteen classification tasks and ten of regression with 4 to 64 features, none of which the rules were made on. Each is
split at random into 150 training rows (100 of iris, 118 of wine) and the others, six times. The rules are the centred
alignment with the targets, and the error of ridge regression on rows left out, which `find_bandwidth` uses for at most
three features. Printed are the mean score of each, and the mean difference with its standard error over the splits;
below the table the mean difference over tasks, with its standard error over tasks, and the seconds that a fit takes.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Mapping
from typing import Any
from unittest import mock

import numpy as np
from sklearn import datasets
from sklearn.base import clone
from sklearn.model_selection import train_test_split

import qml
from qml import QuantumKernelClassifier, QuantumKernelRegressor
from qml.kernels import bandwidth

Data = tuple[np.ndarray, np.ndarray]

ROWS, TRAINED, SPLITS, SEED = 450, 150, 6, 20261
RULES = {"alignment": 0, "rows left out": 10**6}
"""Number of features up to which rows are left out."""


def some(data: Data, n_features: int | None = None) -> Data:
    """Return at most `ROWS` rows at random, and as many features at random."""
    rng, (X, y) = np.random.default_rng(SEED), data
    rows = rng.permutation(len(X))[:ROWS]
    columns = slice(None) if n_features is None else np.sort(rng.permutation(X.shape[1])[:n_features])
    return X[rows][:, columns], y[rows]


def classification() -> Mapping[str, Data]:
    """Return the classification tasks."""
    rng, made = np.random.default_rng(SEED), {"n_samples": ROWS, "random_state": SEED}
    cancer, digits = datasets.load_breast_cancer(return_X_y=True), datasets.load_digits(return_X_y=True)
    normal, cube = rng.normal(size=(ROWS, 5)), rng.uniform(-2, 2, (ROWS, 6))
    return {
        "iris": some(datasets.load_iris(return_X_y=True)),
        "wine": some(datasets.load_wine(return_X_y=True)),
        "cancer, 6 features": some(cancer, 6),
        "cancer": some(cancer),
        "digits, 8 features": some(digits, 8),
        "digits": some(digits),
        "clusters, 6": datasets.make_classification(
            **made, n_features=6, n_informative=5, n_redundant=1, n_clusters_per_class=3
        ),
        "clusters, 10": datasets.make_classification(**made, n_features=10, n_informative=6, n_classes=3),
        "quantiles, 5": datasets.make_gaussian_quantiles(**made, n_features=5, n_classes=2),
        "hidden manifold, 6": qml.datasets.hidden_manifold(**made, n_features=6),
        "hyperplanes, 5": qml.datasets.hyperplanes_parity(**made, n_features=5),
        "two curves, 8": qml.datasets.two_curves(**made, n_features=8),
        "sign of a product": (normal[:, :4], normal[:, 0] * normal[:, 1] > 0),
        "waves": (cube, np.sin(2 * cube[:, 0]) + cube[:, 1] * np.cos(cube[:, 2]) > 0),
    }


def regression() -> Mapping[str, Data]:
    """Return the tasks of regression."""
    rng, made = np.random.default_rng(SEED), {"n_samples": ROWS, "random_state": SEED}
    cube = rng.uniform(-2, 2, (ROWS, 8))
    noise = rng.normal(0, 0.1, ROWS)
    tasks = {
        "diabetes": some(datasets.load_diabetes(return_X_y=True)),
        "diabetes, 5 features": some(datasets.load_diabetes(return_X_y=True), 5),
        "Friedman 1": datasets.make_friedman1(**made, n_features=6, noise=1.0),
        "Friedman 2": datasets.make_friedman2(**made, noise=50.0),
        "Friedman 3": datasets.make_friedman3(**made, noise=0.1),
        "linear, 8": datasets.make_regression(**made, n_features=8, n_informative=5, noise=20.0),
        "sparse, 6": datasets.make_sparse_uncorrelated(**made, n_features=6),
        "waves, 4": (cube[:, :4], np.sin(2 * cube[:, 0]) + np.cos(cube[:, 1] + cube[:, 2]) + noise),
        "products, 5": (cube[:, :5], cube[:, 0] * cube[:, 1] + cube[:, 2] * cube[:, 3] + noise),
        "radius, 8": (cube, np.linalg.norm(cube, axis=1) + noise),
    }
    return {name: (X, (y - y.mean()) / y.std()) for name, (X, y) in tasks.items()}


def compare(model: Any, X: np.ndarray, y: np.ndarray, splits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores with each rule, shape (n_splits, 2), and the seconds of the fits."""
    scores, seconds = np.empty((2, splits, len(RULES)))
    for split in range(splits):
        stratify = None if isinstance(model, QuantumKernelRegressor) else y
        train, test, y_train, y_test = train_test_split(
            X, y, train_size=min(TRAINED, 2 * len(X) // 3), random_state=split, stratify=stratify
        )
        for k, limit in enumerate(RULES.values()):
            with mock.patch.object(bandwidth, "_FEW_FEATURES", limit):
                begin = time.perf_counter()
                fitted = clone(model).fit(train, y_train)
                seconds[split, k] = time.perf_counter() - begin
            scores[split, k] = fitted.score(test, y_test)
    return scores, seconds


def table(title: str, model: Any, tasks: Mapping[str, Data], splits: int) -> None:
    """Print the scores of a model with both rules."""
    print(f"\n{title}\n\n| | {' | '.join(RULES)} | difference |\n|---|---|---|---|")
    differences, times = [], []
    for name, (X, y) in tasks.items():
        scores, seconds = compare(model, X, y, splits)
        difference = scores[:, 1] - scores[:, 0]
        differences.append(difference.mean())
        times.append(seconds)
        error = difference.std(ddof=1) / np.sqrt(splits)
        means = " | ".join(f"{score:.3f}" for score in scores.mean(axis=0))
        print(f"| {name} | {means} | {difference.mean():+.3f} +- {error:.3f} |", flush=True)
    error = np.std(differences, ddof=1) / np.sqrt(len(differences))
    print(f"| mean over tasks | | | {np.mean(differences):+.4f} +- {error:.4f} |")
    print(
        f"median seconds of a fit: {', '.join(f'{s:.2f}' for s in np.median(np.concatenate(times), axis=0))}",
        flush=True,
    )


def main() -> None:
    """Print a table for each estimator and kernel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=SPLITS)
    splits = parser.parse_args().splits
    warnings.simplefilter("ignore")
    for kernel in ("fidelity", "projected"):
        model = QuantumKernelClassifier(kernel, probability=False, random_state=0)
        table(f"Classification, {kernel} kernel: accuracy", model, classification(), splits)
        table(f"Regression, {kernel} kernel: R^2", QuantumKernelRegressor(kernel, random_state=0), regression(), splits)


if __name__ == "__main__":
    main()
