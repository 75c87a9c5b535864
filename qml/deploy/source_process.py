"""Source of a stream that is read in a process of its own."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
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
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
        self._receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_send, args=(frames, sender), name="qumba-stream", daemon=True)
        try:
            self._process.start()
        except (AttributeError, TypeError, pickle.PicklingError) as error:
            raise TypeError(
                "concurrency='process' expects a source that can be pickled, such as an object that opens its camera "
                f"in __iter__, got {frames!r}: {error}"
            ) from error
        finally:
            sender.close()

    def __iter__(self) -> Iterator[tuple[Any, float]]:
        while True:
            try:
                frame, arrival, error, is_last = self._receiver.recv()
            except EOFError:
                self._process.join()
                raise RuntimeError(
                    f"the process that reads the source was ended, exit code {self._process.exitcode}"
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


def _send(frames: Iterable[Any], sender: Connection) -> None:
    """Send frames, then the end or an error; a full pipe makes it wait. The clock is that of the whole machine."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the stream's process decides what an interrupt means
    error: Exception | None = None
    try:
        for frame in frames:
            sender.send((frame, time.perf_counter(), None, False))
    except BrokenPipeError:
        return
    except Exception as problem:
        error = problem
    try:
        sender.send((None, 0.0, error, True))
    except Exception:  # some errors cannot be pickled
        sender.send((None, 0.0, RuntimeError(f"the source raised {type(error).__name__}: {error}"), True))
