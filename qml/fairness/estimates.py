"""Estimates of groups' rates and of the gaps between groups, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

__all__ = ["GAPS", "Estimate", "GroupSums", "estimate_gaps", "estimate_rates"]

Array = NDArray[np.float64]

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
    "mean target difference": ("difference", ("mean target",)),
    "mean prediction difference": ("difference", ("mean prediction",)),
    "mean residual difference": ("difference", ("mean residual",)),
    "mean absolute error difference": ("difference", ("mean absolute error",)),
    "mean absolute error ratio": ("ratio", ("mean absolute error",)),
    "RMSE difference": ("difference", ("RMSE",)),
    "R2 difference": ("difference", ("R2",)),
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

    def quantity(self) -> str:
        """Return text with as many digits as the interval justifies, for numbers of any scale."""
        if not np.isfinite(self.value):
            return "-"
        bounds = [bound for bound in (self.low, self.high) if np.isfinite(bound)]
        distances = [abs(bound - self.value) for bound in bounds if bound != self.value]
        size = min(distances, default=abs(self.value) / 10)
        digits = 1 - floor(log10(size)) if size > 0 else 0

        def shown(number: float) -> str:
            return f"{round(number, digits) + 0.0:,.{max(digits, 0)}f}" if -4 < digits < 5 else f"{number:.3g}"

        return shown(self.value) + (f" ({shown(self.low)} to {shown(self.high)})" if len(bounds) == 2 else "")


class GroupSums(Protocol):
    """Sums over the rows of each group, with any leading axes, from which all rates follow."""

    def rates(self) -> dict[str, Array]:
        """Return all rates, shape (..., n_groups); NaN where nothing is counted."""

    def merged(self, members: Array) -> Self:
        """Sum groups; ``members`` has shape (n_merged, n_groups)."""


def estimate_rates(
    data: GroupSums, resampled: GroupSums, counts: Mapping[str, Array], level: float
) -> dict[str, list[Estimate]]:
    """Return each group's rates with bootstrap percentile intervals.

    A proportion of 0 or 1 varies in no resample; its interval is Wilson's, so that a group of few rows is not called
    certain. Nothing else has an interval in a group of one row. The calibration error has none at all: it is larger in
    every resample than in the data.

    Parameters
    ----------
    data, resampled : GroupSums
        Of the rows, and of all bootstrap resamples.
    counts : mapping of str to float ndarray, shape (n_groups,)
        Number of rows, by what they are a count of: all of them, or those that a proportion is a share of.
    level : float
        Probability of the intervals.
    """
    rates, draws = data.rates(), resampled.rates()
    out = {}
    for name, values in rates.items():
        low, high = _interval(draws[name], level)
        if name in DENOMINATORS:
            bound = _wilson(counts[DENOMINATORS[name]], level)
            high = np.where(values == 0, bound, high)
            low = np.where(values == 1, 1 - bound, low)
        else:
            low, high = (np.where(counts["all"] > 1, bounds, np.nan) for bounds in (low, high))
        if name == "calibration error":
            low = high = np.full(len(values), np.nan)
        out[name] = [Estimate(*map(float, entry)) for entry in zip(values, low, high, strict=True)]
    return out


def estimate_gaps(
    data: GroupSums, resampled: GroupSums, counts: Mapping[str, Array], level: float
) -> dict[str, Estimate]:
    """Return the gaps between the groups furthest apart.

    The interval is that of the signed difference of these two groups, or of their ratio, so that it holds 0, or 1,
    if the groups may well be treated alike: the deviations of the two rates in the resamples, and Wilson's bounds for
    rates of 0 and 1, are added as squares (Newcombe, Stat. Med. 17 (1998) 873). Of what is not a proportion, the
    deviations are those of Student's t, as the spread of a few rows is too small. It is as wide as if all pairs of
    groups, and all rates that a gap is the worst of, had been tested (Bonferroni): the groups were chosen by looking.
    """
    rates, draws = data.rates(), resampled.rates()
    size = len(counts["all"])
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


def _deviations(
    name: str, rates: Array, draws: Array, counts: Mapping[str, Array], level: float
) -> tuple[Array, Array]:
    """Return how far each rate may be below and above its value."""
    finite = np.where(np.isfinite(draws), draws, np.nan)
    deviation = np.zeros(len(rates))
    drawn = np.isfinite(finite).sum(0) > 1
    deviation[drawn] = np.nanstd(finite[:, drawn], axis=0)
    if name in DENOMINATORS:
        below = above = norm.ppf((1 + level) / 2) * deviation
        bound = _wilson(counts[DENOMINATORS[name]], level)
        return np.where(rates == 1, bound, below), np.where(rates == 0, bound, above)
    freedom = counts["all"] - 1
    factors = np.full(len(rates), np.nan)  # the spread of one row is unknown
    several = freedom > 0
    factors[several] = t.ppf((1 + level) / 2, freedom[several]) * np.sqrt(1 + 1 / freedom[several])
    return factors * deviation, factors * deviation


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
