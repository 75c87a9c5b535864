"""Seeds of the random numbers of a training run, in the form that compiled code takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["StepSeed", "seed_words"]


class StepSeed(NamedTuple):
    """Seed of the current step of a compiled loop, see `qml.layers.Layer.for_steps`.

    Parameters
    ----------
    words : int64 ndarray, shape (n_words,); words of the seed of the step in which ``step`` is 0, whose number is last
    step : int64 ndarray, shape (1,); number of the current step, which changes in place
    """

    words: NDArray[np.int64]
    step: NDArray[np.int64]


def seed_words(*numbers: int) -> NDArray[np.int64]:
    """Return the 32-bit words to which ``np.random.default_rng`` converts a sequence of integers.

    Raises
    ------
    ValueError
        If a number is negative.

    Examples
    --------
    >>> seed_words(7, 2**32 + 1)
    array([7, 1, 1])
    """
    words = []
    for number in numbers:
        if number < 0:
            raise ValueError(f"a seed must be a non-negative integer, got {number}")
        words.append(number & 0xFFFFFFFF)
        while number := number >> 32:
            words.append(number & 0xFFFFFFFF)
    return np.array(words, np.int64)
