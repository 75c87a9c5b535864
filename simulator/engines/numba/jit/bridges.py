"""Bridges to compiled kernels, and calls of kernels as data, which a compiled loop makes without Python in between.

A `Call` is a kernel with its arguments, stored as a block of 64-bit words: each number of each argument, in the order
in which numba passes them; of an array, its address and sizes. A *bridge* is compiled beside a kernel: it reads the
words of a block and calls the kernel. All bridges have the same type, so that a loop over calls (`invoke`) is the same
for all kernels.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

__all__ = ["Call", "add_bridge", "invoke"]

_PREFIX = "qumba_bridge."
_WORD, _STATUS, _BOOLEAN = ir.IntType(64), ir.IntType(32), ir.IntType(8)
_BRIDGE = ir.FunctionType(_WORD, [_WORD.as_pointer()])
_FLOAT, _INTEGER = struct.Struct("d"), struct.Struct("q")
_addresses: dict[tuple[Any, str], int] = {}


class Call:
    """Call of a kernel with fixed arguments: arrays, numbers, None, or tuples of these.

    Arrays are read and written in place, so their contents may change between the calls. A kernel that returns False
    refuses: what follows must not be done.

    Parameters
    ----------
    kernel : dispatcher of a `bridged` kernel
    *arguments
        As in ``kernel(*arguments)``.

    Attributes
    ----------
    companion : callable or None
        Function that returns the call by which another thread takes part in this one, if several threads share it.
    most_threads : int
        Number of threads from which more are of no use.

    Raises
    ------
    TypeError
        If an argument is of another type, or an array that is not contiguous, aligned and writable.
    LookupError
        If the kernel has no bridge.
    """

    companion: Callable[[], Call] | None = None
    most_threads = 1

    def __init__(self, kernel: Any, *arguments: Any) -> None:
        words: list[int] = []
        codes: list[str] = []
        begins = [0]
        for argument in arguments:
            _flatten(argument, words, codes)
            begins.append(len(words))
        key = kernel, "".join(codes)
        self._bridge = _addresses.get(key) or _addresses.setdefault(key, _address(kernel, arguments))
        self._block = np.array(words, np.int64)
        self._arguments, self._begins = arguments, begins  # the arguments, to keep the arrays alive

    def numbers(self, argument: int) -> np.ndarray:
        """Return the float64 numbers of an argument, a float or a tuple of floats; they may be changed."""
        return self._block[self._begins[argument] : self._begins[argument + 1]].view(np.float64)

    @property
    def addresses(self) -> tuple[int, int]:
        """Addresses of the bridge and of the block, which live as long as the call."""
        return self._bridge, _place(self._block)


@intrinsic
def invoke(typing_context, bridge, block):  # type: ignore[no-untyped-def]
    """Make the call of a bridge and a block, given by their addresses; return whether the kernel did not refuse."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        function = builder.inttoptr(args[0], _BRIDGE.as_pointer())
        accepted = builder.call(function, [builder.inttoptr(args[1], _WORD.as_pointer())])
        return builder.icmp_signed("!=", accepted, ir.Constant(_WORD, 0))

    return types.boolean(types.int64, types.int64), codegen


def add_bridge(module: ir.Module) -> None:
    """Add a bridge to the kernel that a module defines, if it defines one and not a wrapper."""
    for kernel in list(module.functions):
        if not kernel.is_declaration and kernel.ftype.return_type == _STATUS:
            bridge = ir.Function(module, _BRIDGE, _PREFIX + kernel.name)
            _fill(ir.IRBuilder(bridge.append_basic_block()), bridge.args[0], kernel)


def _fill(builder: Any, block: Any, kernel: Any) -> None:
    """Emit the call of a kernel with the words of a block; return 0 if it raised or returned False, else 1."""
    returned, error, *kinds = kernel.ftype.args
    result = builder.alloca(returned.pointee)
    values = []
    for index, kind in enumerate(kinds):
        word = builder.load(builder.gep(block, [ir.Constant(_WORD, index)]))
        if isinstance(kind, ir.PointerType):
            word = builder.inttoptr(word, kind)
        elif isinstance(kind, ir.DoubleType):
            word = builder.bitcast(word, kind)
        elif kind != _WORD:
            word = builder.trunc(word, kind)
        values.append(word)
    status = builder.call(kernel, [result, builder.alloca(error.pointee), *values])
    accepted = builder.icmp_signed("<=", status, ir.Constant(_STATUS, 0))  # below 0: returned None
    if returned.pointee == _BOOLEAN:
        answer = builder.load(result)
        accepted = builder.and_(accepted, builder.icmp_unsigned("!=", answer, ir.Constant(_BOOLEAN, 0)))
    builder.ret(builder.zext(accepted, _WORD))


def _flatten(value: Any, words: list[int], codes: list[str]) -> None:
    """Append the words of a value, and the code of its type."""
    if type(value) is np.ndarray:
        if not value.flags.carray:
            raise TypeError("a call takes contiguous, aligned, writable arrays")
        words += (0, 0, value.size, value.itemsize, _place(value), *value.shape, *value.strides)
        codes += value.dtype.char, str(value.ndim)
    elif isinstance(value, tuple):
        codes.append("(")
        for item in value:
            _flatten(item, words, codes)
        codes.append(")")
    elif isinstance(value, float):
        words += _INTEGER.unpack(_FLOAT.pack(value))
        codes.append("float")
    elif value is None or isinstance(value, int):
        words.append(value or 0)
        codes.append(type(value).__name__)
    else:
        raise TypeError(f"a call takes arrays, numbers, None and tuples of these, got {value!r}")


def _place(array: np.ndarray) -> int:
    if not array.size:
        return int(array.__array_interface__["data"][0])
    return ctypes.addressof(ctypes.c_char.from_buffer(memoryview(array)))  # in less than half of the time


def _address(kernel: Any, arguments: tuple[Any, ...]) -> int:
    """Address of the bridge to a kernel, which is compiled for such arguments if it is not yet."""
    signature = tuple(map(_numba_type, arguments))
    kernel.compile(signature)
    result = kernel.overloads[signature]
    address = result.library.get_pointer_to_function(_PREFIX + result.fndesc.llvm_func_name)
    if not address:
        raise LookupError(f"{kernel.py_func.__qualname__} has been compiled without a bridge")
    return int(address)


def _numba_type(value: Any) -> Any:
    """Type that numba's dispatcher gives to an argument."""
    if isinstance(value, np.ndarray):
        return types.Array(from_dtype(value.dtype), value.ndim, "C")
    if isinstance(value, tuple):
        return types.BaseTuple.from_types(tuple(map(_numba_type, value)))
    return {float: types.float64, int: types.int64, bool: types.boolean}.get(type(value), types.none)
