"""Arithmetic on quartets: the four amplitudes that a unitary on two qubits mixes, each with a vector of its own.

A function is written as its instructions, as in `octets`.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from simulator.engines.numba.kernels.instructions import Instructions
from simulator.engines.numba.processor import native_bytes
from simulator.engines.numba.simd import Vector

_SIZE = 4


@intrinsic
def multiply(typing_context, psi, o0, o1, o2, o3, shift, table, at):  # type: ignore[no-untyped-def]
    """Multiply the members at o0 to o3 by a matrix, in native vectors ``shift`` places behind the first lane.

    Entry ``M[p, p ^ d]`` is at ``at + (8 p + 2 d) W``, its imaginary part W places further.
    """
    vector, width = Vector(psi.dtype, native_bytes()), Vector(psi.dtype).width

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, table, at = args[0], args[6], args[7]
        on = Instructions(context, builder, signature.args[0], vector)
        entries = Instructions(context, builder, signature.args[6], vector)
        places = [builder.add(place, args[5]) for place in args[1:5]]
        re, im = ([on.load(psi, on.place(place, part)) for place in places] for part in (0, width))
        at = builder.add(at, args[5])
        out: list[Any] = []
        for p in range(_SIZE):
            sums: list[Any] = []
            for d in range(_SIZE):
                a, b = re[p ^ d], im[p ^ d]
                m, n = (entries.load(table, on.place(at, (8 * p + 2 * d + part) * width)) for part in (0, 1))
                sums = (
                    [on.plus(s, on.times(m, v)) for s, v in zip(sums, (a, b), strict=True)]
                    if d
                    else [on.times(m, a), on.times(m, b)]
                )
                sums = [on.minus(sums[0], on.times(n, b)), on.plus(sums[1], on.times(n, a))]
            out.append(sums)
        for place, sums in zip(places, out, strict=True):
            for part, value in zip((0, width), sums, strict=True):
                on.store(psi, on.place(place, part), value)
        return context.get_dummy_value()

    return types.none(psi, *(types.intp,) * 5, table, types.intp), codegen
