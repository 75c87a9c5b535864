"""Shapes of time series and of their targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from simulator.masked import check_unmasked

__all__ = ["checked_inputs", "checked_targets", "without_added_axes"]

Array = NDArray[np.float64]


def checked_inputs(X: ArrayLike) -> Array:
    """Return one series of numbers, or several series of rows, with shape (n_steps, 1) or that of X.

    Raises
    ------
    ValueError
        If X holds NaN, infinity or masked entries, or nothing.
    """
    check_unmasked(X, "X")
    series: Array = check_array(X, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name="X")
    return series[:, np.newaxis] if series.ndim == 1 else series


def checked_targets(y: ArrayLike, series: Array, ndim: int) -> Array:
    """Return targets of shape (n_series, n_steps, n_targets).

    Parameters
    ----------
    y : array-like, shape of X without its last axis, or with ``n_targets`` in its place
    series : float ndarray, shape (n_series, n_steps, n_inputs)
        X with all its axes.
    ndim : int
        Number of dimensions of X.

    Raises
    ------
    ValueError
        If the shape does not fit, or y holds NaN, infinity or masked entries.
    """
    check_unmasked(y, "y")
    targets = check_array(y, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name="y")
    steps = series.shape[:2] if ndim == 3 else series.shape[1:2]
    if targets.shape[: len(steps)] != steps or targets.ndim > len(steps) + 1:
        raise ValueError(
            f"y has one target or one row of targets per step of X: expected shape {steps} or "
            f"{(*steps, 'n_targets')}, got {targets.shape}"
        )
    return targets.reshape(*series.shape[:2], -1)


def without_added_axes(predictions: Array, ndim: int, single_target: bool) -> Array:
    """Drop the axis of series or of targets where the data had none.

    Parameters
    ----------
    predictions : float ndarray, shape (n_series, n_steps, n_targets)
    ndim : int
        Number of dimensions of X.
    single_target : bool
        Whether y had no axis of targets.
    """
    out = predictions if ndim == 3 else predictions[0]
    return out[..., 0] if single_target else out
