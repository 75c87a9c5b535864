"""Kernel ridge regression with an intercept, and what it predicts for rows left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg.lapack import dpotrf, dpotri

__all__ = ["left_out_coefficients"]

Array = NDArray[np.float64]


def left_out_coefficients(kernel: Array, penalty: ArrayLike) -> Array:
    """Return the symmetric matrix C that gives the dual coefficients C y of kernel ridge regression with an intercept.

    The residual of a row that is left out is its coefficient divided by its diagonal entry, ``(C y)_i / C_ii``.

    Parameters
    ----------
    kernel : float ndarray, shape (n_samples, n_samples)
        Positive semidefinite.
    penalty : float or array-like, shape (n_samples,)
        Positive; added to the diagonal.

    Returns
    -------
    float ndarray, shape (n_samples, n_samples)

    References
    ----------
    Cawley and Talbot, "Fast exact leave-one-out cross-validation of sparse least-squares support vector machines",
    Neural Networks 17 (2004) 1467.
    """
    factor, _ = dpotrf(kernel + np.diag(np.broadcast_to(penalty, len(kernel))))
    inverse, _ = dpotri(factor)  # the upper triangle
    inverse = np.triu(inverse) + np.triu(inverse, 1).T
    sums = inverse.sum(axis=1)
    return inverse - np.outer(sums, sums) / sums.sum()  # type: ignore[no-any-return]
