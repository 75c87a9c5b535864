"""The work on one cell: search the grid, then fit with the best setting and several seeds."""

from __future__ import annotations

import math
import time
import warnings
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from benchmarks.study.data import load
from benchmarks.study.models import CONTENDERS
from benchmarks.study.settings import Cell, Setting
from simulator import set_num_threads

__all__ = ["ROWS", "measure"]

ROWS = 240
"""Number of training rows of the synthetic families, for which epochs are given."""


def measure(cell: Cell, setting: Setting, mnist: str | None = None) -> dict[str, Any]:
    """Run a cell in one thread and return its record, which consists of JSON values.

    The grid is searched by cross-validation on the training rows alone, as in the published study: folds are
    stratified and not shuffled. The test rows are scored once per seed, by the model with the best setting.
    """
    X_train, X_test, y_train, y_test = load(cell.family, cell.size, mnist)
    contender = CONTENDERS[cell.model]
    estimator = contender.make(X_train.shape[1])
    if contender.trained:
        estimator.set_params(epochs=max(1, math.ceil(setting.epochs * ROWS / len(X_train))))
    if not cell.entangled:
        estimator = estimator.without_entanglement()
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    set_num_threads(1)
    started = time.perf_counter()
    try:
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            search = GridSearchCV(
                estimator, setting.grid(cell.model), cv=setting.folds, refit=False, error_score="raise"
            ).fit(X_train, y_train)
            train, test = [], []
            for seed in range(setting.seeds):
                best = clone(estimator).set_params(**search.best_params_)
                if "random_state" in best.get_params():
                    best.set_params(random_state=seed)
                best.fit(X_train, y_train)
                train.append(float(best.score(X_train, y_train)))
                test.append(float(best.score(X_test, y_test)))
    finally:
        set_num_threads(None)
    results = search.cv_results_
    return {
        "family": cell.family,
        "size": cell.size,
        "model": cell.model,
        "entangled": cell.entangled,
        "best": {name: _plain(value) for name, value in search.best_params_.items()},
        "folds": float(search.best_score_),
        "train": train,
        "test": test,
        "fits": len(results["params"]) * setting.folds + setting.seeds,
        "fit_seconds": float(np.mean(results["mean_fit_time"])),
        "seconds": time.perf_counter() - started,
    }


def _plain(value: Any) -> Any:
    """Return a setting as a JSON value."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, int | float | str | bool) else repr(value)
