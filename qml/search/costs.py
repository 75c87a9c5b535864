"""Objectives of a search besides the score: what a model costs to run, to train and to ask."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from qml.deploy import CannotCollapseError, collapse

__all__ = ["COSTS", "measure_cost"]

Array = NDArray[np.float64]

COSTS = {
    "two_qubit_gates": "gates on two qubits of the largest circuit of a prediction",
    "depth": "depth of the largest circuit of a prediction",
    "seconds": "seconds of the training",
    "inference": "microseconds of the prediction of one row, collapsed where that is possible",
}
"""Names of the objectives, and what they are; less is better."""

REPEATS = 50
"""Number of predictions whose median is the time of one."""


def measure_cost(name: str, model: Any, X: Array, seconds: float, backend: Any = None) -> float:
    """Measure one objective of a fitted model.

    Parameters
    ----------
    name : str
        One of ``COSTS``.
    model : fitted estimator or Pipeline
    X : float ndarray, shape (n_samples, n_features)
        Rows to predict.
    seconds : float
        Seconds that the training took.
    backend : Backend, optional
        Backend for which depth and gates are counted; by default this engine, which runs the circuit as written.
    """
    match name:
        case "seconds":
            return seconds
        case "inference":
            return _inference(model, np.ascontiguousarray(X[:1], np.float64))
        case _:
            return float(_circuit_cost(name, model, X[:1], backend))


def _circuit_cost(name: str, model: Any, X: Array, backend: Any) -> int:
    """Return the size of the largest circuit; 0 for a model without circuits."""
    estimator = model
    if isinstance(model, Pipeline):
        for _, step in model.steps[:-1]:
            X = step.transform(X)
        estimator = model.steps[-1][1]
    if not hasattr(estimator, "plan"):
        return 0
    try:
        plan = estimator.plan(X, backend=backend)
    except TypeError:  # a classical kernel
        return 0
    except ValueError as error:
        if "nothing to run" not in str(error):  # a Boltzmann machine, a network without a circuit
            raise
        return 0
    return int(getattr(plan, name))


def _inference(model: Any, row: Array) -> float:
    predict: Callable[[Array], Any] = model.predict
    with contextlib.suppress(CannotCollapseError, TypeError):  # too large, or not of this library
        predict = collapse(model).predict
    times = []
    predict(row)
    for _ in range(REPEATS):
        start = time.perf_counter()
        predict(row)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e6
