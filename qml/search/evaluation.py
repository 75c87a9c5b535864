"""Evaluation of one trial: fits on folds, scores after parts of the training, and what else is measured."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qml.honesty.scores import Metrics
from qml.library_threads import one_blas_thread, one_library_thread
from qml.search.costs import measure_cost
from qml.search.families import Drawn, Family, Kind, draw
from qml.training.progress import TrainingProgress, joined

__all__ = ["COMPLETE", "FAILED", "PRUNED", "Outcome", "Reporter", "Task", "evaluate", "scored"]

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

COMPLETE, PRUNED, FAILED = "complete", "pruned", "failed"

PARTS = 8
"""Number of parts into which the epochs of a fold are divided."""

REPORTED = (1, 2, 4)
"""Numbers of finished parts of a training after which a trial is scored; at the end of the fold, all have."""


MAX_SERIAL_ROWS = 2000
"""Maximum number of rows for which linear algebra uses one thread."""


class Reporter(Protocol):
    """What receives the scores of a running trial and decides whether it goes on."""

    def report(self, value: float, step: int) -> None:
        """Receive the score so far."""

    def should_prune(self) -> bool:
        """Return whether the trial is to be stopped."""


@dataclass(frozen=True)
class Task:
    """Data and rules that all trials of a search share.

    Attributes
    ----------
    X, y : ndarray
    folds : sequence of (training rows, validation rows)
    families : sequence of Family
    metrics : Metrics
    scorer : callable, optional
        ``scorer(model, X, y)`` in place of the first metric.
    costs : sequence of str
        Further objectives, see `qml.search.costs.COSTS`.
    backend : Backend, optional
        Backend for which depth and gates are counted.
    seed : int
    """

    X: Array
    y: NDArray[Any]
    folds: Sequence[tuple[Rows, Rows]]
    families: Sequence[Family]
    metrics: Metrics
    scorer: Callable[[Any, Any, Any], float] | None
    costs: Sequence[str]
    backend: Any
    seed: int

    def drawn(self, parameters: dict[str, Any], kind: Kind) -> Drawn:
        """Rebuild what a trial with these parameters drew."""
        return draw(_Stored(parameters), kind, self.families, self.X.shape[1])


class _Stored:
    """Trial that draws the parameters of an earlier one."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._parameters = parameters

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._parameters[name]

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return int(self._parameters[name])

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self._parameters[name])


@dataclass
class Outcome:
    """Result of a trial.

    Attributes
    ----------
    state : {"complete", "pruned", "failed"}
    scores : list of float
        Score of each finished fold.
    predictions : list of ndarray
        Predictions of the validation rows of each finished fold.
    costs : list of float
        Further objectives.
    seconds, fit_seconds : float
        Time of the trial, and of the fits and predictions in it.
    reports : list of (float, int)
        Scores so far, with their steps.
    error : str
        Why the trial failed.
    """

    state: str = COMPLETE
    scores: list[float] = field(default_factory=list)
    predictions: list[NDArray[Any]] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    seconds: float = 0.0
    fit_seconds: float = 0.0
    reports: list[tuple[float, int]] = field(default_factory=list)
    error: str = ""

    @property
    def score(self) -> float:
        """Mean score of the finished folds."""
        return float(np.mean(self.scores))


def evaluate(task: Task, drawn: Drawn, reporter: Reporter | None) -> Outcome:
    """Fit a trial's model on each fold and score it; an error ends the trial, not the search.

    Parameters
    ----------
    task : Task
    drawn : Drawn
    reporter : Reporter, optional
        Without, nothing is pruned.
    """
    outcome = Outcome()
    start = time.perf_counter()
    try:
        with _few_threads(task, drawn.family.kind), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # settings that do not suit the data are judged by their score
            for number in range(len(task.folds)):
                if not _run_fold(task, drawn, number, reporter, outcome):
                    outcome.state = PRUNED
                    break
    except Exception as error:  # any: settings are drawn, and a model of the user may do anything
        outcome.state, outcome.error = FAILED, _described(error)
    outcome.seconds = time.perf_counter() - start
    return outcome


def scored(task: Task, model: Any, X: Array, y: NDArray[Any], predictions: NDArray[Any]) -> float:
    """Score predictions by the metric that decides, or a model by the scorer.

    Raises
    ------
    ValueError
        If the score is not a finite number.
    """
    value = task.metrics.main(y, predictions) if task.scorer is None else float(task.scorer(model, X, y))
    if not np.isfinite(value):
        raise ValueError(f"the score of the trial is {value}")
    return value


def _run_fold(task: Task, drawn: Drawn, number: int, reporter: Reporter | None, outcome: Outcome) -> bool:
    """Fit and score on one fold; return whether the trial goes on."""
    training, validation = task.folds[number]
    clock = time.perf_counter()
    steps, X_train, X_valid = [], task.X[training], task.X[validation]
    for name, step in drawn.pipeline(None).steps[:-1] if drawn.steps else []:
        X_train = step.fit_transform(X_train)
        X_valid = step.transform(X_valid)
        steps.append((name, step))
    y_train, y_valid = task.y[training], task.y[validation]
    model = drawn.estimator(task.seed)
    watch = None
    if reporter is not None and "callback" in model.get_params(deep=False):
        watch = _Watch(task, model, X_valid, y_valid, number, reporter, outcome)
        model.set_params(callback=watch.joined_to(model.callback))
    model.fit(X_train, y_train)
    fit_seconds = time.perf_counter() - clock
    if watch is not None and watch.stopped:
        outcome.fit_seconds += fit_seconds - watch.seconds
        return False
    predictions = np.asarray(model.predict(X_valid))
    outcome.fit_seconds += time.perf_counter() - clock - (0.0 if watch is None else watch.seconds)
    outcome.scores.append(scored(task, model, X_valid, y_valid, predictions))
    outcome.predictions.append(predictions)
    if number == len(task.folds) - 1:
        fitted = drawn.pipeline(model, steps)
        outcome.costs = [
            measure_cost(name, fitted, task.X[validation], fit_seconds, task.backend) for name in task.costs
        ]
        return True
    return reporter is None or _goes_on(reporter, outcome, outcome.score, (number + 1) * PARTS)


def _goes_on(reporter: Reporter, outcome: Outcome, value: float, step: int) -> bool:
    outcome.reports.append((value, step))
    reporter.report(value, step)
    return not reporter.should_prune()


@dataclass
class _Watch:
    """Callback of a training run: scores the weights after parts of the epochs, and stops a run that is pruned."""

    task: Task
    model: Any
    X: Array
    y: NDArray[Any]
    fold: int
    reporter: Reporter
    outcome: Outcome
    stopped: bool = False
    seconds: float = 0.0

    def joined_to(self, callback: Any) -> Any:
        """Return a callback that also calls the estimator's own."""
        return self if callback is None else joined([self, callback])

    def __call__(self, progress: TrainingProgress) -> bool:
        part = progress.epoch * PARTS / progress.epochs
        before = (progress.epoch - 1) * PARTS / progress.epochs
        passed = [number for number in REPORTED if before < number <= part]
        if not passed:
            return False
        start = time.perf_counter()
        current = copy.copy(self.model)
        current.weights_ = progress.weights
        value = scored(self.task, current, self.X, self.y, np.asarray(current.predict(self.X)))
        mean = float(np.mean([*self.outcome.scores, value]))
        self.stopped = not _goes_on(self.reporter, self.outcome, mean, self.fold * PARTS + passed[-1])
        self.seconds += time.perf_counter() - start
        return self.stopped


def _few_threads(task: Task, kind: Kind) -> AbstractContextManager[Any]:
    """Return a context in which scikit-learn's models, and linear algebra on small data, use one thread."""
    if kind == "classical":
        return one_library_thread()
    return one_blas_thread() if len(task.y) <= MAX_SERIAL_ROWS else nullcontext()


def _described(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
