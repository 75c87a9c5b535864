"""Split into training and test rows, also for small tables."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from qml.tables import TableError, Target

__all__ = ["check_early_stopping", "split_rows"]

MIN_EARLY_STOPPING_ROWS = 40
"""Minimum number of training rows for early stopping: fewer would leave too few held-out rows."""


def split_rows(target: Target, test_size: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return training and test rows, stratified by class.

    Raises
    ------
    TableError
        If one part is too small to contain every class.
    """
    n_rows = len(target.y)
    n_test, minimum, labels = ceil(test_size * n_rows), 2, None
    if target.task == "classification":
        labels = target.y
        minimum = max(minimum, len(np.unique(labels)))
        n_test = max(n_test, minimum)
    if min(n_test, n_rows - n_test) < minimum:
        raise TableError(
            f"--test-size {test_size:g} leaves {n_rows - n_test} of {n_rows} rows to train on and {n_test} to test on; "
            f"both need at least {minimum}"
        )
    training, testing = train_test_split(np.arange(n_rows), test_size=n_test, random_state=seed, stratify=labels)
    return np.sort(training), np.sort(testing)


def check_early_stopping(target: Target, training: NDArray[np.intp]) -> None:
    """Raise `TableError` if there are too few rows to hold some out."""
    rarest = len(training)
    if target.task == "classification":
        rarest = int(np.unique(target.y[training], return_counts=True)[1].min())
    if len(training) < MIN_EARLY_STOPPING_ROWS or rarest < 2:
        raise TableError(
            f"there are too few rows for --early-stopping, which holds some out: it needs {MIN_EARLY_STOPPING_ROWS} "
            "training rows, and 2 of each class"
        )
