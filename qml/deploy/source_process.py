"""Source of a stream that is read in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
import signal
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

__all__ = ["ProcessSource"]


class ProcessSource:
    """Frames that a new process reads, each with the time at which it had it.

    Parameters
    ----------
    frames : iterable
        Pickled for the process, which iterates over it.

    Raises
    ------
    TypeError
        If the source cannot be pickled.
    """

    def __init__(self, frames: Iterable[Any]) -> None:
        try:
            pickled = ForkingPickler.dumps(frames)
        except (AttributeError, TypeError, pickle.PicklingError) as error:
            raise TypeError(
                "concurrency='process' expects a source that can be pickled, such as an object that opens its camera "
                f"in __iter__, got {frames!r}: {error}"
            ) from error
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_send, args=(other,), name="qumba-stream", daemon=True)
        self._process.start()
        other.close()
        # not as an argument: start() waits forever if a process ends before it has read a large one
        with contextlib.suppress(ConnectionError):  # iterating tells that the process has ended
            self._connection.send_bytes(pickled)

    def __iter__(self) -> Iterator[tuple[Any, float]]:
        while True:
            try:
                frame, arrival, error, is_last = self._connection.recv()
            except (EOFError, ConnectionError):
                self._process.join()
                raise RuntimeError(
                    f"the process that reads the source has ended, exit code {self._process.exitcode}; a script needs "
                    "if __name__ == '__main__':"
                ) from None
            if error is not None:
                raise error
            if is_last:
                return
            yield frame, arrival

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()


def _send(connection: Connection) -> None:
    """Send frames, then the end or an error; a full pipe makes it wait. The clock is that of the whole machine."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the stream's process decides what an interrupt means
    error: Exception | None = None
    try:
        for frame in pickle.loads(connection.recv_bytes()):
            connection.send((frame, time.perf_counter(), None, False))
    except BrokenPipeError:
        return
    except Exception as problem:
        error = problem
    try:
        connection.send((None, 0.0, error, True))
    except Exception:  # some errors cannot be pickled
        connection.send((None, 0.0, RuntimeError(f"the source raised {type(error).__name__}: {error}"), True))
