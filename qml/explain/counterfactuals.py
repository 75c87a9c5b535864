"""The nearest input with another prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.explain.gradients import output_gradients
from qml.explain.inputs import InputColumn
from qml.explain.nearest import Goal, Metric, nearest_row
from qml.explain.outputs import Explained, explained
from qml.text import one_line
from simulator.display import Preformatted
from simulator.errors import counted, unknown_name

__all__ = ["Counterfactual", "counterfactual", "held_features", "nearest_other"]

Array = NDArray[np.float64]

STARTS = 3
"""Number of background rows from which the search starts, the nearest ones."""


NAMED = 6
"""Maximum number of changes that the text names."""

SMOOTH = 10
"""Number of rows at which a model without any derivative counts as constant in pieces, such as a tree."""


@dataclass(frozen=True)
class Counterfactual(Preformatted):
    """Nearest input that is predicted differently.

    Attributes
    ----------
    row : float ndarray, shape (n_features,)
        The input as the model takes it, with numbers for the categories of a data frame.
    changes : tuple of (name, before, after)
        Columns that differ, with their values as text; the largest change first.
    before, after : object
        Predictions.
    distance : float
        Root of the sum of squared changes: of numbers in standard deviations of the background, and 1 for each
        category.
    """

    row: Array
    changes: tuple[tuple[str, str, str], ...]
    before: Any
    after: Any
    distance: float

    def __str__(self) -> str:
        changes = "; ".join(f"{name}: {before} -> {after}" for name, before, after in self.changes[:NAMED])
        if len(self.changes) > NAMED:
            changes += f"; and {counted(len(self.changes) - NAMED, 'smaller change')}"
        return one_line(f"{self.after} instead of {self.before} if {changes} (distance {self.distance:.2f})")


def counterfactual(
    model: Any,
    background: ArrayLike,
    x: ArrayLike,
    *,
    target: Any = None,
    fixed: Sequence[str | int] = (),
) -> Counterfactual | None:
    """Find the nearest input with another label, within the range of the background's numbers and categories.

    From the nearest background rows with the label, the distance is minimised under the constraint that the label
    stays, with gradients of the model (SLSQP), and then column by column. Categories are those of the row, or of the
    background row that the search starts from; numbers that are integers in the background stay integers.

    Parameters
    ----------
    model : fitted classifier or regressor, or TableModel
    background : array-like or data frame, shape (n_background, n_features)
    x : array-like or data frame, shape (n_features,) or (1, n_features)
    target : object, optional
        Class to be predicted, by default any other; for a regressor the prediction to be reached, which is needed.
    fixed : sequence of str or int
        Names or numbers of columns that must not change, such as an age.

    Returns
    -------
    Counterfactual or None
        None if no background row with these fixed columns has the label.

    Raises
    ------
    ValueError
        If a regressor has no target, or the row already has the label.

    References
    ----------
    Wachter, Mittelstadt and Russell, "Counterfactual explanations without opening the black box", arXiv:1711.00399.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), ["no", "no", "yes", "yes"]
    >>> print(counterfactual(LogisticRegression().fit(X, y), X, [-1.0]))
    yes instead of no if feature 0: -1 -> ... (distance 0.63)
    """
    function, rows = explained(model, background)
    if not hasattr(x, "columns"):
        x = np.atleast_2d(np.asarray(x))
    row = function.inputs.rows(x, "x")
    if len(row) != 1:
        raise ValueError(f"x must be one row, got {len(row)}")
    return nearest_other(function, rows, row[0], target, fixed)


def nearest_other(
    function: Explained, background: Array, row: Array, target: Any = None, fixed: Sequence[str | int] = ()
) -> Counterfactual | None:
    """Find the counterfactual of a checked row; parameters as of `counterfactual`."""
    before = function.predict(row[None])[0]
    goal = Goal.of(function, before, target)
    metric = Metric.of(function.inputs.columns, background, held_features(function, fixed))
    starts = background[goal.reached(background)].copy()
    starts[:, ~metric.free] = row[~metric.free]
    starts = np.unique(starts, axis=0)
    starts = starts[goal.reached(starts)] if len(starts) else starts
    if not len(starts):
        return None
    smooth = bool(output_gradients(function, np.vstack([row, starts[:SMOOTH]])).any())
    order = np.argsort([metric.distance(row, start) for start in starts], kind="stable")
    candidates = [nearest_row(function, goal, metric, row, starts[number], smooth) for number in order[:STARTS]]
    best = min(candidates, key=lambda candidate: metric.distance(row, candidate))
    changes = []
    for column in function.inputs.columns:
        size = metric.column_distance(column, row, best)
        if size > 0:
            changes.append((size, (column.name, *_shown(column, row, best))))
    changes.sort(key=lambda change: -change[0])
    after = function.predict(best[None])[0]
    return Counterfactual(best, tuple(change for _, change in changes), before, after, metric.distance(row, best))


def held_features(function: Explained, fixed: Sequence[str | int]) -> set[int]:
    """Return the numbers of the features that must not change."""
    columns = {column.name: column for column in function.inputs.columns}
    out: set[int] = set()
    for name in fixed:
        if isinstance(name, str) and name not in columns:
            raise unknown_name("column", name, columns)
        if not isinstance(name, str) and not 0 <= name < len(columns):
            raise ValueError(f"fixed expects names or numbers from 0 to {len(columns) - 1}, got {name!r}")
        column = columns[name] if isinstance(name, str) else function.inputs.columns[name]
        out.update(column.features)
    return out


def _shown(column: InputColumn, row: Array, best: Array) -> tuple[str, str]:
    """Return a column's values before and after, with as many digits as tell them apart."""
    before, after = column.text(row), column.text(best)
    if before == after and len(column.features) == 1:
        j = column.features[0]
        return f"{row[j]:.8g}", f"{best[j]:.8g}"
    return before, after
