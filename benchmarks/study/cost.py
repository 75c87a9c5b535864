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

SAMPLES = {6: ("two_curves", 4), 20: ("two_curves_diff", 10)}
"""Data set whose fits are timed, by the maximum number of features of the data sets that it stands for.

Most models have at most 8 qubits, so that a fit takes about as long for 10 features as for any larger number.
"""


def extrapolated_hours(setting: Setting, say: Callable[[str], None] = print) -> float:
    """Time a fit for each shape of each model, print a table, and return the hours of processor time of the study.

    The times are those of the processor and not of the clock, so that other programs on the machine change them less.
    A fit takes four fifths of the rows, as in the search.
    """
    counts = Counter((cell.model, cell.entangled, _sample(cell)) for cell in cells(setting))
    models = list(dict.fromkeys((model, entangled) for model, entangled, _ in counts))
    data = {sample: load(*sample) for sample in SAMPLES.values()}
    say("| model | seconds per fit | fits | hours |\n|---|---|---|---|")
    total = 0.0
    set_num_threads(1)
    try:
        for model, entangled in models:
            grid = setting.grid(model)
            fits_per_cell = len(ParameterGrid(dict(grid))) * setting.folds + setting.seeds
            fits, hours = 0, 0.0
            for sample, (X, _, y, _) in data.items():
                count = counts[model, entangled, sample] * fits_per_cell
                if not count:
                    continue
                rows = len(X) * (setting.folds - 1) // setting.folds
                with threadpool_limits(1), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    estimator = _estimator(Cell(*sample, model, entangled), setting, X.shape[1])
                    seconds = _mean_seconds(estimator, _shapes(grid), X[:rows], y[:rows])
                fits += count
                hours += count * seconds / 3600
            total += hours
            say(f"| {Cell('', 0, model, entangled).title} | {hours * 3600 / fits:.3g} | {fits} | {hours:.2f} |")
    finally:
        set_num_threads(None)
    say(f"| all | | | {total:.1f} |")
    return total


def _sample(cell: Cell) -> tuple[str, int]:
    """Return the data set whose fits stand for those of a cell."""
    n_features = 10 if cell.family.endswith("_diff") else cell.size
    return next(sample for most, sample in SAMPLES.items() if n_features <= most)


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
