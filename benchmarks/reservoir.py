"""Time series in a quantum reservoir, an echo-state network and a linear model: `python -m benchmarks.reservoir`.

All three have the same number of features and the same readout, ridge regression; the regularisation of each, and
spectral radius and input scale of the network, are chosen on the last fifth of the training series. Errors are the
root mean square over the test series, divided by its standard deviation; for the first two, means over seeds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from qml import ReservoirForecaster

Array = NDArray[np.float64]

WASHOUT, TRAINED, TESTED = 200, 1500, 500
PENALTIES = tuple(10.0**k for k in range(-10, 1, 2))
NETWORKS = tuple((radius, scale) for radius in (0.8, 0.95) for scale in (0.03, 0.1, 0.5))
"""Spectral radii and input scales of the network."""


def narma10(inputs: Array) -> Array:
    """Nonlinear autoregressive moving average of order 10, of inputs between 0 and 0.5."""
    out = np.zeros(len(inputs))
    for t in range(9, len(inputs) - 1):
        window = out[t - 9 : t + 1].sum()
        out[t + 1] = 0.3 * out[t] + 0.05 * out[t] * window + 1.5 * inputs[t - 9] * inputs[t] + 0.1
    return out


def mackey_glass(length: int, delay: int = 17, steps: int = 10, skipped: int = 300) -> Array:
    """Mackey-Glass series of delay 17, by Euler steps of 0.1, one number per unit of time."""
    lag = delay * steps
    x = np.full(lag + (length + skipped) * steps, 1.2)
    for i in range(lag, len(x) - 1):
        x[i + 1] = x[i] + (0.2 * x[i - lag] / (1 + x[i - lag] ** 10) - 0.1 * x[i]) / steps
    return x[lag::steps][skipped:]


def tasks() -> dict[str, tuple[Array, Array]]:
    """Inputs and targets by name."""
    length = TRAINED + TESTED
    rng, t = np.random.default_rng(0), np.arange(length)
    waves = np.prod([np.sin(2 * np.pi * f * t / 100) for f in (2.11, 3.73, 4.11)], axis=0)
    series = mackey_glass(length + 6)
    inputs = {"NARMA-10, waves": 0.1 * (waves + 1), "NARMA-10, uniform": rng.uniform(0, 0.5, length)}
    out = {name: (values, narma10(values)) for name, values in inputs.items()}
    return out | {f"Mackey-Glass, {h} ahead": (series[:length], series[h : length + h]) for h in (1, 6)}


def error(predictions: Array, truth: Array) -> float:
    """Root mean square error over the standard deviation."""
    return float(np.sqrt(np.mean((predictions - truth) ** 2) / np.var(truth)))


def chosen_error(candidates: Iterable[Array], target: Array) -> float:
    """Error on the test series of the features and penalty that are best on the last fifth of the training series."""
    held_out = TRAINED - TRAINED // 5
    best = (np.inf, np.inf)
    for features in candidates:
        for penalty in PENALTIES:
            model = Ridge(penalty, solver="svd").fit(features[WASHOUT:held_out], target[WASHOUT:held_out])
            tuned = error(model.predict(features[held_out:TRAINED]), target[held_out:TRAINED])
            if tuned < best[0]:
                model.fit(features[WASHOUT:TRAINED], target[WASHOUT:TRAINED])
                best = tuned, error(model.predict(features[TRAINED:]), target[TRAINED:])
    return best[1]


def network_error(inputs: Array, target: Array, size: int, seed: int) -> float:
    """Error of an echo-state network of tanh units."""
    rng = np.random.default_rng(seed)
    inner = rng.normal(size=(size, size)) * (rng.random((size, size)) < 0.1)
    inner /= np.abs(np.linalg.eigvals(inner)).max()
    weights, bias = rng.uniform(-1, 1, (2, size))
    scaled = (inputs - inputs[:TRAINED].mean()) / inputs[:TRAINED].std()

    def features(radius: float, scale: float) -> Array:
        state, out = np.zeros(size), np.empty((len(inputs), size))
        for t, value in enumerate(scaled):
            state = out[t] = np.tanh(radius * inner @ state + scale * (weights * value + bias))
        return out

    return chosen_error((features(*settings) for settings in NETWORKS), target)


def reservoir_error(inputs: Array, target: Array, qubits: int, seed: int) -> tuple[float, int]:
    """Error and number of features of the quantum reservoir at its default settings, except the regularisation."""
    held_out = TRAINED - TRAINED // 5
    model = ReservoirForecaster(n_qubits=qubits, washout=WASHOUT, random_state=seed)
    best, chosen = np.inf, PENALTIES[0]
    for penalty in PENALTIES:
        model.set_params(alpha=penalty).fit(inputs[:held_out], target[:held_out])
        tuned = error(model.predict(inputs[held_out:TRAINED], continued=True), target[held_out:TRAINED])
        if tuned < best:
            best, chosen = tuned, penalty
    model.set_params(alpha=chosen).fit(inputs[:TRAINED], target[:TRAINED])
    return error(model.predict(inputs[TRAINED:], continued=True), target[TRAINED:]), model.features_.shape[1]


def linear_error(inputs: Array, target: Array, size: int) -> float:
    """Error of a linear model on the last ``size`` inputs."""
    padded = np.concatenate([np.zeros(size - 1), inputs])
    lags = np.lib.stride_tricks.sliding_window_view(padded, size)
    return chosen_error([lags], target)


def main() -> None:
    """Print a row per task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qubits", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(f"| task | features | quantum reservoir, {options.qubits} qubits | echo-state network | linear | seconds |")
    print("|---|---|---|---|---|---|")
    for name, (inputs, target) in tasks().items():
        start = time.perf_counter()
        ours = [reservoir_error(inputs, target, options.qubits, seed) for seed in range(options.seeds)]
        seconds = (time.perf_counter() - start) / options.seeds / (len(PENALTIES) + 1)
        size = ours[0][1]
        theirs = np.mean([network_error(inputs, target, size, seed) for seed in range(options.seeds)])
        quantum, linear = np.mean([row[0] for row in ours]), linear_error(inputs, target, size)
        print(f"| {name} | {size} | {quantum:.4f} | {theirs:.4f} | {linear:.4f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
