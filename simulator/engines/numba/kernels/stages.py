"""Stages of a large state: blocks are copied into a core's cache, processed by many passes, and copied back.

``stage`` is written by `tables.stages`: a head of sizes and of the offsets of its lists.

* how the next vector's index, and its place in the block, differ (`tables.schedule.runs`);
* the basis vectors that tell blocks apart;
* segments: the bits of the number of parts of the block that they do one after the other, their first and last pass;
* the specs of phases that are products of tables (`kernels.factors`).

The passes of `kernels.blocks` leave out cosines, whose product is multiplied by while the block is copied back, or
before it becomes too small.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import blocks, copies, factors, two_qubit
from simulator.engines.numba.kernels.sections import cleared, one_pass, rows
from simulator.engines.numba.kernels.steps import apply_pass, undo_pass
from simulator.engines.numba.kernels.walsh import parity
from simulator.engines.numba.layout.passes import (
    FACTORED,
    KIND,
    LIKE_X,
    LIKE_Y,
    MATRIX,
    NEEDED,
    NUMBER,
    TWO_QUBIT,
    UNDO,
    UNDO_ADJOINT,
)
from simulator.engines.numba.layout.scratch import GRADIENT, PAIRS, ROTATIONS, SKEW, SLOTS, TABLES, THETA
from simulator.engines.numba.layout.sections import TERM_COLUMNS, TERMS
from simulator.engines.numba.layout.stages import (
    BLOCK_BITS,
    BLOCKS_BITS,
    CLASSES,
    FACTORS,
    PART_BITS,
    REACHED,
    SEGMENT,
    SEGMENT_BITS,
    SEGMENT_COUNT,
    SEGMENT_FIRST,
    SEGMENT_LAST,
    SEGMENTS,
    SPECS,
)
from simulator.engines.numba.simd import (
    entry,
    lane_sum,
    lanes_of,
    like,
    load,
    section,
    splat,
    store,
)


def small_tables_size(width: int) -> int:
    """Number of floats of a thread's groups, bins, phases and signs (see `_areas`)."""
    return 8 * (3 * width << CLASSES) + 128 + width * width


@inlined
def _aligned_to_state(block, stage, number):
    """View the block as piece ``number`` of a state in the stage's basis; only this piece may be accessed."""
    size = 2 * lanes_of(block) << entry(stage, BLOCK_BITS)
    return section(block, -number * size, (size << entry(stage, BLOCKS_BITS)) - number * size)


@inlined
def _areas(stage, scratch, begin):
    """Scratch areas of a thread: tables and buffers of factored passes, a buffer, group tables, bins, phases, signs."""
    W = lanes_of(scratch)
    count, size = entry(stage, FACTORS), 1 << entry(stage, PART_BITS)
    groups = begin + (3 * count + 1) * size
    bins = groups + 8 * (2 * W << CLASSES)
    phases = bins + 8 * (W << CLASSES)
    return (
        section(scratch, begin, begin + 2 * count * size),
        section(scratch, begin + 2 * count * size, begin + 3 * count * size),
        section(scratch, begin + 3 * count * size, groups),
        section(scratch, groups, bins),
        section(scratch, bins, phases),
        section(scratch, phases, phases + 128),
        section(scratch, phases + 128, phases + 128 + W * W),
    )


@part
def _prepare(areas):
    """Set bins to zero, and to each mask of lanes its signs."""
    bins, signs = areas[4], areas[6]
    W = lanes_of(bins)
    for o in range(0, len(bins), W):
        store(bins, o, splat(like(bins, 0.0)))
    for mask in range(W):
        for lane in range(W):
            signs[mask * W + lane] = like(signs, 1.0 - 2.0 * parity(mask & lane))


@inlined
def _pass_section(stage, array, number, factor):
    """The section of ``array`` that belongs to a factored pass."""
    size = factor << entry(stage, PART_BITS)
    return section(array, number * size, (number + 1) * size)


@inlined
def _spec(stage, f):
    begin = entry(stage, entry(stage, SPECS) + f)
    return section(stage, begin, len(stage))


@inlined
def _fill_blocks(packed, stage, areas, theta, number, lanes):
    """Fill the tables of all factored passes for a block."""
    part_bits = entry(stage, PART_BITS)
    first = number << (entry(stage, BLOCK_BITS) + lanes - part_bits)
    for f in range(entry(stage, FACTORS)):
        factors.fill_block(
            _pass_section(stage, areas[0], f, 2),
            _spec(stage, f),
            rows(packed, TERMS, TERM_COLUMNS),
            theta,
            first,
            part_bits,
            areas[2],
            areas[3],
            areas[5],
            areas[6],
            lanes,
        )


@inlined
def _vectors(psi):
    """Number of vectors of a state."""
    return len(psi) // (2 * lanes_of(psi))


@inlined
def _two_qubit(matrices, row, column, psi, piece, pieces):
    """Apply a matrix on two qubits; programs without one have no ``matrices``."""
    if matrices is None:
        return
    two_qubit.two_qubit(psi, row, matrices, column, _vectors(psi), piece, pieces)


@inlined
def _apply(packed, stage, r, psi, shared, tables, scratch, areas, theta, lanes, piece, pieces):
    """Apply one pass to a part of a block."""
    row = one_pass(packed, r)
    kind = entry(row, KIND)
    layout = packed[0]
    if kind == FACTORED:
        spec, bits = _spec(stage, entry(row, NUMBER)), entry(stage, PART_BITS)
        factors.fill_groups(areas[3], spec, rows(packed, TERMS, TERM_COLUMNS), theta, piece, bits, areas[5], areas[6])
        size = 1 << (bits - lanes)
        table = _pass_section(stage, areas[0], entry(row, NUMBER), 2)
        factors.multiply_factors(psi, piece * size, size, table, areas[3], stage, spec)
    elif kind == LIKE_X or kind == LIKE_Y:
        local = section(scratch, entry(layout, ROTATIONS), entry(layout, THETA))
        blocks.rotate_block(psi, row, shared, local, _vectors(psi), piece, pieces)
    elif kind == TWO_QUBIT:
        _two_qubit(packed[2], row, MATRIX, psi, piece, pieces)
    else:
        apply_pass(packed, r, psi, shared, tables, scratch, lanes, piece, pieces)


@inlined
def _undo(packed, stage, r, psi, lam, gradient, scale, shared, tables, scratch, areas, theta, lanes, piece, pieces):
    """Undo one pass on a part of a block of both states, which lack the factor ``scale``."""
    row = one_pass(packed, r)
    kind = entry(row, KIND)
    if kind == FACTORED:
        f, bits, needed = entry(row, NUMBER), entry(stage, PART_BITS), entry(row, NEEDED)
        spec, size = _spec(stage, f), 1 << (bits - lanes)
        factors.fill_groups(areas[3], spec, rows(packed, TERMS, TERM_COLUMNS), theta, piece, bits, areas[5], areas[6])
        table, buffer = _pass_section(stage, areas[0], f, 2), _pass_section(stage, areas[1], f, 1)
        share = scale * scale
        factors.undo_factors(
            psi, lam, piece * size, size, table, areas[3], stage, spec, needed, share, buffer, areas[4]
        )  # fmt: skip
        if needed:
            factors.pick_groups(gradient, spec, rows(packed, TERMS, TERM_COLUMNS), piece, bits, areas[4], areas[6])
    elif kind == LIKE_X or kind == LIKE_Y:
        local = section(scratch, entry(packed[0], ROTATIONS), entry(packed[0], THETA))
        blocks.unrotate_block(
            psi, lam, row, shared, local, gradient, scale * scale, areas[5], _vectors(psi), piece, pieces
        )  # fmt: skip
    elif kind == TWO_QUBIT:
        _two_qubit(packed[2], row, UNDO, psi, piece, pieces)
        _two_qubit(packed[2], row, UNDO_ADJOINT, lam, piece, pieces)
    else:
        undo_pass(packed, r, psi, lam, gradient, shared, tables, scratch, lanes, piece, pieces)


@inlined
def _left_out(packed, r, shared, local):
    """What a pass leaves out: a product of cosines."""
    row = one_pass(packed, r)
    if entry(row, KIND) == LIKE_X or entry(row, KIND) == LIKE_Y:
        return blocks.scale_of(row, shared, local)
    return 1.0


@inlined
def _takes_shares(packed, r):
    """Whether derivatives by a pass take account of what both states lack; those of others must lack nothing."""
    kind = entry(one_pass(packed, r), KIND)
    return kind == LIKE_X or kind == LIKE_Y or kind == FACTORED or kind == TWO_QUBIT


@part
def apply_stage(
    packed, stage, psi, shared, tables, begin, amplitudes, phase, scratch, piece, pieces, lanes
):  # fmt: skip
    """Apply a stage to one of ``pieces`` groups of blocks, each of which lies in ``scratch`` at ``begin`` meanwhile.

    Blocks are read from the initial ``amplitudes`` (2**n,), complex128, instead of from ``psi``, unless these are
    empty. They are written as complex numbers times ``phase`` (2,), a real and an imaginary part, unless it is empty.
    """
    layout = packed[0]
    theta = section(scratch, entry(layout, THETA), entry(layout, TABLES))
    local = section(scratch, entry(layout, ROTATIONS), entry(layout, THETA))
    size = 2 * lanes_of(psi) << entry(stage, BLOCK_BITS)
    block = section(scratch, begin, begin + size)
    areas = _areas(stage, scratch, begin + size)
    _prepare(areas)
    begun, count = entry(stage, SEGMENTS), 1 << entry(stage, BLOCKS_BITS)
    ended = begun + SEGMENT * entry(stage, SEGMENT_COUNT)
    reached = entry(stage, REACHED)
    for number in range(reached * piece // pieces, reached * (piece + 1) // pieces):
        if len(amplitudes):
            copies.gather_amplitudes(amplitudes, block, stage, number, lanes)
        else:
            copies.gather(psi, block, stage, number, lanes)
        _fill_blocks(packed, stage, areas, theta, number, lanes)
        view = _aligned_to_state(block, stage, number)
        scale = 1.0
        for at in range(begun, ended, SEGMENT):
            bits, before = entry(stage, at + SEGMENT_BITS), scale
            for part_number in range(number << bits, (number + 1) << bits):
                scale = before
                for r in range(entry(stage, at + SEGMENT_FIRST), entry(stage, at + SEGMENT_LAST)):
                    _apply(
                        packed, stage, r, view, shared, tables, scratch,
                        areas, theta, lanes, part_number, count << bits,
                    )  # fmt: skip
                    scale *= _left_out(packed, r, shared, local)
                    if abs(scale) < blocks.least_scale(psi):
                        blocks.multiply(view, scale, _vectors(view), part_number, count << bits)
                        scale = 1.0
        if len(phase):
            copies.scatter_complex(psi, block, stage, number, lanes, scale * phase[0], scale * phase[1])
        else:
            copies.scatter(psi, block, stage, number, lanes, scale)


@part
def undo_stage(packed, stage, psi, lam, shared, tables, by_slot, begin, scratch, piece, pieces, lanes):
    """Undo a stage on one of ``pieces`` groups of blocks of both states, and add its derivatives to ``by_slot``."""
    layout = packed[0]
    theta = section(scratch, entry(layout, THETA), entry(layout, TABLES))
    local = section(scratch, entry(layout, ROTATIONS), entry(layout, THETA))
    W = lanes_of(psi)
    size = 2 * W << entry(stage, BLOCK_BITS)
    block_psi = section(scratch, begin, begin + size)
    apart = begin + size + SKEW * W
    block_lam = section(scratch, apart, apart + size)
    areas = _areas(stage, scratch, apart + size)
    _prepare(areas)
    begun, count, part_bits = entry(stage, SEGMENTS), 1 << entry(stage, BLOCKS_BITS), entry(stage, PART_BITS)
    ended = begun + SEGMENT * entry(stage, SEGMENT_COUNT)
    gradient = cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
    for number in range(count * piece // pieces, count * (piece + 1) // pieces):
        copies.gather(psi, block_psi, stage, number, lanes)
        copies.gather(lam, block_lam, stage, number, lanes)
        _fill_blocks(packed, stage, areas, theta, number, lanes)
        for o in range(0, len(areas[1]), W):
            store(areas[1], o, splat(like(psi, 0.0)))
        view, dual = _aligned_to_state(block_psi, stage, number), _aligned_to_state(block_lam, stage, number)
        scale = 1.0
        for at in range(ended - SEGMENT, begun - SEGMENT, -SEGMENT):
            bits, before = entry(stage, at + SEGMENT_BITS), scale
            for part_number in range(number << bits, (number + 1) << bits):
                scale = before
                for r in range(entry(stage, at + SEGMENT_LAST) - 1, entry(stage, at + SEGMENT_FIRST) - 1, -1):
                    if abs(scale) < blocks.least_scale(psi) or (scale != 1.0 and not _takes_shares(packed, r)):
                        blocks.multiply(view, scale, _vectors(view), part_number, count << bits)
                        blocks.multiply(dual, scale, _vectors(view), part_number, count << bits)
                        scale = 1.0
                    _undo(
                        packed, stage, r, view, dual, gradient, scale, shared, tables, scratch,
                        areas, theta, lanes, part_number, count << bits,
                    )  # fmt: skip
                    scale *= _left_out(packed, r, shared, local)
        first = number << (entry(stage, BLOCK_BITS) + lanes - part_bits)
        for f in range(entry(stage, FACTORS)):
            buffer = _pass_section(stage, areas[1], f, 1)
            factors.pick_block(
                gradient, _spec(stage, f), rows(packed, TERMS, TERM_COLUMNS), first, part_bits, buffer, lanes
            )
        copies.scatter(psi, block_psi, stage, number, lanes, scale)
        copies.scatter(lam, block_lam, stage, number, lanes, scale)
    for slot in range(entry(layout, SLOTS)):
        by_slot[slot] += lane_sum(load(gradient, slot * W))
