"""Loops over calls of kernels: what many steps of a training run repeat, without Python in between."""

from __future__ import annotations

from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.jit.bridges import Call
from simulator.engines.numba.kernels import loops as kernels
from simulator.engines.numba.layout.queues import CLOSED, GATE_COUNTERS, OPEN
from simulator.engines.numba.threads import get_num_threads, parallel

__all__ = ["Call", "Loop", "clear", "copy", "take_rows"]

IntArray = NDArray[np.int64]

_FIRST = np.zeros(1, np.int64)  # the only row, in order and place


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
        shared = [call for call in calls if call.companion is not None]
        numbers = {id(call): number for number, call in enumerate(shared, 1)}
        self._calls, self._shared, self._place = calls, shared, place
        self._table = _table([(*call.addresses, numbers.get(id(call), 0)) for call in calls])
        self._most_threads = max((call.most_threads for call in shared), default=1)
        self._gate = np.zeros(GATE_COUNTERS, np.int64)
        self._helpers: list[tuple[list[Call], IntArray]] = []

    def run(self, end: int) -> int:
        """Repeat the calls until ``place[0]`` is ``end``, or until one of them refuses; return ``place[0]``."""
        threads = min(get_num_threads(), self._most_threads) if self._shared else 1
        if threads < 2:
            return int(kernels.repeat(self._table, self._gate, self._place, end))
        gate = np.zeros(GATE_COUNTERS, np.int64)
        while len(self._helpers) < threads - 1:
            companions = [call.companion() for call in self._shared if call.companion is not None]
            self._helpers.append((companions, _table([call.addresses for call in companions])))
        caller, free = get_ident(), self._helpers[: threads - 1]

        def call() -> None:
            if get_ident() != caller:
                kernels.help_out(free.pop()[1], gate)
                return
            try:
                kernels.repeat(self._table, gate, self._place, end)
            finally:
                gate[OPEN] = CLOSED

        parallel(call, threads)
        return int(self._place[0])


def take_rows(source: NDArray[Any], order: IntArray, place: IntArray, size: int, out: NDArray[Any]) -> Call:
    """Return the call that fills ``out`` with the rows ``order[place[0] * size :]`` of ``source``, of the same type."""
    return Call(kernels.copy_rows, _words(source), order, place, size, _words(out))


def copy(source: NDArray[Any], out: NDArray[Any]) -> Call:
    """Return the call that copies an array to another one of its type and shape."""
    return take_rows(source.reshape(1, -1), _FIRST, _FIRST, 1, out.reshape(1, -1))


def clear(out: NDArray[Any]) -> Call:
    """Return the call that fills an array with zeros."""
    return copy(np.zeros_like(out), out)


def _words(array: NDArray[Any]) -> IntArray:
    """Rows as 64-bit integers, without a copy."""
    return array.reshape(len(array), -1).view(np.int64)


def _table(rows: list[tuple[int, ...]]) -> IntArray:
    return np.array(rows, np.int64).reshape(len(rows), -1)
