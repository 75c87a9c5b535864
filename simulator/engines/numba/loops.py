"""Loops over calls of kernels: what many steps of a training run repeat, without Python in between."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.jit.bridges import Call
from simulator.engines.numba.kernels import loops as kernels
from simulator.engines.numba.threads import get_num_threads, helpers

__all__ = ["Call", "Loop", "check_finite", "clear", "words"]

IntArray = NDArray[np.int64]


class Loop:
    """A sequence of calls that is made many times.

    One thread at a time may run it.

    Parameters
    ----------
    calls : list of Call
    place : int64 ndarray, shape (1,)
        Count of repetitions, which the calls may read.
    """

    def __init__(self, calls: list[Call], place: IntArray) -> None:
        self._calls, self._place = calls, place
        self._most_threads = max((call.most_threads for call in calls), default=1)
        self._scratch_bytes = max((call.scratch_bytes for call in calls), default=0)
        self._threads, self._rows = 0, np.zeros((0, 5), np.int64)

    def run(self, end: int) -> int:
        """Repeat the calls until ``place[0]`` is ``end``, or until one of them refuses; return ``place[0]``."""
        threads = min(get_num_threads(), self._most_threads) if self._most_threads > 1 else 1
        if threads != self._threads:
            rows = [call.row(threads) for call in self._calls]
            self._threads, self._rows = threads, np.array(rows, np.int64).reshape(-1, 5)
        return int(kernels.repeat(self._rows, *helpers(threads - 1, self._scratch_bytes), self._place, end))


def clear(out: NDArray[Any]) -> Call:
    """Return the call that fills an array with zeros."""
    return Call(kernels.clear, out.reshape(-1).view(np.int64))


def check_finite(array: NDArray[np.float64]) -> Call:
    """Return the call that refuses if a number is NaN or infinite."""
    return Call(kernels.are_finite, array.reshape(-1).view(np.int64))


def words(array: NDArray[Any]) -> IntArray:
    """Return the rows of an array as 64-bit integers, without a copy."""
    return array.reshape(len(array), -1).view(np.int64)
