"""Seconds of each diagnostic, and of a whole diagnosis: `python -m benchmarks.diagnostics`.

The first table has 1000 random weight sets of the default classifier's circuit on 8 qubits (Fisher matrices: 50 sets on
64 rows); the best of five calls counts, after one that compiles. Below it are the seconds of ``diagnose`` for the
default classifier on scikit-learn's breast cancer data, and its report.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from sklearn.datasets import load_breast_cancer

from qml import VariationalClassifier, diagnose
from qml import diagnostics as d

FISHER_SETS, FISHER_ROWS = 50, 64


def best_of(calls: int, function: Callable[[], object]) -> float:
    """Seconds of the fastest call, after one more."""
    seconds = []
    for _ in range(calls + 1):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def main() -> None:
    """Print the table, then the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    X, y = load_breast_cancer(return_X_y=True)
    clf = VariationalClassifier(epochs=options.epochs, random_state=0).fit(X, y)
    few, rng = X[:FISHER_ROWS], np.random.default_rng(0)
    weights = rng.uniform(0, 2 * np.pi, (FISHER_SETS, clf.model_.num_weights))
    rows: dict[str, Callable[[], object]] = {
        "gradient_variance": lambda: d.gradient_variance(clf, X, random_state=0),
        "expressibility": lambda: d.expressibility(clf, X, random_state=0),
        "entangling_capability": lambda: d.entangling_capability(clf, X, random_state=0),
        "fisher_information": lambda: d.fisher_information(clf, few, weights),
        "parameter_report": lambda: d.parameter_report(clf, few, random_state=0),
        "noise_sensitivity, 16 rows": lambda: d.noise_sensitivity(clf, X[:16]),
    }
    print("| diagnostic | seconds |\n|---|---|")
    for name, function in rows.items():
        print(f"| {name} | {best_of(options.calls, function):.3f} |", flush=True)
    print(f"| diagnose, all parts | {best_of(options.calls, lambda: diagnose(clf, X, y, random_state=0)):.1f} |\n")
    print(diagnose(clf, X, y, random_state=0))


if __name__ == "__main__":
    main()
