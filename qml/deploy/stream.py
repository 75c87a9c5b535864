"""Predictions on a stream of frames: in order, within a budget of time, with flat memory."""

from __future__ import annotations

import asyncio
import collections
import math
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Literal

from qml.deploy.frames import FramePreparation
from qml.deploy.latencies import Latencies, StreamReport
from qml.deploy.source_process import ProcessSource
from qml.settings import check_choice, check_whole

__all__ = ["Stream"]

LINE_SECONDS = 1.0
"""Time between two live lines."""


class Stream:
    """Pairs of frames and predictions, in the order of the frames.

    Iterate over it once, with ``for``, or with ``async for`` over an asynchronous source. Frames that have waited
    longer than the budget when their turn comes are dropped and counted, the oldest first. If the source ends or
    raises, what has arrived before is predicted first; then its error is raised.

    Parameters
    ----------
    model : estimator
        Fitted model with ``predict``; that of `collapse` takes microseconds for a frame.
    frames : iterable or asynchronous iterable of array-like
        Frames, all of one shape: rows of features, or images of shape (height, width).
    budget_ms : float, optional
        Longest time between the arrival of a frame and the beginning of its prediction, in milliseconds; by default
        frames are never dropped, and the source is read no faster than frames are predicted.
    size : (int, int), optional
        Height and width to which images are reduced, by averages over equal areas.
    scale : float
        Factor of all numbers of a frame, such as 1 / 255.
    concurrency : {"thread", "inline", "process"}
        ``"thread"`` reads the source in a thread of its own, which suits cameras and sockets; ``"inline"`` asks for
        the next frame after each prediction, so that none waits; ``"process"`` reads it in a new process, which suits
        sources that compute in Python. The source and its frames are pickled, and a script needs the usual
        ``if __name__ == "__main__":``.
    max_waiting : int
        Maximum number of frames that wait; with a budget, the oldest is dropped for a new one.
    verbose : bool
        Whether to write a line with counts and latencies to standard error every second.

    Raises
    ------
    ValueError
        While iterating: if a frame has another shape than the first or than the model takes, or is not finite.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from qml import VariationalClassifier
    >>> from qml.deploy import collapse
    >>> X, y = load_iris(return_X_y=True)
    >>> fast = collapse(VariationalClassifier(epochs=30, random_state=0).fit(X, y))
    >>> stream = Stream(fast, X[:50])
    >>> labels = [int(label) for frame, label in stream]
    >>> labels == fast.predict(X[:50]).tolist(), stream.report.predicted, stream.report.dropped
    (True, 50, 0)
    """

    def __init__(
        self,
        model: Any,
        frames: Iterable[Any] | AsyncIterator[Any],
        *,
        budget_ms: float | None = None,
        size: tuple[int, int] | None = None,
        scale: float = 1.0,
        concurrency: Literal["thread", "inline", "process"] = "thread",
        max_waiting: int = 64,
        verbose: bool = False,
    ) -> None:
        if not hasattr(model, "predict"):
            raise TypeError(f"a stream expects a fitted model with predict, got {model!r}")
        if budget_ms is not None and not 0 < budget_ms < math.inf:
            raise ValueError(f"budget_ms expects a positive number of milliseconds or None, got {budget_ms!r}")
        if not hasattr(frames, "__iter__") and not hasattr(frames, "__aiter__"):
            raise TypeError(f"frames expects an iterable, got {frames!r}")
        check_choice("concurrency", concurrency, ("thread", "inline", "process"))
        check_whole("max_waiting", max_waiting)
        self.model, self.frames = model, frames
        self.concurrency, self.verbose = concurrency, verbose
        self._budget = math.inf if budget_ms is None else budget_ms / 1000
        self._prepare = FramePreparation(size, scale, getattr(model, "n_features_in_", None))
        self._max_waiting = max_waiting
        self._latencies = Latencies()
        self._predicted = self._dropped = 0
        self._start = self._last_line = math.nan

    @property
    def report(self) -> StreamReport:
        """Counts and latencies so far."""
        percentiles = (1000 * self._latencies.percentile(percent) for percent in (50, 99, 99.9))
        seconds = 0.0 if math.isnan(self._start) else time.perf_counter() - self._start
        return StreamReport(self._predicted, self._dropped, seconds, *percentiles)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        if not hasattr(self.frames, "__iter__"):
            raise TypeError("the source is asynchronous: iterate with async for")
        self._begin()
        return self._inline() if self.concurrency == "inline" else self._threaded()

    async def __aiter__(self) -> AsyncIterator[tuple[Any, Any]]:
        if not hasattr(self.frames, "__aiter__"):
            raise TypeError("the source is not asynchronous: iterate with for")
        self._begin()
        waiting: collections.deque[tuple[Any, float]] = collections.deque()
        changed = asyncio.Condition()
        errors: list[BaseException | None] = []

        async def read() -> None:
            error: BaseException | None = None
            try:
                async for frame in self.frames:  # type: ignore[union-attr]
                    async with changed:
                        while self._is_full(waiting):
                            await changed.wait()
                        waiting.append((frame, time.perf_counter()))
                        changed.notify_all()
            except Exception as problem:
                error = problem
            async with changed:
                errors.append(error)
                changed.notify_all()

        reader = asyncio.ensure_future(read())
        try:
            while True:
                async with changed:
                    while not waiting and not errors:
                        await changed.wait()
                    if not waiting:
                        break
                    frame, arrival = waiting.popleft()
                    changed.notify_all()
                result = self._result(frame, arrival)
                if result is not None:
                    yield result
                    await asyncio.sleep(0)  # the reader gets its turn between two frames
        finally:
            reader.cancel()
        if errors[0] is not None:
            raise errors[0]

    def _begin(self) -> None:
        if not math.isnan(self._start):
            raise RuntimeError("a stream is read once; make a new Stream for further frames")
        self._start = self._last_line = time.perf_counter()

    def _inline(self) -> Iterator[tuple[Any, Any]]:
        for frame in self.frames:  # type: ignore[union-attr]
            result = self._result(frame, time.perf_counter())
            if result is not None:
                yield result

    def _threaded(self) -> Iterator[tuple[Any, Any]]:
        waiting: collections.deque[tuple[Any, float]] = collections.deque()
        changed = threading.Condition()
        errors: list[BaseException | None] = []
        stopped = threading.Event()
        process = ProcessSource(self.frames) if self.concurrency == "process" else None  # type: ignore[arg-type]

        def read() -> None:
            error: BaseException | None = None
            try:
                for frame, arrival in self._arrivals() if process is None else process:
                    with changed:
                        while self._is_full(waiting) and not stopped.is_set():
                            changed.wait()
                        if stopped.is_set():
                            return
                        waiting.append((frame, arrival))
                        changed.notify_all()
            except Exception as problem:
                error = problem
            with changed:
                errors.append(error)
                changed.notify_all()

        threading.Thread(target=read, name="qumba-stream", daemon=True).start()
        try:
            while True:
                with changed:
                    while not waiting and not errors:
                        changed.wait()
                    if not waiting:
                        break
                    frame, arrival = waiting.popleft()
                    changed.notify_all()
                result = self._result(frame, arrival)
                if result is not None:
                    yield result
        finally:
            with changed:
                stopped.set()
                changed.notify_all()
            if process is not None:
                process.close()
        if errors[0] is not None:
            raise errors[0]

    def _arrivals(self) -> Iterator[tuple[Any, float]]:
        for frame in self.frames:  # type: ignore[union-attr]
            yield frame, time.perf_counter()

    def _is_full(self, waiting: collections.deque[tuple[Any, float]]) -> bool:
        """Whether the reader has to wait; with a budget the oldest frame makes room instead."""
        if len(waiting) < self._max_waiting:
            return False
        if self._budget == math.inf:
            return True
        waiting.popleft()
        self._dropped += 1
        return False

    def _result(self, frame: Any, arrival: float) -> tuple[Any, Any] | None:
        """Predict a frame; None if it is late."""
        if time.perf_counter() - arrival > self._budget:
            self._dropped += 1
            return None
        row = self._prepare(frame, self._predicted + self._dropped)
        prediction = self.model.predict(row)[0]
        now = time.perf_counter()
        self._latencies.add(now - arrival)
        self._predicted += 1
        if self.verbose and now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            print(self.report, file=sys.stderr)
        return frame, prediction
