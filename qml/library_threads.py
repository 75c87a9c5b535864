"""Threads of the linear algebra and of scikit-learn, which only slow down work on small arrays."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["one_blas_thread", "one_library_thread"]


def one_library_thread() -> AbstractContextManager[Any]:
    """Return a context in which libraries use one thread, BLAS and those of OpenMP.

    On a machine with other work, threads that wait for each other after every small product take a hundred times
    longer.
    """
    return _libraries().limit(limits=1)  # type: ignore[no-any-return]


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread, see `one_library_thread`."""
    return _libraries().limit(limits=1, user_api="blas")  # type: ignore[no-any-return]


@cache
def _libraries() -> ThreadpoolController:
    """Return the thread pools of the process; looking for them takes longer than many a calculation."""
    import scipy.linalg  # noqa: F401  # loads its own BLAS, which the controller would otherwise not see

    return ThreadpoolController()
