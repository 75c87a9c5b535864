"""Loops over calls of kernels: what many steps of a training run repeat, without Python in between."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.jit.bridges import Call, table_of
from simulator.engines.numba.kernels import loops as kernels
from simulator.engines.numba.layout.queues import PAYS, SHARED, TRIAL
from simulator.engines.numba.layout.row_calls import WORDS
from simulator.engines.numba.threads import AWAKE, get_num_threads, helpers

__all__ = ["Calculation", "Call", "Loop", "RowCalls", "check_finite", "clear", "words"]

Array = NDArray[Any]
IntArray = NDArray[np.int64]

_PAUSE = 0.05, 1.6  # shortest and longest time, in seconds, until calls that did not pay with helpers are tried again
_WORTH_SHARING = 50e-6  # seconds from which the duration of a run is worth asking for helpers
_WORTH_WAKING = 3e-4  # seconds from which it is worth waking them


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
        self._threads, self._table = 0, table_of([], 0)
        self._words = self._table.data
        self._tried, self._pause = 0.0, _PAUSE[0]
        self._shareable = sum(call.most_threads > 1 for call in calls)
        self._ended, self._round = 0.0, 1.0  # when the last run ended, and the seconds that a repetition took

    def run(self, end: int) -> int:
        """Repeat the calls until ``place[0]`` is ``end``, or until one of them refuses; return ``place[0]``."""
        threads = min(get_num_threads(), self._most_threads) if self._most_threads > 1 else 1
        if threads != self._threads:
            self._threads, self._table = threads, table_of(self._calls, threads)
            self._words = self._table.data
        if threads == 1:
            return int(kernels.repeat(self._table, 0, 0, self._place, end))
        now, first, table, paying = time.monotonic(), int(self._place[0]), self._table, self._words[0, PAYS]
        expected, board, count = (end - first) * self._round, 0, 0
        if expected >= _WORTH_SHARING:
            if paying < self._shareable and now >= self._tried + self._pause:
                self._tried, self._pause, paying = now, min(2 * self._pause, _PAUSE[1]), self._shareable
                table[:, TRIAL] = table[:, SHARED] = 0
            if paying:  # or helpers sleep, and leave the processors to others
                wake = now < self._ended + AWAKE or expected >= _WORTH_WAKING
                board, count = helpers(threads - 1, self._scratch_bytes, wake)
        reached = int(kernels.repeat(table, board, count, self._place, end))
        self._ended = time.monotonic()
        self._round = (self._ended - now) / max(reached - first, 1)
        if self._words[0, PAYS] < paying and self._ended > self._tried + _PAUSE[1]:
            self._tried, self._pause = self._ended, _PAUSE[0]
        return reached


class Calculation:
    """A sequence of calls that is made once at a time, with other numbers in the arrays that they read.

    One thread at a time may call it.

    Parameters
    ----------
    calls : list of Call
    arguments : tuple of ndarray
        Arrays that the calls read.
    results : tuple of ndarray
        Arrays that they fill.
    """

    def __init__(self, calls: list[Call], arguments: tuple[Array, ...], results: tuple[Array, ...]) -> None:
        self._place = np.zeros(1, np.int64)
        self._loop = Loop(calls, self._place)
        self._arguments, self._results = arguments, results

    def __call__(self, arguments: tuple[Array, ...]) -> tuple[Array, ...] | None:
        """Copy numbers to the arrays, make the calls, and return copies of the results; None if a kernel refuses."""
        for argument, value in zip(self._arguments, arguments, strict=True):
            argument[...] = value
        self._place[0] = 0
        return tuple([result.copy() for result in self._results]) if self._loop.run(1) else None


class RowCalls:
    """Calls that compiled code makes on some of the rows of a batch at a time, by `kernels.row_calls.invoke_rows`.

    Parameters
    ----------
    calls : list of Call
        Calls with ``rows``.

    Attributes
    ----------
    table : int64 ndarray, shape (n_calls, n_columns)
        Valid as long as this object lives.
    words : int
        Number of words of the largest block: the space that each thread needs.
    """

    def __init__(self, calls: list[Call]) -> None:
        self._calls = calls
        rows = [call.row_words() for call in calls]
        self.words = max((row[WORDS] for row in rows), default=0)
        self.table = np.zeros((len(rows), max(map(len, rows), default=0)), np.int64)
        for line, row in zip(self.table, rows, strict=True):
            line[: len(row)] = row


def clear(out: NDArray[Any]) -> Call:
    """Return the call that fills an array with zeros."""
    return Call(kernels.clear, out.reshape(-1).view(np.int64))


def check_finite(array: NDArray[np.float64]) -> Call:
    """Return the call that refuses if a number is NaN or infinite."""
    return Call(kernels.are_finite, array.reshape(-1).view(np.int64))


def words(array: NDArray[Any]) -> IntArray:
    """Return the rows of an array as 64-bit integers, without a copy."""
    return array.reshape(len(array), -1).view(np.int64)
