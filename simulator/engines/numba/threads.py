"""Thread pool for kernels.

Kernels release the GIL and take their work from an atomic counter, so a late thread does less work and never delays
the others. The caller always works itself, so a call without free helpers runs serially. Helpers are started by the
first call that uses them, and again after a fork, so that forked and spawned workers, concurrent calls and nested calls
all work. They stay awake for a fifth of a millisecond after a call, because waking a sleeping thread takes longer than
a small training step.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from simulator import progress

_AWAKE = 2e-4  # seconds that a helper polls the bell before it sleeps
_HANDOVER = 1.5e-5  # seconds from the bell until the caller runs a kernel and has released the GIL
_TRIAL = 2_000  # number of polling rounds that are timed once to calibrate the polling rate
_LOOKS = 0.1  # seconds between two progress checks of a watched call
_STOP = 1 << 62  # larger than the number of pieces of any queue

_lock = threading.Lock()
_queue: SimpleQueue[_Job] = SimpleQueue()
_bell: NDArray[np.int64] = np.zeros(1, np.int64)
_helpers = 0
_rounds_a_second = 0.0
_limit: int | None = None


class _Job:
    """A call that several threads execute."""

    __slots__ = ("active", "begun", "call", "closed", "error", "finished", "guard", "idle", "returned")

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.guard = threading.Lock()
        self.begun = self.active = 0
        self.finished = np.zeros(1, np.int64)
        self.closed = False
        self.idle: threading.Event | None = None
        self.returned: threading.Event | None = None
        self.error: BaseException | None = None

    def help(self) -> None:
        with self.guard:
            if self.closed:
                return
            self.begun += 1
            self.active += 1
        try:
            self.call()
        except BaseException as error:
            self.error = error
        finally:
            with self.guard:
                self.active -= 1
                if self.idle is not None and not self.active:
                    self.idle.set()
            if self.returned is not None:
                self.returned.set()

    def close(self) -> None:
        """Wait for the helpers that have started; later helpers see a closed job."""
        from simulator.engines.numba.kernels.waiting import await_count

        with self.guard:
            self.closed = True
            if not self.active:
                return
        if await_count(self.finished, self.begun, int(_AWAKE * _rounds_a_second)) >= self.begun:
            return
        with self.guard:
            if not self.active:
                return
            self.idle = threading.Event()
        self.idle.wait()


def get_num_threads() -> int:
    """Number of threads that a call may use.

    The number set by `set_num_threads`, else the environment variable ``QUMBA_NUM_THREADS``, else
    ``NUMBA_NUM_THREADS`` or ``OMP_NUM_THREADS``, else the number of processors available to this process, which is
    also the maximum.
    """
    available = _available()
    return min(_limit, available) if _limit is not None else min(_environment(available), available)


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


def parallel(call: Callable[[], None], threads: int, wait: bool = True) -> None:
    """Execute ``call`` on this thread and on up to ``threads - 1`` free helpers.

    Parameters
    ----------
    call : callable
    threads : int
    wait : bool
        Whether to wait for all helpers that have started. This is unnecessary for a kernel that returns on this thread
        only when all work is done and whose other threads then access no arrays.
    """
    if threads < 2 or not _start(threads - 1):
        call()
        return
    job = _Job(call)
    _begin(job, threads - 1)
    try:
        call()
    except BaseException:
        job.close()
        raise
    if not wait:
        job.closed = True
        return
    job.close()
    if job.error is not None:
        raise job.error


def share(
    call: Callable[[], None],
    queue: NDArray[np.int64],
    pieces: int,
    work: int,
    serial_work: int,
    long_work: int,
    done: int | None = None,
) -> None:
    """Execute a call that takes pieces from a queue on a number of threads that suits its work.

    Parameters
    ----------
    call : callable
    queue : int64 ndarray
    pieces : int
    work : int
        Amount of work, in the unit of ``serial_work`` and ``long_work``.
    serial_work : int
        Amount of work below which a second thread does not pay off.
    long_work : int
        Amount of work from which the call is `watched`.
    done : int, optional
        Index of the counter of finished pieces in the queue, if kernels wait for all pieces.
    """
    threads = 1 if work < serial_work else min(get_num_threads(), pieces)
    if work >= long_work:
        watched(call, threads, queue, pieces, done)
    else:
        parallel(call, threads, wait=done is None)


def watched(
    call: Callable[[], None], threads: int, queue: NDArray[np.int64], pieces: int, done: int | None = None
) -> None:
    """Execute a long call on ``threads`` other threads while this one handles interrupts, which kernels cannot.

    This thread reports the number of pieces claimed from ``queue[0]`` to `simulator.progress`. An interrupt ends the
    call as soon as these pieces are done.

    Parameters
    ----------
    call : callable
    threads : int
    queue : int64 ndarray
    pieces : int
    done : int, optional
        Index of the counter of finished pieces in the queue, if kernels wait for all pieces.
    """
    if not _start(threads):
        call()
        return
    job = _Job(call)
    job.returned = threading.Event()
    _begin(job, threads)
    try:
        while not job.returned.wait(_LOOKS):
            progress.report(min(int(queue[0]) / pieces, 1.0))
    except BaseException:
        queue[0] = _STOP
        if done is not None:
            queue[done] = _STOP
        raise
    finally:
        job.close()
    if job.error is not None:
        raise job.error


def _begin(job: _Job, helpers: int) -> None:
    for _ in range(helpers):
        _queue.put(job)
    _bell[0] += 1


def _available() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not available on every system
        return os.cpu_count() or 1


_environment_cache: dict[tuple[str, str], int] = {}


def _environment(available: int) -> int:
    for name in ("QUMBA_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name)
        if text is None:
            continue
        key = name, text
        if key not in _environment_cache:
            _environment_cache[key] = _parse(name, text, available)
        return _environment_cache[key]
    return available


def _parse(name: str, text: str, available: int) -> int:
    try:
        count = int(text.split(",")[0])
    except ValueError:
        count = 0
    if not 1 <= count <= 4096:
        clamped = available if count < 1 else 4096
        warnings.warn(
            f"{name}={text!r} is not a sensible number of threads; using {min(clamped, available)}", stacklevel=4
        )
        return clamped
    return count


def _start(count: int) -> bool:
    """Start helpers until there are ``count``, or as many as possible; return whether there is at least one."""
    global _helpers, _rounds_a_second
    if _helpers >= count:
        return True
    with _lock:
        if not _rounds_a_second:
            _rounds_a_second = _measured()
        while _helpers < count:
            helper = threading.Thread(target=_serve, args=(_queue, _bell), name=f"qumba-{_helpers + 1}", daemon=True)
            try:
                helper.start()
            except RuntimeError:  # no memory for its stack, or too many threads: continue with the existing helpers
                break
            _helpers += 1
    return _helpers > 0


def _measured() -> float:
    """Measure the polling rounds per second, as the duration of a pause instruction varies tenfold between machines."""
    from simulator.engines.numba.kernels.waiting import listen

    silent = np.zeros(1, np.int64)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        listen(silent, 0, silent.copy(), _TRIAL, 0)
        times.append(time.perf_counter() - start)
    return _TRIAL / min(times)


def _serve(queue: SimpleQueue[_Job], bell: NDArray[np.int64]) -> None:
    from simulator.engines.numba.kernels.waiting import listen, ring

    awake, handover = int(_AWAKE * _rounds_a_second), int(_HANDOVER * _rounds_a_second)
    while True:
        job: _Job | None = queue.get()
        while job is not None:
            job.help()
            heard = int(bell[0])
            following = _waiting(queue)
            if following is None:
                listen(bell, heard, job.finished, awake, handover)
                following = _waiting(queue)
            else:
                ring(job.finished)
            job = following


def _waiting(queue: SimpleQueue[_Job]) -> _Job | None:
    try:
        return queue.get_nowait()
    except Empty:
        return None


def _after_fork() -> None:
    """Reset the pool, because a forked child has none of the parent's threads."""
    global _lock, _queue, _bell, _helpers
    _lock, _queue, _bell, _helpers = threading.Lock(), SimpleQueue(), np.zeros(1, np.int64), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
