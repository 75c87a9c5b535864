"""Checks of the arguments of data sets, and the types of what they return."""

from __future__ import annotations

from math import isfinite
from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from qml.settings import check_whole

__all__ = ["Features", "Labels", "RandomState", "check_even", "check_interval", "generator"]

Features: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.int64]
RandomState: TypeAlias = int | np.random.RandomState | None


def generator(random_state: RandomState) -> np.random.RandomState:
    """Return the generator of a seed, or the generator itself; ``None`` is NumPy's global one, as in scikit-learn."""
    if isinstance(random_state, bool) or not isinstance(random_state, Integral | np.random.RandomState | None):
        raise ValueError(
            f"random_state expects an integer, a numpy.random.RandomState or None, got {random_state!r}; the "
            "published data come from this older generator of NumPy's"
        )
    return check_random_state(random_state)


def check_even(name: str, value: Any) -> None:
    """Raise unless the value is a positive even number, as classes of equal size need."""
    check_whole(name, value, least=2)
    if value % 2:
        raise ValueError(f"{name} expects an even number, as the two classes are equally large, got {value}")


def check_interval(name: str, value: Any, low: float, high: float = float("inf"), *, closed: bool = True) -> None:
    """Raise unless the value is a finite number from ``low`` to ``high``; above ``low`` if not ``closed``."""
    fits = not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)
    if not fits or not low <= float(value) <= high or (float(value) == low and not closed):
        bounds = f"of {low:g} or more" if closed else f"above {low:g}"
        bounds = "" if low == float("-inf") else f" {bounds}"
        upper = "" if high == float("inf") else f", at most {high:g}"
        raise ValueError(f"{name} expects a finite number{bounds}{upper}, got {value!r}")
