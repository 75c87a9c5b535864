"""Quantum-kernel matrices against the fastest peers: `python -m benchmarks.kernels`.

Each library computes the matrix once, in a fresh process; what differs from ours by more than 1e-8 is not timed. Then
the timed processes take turns. `blas` is the bare product of states that are there already.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import avx2, kernel_peers
from benchmarks.measure import MARK, ROOT, THREAD_VARIABLES, wait_until_quiet

LIBRARIES = {
    "ours": None,
    "ours_single": None,
    "blas": None,
    "pennylane_jax": "peers",
    "pennylane_jax_vmap": "peers",
    "qulacs": "peers",
    "qiskit_ml": "peers",
}
SIZES = ((1000, 4), (1000, 8), (200, 12), (5000, 10))  # samples, qubits
FITS = (10, 12, 16)  # features


def samples(count: int, n: int) -> np.ndarray:
    return np.random.default_rng(n).uniform(0, 2 * np.pi, (count, n))


def run(library: str, count: int, n: int, budget: float) -> dict[str, object]:
    """Measure in this process."""
    getattr(kernel_peers, library)(samples(8, n))()
    X = samples(count, n)
    step = getattr(kernel_peers, library)(X)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    K = step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = (peak - before) * 1024 / K.nbytes
    probe = K[:: max(1, count // 40), :: max(1, count // 40)].ravel().real.tolist()
    del K
    times: list[float] = []
    start = time.perf_counter()
    while budget and (len(times) < 2 or time.perf_counter() - start < budget):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
        if time.perf_counter() - start > 5 * budget:
            break
    return {"times": times, "memory": memory, "probe": probe}


def measure(
    library: str, count: int, n: int, budget: float, options: argparse.Namespace
) -> dict[str, list[float]] | str:
    """Measure in a fresh process; a line says why not."""
    environment = LIBRARIES[library]
    python = sys.executable if environment is None else options.environments / environment / "bin" / "python"
    if not Path(python).exists():
        return f"{python} is not there (see benchmarks/README.md)"
    variables = os.environ | dict.fromkeys(THREAD_VARIABLES, str(options.threads)) | {"PYTHONPATH": str(ROOT)}
    command = [str(python), "-m", "benchmarks.kernels", "--one", library, str(count), str(n), str(budget)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=options.timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not within {options.timeout:g} s"
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return json.loads(line.removeprefix(MARK))  # type: ignore[no-any-return]
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1][:200]


def compare(count: int, n: int, options: argparse.Namespace) -> None:
    """Print the rows of one size."""
    first = {library: measure(library, count, n, 0.0, options) for library in options.libraries}
    reference = first["ours"]
    assert not isinstance(reference, str), reference
    timed: dict[str, list[float]] = {}
    for library, found in first.items():
        if isinstance(found, str):
            print(f"| {count} | {n} | {library} | {found} | | | |")
        elif library != "blas":
            difference = float(np.abs(np.array(found["probe"]) - reference["probe"]).max())
            if difference > (1e-4 if library == "ours_single" else 1e-8):
                print(f"| {count} | {n} | {library} | differs from ours by {difference:.1e} | | | |")
                continue
            timed[library] = []
        else:
            timed[library] = []
    for _ in range(options.rounds):
        for library, times in timed.items():
            wait_until_quiet(options.quiet)
            found = measure(library, count, n, options.budget, options)
            if not isinstance(found, str):
                times.append(statistics.median(found["times"]))
    medians = {library: statistics.median(times) for library, times in timed.items() if times}
    for library, median in sorted(medians.items(), key=lambda item: item[1]):
        found = first[library]
        assert not isinstance(found, str)
        of_blas = f"{median / medians['blas']:.2f}" if "blas" in medians else ""
        print(
            f"| {count} | {n} | {library} | {median * 1e3:.3g} ms | {median / medians['ours']:.2f} | {of_blas} "
            f"| {found['memory']:.2f} |",
            flush=True,
        )


def fit(n: int) -> float:
    """Seconds of fitting a support vector machine on the IQP kernel of 192 samples with n features."""
    from sklearn.svm import SVC

    from qml import FidelityKernel

    rng = np.random.default_rng(n)
    X, y = rng.uniform(-1, 1, (192, n)), np.arange(192) % 2
    kernel = FidelityKernel("iqp", reps=2)
    kernel(X[:8])
    start = time.perf_counter()
    SVC(kernel="precomputed").fit(kernel(X), y)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=4, metavar=("LIBRARY", "SAMPLES", "QUBITS", "BUDGET"), help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs=2, type=int, metavar=("SAMPLES", "QUBITS"), help="one size")
    parser.add_argument("--fits", action="store_true", help="only the support vector machines")
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES), metavar="NAME")
    parser.add_argument("--environments", type=Path, default=ROOT / ".peers")
    parser.add_argument("--rounds", type=int, default=3, help="processes timed for each library")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--budget", type=float, default=1.5, help="seconds of timed steps in each process")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one process")
    parser.add_argument("--quiet", type=float, default=10, help="wait up to this long for an idle machine")
    avx2.add_option(parser)
    options = parser.parse_args()
    avx2.apply(options, options.libraries)
    if options.one:
        library, count, n, budget = options.one
        print(f"\n{MARK}{json.dumps(run(library, int(count), int(n), float(budget)))}")
        return
    if not options.fits:
        options.libraries = list(dict.fromkeys(["ours", *options.libraries]))
        print("| samples | qubits | library | matrix | ratio to ours | ratio to BLAS | memory / result |")
        print("|---|---|---|---|---|---|---|")
        for size in [tuple(options.only)] if options.only else SIZES:
            compare(*size, options)
    if options.fits or not options.only:
        print("\n| fit | seconds |\n|---|---|")
        for n in FITS:
            print(f"| SVC, IQP kernel, 192 samples, {n} features | {fit(n):.3f} |", flush=True)


if __name__ == "__main__":
    main()
