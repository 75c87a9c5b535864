"""Training of a quantum convolutional network, ours beside PennyLane and Qiskit ML: `python -m benchmarks.qcnn`.

Eight qubits, RY encoding, three layers of convolution (blocks of 15 weights, shared) and pooling, Z of the last qubit;
200 steps of Adam on the mean squared error of 32 samples. Each library builds the circuit in its own words and computes
losses and gradients; the optimizer is one NumPy function for all. A library whose first losses or gradient differ is
not timed. Slow libraries take fewer steps, and their time is that of a step, times 200. Qiskit ML, which runs one
circuit after the other, takes steps of 2 samples, and its time is that of such a step, times 16.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.training import pretty
from qml.ansatze import QCNN
from qml.models.layered import layered_model
from simulator import Z

Array = NDArray[np.float64]
Gradient = Callable[[Array, Array, Array], tuple[float, Array]]

QUBITS, LAYERS, BATCH, STEPS = 8, 3, 32, 200
BLOCK, POOLING = 15, 2
TOLERANCE = 1e-8
GOAL = 50.0
QISKIT_SAMPLES = 2


def ours() -> Gradient:
    """Return loss and gradient by this library."""
    model = layered_model("angle", QCNN("su4"), QUBITS, LAYERS, observables=[Z(0)])
    return lambda X, y, weights: model.loss_and_gradient(X, y[:, None], weights)


def gates(weights: Any) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Iterate over name, angle and qubits of all gates after the encoding, written out from the papers."""
    active, offset = list(range(QUBITS)), 0
    for _ in range(LAYERS):
        w = [weights[offset + k] for k in range(BLOCK + POOLING)]
        neighbours = list(pairwise(active))
        closing = [(active[0], active[-1])] if len(active) > 2 else []
        for a, b in closing + neighbours[::2] + neighbours[1::2]:
            yield from _block(w, a, b)
        for measured, staying in zip(active[1::2], active[::2], strict=True):
            yield "crz", w[BLOCK], (measured, staying)
            yield "crx0", w[BLOCK + 1], (measured, staying)
        active, offset = active[::2], offset + BLOCK + POOLING


def _block(w: list[Any], a: int, b: int) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Iterate over the gates of a block: two general rotations, a core of three CNOTs, two general rotations."""
    euler = ("rz", "ry", "rz")
    for first, qubit in ((0, a), (3, b)):
        yield from ((name, w[first + k], (qubit,)) for k, name in enumerate(euler))
    yield "cx", None, (a, b)
    yield "ry", w[6], (a,)
    yield "rz", w[7], (b,)
    yield "cx", None, (b, a)
    yield "ry", w[8], (a,)
    yield "cx", None, (a, b)
    for first, qubit in ((9, a), (12, b)):
        yield from ((name, w[first + k], (qubit,)) for k, name in enumerate(euler))


def pennylane(device: str, method: str) -> Gradient:
    """Return loss and gradient by PennyLane, all samples in one broadcast call."""
    import pennylane as qml  # type: ignore[import-not-found]
    from pennylane import numpy as qnp  # type: ignore[import-not-found]

    simple = {"rx": qml.RX, "ry": qml.RY, "rz": qml.RZ, "crz": qml.CRZ}

    @qml.qnode(qml.device(device, wires=QUBITS), diff_method=method)
    def circuit(X: Any, weights: Any) -> Any:
        for qubit in range(QUBITS):
            qml.RY(X[:, qubit], wires=qubit)
        for name, angle, qubits in gates(weights):
            if name == "cx":
                qml.CNOT(wires=qubits)
            elif name == "crx0":
                qml.ctrl(qml.RX(angle, wires=qubits[1]), control=qubits[0], control_values=0)
            else:
                simple[name](angle, wires=qubits)
        return qml.expval(qml.Z(0))

    def loss(weights: Any, X: Array, y: Array) -> Any:
        return qnp.mean((circuit(X, weights) - y) ** 2)

    gradient = qml.grad(loss)

    def value_and_gradient(X: Array, y: Array, weights: Array) -> tuple[float, Array]:
        derivative = gradient(qnp.array(weights, requires_grad=True), X, y)
        return float(gradient.forward), np.asarray(derivative)

    return value_and_gradient


def qiskit() -> Gradient:
    """Return loss and gradient by Qiskit Machine Learning, exact and by parameter shift."""
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVector
    from qiskit.circuit.library import RXGate
    from qiskit.primitives import StatevectorEstimator
    from qiskit.quantum_info import SparsePauliOp
    from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient  # type: ignore[import-not-found]
    from qiskit_machine_learning.neural_networks import EstimatorQNN  # type: ignore[import-not-found]

    inputs, weights = ParameterVector("x", QUBITS), ParameterVector("w", LAYERS * (BLOCK + POOLING))
    circuit = QuantumCircuit(QUBITS)
    for qubit in range(QUBITS):
        circuit.ry(inputs[qubit], qubit)
    for name, angle, qubits in gates(weights):
        if name == "crx0":
            circuit.append(RXGate(angle).control(1, ctrl_state=0, annotated=False), qubits)
        elif angle is None:
            getattr(circuit, name)(*qubits)
        else:
            getattr(circuit, name)(angle, *qubits)
    estimator = StatevectorEstimator(default_precision=0.0)
    network = EstimatorQNN(
        circuit=circuit,
        observables=SparsePauliOp("I" * (QUBITS - 1) + "Z"),
        input_params=inputs,
        weight_params=weights,
        estimator=estimator,
        gradient=ParamShiftEstimatorGradient(estimator),
        default_precision=0.0,
    )

    def value_and_gradient(X: Array, y: Array, weights: Array) -> tuple[float, Array]:
        residuals = network.forward(X, weights)[:, 0] - y
        _, derivatives = network.backward(X, weights)
        return float(np.mean(residuals**2)), 2 * residuals @ derivatives[:, 0] / len(y)

    return value_and_gradient


def train(gradient: Gradient, X: Array, y: Array, batch: int, budget: float) -> tuple[list[float], list[float]]:
    """Train by Adam; returns losses and seconds of the steps, which end after ``budget`` seconds."""
    weights = np.random.default_rng(1).normal(0.0, 0.3, LAYERS * (BLOCK + POOLING))
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    losses, seconds = [], []
    for step in range(1, STEPS + 1):
        begin = time.perf_counter()
        first = BATCH * step % len(X)
        rows = slice(first, first + batch)
        loss, derivative = gradient(X[rows], y[rows], weights)
        mean, square = 0.9 * mean + 0.1 * derivative, 0.999 * square + 0.001 * derivative**2
        weights = weights - 0.05 * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        losses.append(loss)
        seconds.append(time.perf_counter() - begin)
        if sum(seconds) > budget:
            break
    return losses, seconds


def main() -> None:
    """Check that all agree, train with each, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=60, help="seconds after which a library takes no further step")
    parser.add_argument("--without-qiskit", action="store_true", help="leave out Qiskit ML, a step of which takes long")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    X = rng.uniform(-np.pi / 2, np.pi / 2, (10 * BATCH, QUBITS))
    y = np.sign(np.sin(X[:, 0] + X[:, 1]))
    libraries = {
        "ours": ours(),
        "PennyLane default.qubit, backprop": pennylane("default.qubit", "backprop"),
        "PennyLane lightning.qubit, adjoint": pennylane("lightning.qubit", "adjoint"),
    }
    if not options.without_qiskit:
        libraries["Qiskit ML, parameter shift"] = qiskit()

    start = rng.normal(0.0, 0.3, LAYERS * (BLOCK + POOLING))
    value, derivative = libraries["ours"](X[:2], y[:2], start)
    for name, gradient in list(libraries.items()):
        other_value, other = gradient(X[:2], y[:2], start)  # the first call of each, with whatever it compiles
        difference = max(abs(other_value - value), np.abs(other - derivative).max())
        if difference > TOLERANCE:
            print(f"{name}: result differs by {difference:.1e}, not timed")
            del libraries[name]

    times: dict[str, float] = {}
    print(f"| library | a step of {BATCH} samples | {STEPS} steps | steps taken | third loss | ours is faster by |")
    print("|---|---|---|---|---|---|")
    for name, gradient in libraries.items():
        batch = QISKIT_SAMPLES if name.startswith("Qiskit") else BATCH
        losses, seconds = train(gradient, X, y, batch, options.budget)
        times[name] = statistics.median(seconds) * BATCH / batch
        third = f"{losses[2]:.10f}" if len(losses) > 2 and batch == BATCH else "-"
        cells = [name, pretty(times[name]), pretty(STEPS * times[name]), str(len(seconds)), third]
        print(f"| {' | '.join(cells)} | {times[name] / times['ours']:.1f}x |", flush=True)
    nearest = min(time for name, time in times.items() if name != "ours") / times["ours"]
    print(f"\nThe goal is {GOAL:g} times the fastest other library: {nearest:.1f}x")


if __name__ == "__main__":
    main()
