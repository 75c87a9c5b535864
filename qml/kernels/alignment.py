"""Kernel-target alignment: the similarity of a kernel matrix to that of the labels, and its derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import type_of_target

from qml.features.scaling import size_exponent

__all__ = ["alignment_and_gradient", "kernel_target_alignment", "target_kernel"]

Array = NDArray[np.float64]

MAX_EXPONENT = 240
"""Sums of products of products of numbers below this power of two are doubles."""


def target_kernel(y: ArrayLike) -> Array:
    """Compute the ideal kernel for the targets, shape (n_samples, n_samples).

    For classes: 1 where two samples have the same class and ``-1 / (n_classes - 1)`` where they differ: +-1 for
    two classes. For numbers: products of the deviations from the mean. Numbers beyond 1e72 are divided by a
    common factor first, since their products might leave the range of doubles, and an alignment does not depend on it.
    """
    labels = np.asarray(y)
    with np.errstate(invalid="ignore"):  # it casts numbers of any size to int
        kind = type_of_target(labels, input_name="y")
    if kind in ("binary", "multiclass"):
        classes, codes = np.unique(labels, return_inverse=True)
        other = -1.0 / max(len(classes) - 1, 1)
        return np.where(codes[:, None] == codes, 1.0, other)
    numbers = labels.astype(np.float64)
    excess = size_exponent(numbers) - MAX_EXPONENT
    numbers = np.ldexp(numbers, -max(excess, 0))
    centred = (numbers - numbers.mean(axis=0)).reshape(len(labels), -1)
    return centred @ centred.T  # type: ignore[no-any-return]


def kernel_target_alignment(K: ArrayLike, y: ArrayLike, centered: bool = True) -> float:
    """``<K, T> / (|K| |T|)`` with T the target kernel and Frobenius products; 1 at best.

    Parameters
    ----------
    K : array-like, shape (n_samples, n_samples), symmetric
    y : array-like, shape (n_samples,)
        Classes or numbers.
    centered : bool
        Whether to centre both in feature space first; otherwise an unbalanced data set is aligned with any kernel.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    Cristianini et al., NIPS 2001; centred: Cortes, Mohri and Rostamizadeh, arXiv:1203.0550.
    """
    kernel, target = np.asarray(K, np.float64), target_kernel(y)
    if kernel.shape != target.shape:
        raise ValueError(f"K expects shape {target.shape}, for as many targets in y, got {kernel.shape}")
    return alignment_and_gradient(kernel, target, centered)[0]


def alignment_and_gradient(K: Array, target: Array, centered: bool) -> tuple[float, Array]:
    """Alignment and its derivative with respect to the entries of K, shape (n_samples, n_samples); 0 if undefined."""
    kernel, other = (_centred(K), _centred(target)) if centered else (K, target)
    kernel_norm, other_norm = np.linalg.norm(kernel), np.linalg.norm(other)
    if kernel_norm <= 1e-12 * len(K) or other_norm <= 1e-12 * len(K):
        return 0.0, np.zeros_like(K)
    value = float(np.vdot(kernel, other) / (kernel_norm * other_norm))
    gradient: Any = other / (kernel_norm * other_norm) - value * kernel / kernel_norm**2
    return value, gradient


def _centred(K: Array) -> Array:
    rows = K.mean(axis=0)
    return K - rows - K.mean(axis=1)[:, None] + rows.mean()
