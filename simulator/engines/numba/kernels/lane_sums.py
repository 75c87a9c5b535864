"""Sums of eight vectors over their lanes, as one vector of eight lanes."""

from __future__ import annotations

import functools
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulator.engines.numba.kernels.instructions import Instructions
from simulator.engines.numba.processor import native_bytes
from simulator.engines.numba.simd import VECTOR_BYTES, Vector, llvm_type

_COUNT = 8


def lane_sums(on: Instructions, vectors: list[Any], width: int) -> Any:
    """Sum each of eight vectors over its lanes, to the first eight lanes of the result; the others are zero.

    Registers narrower than a vector are added first. Then the lanes whose numbers differ in one bit are: half of them
    of one vector, half of the next one, so that lane l of the result is of vector l.
    """
    remaining = min(width, native_bytes() * width // VECTOR_BYTES)
    vectors = [_register_sum(on, vector, width, remaining) for vector in vectors]
    lanes, bit = remaining, 1
    while bit < lanes:
        if len(vectors) == 1:
            vectors.append(ir.Constant(vectors[0].type, [0.0] * lanes))
        vectors = [_neighbours(on, vectors[k], vectors[k + 1], lanes, bit) for k in range(0, len(vectors), 2)]
        bit *= 2
    while len(vectors) > 1:
        lanes *= 2
        vectors = [on.joined(vectors[k], vectors[k + 1], range(lanes)) for k in range(0, len(vectors), 2)]
    if lanes < width:
        zeros = ir.Constant(vectors[0].type, [0.0] * lanes)
        return on.joined(vectors[0], zeros, [min(lane, lanes) for lane in range(width)])
    return vectors[0]


def _register_sum(on: Instructions, vector: Any, width: int, lanes: int) -> Any:
    """Sum of the registers that hold a vector, with ``lanes`` lanes each."""
    parts = [on.joined(vector, vector, range(begin, begin + lanes)) for begin in range(0, width, lanes)]
    return functools.reduce(on.plus, parts)


def _neighbours(on: Instructions, first: Any, second: Any, lanes: int, bit: int) -> Any:
    """Sums of lanes whose numbers differ in a bit: of ``first`` where the bit is 0, of ``second`` where it is 1."""
    here = [lane if not lane & bit else lane - bit + lanes for lane in range(lanes)]
    there = [lane + bit if not lane & bit else lane + lanes for lane in range(lanes)]
    return on.plus(on.joined(first, second, here), on.joined(first, second, there))


@intrinsic
def store_lane_sums(typing_context, target, place, array, begin):  # type: ignore[no-untyped-def]
    """Write the sums over lanes of the eight vectors from ``array[begin]`` on to ``target[place : place + 8]``.

    ``target`` is an array of float64.
    """
    vector, doubles = Vector(array.dtype), Vector(target.dtype)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        target, place, array, begin = args
        on, W = Instructions(context, builder, signature.args[2], vector), vector.width
        sums = lane_sums(on, [on.load(array, on.place(begin, k * W)) for k in range(_COUNT)], W)
        if W > _COUNT:
            sums = builder.fpext(on.joined(sums, sums, range(_COUNT)), llvm_type(doubles))
        Instructions(context, builder, signature.args[0], doubles).store(target, place, sums)
        return context.get_dummy_value()

    return types.none(target, types.intp, array, types.intp), codegen
