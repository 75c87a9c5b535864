"""Whether explanations are right, and how long they take: `python -m benchmarks.explanations`.

In the first table two of six features decide, in ten seeds: how often a method puts both first, the areas under its
deletion and insertion curves beside those of random orders, and the rank correlation of the importances between random
halves of the background. In the second table are the seconds of the Shapley values of one row with ten columns and 100
background rows (102 400 rows of a 4-qubit model), of shap's exact explainer and of its KernelExplainer on the same
function, and how far these are from the exact values. All methods run in this process, in turns; the best of the calls
counts, and the seconds of the processor are those of all threads.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from qml import VariationalClassifier
from qml.explain import (
    deletion_curves,
    explain,
    gate_importance,
    integrated_gradients,
    permutation_importance,
    saliency,
    shapley_values,
)
from qml.explain.stability import Stability

FEATURES, RELEVANT = 6, 2
BACKGROUND, EXPLAINED = 40, 20

Array = np.ndarray


def data(seed: int, rows: int) -> tuple[Array, Array, list[int]]:
    """Draw features, classes that two of them decide, and the numbers of these."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, FEATURES))
    relevant = sorted(rng.permutation(FEATURES)[:RELEVANT].tolist())
    return X, X[:, relevant[0]] - X[:, relevant[1]] + 0.1 * rng.normal(size=rows) > 0, relevant


def methods(kernel: bool) -> dict[str, Callable[[Any, Array, Array, int], Array]]:
    """Return functions of model, background, rows and seed to attributions, shape (n_rows, n_features)."""

    def by_permutation(model: Any, background: Array, rows: Array, seed: int) -> Array:
        return np.tile(permutation_importance(model, background, random_state=seed).means, (len(rows), 1))

    def by_gradient(model: Any, background: Array, rows: Array, seed: int) -> Array:
        return saliency(model, rows) * (rows - background.mean(axis=0))

    def by_shap(model: Any, background: Array, rows: Array, seed: int) -> Array:
        import shap

        np.random.seed(seed)  # noqa: NPY002 - the generator that shap draws from
        explainer = shap.KernelExplainer(lambda X: model.predict_proba(X)[:, 1], background)
        return np.asarray(explainer.shap_values(rows, silent=True))

    out: dict[str, Callable[[Any, Array, Array, int], Array]] = {
        "shapley_values": lambda model, background, rows, seed: shapley_values(model, background, rows),
        "integrated_gradients": lambda model, background, rows, seed: integrated_gradients(model, background, rows),
        "saliency x difference": by_gradient,
        "permutation_importance": by_permutation,
    }
    return out | ({"shap KernelExplainer": by_shap} if kernel else {})


def truth(options: argparse.Namespace) -> None:
    """Print the table of the known truth."""
    models = []
    for seed in range(options.seeds):
        X, y, relevant = data(seed, options.rows + EXPLAINED)
        model = VariationalClassifier(n_layers=2, epochs=options.epochs, random_state=seed)
        models.append((model.fit(X[: options.rows], y[: options.rows]), X, relevant))
    print("| method | both first | deletion | random | insertion | random | stability | s |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name, method in methods(options.shap).items():
        hits, areas, stability, seconds = 0, [], [], 0.0
        for seed, (model, X, relevant) in enumerate(models):
            background, rows = X[:BACKGROUND], X[-EXPLAINED:]
            start = time.perf_counter()
            values = method(model, background, rows, seed)
            seconds += time.perf_counter() - start
            hits += sorted(np.argsort(-np.abs(values).mean(axis=0))[:RELEVANT].tolist()) == relevant
            areas.append(deletion_curves(model, background, rows, values, random_state=seed).areas)
            rng, halves = np.random.default_rng(seed), []
            for _ in range(options.halves):
                half = background[rng.permutation(BACKGROUND)[: BACKGROUND // 2]]
                halves.append(np.abs(method(model, half, rows, seed)).mean(axis=0))
            stability.append(Stability("halves", np.array(halves)).rank_correlation)
        deletion, random, insertion, inserted = (
            np.mean([area[key] for area in areas])
            for key in ("deletion", "random_deletion", "insertion", "random_insertion")
        )
        print(
            f"| {name} | {hits} of {options.seeds} | {deletion:.3f} | {random:.3f} | {insertion:.3f} | "
            f"{inserted:.3f} | {np.mean(stability):.2f} | {seconds / options.seeds:.3f} |",
            flush=True,
        )


def speed(options: argparse.Namespace) -> None:
    """Print the seconds of the Shapley values of one row, and of other parts."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, options.columns))
    y = X[:, 0] * X[:, 1] > 0
    settings = {"n_layers": options.layers, "epochs": options.epochs}
    model = VariationalClassifier(n_qubits=4, **settings, random_state=0).fit(X, y)
    row, sets = X[:1] * 1.1, 1 << options.columns

    def function(Z: Array) -> Array:
        return model.predict_proba(Z)[:, 1]

    shapley: dict[str, Callable[[], Array]] = {
        f"shapley_values, all {sets * len(X):,} rows": lambda: shapley_values(model, X, row),
        "shapley_values, 50 pairs of random orders": lambda: shapley_values(
            model, X, row, method="permutations", random_state=0
        ),
    }
    if options.shap:
        import shap

        exact = shap.explainers.Exact(function, shap.maskers.Independent(X, max_samples=len(X)))
        kernel = shap.KernelExplainer(function, X)
        shapley |= {
            "shap Exact": lambda: exact(row, silent=True).values,
            "shap KernelExplainer": lambda: kernel.shap_values(row, silent=True),
            "shap KernelExplainer, 512 sets": lambda: kernel.shap_values(row, nsamples=512, silent=True),
        }
    parts: dict[str, Callable[[], Any]] = {
        "integrated_gradients, 64 steps": lambda: integrated_gradients(model, X, row),
        f"gate_importance, {2 * options.layers + 1} layers": lambda: gate_importance(model, X, y),
        "explain, 5 rows": lambda: explain(model, X, X[:5], y, random_state=0),
    }
    best: dict[str, tuple[float, float]] = {}
    results = {name: part() for name, part in shapley.items()}
    for _ in range(options.calls):
        for name, part in (shapley | parts).items():
            start, used = time.perf_counter(), time.process_time()
            part()
            wall, processor = best.get(name, (np.inf, np.inf))
            best[name] = min(wall, time.perf_counter() - start), min(processor, time.process_time() - used)
    expected = next(iter(results.values()))
    title = f"{options.columns} columns, {len(X)} background rows, 1 row, 4 qubits"
    print(f"\n| {title} | s | processor s | largest error |\n|---|---|---|---|")
    for name, (seconds, processor) in best.items():
        error = f"{np.abs(results[name] - expected).max():.1e}" if name in results else ""
        print(f"| {name} | {seconds:.3f} | {processor:.3f} | {error} |", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rows", type=int, default=120, help="training rows")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--halves", type=int, default=5)
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--layers", type=int, default=4, help="layers of the ansatz whose gates are explained")
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--no-shap", dest="shap", action="store_false", help="leave out shap, which takes minutes")
    options = parser.parse_args()
    truth(options)
    speed(options)


if __name__ == "__main__":
    main()
