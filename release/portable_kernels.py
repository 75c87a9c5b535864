"""Compile the kernels of common calculations to the form that wheels ship: `python -m release.portable_kernels`.

Runs the calculations below with an empty cache, in a process for each width of registers that this processor has, and
writes what was compiled to the archives that `simulator.engines.numba.jit.portable` reads. Calculations that are named
as arguments are run instead of all.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qml import (
    DressedClassifier,
    QuantumKernelClassifier,
    QuantumModel,
    ReuploadingClassifier,
    VariationalClassifier,
    VariationalRegressor,
)
from qml.losses import LOSSES
from qml.optimizers import SGD, RMSprop
from simulator import Circuit, NoiseModel, ParameterVector, Y, Z, depolarizing, set_num_threads
from simulator.engines.numba.jit import portable
from simulator.engines.numba.jit.cache import LazyCache
from simulator.engines.numba.processor import native_bytes

# x86-64 with the registers of its third and fourth level; the code of the narrower ones runs on the wider ones
_AVX2 = "+avx,+avx2,+bmi,+bmi2,+cx16,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse3,+sse4.1,+sse4.2,+ssse3"
_X86_64 = {
    32: {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": _AVX2},
    64: {
        "NUMBA_CPU_NAME": "x86-64-v4",
        "NUMBA_CPU_FEATURES": f"{_AVX2},+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl",
    },
}
_ROWS = 256


def _layers(n_qubits: int) -> tuple[Circuit, ParameterVector, ParameterVector]:
    x, weights = ParameterVector("x", n_qubits), ParameterVector("w", 6 * n_qubits)
    circuit = Circuit(n_qubits)
    for q in range(n_qubits):
        circuit = circuit.ry(x[q], q)
    for layer in range(2):
        for q in range(n_qubits):
            first, second, third = weights[3 * (layer * n_qubits + q) :][:3]
            circuit = circuit.rz(first, q).ry(second, q).rz(third, q)
        for q in range(n_qubits):
            circuit = circuit.cx(q, (q + 1) % n_qubits)
    return circuit, x, weights


def _train(precision: str) -> None:
    circuit, x, weights = _layers(8)  # enough work for two threads
    model = QuantumModel(circuit, inputs=x, weights=weights, observables=[Z(0), Y(1)], precision=precision)
    X, values = np.linspace(-1.0, 1.0, 8 * _ROWS).reshape(_ROWS, 8), np.linspace(0.0, 1.0, len(weights))
    model.loss_and_gradient(X, np.zeros((_ROWS, 2)), values, loss="mse")
    model.forward(X, values)


def _fit() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    classes = np.arange(60) % 3
    VariationalClassifier(epochs=1, random_state=0).fit(rows, classes > 0).predict_proba(rows)
    VariationalClassifier(epochs=1, random_state=0).fit(rows, classes).predict(rows)
    large = np.random.default_rng(0).normal(size=(64, 8))  # enough work for two threads
    VariationalClassifier(epochs=2, n_qubits=8, random_state=0).fit(large, np.arange(64) % 2)
    for estimator in (DressedClassifier, ReuploadingClassifier):
        estimator(epochs=1, n_qubits=3, n_layers=1, random_state=0).fit(rows, classes > 0)
    for optimizer in (SGD(0.1), RMSprop(0.1)):
        VariationalRegressor(epochs=1, random_state=0, optimizer=optimizer).fit(rows, rows[:, 0]).predict(rows)
    outputs, targets = np.zeros((4, 1)), np.ones(4)
    for loss in LOSSES.values():
        loss().value(outputs if loss.__name__ != "CrossEntropy" else np.zeros((4, 2)), targets.astype(int))


def _kernel_matrices() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3))
    QuantumKernelClassifier().fit(rows, np.arange(40) % 2).predict(rows)


def _circuits() -> None:
    circuit, x, weights = _layers(4)
    circuit, values = circuit.h(0).cp(0.3, 0, 1), np.linspace(0.0, 1.0, len(x) + len(weights))
    circuit.statevector(values)
    circuit.probabilities(values)
    circuit.sample(values, shots=100, seed=0)
    circuit.expectation_and_gradient([Z(0), Y(1)], values)
    noise = NoiseModel(after_2q=depolarizing(0.02), readout=(0.01, 0.03))
    circuit.sample(values, shots=100, seed=0, noise=noise)
    circuit.expectation_and_gradient(Z(0), values, noise=noise)


def _large_states() -> None:
    circuit, x, weights = _layers(18)
    values = np.linspace(0.0, 1.0, len(x) + len(weights))
    circuit.statevector(values)
    circuit.sample(values, shots=100, seed=0)
    circuit.expectation_and_gradient(Z(0), values)


CALCULATIONS: dict[str, Callable[[], None]] = {
    "train": lambda: _train("double"),
    "train in single precision": lambda: _train("single"),
    "fit": _fit,
    "kernel matrices": _kernel_matrices,
    "circuits": _circuits,
    "large states": _large_states,
}


def dispatchers() -> list[object]:
    """Return all kernels that have been imported."""
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith("simulator.engines.numba.")]
    functions = [value for module in modules for value in vars(module).values()]
    return list(dict.fromkeys(f for f in functions if isinstance(getattr(f, "_cache", None), LazyCache)))


def write(names: list[str]) -> Path:
    """Run calculations in this process, which must have compiled nothing yet, and write the archive."""
    path = portable.archive_path()
    path.parent.mkdir(mode=0o755, exist_ok=True)
    path.unlink(missing_ok=True)
    set_num_threads(2)  # as many as need the kernels that threads wait with
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one epoch is not meant to converge
        for name in names:
            CALCULATIONS[name]()
    incomplete = path.with_suffix(".incomplete")
    incomplete.write_bytes(portable.pack(dispatchers()))
    incomplete.chmod(0o644)
    incomplete.replace(path)
    return path


def variants() -> list[dict[str, str]]:
    """Return the environment variables for each width of registers that this processor has."""
    if platform.machine().lower() in ("x86_64", "amd64"):
        return [variables for width, variables in _X86_64.items() if width <= native_bytes()]
    return [{}]


def main() -> None:
    """Write the archives and print their names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calculations", nargs="*", choices=[[], *CALCULATIONS], default=[])
    parser.add_argument("--here", action="store_true", help="in this process, for its width of registers")
    arguments = parser.parse_args()
    names = arguments.calculations or list(CALCULATIONS)
    if arguments.here:
        with tempfile.TemporaryDirectory() as cache:
            os.environ["QUMBA_CACHE_DIR"] = cache
            path = write(names)
        print(f"{path} {path.stat().st_size / 1e6:.1f} MB")
        return
    for variables in variants():
        command = [sys.executable, "-m", "release.portable_kernels", "--here", *names]
        subprocess.run(command, check=True, env=os.environ | variables)


if __name__ == "__main__":
    main()
