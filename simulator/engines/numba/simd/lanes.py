"""Operations on the lanes of vectors: exchanges, signs, sums and comparisons."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from simulator.engines.numba.simd.vectors import INT32, Vector, llvm_type


def _constant(vector: Vector, values: list[float]) -> ir.Constant:
    return ir.Constant(llvm_type(vector), values)


def _lane_exchange(bit: int) -> Any:
    @intrinsic
    def exchange(typing_context, value):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            order = [lane ^ (1 << bit) for lane in range(value.width)]
            mask = ir.Constant(ir.VectorType(INT32, value.width), order)
            return builder.shuffle_vector(args[0], ir.Constant(args[0].type, ir.Undefined), mask)

        return value(value), codegen

    return exchange


exchange0, exchange1, exchange2, _exchange3 = (_lane_exchange(bit) for bit in range(4))


@intrinsic
def exchange3(typing_context, value):  # type: ignore[no-untyped-def]
    """Swap lanes that differ in bit 3; there is no such bit in vectors of eight."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        bit = 8 if value.width > 8 else 0
        mask = ir.Constant(ir.VectorType(INT32, value.width), [lane ^ bit for lane in range(value.width)])
        return builder.shuffle_vector(args[0], ir.Constant(args[0].type, ir.Undefined), mask)

    return value(value), codegen


@intrinsic
def interleaved(typing_context, first, second):  # type: ignore[no-untyped-def]
    """Two vectors (first 0, second 0, first 1, second 1, ...)."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        out = []
        for begin in (0, first.width // 2):
            order = [begin + lane // 2 + lane % 2 * first.width for lane in range(first.width)]
            mask = ir.Constant(ir.VectorType(INT32, first.width), order)
            out.append(builder.shuffle_vector(args[0], args[1], mask))
        return context.make_tuple(builder, signature.return_type, out)

    return types.UniTuple(first, 2)(first, second), codegen


@intrinsic
def lane_signs(typing_context, like, bit):  # type: ignore[no-untyped-def]
    """+1 in lanes whose bit ``bit`` (a literal) is 0, -1 in the others."""
    if not isinstance(bit, types.IntegerLiteral):
        return None
    shift = bit.literal_value

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return _constant(like, [1.0 - 2.0 * (lane >> shift & 1) for lane in range(like.width)])

    return like(like, bit), codegen


@intrinsic
def lane_sum(typing_context, value):  # type: ignore[no-untyped-def]
    """Sum of the elements, always in the same order."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        out, size = args[0], value.width
        undefined = ir.Constant(out.type, ir.Undefined)
        while size > 1:
            size //= 2
            order = [lane + size if lane < size else lane for lane in range(value.width)]
            mask = ir.Constant(ir.VectorType(INT32, value.width), order)
            out = builder.fadd(out, builder.shuffle_vector(out, undefined, mask))
        return builder.extract_element(out, INT32(0))

    return value.element(value), codegen


@intrinsic
def exceeds(typing_context, value, bound):  # type: ignore[no-untyped-def]
    """Whether the magnitude of any element is above that of ``bound``, or NaN."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        kind, bits = args[0].type, value.element.bitwidth
        fabs = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind]), f"llvm.fabs.v{value.width}f{bits}"
        )
        above = builder.fcmp_unordered(">", builder.call(fabs, [args[0]]), args[1])
        mask = ir.IntType(value.width)
        return builder.icmp_unsigned("!=", builder.bitcast(above, mask), mask(0))

    return types.boolean(value, bound), codegen


@intrinsic
def lanes_of(typing_context, array):  # type: ignore[no-untyped-def]
    """Width of the vectors of an array's element type, a constant in compiled code."""
    vector = Vector(array.dtype)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return context.get_constant(types.intp, vector.width)

    return types.intp(array), codegen
