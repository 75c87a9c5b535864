"""First trials of a search: settings that won on data sets like the one at hand, by their meta-features.

The table ``starts.json`` is made by ``python -m benchmarks.search_starts``, which searches the study's data sets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

from qml.honesty.opponents import Task as TaskName
from qml.honesty.opponents import single_threaded
from qml.search.evaluation import Task
from qml.search.families import COMPONENTS, QUANTUM_MODEL, Family, Kind, usual_parameters

__all__ = ["META_FEATURES", "first_parameters", "meta_features", "starts_table"]

Array = NDArray[np.float64]

FIRST_TRIALS = 10
"""Number of quantum trials whose parameters are not drawn."""

META_FEATURES = ("log rows", "log features", "log classes", "linear score", "neighbour score", "first components")
"""What data sets are compared by."""

MAX_ROWS = 400
"""Number of rows from which meta-features are computed."""


@cache
def starts_table() -> dict[str, Any]:
    """Return the table of data sets, their meta-features and the parameters that won, with its date."""
    text = files("qml.search").joinpath("starts.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def meta_features(X: Array, y: NDArray[Any], task: TaskName) -> Array:
    """Compute the meta-features of a data set, shape (n_meta_features,): its sizes and what two simple models score.

    Each of two halves of the rows, at most 400, is predicted from the other: by a linear model, and by the nearest row.

    Parameters
    ----------
    X : float ndarray, shape (n_samples, n_features)
    y : ndarray, shape (n_samples,)
    task : {"classification", "regression"}
    """
    rows = np.random.default_rng(0).permutation(len(y))[:MAX_ROWS]
    scaled, targets = StandardScaler().fit_transform(X[rows]), y[rows]
    variances = np.sort(np.linalg.eigvalsh(np.cov(scaled, rowvar=False).reshape(X.shape[1], -1)))[::-1]
    share = float(variances[:2].sum() / max(variances.sum(), np.finfo(float).tiny))
    classes = len(np.unique(y)) if task == "classification" else 1
    with single_threaded():
        if task == "classification":
            scores = [_halves(model, scaled, targets, balanced_accuracy_score) for model in _classifiers()]
        else:
            scores = [max(_halves(model, scaled, targets, r2_score), 0.0) for model in _regressors()]
    return np.array([np.log10(len(y)), np.log10(X.shape[1]), np.log10(classes), *scores, share])


def first_parameters(task: Task, name: TaskName, *, warm: bool) -> dict[Kind, list[dict[str, Any]]]:
    """Return the parameters of the first trials of each kind.

    Quantum models start with what won on the data sets that are nearest by their meta-features, or with their usual
    settings; classical models with their usual settings.

    Parameters
    ----------
    task : Task
    name : {"classification", "regression"}
    warm : bool
        Whether to use the table.
    """
    quantum = [family for family in task.families if family.kind == "quantum"]
    queue = _warm(task, name, quantum) if warm else []
    order = list(dict.fromkeys([*(entry[QUANTUM_MODEL] for entry in queue), *(family.name for family in quantum)]))
    queue += [usual_parameters(next(f for f in quantum if f.name == model)) for model in order]
    classical = [usual_parameters(family) for family in task.families if family.kind == "classical"]
    return {"quantum": _distinct(queue)[:FIRST_TRIALS], "classical": classical}


def _warm(task: Task, name: TaskName, quantum: Sequence[Family]) -> list[dict[str, Any]]:
    """Return the winners of the nearest data sets: the first of each, then the second of each, and so on."""
    entries = starts_table()["data sets"]
    if not entries or len(task.y) < 4:
        return []
    table = np.array([entry["meta-features"] for entry in entries])
    spread = table.std(axis=0)
    distances = np.abs((table - meta_features(task.X, task.y, name)) / np.where(spread > 0, spread, 1.0)).sum(axis=1)
    nearest = [entries[index]["winners"] for index in np.argsort(distances, kind="stable")]
    depth = max(map(len, nearest))
    winners = [winners[rank] for rank in range(depth) for winners in nearest if rank < len(winners)]
    suited = (_suited(winner, name, quantum, task.X.shape[1]) for winner in winners)
    return [parameters for parameters in suited if parameters is not None]


def _suited(
    winner: Mapping[str, Any], name: TaskName, quantum: Sequence[Family], n_features: int
) -> dict[str, Any] | None:
    """Return a winner's parameters for the task at hand; None if its model takes no part."""
    family = winner[QUANTUM_MODEL]
    known = {member.name for member in quantum}
    suited = family if name == "classification" else family.replace("Classifier", "Regressor")
    if suited not in known or winner.get(COMPONENTS, 0) >= n_features:
        return None
    renamed = {key.replace(f"{family}.", f"{suited}.", 1): value for key, value in winner.items()}
    return renamed | {QUANTUM_MODEL: suited}


def _distinct(queue: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({repr(sorted(entry.items())): entry for entry in queue}.values())


def _classifiers() -> tuple[Any, ...]:
    return LogisticRegression(max_iter=200), KNeighborsClassifier(1)


def _regressors() -> tuple[Any, ...]:
    return Ridge(), KNeighborsRegressor(1)


def _halves(model: Any, X: Array, y: NDArray[Any], score: Any) -> float:
    """Return the mean score of a model on each half of the rows, trained on the other."""
    scores = []
    for first in (0, 1):
        X_train, y_train, X_test, y_test = X[first::2], y[first::2], X[1 - first :: 2], y[1 - first :: 2]
        if len(np.unique(y_train)) < 2 or len(y_test) < 2:
            return 0.0
        scores.append(score(y_test, model.fit(X_train, y_train).predict(X_test)))
    return float(np.mean(scores))
