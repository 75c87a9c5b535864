"""Arithmetic on quartets: the four amplitudes that a unitary on two qubits mixes, each with a vector of its own.

A function is written as its instructions, as in `octets`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from simulator.engines.numba.kernels.instructions import Instructions
from simulator.engines.numba.processor import native_bytes
from simulator.engines.numba.simd import Vector

_SIZE = 4


class _Row:
    """Sums of one row of a matrix times vectors of real and imaginary parts, for several sets of vectors."""

    def __init__(self, on: Instructions, sets: int) -> None:
        self.on = on
        self.sums: list[list[Any]] = [[] for _ in range(sets)]

    def add(self, m: Any, n: Any, vectors: Any) -> None:
        """Add entry m + i n, or m if n is None, times a pair of vectors of each set."""
        on = self.on
        for number, (a, b) in enumerate(vectors):
            re, im = on.times(m, a), on.times(m, b)
            if self.sums[number]:
                re, im = (on.plus(total, each) for total, each in zip(self.sums[number], (re, im), strict=True))
            if n is not None:
                re, im = on.minus(re, on.times(n, b)), on.plus(im, on.times(n, a))
            self.sums[number] = [re, im]


def _pair(on: Instructions, array: Any, place: Any, width: int) -> list[Any]:
    """Load the vectors of real and imaginary parts at a place."""
    return [on.load(array, on.place(place, part)) for part in (0, width)]


def _store(on: Instructions, array: Any, place: Any, values: Any, width: int) -> None:
    for part, value in zip((0, width), values, strict=True):
        on.store(array, on.place(place, part), value)


def _multiplication(with_zeros: bool) -> Any:
    @intrinsic
    def multiply(typing_context, psi, o0, o1, o2, o3, shift, table, at):  # type: ignore[no-untyped-def]
        """Multiply the members at o0 to o3 by a matrix, in native vectors ``shift`` places behind the first lane.

        Entry ``M[p, p ^ d]`` is at ``at + (8 p + 2 d) W``, its imaginary part W places further. ``with_zeros`` leaves
        out what `tables.zeros` made zero for slot 0.
        """
        vector, width = Vector(psi.dtype, native_bytes()), Vector(psi.dtype).width

        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            psi, table, at = args[0], args[6], builder.add(args[7], args[5])
            on = Instructions(context, builder, signature.args[0], vector)
            entries = Instructions(context, builder, signature.args[6], vector)
            places = [builder.add(place, args[5]) for place in args[1:5]]
            members = [_pair(on, psi, place, width) for place in places]
            rows = [_Row(on, 1) for _ in range(_SIZE)]
            for p, row in enumerate(rows):
                for d in range(_SIZE):
                    if with_zeros and d == 1 and not p & 1:
                        continue
                    m, n = _pair(entries, table, on.place(at, (8 * p + 2 * d) * width), width)
                    row.add(m, None if with_zeros and d == 0 and p & 1 else n, [members[p ^ d]])
            for place, row in zip(places, rows, strict=True):
                _store(on, psi, place, row.sums[0], width)
            return context.get_dummy_value()

        return types.none(psi, *(types.intp,) * 5, table, types.intp), codegen

    return multiply


multiply, multiply_with_zeros = _multiplication(False), _multiplication(True)


def exchanging_multiplication(bit: int, with_zeros: bool) -> Any:
    """Create a function for two pairs of vectors, each also with the lanes exchanged that differ in ``bit``."""

    @intrinsic
    def multiply(typing_context, psi, o0, o1, o2, o3, table, at, other, p, q):  # type: ignore[no-untyped-def]
        """Multiply o0 and o2 by the row at ``at``, o1 and o3 by the row at ``other``, of a matrix on two qubits.

        Entries of a row for the other vector of a pair are p places further, those for the exchanged lanes q places,
        and those for both ``p ^ q`` places.
        ``with_zeros`` leaves out what `tables.zeros` made zero for the qubit that joins o0 and o1.
        """
        vector = Vector(psi.dtype)
        width = vector.width
        lanes = [lane ^ (1 << bit) % width for lane in range(width)]

        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            psi, *places, table, at, other, p, q = args
            on = Instructions(context, builder, signature.args[0], vector)
            entries = Instructions(context, builder, signature.args[5], vector)
            members = [_pair(on, psi, place, width) for place in places]
            exchanged = [[on.shuffled(value, lanes) for value in pair] for pair in members]
            changes = [ir.Constant(p.type, 0), p, q, builder.xor(p, q)]
            rows = []
            for k, first in enumerate((at, other)):
                row = _Row(on, 2)
                for d in range(_SIZE):
                    if with_zeros and d == 1 and k == 0:
                        continue
                    m, n = _pair(entries, table, builder.add(first, changes[d]), width)
                    values = exchanged if d >> 1 else members
                    member = k ^ d & 1
                    row.add(m, None if with_zeros and d == 0 and k == 1 else n, [values[member], values[member + 2]])
                rows.append(row)
            for k, place in enumerate(places):
                _store(on, psi, place, rows[k & 1].sums[k >> 1], width)
            return context.get_dummy_value()

        return types.none(psi, *(types.intp,) * 4, table, *(types.intp,) * 4), codegen

    return multiply
