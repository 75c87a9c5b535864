"""Threads of the linear algebra and of scikit-learn, which only slow down work on small arrays."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["one_blas_thread", "one_library_thread"]


@contextmanager
def one_library_thread(user_api: str | None = None) -> Iterator[None]:
    """Let libraries use one thread inside the context.

    On a machine with other work, threads that wait for each other after every small product take a hundred times
    longer. The limit is that of the process: it ends with the last of the contexts that threads of Python have entered.

    Parameters
    ----------
    user_api : {"blas", "openmp"}, optional
        Kind of the libraries; by default both.
    """
    kinds = _KINDS if user_api is None else (user_api,)
    with _lock:
        for kind in kinds:
            if not _entered[kind]:
                _limits[kind] = _libraries(kind).limit(limits=1)
            _entered[kind] += 1
    try:
        yield
    finally:
        with _lock:
            for kind in kinds:
                _entered[kind] -= 1
                if not _entered[kind]:
                    _limits.pop(kind).restore_original_limits()


def one_blas_thread() -> Any:
    """Return a context in which BLAS uses one thread, see `one_library_thread`."""
    return one_library_thread("blas")


_KINDS = "blas", "openmp"
_lock = threading.Lock()
_entered: Counter[str] = Counter()
_limits: dict[str, Any] = {}

if hasattr(os, "register_at_fork"):  # a child does not inherit a lock that another thread holds
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


@cache
def _libraries(kind: str) -> ThreadpoolController:
    """Return the thread pools of the process of a kind; looking for them takes longer than many a calculation."""
    import scipy.linalg  # noqa: F401  # loads its own BLAS, which the controller would otherwise not see

    return ThreadpoolController().select(user_api=kind)
