"""Arithmetic on octets: eight amplitudes ``i ^ x`` for x in the span of three masks, of samples in the lanes.

Each function is written as the instructions of its loop over the eight members, unrolled while it is compiled. As
Python code with a variable for each member, the same takes a second longer to compile.

Arguments ``x0, x1, x2`` are the masks and ``i`` is the first member, as places of floats; member d of an octet is at
``i ^ (d & 1) x0 ^ (d >> 1 & 1) x1 ^ (d >> 2) x2``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulator.engines.numba.kernels.instructions import Instructions
from simulator.engines.numba.kernels.lane_sums import lane_sums
from simulator.engines.numba.layout.passes import COSINES, OCTET_BITS, TANGENTS
from simulator.engines.numba.processor import native_bytes, unit_bytes
from simulator.engines.numba.simd import Vector, data_pointer, llvm_type

_SIZE = 1 << OCTET_BITS
THREE, SCALED, TWO = 0, 1, 2  # rotations of an octet: three, three before a multiplication, two
# What the way back does to psi: nothing; as much as derivatives need; what it does to the adjoint state; nothing, as it
# is the one before the pass, which was kept; nothing, and nothing to the adjoint state.
ALONE, READ, UNDONE, BEFORE, NEITHER = range(5)


def _equals(builder: Any, how: Any, value: int) -> Any:
    return builder.icmp_signed("==", how, ir.Constant(how.type, value))


def members(on: Instructions, first: Any, masks: Any) -> list[Any]:
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
    """Emitter of what happens to an octet's numbers in one vector of a state, which may be stored as another one's."""

    def __init__(self, on: Instructions, array: Any, places: list[Any], shift: Any, target: Any = None) -> None:
        self.on, self.places = on, places
        self.pointer = self._pointer(array, shift)
        self.target = self.pointer if target is None else self._pointer(target, shift)

    def _pointer(self, array: Any, shift: Any) -> Any:
        on = self.on
        data = data_pointer(on.context, on.builder, on.array, array)
        return _hidden(on.builder, on.builder.gep(data, [shift]))

    def load(self) -> list[Any]:
        return [self.on.load_from(self.pointer, place) for place in self.places]

    def turn(self, values: list[Any], tangents: Sequence[Any], how: Any, scale: Callable[[], Any], back: bool) -> None:
        """Take the members a, b of each pair of a mask to ``a + t b, b - t a``, for each mask, and store them.

        On the way ``back``, take them to ``a - t b, b + t a``. For the first mask, a is loaded again, as an operand:
        an instruction that multiplies and adds overwrites one of its three operands, which would have to be copied.
        """
        on, builder = self.on, self.on.builder
        again = _hidden(builder, self.pointer)
        up, down = (on.minus, on.plus) if back else (on.plus, on.minus)

        def apply(k: int) -> None:
            for d in (d for d in range(_SIZE) if not d >> k & 1):
                e = d | 1 << k
                a, b = values[d], values[e]
                values[d] = up(a, on.times(tangents[k], b))
                values[e] = down(b, on.times(tangents[k], a if k else on.load_from(again, self.places[d])))

        def store(factor: Any) -> None:
            for place, value in zip(self.places, values, strict=True):
                on.store_to(self.target, place, value if factor is None else on.times(factor, value))

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
def turn(typing_context, state, target, first, x0, x1, x2, shift, numbers, at, how):  # type: ignore[no-untyped-def]
    """Apply a pass to the octet at ``first``, in the vectors ``shift`` of its amplitudes, and store it in ``target``.

    ``numbers`` has those of the pass from ``at`` on. The octet is multiplied by their scale if ``how`` is SCALED; if it
    is TWO, nothing is done for the third mask.
    """
    vector = Vector(state.dtype, unit_bytes())

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        state, target, first, *masks = args[:6]
        shift, numbers, at, how = args[6:10]
        on = Instructions(context, builder, signature.args[0], vector)
        width = Vector(signature.args[0].dtype).width
        tangents, scale = _numbers(on, numbers, at, shift, width)
        places = members(on, first, masks)
        for plane in (0, width):
            each = _State(on, state, places, on.place(shift, plane), target)
            each.turn(each.load(), tangents, how, scale, back=False)
        return context.get_dummy_value()

    return types.none(state, state, *(types.intp,) * 5, numbers, types.intp, types.intp), codegen


@intrinsic
def unturn(typing_context, psi, lam, first, x0, x1, x2, shift, numbers, at, sums, how, psi_is):  # type: ignore[no-untyped-def]
    """Undo a pass on the octet at ``first`` of lam, and of psi unless that is left ALONE; add derivatives to ``sums``.

    If ``psi_is`` NEITHER, only derivatives are computed.

    These are ``lam[a] psi[b] - lam[b] psi[a]``, summed over the pairs of each mask, by lanes. The scale of a pass with
    SCALED angles is applied as by `turn`.
    """
    vector = Vector(psi.dtype, native_bytes())

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, lam, first, *masks = args[:6]
        shift, numbers, at, sums, how, psi_is = args[6:12]
        on, width = Instructions(context, builder, signature.args[0], vector), Vector(signature.args[0].dtype).width
        places = members(on, first, masks)
        state, dual = _State(on, psi, places, shift), _State(on, lam, places, shift)
        values = state.load()
        lane = builder.and_(shift, ir.Constant(shift.type, width - 1))

        def add(masks: range) -> None:
            totals: dict[tuple[int, int], Any] = {}  # two for each mask, so that an addition rarely waits for another
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
        with builder.if_then(builder.icmp_signed("!=", psi_is, ir.Constant(psi_is.type, NEITHER))):
            tangents, scale = _numbers(on, numbers, at, shift, width)
            with builder.if_then(builder.not_(_equals(builder, psi_is, ALONE))):
                state.turn(values, tangents, how, scale, back=True)
            dual.turn(dual.load(), tangents, how, scale, back=True)
        return context.get_dummy_value()

    return types.none(psi, lam, *(types.intp,) * 5, numbers, types.intp, sums, types.intp, types.intp), codegen


def _multiplied(on: Instructions, c: Any, s: Any, a0: Any, a1: Any) -> tuple[Any, Any]:
    """Real and imaginary part of ``(c + i s) (a0 + i a1)``."""
    return on.minus(on.times(c, a0), on.times(s, a1)), on.plus(on.times(c, a1), on.times(s, a0))


def _divided(on: Instructions, c: Any, s: Any, a0: Any, a1: Any) -> tuple[Any, Any]:
    """Real and imaginary part of ``(c - i s) (a0 + i a1)``."""
    return on.plus(on.times(c, a0), on.times(s, a1)), on.minus(on.times(c, a1), on.times(s, a0))


class _Amplitudes:
    """Emitter of what happens to an octet's amplitudes, of which each has a phase in a table."""

    def __init__(self, on: Instructions, first: Any, masks: Sequence[Any], table: Any, at: Any) -> None:
        self.on, self.places, self.table, self.at = on, members(on, first, masks), table, at
        self.width = on.vector.width

    def phases(self, d: int) -> tuple[Any, Any]:
        real, imaginary = (self.on.splat(self.table, self.on.place(self.at, d + k)) for k in (0, self.width))
        return real, imaginary

    def load(self, state: Any, place: Any) -> tuple[Any, Any]:
        return self.on.load(state, place), self.on.load(state, self.on.place(place, self.width))

    def store(self, state: Any, place: Any, values: tuple[Any, Any]) -> None:
        self.on.store(state, place, values[0])
        self.on.store(state, self.on.place(place, self.width), values[1])


@intrinsic
def multiply(typing_context, psi, target, i, x0, x1, x2, table, at):  # type: ignore[no-untyped-def]
    """Multiply the members by ``table[at : at + 8]`` (real parts) and, a vector further, the imaginary parts.

    The products are stored in ``target``.
    """

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        on = Instructions(context, builder, signature.args[0], Vector(signature.args[0].dtype))
        octet = _Amplitudes(on, args[2], args[3:6], *args[6:])
        for d, place in enumerate(octet.places):
            octet.store(args[1], place, _multiplied(on, *octet.phases(d), *octet.load(args[0], place)))
        return context.get_dummy_value()

    return types.none(psi, psi, *(types.intp,) * 4, table, types.intp), codegen


@intrinsic
def undo(typing_context, psi, lam, i, x0, x1, x2, table, at, psi_is):  # type: ignore[no-untyped-def]
    """Multiply the members of lam, and of psi if that is UNDONE, by the conjugates of what `multiply` takes.

    Returns, unless psi is left ALONE, the sums over lanes of half the derivative by each member's phase, in the first
    eight lanes of a vector. A psi from BEFORE the pass has no phases yet, so it is compared with lam without them.
    """
    vector = Vector(psi.dtype)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, lam, i, *masks = args[:6]
        on = Instructions(context, builder, signature.args[0], vector)
        octet = _Amplitudes(on, i, masks, *args[6:8])

        def emit(how: int) -> tuple[Any, Any]:
            halves = []
            for d, place in enumerate(octet.places):
                phases, u = octet.phases(d), octet.load(lam, place)
                divided = _divided(on, *phases, *u)
                octet.store(lam, place, divided)
                if how != ALONE:
                    a, dual = octet.load(psi, place), divided if how == BEFORE else u
                    halves.append(on.minus(on.times(dual[1], a[0]), on.times(dual[0], a[1])))
                if how == UNDONE:
                    octet.store(psi, place, _divided(on, *phases, *a))
            zeros = ir.Constant(llvm_type(vector), [0.0] * vector.width)
            return (lane_sums(on, halves, vector.width) if halves else zeros), builder.block

        def choice(how: int, other: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
            with builder.if_else(_equals(builder, args[8], how)) as (yes, no):
                with yes:
                    ways = [emit(how)]
                with no:
                    ways.append(other())
            result = builder.phi(llvm_type(vector))
            for value, block in ways:
                result.add_incoming(value, block)
            return result, builder.block

        return choice(UNDONE, lambda: choice(READ, lambda: choice(BEFORE, lambda: emit(ALONE))))[0]

    return vector(psi, lam, *(types.intp,) * 4, table, types.intp, types.intp), codegen
