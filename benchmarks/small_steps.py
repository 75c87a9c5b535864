"""Microseconds per minibatch step inside `fit`, and those of its kernels: `python -m benchmarks.small_steps`.

4 features, 512 samples, minibatches of 32. The time of a step is that of an epoch over its 16 steps, history and
callback included: the fastest epoch, and the first quartile of some hundred. The kernels are timed in the same way, but
in runs of their own, step by step in Python, as reading the clock takes time as well. Calls from Python are part
of that, 4 us each on a slow machine, so kernels may seem to take longer than a step, which calls them in a loop.

`--against TREE` measures a checkout of another commit too, in a process that takes turns with this one. How many times
faster than the peers a whole fit is, `python -m benchmarks.training --only fit` says.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import ROOT, THREAD_VARIABLES

SAMPLES, BATCH, EPOCHS = 512, 32, 40
CASES = {
    "VariationalClassifier, 2 classes": 2,
    "VariationalClassifier, 3 classes": 3,
    "VariationalClassifier, probabilities": 2,
    "VariationalClassifier, amplitudes": 2,
    "VariationalRegressor": 0,
    "ReuploadingClassifier": 2,
    "DressedClassifier": 2,
    "NetworkClassifier": 2,
}
# The packages come from the tree in PYTHONPATH, this file from the working tree.
WORKER = "import qml, simulator, sys; sys.path.insert(0, {root!r}); from benchmarks.small_steps import serve; serve()"


def data(classes: int) -> tuple[Any, Any]:
    """Return features and labels, or a target for no classes."""
    X = np.random.default_rng(7).normal(size=(SAMPLES, 4))
    y = X[:, 0] * X[:, 1] + X[:, 2]
    return X, np.digitize(y, np.quantile(y, np.arange(1, classes) / classes)) if classes else y


def estimator(name: str) -> Any:
    """Return the estimator of a case, with 4 qubits (2 of 4 amplitudes), 4 layers, and its other defaults."""
    import qml
    from qml.layers import Dense, Quantum, Sequential, Tanh

    settings = {"epochs": EPOCHS, "batch_size": BATCH, "random_state": 0}
    circuit = qml.layered_model("angle", "strongly_entangling", num_features=4, num_layers=4)
    if name.endswith("probabilities"):
        model = qml.QuantumModel(circuit.circuit, circuit.inputs, circuit.weights, outputs="probabilities")
        return qml.VariationalClassifier(model=model, **settings)
    if name.endswith("amplitudes"):
        return qml.VariationalClassifier(qml.AmplitudeMap(), **settings)
    if name != "NetworkClassifier":
        return getattr(qml, name.partition(",")[0])(n_qubits=4, n_layers=4, **settings)
    return qml.NetworkClassifier(Sequential(Dense(4, 4), Tanh(), Quantum(circuit), Dense()), **settings)


def epochs(name: str, runs: int) -> list[float]:
    """Return the seconds of each epoch of some fits."""
    X, y = data(CASES[name])
    times: list[float] = []
    last = 0.0

    def note(progress: Any) -> None:
        nonlocal last
        times.append(time.perf_counter() - last)
        last = time.perf_counter()

    for _ in range(runs):
        model = estimator(name)
        model.callback = note
        last = time.perf_counter()
        model.fit(X, y)
    return times


@contextmanager
def timed_kernels(seconds: list[float]) -> Iterator[None]:
    """Add the seconds that each call of the kernels of batches takes to a list, in steps that are taken in Python."""
    from simulator.engines.numba.kernels import tiles
    from simulator.engines.numba.sweeps import NumbaEngine

    originals = tiles.forward, tiles.backward
    prepared = {name: value for name, value in vars(NumbaEngine).items() if name.endswith("_calls")}

    def timed(kernel: Any) -> Any:
        def call(*arguments: Any) -> None:
            began = time.perf_counter()
            kernel(*arguments)
            seconds.append(time.perf_counter() - began)

        return call

    tiles.forward, tiles.backward = map(timed, originals)
    for name in prepared:
        setattr(NumbaEngine, name, lambda *_, **__: None)
    try:
        yield
    finally:
        tiles.forward, tiles.backward = originals
        for name, value in prepared.items():
            setattr(NumbaEngine, name, value)


def measured(name: str, runs: int) -> dict[str, float]:
    """Return microseconds per step: of the fastest epoch, of the first quartile, and of the kernels."""
    warnings.simplefilter("ignore")  # convergence is not the question
    steps, calls = SAMPLES // BATCH, []
    times = sorted(epochs(name, runs))
    with timed_kernels(calls):
        epochs(name, runs)
    per_epoch = np.array(calls[: len(calls) // (2 * steps) * 2 * steps]).reshape(-1, 2 * steps).sum(axis=1)
    fastest, quartile = times[0], times[len(times) // 4]
    return {
        label: 1e6 * value / steps
        for label, value in (("fastest", fastest), ("quartile", quartile), ("kernels", per_epoch.min()))
    }


def serve() -> None:
    """Answer each line, a name and a number of runs as JSON, with a line of JSON."""
    for line in sys.stdin:
        print(json.dumps(measured(*json.loads(line))), flush=True)


def worker(tree: Path, threads: int) -> subprocess.Popen[str]:
    """Start the process that measures a tree."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"PYTHONPATH": str(tree)}
    command = [sys.executable, "-c", WORKER.format(root=str(ROOT))]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=tree, env=environment, stdin=pipe, stdout=pipe, text=True)


def ask(process: subprocess.Popen[str], name: str, runs: int) -> dict[str, float]:
    """Let a worker measure a case."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([name, runs]) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())  # type: ignore[no-any-return]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, metavar="TREE", help="checkout of another commit")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each tree; the smallest numbers are kept")
    parser.add_argument("--runs", type=int, default=3, help="fits in each turn")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    trees = [ROOT] if options.against is None else [options.against.resolve(), ROOT]
    workers = [worker(tree, options.threads) for tree in trees]
    print("| estimator | step, us | first quartile | kernels | everything else |")
    print("|---|---|---|---|---|")
    for name in (name for name in CASES if options.only in name):
        rounds = [[ask(process, name, options.runs) for process in workers] for _ in range(options.rounds)]
        for tree, answers in zip(trees, zip(*rounds, strict=True), strict=True):
            least = {key: min(answer[key] for answer in answers) for key in answers[0]}
            label = name if tree == ROOT else f"{name}, before"
            cells = least["fastest"], least["quartile"], least["kernels"], least["fastest"] - least["kernels"]
            print(f"| {label} | {' | '.join(f'{cell:.0f}' for cell in cells)} |", flush=True)
    for process in workers:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


if __name__ == "__main__":
    main()
