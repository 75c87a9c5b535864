"""Vectors of double-precision numbers, as many as a vector of a state has lanes."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from simulator.engines.numba.simd.vectors import INT32, Vector, data_pointer, llvm_type


def _of_samples(array: Any) -> Vector:
    """Vector type of the samples of an array's vectors."""
    return Vector(types.float64, 8 * Vector(array.dtype).width)


@intrinsic
def repeated(typing_context, array, scalar):  # type: ignore[no-untyped-def]
    """``scalar`` for all samples of a vector of ``array``."""
    vector = _of_samples(array)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        undefined = ir.Constant(llvm_type(vector), ir.Undefined)
        first = builder.insert_element(undefined, args[1], INT32(0))
        return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(INT32, vector.width), None))

    return vector(array, types.float64), codegen


@intrinsic
def column_of(typing_context, array, X, first, column):  # type: ignore[no-untyped-def]
    """``X[first + lane, column]`` for each lane of a vector of ``array``; rows beyond the last are the last."""
    vector = _of_samples(array)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = data_pointer(context, builder, X, args[1])
        shape = context.data_model_manager[X].get(builder, args[1], "shape")
        rows, columns = cgutils.unpack_tuple(builder, shape, 2)
        last = builder.sub(rows, ir.Constant(rows.type, 1))
        out = ir.Constant(llvm_type(vector), ir.Undefined)
        for lane in range(vector.width):
            row = builder.add(args[2], ir.Constant(rows.type, lane))
            row = builder.select(builder.icmp_signed("<", row, last), row, last)
            place = builder.add(builder.mul(row, columns), args[3])
            out = builder.insert_element(out, builder.load(builder.gep(data, [place])), INT32(lane))
        return out

    return vector(array, X, types.intp, types.intp), codegen


@intrinsic
def rounded(typing_context, array, values):  # type: ignore[no-untyped-def]
    """Numbers of samples as a vector of ``array``."""
    vector = Vector(array.dtype)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return args[1] if vector == values else builder.fptrunc(args[1], llvm_type(vector))

    return vector(array, values), codegen


@intrinsic
def parts_of(typing_context, array, amplitudes, first):  # type: ignore[no-untyped-def]
    """Real and imaginary parts of ``amplitudes[first + lane]``, complex128, as vectors of ``array``."""
    vector = Vector(array.dtype)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = builder.gep(data_pointer(context, builder, amplitudes, args[1]), [args[2]])
        pairs = ir.VectorType(ir.DoubleType(), 2 * vector.width)
        numbers = builder.load(builder.bitcast(data, pairs.as_pointer()))
        numbers.align = 8
        out = []
        for part in (0, 1):
            mask = ir.Constant(ir.VectorType(INT32, vector.width), list(range(part, 2 * vector.width, 2)))
            values = builder.shuffle_vector(numbers, ir.Constant(pairs, ir.Undefined), mask)
            out.append(values if vector == _of_samples(array) else builder.fptrunc(values, llvm_type(vector)))
        return context.make_tuple(builder, signature.return_type, out)

    return types.UniTuple(vector, 2)(array, amplitudes, types.intp), codegen
