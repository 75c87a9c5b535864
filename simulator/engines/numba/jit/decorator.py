"""numba's decorator, which compiles even if ``NUMBA_DISABLE_JIT`` is set."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numba
from numba.core import config

if config.DISABLE_JIT:
    warnings.warn(
        "NUMBA_DISABLE_JIT is set, but kernels cannot run as Python: they are compiled all the same",
        RuntimeWarning,
        stacklevel=2,
    )


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """``numba.njit(**options)(function)``, with compilation enabled."""
    disabled, config.DISABLE_JIT = config.DISABLE_JIT, 0
    try:
        return numba.njit(**options)(function)
    finally:
        config.DISABLE_JIT = disabled
