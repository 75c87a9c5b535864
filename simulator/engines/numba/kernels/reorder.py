"""Reordering of a large state's amplitudes, and their conversion to complex numbers.

``spec`` is written by `numba.reordering`: amplitude i becomes the one that was at ``B i ^ b``. For the i of a coset of
a subspace V these are a coset of B V. That is copied out, in increasing order of its indices, and written in the new
order. A place in the copy is read off the bits of an index at the pivots of B V. In place, both are the same coset.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, part
from simulator.engines.numba.kernels.addressing import AHEAD, ahead, change, selected_sum
from simulator.engines.numba.kernels.copies import prefetch_amplitudes
from simulator.engines.numba.layout.queues import LAST_PIECE, NEXT_PIECE
from simulator.engines.numba.layout.reordering import (
    BASES,
    BLOCK_BITS,
    BLOCKS_BITS,
    LANES,
    OFFSET,
    ORIGINS,
    PLACES,
    SOURCE,
    SOURCE_ORIGINS,
    SOURCES,
    VECTORS,
)
from simulator.engines.numba.simd import (
    entry,
    fetch_add,
    interleaved,
    lanes_of,
    like,
    load,
    parts_of,
    prefetch,
    splat,
    store,
)


@inlined
def _sum(spec, which, number):
    """What the bits of a block's number contribute to an index or a place."""
    return selected_sum(spec, entry(spec, which), entry(spec, BLOCKS_BITS), number)


@part
def _copied(psi, amplitudes, block, spec, origin, re, im, first, lanes):
    """Copy a block; in the first pass as complex numbers times re + i im, from ``amplitudes`` unless they are empty."""
    W = lanes_of(psi)
    c, s = splat(like(psi, re)), splat(like(psi, im))
    differences = entry(spec, SOURCES)
    index, prefetched = origin, ahead(spec, differences, origin)
    for j in range(1 << (entry(spec, BLOCK_BITS) - lanes)):
        o = (index >> lanes) * 2 * W
        if len(amplitudes):
            a, b = parts_of(psi, amplitudes, index)
            prefetch_amplitudes(amplitudes, prefetched, W)
        else:
            a, b = load(psi, o), load(psi, o + W)
            prefetch(psi, (prefetched >> lanes) * 2 * W)
        if first:
            a, b = interleaved(a * c - b * s, a * s + b * c)
        store(block, 2 * W * j, a)
        store(block, 2 * W * j + W, b)
        index ^= change(spec, differences, j)
        prefetched ^= change(spec, differences, j + AHEAD)


@bridged
def reorder(psi, amplitudes, spec, re, im, first, scratch, queue, pieces, lanes):
    """Reorder blocks, in ``pieces`` groups, until the queue ends; psi is [re x W][im x W] before the first pass.

    The first pass reads ``amplitudes`` (2**n,), complex128, instead of psi, unless these are empty.
    """
    W = lanes_of(psi)
    size, count = 1 << (entry(spec, BLOCK_BITS) - lanes), 1 << entry(spec, BLOCKS_BITS)
    lane_places = entry(spec, LANES)
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= entry(queue, LAST_PIECE):
            return
        for number in range(count * piece // pieces, count * (piece + 1) // pieces):
            source = entry(spec, SOURCE) ^ _sum(spec, SOURCE_ORIGINS, number)
            _copied(psi, amplitudes, scratch, spec, source, re, im, first, lanes)
            index, place = _sum(spec, ORIGINS, number), entry(spec, OFFSET) ^ _sum(spec, BASES, number)
            for j in range(size):
                for lane in range(W):
                    o, p = 2 * (index | lane), 2 * (place ^ entry(spec, lane_places + lane))
                    psi[o], psi[o + 1] = entry(scratch, p), entry(scratch, p + 1)
                index ^= change(spec, entry(spec, VECTORS), j)
                place ^= change(spec, entry(spec, PLACES), j)
