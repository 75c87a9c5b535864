"""Search for the nearest row with another prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from qml.explain.gradients import output_gradients
from qml.explain.inputs import InputColumn
from qml.explain.outputs import Explained, plain
from simulator.errors import unknown_name

__all__ = ["Goal", "Metric", "nearest_row"]

Array = NDArray[np.float64]

ROUNDS = 7
"""Number of times that a line is divided into 64 parts, which leaves 1e-12 of its length."""

GRID = 65
"""Number of points on a line that are predicted at a time."""

ITERATIONS = 50
"""Maximum number of iterations of the optimiser from each start."""

MARGIN = 1e-6
"""Distance to the decision boundary, in units of the output, that the search aims at."""


@dataclass(frozen=True)
class Goal:
    """What the prediction has to become: a class, another class than one, or a number on the far side of a target."""

    function: Explained
    before: Any
    target: Any

    @classmethod
    def of(cls, function: Explained, before: Any, target: Any) -> Goal:
        if not function.is_classifier:
            if target is None or len(function.names) > 1:
                raise ValueError(
                    "a counterfactual of a regressor needs one output and target=, the prediction to reach"
                )
            return cls(function, float(before), float(target))
        classes = function.classes
        assert classes is not None
        if target is not None and target not in classes.tolist():
            raise unknown_name("class", target, map(str, classes.tolist()))
        if target is not None and target == before:
            raise ValueError(f"the row is predicted as {plain(before)!r} already: choose another target")
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
class Metric:
    """Distances in standard deviations of the background, and which features may change."""

    columns: tuple[InputColumn, ...]
    scales: Array
    low: Array
    high: Array
    free: NDArray[np.bool_]
    numeric: NDArray[np.bool_]
    whole: NDArray[np.bool_]

    @classmethod
    def of(cls, columns: tuple[InputColumn, ...], background: Array, held: set[int]) -> Metric:
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
        whole = numeric & np.all(background == np.round(background), axis=0)
        return cls(columns, scales, background.min(axis=0), background.max(axis=0), free, numeric, whole)

    def column_distance(self, column: InputColumn, row: Array, other: Array) -> float:
        """Return the distance in one column."""
        places = list(column.features)
        if column.categories:
            return float(not np.array_equal(row[places], other[places]))
        return float(np.linalg.norm((other[places] - row[places]) / self.scales[places]))

    def distance(self, row: Array, other: Array) -> float:
        """Return the distance in all columns."""
        return float(np.linalg.norm([self.column_distance(column, row, other) for column in self.columns]))


def nearest_row(function: Explained, goal: Goal, metric: Metric, row: Array, start: Array, smooth: bool) -> Array:
    """Move a row with the label as near to the original as the label allows; ``smooth`` if there are derivatives."""
    best = start
    for column in metric.columns:  # categories first: those that need not change do not
        if column.categories and metric.column_distance(column, row, best):
            trial = best.copy()
            trial[list(column.features)] = row[list(column.features)]
            if goal.reached(trial[None])[0]:
                best = trial
    relaxed = _moved(function, goal, metric, row, best, metric.numeric, smooth)
    if np.array_equal(relaxed[metric.whole], np.round(relaxed[metric.whole])):
        return relaxed
    steps, candidates = relaxed - row, []
    away, back = (
        np.where(steps > 0, up(relaxed), down(relaxed)) for up, down in ((np.ceil, np.floor), (np.floor, np.ceil))
    )
    for counts, others in ((back, best), (away, relaxed), (away, best), (best, best)):  # counts stay integers
        trial = np.where(metric.whole, counts, others)
        if goal.reached(trial[None])[0]:
            trial = _tightened(goal, metric, row, trial, metric.whole)
            candidates.append(_moved(function, goal, metric, row, trial, metric.numeric & ~metric.whole, smooth))
    return min(candidates, key=lambda candidate: metric.distance(row, candidate))


def _moved(
    function: Explained,
    goal: Goal,
    metric: Metric,
    row: Array,
    start: Array,
    free: NDArray[np.bool_],
    smooth: bool,
) -> Array:
    """Move the free features of a row with the label as near to those of the original as the label allows."""
    best = _bisected(goal, np.where(free, row, start), start)
    numeric = np.flatnonzero(free)
    if len(numeric) and not np.array_equal(best[numeric], row[numeric]):
        if smooth:
            best = _optimised(goal, metric, row, best, numeric, function.predict(best[None])[0])
        best = _tightened(goal, metric, row, best, free)
    return best


def _bisected(goal: Goal, outside: Array, inside: Array) -> Array:
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


def _optimised(goal: Goal, metric: Metric, row: Array, start: Array, numeric: NDArray[np.intp], label: Any) -> Array:
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


def _tightened(goal: Goal, metric: Metric, row: Array, best: Array, free: NDArray[np.bool_]) -> Array:
    """Bring one free feature after the other back as far as the label allows; the smallest changes first."""
    sizes = np.abs(best - row) / metric.scales
    for j in sorted(np.flatnonzero(free & (sizes > 0)), key=lambda j: sizes[j]):
        values = np.linspace(row[j], best[j], GRID)
        if best[j] == np.round(best[j]) and metric.whole[j]:
            values = np.concatenate([row[j : j + 1], np.round(values[1:])])
        trials = np.tile(best, (GRID, 1))
        trials[:, j] = values
        allowed = np.flatnonzero(goal.reached(trials))
        if len(allowed):
            best = trials[allowed[0]]
    return best
