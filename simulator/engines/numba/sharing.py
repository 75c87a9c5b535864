"""Calls of kernels on several threads.

Kernels take their work from an atomic counter, so a late thread does less work and never delays the others. The caller
always works itself, so a call without free helpers runs serially.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import progress
from simulator.engines.numba.jit.bridges import Call, bridge_to, table_of
from simulator.engines.numba.jit.compatibility import obstacle
from simulator.engines.numba.kernels.loops import lead, repeat
from simulator.engines.numba.layout.queues import FROM_BACK, HELPERS, LAST_PIECE, LEAD, QUEUE_WORDS
from simulator.engines.numba.threads import get_num_threads, helpers

_LOOKS = 0.1  # seconds between two progress checks of a watched call
_STOP = 1 << 62  # larger than the number of pieces of any queue

IntArray = NDArray[np.int64]


def new_queue(end: int = 0) -> IntArray:
    """Return a queue of pieces, of which kernels that read the end from it take those below ``end``."""
    queue = np.zeros(QUEUE_WORDS, np.int64)
    queue[LAST_PIECE] = end
    return queue


def share(
    kernel: Any,
    arguments: tuple[Any, ...],
    queue: IntArray,
    pieces: int,
    work: int,
    serial_work: int,
    long_work: int | None = None,
    scratch_bytes: int = 0,
    steps: int = 1,
) -> None:
    """Call a kernel that takes pieces from a queue, on a number of threads that suits its work.

    Parameters
    ----------
    kernel : dispatcher of a `bridged` kernel
        Other threads than this one replace its argument ``scratch``, if it has one.
    arguments : tuple
        All arguments of the kernel.
    queue : int64 ndarray
        The `new_queue` among the arguments.
    pieces : int
    work : int
        Amount of work, in the unit of ``serial_work`` and ``long_work``.
    serial_work : int
        Amount of work below which a second thread does not pay off.
    long_work : int, optional
        Amount of work from which the call is `watched`.
    scratch_bytes : int
        Size of a scratch.
    steps : int
        Number of times that the kernel takes all pieces.
    """
    threads = 1 if work < serial_work else min(get_num_threads(), pieces)
    if long_work is not None and work >= long_work:
        watched(lambda: _share(kernel, arguments, queue, threads, scratch_bytes), queue, pieces * steps)
    elif threads > 1:
        _share(kernel, arguments, queue, threads, scratch_bytes)
    else:
        kernel(*arguments)


def _share(kernel: Any, arguments: tuple[Any, ...], queue: IntArray, threads: int, scratch_bytes: int) -> None:
    """Call a kernel on a number of threads; see `share`."""
    board, count = helpers(threads - 1, scratch_bytes)
    if not count:
        kernel(*arguments)
    elif obstacle() is None:
        queue[LEAD : HELPERS + 1] = _orders(threads - 1, board, count)
        kernel(*arguments)
    else:
        call = _call(kernel, arguments, threads)
        repeat(table_of([call], threads), board, count, np.zeros(1, np.int64), 1)


@functools.lru_cache
def _orders(most: int, board: int, count: int) -> IntArray:
    """Return the words by which a queue lets its kernel be shared; the kernel replaces the zero."""
    return np.array([bridge_to(lead, (0,) * 4), 0, most, board, count])


def _call(kernel: Any, arguments: tuple[Any, ...], threads: int) -> Call:
    """Return a call for `repeat`, as kernels of `jit.plain` do not look whether their queue lets them be shared."""
    call = Call(kernel, *arguments)
    call.most_threads = threads
    return call


def watched(call: Callable[[], object], queue: IntArray, pieces: int) -> None:
    """Make a long call on another thread while this one handles interrupts, which kernels cannot.

    This thread reports the number of pieces claimed from ``queue[0]`` to `simulator.progress`. An interrupt ends the
    call as soon as these pieces are done.

    Parameters
    ----------
    call : callable
    queue : int64 ndarray
    pieces : int
    """
    returned, errors = threading.Event(), []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)
        finally:
            returned.set()

    try:
        threading.Thread(target=run, name="qumba-watched", daemon=True).start()
    except RuntimeError:  # no memory for its stack, or too many threads
        call()
        return
    try:
        while not returned.wait(_LOOKS):
            from_back, from_front = divmod(int(queue[0]), FROM_BACK)
            progress.report(min((from_back + from_front) / pieces, 1.0))
    except BaseException:
        queue[0] = _STOP
        raise
    finally:
        returned.wait()
    if errors:
        raise errors[0]
