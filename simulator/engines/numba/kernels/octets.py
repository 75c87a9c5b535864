"""Arithmetic on octets: eight amplitudes ``i ^ x`` for x in the span of three masks, of samples in the lanes.

Each function is written as the instructions of its loop over the eight members, unrolled while it is compiled. As
Python code with a variable for each member, the same takes a second longer to compile.

Arguments ``x0, x1, x2`` are the masks and ``i`` is the first member, as places of floats; member d of an octet is at
``i ^ (d & 1) x0 ^ (d >> 1 & 1) x1 ^ (d >> 2) x2``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from simulator.engines.numba.kernels.instructions import Instructions
from simulator.engines.numba.kernels.lane_sums import lane_sums
from simulator.engines.numba.layout.passes import COSINES, OCTET_BITS, TANGENTS
from simulator.engines.numba.processor import native_bytes, register_constraint, unit_bytes
from simulator.engines.numba.simd import Vector, data_pointer, llvm_type

_SIZE = 1 << OCTET_BITS
TWO, SCALED = 1, 2  # how an octet is rotated, bits: only about two masks; then multiplied
# What undoing phases does to psi: nothing; it is read for derivatives; what is done to the adjoint state; it is read,
# and is the one before the pass, which was kept.
ALONE, READ, UNDONE, BEFORE = range(4)
_EVEN, _ODD = ([d for d in range(_SIZE) if d.bit_count() & 1 == parity] for parity in range(2))
_CHAINS = 3  # sums for each mask, so that an addition rarely waits for another


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


def _pinned(builder: Any, value: Any) -> Any:
    """Emit the same vector, which is in a register here, after all loads before and before all loads behind.

    The compiler's scheduler would load the operands of many sums ahead, more than there are registers.
    """
    constraint = register_constraint()
    if constraint is None:
        return value
    kind = ir.FunctionType(value.type, [value.type])
    return builder.asm(kind, "", f"={constraint},0,~{{memory}}", [value], True)


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

    def load(self, d: int) -> Any:
        return self.on.load_from(self.pointer, self.places[d])

    def turn(self, tangents: Sequence[Any], how: Any, scale: Callable[[], Any]) -> None:
        """Take the members a, b of each pair of a mask to ``a + t b, b - t a``, for each mask, and store them.

        For the first mask, a is loaded again, as an operand: an instruction that multiplies and adds overwrites one of
        its three operands, which would have to be copied.
        """
        on, builder = self.on, self.on.builder
        values, again = [self.load(d) for d in range(_SIZE)], _hidden(builder, self.pointer)

        def apply(k: int) -> None:
            for d in (d for d in range(_SIZE) if not d >> k & 1):
                e = d | 1 << k
                a, b = values[d], values[e]
                values[d] = on.plus(a, on.times(tangents[k], b))
                values[e] = on.minus(b, on.times(tangents[k], a if k else on.load_from(again, self.places[d])))

        def has(bit: int) -> Any:
            return builder.trunc(builder.lshr(how, ir.Constant(how.type, bit.bit_length() - 1)), ir.IntType(1))

        def store() -> None:
            with builder.if_else(has(SCALED)) as (yes, no):
                with yes:
                    factor = scale()
                    for place, value in zip(self.places, values, strict=True):
                        on.store_to(self.target, place, on.times(factor, value))
                with no:
                    for place, value in zip(self.places, values, strict=True):
                        on.store_to(self.target, place, value)

        apply(0)
        apply(1)
        with builder.if_else(has(TWO)) as (two, three):
            with two:
                store()
            with three:
                apply(2)
                store()


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

    ``numbers`` has those of the pass from ``at`` on. If ``how`` has the bit TWO, nothing is done for the third mask; if
    it has the bit SCALED, the octet is multiplied by the scale.
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
            _State(on, state, places, on.place(shift, plane), target).turn(tangents, how, scale)
        return context.get_dummy_value()

    return types.none(state, state, *(types.intp,) * 5, numbers, types.intp, types.intp), codegen


def _sums_of(array: Any) -> Any:
    """Type of the sums of `differences`, registers: some for each mask."""
    return types.UniTuple(Vector(array.dtype, native_bytes()), _CHAINS * OCTET_BITS)


@intrinsic
def no_differences(typing_context, array):  # type: ignore[no-untyped-def]
    """Sums of `differences` to begin with."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return context.get_constant_null(signature.return_type)

    return _sums_of(array)(array), codegen


@intrinsic
def differences(typing_context, psi, lam, first, x0, x1, x2, shift, step, sums, count):  # type: ignore[no-untyped-def]
    """Add ``lam[a] psi[b] - lam[b] psi[a]`` of the pairs of the first ``count`` masks to ``sums``, and return these.

    Of the octet at ``first`` it takes the registers ``shift``, ``shift + step``, ... of its amplitudes. A member's
    partners all have the other parity: half of psi's members are in registers at a time.
    """

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, lam, first, *masks = args[:6]
        shift, step, sums, count = args[6:]
        dtype, result = signature.args[0].dtype, signature.return_type
        on = Instructions(context, builder, signature.args[0], Vector(dtype, native_bytes()))
        places, end = members(on, first, masks), ir.Constant(shift.type, 2 * Vector(dtype).width)
        totals = [cgutils.alloca_once_value(builder, total) for total in cgutils.unpack_tuple(builder, sums)]

        def emit(masks: range) -> None:
            with cgutils.for_range_slice(builder, shift, end, step, shift.type) as (at, _):
                state, dual = _State(on, psi, places, at), _State(on, lam, places, at)
                values, chain = {}, 0
                now = [builder.load(total) for total in totals]
                for half, others in ((_EVEN, _ODD), (_ODD, _EVEN)):
                    values = {d: state.load(d) for d in others}
                    for d in half:
                        number = dual.load(d)
                        for k in masks:
                            sign, total = on.minus if d >> k & 1 else on.plus, _CHAINS * k + chain % _CHAINS
                            now[total] = _pinned(builder, sign(now[total], on.times(number, values[d ^ 1 << k])))
                        chain += 1
                for total, value in zip(totals, now, strict=True):
                    builder.store(value, total)

        with builder.if_else(builder.icmp_signed("==", count, ir.Constant(count.type, OCTET_BITS))) as (three, two):
            with three:
                emit(range(OCTET_BITS))
            with two:
                emit(range(OCTET_BITS - 1))
        return context.make_tuple(builder, result, [builder.load(total) for total in totals])

    sums_type = _sums_of(psi)
    return sums_type(psi, lam, *(types.intp,) * 6, sums_type, types.intp), codegen


@intrinsic
def add_differences(typing_context, target, shift, sums):  # type: ignore[no-untyped-def]
    """Add the sums of `differences` for each mask to the register at ``shift`` of one of three vectors ``target``."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        target, shift, sums = args
        dtype = signature.args[0].dtype
        on = Instructions(context, builder, signature.args[0], Vector(dtype, native_bytes()))
        totals = cgutils.unpack_tuple(builder, sums)
        for k in range(OCTET_BITS):
            place = on.place(shift, k * Vector(dtype).width)
            total = functools.reduce(on.plus, totals[_CHAINS * k : _CHAINS * (k + 1)])
            on.store(target, place, on.plus(on.load(target, place), total))
        return context.get_dummy_value()

    return types.none(target, types.intp, sums), codegen


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
