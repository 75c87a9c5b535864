"""Sampling and noise against the fastest peers: `python -m benchmarks.noise`.

Each library runs each workload in a fresh process, and they take turns. Results are checked before anything is timed:
density matrices against each other to 1e-6, random results against the exact ones within five standard errors. A time
is the median over processes of the median step.
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
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.avx2 import import_qsimcirq
from benchmarks.measure import ROOT, THREAD_VARIABLES, wait_until_quiet

if TYPE_CHECKING:
    from simulator import Circuit, NoiseModel

SHOTS, SAMPLED_QUBITS = 1_000_000, 20
QUBITS, LAYERS, ERROR, TRAJECTORIES = 10, 4, 0.01, 1000
LIBRARIES = {  # workload -> libraries; "name:variant"
    "sample": ("ours", "scaluq", "qulacs", "aer"),
    "trajectories": ("ours", "ours:single", "qulacs", "qsim", "aer"),
    "density": ("ours", "aer", "qulacs"),
}
GOALS = {"sample": (2, 5), "trajectories": (4, 10), "density": (3, 10)}
TITLES = {
    "sample": f"{SHOTS} shots of {SAMPLED_QUBITS} qubits",
    "trajectories": f"{TRAJECTORIES} trajectories, {QUBITS} qubits, {LAYERS} layers, depolarizing after every gate",
    "density": "the same, exact density matrix",
}
MARK = "MEASURED "
HEAD = """| workload | ours | fastest peer | faster by | must be | operations, of limit | traffic, of limit |
|---|---|---|---|---|---|---|"""
Step = Callable[[], np.ndarray]


def noisy_gates() -> list[tuple[str, tuple[int, ...], float | None]]:
    """RY and RZ on each qubit and a ring of CNOTs, in layers."""
    angles = iter(np.random.default_rng(4).uniform(-np.pi, np.pi, 2 * QUBITS * LAYERS).tolist())
    out: list[tuple[str, tuple[int, ...], float | None]] = []
    for _ in range(LAYERS):
        for q in range(QUBITS):
            out += [("ry", (q,), next(angles)), ("rz", (q,), next(angles))]
        out += [("cx", (q, (q + 1) % QUBITS), None) for q in range(QUBITS)]
    return out


def sampled_gates() -> list[tuple[str, tuple[int, ...], float | None]]:
    """Rotations and two rings of CNOTs, so that every outcome may happen."""
    angles = iter(np.random.default_rng(1).uniform(0, 2 * np.pi, 3 * SAMPLED_QUBITS).tolist())
    out: list[tuple[str, tuple[int, ...], float | None]] = []
    for _ in range(3):
        out += [("ry", (q,), next(angles)) for q in range(SAMPLED_QUBITS)]
        out += [("cx", (q, (q + 1) % SAMPLED_QUBITS), None) for q in range(SAMPLED_QUBITS)]
    return out


def means(outcomes: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
    """<Z> of each qubit from outcomes and how often each was drawn."""
    weights = np.ones(len(outcomes)) if counts is None else counts
    return np.array([((1 - 2 * (outcomes >> q & 1)) * weights).sum() / weights.sum() for q in range(SAMPLED_QUBITS)])


# Each adapter returns a step to be timed, and what turns its result into the numbers that are compared.


def ours(workload: str, variant: str) -> tuple[Step, Callable]:
    from simulator import Circuit, NoiseModel, Z, depolarizing
    from simulator.calculations.sampling import sample_state
    from simulator.noise import estimate

    def build(gates, num_qubits):
        circuit = Circuit(num_qubits)
        for name, qubits, angle in gates:
            circuit = getattr(circuit, name)(*(() if angle is None else (angle,)), *qubits)
        return circuit

    if workload == "sample":
        state = build(sampled_gates(), SAMPLED_QUBITS).statevector()
        return lambda: sample_state(state, SHOTS), lambda found: means(*found)
    channel = depolarizing(4 * ERROR / 3)  # an error with probability ERROR, as the peers count it
    circuit, noise = build(noisy_gates(), QUBITS), NoiseModel(channel, channel)
    if workload == "density":
        return lambda: circuit.expectation(Z(0), noise=noise), lambda found: np.array([found])
    options = {"noise": noise, "trajectories": TRAJECTORIES, "precision": variant or "double"}
    return lambda: estimate(circuit, Z(0), **options).value, lambda found: np.array([found])


def aer(workload: str, variant: str) -> tuple[Step, Callable]:
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import SparsePauliOp
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    gates, num_qubits = (sampled_gates(), SAMPLED_QUBITS) if workload == "sample" else (noisy_gates(), QUBITS)
    circuit, threads = QuantumCircuit(num_qubits), int(os.environ["BENCHMARK_THREADS"])
    for name, qubits, angle in gates:
        getattr(circuit, name)(*(() if angle is None else (angle,)), *qubits)
    if workload == "sample":
        circuit.measure_all()
        simulator = AerSimulator(method="statevector", max_parallel_threads=threads)

        def found(result):
            counts = result.get_counts()
            return means(np.array([int(bits, 2) for bits in counts]), np.array([*counts.values()]))

        return lambda: simulator.run(circuit, shots=SHOTS).result(), found
    noise, error = NoiseModel(), depolarizing_error(4 * ERROR / 3, 1)
    noise.add_all_qubit_quantum_error(error, ["ry", "rz"])
    noise.add_all_qubit_quantum_error(error.tensor(error), ["cx"])
    circuit.save_expectation_value(SparsePauliOp("Z"), [0])
    method = "density_matrix" if workload == "density" else "statevector"
    simulator = AerSimulator(method=method, noise_model=noise, max_parallel_threads=threads, max_parallel_shots=threads)
    shots = 1 if workload == "density" else TRAJECTORIES
    step = lambda: simulator.run(circuit, shots=shots).result()  # noqa: E731
    return step, lambda result: np.array([result.data(0)["expectation_value"]])


def qulacs(workload: str, variant: str) -> tuple[Step, Callable]:
    import qulacs

    gates, num_qubits = (sampled_gates(), SAMPLED_QUBITS) if workload == "sample" else (noisy_gates(), QUBITS)
    circuit = qulacs.QuantumCircuit(num_qubits)
    for name, qubits, angle in gates:
        if angle is None:
            circuit.add_CNOT_gate(*qubits)
        else:
            getattr(circuit, f"add_{name.upper()}_gate")(qubits[0], -angle)
        if workload != "sample":
            for q in qubits:
                circuit.add_gate(qulacs.gate.DepolarizingNoise(q, ERROR))
    state = (qulacs.DensityMatrix if workload == "density" else qulacs.QuantumState)(num_qubits)
    if workload == "sample":
        circuit.update_quantum_state(state)
        return lambda: state.sampling(SHOTS), lambda found: means(np.asarray(found))
    observable = qulacs.Observable(num_qubits)
    observable.add_operator(1.0, "Z 0")

    def step():
        total, runs = 0.0, 1 if workload == "density" else TRAJECTORIES
        for _ in range(runs):
            state.set_zero_state()
            circuit.update_quantum_state(state)
            total += observable.get_expectation_value(state)
        return np.array([total / runs])

    return step, lambda found: found


def qsim(workload: str, variant: str) -> tuple[Step, Callable]:
    import cirq

    qsimcirq = import_qsimcirq()
    qubits, circuit = cirq.LineQubit.range(QUBITS), cirq.Circuit()
    for name, places, angle in noisy_gates():
        on = [qubits[q] for q in places]
        circuit.append(cirq.CNOT(*on) if angle is None else getattr(cirq, name)(angle)(*on))
        circuit.append([cirq.depolarize(ERROR)(q) for q in on])
    threads = int(os.environ["BENCHMARK_THREADS"])
    options = qsimcirq.QSimOptions(max_fused_gate_size=2, cpu_threads=threads, ev_noisy_repetitions=TRAJECTORIES)
    simulator, observable = qsimcirq.QSimSimulator(options), [cirq.Z(qubits[0])]
    step = lambda: simulator.simulate_expectation_values(circuit, observable, qubit_order=qubits)  # noqa: E731
    return step, lambda found: np.array([found[0].real])


def scaluq(workload: str, variant: str) -> tuple[Step, Callable]:
    import scaluq

    precise = scaluq.default.f64 if hasattr(scaluq, "default") else scaluq.scaluq_core.default.f64
    circuit = precise.Circuit()
    for _, qubits, angle in sampled_gates():
        gate = (
            scaluq.gate.CX(*qubits, precision="f64")
            if angle is None
            else scaluq.gate.RY(qubits[0], angle, precision="f64")
        )
        circuit.add_gate(gate)
    state = precise.StateVector(SAMPLED_QUBITS)
    circuit.update_quantum_state(state)
    return lambda: state.sampling(SHOTS), lambda found: means(np.asarray(found))


ADAPTERS = {"ours": ours, "aer": aer, "qulacs": qulacs, "qsim": qsim, "scaluq": scaluq}


def work(library: str, workload: str, budget: float) -> dict[str, list[float]]:
    """Run in this process: the checked result of the first step, and the times of the others."""
    name, _, variant = library.partition(":")
    step, reduce = ADAPTERS[name](workload, variant)
    result = [float(value) for value in reduce(step())]
    times: list[float] = []
    begin = time.perf_counter()
    while budget and (len(times) < 3 or time.perf_counter() - begin < budget):
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    return {"result": result, "times": times}


def measure(library: str, workload: str, budget: float, options: argparse.Namespace) -> dict[str, list[float]] | str:
    """Run `work` in a fresh process of the library's environment; a text says why it failed."""
    name = library.partition(":")[0]
    python = sys.executable if name == "ours" else str(options.environments / "peers" / "bin" / "python")
    if not Path(python).exists():
        return "not installed (see benchmarks/README.md)"
    wait_until_quiet(options.quiet)
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(options.threads)) | {"PYTHONPATH": str(ROOT)}
    command = [python, "-m", "benchmarks.noise", "--work", library, workload, str(budget)]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        return "not within 180 s"
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return json.loads(line.removeprefix(MARK))
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1][:150] if lines else f"exit status {done.returncode}"


def our_noisy_circuit() -> tuple[Circuit, NoiseModel]:
    """The noisy workloads' circuit, and its noise: other libraries count the probability of an error differently."""
    from simulator import Circuit, NoiseModel, depolarizing

    circuit = Circuit(QUBITS)
    for name, qubits, angle in noisy_gates():
        circuit = getattr(circuit, name)(*(() if angle is None else (angle,)), *qubits)
    channel = depolarizing(4 * ERROR / 3)
    return circuit, NoiseModel(channel, channel)


def exact(workload: str) -> tuple[np.ndarray, float]:
    """What the results must be, and how far from it they may be."""
    from simulator import Circuit, Z

    if workload == "sample":
        circuit = Circuit(SAMPLED_QUBITS)
        for name, qubits, angle in sampled_gates():
            circuit = getattr(circuit, name)(*(() if angle is None else (angle,)), *qubits)
        return circuit.expectation([Z(q) for q in range(SAMPLED_QUBITS)]), 5 / np.sqrt(SHOTS)
    circuit, model = our_noisy_circuit()
    value = np.array([circuit.expectation(Z(0), noise=model)])
    return value, 1e-6 if workload == "density" else 5 * 0.05 / np.sqrt(TRAJECTORIES)


def least_work(workload: str) -> tuple[int, int]:
    """Bytes and operations that our way of doing it needs at least; random numbers are not counted.

    Shots: every amplitude is read twice and its square computed, every shot's number written and read, its outcome
    and count written. The density matrix: 4**n numbers are read and written for each block of gates and channels, and
    multiplied by its matrix. Trajectories stay in the cache: the circuit once for each that differs from the others.
    """
    from benchmarks.large_state_peers import operations_of
    from simulator import Z
    from simulator.noise.density import DensityProgram
    from simulator.noise.frames import FrameTrajectories
    from simulator.noise.program import NoisyProgram

    if workload == "sample":
        return (2 * 16 << SAMPLED_QUBITS) + 4 * 8 * SHOTS, 2 * 3 << SAMPLED_QUBITS
    circuit, model = our_noisy_circuit()
    count = None if workload == "density" else TRAJECTORIES
    method = NoisyProgram(circuit, [Z(0)], noise=model, trajectories=count, seed=0).method
    if isinstance(method, DensityProgram):
        return 2 * 8 * len(method.blocks) << 2 * QUBITS, sum(
            2 * 4 ** len(b.qubits) for b in method.blocks
        ) << 2 * QUBITS
    assert isinstance(method, FrameTrajectories)
    return 0, len(method.counts) * operations_of(method.program.program)


def compare(workload: str, options: argparse.Namespace) -> str:
    """Check, time and print all libraries on one workload; returns its row of the table."""
    expected, tolerance = exact(workload)
    times: dict[str, list[float]] = {}
    print(f"\n## {TITLES[workload]}, {options.threads} threads")
    for library in LIBRARIES[workload]:
        found = measure(library, workload, 0.0, options)
        if isinstance(found, str):
            print(f"{library:14} {found}")
            continue
        difference = float(np.abs(np.array(found["result"]) - expected).max())
        if difference > tolerance:
            print(f"{library:14} result differs by {difference:.1e}")
        else:
            times[library] = []
    for _ in range(options.rounds):
        for library in times:
            found = measure(library, workload, options.budget, options)
            if not isinstance(found, str):
                times[library].append(statistics.median(found["times"]))
    medians = {library: statistics.median(values) for library, values in times.items() if values}
    for library, median in sorted(medians.items(), key=lambda item: item[1]):
        print(
            f"{library:14} {median * 1e3:9.2f} ms   {min(times[library]) * 1e3:9.2f} to "
            f"{max(times[library]) * 1e3:.2f}",
            flush=True,
        )
    peers = {library: median for library, median in medians.items() if not library.startswith("ours")}
    if "ours" not in medians or not peers:
        return f"| {TITLES[workload]} | - | - | - | - | - | - |"
    fastest = min(peers, key=peers.get)
    must, _ = GOALS[workload]
    limits = " | ".join(options.limits.cells(*least_work(workload), medians["ours"], "double"))
    ratio = peers[fastest] / medians["ours"]
    return (
        f"| {TITLES[workload]} | {medians['ours'] * 1e3:.1f} ms | {peers[fastest] * 1e3:.0f} ms ({fastest}) "
        f"| {ratio:.1f}x | {must}x | {limits} |"
    )


def main() -> None:
    """Print the table; or, with `--work`, one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=LIBRARIES, nargs="+", default=list(LIBRARIES))
    parser.add_argument("--environments", type=Path, default=ROOT / ".peers")
    parser.add_argument("--rounds", type=int, default=3, help="processes timed for each library")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--budget", type=float, default=1.0, help="seconds of timed steps in each process")
    parser.add_argument("--quiet", type=float, default=10, help="wait up to this long for an idle machine")
    parser.add_argument("--work", nargs=3, metavar=("LIBRARY", "WORKLOAD", "BUDGET"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        library, workload, budget = options.work
        print(f"\n{MARK}{json.dumps(work(library, workload, float(budget)))}")
        sys.stdout.flush()
        os._exit(0)  # some libraries hang or crash on their way out
    from benchmarks.limits import Limits

    options.limits = Limits.measured(options.threads)
    print(options.limits)
    rows = [compare(workload, options) for workload in options.only]
    print(f"\n{HEAD}")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
