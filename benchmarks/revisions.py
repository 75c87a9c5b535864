"""The working tree against another commit of this project: `python -m benchmarks.revisions --against REV`.

Both trees are measured in the same run, by processes that stay for all rows and take turns, so a machine that slows
down slows both. Before a row is timed, the results of the two trees are compared: to the bit where the project promises
that, otherwise within a tolerance.

A time is the median over the rounds; in a round, the median of the steps that fit into the budget. "new/old" is the
median of the rounds' ratios, followed by the smallest and the largest; "fastest" is the ratio of the fastest rounds.
Each tree has several processes, and rounds go from one pair to the next: of two processes that run the same code, one
can be 1.6 times slower in every round.

Cold and warm starts are fresh processes, from their start to the end of the first training step, with an empty and
with a filled cache of compiled kernels.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import ROOT, THREAD_VARIABLES, busy_seconds, processor_seconds
from benchmarks.revision_rows import EQUAL_BITS, Row, rows
from benchmarks.training import pretty

LIMIT = 1.03  # a row is listed as slower if both ratios, of medians and of the fastest rounds, are beyond it
BUSY = 0.2  # processors used by others, beyond which a row is marked
STARTS = ("cold start", "warm start")
HEAD = """| row | threads | old | new | new/old | spread | fastest | results |
|---|---|---|---|---|---|---|---|"""
# The packages come from the tree in PYTHONPATH, the benchmarks from the working tree.
WORKER = """
import qml, simulator, sys
sys.path.insert(0, {root!r})
from benchmarks.revision_rows import main
main({task!r})
"""


class RowFailed(Exception):
    """A row that cannot be compared; the text says why."""


class Timing(NamedTuple):
    """Median seconds of a step in one round, its whole duration, and the processor seconds of other processes."""

    seconds: float
    elapsed: float
    others: float = 0.0


class Worker:
    """The process that measures one tree with one number of threads."""

    def __init__(self, tree: Path, threads: int, tiny: bool) -> None:
        self.process = subprocess.Popen(
            command("tiny" if tiny else "full"),
            cwd=tree,
            env=environment(tree, threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: Any) -> Timing:
        """Send a request of `benchmarks.revision_rows.serve` and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            raise SystemExit(f"the worker of {self.process.args} ended; its messages are above") from None
        if "error" in answer:
            raise RowFailed(answer["error"])
        return Timing(**answer)

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@dataclass
class Comparison:
    """The rounds of one row."""

    name: str
    threads: int
    results: str = ""
    old: list[Timing] = field(default_factory=list)
    new: list[Timing] = field(default_factory=list)
    failed: bool = False

    def time(self, pairs: Sequence[tuple[Callable[[], Timing], Callable[[], Timing]]], rounds: int) -> None:
        """Add rounds, each by the next pair of an old and a new timing; which of the two goes first alternates."""
        for number in range(rounds):
            old, new = pairs[number % len(pairs)]
            sides = [(self.old, old), (self.new, new)]
            for timings, measure in reversed(sides) if number // len(pairs) % 2 else sides:
                timings.append(measure())

    @property
    def ratios(self) -> list[float]:
        """Of each round."""
        return [new.seconds / old.seconds for old, new in zip(self.old, self.new, strict=True)]

    @property
    def fastest(self) -> float:
        """Ratio of the fastest rounds."""
        return min(timing.seconds for timing in self.new) / min(timing.seconds for timing in self.old)

    @property
    def slower(self) -> bool:
        """Whether the working tree is slower by more than the limit."""
        return bool(self.new) and min(statistics.median(self.ratios), self.fastest) > LIMIT

    @property
    def disturbed(self) -> bool:
        """Whether other processes used the machine meanwhile."""
        timings = (*self.old, *self.new)
        return sum(timing.others for timing in timings) > BUSY * sum(timing.elapsed for timing in timings)

    def __str__(self) -> str:
        """Return the row of the table."""
        cells = ["-"] * 5
        if self.new:
            cells = [pretty(statistics.median(one.seconds for one in timings)) for timings in (self.old, self.new)]
            ratios, mark = self.ratios, "*" if self.disturbed else ""
            cells += [f"{statistics.median(ratios):.3f}{mark}", f"{min(ratios):.3f} to {max(ratios):.3f}"]
            cells += [f"{self.fastest:.3f}"]
        return f"| {self.name} | {self.threads} | {' | '.join(cells)} | {self.results} |"


def command(task: str) -> list[str]:
    return [sys.executable, "-c", WORKER.format(root=str(ROOT), task=task)]


def environment(tree: Path, threads: int) -> dict[str, str]:
    return os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"PYTHONPATH": str(tree)}


def checkout(revision: str, folder: Path) -> Path:
    """Write the files of a commit into a folder."""
    archive = folder / "revision.tar"
    git = ["git", "-C", str(ROOT), "archive", f"--output={archive}", revision]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"expected a commit of this repository, got {revision!r}: {done.stderr.strip()}")
    tree = folder / "revision"
    with tarfile.open(archive) as file:
        file.extractall(tree, filter="data")
    return tree


def agreement(old: NDArray[Any], new: NDArray[Any], tolerance: float) -> str:
    """Describe how close two results are; raises where that is not close enough."""
    if old.shape != new.shape:
        raise RowFailed(f"results have other shapes: {old.shape} and {new.shape}")
    if old.dtype == new.dtype and old.tobytes() == new.tobytes():
        return "same bits"
    difference = float(np.abs(old - new).max())
    if not difference <= tolerance or tolerance == EQUAL_BITS:
        expected = "the same bits" if tolerance == EQUAL_BITS else f"at most {tolerance:.0e}"
        raise RowFailed(f"results differ by {difference:.1e}, {expected} expected")
    return f"within {difference:.0e}"


def compare(row: Row, pairs: list[tuple[Worker, Worker]], threads: int, options: argparse.Namespace) -> Comparison:
    """Check a row's results and time it in both trees."""
    comparison = Comparison(row.name, threads)
    files = [options.folder / "old.npy", options.folder / "new.npy"]
    try:
        seconds = []
        for pair in pairs:
            for worker, file in zip(pair, files, strict=True):
                seconds.append(worker.ask(prepare=row.name, save=str(file)).seconds)
            comparison.results = agreement(*(np.load(file) for file in files), max(row.tolerance, options.allow))
        count = max(1, round(options.budget / min(seconds)))
        measures = [(partial(old.ask, time=count), partial(new.ask, time=count)) for old, new in pairs]
        comparison.time(measures, options.rounds)
    except RowFailed as failure:
        comparison.results, comparison.failed = str(failure), True
    return comparison


def start(tree: Path, threads: int, cold: bool) -> Timing:
    """Time a fresh process from its start to the end of its first training step, with an empty or the user's cache."""
    with tempfile.TemporaryDirectory() as empty:
        variables = environment(tree, threads) | ({"QUMBA_CACHE_DIR": empty} if cold else {})
        busy, own, began = busy_seconds(), processor_seconds(), time.perf_counter()
        done = subprocess.run(command("start"), cwd=tree, env=variables, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
    if done.returncode:
        raise RowFailed((done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1][:200])
    return Timing(seconds, seconds, busy_seconds() - busy - processor_seconds() + own)


def compare_starts(name: str, trees: tuple[Path, Path], threads: int, options: argparse.Namespace) -> Comparison:
    """Time the first step of fresh processes, with an empty cache of kernels or with a filled one."""
    comparison = Comparison(name, threads, "-")
    try:
        for tree in trees:  # fills the cache, and compiles the Python files, which would cost one side more
            start(tree, threads, cold=False)
        old, new = (partial(start, tree, threads, name == "cold start") for tree in trees)
        comparison.time([(old, new)], options.rounds)
    except RowFailed as failure:
        comparison.results, comparison.failed = str(failure), True
    return comparison


def measured(options: argparse.Namespace) -> list[Comparison]:
    """Compare all rows that are asked for, and print each when it is done."""
    comparisons: list[Comparison] = []

    def add(comparison: Comparison) -> None:
        comparisons.append(comparison)
        print(comparison, flush=True)

    def wanted(name: str) -> bool:
        return any(text in name for text in options.only)

    trees = (checkout(options.against, options.folder), ROOT)
    table = [row for row in rows(options.tiny) if wanted(row.name)]
    print(HEAD)
    for threads in options.threads if table else ():
        old, new = ([Worker(tree, threads, options.tiny) for _ in range(options.pairs)] for tree in trees)
        for row in table:
            add(compare(row, [*zip(old, new, strict=True)], threads, options))
        for worker in (*old, *new):
            worker.close()
    for name in filter(wanted, STARTS):
        add(compare_starts(name, trees, max(options.threads), options))
    return comparisons


def main() -> None:
    """Measure and print the table; exit with status 1 if a row failed or its results differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", required=True, metavar="REV", help="commit, branch or tag to compare with")
    parser.add_argument("--only", nargs="+", default=[""], help='rows whose names contain one of these: "train n=8"')
    parser.add_argument("--allow", type=float, default=0.0, help="difference allowed where the same bits are promised")
    parser.add_argument("--rounds", type=int, default=9, help="timings of each row in each tree")
    parser.add_argument("--pairs", type=int, default=3, help="processes that each tree has, used by turns")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--budget", type=float, default=0.15, help="seconds of steps in one timing")
    parser.add_argument("--tiny", action="store_true", help="the same kinds of row in sizes that take milliseconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options.folder = Path(folder)
        comparisons = measured(options)
    if any(each.disturbed for each in comparisons):
        print("\n* other programs used the machine meanwhile: measure that row again")
    slower = [f"{each.name} ({each.threads} threads)" for each in comparisons if each.slower]
    print(f"\nSlower by more than {LIMIT - 1:.0%}: {'; '.join(slower) or 'none'}")
    if any(each.failed for each in comparisons):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
