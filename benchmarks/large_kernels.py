"""Kernels for many samples: `python -m benchmarks.large_kernels`.

Landmarks (Nystroem) and random features with logistic regression behind, up to 100,000 training samples, beside the
exact kernel's support vector machine where its Gram matrix fits, and scikit-learn's Nystroem features of an RBF kernel.
Each line is a fresh process, so that the peak of memory is its own; it holds the interpreter and compiled code, about
300 MB before any work. Seconds are of `fit` and of `predict` on 5000 test samples, compilation not included.

`--matrix 20000` makes the whole Gram matrix of so many samples instead, in memory and on disk (a `numpy.memmap` in
`--folder`), in double and in single precision, and reports how far memory grew beside the size of the result.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from qml.estimators.random_features import NystroemFeatures, RandomQuantumFeatures
from qml.kernels import FidelityKernel

ROOT = Path(__file__).parents[1]
NUM_QUBITS = 8
N_TEST = 5000
LARGEST_EXACT = 5000
COMPONENTS = 300
BANDWIDTH = 0.25


def kernel() -> FidelityKernel:
    return FidelityKernel("iqp", bandwidth=BANDWIDTH)


class ExactKernelClassifier(ClassifierMixin, BaseEstimator):
    """SVC on the exact Gram matrix."""

    def fit(self, X, y):
        self.kernel_ = kernel().fit(X)
        self.states_ = self.kernel_.features(X)
        self.svc_ = SVC(kernel="precomputed").fit(self.kernel_.gram(self.states_), y)
        self.classes_ = self.svc_.classes_
        return self

    def predict(self, X):
        return self.svc_.predict(self.kernel_.gram(self.kernel_.features(X), self.states_))


METHODS: dict[str, Callable[[], Any]] = {
    "exact kernel, SVC": ExactKernelClassifier,
    "landmarks, uniform": lambda: NystroemFeatures(kernel(), n_landmarks=COMPONENTS, random_state=0),
    "landmarks, leverage": lambda: NystroemFeatures(
        kernel(), n_landmarks=COMPONENTS, selection="leverage", random_state=0
    ),
    "landmarks, k-means": lambda: NystroemFeatures(
        kernel(), n_landmarks=COMPONENTS, selection="kmeans", random_state=0
    ),
    "random quantum features": lambda: RandomQuantumFeatures(COMPONENTS, random_state=0),
    "RBF kernel, SVC": SVC,
    "RBF landmarks (scikit-learn)": lambda: Nystroem(gamma=1 / NUM_QUBITS, n_components=COMPONENTS, random_state=0),
}
EXACT = ("exact kernel, SVC", "RBF kernel, SVC")


def samples(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Eight normal features; the class is the sign of a sum of products and waves, flipped for one sample in twenty."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(count, NUM_QUBITS))
    score = X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3] + np.sin(2 * X[:, 4]) + 0.5 * (X[:, 5] ** 2 - 1)
    return X, (score > 0) ^ (rng.random(count) < 0.05)


def measure(method: str, count: int) -> dict[str, float]:
    """One line, in this process."""
    made = METHODS[method]()
    classifier = made if method in EXACT else make_pipeline(made, LogisticRegression(C=100, max_iter=300))
    model = make_pipeline(StandardScaler(), classifier)
    X, y = samples(count, seed=0)
    X_test, y_test = samples(N_TEST, seed=1)
    model.fit(X[:300], y[:300]).predict(X[:300])  # compiles
    start = time.perf_counter()
    model.fit(X, y)
    fitted = time.perf_counter()
    accuracy = float(np.mean(model.predict(X_test) == y_test))
    done = time.perf_counter()
    found = {"fit": fitted - start, "predict": done - fitted, "accuracy": accuracy, "error": np.nan}
    if isinstance(made, NystroemFeatures):
        features, exact = made.transform(X_test[:1000]), made.kernel_(X_test[:1000])
        found["error"] = float(np.linalg.norm(features @ features.T - exact) / np.linalg.norm(exact))
    return found | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def matrix(count: int, precision: str, place: str) -> dict[str, float]:
    """Seconds, growth of the peak of memory over the size of the result, and the largest error of some entries."""
    X, _ = samples(count, seed=0)
    made = FidelityKernel("iqp", bandwidth=BANDWIDTH, precision=precision, verbose=False)
    made(X[:2000])  # compiles
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    start = time.perf_counter()
    K = made(X, out=None if place == "memory" else place)
    if isinstance(K, np.memmap):
        K.flush()
    seconds = time.perf_counter() - start
    growth = resident("VmHWM") - before
    some = np.random.default_rng(0).choice(count, (2, 1000))
    exact = FidelityKernel("iqp", bandwidth=BANDWIDTH)
    left, right = exact.states(X[some[0]]), exact.states(X[some[1]])
    error = np.abs(np.abs(np.einsum("sa,sa->s", left.conj(), right)) ** 2 - K[some[0], some[1]]).max()
    return {"seconds": seconds, "size": K.nbytes / 1e9, "growth": growth / K.nbytes, "error": float(error)}


def resident(field: str) -> int:
    """Bytes of memory this process has (VmRSS) or has had at most (VmHWM), pages of mapped files included."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def matrices(count: int, folder: Path) -> None:
    """Print the table of whole matrices."""
    print("| samples | precision | place | size, GB | seconds | growth of memory / size | largest error |")
    print("|---|---|---|---|---|---|---|")
    for precision in ("single", "double"):
        for place in ("memory", str(folder / "kernel.npy")):
            command = [sys.executable, "-m", "benchmarks.large_kernels", "--one-matrix", str(count), precision, place]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            print(
                f"| {count:,} | {precision} | {'memory' if place == 'memory' else 'disk'} | {found['size']:.1f} "
                f"| {found['seconds']:.1f} | {found['growth']:.2f} | {found['error']:.0e} |",
                flush=True,
            )
            if place != "memory":
                Path(place).unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 5000, 20_000, 100_000])
    parser.add_argument("--only", default="", metavar="TEXT", help="only methods whose name contains TEXT")
    parser.add_argument("--matrix", type=int, metavar="SAMPLES", help="the whole Gram matrix of so many samples")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where it goes on disk")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--one-matrix", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_matrix:
        count, precision, place = options.one_matrix
        print(json.dumps(matrix(int(count), precision, place)))
        return
    if options.matrix:
        matrices(options.matrix, options.folder)
        return
    if options.one:
        print(json.dumps(measure(options.one[0], int(options.one[1]))))
        return
    print(f"{'samples':>8}  {'method':<30}{'fit s':>8}{'predict s':>11}{'MB':>7}{'accuracy':>10}{'kernel error':>14}")
    for count in options.counts:
        for method in METHODS:
            if options.only not in method or (method in EXACT and count > LARGEST_EXACT):
                continue
            command = [sys.executable, "-m", "benchmarks.large_kernels", "--one", method, str(count)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            error = "" if np.isnan(found["error"]) else f"{found['error']:.3f}"
            print(
                f"{count:8d}  {method:<30}{found['fit']:8.2f}{found['predict']:11.2f}{found['memory']:7.0f}"
                f"{found['accuracy']:10.3f}{error:>14}",
                flush=True,
            )


if __name__ == "__main__":
    main()
