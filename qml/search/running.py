"""The loop over trials: which kind of model comes next, with which budget, on how many workers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs

from qml.search.evaluation import Outcome, Task, evaluate
from qml.search.families import CLASSICAL_MODEL, QUANTUM_MODEL, Drawn, Kind, draw
from qml.search.records import TrialRecord, record_of

__all__ = ["Progress", "Run", "run_trials"]

CLASSICAL_EVERY = 3
"""Every third trial is one of a classical model: their fits are short, and they need fewer."""

MAX_REPEATS = 50
"""Number of draws in a row that repeat earlier trials after which a space is taken as exhausted."""


VARIED_EVERY = 2
"""After the first trials, every second one varies a good earlier one; the others are drawn from the whole space."""

VARIED_TRIALS, VARIED_PARAMETERS = 3, 2
"""Number of best trials that are varied, and maximum number of parameters that a variation draws anew."""

VARIED_ATTEMPTS = 5
"""Number of variations in a row that repeat earlier trials after which the whole space is drawn from."""


@dataclass(frozen=True)
class Progress:
    """What is told after each trial.

    Attributes
    ----------
    record : TrialRecord
        The trial that has ended.
    done, total : int
        Numbers of trials.
    best : dict of kind to TrialRecord
        Best complete trial of each kind so far.
    seconds_left : float
        Estimated from the trials so far and the time limit.
    """

    record: TrialRecord
    done: int
    total: int
    best: Mapping[str, TrialRecord]
    seconds_left: float


@dataclass
class Run:
    """Trials of a search, and how it ended.

    Attributes
    ----------
    records : list of TrialRecord
    interrupted : bool
        Whether Ctrl-C ended it.
    timed_out : bool
        Whether the time limit ended it.
    exhausted : bool
        Whether every model of the spaces was tried before the trials were used up.
    """

    records: list[TrialRecord] = field(default_factory=list)
    interrupted: bool = False
    timed_out: bool = False
    exhausted: bool = False

    def best(self, kind: Kind) -> TrialRecord | None:
        """Return the complete trial of a kind with the highest score, the first of equals."""
        complete = [record for record in self.records if record.kind == kind and record.complete]
        return max(complete, key=lambda record: record.score, default=None)

    def best_models(self, kind: Kind, count: int) -> list[TrialRecord]:
        """Return the best complete trials of different families; if these are too few, second trials, and so on."""
        complete = [record for record in self.records if record.kind == kind and record.complete]
        ranked, places = [], Counter[str]()
        for record in sorted(complete, key=lambda record: -record.score):
            ranked.append((places[record.family], record))
            places[record.family] += 1
        return [record for _, record in sorted(ranked, key=lambda entry: entry[0])[:count]]


def run_trials(
    task: Task,
    studies: Mapping[Kind, Any],
    starts: Mapping[Kind, Sequence[Mapping[str, Any]]],
    *,
    n_trials: int,
    timeout: float | None,
    n_jobs: int | None,
    announce: Callable[[Progress], None] = lambda _: None,
) -> Run:
    """Run trials until there are ``n_trials`` finished ones, stored ones included, or the time is over.

    Parameters
    ----------
    task : Task
    studies : mapping of kind to KindStudy
    starts : mapping of kind to parameters of the first trials
    n_trials : int
    timeout : float, optional
        Seconds after which no trial is started.
    n_jobs : int, optional
        Number of trials at a time, in processes of joblib's backend.
    announce : callable
    """
    run = Run(sorted((r for study in studies.values() for r in study.records()), key=lambda record: record.number))
    loop = _Loop(task, studies, starts, run)
    workers = effective_n_jobs(n_jobs)
    start, first = time.monotonic(), len(run.records)
    try:
        while len(run.records) < n_trials:
            if timeout is not None and len(run.records) > first and time.monotonic() - start >= timeout:
                run.timed_out = True
                break
            asked = loop.ask(min(workers, n_trials - len(run.records)))
            if not asked:
                run.exhausted = True
                break
            for record in loop.evaluate(asked, workers):
                run.records.append(record)
                announce(_progress(run, n_trials, first, time.monotonic() - start, timeout))
    except KeyboardInterrupt:
        run.interrupted = True
        loop.drop_running()
    return run


@dataclass
class _Asked:
    """A trial that was asked for and what it drew."""

    study: Any
    trial: Any
    drawn: Drawn
    kind: Kind


class _Loop:
    def __init__(self, task: Task, studies: Mapping[Kind, Any], starts: Mapping[Kind, Any], run: Run) -> None:
        self.task, self.studies, self.starts, self.run = task, studies, starts, run
        self.seen = {_key(record.kind, record.params) for record in run.records}
        self.exhausted: set[Kind] = set()
        self.running: list[_Asked] = []

    def ask(self, count: int) -> list[_Asked]:
        """Ask for trials that were not evaluated yet; fewer, or none, if the spaces hold no more."""
        for _ in range(count):
            asked = self._ask_at(len(self.run.records) + len(self.running))
            if asked is None:
                break
            self.running.append(asked)
        return list(self.running)

    def _ask_at(self, position: int) -> _Asked | None:
        kinds: list[Kind] = ["quantum", "classical"]
        if position % CLASSICAL_EVERY == CLASSICAL_EVERY - 1:
            kinds.reverse()
        for kind in kinds:
            if kind not in self.studies or kind in self.exhausted:
                continue
            study = self.studies[kind]
            for attempt in range(MAX_REPEATS):
                trial = study.ask(position, attempt, self._fixed(kind, position, attempt))
                try:
                    drawn = draw(trial, kind, self.task.families, self.task.X.shape[1])
                except BaseException:
                    study.drop(trial)
                    raise
                key = _key(kind, trial.params)
                if key not in self.seen:
                    self.seen.add(key)
                    return _Asked(study, trial, drawn, kind)
                study.drop(trial)
            self.exhausted.add(kind)
        return None

    def _fixed(self, kind: Kind, position: int, attempt: int) -> Mapping[str, Any] | None:
        """Return the parameters that the next trial does not draw: all of a first trial, most of a variation."""
        index, starts = self._number_of(kind), self.starts[kind]
        if index < len(starts):
            return starts[index] if attempt == 0 else None
        if index % VARIED_EVERY or attempt >= VARIED_ATTEMPTS or self.task.costs:
            return None
        complete = [record for record in self.run.records if record.kind == kind and record.complete]
        best = sorted(complete, key=lambda record: -record.score)[:VARIED_TRIALS]
        rng = self.studies[kind].generator(position, attempt)
        params = best[rng.integers(len(best))].params if best else {}
        names = [name for name in params if name not in (QUANTUM_MODEL, CLASSICAL_MODEL)]
        if not names:
            return None
        varied = rng.choice(names, min(len(names), rng.integers(1, VARIED_PARAMETERS, endpoint=True)), replace=False)
        return {name: value for name, value in params.items() if name not in varied}

    def _number_of(self, kind: Kind) -> int:
        finished = sum(record.kind == kind for record in self.run.records)
        return finished + sum(asked.kind == kind for asked in self.running)

    def evaluate(self, asked: list[_Asked], workers: int) -> list[TrialRecord]:
        """Evaluate trials and store their results."""
        here = workers == 1
        reporters = [entry.study.reporter(entry.trial, here=here) for entry in asked]
        if here:
            outcomes = [
                evaluate(self.task, entry.drawn, reporter) for entry, reporter in zip(asked, reporters, strict=True)
            ]
        else:
            outcomes = Parallel(n_jobs=workers)(
                delayed(evaluate)(self.task, entry.drawn, reporter)
                for entry, reporter in zip(asked, reporters, strict=True)
            )
        first = len(self.run.records)
        records = [
            self._told(entry, outcome, first + number, here)
            for number, (entry, outcome) in enumerate(zip(asked, outcomes, strict=True))
        ]
        self.running.clear()
        return records

    def _told(self, asked: _Asked, outcome: Outcome, number: int, here: bool) -> TrialRecord:
        params = dict(asked.trial.params)
        record = record_of(outcome, number, asked.drawn.family.name, asked.kind, params, self.task.metrics.labels)
        asked.study.tell(asked.trial, outcome, record, reported=here)
        return record

    def drop_running(self) -> None:
        """End trials that were interrupted; they are evaluated again when the study is resumed."""
        for entry in self.running:
            try:
                entry.study.drop(entry.trial)
            except (ValueError, RuntimeError):  # it was told just before
                continue


def _key(kind: str, params: Mapping[str, Any]) -> tuple[Any, ...]:
    return (kind, *sorted((name, repr(value)) for name, value in params.items()))


def _progress(run: Run, total: int, first: int, seconds: float, timeout: float | None) -> Progress:
    done = len(run.records)
    left = seconds / max(done - first, 1) * (total - done)
    if timeout is not None:
        left = min(left, max(timeout - seconds, 0.0))
    best = {kind: best for kind in ("quantum", "classical") if (best := run.best(kind)) is not None}  # type: ignore[arg-type]
    return Progress(run.records[-1], done, total, best, left)
