"""Vectors as wide as the processor's registers or arithmetic units, where these are narrower than a tile's vectors."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from simulator.engines.numba.kernels.instructions import Instructions
from simulator.engines.numba.processor import native_bytes, unit_bytes
from simulator.engines.numba.simd import Vector


def _lanes(vector: Any, array: Any) -> tuple[Any, Any]:
    """Signature and code of a vector's width, a constant in compiled code."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return context.get_constant(types.intp, vector.width)

    return types.intp(array), codegen


@intrinsic
def load_native(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Load a native vector, one register, from ``array[index : index + native_lanes(array)]``."""
    vector = Vector(array.dtype, native_bytes())

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return Instructions(context, builder, signature.args[0], vector).load(*args)

    return vector(array, types.intp), codegen


@intrinsic
def native_lanes(typing_context, array):  # type: ignore[no-untyped-def]
    """Width of native vectors of an array's element type."""
    return _lanes(Vector(array.dtype, native_bytes()), array)


@intrinsic
def unit_lanes(typing_context, array):  # type: ignore[no-untyped-def]
    """Width of the vectors of an array's element type that arithmetic units take as a whole."""
    return _lanes(Vector(array.dtype, unit_bytes()), array)


@intrinsic
def splat_native(typing_context, array, scalar):  # type: ignore[no-untyped-def]
    """Native vector of an array's element type with all elements equal to ``scalar``."""
    vector = Vector(array.dtype, native_bytes())

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return Instructions(context, builder, signature.args[0], vector).repeated(args[1])

    return vector(array, array.dtype), codegen
