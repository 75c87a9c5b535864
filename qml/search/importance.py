"""How much of the scores each parameter of a search explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from qml.search.records import TrialRecord

__all__ = ["parameter_importance"]

MIN_TRIALS = 8
"""Minimum number of complete trials with a parameter."""


def parameter_importance(records: Sequence[TrialRecord]) -> dict[str, float]:
    """Compute the share of the variance of the scores' ranks that each parameter explains by itself, largest first.

    For a number it is the square of Spearman's correlation, for a choice omega squared, which is eta squared without
    its bias. Parameters of several models with one name, such as a learning rate, count as one. Few trials make the
    shares uncertain, and parameters that act together are not seen.

    Parameters
    ----------
    records : sequence of TrialRecord
        Complete ones of quantum models are used.

    Returns
    -------
    dict of str to float
        From 0 to 1; parameters of fewer than 8 trials, or of one value only, are left out.
    """
    complete = [record for record in records if record.complete and record.kind == "quantum"]
    values: dict[str, list[object]] = {}
    scores: dict[str, list[float]] = {}
    for record in complete:
        for name, value in record.params.items():
            short = name.split(".", 1)[-1]
            values.setdefault(short, []).append(value)
            scores.setdefault(short, []).append(record.score)
    shares = {
        name: _share(entries, np.array(scores[name]))
        for name, entries in values.items()
        if len(entries) >= MIN_TRIALS and len(set(map(repr, entries))) > 1 and np.ptp(scores[name]) > 0
    }
    return dict(sorted(shares.items(), key=lambda entry: -entry[1]))


def _share(values: Sequence[object], scores: NDArray[np.float64]) -> float:
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return float(spearmanr(np.array(values, np.float64), scores).statistic ** 2)
    ranks = rankdata(scores)
    _, groups = np.unique([repr(value) for value in values], return_inverse=True)
    counts, sums = np.bincount(groups), np.bincount(groups, ranks)
    total = float(((ranks - ranks.mean()) ** 2).sum())
    between = float((counts * (sums / counts - ranks.mean()) ** 2).sum())
    freedom = len(counts) - 1
    within = (total - between) / max(len(ranks) - len(counts), 1)
    return max((between - freedom * within) / (total + within), 0.0)
