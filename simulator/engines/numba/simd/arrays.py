"""Access to arrays of numbers without the checks that kernels do not need, and atomic counters."""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from simulator.engines.numba.simd.vectors import data_pointer


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
def fetch_add(typing_context, array, index, amount):  # type: ignore[no-untyped-def]
    """Atomically add to ``array[index]``; return the previous value."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = data_pointer(context, builder, signature.args[0], args[0])
        return builder.atomic_rmw("add", builder.gep(data, [args[1]]), args[2], "seq_cst")

    return types.int64(array, types.intp, types.int64), codegen


@intrinsic
def relax(typing_context, array):  # type: ignore[no-untyped-def]
    """Pause for about 100 cycles while waiting for other threads; this frees the core for its sibling thread."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        if platform.machine().lower() in ("x86_64", "amd64"):  # no operation on other machines
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.none(array), codegen


def _with_fields(context: Any, builder: Any, array_type: Any, structure: Any, **fields: Any) -> Any:
    """Emit the structure of a view, which owns no memory, with ``fields`` and otherwise those of ``structure``."""
    model, nothing = context.data_model_manager[array_type], cgutils.get_null_value(cgutils.voidptr_t)
    for name, value in {"meminfo": nothing, "parent": nothing, **fields}.items():
        structure = model.set(builder, structure, value, name)
    return structure


@intrinsic
def section(typing_context, array, begin, end):  # type: ignore[no-untyped-def]
    """``array[begin:end]`` without checks of signs and bounds."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = builder.gep(data_pointer(context, builder, array, args[0]), [args[1]])
        nitems = builder.sub(args[2], args[1])
        shape = cgutils.pack_array(builder, [nitems])
        return _with_fields(context, builder, array, args[0], nitems=nitems, data=data, shape=shape)

    return array(array, types.intp, types.intp), codegen


@intrinsic
def table_view(typing_context, array, begin, rows, columns):  # type: ignore[no-untyped-def]
    """``array[begin : begin + rows * columns].reshape(rows, columns)``."""
    out = types.Array(array.dtype, 2, "C")

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        size = context.get_constant(types.intp, array.dtype.bitwidth // 8)
        return _with_fields(
            context,
            builder,
            out,
            ir.Constant(context.get_value_type(out), ir.Undefined),
            nitems=builder.mul(args[2], args[3]),
            itemsize=size,
            data=builder.gep(data_pointer(context, builder, array, args[0]), [args[1]]),
            shape=cgutils.pack_array(builder, [args[2], args[3]]),
            strides=cgutils.pack_array(builder, [builder.mul(args[3], size), size]),
        )

    return out(array, types.intp, types.intp, types.intp), codegen
