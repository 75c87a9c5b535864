"""Our PennyLane device against `lightning.qubit`, in the same QNodes: `python -m benchmarks.pennylane_device`.

Run by an interpreter that has qumba and benchmarks/requirements/pennylane.txt. Each measurement is a fresh process, and
the two devices take turns; results are checked equal before anything is timed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

import numpy as np

from benchmarks.measure import measure, wait_until_quiet
from benchmarks.training import pretty
from benchmarks.workloads import Workload

OURS, THEIRS = "pennylane_adjoint:qumba", "pennylane_adjoint:lightning.qubit"
TOLERANCE = 1e-9

CASES = {
    "gradient of a batch of 256, 8 qubits": (Workload("train", 8), 10.0),
    "gradient of a batch of 256, 4 qubits": (Workload("train", 4), None),
    "gradient of a batch of 64, 12 qubits": (Workload("train", 12, n_samples=64), None),
    "step of AdamOptimizer, batch of 32, 8 qubits": (Workload("adam", 8, n_samples=32), None),
    "gradient by weights and features, 1 sample, 8 qubits": (Workload("inputs", 8, n_samples=1), None),
    "gradient by weights and features, 1 sample, 16 qubits": (Workload("inputs", 16, n_samples=1), None),
    "<Z0> of a batch of 1000, 8 qubits": (Workload("predict", 8, n_samples=1000), None),
    "<Z0> of 100 samples, a call each, 8 qubits": (Workload("loop", 8, n_samples=100), None),
}
"""Name -> the work (for each task a function of `peers/pennylane_adjoint.py`), and how many times faster it must be."""


def compare(workload: Workload, options: argparse.Namespace) -> tuple[float, float]:
    """Median step of our device and of `lightning.qubit`, seconds.

    Raises
    ------
    SystemExit
        If their results differ.
    """
    python = options.python
    first = {
        library: measure(workload, library, python, threads=options.threads, budget=0.0, timeout=options.timeout)
        for library in (OURS, THEIRS)
    }
    difference = np.abs(np.subtract(first[OURS].result, first[THEIRS].result)).max()
    if not difference <= TOLERANCE:
        sys.exit(f"{workload.name}: results differ by {difference:.1e}")
    times: dict[str, list[float]] = {OURS: [], THEIRS: []}
    for _ in range(options.rounds):
        for library, found in times.items():
            wait_until_quiet(options.quiet)
            step = measure(
                workload, library, python, threads=options.threads, budget=options.budget, timeout=options.timeout
            )
            found.append(step.median)
    return statistics.median(times[OURS]), statistics.median(times[THEIRS])


def main() -> None:
    """Measure all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="interpreter that has both devices")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="processes timed for each device")
    parser.add_argument("--budget", type=float, default=1.5, help="seconds of timed steps in each process")
    parser.add_argument("--timeout", type=float, default=180)
    parser.add_argument("--quiet", type=float, default=10, help="wait up to this long for an idle machine")
    options = parser.parse_args()
    print("| QNode | qumba | lightning.qubit | faster by | goal |\n|---|---|---|---|---|")
    for name, (workload, goal) in CASES.items():
        if options.only in name:
            ours, theirs = compare(workload, options)
            wanted = f"{goal:g}x" if goal else "-"
            print(f"| {name} | {pretty(ours)} | {pretty(theirs)} | {theirs / ours:.1f}x | {wanted} |", flush=True)


if __name__ == "__main__":
    main()
