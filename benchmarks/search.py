"""What a search finds and what it costs: against usual settings, on breast cancer, and beside its own fits.

    python -m benchmarks.search --trials 30

Data sets of the published study come from `qml.datasets.study_split`: trials see the training rows only, and the best
quantum model and `VariationalClassifier` with its usual settings are scored on the test rows. The test is exact and
paired, by rows; all dimensions of a family count together. ``cpu`` is the time of all threads of the process: where
other work shares the machine, the time on the clock says little.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris

from qml import VariationalClassifier
from qml.datasets import study_split
from qml.honesty.statistics import signed_rank_test
from qml.search import QuantumSearchCV

FAMILIES = {
    "linearly_separable": (10, 20),
    "hidden_manifold": (10, 20),
    "hidden_manifold_diff": (4, 16),
    "hyperplanes_diff": (4, 16),
    "two_curves": (10, 20),
    "two_curves_diff": (4, 16),
}
SIGNIFICANT = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seconds", type=float, help="time limit of each search")
    parser.add_argument("--dimensions", type=int, default=2, help="data sets per family, 1 or 2")
    parser.add_argument("--only", choices=("families", "cost"), help="one part")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = load_iris(return_X_y=True)
    QuantumSearchCV(n_trials=6, cv=2, random_state=0).fit(X, y)  # compiles the kernels
    if options.only != "families":
        cost(options)
    if options.only != "cost":
        families(options)


def cost(options: Any) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    search, clock, cpu = timed(options, X, y)
    overhead = (search.seconds_ - search.fit_seconds_) / search.fit_seconds_
    print(f"breast cancer, {len(search.trials_)} trials: {clock:.0f} s on the clock, {cpu:.0f} s cpu; to reach: 60 s")
    print(f"overhead of the search, with the last training: {overhead:.1%} of its fits; to reach: 5 %")
    print(search.leaderboard_, flush=True)


def families(options: Any) -> None:
    print(f"{'family':22}{'usual':>8}{'search':>8}{'p':>9}  {'trials':>6}{'cpu s':>7}  models")
    better = 0
    for name, dimensions in FAMILIES.items():
        right, usual, models, trials, spent = [], [], [], 0, 0.0
        for dimension in dimensions[: options.dimensions]:
            X_train, X_test, y_train, y_test = study_split(name, dimension)
            search, _, cpu = timed(options, X_train, y_train)
            trials, spent = trials + len(search.trials_), spent + cpu
            models.append(search.best_trial_.family.removesuffix("Classifier"))
            right.append(search.predict(X_test) == y_test)
            default = VariationalClassifier(random_state=options.seed).fit(X_train, y_train)
            usual.append(default.predict(X_test) == y_test)
        mine, theirs = np.concatenate(right).astype(float), np.concatenate(usual).astype(float)
        p_value = signed_rank_test(mine - theirs)
        better += int(mine.mean() > theirs.mean() and p_value < SIGNIFICANT)
        numbers = f"{theirs.mean():8.3f}{mine.mean():8.3f}{p_value:9.2g}  {trials:6}{spent:7.0f}"
        print(f"{name:22}{numbers}  {', '.join(models)}", flush=True)
    print(f"better by the paired test on {better} of {len(FAMILIES)} families; to reach: 4")


def timed(options: Any, X: Any, y: Any) -> tuple[QuantumSearchCV, float, float]:
    clock, cpu = time.perf_counter(), time.process_time()
    search = QuantumSearchCV("classification", options.trials, options.seconds, random_state=options.seed).fit(X, y)
    return search, time.perf_counter() - clock, time.process_time() - cpu


if __name__ == "__main__":
    main()
