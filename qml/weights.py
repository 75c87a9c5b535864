"""Weights of samples and of classes, checked before anything is learnt from them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import _check_sample_weight

from simulator.masked import check_unmasked

__all__ = ["checked_sample_weight", "weighted_by_class"]

Array = NDArray[np.float64]


def checked_sample_weight(sample_weight: ArrayLike | None, X: Array) -> Array:
    """Weights of samples, shape (n_samples,); 1 for each if there are none.

    Raises
    ------
    ValueError
        If a weight is negative, NaN, infinite or masked, all are 0, or their sum is infinite.
    """
    check_unmasked(sample_weight, "sample_weight")
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():  # later versions of scikit-learn have said so
        raise ValueError("Sample weights must contain at least one non-zero number.")
    with np.errstate(over="ignore"):
        total = weight.sum()
    if not np.isfinite(total):
        raise ValueError(
            f"sample_weight adds up to more than a double holds: the largest is {weight.max():.3g}; divide the weights "
            "by a constant"
        )
    return weight


def weighted_by_class(
    class_weight: Mapping[Any, float] | Literal["balanced"] | None,
    classes: NDArray[Any],
    indices: NDArray[np.intp],
    sample_weight: Array,
) -> Array:
    """Weights of samples times those of their classes, shape (n_samples,).

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        As in scikit-learn; classes that a dict does not name have weight 1.
    classes : ndarray, shape (n_classes,)
    indices : int ndarray, shape (n_samples,)
        Class of each sample, as its position in ``classes``.
    sample_weight : float ndarray, shape (n_samples,), positive

    Raises
    ------
    ValueError
        If a weight is not a positive finite number, or a dict names a class that does not exist instead of one that
        does.
    """
    if class_weight is None:
        return sample_weight
    if isinstance(class_weight, Mapping):
        _check_class_weight(class_weight, classes)
    elif not isinstance(class_weight, str) or class_weight != "balanced":
        raise ValueError(f"class_weight expects a dict, 'balanced' or None, got {class_weight!r}")
    factors = compute_class_weight(class_weight, classes=classes, y=classes[indices], sample_weight=sample_weight)
    with np.errstate(over="ignore", under="ignore"):
        out = sample_weight * factors[indices]
        total = out.sum()
    if not (np.isfinite(total) and out.all()):
        raise ValueError(
            f"class_weight={class_weight!r} times the sample weights, which are between {sample_weight.min():.3g} and "
            f"{sample_weight.max():.3g}, leaves the range of doubles; scale either"
        )
    return out


def _check_class_weight(class_weight: Mapping[Any, float], classes: NDArray[Any]) -> None:
    for label, weight in class_weight.items():
        if not isinstance(weight, Real) or not 0 < weight < np.inf:
            raise ValueError(
                f"class_weight expects positive finite numbers, got {weight!r} for class {label!r}; leave out the "
                "samples of a class that should not count"
            )
    known = classes.tolist()
    unknown = [label for label in class_weight if label not in known]
    unnamed = [label for label in known if label not in class_weight]
    if unknown and unnamed:
        raise ValueError(
            f"class_weight names {unknown!r}, which are not among the classes {known!r}, and no weight for {unnamed!r}"
        )
