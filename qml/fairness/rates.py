"""Rates of groups, from sums over their rows, for the data and for all bootstrap resamples at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

__all__ = ["BINS", "GAPS", "Estimate", "Sums", "estimate_gaps", "estimate_rates", "resampled_sums"]

Array = NDArray[np.float64]

BINS = 10
"""Number of intervals of equal width into which probabilities are divided for the calibration error."""

DENOMINATORS = {
    "target rate": "all",
    "selection rate": "all",
    "accuracy": "all",
    "true positive rate": "positive",
    "false positive rate": "negative",
    "precision": "selected",
}
"""Proportions, and the rows that each is a share of."""

GAPS = {
    "demographic parity difference": ("difference", ("selection rate",)),
    "demographic parity ratio": ("ratio", ("selection rate",)),
    "equal opportunity difference": ("difference", ("true positive rate",)),
    "equalised odds difference": ("difference", ("true positive rate", "false positive rate")),
    "predictive parity difference": ("difference", ("precision",)),
    "accuracy difference": ("difference", ("accuracy",)),
    "calibration difference": ("difference", ("probability excess",)),
}
"""Gaps between groups: a difference or ratio of the groups furthest apart, the worst of several rates."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes
    ----------
    value, low, high : float
    """

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float | None]:
        """Return plain values; undefined ones are None."""
        return {
            name: value if np.isfinite(value) else None
            for name, value in (("value", self.value), ("low", self.low), ("high", self.high))
        }

    def __str__(self) -> str:
        if np.isnan(self.value):
            return "-"
        if np.isnan(self.low):
            return f"{self.value:.3f}"
        low, high = (round(bound, 2) + 0.0 for bound in (self.low, self.high))  # + 0.0: not -0.00
        return f"{self.value:.3f} ({low:.2f} to {high:.2f})"


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

    n_rows = len(codes)
    tables, bins = [], []
    for _ in range(n_resamples):
        copies = np.bincount(rng.integers(n_rows, size=n_rows), minlength=n_rows)
        table, binned_sums = sums(weight * copies)
        tables.append(table)
        bins.append(binned_sums)
    shape = (0, n_groups, 2, 2)
    resampled = np.stack(tables) if tables else np.empty(shape)
    stacked = None
    if binned is not None:
        stacked = np.stack([entry for entry in bins if entry is not None]) if bins else np.empty((0, n_groups, BINS, 3))
    return Sums(*sums(weight)), Sums(resampled, stacked)


def estimate_rates(data: Sums, resampled: Sums, counts: Array, level: float) -> dict[str, list[Estimate]]:
    """Return each group's rates with bootstrap percentile intervals.

    A proportion of 0 or 1 varies in no resample; its interval is Wilson's, so that a group of few rows is not called
    certain. The calibration error has none: it is larger in every resample than in the data.

    Parameters
    ----------
    data, resampled : Sums
    counts : float ndarray, shape (n_groups, 2, 2)
        Numbers of rows by truth and prediction.
    level : float
        Probability of the intervals.
    """
    rates, draws = data.rates(), resampled.rates()
    out = {}
    for name, values in rates.items():
        low, high = _interval(draws[name], level)
        if name in DENOMINATORS:
            bound = _wilson(_rows(counts, name), level)
            high = np.where(values == 0, bound, high)
            low = np.where(values == 1, 1 - bound, low)
        if name == "calibration error":
            low = high = np.full(len(values), np.nan)
        out[name] = [Estimate(*map(float, entry)) for entry in zip(values, low, high, strict=True)]
    return out


def estimate_gaps(data: Sums, resampled: Sums, counts: Array, level: float) -> dict[str, Estimate]:
    """Return the gaps between the groups furthest apart.

    The interval is that of the signed difference of these two groups, or of their ratio, so that it holds 0, or 1,
    if the groups may well be treated alike: the deviations of the two rates in the resamples, and Wilson's bounds for
    rates of 0 and 1, are added as squares (Newcombe, Stat. Med. 17 (1998) 873). It is as wide as if all pairs of
    groups, and all rates that a gap is the worst of, had been tested (Bonferroni): the groups were chosen by looking.
    """
    rates, draws = data.rates(), resampled.rates()
    size = data.weights.shape[-3]
    out = {}
    for name, (kind, sources) in GAPS.items():
        wide = 1 - (1 - level) / (size * (size - 1) // 2 * len(sources))
        candidates = []
        for source in sources:
            if source in rates:
                bounds = _deviations(source, rates[source], draws[source], counts, wide)
                candidates.append(_gap(kind, rates[source], *bounds))
        if candidates:
            worst = np.nanargmax if kind == "difference" else np.nanargmin
            values = np.array([candidate.value for candidate in candidates])
            out[name] = candidates[0] if np.isnan(values).all() else candidates[int(worst(values))]
    return out


def _deviations(name: str, rates: Array, draws: Array, counts: Array, level: float) -> tuple[Array, Array]:
    """Return how far each rate may be below and above its value."""
    finite = np.where(np.isfinite(draws), draws, np.nan)
    deviation = np.zeros(len(rates))
    drawn = np.isfinite(finite).sum(0) > 1
    deviation[drawn] = np.nanstd(finite[:, drawn], axis=0)
    below = above = norm.ppf((1 + level) / 2) * deviation
    if name in DENOMINATORS:
        bound = _wilson(_rows(counts, name), level)
        below, above = np.where(rates == 1, bound, below), np.where(rates == 0, bound, above)
    return below, above


def _gap(kind: str, rates: Array, below: Array, above: Array) -> Estimate:
    if np.isfinite(rates).sum() < 2:
        return Estimate(np.nan, np.nan, np.nan)
    top, bottom = int(np.nanargmax(rates)), int(np.nanargmin(rates))
    if kind == "difference":
        value = rates[top] - rates[bottom]
        low = value - np.hypot(below[top], above[bottom])
        return Estimate(float(value), float(low), float(value + np.hypot(above[top], below[bottom])))
    if rates[top] == 0:
        return Estimate(np.nan, np.nan, np.nan)
    if rates[bottom] == 0:
        return Estimate(0.0, 0.0, float(above[bottom] / rates[top]))
    value = rates[bottom] / rates[top]
    low = value * np.exp(-np.hypot(below[bottom] / rates[bottom], above[top] / rates[top]))
    high = value * np.exp(np.hypot(above[bottom] / rates[bottom], below[top] / rates[top]))
    return Estimate(float(value), float(low), float(high))


def _rows(counts: Array, name: str) -> Array:
    """Return the number of rows of each group that a proportion is a share of."""
    rows = {
        "all": counts.sum((-1, -2)),
        "positive": counts[:, 1].sum(-1),
        "negative": counts[:, 0].sum(-1),
        "selected": counts[:, :, 1].sum(-1),
    }
    return rows[DENOMINATORS[name]]


def _wilson(count: Array, level: float) -> Array:
    """Return Wilson's bound of a proportion that is 0 among some rows."""
    square = norm.ppf((1 + level) / 2) ** 2
    return square / (count + square)


def _interval(draws: Array, level: float) -> tuple[Array, Array]:
    """Return percentile bounds over the resamples where a rate is defined."""
    draws = np.where(np.isfinite(draws), draws, np.nan)
    bounds = np.full((2, draws.shape[1]), np.nan)
    defined = np.isfinite(draws).any(0)
    if defined.any():
        bounds[:, defined] = np.nanquantile(draws[:, defined], [(1 - level) / 2, (1 + level) / 2], axis=0)
    return bounds[0], bounds[1]
