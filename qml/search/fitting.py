"""A whole search: trials on all rows, outer folds of a nested search, the refit, the leaderboard."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import VotingClassifier, VotingRegressor

from qml.honesty.baselines import cross_validation_splits
from qml.honesty.opponents import Task as TaskName
from qml.search.comparison import Comparison, Contender, compare
from qml.search.evaluation import Task, scored
from qml.search.families import Kind
from qml.search.leaderboard import Leaderboard, rows_of
from qml.search.progress import SearchProgress
from qml.search.records import TrialRecord, unpack_array
from qml.search.running import Run, run_trials
from qml.search.starts import first_parameters
from qml.training.description import description, digest
from simulator.errors import QumbaError

__all__ = ["Options", "Result", "SearchFailedError", "search"]

Array = NDArray[np.float64]
MakeTask = Callable[[Array, NDArray[Any], int], tuple[Task, dict[str, str]]]

KINDS: tuple[Kind, ...] = ("quantum", "classical")


class SearchFailedError(QumbaError, ValueError):
    """No quantum trial of a search could be completed."""


@dataclass(frozen=True)
class Options:
    """Settings of a search; see `QuantumSearchCV`."""

    task: TaskName
    n_trials: int
    timeout: float | None
    cv: int
    nested: int | None
    pruner: str | None
    ensemble: int
    warm_starts: bool
    n_jobs: int | None
    verbose: bool
    scoring: Any
    study: str | os.PathLike[str] | None


@dataclass
class Result:
    """Result of a search; `attributes` are those of the estimator."""

    best_estimator: Any
    best_trial: TrialRecord
    best_params: dict[str, Any]
    leaderboard: Leaderboard
    run: Run
    costs: Sequence[str]
    outer_scores: Array | None = None
    fit_seconds: float = 0.0

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the search."""
        return self.run.interrupted

    def attributes(self) -> dict[str, Any]:
        """Return the learnt attributes by name."""
        return {
            "best_estimator_": self.best_estimator,
            "best_score_": self.best_trial.score,
            "best_params_": self.best_params,
            "best_trial_": self.best_trial,
            "leaderboard_": self.leaderboard,
            "trials_": self.run.records,
            "pareto_front_": pareto_front(self.run.records),
            "outer_scores_": self.outer_scores,
            "fit_seconds_": self.fit_seconds,
        }


@dataclass
class _Outer:
    """Best models of a nested search on its outer folds: name, trials, score and predictions of each."""

    truth: list[NDArray[Any]] = field(default_factory=list)
    train_rows: list[int] = field(default_factory=list)
    results: dict[str, list[tuple[str, int, float, NDArray[Any]]]] = field(
        default_factory=lambda: {kind: [] for kind in KINDS}
    )


def search(X: Array, y: NDArray[Any], seed: int, options: Options, make_task: MakeTask) -> Result:
    """Search on all rows, and on those of each outer fold, and train the best model.

    Parameters
    ----------
    X, y : ndarray
    seed : int
    options : Options
    make_task : callable
        ``make_task(X, y, seed)`` returns folds, models and rules for some rows, and the models left out.
    """
    from qml.search.studies import open_storage  # imports Optuna

    task, left_out = make_task(X, y, seed)
    outer_splits = [] if options.nested is None else _outer_splits(y, options, seed)
    outer_tasks = [make_task(X[training], y[training], seed)[0] for training, _ in outer_splits]
    share = None if options.timeout is None else options.timeout / (1 + len(outer_splits))
    with open_storage(options.study) as storage:
        run = _run(storage, "search", task, options, share)
        best = run.best("quantum")
        if best is None:
            raise _failure(run)
        _warn_of_small_budget(run, options)
        outer: _Outer | None = None if options.nested is None else _Outer()
        fit_seconds = sum(record.fit_seconds for record in run.records)
        tests = [testing for _, testing in outer_splits]
        for number, (testing, inner) in enumerate(zip(tests, outer_tasks, strict=True), 1):
            if run.interrupted:
                break
            inner_run = _run(storage, f"outer fold {number} of {len(outer_splits)}", inner, options, share)
            fit_seconds += sum(record.fit_seconds for record in inner_run.records)
            run.interrupted = run.interrupted or inner_run.interrupted
            assert outer is not None
            if not run.interrupted:
                _score_outer(outer, inner, inner_run, X[testing], y[testing], options.ensemble)
    start = time.perf_counter()
    model = refitted(task, run.best_models("quantum", options.ensemble))
    fit_seconds += time.perf_counter() - start
    complete = outer if outer is not None and len(outer.truth) == options.nested else None
    board = _leaderboard(task, run, left_out, complete, options)
    scores = None if complete is None else np.array([score for _, _, score, _ in complete.results["quantum"]])
    settings = task.drawn(best.params, best.kind).settings
    return Result(model, best, settings, board, run, task.costs, scores, fit_seconds)


def pareto_front(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the complete quantum trials that no other beats in one objective without losing in another."""
    complete = [record for record in records if record.complete and record.kind == "quantum"]
    if not complete:
        return []
    values = np.array([[-record.score, *record.costs] for record in complete])
    beaten = [bool(((values <= row).all(axis=1) & (values < row).any(axis=1)).any()) for row in values]
    return sorted((record for record, b in zip(complete, beaten, strict=True) if not b), key=lambda r: -r.score)


def refitted(task: Task, records: Sequence[TrialRecord]) -> Any:
    """Train the models of trials on all rows of a task; return the model of one trial, or the ensemble of several."""
    drawn = [task.drawn(record.params, record.kind) for record in records]
    models = [entry.pipeline(entry.estimator(task.seed)) for entry in drawn]
    model = models[0] if len(models) == 1 else _ensemble(records, models, regression=task.metrics.labels is None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(task.X, task.y)


def _ensemble(records: Sequence[TrialRecord], models: Sequence[Any], *, regression: bool) -> Any:
    named = [(f"trial {record.number}", model) for record, model in zip(records, models, strict=True)]
    if regression:
        return VotingRegressor(named)
    return VotingClassifier(named, voting="soft" if all(hasattr(m, "predict_proba") for m in models) else "hard")


def _run(storage: Any, name: str, task: Task, options: Options, timeout: float | None) -> Run:
    from qml.search.studies import KindStudy, new_pruner

    present = {family.kind for family in task.families}
    identity = _identity(task, options)
    studies = {
        kind: KindStudy(
            storage, name, kind, identity, task.costs, new_pruner(options.pruner, bool(task.costs)), task.seed
        )
        for kind in KINDS
        if kind in present
    }
    starts = first_parameters(task, options.task, warm=options.warm_starts)
    with SearchProgress(name, options.verbose) as progress:
        return run_trials(
            task,
            studies,
            starts,
            n_trials=options.n_trials,
            timeout=timeout,
            n_jobs=options.n_jobs,
            announce=progress,
        )


def _identity(task: Task, options: Options) -> dict[str, str]:
    """Return what a stored study must agree with, by the name that a message uses."""
    labels = task.y if task.y.dtype.kind in "iufb" else np.searchsorted(np.unique(task.y), task.y)
    return {
        "data": digest(task.X, np.asarray(labels, np.float64)),
        "classes": description([] if task.metrics.labels is None else [str(label) for label in task.metrics.labels]),
        "task": options.task,
        "cv": str(options.cv),
        "random_state": str(task.seed),
        "models": description(
            {family.name: repr(family.estimator) for family in task.families if family.kind == "quantum"}
        ),
        "classical": str(any(family.kind == "classical" for family in task.families)),
        "objectives": ", ".join(task.costs),
        "backend": description(task.backend),
        "scoring": description(options.scoring),
        "pruner": str(options.pruner),
        "warm_starts": str(options.warm_starts),
    }


def _outer_splits(y: NDArray[Any], options: Options, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    assert options.nested is not None
    return cross_validation_splits(options.task, y, options.nested, 1, seed)


def _score_outer(outer: _Outer, task: Task, run: Run, X: Array, y: NDArray[Any], ensemble: int) -> None:
    """Train the best models of an outer fold on its training rows, and score them on the others."""
    for kind in KINDS:
        best = run.best_models(kind, ensemble)
        if not best:
            if kind == "quantum":
                raise _failure(run)
            continue
        name = best[0].family if len(best) == 1 else f"an ensemble of {len(best)} {kind} models"
        model = refitted(task, best)
        predictions = np.asarray(model.predict(X))
        trials = sum(record.kind == kind for record in run.records)
        outer.results[kind].append((name, trials, scored(task, model, X, y, predictions), predictions))
    outer.truth.append(y)
    outer.train_rows.append(len(task.y))


def _leaderboard(task: Task, run: Run, left_out: dict[str, str], outer: _Outer | None, options: Options) -> Leaderboard:
    metric = task.metrics.primary
    if task.scorer is not None:
        metric = options.scoring if isinstance(options.scoring, str) else "the score"
    notes = []
    if run.exhausted:
        notes.append(f"all models of the spaces were tried after {len(run.records)} trials")
    if run.timed_out:
        notes.append(f"the time limit ended the search after {len(run.records)} of {options.n_trials} trials")
    comparison = _inner_comparison(task, run, metric) if outer is None else _outer_comparison(task, outer, metric)
    return Leaderboard(rows_of(run.records, task.families), comparison, left_out, metric, tuple(notes))


def _inner_comparison(task: Task, run: Run, metric: str) -> Comparison | None:
    records = [run.best(kind) for kind in KINDS]
    if records[0] is None or records[1] is None:
        return None
    ends = np.cumsum([len(validation) for _, validation in task.folds])[:-1]
    contenders = []
    for record in filter(None, records):
        values = unpack_array(record.predictions)
        labels = task.metrics.labels
        folds = np.split(values if labels is None else labels[values], ends)
        same_kind = [other for other in run.records if other.kind == record.kind]
        families = len({other.family for other in same_kind})
        contenders.append(Contender(record.family, len(same_kind), families, record.fold_scores, tuple(folds)))
    truth = [task.y[validation] for _, validation in task.folds]
    train_rows = float(np.mean([len(training) for training, _ in task.folds]))
    quantum, classical = contenders
    return compare(quantum, classical, truth, train_rows, task.metrics, unseen=False, metric=metric)


def _outer_comparison(task: Task, outer: _Outer, metric: str) -> Comparison | None:
    contenders = []
    for kind in KINDS:
        results = outer.results[kind]
        if len(results) != len(outer.truth):
            return None
        names = list(dict.fromkeys(name for name, _, _, _ in results))
        title = names[0] if len(names) == 1 else f"the best {kind} model ({', '.join(names)})"
        families = len([family for family in task.families if family.kind == kind])
        trials = max(count for _, count, _, _ in results)
        scores = tuple(score for _, _, score, _ in results)
        contenders.append(Contender(title, trials, families, scores, tuple(values for _, _, _, values in results)))
    train_rows = float(np.mean(outer.train_rows))
    quantum, classical = contenders
    return compare(quantum, classical, outer.truth, train_rows, task.metrics, unseen=True, metric=metric)


def _failure(run: Run) -> BaseException:
    if run.interrupted:
        return KeyboardInterrupt("the search was interrupted before its first trial was complete")
    errors = [record.error for record in run.records if record.error and record.kind == "quantum"]
    reason = f"the first failed with {errors[0]}" if errors else "none of them was complete: give it more trials"
    return SearchFailedError(f"no quantum model could be scored in {len(run.records)} trials; {reason}")


def _warn_of_small_budget(run: Run, options: Options) -> None:
    if run.timed_out and len(run.records) < 2:
        warnings.warn(
            f"timeout={options.timeout:g} seconds was enough for a single trial: nothing was searched; give more time, "
            "fewer folds, or fewer models",
            stacklevel=4,
        )
