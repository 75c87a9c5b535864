"""What federated training costs: `python -m benchmarks.federated`.

Breast cancer data, 4 principal components on 4 qubits: a federation of 10 clients beside training in one place and
beside each client alone, over Dirichlet splits; accuracy against epsilon; malicious clients against aggregators; the
seconds of 20 rounds; and the cost of the gradients of single rows.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from qml import SGD, VariationalClassifier
from qml.estimators.local_training import begin, local_objective
from qml.federated import FedAdam, Federation, GaussianMechanism, Krum, LocalClient, MultiKrum, dirichlet_split
from qml.federated.row_gradients import row_gradients

CLIENTS = 10
SETTINGS: dict[str, Any] = {"rounds": 20, "local_epochs": 2}
STRATEGIES: dict[str, Any] = {
    "fedavg": ("fedavg", {}),
    "fedprox": ("fedprox", {}),
    "fedadam": (FedAdam(0.05), {}),
    "scaffold": ("scaffold", {"optimizer": SGD(momentum=0), "learning_rate": 0.5}),
}

DESCENT = {"batch_size": "full", "optimizer": SGD(), "learning_rate": 2.0}
"""Settings for private rows: noise is kinder to gradient descent than to Adam, which divides by its size."""


class Inverted(LocalClient):
    """Malicious client: its update points the other way and is five times as long."""

    def train(self, request: Any) -> Any:
        update = super().train(request)
        return replace(update, change=-5 * update.change)


def data(seed: int) -> tuple[Any, Any, Any, Any]:
    X, y = load_breast_cancer(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    front = make_pipeline(StandardScaler(), PCA(4)).fit(X_train)
    return front.transform(X_train), front.transform(X_test), y_train, y_test


def model(**settings: Any) -> VariationalClassifier:
    return VariationalClassifier(n_layers=2, n_qubits=4, epochs=40, **{"learning_rate": 0.1} | settings)


def federated(clients: Any, seed: int, strategy: Any = "fedavg", settings: Any = None, **options: Any) -> Any:
    federation = Federation(clients, strategy, **SETTINGS | options, random_state=seed)
    return federation.fit(model(**settings or {})), federation


def alone(clients: Any, X_test: Any, y_test: Any) -> float:
    """Mean accuracy of the clients' own models; a client of one class predicts that."""
    scores = []
    for X, y in clients:
        only = np.unique(y)
        if len(only) == 1 or len(y) < 5:
            scores.append(np.mean(y_test == np.bincount(y).argmax()))
        else:
            scores.append(model(random_state=0).fit(X, y).score(X_test, y_test))
    return float(np.mean(scores))


def shown(scores: list[float]) -> str:
    return f"{np.mean(scores):.3f} ± {np.std(scores):.3f}"


def over(seeds: int, score: Callable[[int], Any]) -> str:
    return shown([score(seed) for seed in range(seeds)])


def skewness(seeds: int) -> None:
    print("\n| accuracy | alpha = 100 | alpha = 0.1 |\n|---|---|---|")
    rows: dict[str, Callable[[Any, int, Any, Any], float]] = {
        "each client alone": lambda clients, seed, X, y: alone(clients, X, y)
    }
    for name, (strategy, settings) in STRATEGIES.items():
        rows[name] = lambda clients, seed, X, y, s=strategy, o=settings: federated(clients, seed, s, o)[0].score(X, y)
    central = over(seeds, lambda seed: in_one_place(seed))
    print(f"| in one place | {central} | {central} |", flush=True)
    for name, score in rows.items():
        cells = []
        for alpha in (100, 0.1):

            def one(seed: int, alpha: float = alpha, score: Any = score) -> float:
                X, X_test, y, y_test = data(seed)
                return float(score(dirichlet_split(X, y, CLIENTS, alpha, seed), seed, X_test, y_test))

            cells.append(over(seeds, one))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def in_one_place(seed: int) -> float:
    X, X_test, y, y_test = data(seed)
    return model(random_state=seed).fit(X, y).score(X_test, y_test)


def privacy(seeds: int) -> None:
    budgets = (0.5, 1.0, 2.0, 4.0, 8.0)
    print(f"\n| accuracy at epsilon | {' | '.join(map(str, budgets))} | no noise |\n|---|{'---|' * 6}")
    cases: Iterator[tuple[str, dict[str, Any], int, dict[str, Any]]] = iter(
        [
            ("rows, 10 clients, one batch", {"at": "example", "clip": 0.5}, CLIENTS, DESCENT),
            ("clients, 100 of 4 rows", {"at": "server", "clip": 1.0}, 100, {}),
        ]
    )
    for name, mechanism, count, settings in cases:

        def one(seed: int, budget: float | None, m: Any = mechanism, k: int = count, s: Any = settings) -> float:
            X, X_test, y, y_test = data(seed)
            private = None if budget is None else GaussianMechanism(budget=budget, delta=1e-3, **m)
            clients = dirichlet_split(X, y, k, 100, seed)
            return float(
                federated(clients, seed, settings=s, privacy=private, reference=(X[::8], y[::8]))[0].score(
                    X_test, y_test
                )
            )

        cells = [over(seeds, lambda seed, b=budget: one(seed, b)) for budget in (*budgets, None)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def malice(seeds: int) -> None:
    aggregators = ("mean", "median", "trimmed_mean", Krum(3), MultiKrum(3), "bulyan")
    print(f"\n| malicious of 11 | {' | '.join(str(a) for a in aggregators)} |\n|---|{'---|' * len(aggregators)}")
    for bad in range(5):
        cells = []
        for aggregator in aggregators:

            def one(seed: int, aggregator: Any = aggregator, bad: int = bad) -> float:
                X, X_test, y, y_test = data(seed)
                pairs = dirichlet_split(X, y, 11, 100, seed)
                clients = [Inverted(f"bad {k}", *pair) if k < bad else pair for k, pair in enumerate(pairs)]
                return float(federated(clients, seed, aggregator=aggregator)[0].score(X_test, y_test))

            cells.append(over(seeds, one))
        print(f"| {bad} | {' | '.join(cells)} |", flush=True)


def seconds() -> None:
    X, _, y, _ = data(0)
    clients = dirichlet_split(X, y, CLIENTS, 100, 0)
    federated(clients, 0, rounds=1)  # compiles
    times = []
    for _ in range(5):
        start = time.perf_counter()
        _, federation = federated(clients, 0)
        times.append(time.perf_counter() - start)
    size = federation.history_[0].n_bytes / (2 * CLIENTS)
    print(f"\n10 clients, 20 rounds of 2 epochs, 4 qubits: {np.median(times):.2f} s; an update has {size:.0f} bytes")
    estimator = begin(model(), X, y, np.ones(len(y)), classes=None, seed=0)
    objective, rows = local_objective(estimator, X, y, None), np.arange(32)
    weights = estimator.weights_
    calls = {
        "gradient of a batch of 32": lambda: objective.value_and_gradient(weights, rows),
        "gradients of its rows, in one sweep": lambda: row_gradients(objective, weights, rows),
        "gradients of its rows, one by one": lambda: [
            objective.value_and_gradient(weights, rows[k : k + 1]) for k in rows
        ],
    }
    for name, call in calls.items():
        samples = []
        for _ in range(50):
            start = time.perf_counter()
            call()
            samples.append(time.perf_counter() - start)
        print(f"{name}: {1e3 * np.median(samples):.2f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=["skewness", "privacy", "malice", "seconds"])
    arguments = parser.parse_args()
    for part in (skewness, privacy, malice):
        if arguments.only in (None, part.__name__):
            part(arguments.seeds)
    if arguments.only in (None, "seconds"):
        seconds()
