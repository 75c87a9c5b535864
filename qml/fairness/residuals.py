"""Sums over the rows of groups for predicted quantities, for the data and for all bootstrap resamples at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.fairness.rates import resamples

__all__ = ["ResidualSums", "resampled_residual_sums"]

Array = NDArray[np.float64]

ROUNDING = 1e-12
"""Variance of a target, as a share of its squares, below which it is constant but for rounding."""


@dataclass(frozen=True)
class ResidualSums:
    """Weighted sums over the rows of each group, with any leading axes.

    Attributes
    ----------
    sums : float ndarray, shape (..., n_groups, 6)
        Of 1, the target, the prediction, the absolute and the squared residual, and the squared target. Targets and
        predictions are relative to ``origin``, so that squares are precise.
    origin : float
    """

    sums: Array
    origin: float

    def merged(self, members: Array) -> ResidualSums:
        """Sum groups; ``members`` has shape (n_merged, n_groups)."""
        return ResidualSums(np.einsum("mg,...gk->...mk", members, self.sums), self.origin)

    def rates(self) -> dict[str, Array]:
        """Return all rates, shape (..., n_groups); NaN where nothing is counted."""
        total, target, prediction, distance, square, target_square = np.moveaxis(self.sums, -1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = target_square - target**2 / total
            variance = np.where(variance > ROUNDING * target_square, variance, np.nan)
            return {
                "mean target": self.origin + target / total,
                "mean prediction": self.origin + prediction / total,
                "mean residual": (target - prediction) / total,
                "mean absolute error": distance / total,
                "RMSE": np.sqrt(square / total),
                "R2": 1 - square / variance,
            }


def resampled_residual_sums(
    codes: NDArray[np.intp],
    n_groups: int,
    truth: Array,
    predicted: Array,
    weight: Array,
    n_resamples: int,
    rng: np.random.Generator,
) -> tuple[ResidualSums, ResidualSums]:
    """Return the sums of the data, and those of bootstrap resamples of its rows.

    Parameters
    ----------
    codes : int ndarray, shape (n_rows,)
        Group of each row.
    n_groups : int
    truth, predicted, weight : float ndarray, shape (n_rows,)
    n_resamples : int
    rng : Generator
    """
    n_rows = len(codes)
    origin = float(truth.mean())
    y, p, residual = truth - origin, predicted - origin, truth - predicted
    columns = weight[:, None] * np.stack([np.ones(n_rows), y, p, np.abs(residual), residual**2, y**2], axis=-1)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(n_groups))
    ordered = columns[order]

    def sums(copies: Array) -> Array:
        return np.add.reduceat(copies[:, None] * ordered, starts, axis=0)

    resampled = np.empty((n_resamples, n_groups, columns.shape[1]))
    for number, copies in enumerate(resamples(n_rows, n_resamples, rng)):
        resampled[number] = sums(copies.astype(float))
    return ResidualSums(sums(np.ones(n_rows)), origin), ResidualSums(resampled, origin)
