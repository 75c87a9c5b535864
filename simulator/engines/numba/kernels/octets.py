"""Arithmetic on octets: eight amplitudes ``i ^ x`` for x in the span of three masks, of samples in the lanes.

Each function is written as the instructions of its loop over the eight members, unrolled while it is compiled. As
Python code with a variable for each member, the same takes a second longer to compile.

Arguments ``x0, x1, x2`` are the masks and ``i`` is the first member, as places of floats; member d of an octet is at
``i ^ (d & 1) x0 ^ (d >> 1 & 1) x1 ^ (d >> 2) x2``.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulator.engines.numba.kernels.instructions import Instructions
from simulator.engines.numba.layout.passes import COSINES, OCTET_BITS, TANGENTS
from simulator.engines.numba.processor import native_bytes, unit_bytes
from simulator.engines.numba.simd import VECTOR_BYTES, Vector, data_pointer, llvm_type

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


def _hidden(builder: Any, pointer: Any) -> Any:
    """Emit the same pointer as one of which the compiler knows nothing.

    Loads from it are not merged with those from ``pointer``, so each of them may be an operand of an arithmetic
    instruction, and addresses remain sums of a pointer and a place: one register for each place, whatever the state.
    """
    return builder.asm(ir.FunctionType(pointer.type, [pointer.type]), "", "=r,0", [pointer], False)


class _State:
    """Emitter of what happens to an octet's numbers in one vector of a state."""

    def __init__(self, on: Instructions, array: Any, places: list[Any], shift: Any) -> None:
        self.on, self.places = on, places
        data = data_pointer(on.context, on.builder, on.array, array)
        self.pointer = _hidden(on.builder, on.builder.gep(data, [shift]))

    def load(self) -> list[Any]:
        return [self.on.load_from(self.pointer, place) for place in self.places]

    def turn(self, values: list[Any], tangents: Sequence[Any], how: Any, scale: Callable[[], Any], undoes: bool) -> None:
        """Take the members a, b of each pair of a mask to ``a + t b, b - t a``, for each mask, and store them.

        The other way round if it ``undoes`` that. For the first mask, a is loaded again, as an operand: a multiplication
        and addition overwrites one of its operands, which would have to be copied before.
        """
        on, builder = self.on, self.on.builder
        again = _hidden(builder, self.pointer)
        up, down = (on.minus, on.plus) if undoes else (on.plus, on.minus)

        def apply(k: int) -> None:
            for d in (d for d in range(_SIZE) if not d >> k & 1):
                e = d | 1 << k
                a, b = values[d], values[e]
                values[d] = up(a, on.times(tangents[k], b))
                values[e] = down(b, on.times(tangents[k], a if k else on.load_from(again, self.places[d])))

        def store(factor: Any) -> None:
            for place, value in zip(self.places, values, strict=True):
                on.store_to(self.pointer, place, value if factor is None else on.times(factor, value))

        apply(0)
        apply(1)
        with builder.if_else(_equals(builder, how, TWO)) as (two, three):
            with two:
                store(None)
            with three:
                apply(2)
                with builder.if_else(_equals(builder, how, SCALED)) as (yes, no):
                    with yes:
                        store(scale())
                    with no:
                        store(None)


def _numbers(on: Instructions, numbers: Any, at: Any, shift: Any, width: int) -> tuple[list[Any], Callable[[], Any]]:
    """Emit the tangents of a pass, and how its scale is emitted, for the vector ``shift`` of an amplitude."""
    lane = on.builder.and_(shift, ir.Constant(shift.type, width - 1))
    begin = on.builder.add(at, lane)

    def number(k: int) -> Any:
        return on.load(numbers, on.place(begin, k * width))

    return [number(TANGENTS + k) for k in range(OCTET_BITS)], lambda: number(COSINES)


@intrinsic
def turn(typing_context, state, first, x0, x1, x2, shift, numbers, at, how):  # type: ignore[no-untyped-def]
    """Apply a pass to the octet at ``first``, in the vectors ``shift`` of its amplitudes.

    ``numbers`` has those of the pass from ``at`` on. The octet is multiplied by their scale if ``how`` is SCALED; if it
    is TWO, nothing is done for the third mask.
    """
    vector = Vector(state.dtype, unit_bytes())

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        state, first, *masks = args[:5]
        shift, numbers, at, how = args[5:9]
        on = Instructions(context, builder, signature.args[0], vector)
        width = Vector(signature.args[0].dtype).width
        tangents, scale = _numbers(on, numbers, at, shift, width)
        places = _members(on, first, masks)
        for plane in (0, width):
            each = _State(on, state, places, on.place(shift, plane))
            each.turn(each.load(), tangents, how, scale, undoes=False)
        return context.get_dummy_value()

    return types.none(state, *(types.intp,) * 5, numbers, types.intp, types.intp), codegen


@intrinsic
def unturn(typing_context, psi, lam, first, x0, x1, x2, shift, numbers, at, sums, how):  # type: ignore[no-untyped-def]
    """Undo a pass on the octet at ``first`` of both states, and add its derivatives to ``sums``.

    These are ``lam[a] psi[b] - lam[b] psi[a]``, summed over the pairs of each mask, by lanes. The scale of a pass with
    SCALED angles is applied as by `turn`.
    """
    vector = Vector(psi.dtype, native_bytes())

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, lam, first, *masks = args[:6]
        shift, numbers, at, sums, how = args[6:11]
        on, width = Instructions(context, builder, signature.args[0], vector), Vector(signature.args[0].dtype).width
        places = _members(on, first, masks)
        state, dual = _State(on, psi, places, shift), _State(on, lam, places, shift)
        values = state.load()
        lane = builder.and_(shift, ir.Constant(shift.type, width - 1))

        def add(masks: range) -> None:
            totals: dict[tuple[int, int], Any] = {}  # two for each mask, so that fewer additions wait for the one before
            for d, place in enumerate(places):
                number = on.load_from(dual.pointer, place)  # one at a time, so that all others are in registers
                for k in masks:
                    product, key = on.times(number, values[d ^ 1 << k]), (k, d >> (k == 0) & 1)
                    sign = on.minus if d >> k & 1 else on.plus
                    totals[key] = sign(totals[key], product) if key in totals else product
            for k in masks:
                at = on.place(lane, k * width)
                on.store(sums, at, on.plus(on.load(sums, at), on.plus(totals[k, 0], totals[k, 1])))

        with builder.if_else(_equals(builder, how, TWO)) as (two, three):
            with two:
                add(range(2))
            with three:
                add(range(OCTET_BITS))
        tangents, scale = _numbers(on, numbers, at, shift, width)
        state.turn(values, tangents, how, scale, undoes=True)
        dual.turn(dual.load(), tangents, how, scale, undoes=True)
        return context.get_dummy_value()

    return types.none(psi, lam, *(types.intp,) * 5, numbers, types.intp, sums, types.intp), codegen


def _turning(like_x: bool, state: Any, t0: Any, t1: Any, t2: Any) -> tuple[Any, Any]:
    """Signature and code of `turn_like_x` or `turn_like_y`.

    The pairs are (re a, im b) and (im a, re b) for strings like X, and (re a, re b) and (im a, im b) for strings like
    Y. So the eight numbers of an octet that meet each other are half of it, and fit in sixteen registers. Processors
    whose registers hold a whole vector have 32 of them, for both halves.
    """
    width = Vector(state.dtype).width

    def turned_half(on: Instructions, state: Any, members: Any, half: int, tangents: Any) -> list[Any]:
        """Places and new values of one half."""
        planes = [(half + like_x * d.bit_count()) % 2 for d in range(_SIZE)]
        places = [on.place(place, width * plane) for place, plane in zip(members, planes, strict=True)]
        values = [on.load(state, place) for place in places]
        for k, t in enumerate(tangents):
            for d in (d for d in range(_SIZE) if not d >> k & 1):
                a, b = values[d], values[d | 1 << k]
                up, down = (on.minus, on.plus) if like_x and not planes[d] else (on.plus, on.minus)
                values[d], values[d | 1 << k] = up(a, on.times(t, b)), down(b, on.times(t, a))
        return [*zip(places, values, strict=True)]

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        state, first, *masks = args[:5]
        tangents = args[6:]
        on = Instructions(context, builder, signature.args[0], t0)
        places = _members(on, builder.add(first, args[5]), masks)
        for halves in ((0, 1),) if t0.width == width else ((0,), (1,)):
            turned = [turned_half(on, state, places, half, tangents) for half in halves]
            for place, value in itertools.chain.from_iterable(turned):
                on.store(state, place, value)
        return context.get_dummy_value()

    return types.none(state, *(types.intp,) * 5, t0, t1, t2), codegen


@intrinsic
def turn_like_x(typing_context, state, first, x0, x1, x2, shift, t0, t1, t2):  # type: ignore[no-untyped-def]
    """Apply ``1 - i t P`` for three masks of strings like X, in native vectors."""
    return _turning(True, state, t0, t1, t2)


@intrinsic
def turn_like_y(typing_context, state, first, x0, x1, x2, shift, t0, t1, t2):  # type: ignore[no-untyped-def]
    """Apply ``1 - i t P``, up to the sign of t, for three masks of strings like Y, in native vectors."""
    return _turning(False, state, t0, t1, t2)


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
