"""What a new process costs: `python -m benchmarks.cold_start`.

Importing, the first training step with an empty and with a warm cache of compiled kernels, and the memory of a step
as the batch grows.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Measurement, measure
from benchmarks.workloads import Workload

IMPORT = "import time; start = time.perf_counter(); import {package}; print(time.perf_counter() - start)"
STEP = Workload("train", 8)


def import_seconds(package: str, repeats: int = 5) -> float:
    """Median over fresh processes of `import package`; the first, which may read from disk, is not counted."""
    command = [sys.executable, "-c", IMPORT.format(package=package)]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(repeats + 1)]
    return statistics.median(float(run.stdout) for run in runs[1:])


def step_in_new_process(workload: Workload, threads: int) -> Measurement:
    return measure(workload, "ours", Path(sys.executable), threads=threads, budget=0.2, timeout=600)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    threads = parser.parse_args().threads

    for package in ("simulator", "qml"):
        print(f"import {package:9} {import_seconds(package):6.2f} s")

    with tempfile.TemporaryDirectory() as cache:
        os.environ["QUMBA_CACHE_DIR"] = cache
        for name in ("empty", "warm"):
            found = step_in_new_process(STEP, threads)
            print(
                f"{STEP.name}, {name} cache: first step {found.first:.2f} s, "
                f"{found.cold:.2f} s from the start of the process, then {found.median * 1e3:.2f} ms"
            )
        for n_samples in (256, 1024, 4096, 16384):
            found = step_in_new_process(Workload("train", 10, n_samples=n_samples), threads)
            print(f"train n=10 B={n_samples}: peak memory {found.memory:.0f} MB")


if __name__ == "__main__":
    main()
