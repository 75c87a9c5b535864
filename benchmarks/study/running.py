"""Runs cells through joblib, in processes here or on a Dask cluster, and keeps the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from benchmarks.study.journal import Journal
from benchmarks.study.settings import Cell

__all__ = ["MAX_KILLED", "Progress", "run"]

Work = Callable[[Cell], dict[str, Any]]

MAX_KILLED = 3
"""Maximum number of times in a row that workers are killed before a cell is finished."""


class Progress:
    """Prints a line per cell, with the time that is left.

    The estimate takes the mean seconds of each model so far, and of all models for one without a cell.

    Parameters
    ----------
    remaining : sequence of Cell
    known : list of dict
        Records of earlier runs.
    jobs : int
        Number of cells that run at the same time.
    say : callable
        Receives each line.
    """

    def __init__(
        self, remaining: Sequence[Cell], known: Sequence[dict[str, Any]], jobs: int, say: Callable[[str], None]
    ) -> None:
        self.remaining = set(remaining)
        self.total = len(self.remaining)
        self.jobs = jobs
        self.say = say
        self.seconds: dict[tuple[str, bool], list[float]] = {}
        for record in known:
            self._note(record)

    def _note(self, record: dict[str, Any]) -> None:
        if "seconds" in record:
            self.seconds.setdefault((record["model"], record["entangled"]), []).append(record["seconds"])

    def time_left(self) -> float | None:
        """Estimate the seconds until all cells are finished; None before the first."""
        if not self.seconds:
            return None
        means = {model: sum(values) / len(values) for model, values in self.seconds.items()}
        overall = sum(means.values()) / len(means)
        return sum(means.get((cell.model, cell.entangled), overall) for cell in self.remaining) / self.jobs

    def finished(self, cell: Cell, record: dict[str, Any]) -> None:
        """Report a cell."""
        self.remaining.discard(cell)
        self._note(record)
        count = self.total - len(self.remaining)
        if "error" in record:
            self.say(f"[{count}/{self.total}] {cell}: FAILED, {record['error']}")
            return
        score = sum(record["test"]) / len(record["test"])
        left = self.time_left()
        ending = "" if not self.remaining or left is None else f", about {duration(left)} left"
        self.say(f"[{count}/{self.total}] {cell}: {score:.3f} in {record['seconds']:.1f} s{ending}")


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def run(
    remaining: Sequence[Cell],
    journal: Journal,
    work: Work,
    *,
    jobs: int = 1,
    client: Any = None,
    say: Callable[[str], None] = print,
) -> int:
    """Run cells and append each to the journal as soon as it is finished; return the number of failed cells.

    A cell that raises an exception is recorded with its error and run again in the next run. If a worker is killed,
    the cells that were lost with it are run again by new ones.

    Parameters
    ----------
    remaining : sequence of Cell
    journal : Journal
    work : callable
        Function that returns the record of a cell; it must be importable by the workers.
    jobs : int
        Number of worker processes.
    client : dask.distributed.Client, optional
        Cluster that runs the cells, in place of processes here; one per thread of its workers.
    say : callable

    Raises
    ------
    RuntimeError
        If workers are killed again and again.
    """
    waiting = list(remaining)
    if client is not None:
        jobs = max(1, sum(client.ncores().values()))
    progress = Progress(waiting, journal.records, jobs, say)
    killed = failures = 0
    while waiting:
        finished: set[Cell] = set()
        try:
            for cell, record in _results(waiting, work, jobs, client):
                journal.append(record)
                finished.add(cell)
                failures += "error" in record
                progress.finished(cell, record)
                killed = 0
        except (TerminatedWorkerError, BrokenProcessPool, *_killed_on_cluster()) as error:
            killed += 1
            if killed >= MAX_KILLED:
                raise RuntimeError(
                    f"workers were killed {killed} times in a row before a cell was finished, perhaps for lack of "
                    "memory; finished cells are in the journal: run again with fewer --jobs"
                ) from error
            say(f"a worker was killed; {len(waiting) - len(finished)} cells are run by new ones")
        waiting = [cell for cell in waiting if cell not in finished]
    return failures


def _results(waiting: Sequence[Cell], work: Work, jobs: int, client: Any) -> Any:
    calls = [delayed(_attempt)(work, cell) for cell in waiting]
    if client is None and jobs == 1:
        return (call(*arguments, **options) for call, arguments, options in calls)
    if client is None:
        return Parallel(jobs, return_as="generator_unordered", batch_size=1, pre_dispatch=jobs)(calls)
    with parallel_config("dask", client=client):
        return Parallel(jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="all")(calls)


def _attempt(work: Work, cell: Cell) -> tuple[Cell, dict[str, Any]]:
    """Run a cell; an exception becomes a record."""
    try:
        return cell, work(cell)
    except Exception as error:
        place = {"family": cell.family, "size": cell.size, "model": cell.model, "entangled": cell.entangled}
        return cell, place | {"error": f"{type(error).__name__}: {error}"}


def _killed_on_cluster() -> tuple[type[BaseException], ...]:
    """Return the exceptions of a cluster whose workers are killed again and again."""
    try:
        from distributed import KilledWorker
    except ImportError:
        return ()
    return (KilledWorker,)
