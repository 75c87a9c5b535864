"""Compilation of kernels by numba's standard pipeline, for releases that the shortcuts do not support.

It takes about six times as long as with `shortcuts`. Kernels are cached on disk as well, unless numba's cache has
changed too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.engines.numba.dialect.views import view_of
from simulator.engines.numba.jit.compatibility import obstacle
from simulator.engines.numba.jit.decorator import called_with, compiled
from simulator.engines.numba.jit.directory import warn_once

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile an entry point: no GIL, no bounds checks, IEEE division, cached on disk."""
    dispatcher = compiled(function, **_OPTIONS)
    try:
        from simulator.engines.numba.jit.cache import LazyCache

        missing = {name for name in dir(dispatcher._cache) if not name.startswith("_")} - {*dir(LazyCache)}
        if missing:
            raise AttributeError(f"unknown methods {', '.join(sorted(missing))}")
        dispatcher._cache = LazyCache(function)
    except (AttributeError, ImportError) as error:
        warn_once(f"{obstacle()}; its cache differs as well ({error}): every process compiles its kernels anew, slowly")
    return dispatcher


bridged = kernel
"""Entry points with a bridge, which is compiled when it is first wanted."""


def part(function: Callable[..., Any]) -> Any:
    """Compile a part of a kernel, callable from kernels only."""
    return called_with(compiled(function, **_OPTIONS), view_of)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a small part of a kernel that is always inlined into its callers."""
    return called_with(compiled(function, forceinline=True, **_OPTIONS), view_of)
