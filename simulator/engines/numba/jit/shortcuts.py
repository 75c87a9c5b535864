"""Compilation of kernels without steps that they do not need, in a quarter of numba's time (`plain`).

Supports the releases of numba listed in `compatibility`.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import Any

from numba.core import types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from simulator.engines.numba.dialect.views import view_of
from simulator.engines.numba.jit.cache import LazyCache
from simulator.engines.numba.jit.decorator import called_with, compiled
from simulator.engines.numba.jit.pipeline import BridgedKernelCompiler, KernelCompiler, PartCompiler

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
_PART = {**_OPTIONS, "pipeline_class": PartCompiler, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_signatures: dict[tuple[Any, tuple[Any, ...]], Any] = {}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile an entry point: no GIL, no bounds checks, IEEE division, cached on disk."""
    return _kernel(function, KernelCompiler)


def bridged(function: Callable[..., Any]) -> Any:
    """Compile an entry point that compiled loops may call as well, see `bridges`."""
    return _kernel(function, BridgedKernelCompiler)


def _kernel(function: Callable[..., Any], pipeline: type[KernelCompiler]) -> Any:
    dispatcher = compiled(function, no_cfunc_wrapper=True, pipeline_class=pipeline, **_OPTIONS)
    dispatcher._cache = LazyCache(function)
    dispatcher.compile = _undisturbed(dispatcher.compile)
    return dispatcher


def _undisturbed(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """Compile without redundant work, which takes a fifth of the compile time.

    Cyclic garbage collection is off, because a compilation creates millions of objects and few cycles. numba imports
    its extensions again before almost every call that it compiles; here it reads the loaded registries. For each sum
    of two integers it tries all known signatures, including those of strings and sets; here the result is cached.
    """

    @functools.wraps(compile_)
    def compile_quietly(signature: Any) -> Any:
        contexts = cpu_target.target_context, cpu_target.typing_context
        with global_compiler_lock:  # other threads may compile at the same time
            collecting, resolve = gc.isenabled(), types.BaseFunction.get_call_type
            gc.disable()
            types.BaseFunction.get_call_type = _remembering(resolve)  # type: ignore[method-assign]
            try:
                for context in contexts:
                    context.load_additional_registries = _loading_once(context)
                return compile_(signature)
            finally:
                types.BaseFunction.get_call_type = resolve  # type: ignore[method-assign]
                for context in contexts:
                    vars(context).pop("load_additional_registries", None)
                if collecting:
                    gc.enable()

    return compile_quietly


def _remembering(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """``BaseFunction.get_call_type``, which resolves the signature of an operator or intrinsic, cached per types."""

    def get_call_type(self: Any, context: Any, args: tuple[Any, ...], kws: Any) -> Any:
        if kws:
            return resolve(self, context, args, kws)
        key = self, args
        if key not in _signatures:
            _signatures[key] = resolve(self, context, args, kws)
        return _signatures[key]

    return get_call_type


def _loading_once(context: Any) -> Callable[[], None]:
    """``load_additional_registries`` of a context, which only looks for new entries from the second call on."""
    load = context.load_additional_registries
    sizes: dict[Any, int] = {}

    def load_once() -> None:
        if not sizes:
            load()
        _reload(context, sizes)

    return load_once


def _reload(context: Any, sizes: dict[Any, int]) -> None:
    """Install the registries that have grown since their ``sizes`` were taken."""
    for registry in tuple(context._registries):
        size = sum(len(items) for items in vars(registry).values() if isinstance(items, list))
        if sizes.get(registry) != size:
            sizes[registry] = size
            context.install_registry(registry)


def part(function: Callable[..., Any]) -> Any:
    """Compile a part of a kernel, callable from kernels only."""
    return called_with(compiled(function, **_PART), _argument)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a small part of a kernel that is always inlined into its callers."""
    return called_with(compiled(function, forceinline=True, **_PART), _argument)


def _argument(type_: types.Type) -> types.Type:
    """Return the type of a part's argument: the same for all integers, as numba compiles again for each constant."""
    return type_.literal_type if isinstance(type_, types.IntegerLiteral) else view_of(type_)
