"""Distinct training rows with weights, so that a weight of k and k equal rows give bit-identical results."""

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
        Sums of the weights of equal rows.
    first : int ndarray, shape (n_rows,)
        Index of the first occurrence of each row in the data.
    """

    X: Array
    y: NDArray[Any] | None
    weight: Array
    first: NDArray[np.intp]


def distinct_rows(X: Array, y: NDArray[Any] | None, weight: Array) -> DistinctRows:
    """Remove rows of weight 0, and merge rows that agree in all features and in y.

    Solvers then get the same problem for weighted and for repeated rows, and for rows in any order.

    Parameters
    ----------
    X : float ndarray, shape (n_samples, n_features)
    y : ndarray of numbers, shape (n_samples,), or None
    weight : float ndarray, shape (n_samples,)
    """
    positive = np.flatnonzero(weight)
    rows = X[positive] + 0.0  # no negative zeros
    if y is not None:
        rows = np.column_stack([rows, y[positive]])
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    first = positive[first]
    total = np.bincount(inverse.ravel(), weights=weight[positive], minlength=len(first)).astype(np.float64)
    return DistinctRows(np.ascontiguousarray(X[first]), None if y is None else y[first], total, first)
