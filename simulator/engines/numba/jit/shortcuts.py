"""Compilation of kernels without steps that they do not need, in a sixth of numba's time (`plain`).

Supports the releases of numba listed in `compatibility`.
"""

from __future__ import annotations

import functools
import gc
import importlib
from collections.abc import Callable, Sequence
from typing import Any

from numba.core import base, byteflow, event, typeinfer, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from simulator.engines.numba.dialect.views import view_of
from simulator.engines.numba.jit.cache import LazyCache
from simulator.engines.numba.jit.decorator import called_with, compiled
from simulator.engines.numba.jit.inference import Inference
from simulator.engines.numba.jit.pipeline import BridgedKernelCompiler, KernelCompiler, PartCompiler

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
_PART = {**_OPTIONS, "pipeline_class": PartCompiler, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
# Modules of numba with implementations and declarations of what kernels consist of.
_IMPLEMENTATIONS = (
    "cpython.builtins",
    "cpython.mathimpl",
    "cpython.numbers",
    "cpython.rangeobj",
    "cpython.slicing",
    "cpython.tupleobj",
    "np.arrayobj",
)
_DECLARATIONS = "core.typing.mathdecl", "core.typing.npydecl"
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
    """Compile without redundant work, which takes a third of the compile time.

    Cyclic garbage collection is off, because a compilation creates millions of objects and few cycles. numba imports
    its extensions again before almost every call that it compiles; here it reads the loaded registries. For each sum
    of two integers it tries all known signatures, including those of strings and sets; here the result is cached, as
    are the types of globals and the parameters of the functions that emit instructions. Types are inferred without
    repetitions. Kernels have no ``try`` blocks to look for, and nobody is told when each call of LLVM begins and ends,
    unless somebody listens.
    """

    @functools.wraps(compile_)
    def compile_quietly(signature: Any) -> Any:
        target, typing = cpu_target.target_context, cpu_target.typing_context
        with global_compiler_lock:  # other threads may compile at the same time
            replacements: list[tuple[Any, str, Any]] = [
                (types.BaseFunction, "get_call_type", _remembering(types.BaseFunction.get_call_type)),
                (byteflow.Flow, "_run_handle_exception", _advance),
                (base, "_has_loc", functools.cache(base._has_loc)),
                (typeinfer, "TypeInferer", Inference),
            ]
            if not any(event._registered.values()):
                replacements += [(event, "start_event", _tell_nobody), (event, "end_event", _tell_nobody)]
            originals = [(owner, name, getattr(owner, name)) for owner, name, _ in replacements]
            collecting = gc.isenabled()
            gc.disable()
            try:
                for replacement in replacements:
                    setattr(*replacement)
                target.load_additional_registries = _loading_once(target, _IMPLEMENTATIONS)
                typing.load_additional_registries = _loading_once(typing, _DECLARATIONS)
                typing.resolve_value_type = _remembering_values(typing.resolve_value_type)
                return compile_(signature)
            finally:
                for original in originals:
                    setattr(*original)
                for context in (target, typing):
                    vars(context).pop("load_additional_registries", None)
                    vars(context).pop("resolve_value_type", None)
                if collecting:
                    gc.enable()

    return compile_quietly


def _advance(flow: Any, runner: Any, state: Any) -> None:
    """``Flow._run_handle_exception`` of a function without ``try`` blocks."""
    state.advance_pc()


def _tell_nobody(kind: str, data: Any = None, exc_details: Any = None) -> None:
    """``start_event`` and ``end_event`` without listeners."""


def _remembering(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """``BaseFunction.get_call_type``, which resolves the signature of an operator or intrinsic, cached per types."""

    def get_call_type(self: Any, context: Any, args: tuple[Any, ...], kws: Any) -> Any:
        if kws:
            return resolve(self, context, args, kws)
        key = self, args
        if (signature := _signatures.get(key)) is None:
            signature = _signatures[key] = resolve(self, context, args, kws)
        return signature

    return get_call_type


def _remembering_values(resolve: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``resolve_value_type`` of a context, which finds the type of a global or constant, cached per object."""
    known: dict[int, tuple[Any, Any]] = {}  # by the object's `id`, with the object, which must live as long

    def resolve_value_type(value: Any) -> Any:
        if id(value) not in known:
            known[id(value)] = value, resolve(value)
        return known[id(value)][1]

    return resolve_value_type


def _loading_once(context: Any, modules: Sequence[str]) -> Callable[[], None]:
    """``load_additional_registries`` of a context, which only looks for new entries from the second call on.

    It loads what kernels consist of. numba would load all that it knows, and SciPy's linear algebra and a parser of C
    with it.
    """
    installed: dict[Any, tuple[int, list[Any]]] = {}

    def load_once() -> None:
        if not installed:
            rtsys.initialize(cpu_target.target_context)
            for name in modules:
                module = importlib.import_module(f"numba.{name}")
                if hasattr(module, "registry"):
                    context.install_registry(module.registry)
        _reload(context, installed)

    return load_once


def _reload(context: Any, installed: dict[Any, tuple[int, list[Any]]]) -> None:
    """Install the registries that have grown since they were: ``installed`` has their sizes, and their lists."""
    for registry in tuple(context._registries):
        size, items = installed.get(registry) or (-1, [each for each in vars(registry).values() if type(each) is list])
        if sum(map(len, items)) != size:
            installed[registry] = sum(map(len, items)), items
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
