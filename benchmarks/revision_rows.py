"""Workloads of `benchmarks.revisions`, through public names only, and the worker process that runs them.

The worker imports `simulator` and `qml` from the tree under measurement and this file from the working tree, so both
sides run the same workload code. Anything imported here must therefore exist in old revisions as well.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from benchmarks import kernel_peers, large_state_peers
from benchmarks.kernels import samples
from benchmarks.large_states import gates_of
from benchmarks.measure import busy_seconds, processor_seconds
from benchmarks.peers import ours
from benchmarks.workloads import Workload

EQUAL_BITS = 0.0  # what the project promises for estimators and kernels
ROUNDING = {"double": 1e-12, "single": 1e-5}  # absolute; amplitudes and expectations are at most 1
GATES = (
    *("h", "x", "y", "z", "s", "t", "sx", "rx", "ry", "rz", "p", "u"),
    *("cx", "cy", "cz", "swap", "crx", "cry", "crz", "cp", "rxx", "ryy", "rzz", "ccx", "cswap"),
)
Step = Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """One line of the table: `build` returns the step to time, `numbers` turns its result into what is compared."""

    name: str
    build: Callable[[], Step]
    tolerance: float = EQUAL_BITS  # maximum difference between the numbers of the two trees
    numbers: Callable[[Any], Any] = np.ravel


def rows(tiny: bool = False) -> list[Row]:
    """Return every row of the table, or the same kinds of row in sizes that take milliseconds."""
    return [
        *_training(tiny),
        *_prediction(tiny),
        *_fits(tiny),
        *_kernels(tiny),
        *_large_states(tiny),
        *_noise(tiny),
        *_lowering(tiny),
    ]


def _training(tiny: bool) -> Iterator[Row]:
    workloads = [
        *(Workload("train", n) for n in (4, 8, 10, 12)),
        Workload("train", 16, n_samples=32),
        Workload("train", 4, n_samples=32),
        *(Workload("train", n, reuploading=True) for n in (4, 8)),
        Workload("train", 8, precision="single"),
    ]
    for each in [Workload("train", 2, n_samples=4, n_layers=1)] if tiny else workloads:
        yield Row(each.name, partial(ours.train, each))


def _prediction(tiny: bool) -> Iterator[Row]:
    count = 4 if tiny else 1000
    for n in (2,) if tiny else (4, 8, 12):
        each = Workload("predict", n, n_samples=count)
        yield Row(each.name, partial(ours.predict, each))


def _fits(tiny: bool) -> Iterator[Row]:
    count, epochs = (12, 1) if tiny else (200, 5)

    def data() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        rng = np.random.default_rng(7)
        X = rng.normal(size=(count, 4))
        return X, (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)

    def variational(name: str) -> Step:
        import qml

        X, y = data()
        estimator = getattr(qml, name)(epochs=epochs, batch_size=32, random_state=0)
        return lambda: estimator.fit(X, y)

    def kernel_classifier() -> Step:
        from qml import QuantumKernelClassifier

        X, y = data()
        return lambda: QuantumKernelClassifier().fit(X, y)

    def weights_and_predictions(fitted: Any) -> NDArray[Any]:
        predict = getattr(fitted, "predict_proba", fitted.predict)
        return np.append(fitted.weights_, predict(data()[0]))

    for name in ("VariationalClassifier", "VariationalRegressor"):
        title = f"fit {name}, {count} samples, {epochs} epochs"
        yield Row(title, partial(variational, name), numbers=weights_and_predictions)
    title = f"fit QuantumKernelClassifier, {count} samples"
    yield Row(title, kernel_classifier, numbers=lambda fitted: fitted.decision_function(data()[0]))


def _kernels(tiny: bool) -> Iterator[Row]:
    def fidelity(count: int, n: int) -> Step:
        return kernel_peers.ours(samples(count, n))

    def projected(count: int, n: int) -> Step:
        from qml import ProjectedKernel

        X = samples(count, n)
        kernel = ProjectedKernel("zz", reps=2).fit(X)
        return lambda: kernel(X)

    sizes = (
        [(fidelity, 6, 2), (projected, 6, 2)] if tiny else [(fidelity, 500, 4), (fidelity, 500, 8), (projected, 500, 6)]
    )
    for kernel, count, n in sizes:
        yield Row(f"{kernel.__name__} kernel N={count} n={n}", partial(kernel, count, n))


def _large_states(tiny: bool) -> Iterator[Row]:
    sizes = [("qcbm", 20, "double"), ("qcbm", 20, "single"), ("qft", 20, "double"), ("gradient", 16, "double")]
    for name, n, precision in [("qcbm", 3, "single"), ("gradient", 3, "double")] if tiny else sizes:
        gradient = name == "gradient"  # of a sum of n observables
        build = partial(large_state_peers.ours, gates_of(name, n), n, precision, gradient)
        yield Row(f"{name} n={n} {precision}", build, ROUNDING[precision] * (n if gradient else 1))


def _noise(tiny: bool) -> Iterator[Row]:
    small, large, shots, trajectories = (2, 3, 100, 10) if tiny else (6, 12, 100_000, 200)

    def noisy(n: int, **options: Any) -> Step:
        from simulator import NoiseModel, Z, depolarizing

        circuit, noise = _layers(n), NoiseModel(depolarizing(0.01), depolarizing(0.02))
        return lambda: circuit.expectation([Z(q) for q in range(n)], noise=noise, **options)

    def sampling() -> Step:
        circuit = _layers(large)
        return lambda: circuit.sample(shots=shots, seed=1)

    def means(counts: dict[str, int]) -> NDArray[np.float64]:
        signs = np.array([[1 if bit == "0" else -1 for bit in bits] for bits in counts])
        return [*counts.values()] @ signs / shots

    def error(count: int) -> float:
        return 5 * np.sqrt(2 / count)  # five standard deviations of the difference of two means of +1 and -1

    yield Row(f"density matrix n={small}", lambda: noisy(small), ROUNDING["double"])
    name, build = f"{trajectories} trajectories n={large}", partial(noisy, large, trajectories=trajectories, seed=1)
    yield Row(name, build, error(trajectories))
    yield Row(f"sample {shots} shots n={large}", sampling, error(shots), means)


def _layers(n: int) -> Any:
    """Build four layers of RY and RZ on each qubit and a ring of CNOTs."""
    from simulator import Circuit

    angles, circuit = iter(np.random.default_rng(4).uniform(-np.pi, np.pi, 8 * n).tolist()), Circuit(n)
    for _ in range(4):
        for q in range(n):
            circuit = circuit.ry(next(angles), q).rz(next(angles), q)
        for q in range(n):
            circuit = circuit.cx(q, (q + 1) % n)
    return circuit


def _lowering(tiny: bool) -> Iterator[Row]:
    count, n = (20, 3) if tiny else (1000, 8)

    def mixed(numbers: bool) -> Step:
        from simulator import Circuit, gates

        rng, operations = np.random.default_rng(7), []
        for name in rng.choice(GATES, size=count).tolist():
            gate = gates.STANDARD[name]
            angles = rng.uniform(-np.pi, np.pi, gate.num_params).tolist()
            operations.append(gate(*angles, *rng.permutation(n)[: gate.num_qubits].tolist()))
        number = itertools.count()
        if numbers:
            return lambda: Circuit(n, [*operations, gates.RZ(1e-3 * next(number), 0)]).statevector()
        # without another of its gates it is another circuit, which is lowered anew
        return lambda: Circuit(n, _without(operations, next(number) % count)).statevector()

    yield Row(f"lower {count} gates n={n}", lambda: mixed(False), ROUNDING["double"])
    yield Row(f"other numbers in {count} gates n={n}", lambda: mixed(True), ROUNDING["double"])


def _without(items: list[Any], place: int) -> list[Any]:
    return items[:place] + items[place + 1 :]


def serve(requests: TextIO, tiny: bool) -> None:
    """Answer one line of JSON for each line of JSON, until the requests end.

    ``{"prepare": name, "save": path}`` builds a row's step, saves the numbers of its result and times one step more;
    ``{"time": count}`` times `count` steps.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not end up between the answers
    table = {row.name: row for row in rows(tiny)}
    step: Step = lambda: None  # noqa: E731
    for line in requests:
        request, answer = json.loads(line), {}
        try:
            if "prepare" in request:
                row = table[request["prepare"]]
                step = row.build()
                np.save(request["save"], row.numbers(step()))
            answer = timed(step, request.get("time", 1))
        except Exception as error:  # another revision may lack anything; the table says what
            answer["error"] = f"{type(error).__name__}: {error}"
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def timed(step: Step, count: int) -> dict[str, float]:
    """Fields of a `benchmarks.revisions.Timing` of `count` steps."""
    times, began = [], time.perf_counter()
    busy, own = busy_seconds(), processor_seconds()
    for _ in range(count):
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    others = busy_seconds() - busy - processor_seconds() + own
    return {"seconds": statistics.median(times), "elapsed": time.perf_counter() - began, "others": others}


def first_step() -> None:
    """Run the step of the cold and warm starts."""
    ours.train(Workload("train", 8))()


def main(task: str) -> None:
    """Run by `benchmarks.revisions` in a process of its own."""
    first_step() if task == "start" else serve(sys.stdin, task == "tiny")
