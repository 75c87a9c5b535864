"""Segments of a tile's passes: consecutive fused passes that are applied to a block while it lies in a cache.

A segment of one pass has one block, the whole state. See `tables.fused.segments`.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import fused
from simulator.engines.numba.kernels.octets import ALONE, BEFORE, READ, UNDONE
from simulator.engines.numba.kernels.sections import cleared, integers, local_rotations, one_pass, terms_of
from simulator.engines.numba.layout.passes import (
    FUSED_LOCAL,
    FUSED_NEEDED,
    FUSED_SUMS,
    NEEDED,
    NUMBERS,
    OCTET_BITS,
    OFFSET,
)
from simulator.engines.numba.layout.scratch import BLOCK, BUFFER, FIRST_NEEDED, QUBITS, SCRATCH, STATE
from simulator.engines.numba.layout.sections import OCTETS, SEGMENT_BITS, SEGMENT_FIRST, SEGMENT_LAST
from simulator.engines.numba.simd import entry, lanes_of, section

_TOGETHER = 8  # octets of two states, which stay in the first-level cache from undoing rotations to undoing phases


@inlined
def _numbers(packed, row, tables, scratch):
    """Where the numbers of a fused pass are, and their place."""
    if entry(row, FUSED_LOCAL):
        return scratch, entry(packed[0], SCRATCH)
    return tables, entry(row, NUMBERS)


@inlined
def _fill_numbers(packed, row, j, scratch, sign):
    """Compute the numbers of a fused pass, with tangents of this sign, for state j if angles differ."""
    if entry(row, FUSED_LOCAL):
        area = section(scratch, entry(packed[0], SCRATCH), entry(packed[0], BLOCK))
        fused.local_numbers(area, row, local_rotations(packed, scratch, j), sign)


@inlined
def _states_together(packed, segment, tile):
    """Number of floats of the states to which a segment is applied at a time: one state if angles differ, or all.

    ``tile`` is that of all states.
    """
    if entry(one_pass(packed, entry(segment, SEGMENT_FIRST)), FUSED_LOCAL):
        return entry(packed[0], STATE)
    return tile


@part
def apply_segment(packed, segment, psi, tile, step, number, tables, scratch):
    """Apply the passes of a segment, before which there are ``number`` fused ones, block by block to a tile's states.

    ``tile`` is the size of the states and ``step`` their distance before and after a pass: 0 if it is applied in place.
    """
    bits, octets, each = entry(packed[0], QUBITS), integers(packed, OCTETS), entry(segment, SEGMENT_BITS)
    size, first = _states_together(packed, segment, tile), entry(segment, SEGMENT_FIRST)
    for j in range(tile // size):
        for block in range(1 << (bits - OCTET_BITS - each)):
            for r in range(first, entry(segment, SEGMENT_LAST)):
                row = one_pass(packed, r)
                _fill_numbers(packed, row, j, scratch, 1.0)
                numbers, at = _numbers(packed, row, tables, scratch)
                octet, offset = block << each, entry(row, OFFSET)
                before = (number + r - first) * step + j * size
                after = before + step
                fused.rotate(
                    section(psi, before, before + size),
                    section(psi, after, after + size),
                    row,
                    octets,
                    tables,
                    numbers,
                    at,
                    bits,
                    octet,
                    octet + (1 << each),
                    offset,
                )


@inlined
def _psi(row, is_end):
    """What becomes of psi while a pass is undone; nothing reads it behind the end."""
    if not is_end:
        return UNDONE
    return READ if entry(row, OFFSET) >= 0 and entry(row, NEEDED) else ALONE


@part
def undo_segment(packed, segment, psi, step, number, lam, gradient, tables, scratch):
    """Undo the passes of a segment, before which there are ``number`` fused ones, block by block on a tile's states.

    Where ``psi`` was not changed in place, see `apply_segment`, it is left alone.
    """
    bits, octets, each = entry(packed[0], QUBITS), integers(packed, OCTETS), entry(segment, SEGMENT_BITS)
    first, last = entry(segment, SEGMENT_FIRST), entry(segment, SEGMENT_LAST)
    is_end = first <= entry(packed[0], FIRST_NEEDED)
    W, area = lanes_of(psi), entry(packed[0], BUFFER)
    size_of_sums = FUSED_SUMS * W
    room = size_of_sums + W + (1 << bits)  # the sums of a pass, and their buffer
    for r in range(first, last):
        at = area + (r - first) * room
        cleared(scratch, at, at + (room if entry(one_pass(packed, r), OFFSET) >= 0 else size_of_sums))
    size = _states_together(packed, segment, len(lam))
    for j in range(len(lam) // size):
        duals = section(lam, j * size, (j + 1) * size)
        for block in range(1 << (bits - OCTET_BITS - each)):
            for r in range(last - 1, first - 1, -1):
                row, place, octet = one_pass(packed, r), area + (r - first) * room, block << each
                end = place + size_of_sums
                sums, buffer = section(scratch, place, end), section(scratch, end, place + room)
                after = octet + (1 << each)
                only_undone = entry(row, FUSED_LOCAL) > entry(row, FUSED_NEEDED)  # without derivatives by its angles
                begin = (number + r - first) * step + j * size
                before, states = section(psi, begin, begin + size), section(psi, begin + step, begin + step + size)
                psi_is = before_is = _psi(row, is_end and r == first)
                if step:
                    psi_is, before_is = ALONE, BEFORE if entry(row, NEEDED) else ALONE
                _fill_numbers(packed, row, j, scratch, -1.0 if only_undone else 1.0)
                numbers, at = _numbers(packed, row, tables, scratch)
                together = _TOGETHER if entry(row, OFFSET) >= 0 else after - octet
                for o in range(octet, after, together):
                    to = min(o + together, after)
                    if only_undone:
                        for k in range(1 if psi_is == ALONE else 0, 2):
                            each_states = duals if k else states
                            fused.rotate(each_states, each_states, row, octets, tables, numbers, at, bits, o, to, -1)
                    else:
                        fused.unrotate(states, duals, row, octets, numbers, at, bits, o, to, sums, psi_is)
                    if entry(row, OFFSET) >= 0:
                        fused.undo_phases(before, duals, row, octets, tables, bits, o, to, buffer, before_is)
    for r in range(last - 1, first - 1, -1):
        row, place = one_pass(packed, r), area + (r - first) * room
        end = place + size_of_sums
        sums, buffer = section(scratch, place, end), section(scratch, end, place + room)
        numbers, at = _numbers(packed, row, tables, scratch)
        fused.pick_gradients(gradient, row, terms_of(packed, row), numbers, at, sums, buffer, bits, step > 0)
