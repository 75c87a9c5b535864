"""Training and testing of a quantum model, its twins and its classical opponents on the same splits."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight

from qml.honesty.opponents import (
    Candidates,
    Opponent,
    Task,
    Tuned,
    linear_readout,
    opponents,
    single_threaded,
    take,
    trivial,
)
from qml.honesty.scores import Metrics, class_outputs
from qml.honesty.twins import circuit_inputs, innermost, preprocessing, twin_of

__all__ = ["Contest", "ModelScores", "Role", "Split", "run_contest"]

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
Split = tuple[Rows, Rows]
Role = Literal["quantum", "twin", "readout", "classical", "trivial"]


@dataclass(frozen=True)
class ModelScores:
    """Results of one model on all splits.

    Attributes
    ----------
    name : str
    role : {"quantum", "twin", "readout", "classical", "trivial"}
        The twin is the quantum model without entanglement, the readout a linear model of what the circuit gets.
    scores : dict of str to float ndarray, shape (n_splits,)
        Scores on the test rows; the first metric decides.
    train_scores : float ndarray, shape (n_splits,)
        The first metric on the training rows.
    predictions : tuple of ndarray
        Predictions of the test rows of each split.
    seconds : float ndarray, shape (n_splits,)
        Time of tuning and training.
    train_rows : int ndarray, shape (n_splits,)
        Number of rows that the model was trained on.
    candidates : int ndarray, shape (n_splits,)
        Number of candidates among which it was tuned; 1 means its settings as given.
    settings : tuple of dict
        Settings chosen in each split.
    """

    name: str
    role: Role
    scores: dict[str, Array]
    train_scores: Array
    predictions: tuple[NDArray[Any], ...]
    seconds: Array
    train_rows: NDArray[np.int64]
    candidates: NDArray[np.int64]
    settings: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Contest:
    """Data, splits and budget that all models share.

    Parameters
    ----------
    X : array-like or data frame, shape (n_samples, n_features)
    y : ndarray, shape (n_samples,)
    splits : sequence of (training rows, test rows)
    metrics : Metrics
    candidates : int
        Number of candidates that each classical model is tuned over.
    seconds : float, optional
        Time after which a model tries no further candidate of a split.
    seed : int
    """

    X: Any
    y: NDArray[Any]
    splits: Sequence[Split]
    metrics: Metrics
    candidates: int
    seconds: float | None
    seed: int

    @property
    def task(self) -> Task:
        """Task."""
        return self.metrics.task


@dataclass
class _Entry:
    """A model of the contest: how its unfitted estimator is made in a split, and on which features."""

    name: str
    role: Role
    make: Callable[[int], Any]
    weighted: bool = False


def run_contest(
    contest: Contest,
    estimator: Any,
    quantum_candidates: Candidates,
    *,
    classical: Sequence[Opponent] | None = None,
    fitted: tuple[Any, float] | None = None,
    twin: bool = True,
    announce: Callable[[str], None] = lambda _: None,
) -> tuple[list[ModelScores], dict[str, str]]:
    """Train and test all models on all splits.

    Parameters
    ----------
    contest : Contest
    estimator : unfitted classifier or regressor
    quantum_candidates : Candidates
        Candidates of the quantum model and of its twin.
    classical : sequence of Opponent, optional
        By default `opponents`.
    fitted : (fitted estimator, seconds), optional
        The quantum model of the only split, if it is trained already, and its training time.
    twin : bool
        Whether to train the twin.
    announce : callable
        Receives the name of each model before it is trained.

    Returns
    -------
    scores : list of ModelScores
        The quantum model first, the trivial one last.
    missing : dict of str to str
        Models that could not be compared, and why.
    """
    n_rows = len(contest.splits[0][0])
    front, n_features = _front(estimator, contest.X)
    if classical is None:
        classical = opponents(contest.task, n_features, n_rows, contest.seed)
    entries = [_Entry("quantum model", "quantum", lambda seed: _tuned(contest, estimator, quantum_candidates, seed))]
    missing: dict[str, str] = {}
    unentangled = twin_of(estimator) if twin else None
    if unentangled is not None:
        entries.append(
            _Entry("without entanglement", "twin", lambda seed: _tuned(contest, unentangled, quantum_candidates, seed))
        )
    elif twin:
        missing["without entanglement"] = f"{type(innermost(estimator)).__name__} has no such twin"
    readout = linear_readout(contest.task)
    entries.append(
        _Entry("without the circuit", "readout", lambda seed: _tuned_opponent(contest, readout, None, seed), True)
    )
    for opponent in classical:
        entries.append(
            _Entry(
                opponent.name,
                "classical",
                lambda seed, opponent=opponent: _tuned_opponent(contest, opponent, front, seed),  # type: ignore[misc]
                True,
            )
        )
    nothing = trivial(contest.task)
    entries.append(_Entry(nothing.name, "trivial", lambda seed: _tuned_opponent(contest, nothing, None, seed)))

    class_weight = getattr(innermost(estimator), "class_weight", None)
    results: dict[str, list[_Outcome]] = {entry.name: [] for entry in entries}
    for split in contest.splits:
        quantum: Any = None
        for entry in entries:
            if entry.name in missing:
                continue
            announce(entry.name)
            try:
                known = fitted if entry.role == "quantum" else None
                outcome = _run(contest, split, entry, quantum, known, class_weight)
            except Exception as error:
                if entry.role in ("quantum", "trivial"):
                    raise
                missing[entry.name] = str(error).splitlines()[0] if str(error) else type(error).__name__
                continue
            if entry.role == "quantum":
                quantum = outcome.model
            results[entry.name].append(replace(outcome, model=None))
    scores = [_collected(entry, results[entry.name]) for entry in entries if entry.name not in missing]
    return scores, missing


@dataclass(frozen=True)
class _Outcome:
    model: Any
    scores: dict[str, float]
    train_score: float
    predictions: NDArray[Any]
    seconds: float
    train_rows: int
    candidates: int
    settings: dict[str, Any]


def _run(
    contest: Contest, split: Split, entry: _Entry, quantum: Any, known: tuple[Any, float] | None, class_weight: Any
) -> _Outcome:
    training, testing = split
    X_train, X_test = take(contest.X, training), take(contest.X, testing)
    y_train, y_test = contest.y[training], contest.y[testing]
    if entry.role == "readout":
        X_train, X_test = circuit_inputs(quantum, X_train), circuit_inputs(quantum, X_test)
    if entry.role == "trivial":
        X_train, X_test = np.zeros((len(training), 1)), np.zeros((len(testing), 1))
    classical = entry.role not in ("quantum", "twin")
    weight = None
    if entry.weighted and class_weight is not None:
        weight = compute_sample_weight(class_weight, y_train)
    settings: dict[str, Any] = {}
    num_tried = 1
    with single_threaded(), warnings.catch_warnings():
        if classical:
            warnings.simplefilter("ignore")  # a candidate that does not converge is judged by its score
        if known is not None:
            model, seconds = known
        else:
            start = time.perf_counter()
            tuned = entry.make(contest.seed).fit(X_train, y_train, weight)
            seconds = time.perf_counter() - start
            model, settings, num_tried = tuned.model_, tuned.settings_, tuned.num_tried_
        predictions = np.asarray(model.predict(X_test))
        outputs = None
        if contest.metrics.labels is not None:
            outputs = class_outputs(model, X_test, contest.metrics.labels)
        fitted_values = np.asarray(model.predict(X_train))
    scores = contest.metrics.evaluate(y_test, predictions, outputs)
    train_score = contest.metrics.main(y_train, fitted_values)
    return _Outcome(model, scores, train_score, predictions, seconds, len(training), num_tried, settings)


def _collected(entry: _Entry, outcomes: list[_Outcome]) -> ModelScores:
    return ModelScores(
        name=entry.name,
        role=entry.role,
        scores={name: np.array([o.scores[name] for o in outcomes]) for name in outcomes[0].scores},
        train_scores=np.array([o.train_score for o in outcomes]),
        predictions=tuple(o.predictions for o in outcomes),
        seconds=np.array([o.seconds for o in outcomes]),
        train_rows=np.array([o.train_rows for o in outcomes]),
        candidates=np.array([o.candidates for o in outcomes]),
        settings=tuple(o.settings for o in outcomes),
    )


def _tuned(contest: Contest, estimator: Any, candidates: Candidates, seed: int) -> Tuned:
    metrics = contest.metrics
    return Tuned(
        estimator,
        candidates,
        contest.candidates,
        lambda model, X, y: metrics.main(y, np.asarray(model.predict(X))),
        stratify=contest.task == "classification",
        seconds=contest.seconds,
        seed=seed,
    )


def _tuned_opponent(contest: Contest, opponent: Opponent, front: Any, seed: int) -> Tuned:
    if front is None:
        return _tuned(contest, opponent.estimator, opponent.candidates, seed)
    candidates = Candidates(
        [{f"model__{name}": value for name, value in settings.items()} for settings in opponent.candidates.listed],
        {f"model__{name}": value for name, value in opponent.candidates.drawn.items()},
    )
    return _tuned(contest, Pipeline([("front", clone(front)), ("model", opponent.estimator)]), candidates, seed)


def _front(estimator: Any, X: Any) -> tuple[Any | None, int]:
    """Return the preprocessing without which classical models cannot read X, or None, and the number of features.

    Raises
    ------
    ValueError
        If X holds text or empty cells, and the estimator has no preprocessing for them.
    """
    try:
        if np.isfinite(np.asarray(X, np.float64)).all():
            return None, np.asarray(X).shape[1]
    except (TypeError, ValueError):
        pass
    front = preprocessing(estimator)
    if front is None:
        raise ValueError(
            "X holds text or empty cells, and the classical models need finite numbers: put the estimator in a "
            "pipeline whose first steps make numbers of X, such as tabular_preprocessor()"
        )
    return front, np.shape(X)[1]
