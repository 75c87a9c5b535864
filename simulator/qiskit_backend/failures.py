"""Which failures pass by themselves, which mean that a request never arrived, and what a backend said."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

__all__ = ["in_time", "is_transient", "never_arrived", "said"]

T = TypeVar("T")

TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
REFUSED_STATUS = frozenset({429, 503})
"""The server says itself that it took no notice of the request."""

NO_CONNECTION = ("ConnectionRefusedError", "ConnectTimeout", "NewConnectionError", "NameResolutionError")
NOT_A_NETWORK = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def is_transient(error: BaseException) -> bool:
    """Whether the same call may work in a moment: the network, or a server that is busy."""
    for cause in _chain(error):
        status = getattr(cause, "status_code", None)
        if isinstance(status, int) and status > 0:
            return status in TRANSIENT_STATUS
        # requests' and urllib3's exceptions are OSErrors too
        if isinstance(cause, OSError) and not isinstance(cause, NOT_A_NETWORK):
            return True
    return False


def never_arrived(error: BaseException) -> bool:
    """Whether it is certain that the server did nothing, so that the request may be sent again."""
    for cause in _chain(error):
        if getattr(cause, "status_code", None) in REFUSED_STATUS or type(cause).__name__ in NO_CONNECTION:
            return True
    return False


def said(error: BaseException) -> str:
    """An error in one line, with its class where the text alone says little."""
    text = " ".join(str(getattr(error, "message", "") or error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def in_time(seconds: float | None, function: Callable[[], T]) -> T:
    """What ``function`` returns, or a TimeoutError: a server that says nothing must not hold us for ever.

    The call itself cannot be ended; it is left to a thread that does not keep the process alive.
    """
    if seconds is None:
        return function()
    answers: queue.SimpleQueue[tuple[bool, object]] = queue.SimpleQueue()

    def call() -> None:
        try:
            answers.put((True, function()))
        except BaseException as error:
            answers.put((False, error))

    threading.Thread(target=call, name="qumba-backend-call", daemon=True).start()
    try:
        fine, answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"the backend did not answer within {seconds:g} s") from None
    if not fine:
        assert isinstance(answer, BaseException)
        raise answer
    return answer  # type: ignore[return-value]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from; libraries hide a status code behind an error of their own."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
