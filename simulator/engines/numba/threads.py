"""The threads that kernels run on.

Kernels release the GIL and take their work from an atomic counter, so a thread that comes late finds less to
do and never holds the others up. The caller always works itself: with no helper free, a call is merely
serial. Helpers are started at the first call that wants them, and again after a fork, so that forked and
spawned workers, threads calling at once and nested calls all work. For a fifth of a millisecond after a call
they stay awake: waking a sleeping thread takes longer than a small training step.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from collections.abc import Callable
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from simulator import progress

_AWAKE = 2e-4  # seconds that a helper listens for the bell before it sleeps
_HANDOVER = 1.5e-5  # seconds from the bell until the caller runs a kernel and has let go of the GIL
_TRIAL = 2_000  # rounds of listening whose time is taken once
_LOOKS = 0.1  # seconds between two looks at a watched call
_STOP = 1 << 62  # more pieces than any queue has

_lock = threading.Lock()
_queue: SimpleQueue[_Job] = SimpleQueue()
_bell: NDArray[np.int64] = np.zeros(1, np.int64)
_helpers = 0
_rounds_a_second = 0.0
_limit: int | None = None


class _Job:
    """One call to be made by several threads."""

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
        """Wait for the helpers that have begun; later ones find the job closed."""
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
    """Threads that a call may use.

    What `set_num_threads` was told; else the environment variable ``QUMBA_NUM_THREADS``, else
    ``NUMBA_NUM_THREADS`` or ``OMP_NUM_THREADS``, else the processors this process may run on. Never more than
    those processors.
    """
    available = _available()
    return min(_limit, available) if _limit is not None else min(_environment(available), available)


def set_num_threads(count: int | None) -> None:
    """Let calls use at most ``count`` threads; None goes back to the default.

    Raises
    ------
    ValueError
        If ``count`` is not a positive whole number.
    """
    global _limit
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise ValueError(f"the number of threads is a positive whole number or None, got {count!r}")
    _limit = count


def parallel(call: Callable[[], None], threads: int, wait: bool = True) -> None:
    """Make ``call`` on this thread and, as far as they are free, on ``threads - 1`` others.

    Parameters
    ----------
    call : callable
    threads : int
    wait : bool
        Whether to wait for all that have begun. A kernel that returns on this thread only when the whole work is
        done, and whose other threads then touch nothing, can do without.
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
    """Make a call that takes pieces from a queue on as many threads as its work is worth.

    Parameters
    ----------
    call : callable
    queue : int64 ndarray
    pieces : int
    work : int
        In the same unit as the next two.
    serial_work : int
        Below this a second thread does not pay for itself.
    long_work : int
        From here on the call is `watched`.
    done : int, optional
        Where the queue counts finished pieces, if kernels wait for all of them.
    """
    threads = 1 if work < serial_work else min(get_num_threads(), pieces)
    if work >= long_work:
        watched(call, threads, queue, pieces, done)
    else:
        parallel(call, threads, wait=done is None)


def watched(
    call: Callable[[], None], threads: int, queue: NDArray[np.int64], pieces: int, done: int | None = None
) -> None:
    """Make a call that takes long on ``threads`` others; this one watches, because kernels do not hear interrupts.

    It tells `simulator.progress` how many of the pieces have been claimed from ``queue[0]``. An interrupt ends the call
    as soon as those are done.

    Parameters
    ----------
    call : callable
    threads : int
    queue : int64 ndarray
    pieces : int
    done : int, optional
        Where the queue counts finished pieces, if kernels wait for all of them.
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
    except AttributeError:  # not on every system
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
            f"{name}={text!r} is no sensible number of threads; using {min(clamped, available)}", stacklevel=4
        )
        return clamped
    return count


def _start(count: int) -> bool:
    """Have so many helpers, as far as the system gives them; whether there is one."""
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
            except RuntimeError:  # no memory for its stack, or too many threads: those that are there do the work
                break
            _helpers += 1
    return _helpers > 0


def _measured() -> float:
    """Rounds of listening in a second: what an instruction to rest takes differs tenfold from machine to machine."""
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
    """The child has none of the parent's threads."""
    global _lock, _queue, _bell, _helpers
    _lock, _queue, _bell, _helpers = threading.Lock(), SimpleQueue(), np.zeros(1, np.int64), 0


def _drop_thread_count_of_numba() -> None:
    """Remove a ``NUMBA_NUM_THREADS`` below 1 before numba, which cannot be imported with it, is; say so."""
    name = "NUMBA_NUM_THREADS"
    text = os.environ.get(name, "")
    try:
        refused = int(text) < 1
    except ValueError:  # numba says so itself, and can be imported
        refused = False
    if refused and "numba" not in sys.modules:
        del os.environ[name]
        warnings.warn(
            f"{name}={text!r} is no sensible number of threads; it is removed from the environment", stacklevel=2
        )


_drop_thread_count_of_numba()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
