"""Explicit vector type for numba: ``<8 x double>`` and ``<16 x float>`` as first-class values.

Plain loops over interleaved arrays reach 5-12 GFLOP/s per core, because LLVM does not vectorise short inner loops whose
arrays may alias; kernels written with this type are four times as fast and still read as arithmetic. LLVM splits the
vectors on machines with narrower registers, so the same source works there. A vector is 64 bytes wide. Importing this
file compiles nothing.
"""

from __future__ import annotations

import operator
import platform
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

VECTOR_BYTES = 64
_INT32 = ir.IntType(32)


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
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(size + boundary // itemsize, dtype)
    offset = -raw.ctypes.data % boundary // itemsize
    return raw[offset : offset + size]


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


def _constant(vector: Vector, values: list[float]) -> ir.Constant:
    return ir.Constant(llvm_type(vector), values)


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
        kind = ir.FunctionType(ir.VoidType(), [byte, _INT32, _INT32, _INT32])
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        for step in (0, vector.width):
            at = builder.add(args[1], ir.Constant(args[1].type, step))
            pointer = vector_pointer(context, builder, signature.args[0], args[0], at, vector)
            builder.call(function, [builder.bitcast(pointer, byte), _INT32(1), _INT32(2), _INT32(1)])
        return context.get_dummy_value()

    return types.none(array, types.intp), codegen


@intrinsic
def splat(typing_context, scalar):  # type: ignore[no-untyped-def]
    """Vector with all elements equal to ``scalar``."""
    vector = Vector(scalar)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        undefined = ir.Constant(llvm_type(vector), ir.Undefined)
        first = builder.insert_element(undefined, args[0], _INT32(0))
        return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INT32, vector.width), None))

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


def _lane_exchange(bit: int) -> Any:
    @intrinsic
    def exchange(typing_context, value):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            order = [lane ^ (1 << bit) for lane in range(value.width)]
            mask = ir.Constant(ir.VectorType(_INT32, value.width), order)
            return builder.shuffle_vector(args[0], ir.Constant(args[0].type, ir.Undefined), mask)

        return value(value), codegen

    return exchange


exchange0, exchange1, exchange2, _exchange3 = (_lane_exchange(bit) for bit in range(4))


@intrinsic
def exchange3(typing_context, value):  # type: ignore[no-untyped-def]
    """Swap lanes that differ in bit 3; there is no such bit in vectors of eight."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        bit = 8 if value.width > 8 else 0
        mask = ir.Constant(ir.VectorType(_INT32, value.width), [lane ^ bit for lane in range(value.width)])
        return builder.shuffle_vector(args[0], ir.Constant(args[0].type, ir.Undefined), mask)

    return value(value), codegen


@intrinsic
def interleaved(typing_context, first, second):  # type: ignore[no-untyped-def]
    """Two vectors (first 0, second 0, first 1, second 1, ...)."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        out = []
        for begin in (0, first.width // 2):
            order = [begin + lane // 2 + lane % 2 * first.width for lane in range(first.width)]
            mask = ir.Constant(ir.VectorType(_INT32, first.width), order)
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
            mask = ir.Constant(ir.VectorType(_INT32, value.width), order)
            out = builder.fadd(out, builder.shuffle_vector(out, undefined, mask))
        return builder.extract_element(out, _INT32(0))

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


_SINE = (1.58962301576546568060e-10, -2.50507477628578072866e-8, 2.75573136213857245213e-6,
         -1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1)  # fmt: skip
_COSINE = (-1.13585365213876817300e-11, 2.08757008419747316778e-9, -2.75573141792967388112e-7,
           2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2)  # fmt: skip
# pi/2 in three parts, each but the last with trailing zeros, so that a multiple of it is exact
_HALF_PI = {64: (1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21),
            32: (1.5703125, 4.837512969970703125e-4, 7.54978995489188e-8)}  # fmt: skip


@intrinsic
def sincos(typing_context, angle):  # type: ignore[no-untyped-def]
    """(sin, cos) of a vector of angles, to about one unit in the last place for |angle| < 1e6 (1e4 in float32).

    Larger angles must be reduced first (`simulator.engines.numba.kernels.angles`).

    Range reduction in three parts and the minimax polynomials of the Cephes library (S. Moshier).
    """

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        kind, bits = args[0].type, angle.element.bitwidth

        def number(value):  # type: ignore[no-untyped-def]
            return ir.Constant(kind, [value] * angle.width)

        def multiply_add(a, b, c):  # type: ignore[no-untyped-def]
            return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))

        def polynomial(x, coefficients):  # type: ignore[no-untyped-def]
            out = number(coefficients[0])
            for value in coefficients[1:]:
                out = multiply_add(out, x, number(value))
            return out

        rint = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind]), f"llvm.rint.v{angle.width}f{bits}"
        )
        quarters = builder.call(rint, [builder.fmul(args[0], number(0.63661977236758134308))])
        residue = args[0]
        for part in _HALF_PI[bits]:
            residue = multiply_add(quarters, number(-part), residue)
        square = builder.fmul(residue, residue)
        sine = multiply_add(builder.fmul(residue, square), polynomial(square, _SINE), residue)
        cosine = multiply_add(
            builder.fmul(square, square),
            polynomial(square, _COSINE),
            multiply_add(square, number(-0.5), number(1.0)),
        )
        whole = ir.VectorType(ir.IntType(bits), angle.width)
        one, two = (ir.Constant(whole, [value] * angle.width) for value in (1, 2))
        zero = ir.Constant(whole, None)
        quadrant = builder.fptosi(quarters, whole)

        def has(value, bit):  # type: ignore[no-untyped-def]
            return builder.icmp_signed("!=", builder.and_(value, bit), zero)

        odd = has(quadrant, one)
        out = []
        for straight, swapped, minus in (
            (sine, cosine, has(quadrant, two)),
            (cosine, sine, has(builder.add(quadrant, one), two)),
        ):
            value = builder.select(odd, swapped, straight)
            out.append(builder.select(minus, builder.fneg(value), value))
        return context.make_tuple(builder, signature.return_type, out)

    return types.UniTuple(angle, 2)(angle), codegen
