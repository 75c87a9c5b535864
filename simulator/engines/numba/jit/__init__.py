"""How kernels are compiled: `kernel` for entry points, `part` and `inlined` for what they call.

`cache` keeps what was compiled on disk; `pipeline` leaves out what kernels do not need of numba's compilation.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numba
from numba.core import config, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from simulator.engines.numba.jit.cache import LazyCache, cache_directory
from simulator.engines.numba.jit.pipeline import KernelCompiler, PartCompiler

__all__ = ["cache_directory", "inlined", "kernel", "part"]

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
_PART = {**_OPTIONS, "pipeline_class": PartCompiler, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


_signatures: dict[tuple[Any, tuple[Any, ...]], Any] = {}


if config.DISABLE_JIT:
    warnings.warn(
        "NUMBA_DISABLE_JIT is set, but kernels cannot run as Python: they are compiled all the same",
        RuntimeWarning,
        stacklevel=2,
    )


@contextlib.contextmanager
def _compiling() -> Iterator[None]:
    """Let numba's decorator make compiled functions whatever ``NUMBA_DISABLE_JIT`` says."""
    disabled, config.DISABLE_JIT = config.DISABLE_JIT, 0
    try:
        yield
    finally:
        config.DISABLE_JIT = disabled


def kernel(function: Callable[..., Any]) -> Any:
    """Compile an entry point: no GIL, no bounds checks, IEEE division, kept on disk."""
    with _compiling():
        dispatcher = numba.njit(no_cfunc_wrapper=True, pipeline_class=KernelCompiler, **_OPTIONS)(function)
    dispatcher._cache = LazyCache(function)
    dispatcher.compile = _undisturbed(dispatcher.compile)
    return dispatcher


def _undisturbed(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """Compile without what takes time and finds nothing: a fifth of the whole.

    Cyclic garbage collection: a compilation makes millions of objects and few cycles. Before almost every call it
    compiles, numba imports its extensions again; here it looks into the registries it has already. And for each sum of
    two integers it tries what it knows of sums, strings' and sets' included; here it remembers what it found.
    """

    @functools.wraps(compile_)
    def compile_quietly(signature: Any) -> Any:
        contexts = cpu_target.target_context, cpu_target.typing_context
        with global_compiler_lock:  # helpers may compile at the same time
            collecting, resolve = gc.isenabled(), types.BaseFunction.get_call_type
            gc.disable()
            types.BaseFunction.get_call_type = _remembering(resolve)  # type: ignore[method-assign]
            try:
                contexts[0].refresh()
                for context in contexts:
                    context.load_additional_registries = functools.partial(_reload, context)
                return compile_(signature)
            finally:
                types.BaseFunction.get_call_type = resolve  # type: ignore[method-assign]
                for context in contexts:
                    vars(context).pop("load_additional_registries", None)
                if collecting:
                    gc.enable()

    return compile_quietly


def _remembering(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """``BaseFunction.get_call_type``, which finds an operator's or intrinsic's signature, asked once for each types."""

    def get_call_type(self: Any, context: Any, args: tuple[Any, ...], kws: Any) -> Any:
        if kws:
            return resolve(self, context, args, kws)
        key = self, args
        if key not in _signatures:
            _signatures[key] = resolve(self, context, args, kws)
        return _signatures[key]

    return get_call_type


def _reload(context: Any) -> None:
    for registry in tuple(context._registries):
        context.install_registry(registry)


def part(function: Callable[..., Any]) -> Any:
    """Compile a piece of a kernel, callable from kernels only."""
    with _compiling():
        return _for_any_integer(numba.njit(**_PART)(function))


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a small piece of a kernel, always inlined where it is called."""
    with _compiling():
        return _for_any_integer(numba.njit(forceinline=True, **_PART)(function))


def _for_any_integer(dispatcher: Any) -> Any:
    """Compile once for all integers: numba otherwise compiles anew for each constant that is an argument."""
    original = dispatcher.get_call_template

    @functools.wraps(original)
    def get_call_template(args: Any, kws: Any) -> Any:
        plain = tuple(a.literal_type if isinstance(a, types.IntegerLiteral) else a for a in args)
        return original(plain, kws)

    dispatcher.get_call_template = get_call_template
    return dispatcher
