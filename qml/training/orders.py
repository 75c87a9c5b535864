"""Order of the rows in each epoch, which depends on the seed of the run and the number of the epoch only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qml.seeds import seed_words
from simulator.engines.host import generators, rows

__all__ = ["draw_orders"]


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
    rows.permutations(seed_words(seed, 0, epoch), np.empty(generators.SIZE, np.int64), n_samples, out)
