"""Octets of a stage's blocks, whose lanes are qubits: two or three rotations by their tangents, forward and back.

The strings of a pass are all like X or all like Y (`kernels.blocks`), and the planes that meet each other are
(re a, im b) and (im a, re b), or (re a, re b) and (im a, im b). So an octet has two halves of eight numbers each, which
fit in sixteen registers together with what else is needed. Arguments are those of `kernels.octets`; of a pass with a
``count`` of two rotations, t2 is not used.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulator.engines.numba.kernels.instructions import Instructions
from simulator.engines.numba.kernels.octets import members
from simulator.engines.numba.layout.passes import OCTET_BITS
from simulator.engines.numba.processor import native_bytes
from simulator.engines.numba.simd import VECTOR_BYTES, Vector

_SIZE = 1 << OCTET_BITS
_ORDER = (1, 0)  # of the halves: the first product of a sum is positive


class _Half:
    """One half of an octet: the plane of each member and the sign of each pair."""

    def __init__(self, on: Instructions, like_x: bool, number: int, places: list[Any], width: int) -> None:
        self.on = on
        self.planes = [(number + like_x * d.bit_count()) % 2 for d in range(_SIZE)]
        self.negative = [like_x and plane == 0 for plane in self.planes]
        self.places = [on.place(place, width * plane) for place, plane in zip(places, self.planes, strict=True)]

    def load(self, state: Any) -> list[Any]:
        return [self.on.load(state, place) for place in self.places]

    def store_turned(self, state: Any, values: list[Any], tangents: list[Any]) -> None:
        """Take the members a, b of each pair to ``a + t b, b - t a``, with t negated where the sign is, and store them.

        ``tangents`` are those of the masks that are taken.
        """
        on, values = self.on, list(values)
        for k, t in enumerate(tangents):
            for d in (d for d in range(_SIZE) if not d >> k & 1):
                a, b = values[d], values[d | 1 << k]
                up, down = (on.minus, on.plus) if self.negative[d] else (on.plus, on.minus)
                values[d], values[d | 1 << k] = up(a, on.times(t, b)), down(b, on.times(t, a))
        for place, value in zip(self.places, values, strict=True):
            on.store(state, place, value)

    def add_derivatives(self, sums: list[Any], values: list[Any], lam: Any, duals: list[Any] | None) -> None:
        """Add ``u b - v a``, with the pairs' signs, u and v being numbers of the adjoint state, to ``sums``."""
        on = self.on
        for d, place in enumerate(self.places):
            dual = on.load(lam, place) if duals is None else duals[d]
            for k, total in enumerate(sums):
                product = on.times(dual, values[d ^ 1 << k])
                minus = self.negative[d & ~(1 << k)] != bool(d >> k & 1)
                sums[k] = product if total is None else (on.minus if minus else on.plus)(total, product)


def _branches(builder: Any, count: Any, emit: Any) -> list[Any]:
    """Emit a body for three and for two rotations; return the values of whichever is executed."""
    ways = []
    three = builder.icmp_signed("==", count, ir.Constant(count.type, OCTET_BITS))
    with builder.if_else(three) as branches:
        for number, branch in zip((OCTET_BITS, OCTET_BITS - 1), branches, strict=True):
            with branch:
                out = emit(number)
                ways.append((out, builder.block))
    results = []
    for k in range(len(ways[0][0])):
        results.append(builder.phi(ways[0][0][k].type))
        for out, block in ways:
            results[-1].add_incoming(out[k], block)
    return results


def _turning(like_x: bool, state: Any, tangent: Any) -> tuple[Any, Any]:
    """Signature and code of `turn_like_x` or `turn_like_y`."""
    width = Vector(state.dtype).width

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        on = Instructions(context, builder, signature.args[0], tangent)
        places = members(on, builder.add(args[1], args[5]), args[2:5])
        halves = [_Half(on, like_x, number, places, width) for number in _ORDER]

        def emit(count: int) -> list[Any]:
            for half in halves:
                half.store_turned(args[0], half.load(args[0]), list(args[6 : 6 + count]))
            return []

        _branches(builder, args[9], emit)
        return context.get_dummy_value()

    return types.none(state, *(types.intp,) * 5, *(tangent,) * 3, types.intp), codegen


def _undoing(like_x: bool, state: Any, tangent: Any) -> tuple[Any, Any]:
    """Signature and code of `undo_like_x` or `undo_like_y`."""
    width = Vector(state.dtype).width

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, lam = args[:2]
        on = Instructions(context, builder, signature.args[0], tangent)
        places = members(on, builder.add(args[2], args[6]), args[3:6])
        halves = [_Half(on, like_x, number, places, width) for number in _ORDER]

        def emit(count: int) -> list[Any]:
            tangents = list(args[7 : 7 + count])
            sums: list[Any] = [None] * count
            for half in halves:
                values = half.load(psi)
                duals = half.load(lam) if native_bytes() == VECTOR_BYTES else None  # 32 registers hold both
                half.add_derivatives(sums, values, lam, duals)
                half.store_turned(psi, values, tangents)
                half.store_turned(lam, half.load(lam) if duals is None else duals, tangents)
            return sums + sums[: OCTET_BITS - count]

        return context.make_tuple(builder, signature.return_type, _branches(builder, args[10], emit))

    sums = types.UniTuple(tangent, OCTET_BITS)
    return sums(state, state, *(types.intp,) * 5, *(tangent,) * 3, types.intp), codegen


@intrinsic
def turn_like_x(typing_context, state, first, x0, x1, x2, shift, t0, t1, t2, count):  # type: ignore[no-untyped-def]
    """Apply ``1 - i t P`` for the masks of strings like X, in native vectors."""
    return _turning(True, state, t0)


@intrinsic
def turn_like_y(typing_context, state, first, x0, x1, x2, shift, t0, t1, t2, count):  # type: ignore[no-untyped-def]
    """Apply ``1 - i t P``, up to the sign of t, for the masks of strings like Y, in native vectors."""
    return _turning(False, state, t0)


@intrinsic
def undo_like_x(typing_context, psi, lam, first, x0, x1, x2, shift, t0, t1, t2, count):  # type: ignore[no-untyped-def]
    """Apply what `turn_like_x` does to both states; return their derivatives by the angles before, without signs."""
    return _undoing(True, psi, t0)


@intrinsic
def undo_like_y(typing_context, psi, lam, first, x0, x1, x2, shift, t0, t1, t2, count):  # type: ignore[no-untyped-def]
    """Apply what `turn_like_y` does to both states; return their derivatives by the angles before, without signs."""
    return _undoing(False, psi, t0)
