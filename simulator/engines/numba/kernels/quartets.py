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


@intrinsic
def multiply(typing_context, psi, o0, o1, o2, o3, shift, table, at, zeros):  # type: ignore[no-untyped-def]
    """Multiply the members at o0 to o3 by a matrix, in native vectors ``shift`` places behind the first lane.

    Entry ``M[p, p ^ d]`` is at ``at + (8 p + 2 d) W``, its imaginary part W places further. Unless ``zeros`` is 0, what
    `tables.zeros` made zero for slot 0 is left out.
    """
    vector, width = Vector(psi.dtype, native_bytes()), Vector(psi.dtype).width

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, table, at = args[0], args[6], builder.add(args[7], args[5])
        on = Instructions(context, builder, signature.args[0], vector)
        entries = Instructions(context, builder, signature.args[6], vector)
        places = [builder.add(place, args[5]) for place in args[1:5]]

        def emit(with_zeros: bool) -> None:
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

        with builder.if_else(builder.icmp_signed("!=", args[8], ir.Constant(args[8].type, 0))) as (yes, no):
            with yes:
                emit(True)
            with no:
                emit(False)
        return context.get_dummy_value()

    return types.none(psi, *(types.intp,) * 5, table, types.intp, types.intp), codegen


@intrinsic
def multiply_row(typing_context, table, at, p, q, a0, a1, b0, b1, c0, c1, d0, d1):  # type: ignore[no-untyped-def]
    """One row of a matrix times the quartet a, b, c, d, each of a real and an imaginary part.

    The entries for b, c and d are p, q and ``p ^ q`` places behind that for a.
    """
    vector = Vector(table.dtype)

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        table, at, p, q, *values = args
        on = Instructions(context, builder, signature.args[0], vector)
        row = _Row(on, 1)
        for d, change in enumerate((ir.Constant(p.type, 0), p, q, builder.xor(p, q))):
            m, n = _pair(on, table, builder.add(at, change), vector.width)
            row.add(m, n, [values[2 * d : 2 * d + 2]])
        return context.make_tuple(builder, signature.return_type, row.sums[0])

    return types.UniTuple(vector, 2)(table, *(types.intp,) * 3, *(vector,) * 8), codegen


@intrinsic
def multiply_exchanged(  # type: ignore[no-untyped-def]
    typing_context, psi, o0, o1, o2, o3, table, at, other, p, q, mask, zeros
):
    """Multiply o0 and o2 by the row at ``at``, o1 and o3 by the row at ``other``, of a matrix on two qubits.

    It joins o0 with o1, o2 with o3, and lanes that differ in the one bit of ``mask``; other masks do nothing. Entries
    of a row for the other vector of a pair are p places further, those for the exchanged lanes q places, and those for
    both ``p ^ q`` places. Unless ``zeros`` is 0, what `tables.zeros` made zero for the qubit of the pairs is left out.
    """
    width, vector = Vector(psi.dtype).width, Vector(psi.dtype, native_bytes())
    native = vector.width
    together = [(0, 2)] if native == width else [(0,), (2,)]  # pairs that share entries, if registers are that many

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        psi, *places, table, at, other, p, q, mask, zeros = args
        on = Instructions(context, builder, signature.args[0], vector)
        entries = Instructions(context, builder, signature.args[5], vector)
        changes = [ir.Constant(p.type, 0), p, q, builder.xor(p, q)]

        def emit(lane: int, with_zeros: bool) -> None:
            if lane < native:
                parts = [[part] for part in range(0, width, native)]
            else:
                parts = [[part, part | lane] for part in range(0, width, native) if not part & lane]
            for pairs in together:
                for some in parts:
                    emit_part(lane, with_zeros, pairs, some)

        def emit_part(lane: int, with_zeros: bool, pairs: Any, parts: list[int]) -> None:
            """Multiply the lanes that begin at ``parts`` of the vectors of ``pairs``."""
            numbers = [first + k for first in pairs for k in (0, 1)]
            members = {(e, part): _pair(on, psi, on.place(places[e], part), width) for e in numbers for part in parts}
            exchanged = members
            if lane < native:
                order = [k ^ lane for k in range(native)]
                exchanged = {key: [on.shuffled(value, order) for value in pair] for key, pair in members.items()}
            crossed = 0 if lane < native else lane
            rows = {}
            for part in parts:
                for k, first in enumerate((at, other)):
                    row = rows[k, part] = _Row(on, len(pairs))
                    for d in range(_SIZE):
                        if with_zeros and d == 1 and k == 0:
                            continue
                        place = on.place(builder.add(first, changes[d]), part)
                        m, n = _pair(entries, table, place, width)
                        values, of = (exchanged, part ^ crossed) if d >> 1 else (members, part)
                        each = [values[e + (k ^ d & 1), of] for e in pairs]
                        row.add(m, None if with_zeros and d == 0 and k == 1 else n, each)
            for (k, part), row in rows.items():
                for e, sums in zip(pairs, row.sums, strict=True):
                    _store(on, psi, on.place(places[e + k], part), sums, width)

        end = builder.append_basic_block("multiplied")
        value = builder.add(builder.shl(mask, ir.Constant(mask.type, 1)), zeros)
        switch = builder.switch(value, end)
        for bit in range(width.bit_length() - 1):
            for with_zeros in (False, True):
                block = builder.append_basic_block()
                switch.add_case(ir.Constant(mask.type, (2 << bit) + with_zeros), block)
                builder.position_at_end(block)
                emit(1 << bit, with_zeros)
                builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return types.none(psi, *(types.intp,) * 4, table, *(types.intp,) * 6), codegen
