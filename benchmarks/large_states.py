"""One large state, ours against the fastest peers: `python -m benchmarks.large_states`.

Every measurement is a fresh process and libraries take turns. Each process first computes the result once; what differs
from the median of all libraries does not count. A step goes from gates the library holds already to the final state,
ours to a NumPy array in the circuit's order; for gradients, to the derivatives of the sum of all <Z_q> by all angles.
Sampling and noise, which are compared in `benchmarks.noise`, end the table.

Beside each stands the work it needs at least, by our way of doing it (`large_state_peers.least_work`), and which part
of our time that would take at the rates of a large matrix product and of memory, measured in the same run
(`benchmarks.limits`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import avx2, large_state_peers
from benchmarks.large_state_peers import Gate
from benchmarks.measure import MARK, ROOT, THREAD_VARIABLES

PEERS = ("qulacs", "scaluq", "aer", "qsim", "lightning", "mindquantum", "qibojit")
ENVIRONMENTS = {"mindquantum": "mindquantum", "qibojit": "qibo"}  # others: "peers"
CHECKED = 64  # probabilities that libraries must agree on, at fixed indices
TOLERANCE = {"double": 1e-9, "single": 1e-5}  # relative to the largest of them


def gates_of(name: str, n: int) -> list[Gate]:
    """The circuit of a workload."""
    rng = np.random.default_rng(7)
    ring = [Gate("cx", (q, (q + 1) % n)) for q in range(n)]
    out: list[Gate] = []

    def rotations(*names: str) -> list[Gate]:
        return [Gate(gate, (q,), float(rng.uniform(-np.pi, np.pi))) for q in range(n) for gate in names]

    if name == "qcbm":
        out += rotations("rz", "rx", "rz")
        for _ in range(10):
            out += [*ring, *rotations("rz", "rx", "rz")]
    elif name == "gradient":
        for _ in range(8):
            out += [*rotations("ry", "rz"), *ring]
    elif name == "volume":
        for _ in range(20):
            order = rng.permutation(n).tolist()
            for a, b in zip(order[::2], order[1::2], strict=False):
                matrix = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
                out.append(Gate("su4", (a, b), np.linalg.qr(matrix)[0]))
    elif name == "qft":
        out += rotations("ry", "rz")
        for q in reversed(range(n)):
            out.append(Gate("h", (q,)))
            out += [Gate("cp", (j, q), float(np.pi / 2 ** (q - j))) for j in reversed(range(q))]
        out += [Gate("swap", (q, n - 1 - q)) for q in range(n // 2)]
    else:  # a layer of one kind of gate, behind one of RY or on a state that is given
        kind = name.split()[1]
        if name.endswith("given"):
            amplitudes = rng.normal(size=(1 << n, 2)) @ [1, 1j]
            out.append(Gate("state", tuple(range(n)), amplitudes / np.linalg.norm(amplitudes)))
        else:
            out += rotations("ry")
        out += ring if kind == "cx" else [Gate("h", (q,)) for q in range(n)] if kind == "h" else rotations(kind)
    return out


def run(library: str, name: str, n: int, precision: str, budget: float) -> dict[str, Any]:
    """Measure in this process."""
    gradient = name == "gradient"
    step = getattr(large_state_peers, library)(gates_of(name, n), n, precision, gradient)
    began = time.perf_counter()
    found = step()
    first = time.perf_counter() - began
    found = found() if callable(found) else found
    index = np.random.default_rng(1).integers(0, len(found), CHECKED)
    result = found[:CHECKED] if gradient else np.abs(np.asarray(found)[index]) ** 2 * len(found)
    del found
    times: list[float] = []
    began = time.perf_counter()
    while not times or time.perf_counter() - began < budget:
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    return {"times": times, "first": first, "result": np.asarray(result, float).tolist()}


WORKLOADS = [
    ("qcbm", 16, "double", 4.0),
    ("qcbm", 16, "single", 1.3),
    ("qcbm", 20, "double", 4.0),
    ("qcbm", 20, "single", 1.3),
    ("qcbm", 24, "double", 6.0),
    ("qcbm", 24, "single", 1.3),
    ("volume", 20, "double", 3.0),
    ("volume", 20, "single", 1.0),
    ("qft", 20, "double", 3.0),
    ("qft", 20, "single", 1.5),
    ("qft", 24, "double", 6.0),
    ("qft", 24, "single", 2.0),
    *((f"layer {kind}", 20, precision, 1.5 if precision == "double" else 1.0)
      for kind in ("h", "rx", "rz", "cx") for precision in ("double", "single")),
    *((f"layer {kind} given", 20, precision, None)
      for kind in ("h", "rx", "rz", "cx") for precision in ("double", "single")),
    ("gradient", 12, "double", 3.0),
    ("gradient", 16, "double", 5.0),
    ("gradient", 20, "double", 5.0),
]  # fmt: skip


def measured(library: str, workload: tuple[Any, ...], options: argparse.Namespace) -> dict[str, Any]:
    """One fresh process; {"failure": why} if it did not work."""
    name, n, precision, _ = workload
    place = options.environments / ENVIRONMENTS.get(library, "peers") / "bin" / "python"
    python = Path(sys.executable) if library == "ours" else place
    if not python.exists():
        return {"failure": "not installed (see benchmarks/README.md)"}
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(options.threads)) | {"PYTHONPATH": str(ROOT)}
    task = [library, name, str(n), precision, str(options.budget)]
    command = [str(python), "-m", "benchmarks.large_states", "--one", *task]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=options.timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failure": f"not within {options.timeout:g} s"}
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return json.loads(line.removeprefix(MARK))  # type: ignore[no-any-return]
    lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
    return {"failure": lines[-1][:150]}


def compare(workload: tuple[Any, ...], options: argparse.Namespace) -> str:
    """All libraries on one workload; a row of the table."""
    name, n, precision, goal = workload
    title = f"{name} n={n} {precision}"
    print(f"\n## {title}", flush=True)
    found: dict[str, list[dict[str, Any]]] = {library: [] for library in options.libraries}
    failures: dict[str, str] = {}
    for number in range(options.rounds):
        for library in [library for library in found if library not in failures]:
            one = measured(library, workload, options)
            if "failure" in one:
                failures[library] = one["failure"]
            else:
                found[library].append(one)
        if number == 0:
            results = {library: np.array(ones[0]["result"]) for library, ones in found.items() if ones}
            consensus = np.median(list(results.values()), axis=0) if results else np.zeros(0)
            for library, result in results.items():
                difference = np.abs(result - consensus).max() / (1 + np.abs(consensus).max())
                if difference > TOLERANCE[precision]:
                    failures[library] = f"result differs by {difference:.1e}"
    times = {
        library: [statistics.median(one["times"]) for one in ones]
        for library, ones in found.items()
        if library not in failures
    }
    medians = dict(sorted(((library, statistics.median(all_)) for library, all_ in times.items()), key=lambda p: p[1]))
    for library, median in medians.items():
        spread = f"{min(times[library]) * 1e3:.3g} to {max(times[library]) * 1e3:.3g}"
        print(f"{library:12} {median * 1e3:10.3g} ms   {spread}, first {found[library][0]['first'] * 1e3:.3g}")
    for library, failure in failures.items():
        print(f"{library:12} {failure}")
    own, goal_ = medians.pop("ours", None), "-" if goal is None else f"{goal:g}x"
    cells = [title, "-" if own is None else f"{own * 1e3:.3g} ms", "-", "-", goal_, "-", "-"]
    for peer in list(medians)[:1]:
        cells[2] = f"{medians[peer] * 1e3:.3g} ms ({peer})"
        cells[3] = "-" if own is None else f"{medians[peer] / own:.1f}x"
    if own is not None:
        amount, operations = large_state_peers.least_work(gates_of(name, n), n, precision, name == "gradient")
        cells[5:] = options.limits.cells(amount, operations, own, precision)
    row = f"| {' | '.join(cells)} |"
    print(row, flush=True)
    return row


def main() -> None:
    """Measure the workloads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[""], help='rows whose names contain one of these: "qcbm n=20"')
    parser.add_argument("--quiet", type=float, default=10, help="wait up to this long for an idle machine (noise)")
    parser.add_argument("--libraries", nargs="+", choices=("ours", *PEERS), default=["ours", *PEERS], metavar="NAME")
    parser.add_argument("--environments", type=Path, default=ROOT / ".peers")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3, help="processes timed for each library")
    parser.add_argument("--budget", type=float, default=1.0, help="seconds of timed steps in each process")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for each process")
    parser.add_argument(
        "--one", nargs=5, metavar=("LIBRARY", "NAME", "N", "PRECISION", "BUDGET"), help=argparse.SUPPRESS
    )
    avx2.add_option(parser)
    options = parser.parse_args()
    avx2.apply(options, options.libraries)
    if options.one:
        library, name, n, precision, budget = options.one
        print(f"\n{MARK}{json.dumps(run(library, name, int(n), precision, float(budget)))}")
        sys.stdout.flush()
        os._exit(0)  # some libraries hang on their way out
    from benchmarks import noise
    from benchmarks.limits import Limits

    def chosen(title: str) -> bool:
        return any(text in title for text in options.only)

    options.limits = Limits.measured(options.threads)
    print(options.limits, flush=True)
    rows = [
        compare(workload, options) for workload in WORKLOADS if chosen(f"{workload[0]} n={workload[1]} {workload[2]}")
    ]
    rows += [noise.compare(workload, options) for workload in noise.LIBRARIES if chosen(noise.TITLES[workload])]
    print(f"\n{noise.HEAD}")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
