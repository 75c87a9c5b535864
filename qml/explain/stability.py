"""Stability of an explanation: whether another background, or another training run, gives the same one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.base import clone

from qml.explain.outputs import Explained, explained
from qml.explain.shapley import attributions
from qml.settings import check_whole
from qml.tables import TableModel
from simulator.display import Preformatted

__all__ = ["Stability", "background_stability", "importance", "reseeded", "retrained_stability"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Stability(Preformatted):
    """Importances of columns in several runs.

    Attributes
    ----------
    runs : str
        What differs between the runs.
    importances : float ndarray, shape (n_runs, n_columns)
        Mean absolute Shapley values.
    """

    runs: str
    importances: Array

    @property
    def rank_correlation(self) -> float:
        """Mean of Spearman's rank correlation over pairs of runs; NaN for a single column, or equal importances."""
        ranks = np.array([rankdata(row) for row in self.importances])
        centred = ranks - ranks.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(centred, axis=1)
        pairs = list(itertools.combinations(range(len(ranks)), 2))
        with np.errstate(invalid="ignore"):
            return float(np.mean([centred[a] @ centred[b] / (norms[a] * norms[b]) for a, b in pairs]))

    @property
    def same_first(self) -> float:
        """Share of the pairs of runs that have the same most important column."""
        first = self.importances.argmax(axis=1)
        return float(np.mean([first[a] == first[b] for a, b in itertools.combinations(range(len(first)), 2)]))

    @property
    def deviations(self) -> Array:
        """Standard deviation of each column's importance over the runs."""
        return self.importances.std(axis=0, ddof=1)

    def __str__(self) -> str:
        if np.isnan(self.rank_correlation):
            return f"{self.runs}: the columns have no order of importance, which could change"
        return (
            f"{self.runs}: rank correlation of the importances {self.rank_correlation:.2f}, "
            f"same most important column in {self.same_first:.0%} of the pairs"
        )


def importance(values: Array) -> Array:
    """Return the mean absolute Shapley value of each column, over rows and outputs."""
    return np.abs(values).mean(axis=(0, 2))


def background_stability(
    function: Explained, background: Array, rows: Array, n_runs: int, rng: np.random.Generator
) -> Stability:
    """Explain checked rows with random halves of the background."""
    size = max(1, len(background) // 2)
    runs = []
    for _ in range(n_runs):
        half = background[np.sort(rng.permutation(len(background))[:size])]
        runs.append(importance(attributions(function, half, rows, n_permutations=10, rng=rng).values))
    return Stability(f"{n_runs} random halves of the background", np.array(runs))


def retrained_stability(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    X_explained: ArrayLike,
    *,
    n_seeds: int = 5,
    max_background: int = 50,
    groups: Mapping[str, Sequence[int]] | None = None,
    random_state: int = 0,
) -> Stability:
    """Train copies of a model with other seeds, and compare how they explain the same rows.

    Parameters
    ----------
    model : fitted estimator or TableModel
        It is not changed.
    X : array-like or data frame, shape (n_samples, n_features)
        Training rows; also the background.
    y : array-like, shape (n_samples,)
    X_explained : array-like or data frame, shape (n_explained, n_features)
    n_seeds : int
    max_background : int
        Maximum number of background rows.
    groups : mapping from names to numbers of features, optional
    random_state : int
        First seed of the copies, and seed for the background rows.

    Returns
    -------
    Stability

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(max_iter=2000).fit(X, y)
    >>> bool(retrained_stability(clf, X, y, X[::30], n_seeds=2).rank_correlation > 0.3)
    True
    """
    check_whole("n_seeds", n_seeds, least=2)
    check_whole("max_background", max_background)
    rng = np.random.default_rng(random_state)
    runs = []
    for seed in range(random_state, random_state + n_seeds):
        copy = reseeded(model, X, y, seed)
        function, background = explained(copy, X, groups)
        sampled = np.sort(np.random.default_rng(random_state).permutation(len(background))[:max_background])
        rows = function.inputs.rows(X_explained)
        runs.append(importance(attributions(function, background[sampled], rows, n_permutations=10, rng=rng).values))
    return Stability(f"{n_seeds} training runs with other seeds", np.array(runs))


def reseeded(model: Any, X: ArrayLike, y: ArrayLike, seed: int) -> Any:
    """Return a copy that is trained on the same rows with another seed."""
    estimator = model.estimator if isinstance(model, TableModel) else model
    copy = clone(estimator)
    seeds = [name for name in copy.get_params(deep=True) if name.split("__")[-1] == "random_state"]
    copy.set_params(**dict.fromkeys(seeds, seed))
    if isinstance(model, TableModel):
        return TableModel(copy.fit(model.features(X), y), model.schema)
    return copy.fit(X, y)
