"""The vector type, how it is stored in arrays, and its arithmetic."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

VECTOR_BYTES = 64
INT32 = ir.IntType(32)


class Vector(types.Type):
    """Numba type of ``width`` floats in one register (or several, where registers are narrow)."""

    def __init__(self, element: types.Float, size: int = VECTOR_BYTES) -> None:
        self.element = element
        self.width = size * 8 // element.bitwidth
        super().__init__(name=f"Vector({element} x {self.width})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, numba_type: Vector) -> None:
        super().__init__(manager, numba_type, llvm_type(numba_type))


def width(dtype: Any) -> int:
    """Number of elements in a vector of ``dtype``: 8 for float64, 16 for float32."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


def aligned_zeros(size: int, dtype: Any, boundary: int = VECTOR_BYTES) -> np.ndarray:
    """Zeros of shape (size,), aligned to vectors, so that no load straddles cache lines."""
    return _aligned(np.zeros, size, dtype, boundary)


def aligned_empty(size: int, dtype: Any, boundary: int = VECTOR_BYTES) -> np.ndarray:
    """Array of shape (size,) with arbitrary contents, aligned to vectors."""
    return _aligned(np.empty, size, dtype, boundary)


def _aligned(create: Any, size: int, dtype: Any, boundary: int) -> np.ndarray:
    itemsize = np.dtype(dtype).itemsize
    raw = create(size + boundary // itemsize, dtype)
    offset = -raw.ctypes.data % boundary // itemsize
    return raw[offset : offset + size]  # type: ignore[no-any-return]


def llvm_type(vector: Vector) -> ir.VectorType:
    """Return the type of a vector in LLVM's terms."""
    element = ir.DoubleType() if vector.element.bitwidth == 64 else ir.FloatType()
    return ir.VectorType(element, vector.width)


def data_pointer(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
    """Emit the address of an array's first element, by one instruction and without a copy of the array's structure."""
    return context.data_model_manager[array_type].get(builder, array, "data")


def vector_pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any, vector: Vector) -> Any:
    """Emit the address of the vector that begins at ``array[index]``."""
    data = data_pointer(context, builder, array_type, array)
    return builder.bitcast(builder.gep(data, [index]), llvm_type(vector).as_pointer())


@intrinsic
def load(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Load the vector at ``array[index : index + width]``."""
    vector = Vector(array.dtype)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        out = builder.load(vector_pointer(context, builder, signature.args[0], args[0], args[1], vector))
        out.align = vector.element.bitwidth // 8
        return out

    return vector(array, types.intp), codegen


@intrinsic
def store(typing_context, array, index, value):  # type: ignore[no-untyped-def]
    """Write a vector to ``array[index : index + width]``."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        pointer = vector_pointer(context, builder, signature.args[0], args[0], args[1], value)
        builder.store(args[2], pointer).align = value.element.bitwidth // 8
        return context.get_dummy_value()

    return types.none(array, types.intp, value), codegen


@intrinsic
def prefetch(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Prefetch the cache lines of the two vectors at ``array[index : index + 2 * width]`` for reading and writing."""
    vector = Vector(array.dtype)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        byte = ir.IntType(8).as_pointer()
        name = "llvm.prefetch.p0i8"
        kind = ir.FunctionType(ir.VoidType(), [byte, INT32, INT32, INT32])
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        for step in (0, vector.width):
            at = builder.add(args[1], ir.Constant(args[1].type, step))
            pointer = vector_pointer(context, builder, signature.args[0], args[0], at, vector)
            builder.call(function, [builder.bitcast(pointer, byte), INT32(1), INT32(2), INT32(1)])
        return context.get_dummy_value()

    return types.none(array, types.intp), codegen


@intrinsic
def splat(typing_context, scalar):  # type: ignore[no-untyped-def]
    """Vector with all elements equal to ``scalar``."""
    vector = Vector(scalar)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        undefined = ir.Constant(llvm_type(vector), ir.Undefined)
        first = builder.insert_element(undefined, args[0], INT32(0))
        return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(INT32, vector.width), None))

    return vector(scalar), codegen


def _arithmetic(function: Any, instruction: str) -> None:
    """Implement ``function`` of two equal vector types as one instruction; rounding may be fused (a*b + c)."""

    @infer_global(function)
    class _Template(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and isinstance(args[0], Vector) and args[0] == args[1]:
                return signature(args[0], *args)
            return None

    @lower_builtin(function, Vector, Vector)
    def apply(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return getattr(builder, instruction)(args[0], args[1], flags=("contract",))


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
_arithmetic(operator.truediv, "fdiv")
