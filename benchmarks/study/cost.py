"""Extrapolation of the hours of a study from one fit for each shape of model."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid
from threadpoolctl import threadpool_limits

from benchmarks.study.data import load
from benchmarks.study.models import CONTENDERS, Grid
from benchmarks.study.settings import Cell, Setting, cells
from simulator import set_num_threads

__all__ = ["extrapolated_hours"]

SAME_COST = ("learning_rate", "learning_rate_init", "alpha", "C", "gamma", "bandwidth")
"""Settings that change the work of a fit little, so that one value is timed."""

SAMPLE = ("two_curves_diff", 10)
"""Data set whose fits are timed: it has 10 features, as half of the data sets have; the others have 11 on average."""


def extrapolated_hours(setting: Setting, say: Callable[[str], None] = print) -> float:
    """Time one fit for each shape of each model, print a table, and return the hours of processor time of the study.

    The times are those of the processor and not of the clock, so that other programs on the machine change them less.
    A fit takes four fifths of the rows, as in the search.
    """
    counts = Counter((cell.model, cell.entangled) for cell in cells(setting))
    X, _, y, _ = load(*SAMPLE)
    rows = len(X) * (setting.folds - 1) // setting.folds
    say("| model | seconds per fit | fits | hours |\n|---|---|---|---|")
    total = 0.0
    set_num_threads(1)
    try:
        for (model, entangled), count in counts.items():
            grid = setting.grid(model)
            cell = Cell(*SAMPLE, model, entangled)
            with threadpool_limits(1), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                seconds = _mean_seconds(_estimator(cell, setting, X.shape[1]), _shapes(grid), X[:rows], y[:rows])
            fits = count * (len(ParameterGrid(dict(grid))) * setting.folds + setting.seeds)
            hours = fits * seconds / 3600
            total += hours
            say(f"| {cell.title} | {seconds:.3g} | {fits} | {hours:.2f} |")
    finally:
        set_num_threads(None)
    say(f"| all | | | {total:.1f} |")
    return total


def _estimator(cell: Cell, setting: Setting, n_features: int) -> Any:
    contender = CONTENDERS[cell.model]
    estimator = contender.make(n_features)
    if contender.trained:
        estimator.set_params(epochs=setting.epochs)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    return estimator if cell.entangled else estimator.without_entanglement()


def _shapes(grid: Grid) -> list[dict[str, Any]]:
    """Return the grid's points with one value, the middle one, of each setting in `SAME_COST`."""
    kept = {name: [values[len(values) // 2]] if name in SAME_COST else values for name, values in grid.items()}
    return list(ParameterGrid(kept))


def _mean_seconds(estimator: Any, points: list[dict[str, Any]], X: Any, y: Any) -> float:
    seconds = []
    for point in points:
        candidate = clone(estimator).set_params(**point)
        if "epochs" in candidate.get_params():
            clone(candidate).set_params(epochs=1).fit(X, y)  # compiles
        started = time.process_time()
        candidate.fit(X, y)
        seconds.append(time.process_time() - started)
    return float(np.mean(seconds))
