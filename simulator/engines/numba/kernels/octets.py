"""Arithmetic on octets: eight amplitudes ``i ^ x`` for x in the span of three masks, of samples in the lanes.

Each function is written as the instructions of its loop over the eight members, unrolled while it is compiled. As
Python code with a variable for each member, the same takes a second longer to compile.

Arguments ``x0, x1, x2`` are the masks and ``i`` is the first member, as places of floats; member d of an octet is at
``i ^ (d & 1) x0 ^ (d >> 1 & 1) x1 ^ (d >> 2) x2``.
"""

from __future__ import annotations

import functools
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulator.engines.numba.kernels.instructions import Instructions
from simulator.engines.numba.layout.passes import OCTET_BITS
from simulator.engines.numba.processor import native_bytes, unit_bytes
from simulator.engines.numba.simd import VECTOR_BYTES, Vector, llvm_type

_SIZE = 1 << OCTET_BITS
THREE, SCALED, TWO = 0, 1, 2  # rotations of an octet: three, three before a multiplication, two


def _equals(builder: Any, how: Any, value: int) -> Any:
    return builder.icmp_signed("==", how, ir.Constant(how.type, value))


def _members(on: Instructions, first: Any, masks: Any) -> list[Any]:
    """Places of an octet's members."""
    out = [first]
    for mask in masks:
        out += [on.builder.xor(place, mask) for place in out]
    return out


@intrinsic
def turn(typing_context, state, first, x0, x1, x2, shift, t0, t1, t2, how, scale):  # type: ignore[no-untyped-def]
    """Take the members a, b of each pair to ``a + t b, b - t a`` for the three masks, in vectors like the tangents.

    The octet lies at ``first + shift`` and is multiplied by ``scale`` if ``how`` is SCALED. If ``how`` is TWO, t2 is 0
    and nothing is done for its mask.
    """

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        state, first, *masks = args[:5]
        shift, tangents, how, scale = args[5], args[6:9], args[9], args[10]
        on = Instructions(context, builder, signature.args[0], t0)
        places = [builder.add(place, shift) for place in _members(on, first, masks)]
        values = [on.load(state, place) for place in places]

        def apply(k: int) -> None:
            for d in (d for d in range(_SIZE) if not d >> k & 1):
                a, b, t = values[d], values[d | 1 << k], tangents[k]
                values[d], values[d | 1 << k] = on.plus(a, on.times(t, b)), on.minus(b, on.times(t, a))

        def store(factor: Any) -> None:
            for place, value in zip(places, values, strict=True):
                on.store(state, place, value if factor is None else on.times(factor, value))

        apply(0)
        apply(1)
        with builder.if_else(_equals(builder, how, TWO)) as (two, three):
            with two:
                store(None)
            with three:
                apply(2)
                with builder.if_else(_equals(builder, how, SCALED)) as (yes, no):
                    with yes:
                        store(scale)
                    with no:
                        store(None)
        return context.get_dummy_value()

    return types.none(state, *(types.intp,) * 5, t0, t1, t2, types.intp, scale), codegen


@intrinsic
def add_derivatives(typing_context, psi, lam, i, x0, x1, x2, shift, g0, g1, g2, how):  # type: ignore[no-untyped-def]
    """Add ``lam[a] psi[b] - lam[b] psi[a]``, summed over the pairs of each mask, to g0, g1, g2 in native vectors.

    It takes one number of ``lam`` at a time, so that all others fit into sixteen registers. If ``how`` is TWO, g2 is
    left as it is.
    """

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, lam, i, *masks = args[:6]
        on = Instructions(context, builder, signature.args[0], g0)
        places = [builder.add(place, args[6]) for place in _members(on, i, masks)]
        values = [on.load(psi, place) for place in places]

        def summed(count: int) -> list[Any]:
            sums: list[Any] = [None] * count
            for d, place in enumerate(places):
                dual = on.load(lam, place)
                for k in range(count):
                    product = on.times(dual, values[d ^ 1 << k])
                    if sums[k] is None:
                        sums[k] = product
                    else:
                        sums[k] = (on.minus if d >> k & 1 else on.plus)(sums[k], product)
            return [*map(on.plus, args[7 : 7 + count], sums), *args[7 + count : 10]]

        ways = []
        with builder.if_else(_equals(builder, args[10], TWO)) as (two, three):
            for way, count in ((two, 2), (three, 3)):
                with way:
                    out = summed(count)
                    ways.append((out, builder.block))
        results = []
        for k in range(OCTET_BITS):
            result = builder.phi(ways[0][0][k].type)
            for out, block in ways:
                result.add_incoming(out[k], block)
            results.append(result)
        return context.make_tuple(builder, signature.return_type, results)

    return types.UniTuple(g0, OCTET_BITS)(psi, lam, *(types.intp,) * 5, g0, g1, g2, types.intp), codegen


@intrinsic
def multiply(typing_context, psi, i, x0, x1, x2, table, at):  # type: ignore[no-untyped-def]
    """Multiply the members by ``table[at : at + 8]`` (real parts) and, a vector further, the imaginary parts."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, i, *masks = args[:5]
        vector = Vector(signature.args[0].dtype)
        on, W = Instructions(context, builder, signature.args[0], vector), vector.width
        for d, place in enumerate(_members(on, i, masks)):
            c, s = (on.splat(args[5], on.place(args[6], d + part)) for part in (0, W))
            a0, a1 = on.load(psi, place), on.load(psi, on.place(place, W))
            on.store(psi, place, on.minus(on.times(c, a0), on.times(s, a1)))
            on.store(psi, on.place(place, W), on.plus(on.times(c, a1), on.times(s, a0)))
        return context.get_dummy_value()

    return types.none(psi, *(types.intp,) * 4, table, types.intp), codegen


@intrinsic
def undo(typing_context, psi, lam, i, x0, x1, x2, table, at):  # type: ignore[no-untyped-def]
    """Multiply the members of both states by the conjugates of what `multiply` takes.

    Returns the sums over lanes of half the derivative by each member's phase, in the first eight lanes of a vector.
    """
    vector = Vector(psi.dtype)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, lam, i, *masks = args[:6]
        on, W = Instructions(context, builder, signature.args[0], vector), vector.width
        halves = []
        for d, place in enumerate(_members(on, i, masks)):
            c, s = (on.splat(args[6], on.place(args[7], d + part)) for part in (0, W))
            (a0, a1), (u0, u1) = ((on.load(each, place), on.load(each, on.place(place, W))) for each in (psi, lam))
            halves.append(on.minus(on.times(u1, a0), on.times(u0, a1)))
            for each, r, m in ((psi, a0, a1), (lam, u0, u1)):
                on.store(each, place, on.plus(on.times(c, r), on.times(s, m)))
                on.store(each, on.place(place, W), on.minus(on.times(c, m), on.times(s, r)))
        return _lane_sums(on, halves, W)

    return vector(psi, lam, *(types.intp,) * 4, table, types.intp), codegen


def _lane_sums(on: Instructions, vectors: list[Any], width: int) -> Any:
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
        sums = _lane_sums(on, [on.load(array, on.place(begin, k * W)) for k in range(_SIZE)], W)
        if W > _SIZE:
            sums = builder.fpext(on.joined(sums, sums, range(_SIZE)), llvm_type(doubles))
        Instructions(context, builder, signature.args[0], doubles).store(target, place, sums)
        return context.get_dummy_value()

    return types.none(target, types.intp, array, types.intp), codegen


def _load(vector: Any, array: Any, index: Any) -> tuple[Any, Any]:
    """Signature and code of a load from ``array[index : index + vector.width]``."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return Instructions(context, builder, signature.args[0], vector).load(*args)

    return vector(array, index), codegen


def _lanes(vector: Any, array: Any) -> tuple[Any, Any]:
    """Signature and code of a vector's width, a constant in compiled code."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return context.get_constant(types.intp, vector.width)

    return types.intp(array), codegen


@intrinsic
def load_native(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Load a native vector, one register, from ``array[index : index + native_lanes(array)]``."""
    return _load(Vector(array.dtype, native_bytes()), array, types.intp)


@intrinsic
def native_lanes(typing_context, array):  # type: ignore[no-untyped-def]
    """Width of native vectors of an array's element type."""
    return _lanes(Vector(array.dtype, native_bytes()), array)


@intrinsic
def load_unit(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Load a vector that arithmetic units take as a whole from ``array[index : index + unit_lanes(array)]``."""
    return _load(Vector(array.dtype, unit_bytes()), array, types.intp)


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
