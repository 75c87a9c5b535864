"""How long a circuit takes to become what kernels read: `python -m benchmarks.lowering`.

Lowering, scheduling into stages and numbering, from the gates to the arrays of one evaluation; no kernel runs. Each
circuit has a process of its own. "first" is what the process does first, "again" the median of more times, each from
the same gates in a new circuit object. Of a circuit that was run before, the program is kept: "kept" is finding it by
the circuit itself, "equal" by an equal circuit that was built anew, "numbers" by one with other angles, if the circuit
has no parameters.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from benchmarks.large_state_peers import our_circuit
from benchmarks.large_states import gates_of
from benchmarks.workloads import Workload
from simulator import Circuit, ParameterVector, Z, gates
from simulator.calculations.statevector import evaluated_program
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.program.program import Program

CIRCUITS = (
    ("qcbm", 20),
    ("qcbm", 24),
    ("gradient", 12),
    ("gradient", 20),
    ("qft", 20),
    ("qft", 24),
    ("volume", 20),
    ("mixed", 8),
    ("mixed", 20),
    ("classifier", 4),
    ("classifier", 8),
    ("ring", 8),
    ("ring of a batch", 8),
    ("ring", 12),
)
SAMPLES = 256  # that circuits with inputs, and those "of a batch", are run on


def built(name: str, n: int) -> tuple[Circuit, tuple[Any, ...], tuple[Any, ...]]:
    """A circuit, its observables, and those of its parameters that differ from sample to sample."""
    if name == "classifier":
        workload = Workload("train", n)
        x, w = ParameterVector("x", n), ParameterVector("w", workload.n_weights)
        circuit = Circuit(n)
        for step in workload.steps():
            angle = [] if step.symbol is None else [(x if step.symbol.kind == "feature" else w)[step.symbol.index]]
            circuit = getattr(circuit, step.gate)(*angle, *step.qubits)
        return circuit, (Z(0),), tuple(x)
    if name == "mixed":
        return mixed(n, 1000), (), ()
    if name.startswith("ring"):
        return ring(n, 1000 // (3 * n)), (Z(0),), ()
    circuit, _ = our_circuit(gates_of(name, n), n, name == "gradient")
    return circuit, (sum((Z(q) for q in range(1, n)), Z(0)),) if name == "gradient" else (), ()


def mixed(n: int, count: int) -> Circuit:
    """Standard gates of every kind on random qubits."""
    rng = np.random.default_rng(7)
    kinds = [gate for gate in gates.STANDARD.values() if gate.num_qubits <= 3]
    operations = []
    for k in rng.integers(len(kinds), size=count).tolist():
        angles = rng.uniform(-np.pi, np.pi, kinds[k].num_params).tolist()
        operations.append(kinds[k](*angles, *rng.permutation(n)[: kinds[k].num_qubits].tolist()))
    return Circuit(n, operations)


def ring(n: int, layers: int) -> Circuit:
    """Layers of RY and RZ on each qubit and a ring of CNOTs."""
    weights = iter(ParameterVector("w", 2 * n * layers))
    circuit = Circuit(n)
    for _ in range(layers):
        for q in range(n):
            circuit = circuit.ry(next(weights), q)
        for q in range(n):
            circuit = circuit.rz(next(weights), q)
        for q in range(n):
            circuit = circuit.cx(q, (q + 1) % n)
    return circuit


def seconds(call: Callable[[], Any]) -> float:
    """Of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measured(name: str, n: int, repeats: int) -> str:
    """A row of the table, in a process that has lowered nothing yet."""
    circuit, observables, inputs = built(name, n)

    def lowered(again: Circuit) -> None:
        plan = NumbaEngine().plan(
            Program(again, observables, inputs), SAMPLES if inputs or name.endswith("batch") else 1
        )
        if plan.big and not observables:
            plan.reordering  # noqa: B018  the way back to the circuit's order of basis states, made when asked for

    first, *others = [
        seconds(lambda again=again: lowered(again))  # type: ignore[misc]
        for again in (Circuit(n, circuit.operations) for _ in range(1 + repeats))
    ]
    again = statistics.median(others)

    values = np.zeros(circuit.num_parameters) if circuit.parameters else None

    def find(sought: Circuit) -> None:
        evaluated_program(sought, observables, values, "double")

    find(circuit)
    kept = min(seconds(lambda: find(circuit)) for _ in range(20))
    equal = [Circuit(n, circuit.operations) for _ in range(repeats)]
    rebuilt = statistics.median([seconds(lambda: find(each)) for each in equal])  # noqa: B023
    cells = [f"{first * 1e3:.1f}", f"{again * 1e3:.1f}", f"{again / len(circuit) * 1e6:.1f}"]
    cells += [f"{kept * 1e6:.0f} us", f"{rebuilt * 1e3:.2f}", "-"]
    if not circuit.parameters:
        other = [renumbered(circuit, seed) for seed in range(repeats)]
        cells[-1] = f"{statistics.median([seconds(lambda: find(each)) for each in other]) * 1e3:.2f}"  # noqa: B023
    return f"| {name} n={n} | {len(circuit)} | {' | '.join(cells)} |"


def renumbered(circuit: Circuit, seed: int) -> Circuit:
    """The same gates on the same qubits with other angles."""
    rng = np.random.default_rng(seed)
    return Circuit(
        circuit.num_qubits,
        [op.gate(*rng.uniform(-np.pi, np.pi, len(op.angles)).tolist(), *op.qubits) for op in circuit.operations],
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[""], help='circuits whose names contain one of these: "qft n=20"')
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    print("| circuit | gates | first, ms | again, ms | ms per 1000 gates | kept | equal, ms | numbers, ms |")
    print("|---|---|---|---|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    for name, n in CIRCUITS:
        if any(text in f"{name} n={n}" for text in options.only):
            with ProcessPoolExecutor(1, context) as pool:
                print(pool.submit(measured, name, n, options.repeats).result(), flush=True)


if __name__ == "__main__":
    main()
