"""Artificial rows that have the statistics on which the clients agreed."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qml.federated.statistics import Statistics

__all__ = ["artificial_rows", "same_scaling"]

Array = NDArray[np.float64]
Coupling = Literal["equal", "alternating", "normal"]

NEGLIGIBLE = 1e-200
"""Weight of the rows that hold the ranges: too small to change a mean, enough to change a maximum."""

DRAWN_ROWS = 256
"""Number of artificial rows with given covariances, beyond two per feature: enough for landmarks and components."""


def artificial_rows(statistics: Statistics, coupling: Coupling, seed: int = 0) -> tuple[Any, Any, Array]:
    """Make rows that have the agreed statistics.

    Parameters
    ----------
    statistics : Statistics
    coupling : {"equal", "alternating", "normal"}
        ``"equal"`` and ``"alternating"``: with the given means, variances and ranges; all columns rise together, or
        every second one falls. ``"normal"``: with the given means and covariances.
    seed : int
        Seed for the normal rows.

    Returns
    -------
    X, y : ndarray or DataFrame, ndarray
    sample_weight : float ndarray, shape (n_rows,)
    """
    if coupling == "normal":
        rows, weight = _normal(statistics, seed)
    else:
        rows, weight = _with_ranges(statistics, np.arange(len(statistics.mean)) % 2 * (coupling == "alternating"))
    features = rows[:, : int(np.prod(statistics.shape))]
    X: Any = features.reshape(len(rows), *statistics.shape)
    if statistics.names is not None:
        import pandas as pd

        X = pd.DataFrame(features, columns=list(statistics.names))
    numbers = np.arange(len(rows))
    if statistics.classes is None:
        targets = rows[:, features.shape[1] :]
        return X, targets if statistics.n_targets else targets[:, 0], weight
    if statistics.n_targets:
        return X, (numbers[:, None] + np.arange(statistics.n_targets)) % 2, weight
    return X, statistics.classes[numbers % len(statistics.classes)], weight


def same_scaling(first: Any, second: Any) -> bool:
    """Whether two estimators that have begun have the same scaling and initial weights, up to rounding."""
    pairs = ((first.scaling_.factor, second.scaling_.factor), (first.weights_, second.weights_))
    return all(a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-9) for a, b in pairs)


def _with_ranges(statistics: Statistics, falling: NDArray[Any]) -> tuple[Array, Array]:
    """Make at most 4 n + 3 rows with the given means, variances and ranges.

    As a function of u, uniform on [0, 1], each column takes its lowest value, its mean and its highest value on three
    intervals whose lengths give its variance (in the opposite order where it is falling); each part of [0, 1] without a
    change is a row, weighted by its length.
    """
    mean, low, high = statistics.mean, statistics.low, statistics.high
    variance = np.maximum(np.diag(statistics.covariance), 0.0) * statistics.span**2
    at_low, at_high = np.zeros_like(mean), np.zeros_like(mean)
    np.divide(variance, (mean - low) * statistics.span, out=at_low, where=mean > low)
    np.divide(variance, (high - mean) * statistics.span, out=at_high, where=high > mean)
    changes = np.stack([at_low, 1.0 - at_high])
    ends = np.unique(np.clip(np.append(np.where(falling, 1.0 - changes, changes), [0.0, 1.0]), 0.0, 1.0))
    middles, weight = ((ends[:-1] + ends[1:]) / 2)[:, None], np.diff(ends)
    u = np.where(falling, 1.0 - middles, middles)
    rows = np.where(u < changes[0], low, np.where(u > changes[1], high, mean))
    return np.vstack([rows, low, high]), np.append(weight, [NEGLIGIBLE, NEGLIGIBLE])


def _normal(statistics: Statistics, seed: int) -> tuple[Array, Array]:
    """Draw normal rows and correct them so that mean and covariance are exactly the given ones."""
    count = len(statistics.mean)
    n_rows = DRAWN_ROWS + 2 * count
    drawn = np.random.default_rng([seed, 0, 1]).standard_normal((n_rows, count))
    drawn -= drawn.mean(axis=0)
    drawn = np.sqrt(n_rows) * np.linalg.svd(drawn, full_matrices=False)[0]  # columns with unit covariance
    eigenvalues, vectors = np.linalg.eigh(statistics.covariance)
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    return statistics.mean + (drawn @ root.T) * statistics.span, np.ones(n_rows)
