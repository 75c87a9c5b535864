"""Importance of columns by permutation, and dependence on one column, both by scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import inspection
from sklearn.base import BaseEstimator, RegressorMixin

from qml.explain.outputs import Explained, explained
from qml.settings import check_whole
from simulator.errors import counted, unknown_name

__all__ = [
    "Dependence",
    "PermutationImportance",
    "column_dependence",
    "partial_dependence",
    "permutation_importance",
    "permuted",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PermutationImportance:
    """Loss of quality when the rows of a column are shuffled.

    Attributes
    ----------
    names : tuple of str
    means, deviations : float ndarray, shape (n_columns,)
        Over the repetitions.
    repeats : float ndarray, shape (n_columns, n_repeats)
    score : float
        Quality without shuffling.
    measure : str
        What the quality is.
    """

    names: tuple[str, ...]
    means: Array
    deviations: Array
    repeats: Array
    score: float
    measure: str


@dataclass(frozen=True)
class Dependence:
    """Outputs as functions of one column, the others being those of each row.

    Attributes
    ----------
    name : str
    values : tuple of float, or tuple of str for categories
    average : float ndarray, shape (n_outputs, n_values)
        Partial dependence.
    individual : float ndarray, shape (n_outputs, n_rows, n_values)
        Individual conditional expectations.
    """

    name: str
    values: tuple[Any, ...]
    average: Array
    individual: Array


def permutation_importance(
    model: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    n_repeats: int = 10,
    groups: Mapping[str, Sequence[int]] | None = None,
    random_state: Any = None,
) -> PermutationImportance:
    """Shuffle one column at a time, and see how much the model loses.

    By ``sklearn.inspection.permutation_importance``, with the same numbers for the same seed. The features of a column
    are shuffled together.

    Parameters
    ----------
    model : fitted classifier or regressor, TableModel, or callable
    X : array-like or data frame, shape (n_rows, n_features)
        Rows that the model was not trained on, if the importance is to be that for new rows.
    y : array-like, shape (n_rows,), optional
        With classes or targets, the model's own score is measured; otherwise the agreement with its own predictions
        (R^2 for numbers).
    n_repeats : int
    groups : mapping from names to numbers of features, optional
    random_state : int, RandomState or None

    References
    ----------
    Breiman, Random forests, Machine Learning 45 (2001) 5.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> permutation_importance(lambda X: X[:, 0], X, random_state=0).means.round(0)
    array([2., 0.])
    """
    check_whole("n_repeats", n_repeats)
    function, rows = explained(model, X, groups)
    targets = None if y is None else np.asarray(y)
    if targets is not None and len(targets) != len(rows):
        raise ValueError(f"y must have one entry per row: expected {len(rows)}, got {len(targets)}")
    return permuted(function, rows, targets, n_repeats, random_state)


def permuted(
    function: Explained, rows: Array, y: NDArray[Any] | None, n_repeats: int, random_state: Any
) -> PermutationImportance:
    """Compute permutation importance for checked rows; parameters as of `permutation_importance`."""
    if len(rows) < 2:
        raise ValueError(f"a column of {counted(len(rows), 'row')} cannot be shuffled: give at least 2 rows")
    columns = function.inputs.columns
    numbers = np.tile(np.arange(len(rows))[:, None], (1, len(columns)))  # shuffled in place of the columns
    reference = function.predict(rows) if y is None else y

    def score(_: Any, places_of_columns: NDArray[np.intp], targets: NDArray[Any]) -> float:
        composed = np.empty_like(rows)
        for column, places in zip(columns, places_of_columns.T, strict=True):
            features = list(column.features)
            composed[:, features] = rows[places][:, features]
        if y is not None and hasattr(function.estimator, "score"):
            return float(function.estimator.score(function.inputs.restored(composed), targets))
        predictions = function.predict(composed)
        if function.is_classifier:
            return float(np.mean(predictions == targets))
        spread = np.sum((targets - targets.mean(axis=0)) ** 2)
        if not spread:
            raise ValueError("the predictions are the same for all rows: there is nothing to lose")
        return 1.0 - float(np.sum((predictions - targets) ** 2) / spread)

    result = inspection.permutation_importance(
        _Shuffled(), numbers, reference, scoring=score, n_repeats=n_repeats, random_state=random_state
    )
    kind = "accuracy" if function.is_classifier else "R^2"
    measure = kind if y is not None else f"{kind} with respect to the model's own predictions"
    base = score(None, numbers, reference)
    return PermutationImportance(
        function.inputs.names, result.importances_mean, result.importances_std, result.importances, base, measure
    )


def partial_dependence(
    model: Any,
    X: ArrayLike,
    columns: Sequence[str | int] | None = None,
    *,
    n_values: int = 30,
    groups: Mapping[str, Sequence[int]] | None = None,
) -> list[Dependence]:
    """Compute outputs as functions of one column at a time: for each row, and their average.

    Numbers by ``sklearn.inspection.partial_dependence``, from the 5 % to the 95 % quantile; categories one by one.
    Where columns are correlated, some of these rows do not occur.

    Parameters
    ----------
    model : fitted classifier or regressor, TableModel, or callable
    X : array-like or data frame, shape (n_rows, n_features)
    columns : sequence of str or int, optional
        Names or numbers of columns, by default all that are numbers or categories.
    n_values : int
    groups : mapping from names to numbers of features, optional

    References
    ----------
    Friedman, Annals of Statistics 29 (2001) 1189. Goldstein, Kapelner, Bleich and Pitkin, arXiv:1309.6392: the curves
    of single rows.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> (dependence,) = partial_dependence(lambda X: X[:, 0] + X[:, 1], X, [0], n_values=3)
    >>> dependence.average.shape, dependence.individual.shape
    ((1, 3), (1, 100, 3))
    """
    check_whole("n_values", n_values, least=2)
    function, rows = explained(model, X, groups)
    names = function.inputs.names
    if columns is None:
        columns = [k for k, column in enumerate(function.inputs.columns) if column.is_single]
    numbers = []
    for column in columns:
        if isinstance(column, str) and column not in names:
            raise unknown_name("column", column, names)
        if not isinstance(column, str) and not 0 <= column < len(names):
            raise ValueError(f"columns expects names or numbers from 0 to {len(names) - 1}, got {column!r}")
        numbers.append(names.index(column) if isinstance(column, str) else int(column))
    return [column_dependence(function, rows, number, n_values) for number in numbers]


def column_dependence(function: Explained, rows: Array, number: int, n_values: int) -> Dependence:
    """Compute the dependence on a column for checked rows; parameters as of `partial_dependence`."""
    column = function.inputs.columns[number]
    if column.categories:
        curves = []
        for code in range(len(column.categories)):
            changed = rows.copy()
            changed[:, list(column.features)] = column.codes(code)
            curves.append(function(changed).T)
        individual = np.stack(curves, axis=2)
        return Dependence(column.name, column.categories, individual.mean(axis=1), individual)
    if len(column.features) > 1:
        raise ValueError(f"{column.name!r} is a group of {len(column.features)} features, without a value to vary")
    result = inspection.partial_dependence(
        _Outputs(function), rows, [column.features[0]], kind="both", grid_resolution=n_values, method="brute"
    )
    individual = np.asarray(result["individual"], np.float64).reshape(len(function.names), len(rows), -1)
    average = np.asarray(result["average"], np.float64).reshape(len(function.names), -1)
    return Dependence(column.name, tuple(result["grid_values"][0].tolist()), average, individual)


class _Shuffled(BaseEstimator):
    """Stands where scikit-learn expects an estimator; the score knows the model."""

    def fit(self, X: Any, y: Any) -> Self:
        return self


class _Outputs(RegressorMixin, BaseEstimator):
    """Regressor that predicts the explained outputs."""

    def __init__(self, function: Explained) -> None:
        self.function = function

    def fit(self, X: Any, y: Any) -> Self:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Array:
        values = self.function(np.asarray(X, np.float64))
        return values[:, 0] if values.shape[1] == 1 else values
