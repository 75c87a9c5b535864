"""Our primitives inside Qiskit against its own and Aer's: `python -m benchmarks.qiskit_primitives`.

Needs `qiskit-aer` and `qiskit-machine-learning` beside qumba. Each measurement is a fresh process; before anything is
timed, what the libraries compute is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import ROOT, THREAD_VARIABLES

MARK = "MEASUREMENT "
Step = Callable[[], Any]


class Workload(NamedTuple):
    """What is measured: a function that makes the step for a library, and how its result is compared."""

    make: Callable[[str], Step]
    libraries: tuple[str, ...]
    goal: float
    tolerance: float


# One circuit, many sets of parameters


def estimator(library: str) -> Step:
    """EstimatorV2: 8 qubits, 3 layers, 16 Pauli strings, 1000 sets of parameters."""
    from qiskit.circuit.library import efficient_su2
    from qiskit.quantum_info import SparsePauliOp

    n = 8
    circuit = efficient_su2(n, reps=3, entanglement="circular")
    if library == "aer":
        circuit = circuit.decompose()
    strings = [("ZZ", [k, (k + 1) % n], 1.0) for k in range(n)] + [("X", [k], 0.5) for k in range(n)]
    observable = SparsePauliOp.from_sparse_list(strings, num_qubits=n)
    values = np.random.default_rng(1).uniform(-np.pi, np.pi, (1000, circuit.num_parameters))
    primitive = primitive_of(library, "Estimator")
    return lambda: primitive.run([(circuit, observable, values)], precision=0.0).result()[0].data.evs


# Many circuits


def sampler_bound(library: str) -> Step:
    """SamplerV2: one circuit of 10 qubits bound to 100 sets of parameters, each a circuit of its own, 10^4 shots."""
    from qiskit.circuit.library import efficient_su2

    circuit = efficient_su2(10, reps=2, entanglement="circular")
    values = np.random.default_rng(2).uniform(-np.pi, np.pi, (100, circuit.num_parameters))
    return sampling([circuit.assign_parameters(row) for row in values], library)


def sampler_volume(library: str) -> Step:
    """SamplerV2: 100 different quantum-volume circuits of 10 qubits and depth 5, 10^4 shots."""
    from qiskit.circuit.library import quantum_volume

    return sampling([quantum_volume(10, 5, seed=seed) for seed in range(100)], library)


def sampling(circuits: list[Any], library: str) -> Step:
    """The step that samples; its result is the expectation of each qubit's Z over all shots."""
    measured = [circuit.measure_all(inplace=False) for circuit in circuits]
    if library == "aer":
        measured = [circuit.decompose() for circuit in measured]
    primitive = primitive_of(library, "Sampler")

    def step() -> Any:
        results = primitive.run(measured, shots=10_000).result()
        return [result.data.meas for result in results]

    return step


def primitive_of(library: str, kind: str) -> Any:
    """The primitive, seeded."""
    if library == "ours":
        from simulator import qiskit_provider

        return getattr(qiskit_provider, kind)(seed=7)
    if library == "aer":
        from qiskit_aer import primitives

        options = {"backend_options": {"method": "statevector"}} if kind == "Estimator" else None
        made = getattr(primitives, f"{kind}V2")
        return made(options=options) if options else made(seed=7)
    from qiskit import primitives as reference

    return getattr(reference, f"Statevector{kind}")(seed=7)


# Training


def estimator_qnn(library: str) -> Step:
    """One step of an EstimatorQNN, forward and backward: 4 qubits, 2 layers, 16 samples."""
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    circuit, inputs, weights = model(4, 2)
    options: dict[str, Any] = {"default_precision": 0.0}
    if library == "ours":
        from simulator.qiskit_provider import Estimator, EstimatorGradient

        options |= {"estimator": Estimator(), "gradient": EstimatorGradient()}
    network = EstimatorQNN(circuit=circuit, input_params=inputs, weight_params=weights, **options)
    return training_step(network, len(inputs), len(weights))


def sampler_qnn(library: str) -> Step:
    """One step of a SamplerQNN as VQC trains it, forward and backward: 4 qubits, 2 layers, 16 samples, parity."""
    from qiskit_machine_learning.neural_networks import SamplerQNN

    circuit, inputs, weights = model(4, 2)
    options: dict[str, Any] = {}
    if library == "ours":
        from simulator.qiskit_provider import Sampler, SamplerGradient

        options = {"sampler": Sampler(default_shots=4096, seed=7), "gradient": SamplerGradient()}
    network = SamplerQNN(
        circuit=circuit, input_params=inputs, weight_params=weights, interpret=parity, output_shape=2, **options
    )
    return training_step(network, len(inputs), len(weights))


def parity(outcome: int) -> int:
    """The class of an outcome."""
    return f"{outcome:b}".count("1") % 2


def model(num_qubits: int, reps: int) -> tuple[Any, list[Any], list[Any]]:
    """A circuit, its inputs and its weights."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import real_amplitudes, zz_feature_map

    feature_map, ansatz = zz_feature_map(num_qubits, reps=1), real_amplitudes(num_qubits, reps=reps)
    circuit = QuantumCircuit(num_qubits)
    circuit.compose(feature_map, inplace=True)
    circuit.compose(ansatz, inplace=True)
    return circuit, list(feature_map.parameters), list(ansatz.parameters)


def training_step(network: Any, num_inputs: int, num_weights: int) -> Step:
    """Forward and backward over 16 samples."""
    rng = np.random.default_rng(3)
    X, weights = rng.uniform(-1, 1, (16, num_inputs)), rng.uniform(-1, 1, num_weights)
    return lambda: np.concatenate([network.forward(X, weights).ravel(), network.backward(X, weights)[1].ravel()])


WORKLOADS = {
    "estimator": Workload(estimator, ("ours", "reference", "aer"), 20, 1e-9),
    "sampler, bound": Workload(sampler_bound, ("ours", "reference", "aer"), 5, 0.06),  # 6 standard deviations
    "EstimatorQNN step": Workload(estimator_qnn, ("ours", "default"), 50, 1e-9),
    "SamplerQNN step": Workload(sampler_qnn, ("ours", "default"), 50, 0.1),  # the forward pass has shots
    "sampler, volume": Workload(sampler_volume, ("ours", "reference", "aer"), 5, 0.06),
}


def numbers(result: Any) -> list[float]:
    """What is compared: arrays as they are, shots as each qubit's mean."""
    if isinstance(result, list):
        bits = [np.unpackbits(shots.array, axis=-1)[..., -shots.num_bits :] for shots in result]
        return [float(value) for one in bits for value in 1 - 2 * one.mean(axis=0)]
    return [float(value) for value in np.ravel(result)]


def measure_here(name: str, library: str, budget: float) -> None:
    """Print the times of one library in this process."""
    step = WORKLOADS[name].make(library)
    found = numbers(step())
    times: list[float] = []
    start = time.perf_counter()
    while budget and (not times or time.perf_counter() - start < budget):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    print(f"\n{MARK}{json.dumps({'times': times, 'result': found})}")


def measure(name: str, library: str, threads: int, budget: float) -> dict[str, list[float]]:
    """The same in a fresh process."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.qiskit_primitives", "--here", library, "--only", name]
    done = subprocess.run(
        [*command, "--budget", str(budget)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return json.loads(line.removeprefix(MARK))  # type: ignore[no-any-return]
    raise SystemExit(f"{library} failed at {name}:\n{done.stderr}")


def compare(name: str, options: argparse.Namespace) -> str:
    """A row of the table."""
    workload = WORKLOADS[name]
    first = {library: measure(name, library, options.threads, 0)["result"] for library in workload.libraries}
    for library in workload.libraries[1:]:
        difference = np.max(np.abs(np.subtract(first[library], first["ours"])))
        if not difference <= workload.tolerance:
            raise SystemExit(f"{name}: ours and {library} differ by {difference:.1e}")
    times: dict[str, list[float]] = {library: [] for library in workload.libraries}
    for _ in range(options.rounds):
        for library in workload.libraries:
            times[library] += measure(name, library, options.threads, options.budget)["times"]
    medians = {library: statistics.median(found) for library, found in times.items()}
    ours = medians.pop("ours")
    peer = min(medians, key=lambda library: medians[library])
    others = ", ".join(f"{library} {median * 1e3:.3g} ms" for library, median in medians.items())
    return f"| {name} | {ours * 1e3:.3g} ms | {others} | {medians[peer] / ours:.1f}x | {workload.goal:g}x |"


def conversion() -> str:
    """Seconds that 10,000 gates take to Qiskit and back: the median of 5; a third of the gates have angles."""
    from simulator import Circuit, Parameter, gates

    rng = np.random.default_rng(4)
    parameters = [Parameter(f"p{k}") for k in range(10)]
    operations = []
    for k in range(10_000):
        a, b = (int(qubit) for qubit in rng.choice(10, 2, replace=False))
        kinds = (gates.H(a), gates.CX(a, b), gates.RZ(rng.random(), a), gates.RX(2 * parameters[k % 10] + 0.1, a))
        operations.append(kinds[rng.choice(4, p=[0.3, 0.35, 0.2, 0.15])])
    circuit = Circuit(10, operations)
    there, back = [], []
    for _ in range(6):
        begin = time.perf_counter()
        made = circuit.to_qiskit()
        middle = time.perf_counter()
        again = Circuit.from_qiskit(made)
        there.append(middle - begin)
        back.append(time.perf_counter() - middle)
        if again != circuit:
            raise SystemExit("the circuit that came back from Qiskit is another")
    return f"{statistics.median(there[1:]) * 1e3:.3g} ms to Qiskit, {statistics.median(back[1:]) * 1e3:.3g} ms back"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="workloads whose name contains this")
    parser.add_argument("--rounds", type=int, default=3, help="processes timed for each library")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--budget", type=float, default=1.0, help="seconds of timed steps in each process")
    parser.add_argument("--here", metavar="LIBRARY", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        measure_here(options.only, options.here, options.budget)
        return
    print("| workload | ours | others | faster than the fastest by | goal |\n|---|---|---|---|---|")
    for name in WORKLOADS:
        if options.only in name:
            print(compare(name, options), flush=True)
    if options.only in "conversion":
        print(f"\n10,000 gates: {conversion()}")


if __name__ == "__main__":
    main()
