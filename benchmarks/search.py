"""What a search finds and what it costs: against usual settings, against published grids, and beside its own fits.

    python -m benchmarks.search                          # everything, and the table of goals; about 15 minutes
    python -m benchmarks.search --store search.json      # can be interrupted: what is in the file is not run again

Data sets are drawn by the generators of the published study (arXiv:2403.07059) with other seeds, so that there are 2000
test rows for 240 training rows: trials see the training rows only. Sizes are what the study varies, the number of
features, or the difficulty of the families in ``diff``. The test is exact and paired by rows (McNemar's), over all data
sets of a family: it is about these data sets. A t-test paired by data sets, which is about the family, is printed
beside it. Both have Holm's correction for the number of families.

Each search is made once; what it predicts with is either its best model or, with ``ensemble=3``, the best models of its
three best families.

Times are of the processor in one thread, for searches and for their fits: where other work shares the machine, the time
on the clock says little.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.stats import binomtest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from benchmarks.study.models import CONTENDERS
from qml import VariationalClassifier
from qml.datasets import hidden_manifold, hyperplanes_parity, linearly_separable, two_curves
from qml.honesty.statistics import holm, paired_rows_test
from qml.search import QuantumSearchCV, evaluation, fitting, search_cv
from simulator import set_num_threads

Data = tuple[Any, Any, Any, Any]

FAMILIES: Mapping[str, Callable[[int, int, int], tuple[Any, Any]]] = {
    "linearly_separable": lambda n, d, seed: linearly_separable(n, d, random_state=seed),
    "hidden_manifold": lambda n, d, seed: hidden_manifold(n, d, random_state=seed),
    "hidden_manifold_diff": lambda n, m, seed: hidden_manifold(n, manifold_dimension=m, random_state=seed),
    "hyperplanes_diff": lambda n, k, seed: hyperplanes_parity(n, n_hyperplanes=k, random_state=seed),
    "two_curves": lambda n, d, seed: two_curves(n, d, random_state=seed),
    "two_curves_diff": lambda n, k, seed: two_curves(n, degree=k, offset=1 / (2 * k), random_state=seed),
}
"""Families of the study: functions of the number of rows, the size and the seed."""

SIZES = (4, 6, 8, 10, 12, 14, 16, 18)
FIRST_SEED = 2000
"""Seed of the first data set; each size has its own."""

TRAIN_ROWS, TEST_ROWS = 240, 2000

GRID_DATA = (("hidden_manifold", 6), ("hyperplanes_diff", 6), ("two_curves_diff", 10))
GRID_MODELS = {
    "re-uploading": "Reuploading",
    "dressed": "Dressed",
    "kitchen sinks": "KitchenSinks",
    "IQP kernel": "QuantumKernel",
}
"""Contenders of the study whose published grids are searched, and the models of the search."""

GRID_FOLDS, FOLDS = 5, 3

ENSEMBLE = 3
PREDICTORS = {"search": "the best model", "ensemble": f"an ensemble of {ENSEMBLE}"}
"""What a search predicts with, by the key of its results."""

SIGNIFICANT = 0.05
GOALS = {"families": 4, "points": 0.01, "fits": 0.1, "overhead": 0.05, "seconds": 60.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="number of data sets per family")
    parser.add_argument("--only", choices=("cost", "families", "grids"), help="one part")
    parser.add_argument("--store", type=Path, help="file with the results of data sets, from which a run continues")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    set_num_threads(1)
    for module in (evaluation, fitting, search_cv):
        module.time = SimpleNamespace(perf_counter=time.process_time)  # type: ignore[attr-defined]
    parts = {"cost": cost, "families": families, "grids": grids}
    with threadpool_limits(1):
        X, y = load_iris(return_X_y=True)
        QuantumSearchCV(n_trials=12, cv=2, random_state=0).fit(X, y)  # compiles the kernels
        names = [options.only] if options.only else list(parts)
        goals = [line for name in names for line in parts[name](options)]
    print(f"\n{'to reach':96}{'goal':>12}{'measured':>12}  reached")
    for text, goal, measured, reached in goals:
        print(f"{text:96}{goal:>12}{measured:>12}  {'yes' if reached else 'no'}")


def cost(options: Any) -> list[tuple[str, str, str, bool]]:
    """Search breast cancer, and a small data set on which fits are quick."""
    X, y = load_breast_cancer(return_X_y=True)
    lines = []
    for name, rows, labels in (("breast cancer", X, y), ("240 rows", *drawn("hidden_manifold", 8, 1)[::2])):
        search = searched(options, rows, labels)
        count, seconds, fits = len(search.trials_), search.seconds_, search.fit_seconds_
        print(f"{name}, {count} trials: {seconds:.1f} s, of these fits {fits:.1f} s")
        print(search.leaderboard_, flush=True)
        overhead = (seconds - fits) / fits
        reached = overhead < GOALS["overhead"]
        lines.append((f"time beside the fits, {name}", f"< {GOALS['overhead']:.0%}", f"{overhead:.1%}", reached))
        if name == "breast cancer":
            text, goal = f"{options.trials} trials on {name}", GOALS["seconds"]
            lines.append((text, f"< {goal:.0f} s", f"{seconds:.0f} s", seconds < goal))
    return lines


def families(options: Any) -> list[tuple[str, str, str, bool]]:
    """Compare searches with `VariationalClassifier` and its usual settings."""
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in FAMILIES}
    print(f"{'family':22}{'size':>5}{'usual':>8}{'search':>8}{'of 3':>8}{'cpu s':>7}  model")
    for size in SIZES[: options.sizes]:
        for name, entries in results.items():
            key = f"{name} {size}, {options.trials} trials"
            entries.append(result := stored(options, key, partial(compared, options, name, size)))
            numbers = f"{result['usual']:8.3f}{result['search']:8.3f}{result['ensemble']:8.3f}{result['seconds']:7.1f}"
            print(f"{name:22}{size:5}{numbers}  {result['model']}", flush=True)
    return [line for key in PREDICTORS for line in _against_usual(options, key, results)]


def _against_usual(
    options: Any, key: str, results: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[tuple[str, str, str, bool]]:
    """Print the gains of one way to predict by family, with tests, and return the lines of the goals."""
    gains = {name: np.array([entry[key] - entry["usual"] for entry in entries]) for name, entries in results.items()}
    by_rows = holm([_rows_p_value(entries, key) for entries in results.values()])
    by_sets = holm([paired_rows_test(values).p_value if len(values) > 1 else 1.0 for values in gains.values()])
    better = {"rows": 0, "data sets": 0}
    head = f"{'usual':>8}{'search':>8}{'gain':>8}{'p, rows':>10}{'p, sets':>10}{'higher on':>11}{'cpu s':>8}"
    print(f"\n{PREDICTORS[key]}\n{'family':22}{head}")
    for (name, entries), p_value, by_set in zip(results.items(), by_rows, by_sets, strict=True):
        usual, after, seconds = (np.mean([entry[part] for entry in entries]) for part in ("usual", key, "seconds"))
        gain = float(gains[name].mean())
        better["rows"] += int(gain > 0 and p_value < SIGNIFICANT)
        better["data sets"] += int(gain > 0 and by_set < SIGNIFICANT)
        share = f"{(gains[name] > 0).sum()} of {len(entries)}"
        print(f"{name:22}{usual:8.3f}{after:8.3f}{gain:+8.3f}{p_value:10.2g}{by_set:10.2g}{share:>11}{seconds:8.1f}")
    every = np.concatenate(list(gains.values()))
    test, above = paired_rows_test(every), int((every > 0).sum())
    low, high = test.interval
    print(f"all {len(every)}: {every.mean():+.4f}, 95 % interval {low:+.4f} to {high:+.4f}, p = {test.p_value:.2g}")
    print(f"lowest {every.min():+.4f}, higher on {above}", flush=True)
    text, goal = f"families on which {options.trials} trials beat the usual settings", GOALS["families"]
    return [
        (f"{text}, {PREDICTORS[key]}, by {unit}", f">= {goal} of 6", f"{count} of 6", count >= goal)
        for unit, count in better.items()
    ]


def _rows_p_value(entries: Sequence[Mapping[str, Any]], key: str) -> float:
    """Compute McNemar's exact p-value over the test rows of several data sets."""
    gained, lost = np.sum([entry["rows"][key] for entry in entries], axis=0).tolist()
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def compared(options: Any, name: str, size: int) -> dict[str, Any]:
    """Return the accuracies on test rows of the usual settings and of a search on one data set."""
    X_train, X_test, y_train, y_test = drawn(name, size, FIRST_SEED + size)
    search = searched(options, X_train, y_train, ensemble=ENSEMBLE)
    default = VariationalClassifier(random_state=options.seed).fit(X_train, y_train)
    before = default.predict(X_test) == y_test
    after = {key: values == y_test for key, values in predictions(search, X_test).items()}
    return {
        "usual": float(before.mean()),
        **{key: float(right.mean()) for key, right in after.items()},
        "rows": {key: [int((right & ~before).sum()), int((before & ~right).sum())] for key, right in after.items()},
        "seconds": search.seconds_,
        "model": search.best_trial_.family,
    }


def predictions(search: QuantumSearchCV, X: Any) -> dict[str, Any]:
    """Return what the best model predicts, and what the ensemble does."""
    together = search.predict(X)
    first = search.best_estimator_.estimators_[0]  # it has positions of classes for its classes
    return {"search": search.classes_[first.predict(X)], "ensemble": together}


def grids(options: Any) -> list[tuple[str, str, str, bool]]:
    """Compare searches with the best point of the published grids of the same models."""
    shares: list[float] = []
    gaps: dict[str, list[float]] = {key: [] for key in PREDICTORS}
    head = f"{'grid':>8}{'search':>8}{'of 3':>8}{'fits':>6}{'fits':>6}{'cpu s':>8}{'cpu s':>8}"
    print(f"{'family':22}{'size':>5}{head}  models")
    for name, size in GRID_DATA:
        data = X_train, X_test, y_train, y_test = drawn(name, size, FIRST_SEED + 100 + size)
        grid = stored(options, f"{name} {size}, grids", partial(best_of_grids, data))
        search, fits = searched_within(options, int(GOALS["fits"] * grid["fits"]), X_train, y_train)
        after = {key: float((values == y_test).mean()) for key, values in predictions(search, X_test).items()}
        for key, accuracy in after.items():
            gaps[key].append(grid["test"] - accuracy)
        shares.append(fits / grid["fits"])
        numbers = f"{grid['test']:8.3f}{after['search']:8.3f}{after['ensemble']:8.3f}{grid['fits']:6}{fits:6}"
        numbers += f"{grid['seconds']:8.0f}{search.fit_seconds_:8.1f}"
        models = f"{grid['model']}, {search.best_trial_.family}"
        print(f"{name:22}{size:5}{numbers}  {models}", flush=True)
    limit, text = GOALS["points"], f"behind the best point of the published grids at {max(shares):.0%} of the fits"
    return [
        (
            f"{text}, {who}, {name}",
            f"<= {limit:.3f}",
            f"{value:+.3f}",
            round(value, 6) <= limit and max(shares) <= GOALS["fits"],
        )
        for key, who in PREDICTORS.items()
        for name, value in {"mean": float(np.mean(gaps[key])), "worst": max(gaps[key])}.items()
    ]


def searched_within(options: Any, budget: int, X: Any, y: Any) -> tuple[QuantumSearchCV, int]:
    """Search with as many trials as a number of fits allows, and return the number of fits; pruned ones count whole."""
    trials = budget // FOLDS
    with TemporaryDirectory() as folder:
        search = QuantumSearchCV(
            cv=FOLDS,
            classical=False,
            models=list(GRID_MODELS.values()),
            ensemble=ENSEMBLE,
            random_state=options.seed,
            study=Path(folder) / "search.journal",
        )
        while True:
            search.set_params(n_trials=trials).fit(X, y)
            fits = sum(len(record.fold_scores) + (not record.complete) for record in search.trials_)
            if budget - fits < FOLDS:
                return search, fits
            trials += (budget - fits) // FOLDS


def best_of_grids(data: Data) -> dict[str, Any]:
    """Return the point of the published grids with the highest score of its folds, and its accuracy on test rows."""
    X_train, X_test, y_train, y_test = data
    start, fits = time.process_time(), 0
    best: tuple[float, str, Any] = (-np.inf, "", None)
    for name in GRID_MODELS:
        contender = CONTENDERS[name]
        estimator = contender.make(X_train.shape[1])
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=0)
        search = GridSearchCV(estimator, contender.grid, cv=GRID_FOLDS, refit=False).fit(X_train, y_train)
        fits += GRID_FOLDS * len(search.cv_results_["params"])
        point = clone(estimator).set_params(**search.best_params_)
        best = max(best, (float(search.best_score_), name, point), key=lambda entry: entry[0])
        print(f"  {name}: {search.best_score_:.3f} {search.best_params_}", flush=True)
    score, name, model = best
    seconds = time.process_time() - start
    accuracy = float(model.fit(X_train, y_train).score(X_test, y_test))
    return {"model": name, "folds": score, "test": accuracy, "fits": fits, "seconds": seconds}


def stored(options: Any, key: str, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a result of an earlier run from its file, or run it and store it."""
    known = json.loads(options.store.read_text()) if options.store and options.store.exists() else {}
    if key not in known:
        known[key] = run()
        if options.store:
            options.store.write_text(json.dumps(known, indent=1))
    return known[key]  # type: ignore[no-any-return]


def searched(options: Any, X: Any, y: Any, **settings: Any) -> QuantumSearchCV:
    search = QuantumSearchCV("classification", options.trials, cv=FOLDS, random_state=options.seed, **settings)
    return search.fit(X, y)


def drawn(name: str, size: int, seed: int) -> Data:
    """Draw a data set, shuffled: training rows, test rows, and the classes of both."""
    X, y = FAMILIES[name](TRAIN_ROWS + TEST_ROWS, size, seed)
    rows = np.random.default_rng(seed).permutation(len(y))
    train, test = rows[:TRAIN_ROWS], rows[TRAIN_ROWS:]
    return X[train], X[test], y[train], y[test]


if __name__ == "__main__":
    main()
