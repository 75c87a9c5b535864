"""The nearest input with another prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from qml.explain.gradients import output_gradients
from qml.explain.inputs import InputColumn
from qml.explain.outputs import Explained, explained
from qml.text import one_line
from simulator.errors import unknown_name

__all__ = ["Counterfactual", "counterfactual", "nearest_other"]

Array = NDArray[np.float64]

STARTS = 3
"""Number of background rows from which the search starts, the nearest ones."""

ROUNDS = 7
"""Number of times that a line is divided into 64 parts, which leaves 1e-12 of its length."""

GRID = 65
"""Number of points on a line that are predicted at a time."""

ITERATIONS = 50
"""Maximum number of iterations of the optimiser from each start."""

MARGIN = 1e-6
"""Distance to the decision boundary, in units of the output, that the search aims at."""


@dataclass(frozen=True)
class Counterfactual:
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
        changes = "; ".join(f"{name}: {before} -> {after}" for name, before, after in self.changes)
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
    background row that the search starts from.

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
    goal = _Goal.of(function, before, target)
    metric = _Metric.of(function.inputs.columns, background, _held(function, fixed))
    starts = background[goal.reached(background)].copy()
    starts[:, ~metric.free] = row[~metric.free]
    starts = np.unique(starts, axis=0)
    starts = starts[goal.reached(starts)] if len(starts) else starts
    if not len(starts):
        return None
    order = np.argsort([metric.distance(row, start) for start in starts], kind="stable")
    found = [_nearest(function, goal, metric, row, starts[number]) for number in order[:STARTS]]
    best = min(found, key=lambda candidate: metric.distance(row, candidate))
    changes = []
    for column in function.inputs.columns:
        size = metric.column_distance(column, row, best)
        if size > 0:
            changes.append((size, (column.name, *_shown(column, row, best))))
    changes.sort(key=lambda change: -change[0])
    after = function.predict(best[None])[0]
    return Counterfactual(best, tuple(change for _, change in changes), before, after, metric.distance(row, best))


@dataclass(frozen=True)
class _Goal:
    """What the prediction has to become: a class, another class than one, or a number on the far side of a target."""

    function: Explained
    before: Any
    target: Any

    @classmethod
    def of(cls, function: Explained, before: Any, target: Any) -> _Goal:
        if not function.is_classifier:
            if target is None or len(function.names) > 1:
                raise ValueError(
                    "a counterfactual of a regressor with one output needs target=, the prediction to reach"
                )
            return cls(function, float(before), float(target))
        classes = function.classes
        assert classes is not None
        if target is not None and target not in classes.tolist():
            raise unknown_name("class", target, map(str, classes.tolist()))
        if target is not None and target == before:
            raise ValueError(f"the row is predicted as {before!r} already: choose another target")
        return cls(function, before, target)

    def reached(self, rows: Array) -> NDArray[np.bool_]:
        """Whether each row has the label."""
        predictions = self.function.predict(rows)
        if not self.function.is_classifier:
            return np.asarray(predictions >= self.target if self.target > self.before else predictions <= self.target)
        return np.asarray(predictions != self.before if self.target is None else predictions == self.target)

    def margin(self, row: Array, label: Any) -> tuple[float, Array]:
        """Return a number that is positive if the row has the label, and its gradient."""
        outputs, gradients = self.function(row[None])[0], output_gradients(self.function, row[None])[0]
        if not self.function.is_classifier:
            sign = 1.0 if self.target > self.before else -1.0
            return sign * (outputs[0] - self.target), sign * gradients[:, 0]
        classes = np.asarray(self.function.classes).tolist()
        place = classes.index(label)
        if len(outputs) == 1:
            middle = 0.5 if self.function.quantity == "probability" else 0.0
            sign = 1.0 if place == 1 else -1.0
            return sign * (outputs[0] - middle), sign * gradients[:, 0]
        others = np.where(np.arange(len(outputs)) == place, -np.inf, outputs)
        rival = int(np.argmax(others))
        return float(outputs[place] - outputs[rival]), gradients[:, place] - gradients[:, rival]


@dataclass(frozen=True)
class _Metric:
    """Distances in standard deviations of the background, and which features may change."""

    columns: tuple[InputColumn, ...]
    scales: Array
    low: Array
    high: Array
    free: NDArray[np.bool_]
    numeric: NDArray[np.bool_]

    @classmethod
    def of(cls, columns: tuple[InputColumn, ...], background: Array, held: set[int]) -> _Metric:
        deviations = background.std(axis=0)
        varies = deviations > 10 * np.finfo(np.float64).eps * np.abs(background).max(axis=0)
        free = varies.copy()
        free[list(held)] = False
        numeric = free.copy()
        for column in columns:
            if column.categories:
                numeric[list(column.features)] = False
        for j in np.flatnonzero(numeric):
            if np.isin(background[:, j], (0.0, 1.0)).all():
                numeric[j] = False  # an indicator
        scales = np.where(varies, deviations, 1.0)
        return cls(columns, scales, background.min(axis=0), background.max(axis=0), free, numeric)

    def column_distance(self, column: InputColumn, row: Array, other: Array) -> float:
        """Return the distance in one column."""
        places = list(column.features)
        if column.categories:
            return float(not np.array_equal(row[places], other[places]))
        return float(np.linalg.norm((other[places] - row[places]) / self.scales[places]))

    def distance(self, row: Array, other: Array) -> float:
        """Return the distance in all columns."""
        return float(np.linalg.norm([self.column_distance(column, row, other) for column in self.columns]))


def _held(function: Explained, fixed: Sequence[str | int]) -> set[int]:
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


def _nearest(function: Explained, goal: _Goal, metric: _Metric, row: Array, start: Array) -> Array:
    """Move a row with the label as near to the original as the label allows."""
    best = start
    for column in metric.columns:  # categories first: those that need not change do not
        if column.categories and metric.column_distance(column, row, best):
            trial = best.copy()
            trial[list(column.features)] = row[list(column.features)]
            if goal.reached(trial[None])[0]:
                best = trial
    numeric = np.flatnonzero(metric.numeric)
    best = _bisected(goal, np.where(metric.numeric, row, best), best)
    if len(numeric) and not np.array_equal(best[numeric], row[numeric]):
        best = _optimised(goal, metric, row, best, numeric, function.predict(best[None])[0])
        best = _tightened(goal, metric, row, best)
    return best


def _bisected(goal: _Goal, outside: Array, inside: Array) -> Array:
    """Return the row on the line between two rows that is the nearest to the first one and has the label."""
    if goal.reached(outside[None])[0]:
        return outside
    low, high = 0.0, 1.0
    for _ in range(ROUNDS):
        shares = np.linspace(low, high, GRID)
        reached = goal.reached(outside + shares[:, None] * (inside - outside))
        if not reached.any():  # by rounding
            break
        first = int(np.argmax(reached))
        low, high = shares[max(first - 1, 0)], shares[first]
    return outside + high * (inside - outside)


def _optimised(goal: _Goal, metric: _Metric, row: Array, start: Array, numeric: NDArray[np.intp], label: Any) -> Array:
    """Minimise the distance in the numeric features under the constraint that the label stays."""
    scales = metric.scales[numeric]

    def whole(z: Array) -> Array:
        out = start.copy()
        out[numeric] = row[numeric] + z * scales
        return out

    known: dict[bytes, tuple[float, Array]] = {}

    def margin(z: Array) -> tuple[float, Array]:
        key = z.tobytes()
        if key not in known:
            known.clear()  # SLSQP asks for the value and for the gradient at the same point
            value, gradient = goal.margin(whole(z), label)
            known[key] = value - MARGIN, gradient[numeric] * scales
        return known[key]

    first = (start[numeric] - row[numeric]) / scales
    low = np.minimum((metric.low[numeric] - row[numeric]) / scales, 0.0)
    high = np.maximum((metric.high[numeric] - row[numeric]) / scales, 0.0)
    if not margin(first)[1].any():  # a tree: there is no direction to follow
        return start
    result = minimize(
        lambda z: (float(z @ z) / 2, z),
        first,
        jac=True,
        method="SLSQP",
        bounds=list(zip(low, high, strict=True)),
        constraints={"type": "ineq", "fun": lambda z: margin(z)[0], "jac": lambda z: margin(z)[1]},
        options={"maxiter": ITERATIONS, "ftol": 1e-8},
    )
    if not np.isfinite(result.x).all():
        return start
    end = whole(np.clip(result.x, low, high))
    if not goal.reached(end[None])[0]:
        end = _bisected(goal, end, start)
    return end if metric.distance(row, end) < metric.distance(row, start) else start


def _tightened(goal: _Goal, metric: _Metric, row: Array, best: Array) -> Array:
    """Bring one numeric column after the other back as far as the label allows; the smallest changes first."""
    sizes = np.abs(best - row) / metric.scales
    for j in sorted(np.flatnonzero(metric.numeric & (sizes > 0)), key=lambda j: sizes[j]):
        trials = np.tile(best, (GRID, 1))
        trials[:, j] = np.linspace(row[j], best[j], GRID)
        allowed = np.flatnonzero(goal.reached(trials))
        if len(allowed):
            best = trials[allowed[0]]
    return best


def _shown(column: InputColumn, row: Array, best: Array) -> tuple[str, str]:
    """Return a column's values before and after, with as many digits as tell them apart."""
    before, after = column.text(row), column.text(best)
    if before == after and len(column.features) == 1:
        j = column.features[0]
        return f"{row[j]:.8g}", f"{best[j]:.8g}"
    return before, after
