"""Classification of errors: which are temporary, and which mean that a request never arrived."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

__all__ = ["call_with_timeout", "is_transient", "never_arrived", "one_line"]

T = TypeVar("T")

TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
REFUSED_STATUS = frozenset({429, 503})
"""HTTP status codes by which the server says that it did not process the request."""

NO_CONNECTION = ("ConnectionRefusedError", "ConnectTimeout", "NewConnectionError", "NameResolutionError")
NOT_A_NETWORK = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed in a moment, because the network failed or the server was busy."""
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


def one_line(error: BaseException) -> str:
    """Format an error in one line, with its class."""
    text = " ".join(str(getattr(error, "message", "") or error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def call_with_timeout(seconds: float | None, function: Callable[[], T]) -> T:
    """Call ``function``, and raise TimeoutError if it takes too long, so that a silent server does not block us.

    The call itself cannot be stopped; it continues in a thread that does not keep the process alive.
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
        has_returned, answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"the backend did not answer within {seconds:g} s") from None
    if not has_returned:
        assert isinstance(answer, BaseException)
        raise answer
    return answer  # type: ignore[return-value]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Iterate over an error and its causes, because libraries wrap errors that have a status code in others."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
