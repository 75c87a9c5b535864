"""numba's decorator, which compiles even if ``NUMBA_DISABLE_JIT`` is set."""

from __future__ import annotations

import functools
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
    _name_after_closure(function)
    disabled, config.DISABLE_JIT = config.DISABLE_JIT, 0
    try:
        return numba.njit(**options)(function)
    finally:
        config.DISABLE_JIT = disabled


def _name_after_closure(function: Callable[..., Any]) -> None:
    """Distinguish functions that another one made from the same text, by what they close over.

    The symbol of a function has its qualified name, its types and a number that another process may give to another
    function. Where compiled code of two processes meets, as a kernel from the cache and one compiled now, functions of
    equal symbols are taken for the same.
    """
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    if cells:
        names = [getattr(getattr(cell, "py_func", None), "__qualname__", repr(cell)) for cell in cells]
        function.__qualname__ += f"[{', '.join(names)}]"


def called_with(dispatcher: Any, argument: Callable[[Any], Any]) -> Any:
    """``dispatcher``, which converts the arguments of calls from compiled code to types that ``argument`` returns."""
    original = dispatcher.get_call_template

    @functools.wraps(original)
    def get_call_template(args: Any, kws: Any) -> Any:
        return original(tuple(map(argument, args)), kws)

    dispatcher.get_call_template = get_call_template
    return dispatcher
