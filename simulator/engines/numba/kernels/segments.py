"""Segments of a tile's passes: consecutive fused passes that are applied to a block while it lies in a cache.

A segment of one pass has one block, the whole state. See `tables.segments`. A *group* are consecutive segments
whose passes commute, and of which only the first has phases. Where the states behind a group were kept, and the
adjoint states there, all derivatives by the group's angles follow from these, before any pass is undone.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import fused
from simulator.engines.numba.kernels.octets import ALONE, BEFORE, READ, UNDONE
from simulator.engines.numba.kernels.sections import cleared, integers, local_rotations, one_pass, terms_of
from simulator.engines.numba.layout.passes import (
    BACK,
    FUSED_LOCAL,
    FUSED_NEEDED,
    FUSED_SUMS,
    NEEDED,
    NUMBERS,
    OCTET_BITS,
    OFFSET,
    RUN_LEFT,
)
from simulator.engines.numba.layout.scratch import BLOCK, BUFFER, FIRST_NEEDED, QUBITS, SCRATCH, STATE, STREAMED
from simulator.engines.numba.layout.sections import OCTETS, SEGMENT_BITS, SEGMENT_FIRST, SEGMENT_LAST
from simulator.engines.numba.simd import entry, lanes_of, section

# What `undo_segment` does: all; only derivatives by the angles; all but these, on the adjoint states; all but rotations
ALL, DERIVATIVES, ADJOINT, DOUBLED = range(4)
FORWARD = 4  # what `apply_segment` does
# Octets of two states that stay in the first-level cache from one step back to the next; fewer from memory, as the next
# block is fetched in between, and loads wait if many are fetched at a time
_TOGETHER, _TOGETHER_STREAMED = 8, 4


@inlined
def _numbers(packed, row, tables, scratch):
    """Where the numbers of a fused pass are, and their place."""
    if entry(row, FUSED_LOCAL):
        return scratch, entry(packed[0], SCRATCH)
    return tables, entry(row, NUMBERS)


@inlined
def _fill_numbers(packed, r, what, j, scratch):
    """Compute the numbers of pass r for state j, if angles differ: forward if ``what`` is FORWARD, or for the way back.

    The last pass of a run applies the cosines of all its passes, and on the way back the first one does; but if the
    states before a pass are restored, each applies its own, as derivatives follow.
    """
    row = one_pass(packed, r)
    so_far, left = entry(row, FUSED_LOCAL), entry(row, RUN_LEFT)
    if so_far:
        first, last = r, r + 1
        if what == FORWARD:
            first = last if left else r + 1 - so_far
        elif what != ALL:
            last = first if so_far > 1 else r + 1 + left
        area = section(scratch, entry(packed[0], SCRATCH), entry(packed[0], BLOCK))
        sign = 1.0 if what == FORWARD else -1.0
        fused.local_numbers(packed, area, row, local_rotations(packed, scratch, j), sign, first, last)


@inlined
def _states_together(packed, segment, tile):
    """Number of floats of the states to which a segment is applied at a time: one state if angles differ, or all.

    ``tile`` is that of all states.
    """
    if entry(one_pass(packed, entry(segment, SEGMENT_FIRST)), FUSED_LOCAL):
        return entry(packed[0], STATE)
    return tile


@inlined
def _share_of_fetching(octets, passes):
    """How many octets of the next block to fetch while each of ``passes`` passes takes all octets of a block once.

    ``octets`` are those taken since one was fetched; returns also how many of them are left.
    """
    fetch = 0
    while octets >= passes:
        octets -= passes
        fetch += 1
    return fetch, octets


@part
def apply_segment(packed, segment, before, middle, target, tables, scratch):
    """Apply the passes of a segment to the states ``before`` of a tile, block by block.

    The states behind the first pass's phases go to ``middle``, those behind the last pass to ``target``.
    """
    bits, octets, each = entry(packed[0], QUBITS), integers(packed, OCTETS), entry(segment, SEGMENT_BITS)
    size, first = _states_together(packed, segment, len(target)), entry(segment, SEGMENT_FIRST)
    count, blocks = entry(segment, SEGMENT_LAST) - first, 1 << (bits - OCTET_BITS - each)
    for begin in range(0, len(target), size):
        end = begin + size
        states, after = section(before, begin, end), section(target, begin, end)
        for block in range(blocks):
            fetched, due, fetches = (block + 1) << each, 0, entry(packed[0], STREAMED) and block + 1 < blocks
            together = _TOGETHER_STREAMED if fetches else 1 << each
            for r in range(first, first + count):
                row = one_pass(packed, r)
                _fill_numbers(packed, r, FORWARD, begin // size, scratch)
                numbers, at = _numbers(packed, row, tables, scratch)
                octet, offset, source, phased = block << each, entry(row, OFFSET), after, after
                if r == first:
                    source, phased = states, section(middle, begin, end)
                for o in range(octet, octet + (1 << each), together):
                    to = min(o + together, octet + (1 << each))
                    if fetches:
                        fetch, due = _share_of_fetching(due + to - o, count)
                        fused.fetch(states, one_pass(packed, first), octets, bits, fetched, fetched + fetch)
                        fetched += fetch
                    fused.rotate(source, phased, after, row, octets, tables, numbers, at, bits, o, to, offset)


@inlined
def _derives(packed, first, last):
    """Whether a derivative by an angle of these passes is wanted."""
    needed = 0
    for r in range(first, last):
        needed |= entry(one_pass(packed, r), FUSED_NEEDED)
    return needed


@inlined
def _before(row, is_end, was_kept):
    """What becomes of the states before a pass while its phases are undone; nothing reads them behind the end."""
    if was_kept:
        return BEFORE if entry(row, NEEDED) else ALONE
    if not is_end:
        return UNDONE
    return READ if entry(row, OFFSET) >= 0 and entry(row, NEEDED) else ALONE


@part
def undo_segment(packed, segment, what, before, behind, lam, gradient, was_kept, tables, scratch):
    """Undo the passes of a segment, or ``what`` of it is wanted, block by block on a tile's states.

    ``behind`` are the states behind the passes, in whose place those ``before`` them are restored if none were kept.
    """
    first, last = entry(segment, SEGMENT_FIRST), entry(segment, SEGMENT_LAST)
    if what == DERIVATIVES and not _derives(packed, first, last):
        return
    bits, octets, each = entry(packed[0], QUBITS), integers(packed, OCTETS), entry(segment, SEGMENT_BITS)
    is_end, streamed = first <= entry(packed[0], FIRST_NEEDED), entry(packed[0], STREAMED)
    W, area = lanes_of(lam), entry(packed[0], BUFFER)
    size_of_sums = FUSED_SUMS * W
    room = size_of_sums + W + (1 << bits)  # the sums of a pass, and their buffer
    for r in range(first, last):
        at = area + (r - first) * room
        cleared(scratch, at, at + (room if entry(one_pass(packed, r), OFFSET) >= 0 else size_of_sums))
    size = _states_together(packed, segment, len(lam))
    for begin in range(0, len(lam), size):
        duals, states = section(lam, begin, begin + size), section(behind, begin, begin + size)
        blocks = 1 << (bits - OCTET_BITS - each)
        for block in range(blocks):
            fetched, fetch, due, fetches = (block + 1) << each, 0, 0, streamed and block + 1 < blocks
            for r in range(last - 1, first - 1, -1):
                row, place, octet = one_pass(packed, r), area + (r - first) * room, block << each
                end = place + size_of_sums
                sums, buffer = section(scratch, place, end), section(scratch, end, place + room)
                after, phased = octet + (1 << each), entry(row, OFFSET) >= 0 and what != DERIVATIVES
                before_is = _before(row, is_end and r == first, was_kept)
                turned = 0  # number of states, first the adjoint ones, whose rotations are undone
                if what == ADJOINT or what == ALL:
                    turned = 2 if what == ALL and before_is != ALONE else 1
                _fill_numbers(packed, r, what, begin // size, scratch)
                numbers, at = _numbers(packed, row, tables, scratch)
                back = at if entry(row, FUSED_LOCAL) else at + BACK * W
                together = after - octet
                if phased or what == ALL:
                    together = _TOGETHER_STREAMED if streamed else _TOGETHER
                for o in range(octet, after, together):
                    to = min(o + together, after)
                    if fetches:
                        fetch, due = _share_of_fetching(due + to - o, last - first)
                        fused.fetch(duals, one_pass(packed, last - 1), octets, bits, fetched, fetched + fetch)
                    if what != ADJOINT and entry(row, FUSED_NEEDED):
                        fused.add_derivatives(states, duals, row, octets, bits, o, to, sums)
                    if fetches:
                        fused.fetch(states, one_pass(packed, last - 1), octets, bits, fetched, fetched + fetch)
                        fetched += fetch
                    for k in range(turned):
                        each_states = states if k else duals
                        fused.rotate(
                            each_states, each_states, each_states, row, octets, tables, numbers, back, bits, o, to, -1
                        )
                    if phased:
                        source = section(before, begin, begin + size)
                        fused.undo_phases(source, duals, row, octets, tables, bits, o, to, buffer, before_is)
    for r in range(last - 1, first - 1, -1):
        row, place = one_pass(packed, r), area + (r - first) * room
        end = place + size_of_sums
        sums, buffer = section(scratch, place, end), section(scratch, end, place + room)
        numbers, at = _numbers(packed, row, tables, scratch)
        phased = what != DERIVATIVES
        fused.pick_gradients(gradient, row, terms_of(packed, row), numbers, at, sums, buffer, bits, was_kept, phased)
