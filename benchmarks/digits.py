"""A quantum kernel on all 1797 digits, cross-validated: `python -m benchmarks.digits`."""

from __future__ import annotations

import argparse
import time

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score

from qml import QuantumKernelClassifier


def main() -> None:
    """Print accuracy and time, whatever the first use compiles included."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qubits", type=int, default=10)
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    X, y = load_digits(return_X_y=True)
    model = QuantumKernelClassifier(n_qubits=options.qubits, C=10, scale_features="jointly", random_state=0)
    folds = StratifiedKFold(options.folds, shuffle=True, random_state=0)
    start = time.perf_counter()
    scores = cross_val_score(model, X, y, cv=folds)
    seconds = time.perf_counter() - start
    print(
        f"{len(X)} digits, {options.qubits} qubits, {options.folds} folds: accuracy {100 * scores.mean():.1f} % "
        f"± {100 * scores.std():.1f} in {seconds:.1f} s"
    )


if __name__ == "__main__":
    main()
