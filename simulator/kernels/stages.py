"""A stage of a big state: blocks are copied out, pass through many passes in a core's own cache, and are copied back.

``stage`` is what `simulator.tables` writes: bits of a block's number of vectors, bits of the number of blocks, number
of segments; then for each bit of a vector's number in the block how the next vector's index and its place in the
block differ (`simulator.stages.runs`); the basis vectors that tell blocks apart; and the segments: first and last pass,
and the bits of the number of parts of the block that they do one after the other.
"""

from __future__ import annotations

from simulator.jit import inlined, kernel, part
from simulator.kernels.steps import GRADIENT, PAIRS, SLOTS, apply_pass, cleared, opened, tile_angles, undo_pass
from simulator.kernels.walsh import permuted
from simulator.simd import count_ones, entry, fetch_add, lane_sum, lanes_of, load, section, store

BLOCK_BITS, BLOCKS_BITS, SEGMENTS, HEAD = 0, 1, 2, 3


@inlined
def _origin(stage, number):
    """The index at which a block begins."""
    index = 0
    at = HEAD + 2 * entry(stage, BLOCK_BITS)
    for j in range(entry(stage, BLOCKS_BITS)):
        if number >> j & 1:
            index ^= entry(stage, at + j)
    return index


@part
def gather(psi, block, stage, number, lanes):
    """Copy a block's vectors from the state, in increasing order of their indices."""
    W = lanes_of(psi)
    bits = entry(stage, BLOCK_BITS)
    index, place = _origin(stage, number), 0
    for j in range(1 << bits):
        o, p = (index >> lanes) * 2 * W, place * 2 * W
        a, b = load(psi, o), load(psi, o + W)
        lane = index & (W - 1)
        if lane:
            a, b = permuted(a, lane), permuted(b, lane)
        store(block, p, a)
        store(block, p + W, b)
        t = HEAD + count_ones(j ^ (j + 1)) - 1
        index ^= entry(stage, t)
        place ^= entry(stage, t + bits)


@part
def scatter(psi, block, stage, number, lanes):
    """Copy a block's vectors back."""
    W = lanes_of(psi)
    bits = entry(stage, BLOCK_BITS)
    index, place = _origin(stage, number), 0
    for j in range(1 << bits):
        o, p = (index >> lanes) * 2 * W, place * 2 * W
        a, b = load(block, p), load(block, p + W)
        lane = index & (W - 1)
        if lane:
            a, b = permuted(a, lane), permuted(b, lane)
        store(psi, o, a)
        store(psi, o + W, b)
        t = HEAD + count_ones(j ^ (j + 1)) - 1
        index ^= entry(stage, t)
        place ^= entry(stage, t + bits)


@inlined
def _aligned_to_state(block, stage, number):
    """The block as the piece ``number`` of a whole state in the stage's basis: only this piece may be touched."""
    size = 2 * lanes_of(block) << entry(stage, BLOCK_BITS)
    return section(block, -number * size, (size << entry(stage, BLOCKS_BITS)) - number * size)


@inlined
def _segment(stage, s):
    at = HEAD + 2 * entry(stage, BLOCK_BITS) + entry(stage, BLOCKS_BITS) + 3 * s
    return entry(stage, at), entry(stage, at + 1), entry(stage, at + 2)


@kernel
def stage_apply(packed, stage, base, psi, shared, tables, X, block_begin, scratch, queue, pieces, lanes):
    """Blocks of a stage, in ``pieces`` groups, until ``queue`` has no more."""
    fixed = opened(packed)
    tile_angles(fixed, base, X, 0, scratch, lanes)
    W = lanes_of(psi)
    block = section(scratch, block_begin, block_begin + (2 * W << entry(stage, BLOCK_BITS)))
    blocks = 1 << entry(stage, BLOCKS_BITS)
    while True:
        piece = fetch_add(queue, 0, 1)
        if piece >= pieces:
            return
        for number in range(blocks * piece // pieces, blocks * (piece + 1) // pieces):
            gather(psi, block, stage, number, lanes)
            view = _aligned_to_state(block, stage, number)
            for s in range(entry(stage, SEGMENTS)):
                first, last, bits = _segment(stage, s)
                for own in range(number << bits, (number + 1) << bits):
                    for r in range(first, last):
                        apply_pass(fixed, r, view, shared, tables, scratch, lanes, own, blocks << bits)
            scatter(psi, block, stage, number, lanes)


@kernel
def stage_undo(packed, stage, base, psi, lam, shared, tables, X, by_piece, block_begin, scratch, queue, pieces, lanes):
    """Undo a stage on both states; ``by_piece`` (pieces, slots) receives the derivatives of its groups of blocks."""
    fixed = opened(packed)
    layout = fixed[0]
    tile_angles(fixed, base, X, 0, scratch, lanes)
    W = lanes_of(psi)
    size = 2 * W << entry(stage, BLOCK_BITS)
    own_psi = section(scratch, block_begin, block_begin + size)
    own_lam = section(scratch, block_begin + size, block_begin + 2 * size)
    blocks = 1 << entry(stage, BLOCKS_BITS)
    while True:
        piece = fetch_add(queue, 0, 1)
        if piece >= pieces:
            return
        gradient = cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
        for number in range(blocks * piece // pieces, blocks * (piece + 1) // pieces):
            gather(psi, own_psi, stage, number, lanes)
            gather(lam, own_lam, stage, number, lanes)
            view, dual = _aligned_to_state(own_psi, stage, number), _aligned_to_state(own_lam, stage, number)
            for s in range(entry(stage, SEGMENTS) - 1, -1, -1):
                first, last, bits = _segment(stage, s)
                for part_number in range(number << bits, (number + 1) << bits):
                    for r in range(last - 1, first - 1, -1):
                        undo_pass(
                            fixed, r, view, dual, gradient, shared, tables, scratch, lanes, part_number, blocks << bits
                        )
            scatter(psi, own_psi, stage, number, lanes)
            scatter(lam, own_lam, stage, number, lanes)
        for slot in range(entry(layout, SLOTS)):
            by_piece[piece, slot] += lane_sum(load(gradient, slot * W))
