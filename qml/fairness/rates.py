"""Sums over the rows of groups by truth and prediction, for the data and for all bootstrap resamples at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Sums", "resampled_sums", "resamples"]

Array = NDArray[np.float64]

BINS = 10
"""Number of intervals of equal width into which probabilities are divided for the calibration error."""


@dataclass(frozen=True)
class Sums:
    """Sums over the rows of each group, with any leading axes.

    Attributes
    ----------
    weights : float ndarray, shape (..., n_groups, 2, 2)
        Weights of the rows by truth and prediction, 1 for the positive class.
    bins : float ndarray, shape (..., n_groups, BINS, 3), or None
        Weights, weighted truths and weighted probabilities of the rows by bin of their probability.
    """

    weights: Array
    bins: Array | None

    def merged(self, members: Array) -> Sums:
        """Sum groups; ``members`` has shape (n_merged, n_groups)."""
        bins = None if self.bins is None else np.einsum("mg,...gbk->...mbk", members, self.bins)
        return Sums(np.einsum("mg,...gyp->...myp", members, self.weights), bins)

    def rates(self) -> dict[str, Array]:
        """Return all rates, shape (..., n_groups); NaN where nothing is counted."""
        weights = self.weights
        total, positive, selected = weights.sum((-1, -2)), weights[..., 1, :].sum(-1), weights[..., :, 1].sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = {
                "target rate": positive / total,
                "selection rate": selected / total,
                "accuracy": (weights[..., 0, 0] + weights[..., 1, 1]) / total,
                "true positive rate": weights[..., 1, 1] / positive,
                "false positive rate": weights[..., 0, 1] / weights[..., 0, :].sum(-1),
                "precision": weights[..., 1, 1] / selected,
            }
            if self.bins is not None:
                sums = self.bins.sum(-2)
                rates["mean probability"] = sums[..., 2] / sums[..., 0]
                rates["probability excess"] = rates["mean probability"] - rates["target rate"]
                distances = np.abs(self.bins[..., 2] - self.bins[..., 1]).sum(-1)
                rates["calibration error"] = distances / sums[..., 0]
        return rates

    def counts(self) -> dict[str, Array]:
        """Return the number of rows of each group that proportions are shares of, if all weights are 1."""
        weights = self.weights
        return {
            "all": weights.sum((-1, -2)),
            "positive": weights[..., 1, :].sum(-1),
            "negative": weights[..., 0, :].sum(-1),
            "selected": weights[..., :, 1].sum(-1),
        }


def resamples(n_rows: int, n_resamples: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Iterate over bootstrap resamples: how often each row is drawn, shape (n_rows,)."""
    for _ in range(n_resamples):
        yield np.bincount(rng.integers(n_rows, size=n_rows), minlength=n_rows)


def resampled_sums(
    codes: NDArray[np.intp],
    n_groups: int,
    truth: NDArray[np.bool_],
    predicted: NDArray[np.bool_],
    probability: Array | None,
    weight: Array,
    n_resamples: int,
    rng: np.random.Generator,
) -> tuple[Sums, Sums]:
    """Return the sums of the data, and those of bootstrap resamples of its rows.

    Parameters
    ----------
    codes : int ndarray, shape (n_rows,)
        Group of each row.
    n_groups : int
    truth, predicted : bool ndarray, shape (n_rows,)
        Whether the class is the positive one.
    probability : float ndarray, shape (n_rows,), or None
        Of the positive class.
    weight : float ndarray, shape (n_rows,)
    n_resamples : int
    rng : Generator
    """
    cells = (codes * 2 + truth) * 2 + predicted
    binned = None
    if probability is not None:
        binned = codes * BINS + np.minimum((probability * BINS).astype(np.intp), BINS - 1)

    def sums(weights: Array) -> tuple[Array, Array | None]:
        table = np.bincount(cells, weights, 4 * n_groups).astype(float).reshape(n_groups, 2, 2)
        if binned is None or probability is None:
            return table, None
        columns = (weights, weights * truth, weights * probability)
        bins = np.stack([np.bincount(binned, column, BINS * n_groups) for column in columns], -1)
        return table, bins.astype(float).reshape(n_groups, BINS, 3)

    tables, bins = [], []
    for copies in resamples(len(codes), n_resamples, rng):
        table, binned_sums = sums(weight * copies)
        tables.append(table)
        bins.append(binned_sums)
    shape = (0, n_groups, 2, 2)
    resampled = np.stack(tables) if tables else np.empty(shape)
    stacked = None
    if binned is not None:
        stacked = np.stack([entry for entry in bins if entry is not None]) if bins else np.empty((0, n_groups, BINS, 3))
    return Sums(*sums(weight)), Sums(resampled, stacked)
