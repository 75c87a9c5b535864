"""Order of the rows in each epoch, which depends on the seed of the run and the number of the epoch only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.engines.host import rows

__all__ = ["draw_orders"]

_POOL, _WORDS = 4, 4  # sizes of the arrays that the kernel works with


def draw_orders(seed: int, epoch: int, n_samples: int, out: NDArray[np.int64]) -> None:
    """Draw the orders of consecutive epochs.

    Parameters
    ----------
    seed : seed of the run
    epoch : number of the first epoch, counted from 0
    n_samples : number of rows
    out : int64 ndarray, shape (n_epochs, n_columns)
        Row k begins with ``np.random.default_rng([seed, 0, epoch + k]).permutation(n_samples)``; further columns stay
        as they are.

    Raises
    ------
    ValueError
        If the seed is negative.
    """
    if seed < 0:
        raise ValueError(f"the seed of a run must be a non-negative integer, got {seed}")
    words = [seed & 0xFFFFFFFF]
    while seed := seed >> 32:
        words.append(seed & 0xFFFFFFFF)
    entropy = np.array([*words, 0, epoch], np.int64)
    rows.permutations(entropy, np.empty(_POOL, np.int64), np.empty(_WORDS, np.int64), n_samples, out)
