"""Optimizers: steps and seconds to a given loss, and the metric tensor beside PennyLane's.

`python -m benchmarks.optimizers`. Every optimizer starts from the same weights and takes all samples in each step; a
run ends at the first loss below the target, or without one after `--steps` steps. Learning rates are the best of a few
for each problem, see `SETTINGS`. The metric tensor is compared with PennyLane's `adjoint_metric_tensor` before it is
timed.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_iris

from qml import QuantumModel, ansatz_circuit, layered_model
from qml.layers import Dense, Quantum
from qml.layers.sequential import Chain
from qml.losses import get_loss, loss_for_classes
from qml.optimizers import get_optimizer
from qml.training import train
from qml.training.layers_objective import LayersObjective
from qml.training.progress import TrainingProgress
from simulator import PauliSum, X, Z
from simulator.calculations.curvature import mean_metric

QUBITS, LAYERS, SAMPLES = 8, 4, 32
"""Size of the metric tensor's circuit: 96 weights."""
TOLERANCE = 1e-9
"""Maximum difference between our metric tensor and PennyLane's."""


class Energy:
    """Loss that is the circuit's output."""

    def value(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return outputs[:, 0]

    def gradient(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return np.ones_like(outputs)


@dataclass(frozen=True)
class Problem:
    """Objective, the loss to reach, and what that loss means."""

    objective: LayersObjective
    target: float
    meaning: str


def ising(qubits: int = 6, field: float = 0.7) -> Problem:
    """Ground state of an open Ising chain in a transverse field."""
    hamiltonian: PauliSum = sum((-1.0 * Z(q) @ Z(q + 1) for q in range(qubits - 1)), start=-field * X(0))
    for q in range(1, qubits):
        hamiltonian = hamiltonian - field * X(q)
    circuit = ansatz_circuit("real_amplitudes", qubits, 3)
    model = QuantumModel(circuit, weights=circuit.parameters, observables=[hamiltonian])
    lowest = _lowest_energy(qubits, field)
    objective = LayersObjective(Chain((Quantum(model),)), np.zeros((1, 0)), np.zeros(1), np.ones(1), Energy())
    return Problem(objective, 0.99 * lowest, f"99% of the ground energy {lowest:.4f}")


def _lowest_energy(qubits: int, field: float) -> float:
    """Energy of free fermions, the sum of the singular values of the chain's matrix of couplings."""
    couplings = np.diag(np.full(qubits, field)) + np.diag(np.ones(qubits - 1), 1)
    return -float(np.linalg.svd(couplings, compute_uv=False).sum())


def classification() -> Problem:
    """Three kinds of iris, a dense layer after the circuit."""
    features, labels = load_iris(return_X_y=True)
    scaled = np.pi * (features - features.min(axis=0)) / np.ptp(features, axis=0) - np.pi / 2
    model = layered_model("angle", "strongly_entangling", 4, 2, 4, observables="z+zz")
    network = Chain((Quantum(model), Dense(model.num_outputs, 3)))
    loss = loss_for_classes("cross_entropy", 3)
    return Problem(LayersObjective(network, scaled, labels, np.ones(len(labels)), loss), 0.15, "cross-entropy 0.15")


def regression() -> Problem:
    """A sum of three sines, encoded again before each layer."""
    x = np.linspace(-np.pi, np.pi, 64)[:, None]
    y = np.sin(x[:, 0]) + 0.5 * np.sin(2 * x[:, 0]) + 0.3 * np.cos(3 * x[:, 0])
    model = layered_model("reuploading", "strongly_entangling", 1, 4, 2, observables="z")
    network = Chain((Quantum(model), Dense(model.num_outputs, 1)))
    return Problem(LayersObjective(network, x, y, np.ones(len(x)), get_loss("mse")), 0.005, "squared error 0.005")


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "ising chain": ising,
    "iris": classification,
    "three sines": regression,
}

SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    optimizer: dict(zip(PROBLEMS, settings, strict=True))
    for optimizer, settings in {
        "adam": [{"learning_rate": rate} for rate in (0.3, 0.3, 0.1)],
        "natural_gradient": [{"learning_rate": rate} for rate in (0.1, 0.3, 0.3)],
        "momentum_natural_gradient": [{"learning_rate": rate} for rate in (0.1, 0.2, 0.1)],
        "qnspsa": [{"learning_rate": 0.02}] * 3,
        "rotosolve": [{}, {}, {"degree": 2}],
        "l-bfgs-b": [{}] * 3,
    }.items()
}
"""Settings of each optimizer for each problem."""


def run(problem: Problem, optimizer: str, settings: dict[str, Any], seed: int, steps: int) -> tuple[int | None, float]:
    """Train until the target; return the number of steps, None if it was not reached, and the seconds."""
    rng = np.random.default_rng(seed)
    weights = problem.objective.network.initial_weights(rng)
    reached: list[int] = []

    def callback(progress: TrainingProgress) -> bool:
        if progress.loss <= problem.target:
            reached.append(progress.epoch)
        return bool(reached)

    chosen = get_optimizer(optimizer, **settings)
    train(problem.objective, weights, chosen, epochs=1, rng=seed)  # compiled outside the time
    start = time.perf_counter()
    train(problem.objective, weights, chosen, epochs=steps, rng=seed, callback=callback)
    return (reached[0] if reached else None), time.perf_counter() - start


def compare_optimizers(steps: int, seeds: int, only: list[str] | None = None) -> None:
    """Print a table of steps and seconds, medians over seeds."""
    names = list(SETTINGS) if only is None else only
    print(f"| problem | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for title, make in PROBLEMS.items():
        problem, cells = make(), []
        for name in names:
            runs = [run(problem, name, SETTINGS[name][title], seed, steps) for seed in range(seeds)]
            finished = sorted((count, seconds) for count, seconds in runs if count is not None)
            if len(finished) <= seeds // 2:
                cells.append(f"{len(finished)} of {seeds} seeds")
                continue
            seconds = statistics.median(seconds for _, seconds in finished)
            cells.append(f"{statistics.median(count for count, _ in finished):g} steps, {1e3 * seconds:.3g} ms")
        print(f"| {title}: {problem.meaning} | {' | '.join(cells)} |", flush=True)


def pennylane_metric(values: np.ndarray, weights: np.ndarray) -> Callable[[], np.ndarray]:
    """Mean of PennyLane's metric tensors of all samples, of tapes: a QNode takes several times as long."""
    import pennylane

    angles = weights.reshape(LAYERS, QUBITS, 3)

    def tape(sample: np.ndarray) -> Any:
        operations = [pennylane.RY(sample[q], wires=q) for q in range(QUBITS)]
        for layer in range(LAYERS):
            for q in range(QUBITS):
                a, b, c = angles[layer, q]
                operations += [pennylane.RZ(a, wires=q), pennylane.RY(b, wires=q), pennylane.RZ(c, wires=q)]
            reach = 1 + layer % (QUBITS - 1)
            operations += [pennylane.CNOT([q, (q + reach) % QUBITS]) for q in range(QUBITS)]
        trained = list(range(QUBITS, QUBITS + weights.size))
        return pennylane.tape.QuantumScript(operations, [pennylane.expval(pennylane.Z(0))], trainable_params=trained)

    def compute() -> np.ndarray:
        found = [np.asarray(pennylane.adjoint_metric_tensor(tape(sample))) for sample in values]
        return np.mean(found, axis=0).reshape(weights.size, weights.size)

    return compute


def compare_metric(samples: int, rounds: int, peer_samples: int) -> None:
    """Check that both metric tensors agree, then print their times; PennyLane's is proportional to the samples."""
    rng = np.random.default_rng(0)
    model = layered_model("angle", "strongly_entangling", QUBITS, LAYERS, QUBITS)
    values, weights = rng.uniform(-1, 1, (samples, QUBITS)), rng.uniform(-np.pi, np.pi, model.num_weights)

    def ours(rows: np.ndarray) -> np.ndarray:
        return mean_metric(model.state_program, model.inputs_of(rows), weights)

    start = time.perf_counter()
    expected = pennylane_metric(values[:peer_samples], weights)()
    slow = (time.perf_counter() - start) * samples / len(values[:peer_samples])
    difference = float(np.abs(ours(values[:peer_samples]) - expected).max())
    if difference > TOLERANCE:
        raise SystemExit(f"the metric tensors differ by {difference:.1e}, expected at most {TOLERANCE:g}")
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        ours(values)
        times.append(time.perf_counter() - start)
    fast = statistics.median(times)
    size = f"{QUBITS} qubits, {weights.size} weights, batch {samples}"
    peer = f"PennyLane {slow:.3g} s ({peer_samples} samples measured)"
    print(f"metric tensor, {size}: ours {1e3 * fast:.3g} ms, {peer}, {slow / fast:.0f} times as fast")


def main() -> None:
    """Parse the options and print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000, help="maximum number of steps of a run")
    parser.add_argument("--seeds", type=int, default=5, help="number of initial weights for each problem")
    parser.add_argument("--only", nargs="*", choices=list(SETTINGS), help="optimizers, all by default")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="batch of the metric tensor; 0 leaves it out")
    parser.add_argument("--peer-samples", type=int, default=1, help="samples that PennyLane computes")
    parser.add_argument("--rounds", type=int, default=20, help="number of timed metric tensors")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="sklearn")
    warnings.filterwarnings("ignore", message=".*epochs|in .* epochs the loss|SciPy stopped")
    compare_optimizers(options.steps, options.seeds, options.only)
    if options.samples:
        compare_metric(options.samples, options.rounds, options.peer_samples)


if __name__ == "__main__":
    main()
