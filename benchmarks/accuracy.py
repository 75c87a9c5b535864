"""How good quantum kernels are beside a classical one, by nested cross-validation: `python -m benchmarks.accuracy`.

Everything that is chosen (C, the RBF kernel's width, bandwidths, per-feature scales, whether features are
standardised) is chosen inside the inner folds; the outer folds are only scored. All methods see the same folds, so
differences are paired. Data sets are scikit-learn's own. Quantum kernels get at most 10 qubits: features beyond are
replaced by principal components.

With `--results FILE` each outer fold's accuracy is kept as soon as it is there, and a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from joblib import Memory, Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from qml import FidelityKernel, QuantumKernelClassifier

DATA: dict[str, Callable[..., Any]] = {
    "breast cancer": load_breast_cancer,
    "iris": load_iris,
    "wine": load_wine,
    "digits": load_digits,
}
QUBITS = 10
C = (1.0, 10.0, 100.0)
REFERENCE = "RBF SVM"
METHODS: dict[str, Any] = {
    REFERENCE: None,
    f"RBF SVM, at most {QUBITS} components": None,
    "ZZ kernel, bandwidth 1": FidelityKernel("zz", bandwidth=1.0),  # a standard deviation is one radian
    'ZZ kernel, bandwidth="auto"': "fidelity",
    "projected ZZ kernel": "projected",
    "trained ZZ kernel": "trained",
}


class KernelRows(TransformerMixin, BaseEstimator):
    """Values between samples and training samples of the kernel that a `QuantumKernelClassifier` learns.

    As a step of its own it is learnt once for all values of C, which the kernel does not depend on.
    """

    def __init__(self, kernel: Any = "fidelity") -> None:
        self.kernel = kernel

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> Self:
        self.classifier_ = QuantumKernelClassifier(
            self.kernel, scale_features="jointly", probability=False, random_state=0
        )
        self.classifier_.fit(X, y)
        self.training_ = self.classifier_.scaling_(X)
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float64]:
        return self.classifier_.kernel_(self.classifier_.scaling_(X), self.training_)


def search(method: str, num_features: int, folder: str) -> GridSearchCV:
    """The method as a search over its settings in three inner folds."""
    kernel = METHODS[method]
    reduced = method != REFERENCE and num_features > QUBITS
    steps = [("units", "passthrough"), ("reduce", PCA(QUBITS, random_state=0) if reduced else "passthrough")]
    # the features' own units may be worth keeping, as those of pixels are
    grids: list[dict[str, Sequence[Any]]]
    if kernel is None:
        steps.append(("svm", SVC()))
        widths = [factor / num_features for factor in (0.25, 0.5, 1.0, 2.0)]
        grids = [{"units": [StandardScaler()], "svm__gamma": widths}, {"units": ["passthrough"]}]
    else:
        steps += [("kernel", KernelRows(kernel)), ("svm", SVC(kernel="precomputed"))]
        grids = [{"units": [StandardScaler(), "passthrough"]}]
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    pipeline = Pipeline(steps, memory=Memory(folder, verbose=0))
    return GridSearchCV(pipeline, [grid | {"svm__C": C} for grid in grids], cv=folds)


def accuracy(method: str, X: NDArray[Any], y: NDArray[Any], train: NDArray[np.intp], test: NDArray[np.intp]) -> float:
    """Accuracy in percent on one outer fold."""
    with tempfile.TemporaryDirectory() as folder:
        return 100 * float(search(method, X.shape[1], folder).fit(X[train], y[train]).score(X[test], y[test]))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="*", choices=list(DATA), default=list(DATA))
    parser.add_argument("--methods", nargs="*", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3, help="of the outer folds; digits, being many, get one")
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--results", type=Path, help="file in which accuracies are kept")
    options = parser.parse_args()

    scores: dict[str, list[float]] = {}
    if options.results is not None and options.results.exists():
        scores = json.loads(options.results.read_text())
    for name in options.data:
        X, y = DATA[name](return_X_y=True)
        repeats = 1 if name == "digits" else options.repeats
        folds = list(RepeatedStratifiedKFold(n_splits=options.folds, n_repeats=repeats, random_state=0).split(X, y))
        for method in options.methods:
            found = scores.setdefault(f"{method}: {name}", [])
            start, begin = time.perf_counter(), len(found)
            parallel = Parallel(options.jobs, return_as="generator")
            for score in parallel(delayed(accuracy)(method, X, y, *fold) for fold in folds[begin:]):
                found.append(score)
                if options.results is not None:
                    options.results.write_text(json.dumps(scores))
            seconds = time.perf_counter() - start
            print(f"{name}, {method}: {np.mean(found):.1f} in {seconds:.0f} s", flush=True)

    header = "| | " + " | ".join(options.data) + " |\n" + "|---" * (1 + len(options.data)) + "|"
    print(f"\nAccuracy in percent, mean and standard error over the outer folds\n\n{header}")
    for method in options.methods:
        print(f"| {method} | " + " | ".join(_cell(scores[f"{method}: {name}"]) for name in options.data) + " |")
    print(f"\nDifference from the {REFERENCE} in points, paired by fold\n\n{header}")
    for method in options.methods:
        if method != REFERENCE and REFERENCE in options.methods:
            pairs = [(scores[f"{method}: {name}"], scores[f"{REFERENCE}: {name}"]) for name in options.data]
            print(f"| {method} | " + " | ".join(_cell(np.subtract(*pair), "+") for pair in pairs) + " |")


def _cell(values: Any, sign: str = "") -> str:
    return f"{np.mean(values):{sign}.1f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.1f}"


if __name__ == "__main__":
    from benchmarks.accuracy import main  # worker processes find the classes of a module, not those of `__main__`

    main()
