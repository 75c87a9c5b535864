"""Sines and cosines of vectors."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_SINE = (1.58962301576546568060e-10, -2.50507477628578072866e-8, 2.75573136213857245213e-6,
         -1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1)  # fmt: skip
_COSINE = (-1.13585365213876817300e-11, 2.08757008419747316778e-9, -2.75573141792967388112e-7,
           2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2)  # fmt: skip
# pi/2 in three parts, each but the last with trailing zeros, so that a multiple of it is exact
_HALF_PI = {64: (1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21),
            32: (1.5703125, 4.837512969970703125e-4, 7.54978995489188e-8)}  # fmt: skip

# Numbers of this size have no fractional bits, and end in the bits of what is added to 1.5 times a power of two
_SHIFT = {64: 1.5 * 2.0**52, 32: 1.5 * 2.0**23}


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

        shifted = builder.fadd(builder.fmul(args[0], number(0.63661977236758134308)), number(_SHIFT[bits]))
        quarters = builder.fsub(shifted, number(_SHIFT[bits]))  # the nearest integer
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
        quadrant = builder.bitcast(shifted, whole)  # in the last two bits

        def constant(value):  # type: ignore[no-untyped-def]
            return ir.Constant(whole, [value] * angle.width)

        odd = builder.icmp_signed("<", builder.shl(quadrant, constant(bits - 1)), constant(0))
        out = []
        for straight, swapped, half_turns in (
            (sine, cosine, quadrant),
            (cosine, sine, builder.add(quadrant, constant(1))),
        ):
            value = builder.bitcast(builder.select(odd, swapped, straight), whole)
            sign = builder.shl(builder.lshr(half_turns, constant(1)), constant(bits - 1))
            out.append(builder.bitcast(builder.xor(value, sign), kind))
        return context.make_tuple(builder, signature.return_type, out)

    return types.UniTuple(angle, 2)(angle), codegen
