"""Split into training and test rows, also for small tables."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from qml.tables import TableError, Target

__all__ = ["check_early_stopping", "choose_folds", "split_rows"]

MIN_EARLY_STOPPING_ROWS = 40
"""Minimum number of training rows for early stopping: fewer would leave too few held-out rows."""

FOLDS = 5
FEW_ROWS = 200
"""Number of rows below which models are compared by cross-validation: a quarter of them would tell little."""


def choose_folds(target: Target, folds: int | None, test_size: float | None) -> int | None:
    """Return the number of folds of the cross-validation, or None for a single split.

    Parameters
    ----------
    target : Target
    folds : int, optional
        Number asked for, 0 for a single split; by default `FOLDS` for few rows, or fewer for rare classes.
    test_size : float, optional
        Share of test rows asked for, which means a single split.

    Raises
    ------
    TableError
        If there are fewer rows of a class than folds, or both a test size and folds are asked for.
    """
    rows = len(target.y) // 2
    if target.task == "classification":
        rows = int(np.unique(target.y, return_counts=True)[1].min())
    if folds is None:
        return min(FOLDS, rows) if len(target.y) < FEW_ROWS and test_size is None and rows >= 2 else None
    if folds == 0:
        return None
    if test_size is not None:
        raise TableError("--cv and --test-size exclude each other: leave one of them out")
    if folds > rows:
        each = "of each class" if target.task == "classification" else "in pairs"
        raise TableError(f"--cv {folds} needs at least {folds} rows {each}, there are {rows}: use --cv {max(rows, 2)}")
    return folds


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
