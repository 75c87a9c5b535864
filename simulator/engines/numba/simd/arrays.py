"""Access to arrays of numbers without the checks that kernels do not need, and atomic counters."""

from __future__ import annotations

import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from simulator.engines.numba.dialect.views import View, make_view, pointer_and_sizes
from simulator.engines.numba.simd.vectors import data_pointer


def _is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")


@intrinsic
def like(typing_context, array, scalar):  # type: ignore[no-untyped-def]
    """``scalar`` in the element type of ``array``."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return context.cast(builder, args[1], signature.args[1], signature.return_type)

    return array.dtype(array, scalar), codegen


@intrinsic
def entry(typing_context, array, index):  # type: ignore[no-untyped-def]
    """``array[index]`` without handling negative indices: a third of the code and of the compile time."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = data_pointer(context, builder, signature.args[0], args[0])
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, types.intp), codegen


@intrinsic
def count_ones(typing_context, mask):  # type: ignore[no-untyped-def]
    """Number of set bits of an integer."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.ctpop(args[0])

    return mask(mask), codegen


@intrinsic
def bit_length(typing_context, mask):  # type: ignore[no-untyped-def]
    """Number of bits up to the highest set one of a 64-bit integer; 0 for 0."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        zeros = builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))
        return builder.sub(ir.Constant(args[0].type, 64), zeros)

    return types.int64(types.int64), codegen


@intrinsic
def trailing_zeros(typing_context, mask):  # type: ignore[no-untyped-def]
    """Number of the lowest set bit of a 64-bit integer; 64 for 0."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), codegen


@intrinsic
def fetch_add(typing_context, array, index, amount):  # type: ignore[no-untyped-def]
    """Atomically add to ``array[index]``; return the previous value."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = data_pointer(context, builder, signature.args[0], args[0])
        return builder.atomic_rmw("add", builder.gep(data, [args[1]]), args[2], "seq_cst")

    return types.int64(array, types.intp, types.int64), codegen


@intrinsic
def look(typing_context, array, index):  # type: ignore[no-untyped-def]
    """``array[index]``, read anew each time, and before what follows."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = data_pointer(context, builder, signature.args[0], args[0])
        return builder.load_atomic(builder.gep(data, [args[1]]), "acquire", 8)

    return types.int64(array, types.intp), codegen


@intrinsic
def publish(typing_context, array, index, value):  # type: ignore[no-untyped-def]
    """Set ``array[index]`` after all that was written before; unlike `fetch_add`, do not wait for the cache line."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = data_pointer(context, builder, signature.args[0], args[0])
        builder.store_atomic(args[2], builder.gep(data, [args[1]]), "release", 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, types.int64), codegen


@intrinsic
def replace(typing_context, array, index, old, new):  # type: ignore[no-untyped-def]
    """Atomically replace ``array[index]`` by ``new`` if it is ``old``; return whether it was."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = data_pointer(context, builder, signature.args[0], args[0])
        out = builder.cmpxchg(builder.gep(data, [args[1]]), args[2], args[3], "seq_cst", "seq_cst")
        return builder.extract_value(out, 1)

    return types.boolean(array, types.intp, types.int64, types.int64), codegen


@intrinsic
def cycles(typing_context, array):  # type: ignore[no-untyped-def]
    """Time in cycles of the processor; 0 on machines without a counter that programs may read."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        if not _is_x86():
            return context.get_constant(types.int64, 0)
        kind = ir.FunctionType(ir.IntType(64), [])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.readcyclecounter"), [])

    return types.int64(array), codegen


@intrinsic
def relax(typing_context, array):  # type: ignore[no-untyped-def]
    """Pause for about 100 cycles while waiting for other threads; this frees the core for its sibling thread."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        if _is_x86():  # no operation on other machines
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.none(array), codegen


@intrinsic
def section(typing_context, array, begin, end):  # type: ignore[no-untyped-def]
    """``array[begin:end]`` without checks of signs and bounds."""
    out = View(array.dtype, array.ndim)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data, _, *columns = pointer_and_sizes(context, builder, array, args[0])
        begin = builder.mul(args[1], columns[0]) if columns else args[1]
        return make_view(context, builder, out, builder.gep(data, [begin]), builder.sub(args[2], args[1]), *columns)

    return out(array, types.intp, types.intp), codegen


@intrinsic
def doubles(typing_context, array, begin, count):  # type: ignore[no-untyped-def]
    """View of ``count`` float64 numbers in the memory of ``array``, from ``array[begin]`` on."""
    view = View(types.float64, 1)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = builder.gep(data_pointer(context, builder, signature.args[0], args[0]), [args[1]])
        return make_view(context, builder, view, builder.bitcast(data, ir.DoubleType().as_pointer()), args[2])

    return view(array, types.intp, types.intp), codegen


@intrinsic
def table_view(typing_context, array, begin, rows, columns):  # type: ignore[no-untyped-def]
    """``array[begin : begin + rows * columns].reshape(rows, columns)``."""
    out = View(array.dtype, 2)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = builder.gep(data_pointer(context, builder, array, args[0]), [args[1]])
        return make_view(context, builder, out, data, args[2], args[3])

    return out(array, types.intp, types.intp, types.intp), codegen
