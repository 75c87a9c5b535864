"""Whether targets change within short distances, told by two kernels of different width."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qml.kernels.left_out import left_out_coefficients

__all__ = ["roughness"]

Array = NDArray[np.float64]

MAX_ROWS = 256
"""Maximum number of rows that are compared, random ones of more: a few milliseconds, two per cent of a fit."""

WIDE = 0.125
"""``gamma`` of the wide kernel for one feature; that of the narrow one is 1."""

PENALTY = 0.03
"""Penalty of the ridge regressions for rows of weight 1.

Of 36 pairs of widths, each with penalties of 0.03, 0.1 and 0.3, those two with this one are among the pairs that best
separate two curves and spirals from twelve families and tables that vary slowly.
"""

TOLERANCE = 1e-12
"""Minimum standard deviation of a feature relative to its largest value."""


def roughness(X: Array, targets: Array, weight: Array, seed: int) -> float:
    """Return how much more of the targets' variance a narrow kernel explains than a wide one, on rows left out.

    Ridge regression with the kernel ``exp(-gamma |x - z|^2)`` of standardised features predicts each row from all
    others; ``gamma`` is 1 or 1/8, divided by the number of features. Functions that vary slowly, and noise, are
    explained as well or better by the wide kernel, which averages over more rows. Equal rows count as one with the sum
    of their weights, so that a weight of k is equivalent to k copies.

    Parameters
    ----------
    X : float ndarray, shape (n_samples, n_features)
    targets : float ndarray, shape (n_samples, n_targets)
    weight : float ndarray, shape (n_samples,)
        Positive sample weights.
    seed : int
        Seed for the choice of rows, of which 256 are used.

    Returns
    -------
    float
        Difference of two shares of the variance; 0 if features or targets are constant.
    """
    rows, share = _distinct(np.column_stack([X, targets]), weight)
    if len(rows) > MAX_ROWS:
        some = np.random.default_rng(seed).permutation(len(rows))[:MAX_ROWS]
        rows, share = rows[some], share[some] / share[some].sum()
    centred = rows - share @ rows
    features, response = centred[:, : X.shape[1]], centred[:, X.shape[1] :]
    exponents = np.frexp(np.abs(features).max(axis=0))[1]
    features = np.ldexp(features, -exponents)  # each column below 1 in size, so that no square leaves the range
    deviation = np.sqrt(share @ features**2)
    varies = deviation > TOLERANCE * np.ldexp(np.abs(rows[:, : X.shape[1]]).max(axis=0), -exponents)
    if not varies.any() or not response.any():
        return 0.0
    scaled = features[:, varies] / (deviation[varies] * np.sqrt(varies.sum()))
    norms = (scaled**2).sum(axis=1)
    wide = np.exp(-WIDE * (norms[:, None] + norms - 2.0 * scaled @ scaled.T))
    return _explained(wide**8, response, share) - _explained(wide, response, share)


def _distinct(rows: Array, weight: Array) -> tuple[Array, Array]:
    """Return the distinct rows, and the share of each in the weights."""
    rows = rows + 0.0  # -0.0 becomes 0.0
    as_bytes = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()  # sorts faster than by columns
    _, first, group = np.unique(as_bytes, return_index=True, return_inverse=True)
    share = np.bincount(group, weight)
    return rows[first], share / share.sum()


def _explained(kernel: Array, response: Array, share: Array) -> float:
    """Return the share of the variance that kernel ridge regression with an intercept explains on rows left out."""
    coefficients = left_out_coefficients(kernel, PENALTY / (len(share) * share))
    residuals = (coefficients @ response) / np.diag(coefficients)[:, None]
    by_mean = response / (1.0 - share)[:, None]
    return 1.0 - float(share @ (residuals**2).sum(axis=1)) / float(share @ (by_mean**2).sum(axis=1))
