"""Our training and prediction against the fastest peers: `python -m benchmarks.training`.

Each library first computes every result once; only those that agree with the others are timed. Then the timed runs,
each in a fresh process, take turns, so that a machine that slows down slows everybody.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks import avx2
from benchmarks.measure import ROOT, Measurement, MeasurementFailed, measure, wait_until_quiet
from benchmarks.workloads import SUITE, Workload

# Library -> the environment it is installed in (a folder of --environments, made from requirements/*.txt).
LIBRARIES = {
    "ours": None,
    "tensorcircuit_jax": "peers",
    "pennylane_jax": "peers",
    "pennylane_jax:vmap": "peers",
    "catalyst": "catalyst",
    "lightning": "peers",
    "qulacs": "peers",
    "qulacs:processes": "peers",
    "scaluq": "peers",
    "mindquantum": "mindquantum",
}


def interpreter(library: str, environments: Path) -> Path:
    environment = LIBRARIES[library]
    return Path(sys.executable) if environment is None else environments / environment / "bin" / "python"


def available(libraries: Sequence[str], environments: Path) -> list[str]:
    """The libraries whose environment exists; names the others once."""
    missing = [library for library in libraries if not interpreter(library, environments).exists()]
    if missing:
        print(f"Not installed, left out: {', '.join(missing)} (see benchmarks/README.md)", file=sys.stderr)
    return [library for library in libraries if library not in missing]


class Comparison:
    """All measurements of one workload."""

    def __init__(self, workload: Workload, options: argparse.Namespace) -> None:
        self.workload, self.options = workload, options
        self.first: dict[str, Measurement] = {}
        self.timed: dict[str, list[Measurement]] = {}
        self.failures: dict[str, str] = {}

    def check(self, libraries: Sequence[str]) -> None:
        """Compute once with each library; those that differ from the median of all are not timed."""
        for library in libraries:
            self._measure(library, budget=0.0)
        if not self.first:
            return
        consensus = np.median([found.result for found in self.first.values()], axis=0)
        for library, found in self.first.items():
            difference = np.max(np.abs(np.array(found.result) - consensus) / (1 + np.abs(consensus)))
            if not difference <= self.workload.tolerance:
                self.failures[library] = f"result differs by {difference:.1e}"

    def time(self) -> None:
        """One more timed run of each library that is still in."""
        for library in self.first:
            if library not in self.failures:
                self._measure(library, self.options.budget)

    def _measure(self, library: str, budget: float) -> None:
        options = self.options
        wait_until_quiet(options.quiet)
        try:
            found = measure(
                self.workload,
                library,
                interpreter(library, options.environments),
                threads=options.threads,
                budget=budget,
                timeout=options.timeout,
            )
        except MeasurementFailed as failure:
            self.failures[library] = str(failure)
            return
        if budget:
            self.timed.setdefault(library, []).append(found)
        else:
            self.first[library] = found
        if options.output:
            record = {"workload": asdict(self.workload), "library": library, "threads": options.threads}
            with open(options.output, "a") as file:
                file.write(json.dumps(record | asdict(found)) + "\n")

    def medians(self) -> dict[str, float]:
        """Library -> median over the processes of the median step, fastest first."""
        medians = {
            library: statistics.median(found.median for found in self.timed[library])
            for library in self.timed
            if library not in self.failures
        }
        return dict(sorted(medians.items(), key=lambda item: item[1]))

    def details(self) -> str:
        """Return a table of every library for this workload."""
        medians = self.medians()
        fastest = min(medians.values(), default=0.0)
        lines = [
            f"\n## {self.workload.name}, {self.options.threads} threads",
            f"{'library':20} {'median':>10} {'min':>10} {'ratio':>7} {'cold start':>11} {'memory':>8} {'others':>7}",
        ]
        for library, median in medians.items():
            runs = self.timed[library]
            lines.append(
                f"{library:20} {pretty(median):>10} {pretty(min(min(run.times) for run in runs)):>10} "
                f"{median / fastest:7.2f} {self.first[library].cold:9.2f} s {max(run.memory for run in runs):5.0f} MB "
                f"{max(run.others for run in runs):7.2f}"
            )
        lines += [f"{library:20} {reason}" for library, reason in self.failures.items()]
        return "\n".join(lines)

    def busy_mark(self, library: str) -> str:
        """Return a star if others used the machine in every run; a library's own workers look like others."""
        if library.endswith(":processes") or min(run.others for run in self.timed[library]) < 0.2:
            return ""
        return "*"

    def summary(self) -> str:
        """Return one row of the Markdown table: ours, the fastest peer, how many times faster we are."""
        medians = self.medians()
        ours = medians.pop("ours", None)
        peer = next(iter(medians), None)
        cells = [self.workload.name, "-", "-", "-", "-", "-"]
        if ours is not None:
            cells[1] = pretty(ours) + self.busy_mark("ours")
            cells[5] = f"{self.first['ours'].cold:.1f} s"
        if peer is not None:
            cells[2] = f"{pretty(medians[peer])}{self.busy_mark(peer)} ({peer}, {self.first[peer].cold:.1f} s)"
        if ours is not None and peer is not None:
            cells[3] = f"{medians[peer] / ours:.1f}x"
        if self.workload.goal:
            cells[4] = f"{self.workload.goal:g}x"
        return f"| {' | '.join(cells)} |"


def pretty(seconds: float) -> str:
    """For example "2.53 ms"."""
    scale, unit = next((pair for pair in ((1, "s"), (1e-3, "ms")) if seconds >= pair[0]), (1e-6, "us"))
    return f"{seconds / scale:.3g} {unit}"


def main() -> None:
    """Measure the suite and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help='workloads whose name contains this, as in "train n=8"')
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES), metavar="NAME")
    parser.add_argument("--environments", type=Path, default=ROOT / ".peers")
    parser.add_argument("--rounds", type=int, default=3, help="processes timed for each library")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--budget", type=float, default=1.5, help="seconds of timed steps in each process")
    parser.add_argument("--timeout", type=float, default=180, help="seconds for one process, compilation included")
    parser.add_argument("--quiet", type=float, default=10, help="wait up to this long for an idle machine")
    parser.add_argument("--output", type=Path, help="append every measurement to this file as a line of JSON")
    avx2.add_option(parser)
    options = parser.parse_args()
    avx2.apply(options, options.libraries)

    libraries = available(options.libraries, options.environments)
    rows = []
    for workload in SUITE:
        if options.only not in workload.name:
            continue
        comparison = Comparison(workload, options)
        comparison.check(libraries)
        for _ in range(options.rounds):
            comparison.time()
        print(comparison.details(), flush=True)
        rows.append(comparison.summary())
    print("\n| workload | ours | fastest peer (cold start) | faster by | goal | our cold start |")
    print("|---|---|---|---|---|---|")
    print("\n".join(rows))
    if any("*" in row for row in rows):
        print("\n* measured while other programs used the machine: not to be trusted")


if __name__ == "__main__":
    main()
