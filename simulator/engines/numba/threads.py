"""Helper threads for kernels.

Callers and helpers meet in compiled code (`kernels.loops`), without the GIL: a helper polls for a fifth of a
millisecond after a call, because waking a sleeping thread takes longer than a small training step. Then it sleeps in
Python, until a call needs it. Helpers are started by the first call that uses them, and again after a fork, so that
forked and spawned workers, concurrent calls and nested calls all work.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.layout.queues import ASLEEP, EXPECTING, FREE, MAILBOX_WORDS, SCRATCH, STATE

IntArray = NDArray[np.int64]

AWAKE = 2e-4
"""Time in seconds for which a helper polls its mailbox before it sleeps."""

_KNOWN = 0.01  # seconds for which the number of processors is not asked for again
_TRIAL = 2_000  # number of polling rounds that are timed once to calibrate the polling rate
_MOST_HELPERS = 1023
_MOST_THREADS = 4096  # that a variable may name; there never are more than processors
_PAGE_BYTES = 4096  # alignment of scratches


class _Pool:
    """The helpers of this process, and the board with their mailboxes."""

    def __init__(self) -> None:
        self.board: IntArray = np.zeros(_MOST_HELPERS * MAILBOX_WORDS, np.int64)
        self.address = self.board.ctypes.data
        self.states, self.expecting = (self.board.data[k::MAILBOX_WORDS] for k in (STATE, EXPECTING))
        self.lock = threading.Lock()
        self.beds: list[threading.Lock] = []  # a helper sleeps until it gets hold of its lock
        self.scratch_bytes = 0
        self.scratches: dict[int, list[NDArray[np.float64]]] = {}  # by the number of the helper

    def start(self, count: int) -> None:
        """Start helpers until there are ``count``, or as many as possible."""
        global _rounds
        with self.lock:
            _rounds = _rounds or int(AWAKE * _rounds_per_second())
            while len(self.beds) < min(count, _MOST_HELPERS):
                number, bed = len(self.beds), threading.Lock()
                bed.acquire()
                self.scratches[number] = []
                self._furnish(number, self.scratch_bytes)
                arguments = self.board, number * MAILBOX_WORDS, _rounds, bed
                helper = threading.Thread(target=_serve, args=arguments, name=f"qumba-{number + 1}", daemon=True)
                try:
                    helper.start()
                except RuntimeError:  # no memory for its stack, or too many threads: continue with the others
                    break
                self.beds.append(bed)

    def wake(self, number: int) -> None:
        """Wake a helper if it sleeps."""
        with self.lock:
            if self.states[number] == ASLEEP:
                self.states[number] = FREE
                self.beds[number].release()

    def furnish(self, scratch_bytes: int) -> None:
        """Give all helpers scratches of at least a number of bytes."""
        with self.lock:
            if self.scratch_bytes < scratch_bytes:
                scratch_bytes = max(scratch_bytes, 2 * self.scratch_bytes)
                for number in range(len(self.beds)):
                    self._furnish(number, scratch_bytes)
                self.scratch_bytes = scratch_bytes

    def _furnish(self, number: int, scratch_bytes: int) -> None:
        from simulator.engines.numba.simd import aligned_zeros

        scratch = aligned_zeros(-(-scratch_bytes // 8), np.float64, _PAGE_BYTES)
        self.scratches[number].append(scratch)  # the helper may still use the one before
        self.board[number * MAILBOX_WORDS + SCRATCH] = scratch.ctypes.data


_pool = _Pool()
_processors, _known_until = 1, 0.0
_rounds = 0  # of polling before a helper sleeps
_limit: int | None = None
_default: int | None = None  # what the environment says, once it has been read


def get_num_threads() -> int:
    """Number of threads that a call may use.

    The number set by `set_num_threads`, else the environment variable ``QUMBA_NUM_THREADS``, else
    ``NUMBA_NUM_THREADS`` or ``OMP_NUM_THREADS``, else the number of processors available to this process, which is
    also the maximum. The variables are read when a process first asks, and again after a fork.
    """
    global _default
    available = _available()
    if _limit is not None:
        return min(_limit, available)
    if _default is None:
        _default = _environment(available)
    return min(_default, available)


def set_num_threads(count: int | None) -> None:
    """Set the maximum number of threads per call; None restores the default.

    Raises
    ------
    ValueError
        If ``count`` is not a positive integer.
    """
    global _limit
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise ValueError(f"the number of threads is a positive integer or None, got {count!r}")
    _limit = count


@contextmanager
def limited(count: int) -> Iterator[None]:
    """Set the maximum number of threads per call inside the context, in all threads of this process."""
    global _limit
    previous = _limit
    set_num_threads(count)
    try:
        yield
    finally:
        _limit = previous


def helpers(count: int, scratch_bytes: int = 0, wake: bool = True) -> tuple[int, int]:
    """Prepare up to ``count`` helpers with a scratch; return the address of the board and the number of mailboxes.

    Waking a helper takes the caller 20 to 40 microseconds, if ``wake`` allows that.
    """
    pool = _pool
    if len(pool.beds) < count:
        pool.start(count)
    if pool.scratch_bytes < scratch_bytes:
        try:
            pool.furnish(scratch_bytes)
        except MemoryError:  # the caller has its own scratch and continues alone
            return pool.address, 0
    available = number = 0
    while available < count and number < len(pool.beds):
        pool.expecting[number] = 1
        state = pool.states[number]
        if state == ASLEEP and wake:
            pool.wake(number)
        available += state in (ASLEEP, FREE)
        number += 1
    return pool.address, len(pool.beds)


def _available() -> int:
    """Number of processors of this process, as of at most `_KNOWN` seconds ago: small calls notice the system call."""
    global _processors, _known_until
    now = time.monotonic()
    if now >= _known_until:
        try:
            _processors = len(os.sched_getaffinity(0))
        except AttributeError:  # not available on every system
            _processors = os.cpu_count() or 1
        _known_until = now + _KNOWN
    return _processors


def _environment(available: int) -> int:
    for name in ("QUMBA_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name)
        if text is not None:
            return _parse(name, text, available)
    return _MOST_THREADS


def _parse(name: str, text: str, available: int) -> int:
    try:
        count = int(text.split(",")[0])
    except ValueError:
        count = 0
    if not 1 <= count <= _MOST_THREADS:
        clamped = available if count < 1 else _MOST_THREADS
        warnings.warn(
            f"{name}={text!r} is not a sensible number of threads; using {min(clamped, available)}", stacklevel=4
        )
        return clamped
    return count


def _rounds_per_second() -> float:
    """Measure the polling rounds per second, as the duration of a pause instruction varies tenfold between machines."""
    from simulator.engines.numba.kernels.loops import serve

    times = []
    for _ in range(3):
        board = np.zeros(MAILBOX_WORDS, np.int64)
        start = time.perf_counter()
        serve(board, 0, _TRIAL)
        times.append(time.perf_counter() - start)
    return _TRIAL / min(times)


def _serve(board: IntArray, box: int, rounds: int, bed: threading.Lock) -> None:
    from simulator.engines.numba.kernels.loops import serve

    while True:
        serve(board, box, rounds)
        bed.acquire()


def _after_fork() -> None:
    """Reset the pool, because a forked child has none of the parent's threads, and may have other variables."""
    global _pool, _default, _known_until
    _pool, _default, _known_until = _Pool(), None, 0.0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
