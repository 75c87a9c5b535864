"""Accuracy and two-qubit gates of evolved, pruned and strongly entangling circuits, on qubits that form a line.

    python -m benchmarks.circuit_search --seeds 3

Two data sets of four features, 200 rows for training and 200 for the test: `qml.datasets.hyperplanes_parity`, and the
sign of the sum of two products of features. Searches and removals of gates see the training rows only. "as written"
counts the two-qubit gates of the circuit, "on the line" those after Qiskit's transpiler (level 3, basis CX, RZ, SX, X)
has placed it on a line of four qubits. "no pair" is the same search with an empty coupling map.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
from qiskit import transpile
from qiskit.transpiler import CouplingMap
from sklearn.model_selection import train_test_split

from qml import VariationalClassifier
from qml.datasets import hyperplanes_parity
from qml.search import prune_circuit, search_circuit
from simulator import Circuit

ROWS = 200
N_QUBITS = 4
TOLERANCE = 0.01
RETRAINED = 40
LINE = [pair for a in range(N_QUBITS - 1) for pair in ((a, a + 1), (a + 1, a))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--generations", type=int, default=20)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name, draw in (("hyperplanes_parity", parity), ("sum of products", products)):
        print(name)
        print(f"{'circuit':28}{'accuracy':>9}{'as written':>11}{'on the line':>12}{'weights':>8}{'cpu s':>7}")
        rows: dict[str, list[tuple[float, ...]]] = {}
        for seed in range(options.seeds):
            X, y = draw(seed)
            X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=ROWS, random_state=seed)
            for label, estimator, seconds in models(X_train, y_train, seed, options.generations):
                accuracy, circuit = estimator.score(X_test, y_test), estimator.circuit_
                written = sum(len(operation.qubits) > 1 for operation in circuit)
                numbers = (accuracy, written, on_the_line(circuit), estimator.model_.num_weights, seconds)
                rows.setdefault(label, []).append(numbers)
        for label, numbers in rows.items():
            accuracy, written, compiled, weights, seconds = np.mean(numbers, axis=0)
            print(f"{label:28}{accuracy:9.3f}{written:11.1f}{compiled:12.1f}{weights:8.1f}{seconds:7.1f}", flush=True)
        print()


def parity(seed: int) -> tuple[Any, Any]:
    """Draw rows labelled by the parity of the hyperplanes that they lie above."""
    return hyperplanes_parity(2 * ROWS, N_QUBITS, random_state=seed)


def products(seed: int) -> tuple[Any, Any]:
    """Draw rows labelled by the sign of ``x_0 x_1 + x_2 x_3``."""
    X = np.random.default_rng(seed).uniform(-1, 1, (2 * ROWS, N_QUBITS))
    return X, (X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3] > 0).astype(int)


def models(X: Any, y: Any, seed: int, generations: int) -> Any:
    """Return names, fitted estimators and seconds of the processor."""
    settings = {"n_qubits": N_QUBITS, "generations": generations, "random_state": seed}
    start = time.process_time()
    evolved = search_circuit(X, y, coupling_map=LINE, **settings).estimator
    yield "evolved", evolved, time.process_time() - start
    yield pruned("evolved, pruned", evolved, X, y, seed)
    start = time.process_time()
    product = search_circuit(X, y, coupling_map=[], **settings).estimator
    yield "evolved, no pair", product, time.process_time() - start
    start = time.process_time()
    usual = VariationalClassifier(n_qubits=N_QUBITS, observables="z", random_state=seed).fit(X, y)
    yield "strongly entangling", usual, time.process_time() - start
    yield pruned("strongly entangling, pruned", usual, X, y, seed)


def pruned(label: str, estimator: Any, X: Any, y: Any, seed: int) -> tuple[str, Any, float]:
    start = time.process_time()
    result = prune_circuit(estimator, X, y, tolerance=TOLERANCE, epochs=RETRAINED, random_state=seed)
    return label, result.estimator, time.process_time() - start


def on_the_line(circuit: Circuit) -> int:
    """Return the number of two-qubit gates after transpilation to a line."""
    compiled = transpile(
        circuit.to_qiskit(),
        coupling_map=CouplingMap(LINE),
        basis_gates=["cx", "rz", "sx", "x"],
        optimization_level=3,
        seed_transpiler=0,
    )
    return sum(len(instruction.qubits) > 1 for instruction in compiled.data)


if __name__ == "__main__":
    main()
