"""A quantum layer in PyTorch against those of other libraries: `python -m benchmarks.hybrid_layers`.

Run by an interpreter that has qumba[torch] and benchmarks/requirements/hybrid.txt. The layers take turns in one
process, a forward and a backward pass each; values and gradients are checked equal before anything is timed. Processor
time, of all threads together, is that of a busy machine as well as of an idle one.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pennylane
import tensorcircuit
import torch

from benchmarks.measure import wait_until_quiet
from qml import QuantumModel
from qml.torch import QuantumLayer
from simulator import Circuit, ParameterVector, Z

NUM_QUBITS, NUM_LAYERS, NUM_SAMPLES = 8, 4, 64
TOLERANCE = 1e-10
GOAL = "1.5 ms"


def our_layer(weights: np.ndarray) -> QuantumLayer:
    x, w = ParameterVector("x", NUM_QUBITS), ParameterVector("w", weights.size)
    circuit = Circuit(NUM_QUBITS)
    for q in range(NUM_QUBITS):
        circuit = circuit.ry(x[q], q)
    for layer in range(NUM_LAYERS):
        for q in range(NUM_QUBITS):
            first = 3 * (layer * NUM_QUBITS + q)
            circuit = circuit.rz(w[first], q).ry(w[first + 1], q).rz(w[first + 2], q)
        for q in range(NUM_QUBITS):
            circuit = circuit.cx(q, (q + 1) % NUM_QUBITS)
    model = QuantumModel(circuit, inputs=x, weights=w, observables=[Z(q) for q in range(NUM_QUBITS)])
    return QuantumLayer(model, weights=weights.ravel(), dtype=torch.float64)


def pennylane_layer(weights: np.ndarray) -> Any:
    device = pennylane.device("default.qubit", wires=NUM_QUBITS)

    @pennylane.qnode(device, interface="torch", diff_method="backprop")
    def circuit(inputs: Any, weights: Any) -> list[Any]:
        for q in range(NUM_QUBITS):
            pennylane.RY(inputs[..., q], q)
        for layer in range(NUM_LAYERS):
            for q in range(NUM_QUBITS):
                pennylane.RZ(weights[layer, q, 0], q)
                pennylane.RY(weights[layer, q, 1], q)
                pennylane.RZ(weights[layer, q, 2], q)
            for q in range(NUM_QUBITS):
                pennylane.CNOT([q, (q + 1) % NUM_QUBITS])
        return [pennylane.expval(pennylane.PauliZ(q)) for q in range(NUM_QUBITS)]

    layer = pennylane.qnn.TorchLayer(circuit, {"weights": weights.shape}).double()
    layer.weights.data = torch.tensor(weights)
    return layer


def tensorcircuit_layer(weights: np.ndarray) -> Any:
    """TensorCircuit-NG's layer of a function that JAX maps over the samples and compiles."""
    backend = tensorcircuit.set_backend("jax")
    tensorcircuit.set_dtype("complex128")

    def outputs(inputs: Any, weights: Any) -> Any:
        circuit = tensorcircuit.Circuit(NUM_QUBITS)
        for q in range(NUM_QUBITS):
            circuit.ry(q, theta=inputs[q])
        for layer in range(NUM_LAYERS):
            for q in range(NUM_QUBITS):
                circuit.rz(q, theta=weights[layer, q, 0])
                circuit.ry(q, theta=weights[layer, q, 1])
                circuit.rz(q, theta=weights[layer, q, 2])
            for q in range(NUM_QUBITS):
                circuit.cnot(q, (q + 1) % NUM_QUBITS)
        final = tensorcircuit.Circuit(NUM_QUBITS, inputs=circuit.state())  # one state for all observables
        return backend.real(backend.stack([final.expectation_ps(z=[q]) for q in range(NUM_QUBITS)]))

    return tensorcircuit.torchnn.QuantumNet(outputs, [weights.shape], initializer=lambda shape: torch.tensor(weights))


def step_of(layer: Any, X: np.ndarray) -> Callable[[], list[np.ndarray]]:
    """One forward and one backward pass; returns the values and the gradients with respect to inputs and weights."""
    inputs = torch.tensor(X, requires_grad=True)
    (weights,) = layer.parameters()

    def step() -> list[np.ndarray]:
        values = layer(inputs)
        gradients = torch.autograd.grad(values.sum(), (inputs, weights))
        return [values.detach().numpy(), *(gradient.numpy().reshape(-1) for gradient in gradients)]

    return step


def seconds(step: Callable[[], Any], budget: float) -> tuple[float, float]:
    """Median time of a step within the budget, of at least three, and the mean processor time of a step."""
    times: list[float] = []
    start, processor = time.perf_counter(), time.process_time()
    while len(times) < 3 or time.perf_counter() - start < budget:
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    return statistics.median(times), (time.process_time() - processor) / len(times)


def main() -> None:
    """Measure all layers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each layer; their median is printed")
    parser.add_argument("--budget", type=float, default=0.5, help="seconds of timed steps in each turn")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch under the others; under ours, 1")
    parser.add_argument("--quiet", type=float, default=10, help="wait up to this long for an idle machine")
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    X, weights = rng.uniform(size=(NUM_SAMPLES, NUM_QUBITS)), rng.uniform(size=(NUM_LAYERS, NUM_QUBITS, 3))
    layers = {
        "qumba": our_layer(weights),
        "PennyLane TorchLayer, backpropagation": pennylane_layer(weights),
        "TensorCircuit-NG QuantumNet, JAX": tensorcircuit_layer(weights),
    }
    steps = {name: step_of(layer, X) for name, layer in layers.items()}
    first, first_seconds = {}, {}
    for name, step in steps.items():
        start = time.perf_counter()
        first[name] = step()
        first_seconds[name] = time.perf_counter() - start
    for name, results in first.items():
        for own, other in zip(first["qumba"], results, strict=True):
            difference = np.abs(own - other).max()
            if not difference <= TOLERANCE:
                sys.exit(f"{name}: results differ by {difference:.1e}")

    times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for _ in range(options.rounds):
        for name, step in steps.items():
            wait_until_quiet(options.quiet)
            torch.set_num_threads(1 if name == "qumba" else options.threads)
            times[name].append(seconds(step, options.budget))
    medians = {name: np.median(pairs, axis=0) for name, pairs in times.items()}
    print(f"{NUM_QUBITS} qubits, {weights.size} weights, {NUM_SAMPLES} samples, forward and backward\n")
    print("| layer | first step | time | slower by | processor time | more by | goal |\n|---|---|---|---|---|---|---|")
    for name, median in medians.items():
        goal = GOAL if name == "qumba" else "-"
        cells = [
            f"{1e3 * value:.3g} ms | {ratio:.0f}x"
            for value, ratio in zip(median, median / medians["qumba"], strict=True)
        ]
        print(f"| {name} | {first_seconds[name]:.3g} s | {' | '.join(cells)} | {goal} |")


if __name__ == "__main__":
    main()
