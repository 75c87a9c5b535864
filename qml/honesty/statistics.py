"""Paired tests of two models on the same splits: effect, interval, and p-values corrected for their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, norm, t, wilcoxon

__all__ = [
    "PairedTest",
    "corrected_t_test",
    "deviation",
    "holm",
    "paired_rows_test",
    "sign_flip_test",
    "signed_rank_test",
]

Array = NDArray[np.float64]

COVERAGE = 0.95
"""Probability of confidence intervals."""

MAX_EXACT = 16
"""Maximum number of differences whose signs are flipped in all ways."""


@dataclass(frozen=True)
class PairedTest:
    """Mean of paired differences and the test of its being zero.

    Attributes
    ----------
    mean : float
    error : float
        Standard error; NaN if there is one difference only.
    interval : (float, float)
        95 % confidence interval of the mean.
    effect : float
        Cohen's d of the differences: their mean divided by their standard deviation.
    p_value : float
        Two-sided.
    """

    mean: float
    error: float
    interval: tuple[float, float]
    effect: float
    p_value: float


def corrected_t_test(differences: ArrayLike, train_rows: float, test_rows: float) -> PairedTest:
    """Test differences of scores from resampled splits, whose training rows overlap.

    The variance of the mean of J differences is ``s^2 (1/J + test_rows/train_rows)`` instead of ``s^2/J``, which would
    call far too many differences significant.

    Parameters
    ----------
    differences : array-like, shape (n_splits,)
        Differences of two models' scores, one per split; at least 2.
    train_rows, test_rows : float
        Numbers of rows per split.

    References
    ----------
    Nadeau and Bengio, Inference for the generalization error, Machine Learning 52 (2003) 239.
    """
    values = np.asarray(differences, float)
    if len(values) < 2:
        raise ValueError(f"the corrected t-test needs differences from at least 2 splits, got {len(values)}")
    return _t_test(values, 1 / len(values) + test_rows / train_rows)


def paired_rows_test(differences: ArrayLike) -> PairedTest:
    """Test differences between two models' scores of single rows of one test set, by the paired t-test.

    Parameters
    ----------
    differences : array-like, shape (n_test,)
    """
    values = np.asarray(differences, float)
    return _t_test(values, 1 / len(values))


def deviation(values: ArrayLike) -> float:
    """Compute the standard deviation of a sample: 0 if the values differ by rounding only, NaN for one value."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return np.nan
    spread = float(values.std(ddof=1))
    return 0.0 if spread <= 1e-12 * abs(values.mean()) else spread


def _t_test(values: Array, factor: float) -> PairedTest:
    mean, count = float(values.mean()), len(values)
    spread = deviation(values)
    error = spread * np.sqrt(factor)
    if spread > 0:
        probability, effect = 2 * t.sf(abs(mean) / error, count - 1), mean / spread
    else:
        probability, effect = float(mean == 0), float(np.sign(mean)) * np.inf if mean else 0.0
    if np.isnan(error):
        return PairedTest(mean, np.nan, (-np.inf, np.inf), np.nan, 1.0)
    half = t.ppf((1 + COVERAGE) / 2, count - 1) * error
    return PairedTest(mean, float(error), (mean - half, mean + half), float(effect), float(probability))


def signed_rank_test(differences: ArrayLike) -> float:
    """Compute the p-value of Wilcoxon's signed-rank test of differences between two models on single rows.

    Rows that make no difference are left out. If all others differ by the same amount, as when each row is predicted
    once and is right or wrong, this is the sign test, McNemar's, which is computed exactly.

    Parameters
    ----------
    differences : array-like, shape (n_rows,)
    """
    values = np.asarray(differences, float)
    values = values[np.abs(values) > 1e-12 * np.abs(values).max(initial=0.0)]
    if len(values) == 0:
        return 1.0
    sizes = np.abs(values)
    if np.allclose(sizes, sizes[0]):
        return float(binomtest(int((values > 0).sum()), len(values)).pvalue)
    return float(wilcoxon(np.sign(values) * np.round(sizes, 12)).pvalue)


def sign_flip_test(differences: ArrayLike) -> float:
    """Compute the p-value of the test that flips the signs of differences at random and looks at their sum.

    Unlike ranks, it keeps the weights that rows of rare classes have in a balanced accuracy. All flips are counted
    for up to 16 differences; for more, their sum is taken as normal.

    Parameters
    ----------
    differences : array-like, shape (n_rows,)
    """
    values = np.asarray(differences, float)
    values = values[values != 0]
    total = abs(float(values.sum()))
    if len(values) <= MAX_EXACT:
        sums = np.zeros(1)
        for value in values:
            sums = np.concatenate([sums + value, sums - value])
        return float(np.mean(np.abs(sums) >= total - 1e-9 * np.abs(values).sum()))
    return float(2 * norm.sf(total / np.sqrt(np.sum(values**2))))


def holm(p_values: ArrayLike) -> Array:
    """Correct p-values for the number of tests by Holm's step-down method.

    Parameters
    ----------
    p_values : array-like, shape (n_tests,)

    Returns
    -------
    float ndarray, shape (n_tests,)
        Adjusted p-values; those below a level are significant at that level, all together.

    References
    ----------
    Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979) 65.
    """
    values = np.asarray(p_values, float)
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * values[order]))
    return adjusted
