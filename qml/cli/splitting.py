"""Rows to train on, to stop by and to test on, for small tables too."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from qml.tables import TableError, Target

__all__ = ["split_rows", "validation_settings"]

MIN_ROWS_TO_VALIDATE = 1000
"""With fewer rows the part kept aside is so small that its best score comes too early, by chance."""


def split_rows(target: Target, test_size: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to train and to test on, each class in its share.

    Raises
    ------
    TableError
        If one part is too small to have every class.
    """
    n_rows = len(target.y)
    n_test, least, labels = ceil(test_size * n_rows), 2, None
    if target.task == "classification":
        labels = target.y
        least = max(least, len(np.unique(labels)))
        n_test = max(n_test, least)
    if min(n_test, n_rows - n_test) < least:
        raise TableError(
            f"--test-size {test_size:g} leaves {n_rows - n_test} of {n_rows} rows to train on and {n_test} to test on; "
            f"both need at least {least}"
        )
    training, testing = train_test_split(np.arange(n_rows), test_size=n_test, random_state=seed, stratify=labels)
    return np.sort(training), np.sort(testing)


def validation_settings(y: NDArray[Any], task: str) -> dict[str, Any]:
    """Parameters for early stopping on rows kept aside, where there are enough."""
    enough = len(y) >= MIN_ROWS_TO_VALIDATE
    if task == "classification":
        enough = enough and bool(np.unique(y, return_counts=True)[1].min() > 1)  # one to train on, one to keep aside
    return {"early_stopping": enough}
