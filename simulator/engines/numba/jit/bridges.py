"""Bridges to compiled kernels, and calls of kernels as data, which a compiled loop makes without Python in between.

A `Call` is a kernel with its arguments, stored as a block of 64-bit words: each number of each argument, in the order
in which numba passes them; of an array, its address and sizes. A *bridge* is compiled beside a kernel: it reads the
words of a block and calls the kernel, with another scratch if the address of one is given: each thread needs its own.
All bridges have the same type, so that a loop over calls (`invoke`) is the same for all kernels.

A kernel with a ``queue`` is *shared* among threads if the queue has the address of a bridge at `queues.LEAD`. Instead
of doing the work, it writes its arguments to a block, which takes less than a microsecond, and calls that bridge with
the words that follow. Other threads read the same block.
"""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from simulator.engines.numba.dialect.views import View, make_view, pointer_and_sizes
from simulator.engines.numba.layout import queues, row_calls

__all__ = ["Call", "add_bridge", "address_of", "bridge_to", "invoke", "table_of", "words_at"]

_PREFIX = "qumba_bridge."
_LINE_BYTES = 64  # of the caches
_QUEUE, _SCRATCH = "arg.queue.4", "arg.scratch.4"  # names of the addresses of arrays that are called so
_WORD, _STATUS, _BOOLEAN = ir.IntType(64), ir.IntType(32), ir.IntType(8)
_BRIDGE = ir.FunctionType(_WORD, [_WORD.as_pointer(), _WORD])
_FLOAT, _INTEGER = struct.Struct("d"), struct.Struct("q")
_address = ctypes.addressof
_as_character: Any = ctypes.c_char.from_buffer
_addresses: dict[tuple[Any, str], int] = {}
_libraries: list[Any] = []  # code of separate bridges


class Call:
    """Call of a kernel with fixed arguments: arrays, numbers, None, or tuples of these.

    Arrays are read and written in place, so their contents may change between the calls. A kernel that returns False
    refuses: what follows must not be done.

    Parameters
    ----------
    kernel : dispatcher of a `bridged` kernel
    *arguments
        As in ``kernel(*arguments)``.
    rows : int
        Number of rows of a batch if the call can also be made on some of them, in any order: see `loops.RowCalls`.
    of_rows : tuple of ndarray
        Those of the arguments, not inside tuples, of which the call on a row takes the part of that row: their first
        axes are as long as the batch, or a multiple of it. The kernel may read any part of the other arguments.

    Attributes
    ----------
    most_threads : int
        Number of threads that may share the call.
    scratch_bytes : int
        Size of the array by which each of the other threads replaces the argument ``scratch``, if there is one.
    keeps : object
        What else has to live as long as the call.

    Raises
    ------
    TypeError
        If an argument is of another type, or an array that is not contiguous and aligned.
    """

    most_threads = 1
    scratch_bytes = 0
    keeps: Any = None

    def __init__(self, kernel: Any, *arguments: Any, rows: int = 0, of_rows: tuple[np.ndarray, ...] = ()) -> None:
        words: list[int] = []
        codes: list[str] = []
        arrays: list[int] = []
        moved = set(map(id, of_rows))
        for argument in arguments:
            if id(argument) in moved:
                entries = argument.size // rows
                arrays += len(words), entries * argument.itemsize, entries, len(argument) // rows
            _flatten(argument, words, codes)
        key = kernel, "".join(codes)
        self._bridge = _addresses.get(key) or _addresses.setdefault(key, bridge_to(kernel, arguments))
        self._block = array("q", words)  # takes less time to fill than an ndarray
        self._arguments = arguments  # keeps the arrays alive
        self._arrays = arrays

    def fill(self, row: np.ndarray, threads: int) -> None:
        """Fill a row of a table of calls on up to a number of threads; it is valid as long as the call lives."""
        row[queues.BRIDGE], row[queues.BLOCK] = self._bridge, _address(_as_character(self._block))
        row[queues.MOST_HELPERS] = min(threads, self.most_threads) - 1

    @property
    def has_rows(self) -> bool:
        """Whether the call can be made on some of the rows of a batch."""
        return bool(self._arrays)

    def row_words(self) -> list[int]:
        """Return its row of the table of `kernels.row_calls`; it is valid as long as the call lives."""
        arrays = len(self._arrays) // row_calls.ARRAY_WORDS
        return [self._bridge, _address(_as_character(self._block)), len(self._block), arrays, *self._arrays]


def table_of(calls: Sequence[Call], threads: int) -> np.ndarray:
    """Return the table of calls on up to a number of threads, for `kernels.loops.repeat`; rows begin at cache lines."""
    words = np.zeros((len(calls) + 1) * queues.ROW_WORDS, np.int64)
    begin = -words.ctypes.data % _LINE_BYTES // words.itemsize
    table = words[begin : begin + len(calls) * queues.ROW_WORDS].reshape(-1, queues.ROW_WORDS)
    for row, call in zip(table, calls, strict=True):
        call.fill(row, threads)
        row[queues.PAYS] = len(calls)
    return table


def bridge_to(kernel: Any, arguments: tuple[Any, ...]) -> int:
    """Return the address of the bridge to a kernel for such arguments; it is compiled if it is not yet."""
    signature = tuple(map(_numba_type, arguments))
    kernel.compile(signature)
    result = kernel.overloads[signature]
    address = result.library.get_pointer_to_function(_PREFIX + result.fndesc.llvm_func_name)
    return int(address or _separate_bridge(kernel, result, _place_of_scratch(kernel, arguments)))


def _place_of_scratch(kernel: Any, arguments: tuple[Any, ...]) -> int:
    """Place of the address of the argument ``scratch`` among the words of a block; -1 if there is none."""
    code = kernel.py_func.__code__
    names = code.co_varnames[: code.co_argcount]
    if "scratch" not in names:
        return -1
    words: list[int] = []
    _flatten(arguments[: names.index("scratch")], words, [])
    return len(words) + 4


@intrinsic
def words_at(typing_context, address, count):  # type: ignore[no-untyped-def]
    """The words of a block, given by its address."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return make_view(
            context, builder, signature.return_type, builder.inttoptr(args[0], _WORD.as_pointer()), args[1]
        )

    return View(types.int64, 1)(types.int64, types.int64), codegen


@intrinsic
def address_of(typing_context, array):  # type: ignore[no-untyped-def]
    """Address of the first number of an array."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.ptrtoint(pointer_and_sizes(context, builder, signature.args[0], args[0])[0], _WORD)

    return types.int64(array), codegen


@intrinsic
def invoke(typing_context, bridge, block, scratch):  # type: ignore[no-untyped-def]
    """Make the call of a bridge and a block, given by their addresses; return whether the kernel did not refuse.

    ``scratch`` is the address that replaces the argument ``scratch``, or 0.
    """

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        function = builder.inttoptr(args[0], _BRIDGE.as_pointer())
        accepted = builder.call(function, [builder.inttoptr(args[1], _WORD.as_pointer()), args[2]])
        return builder.icmp_signed("!=", accepted, ir.Constant(_WORD, 0))

    return types.boolean(types.int64, types.int64, types.int64), codegen


def add_bridge(module: ir.Module) -> None:
    """Add a bridge to the kernel that a module defines, if it defines one and not a wrapper, and let it be shared."""
    for kernel in list(module.functions):
        if not kernel.is_declaration and kernel.ftype.return_type == _STATUS:
            bridge = ir.Function(module, _BRIDGE, _PREFIX + kernel.name)
            places = {argument.name: place for place, argument in enumerate(kernel.args[2:])}
            _fill(ir.IRBuilder(bridge.append_basic_block()), bridge.args, kernel, places.get(_SCRATCH, -1))
            if _QUEUE in places:
                _let_share(module, kernel, bridge, places[_QUEUE])


def _let_share(module: ir.Module, kernel: Any, bridge: Any, queue: int) -> None:
    """Put a function in the place of a kernel that makes the call with helpers if the queue names a function to lead.

    ``queue`` is the place of its address among the words of a block.
    """
    shared = ir.Function(module, kernel.ftype, f"{kernel.name}.alone")
    kernel._name, shared._name = shared._name, kernel._name
    kernel.linkage = "internal"
    module.globals[kernel.name], module.globals[shared.name] = kernel, shared
    result, _, *arguments = shared.args
    builder = ir.IRBuilder(shared.append_basic_block())
    block = builder.alloca(_WORD, len(arguments))
    places = queues.LEAD, queues.LEAD + 1, queues.RECORD + queues.BRIDGE, queues.RECORD + queues.BLOCK
    words = [builder.gep(arguments[queue], [_WORD(place)]) for place in places]
    lead = builder.load(words[0])
    with builder.if_then(builder.icmp_signed("==", lead, _WORD(0)), likely=False):
        builder.ret(builder.call(kernel, shared.args))
    for index, argument in enumerate(arguments):
        builder.store(_as_word(builder, argument), builder.gep(block, [_WORD(index)]))
    record = builder.gep(arguments[queue], [_WORD(queues.RECORD)])
    for place, value in zip(words[1:], (record, bridge, block), strict=True):
        builder.store(builder.ptrtoint(value, _WORD), place)
    builder.call(builder.inttoptr(lead, _BRIDGE.as_pointer()), [words[1], _WORD(0)])
    builder.store(result.type.pointee(None), result)
    builder.ret(_STATUS(0))


def _as_word(builder: Any, value: Any) -> Any:
    if isinstance(value.type, ir.PointerType):
        return builder.ptrtoint(value, _WORD)
    if isinstance(value.type, ir.DoubleType):
        return builder.bitcast(value, _WORD)
    return value if value.type == _WORD else builder.zext(value, _WORD)


def _fill(builder: Any, arguments: Any, kernel: Any, scratch: int) -> None:
    """Emit the call of a kernel with the words of a block; return 0 if it raised or returned False, else 1.

    ``arguments`` are those of the bridge: the block, and the address that replaces the word at place ``scratch``.
    """
    block, other = arguments
    returned, error, *kinds = kernel.type.pointee.args
    result = builder.alloca(returned.pointee)
    values = []
    for index, kind in enumerate(kinds):
        word = builder.load(builder.gep(block, [ir.Constant(_WORD, index)]))
        if index == scratch:
            word = builder.select(builder.icmp_signed("==", other, _WORD(0)), word, other)
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
        shape, size, is_usual = value.shape, value.size, value.flags.carray
        if not (is_usual or (value.flags.c_contiguous and value.flags.aligned)):
            raise TypeError("a call takes contiguous, aligned arrays")
        if is_usual and size:
            place = _address(_as_character(value))  # in a third of the time
        else:
            place = value.__array_interface__["data"][0]
        words += (0, 0, size, value.itemsize, place, *shape, *value.strides)
        codes += value.dtype.char, str(len(shape)) if is_usual else f"{len(shape)}, read only"
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


def _separate_bridge(kernel: Any, result: Any, scratch: int) -> int:
    """Compile a bridge alone, for a kernel of `plain`; return its address.

    ``scratch`` is the place of the address that the bridge may replace.
    """
    context, description = kernel.targetctx, result.fndesc
    name = _PREFIX + description.llvm_func_name
    type_ = context.call_conv.get_function_type(description.restype, description.argtypes)
    address = result.library.get_pointer_to_function(description.llvm_func_name)
    library = context.codegen().create_library(name)
    module = library.create_ir_module(name)
    bridge = ir.Function(module, _BRIDGE, name)
    builder = ir.IRBuilder(bridge.append_basic_block())
    _fill(builder, bridge.args, builder.inttoptr(_WORD(address), type_.as_pointer()), scratch)
    with global_compiler_lock:
        library.add_ir_module(module)
        library.finalize()
    _libraries.append(library)
    return int(library.get_pointer_to_function(name))


def _numba_type(value: Any) -> Any:
    """Type that numba's dispatcher gives to an argument."""
    if isinstance(value, np.ndarray):
        return types.Array(from_dtype(value.dtype), value.ndim, "C", readonly=not value.flags.writeable)
    if isinstance(value, tuple):
        return types.BaseTuple.from_types(tuple(map(_numba_type, value)))
    return {float: types.float64, int: types.int64, bool: types.boolean}.get(type(value), types.none)
