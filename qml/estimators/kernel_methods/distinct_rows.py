"""Training rows, each there once with its weight: so a weight of k is the same as k equal rows, to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DistinctRows", "distinct_rows"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DistinctRows:
    """Rows of positive weight without repetitions, in lexicographic order.

    Attributes
    ----------
    X : float ndarray, shape (n_rows, n_features)
    y : ndarray, shape (n_rows,), or None
    weight : float ndarray, shape (n_rows,)
        Sums over equal rows.
    first : int ndarray, shape (n_rows,)
        Where in the data each row was first.
    """

    X: Array
    y: NDArray[Any] | None
    weight: Array
    first: NDArray[np.intp]


def distinct_rows(X: Array, y: NDArray[Any] | None, weight: Array) -> DistinctRows:
    """Leave out rows of weight 0, and merge rows that agree in all features and in y.

    Solvers see the same problem then, whether data came with weights or with repetitions, and in whatever order.

    Parameters
    ----------
    X : float ndarray, shape (n_samples, n_features)
    y : ndarray of numbers, shape (n_samples,), or None
    weight : float ndarray, shape (n_samples,)
    """
    kept = np.flatnonzero(weight)
    rows = X[kept] + 0.0  # no negative zeros
    if y is not None:
        rows = np.column_stack([rows, y[kept]])
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    first = kept[first]
    total = np.bincount(inverse.ravel(), weights=weight[kept], minlength=len(first)).astype(np.float64)
    return DistinctRows(np.ascontiguousarray(X[first]), None if y is None else y[first], total, first)
