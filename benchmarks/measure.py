"""One measurement in a fresh process, so that no library warms, slows or configures another."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.workloads import Workload

ROOT = Path(__file__).parents[1]
THREAD_VARIABLES = (
    "BENCHMARK_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "QULACS_NUM_THREADS",
)
MARK = "MEASUREMENT "


@dataclass(frozen=True)
class Measurement:
    """What one process found: times in seconds, memory in MB (peak resident size)."""

    times: list[float]
    first: float  # the first step, with whatever the library compiles for it
    cold: float  # from the start of the process to the end of the first step
    memory: float
    others: float  # processors kept busy meanwhile by other processes, the library's own workers included
    result: list[float]

    @property
    def median(self) -> float:
        """Of this process's timed steps."""
        return statistics.median(self.times)


class MeasurementFailed(Exception):
    """The library could not do it, or not in time; the text is its last line."""


def measure(
    workload: Workload, library: str, python: Path, *, threads: int, budget: float, timeout: float
) -> Measurement:
    """Measure `workload` with the adapter `library` ("name" or "name:variant") run by the interpreter `python`.

    `budget` is the seconds to spend on timed steps; 0 does the first step only.
    """
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    environment |= {"BENCHMARK_STARTED": repr(time.time()), "PYTHONPATH": str(ROOT)}
    command = [str(python), "-m", "benchmarks.measure", library, json.dumps(asdict(workload)), str(budget)]
    if threads == 1:
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {flags}".strip()
        command = ["taskset", "-c", "0", *command]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise MeasurementFailed(f"not within {timeout:g} s") from None
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return Measurement(**json.loads(line.removeprefix(MARK)))
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    raise MeasurementFailed(lines[-1][:200] if lines else f"exit status {done.returncode}")


def busy_seconds() -> float:
    """Processor seconds the whole machine has spent; 0 where /proc does not tell."""
    try:
        line = Path("/proc/stat").read_text().splitlines()[0]
    except OSError:
        return 0.0
    fields = [int(field) for field in line.split()[1:9]]  # user nice system idle iowait irq softirq steal
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def wait_until_quiet(patience: float) -> None:
    """Return when nobody else has used the machine for half a second, or after `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = busy_seconds()
        time.sleep(0.5)
        if busy_seconds() - before < 0.05:
            return


def run(library: str, workload: Workload, budget: float) -> Measurement:
    """Measure in this process."""
    name, _, variant = library.partition(":")
    adapter = importlib.import_module(f"benchmarks.peers.{name}")
    step = getattr(adapter, workload.task)(workload, **({"variant": variant} if variant else {}))
    start = time.perf_counter()
    result = step()
    first, cold = time.perf_counter() - start, time.time() - float(os.environ["BENCHMARK_STARTED"])

    times: list[float] = []
    busy, own, start = busy_seconds(), processor_seconds(), time.perf_counter()
    while budget and (len(times) < 3 or time.perf_counter() - start < budget):
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
        if time.perf_counter() - start > 10 * budget:
            break
    elapsed = time.perf_counter() - start
    others = (busy_seconds() - busy - processor_seconds() + own) / elapsed
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measurement(times, first, cold, memory, others, [float(value) for value in result])


def processor_seconds() -> float:
    """Processor seconds of this process and the children it has ended."""
    return sum(os.times()[:4])


def main() -> None:
    """Run by `measure` in the library's own environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    parser.add_argument("workload", type=lambda text: Workload(**json.loads(text)))
    parser.add_argument("budget", type=float)
    arguments = parser.parse_args()
    measurement = run(arguments.library, arguments.workload, arguments.budget)
    print(f"\n{MARK}{json.dumps(asdict(measurement))}")
    sys.stdout.flush()
    os._exit(0)  # some libraries hang or crash on their way out


if __name__ == "__main__":
    main()
