"""Copies between a large state and a block of a stage, vector by vector in increasing order of the state's indices.

The first stage of a circuit may read the amplitudes that it begins with, and the last one may write complex numbers in
the circuit's order, so that neither is a pass over memory of its own. A vector's numbers have the same place in both
forms, ``[re x W][im x W]`` and W complex numbers.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels.addressing import AHEAD, ahead, change, selected_sum
from simulator.engines.numba.kernels.walsh import permuted
from simulator.engines.numba.layout.stages import BLOCK_BITS, BLOCKS_BITS, PLACES, REST, SOURCES
from simulator.engines.numba.simd import (
    entry,
    interleaved,
    lanes_of,
    like,
    load,
    parts_of,
    prefetch,
    splat,
    store,
)

_LINE = 8  # number of amplitudes of complex128 that one call of `prefetch` covers


@inlined
def _origin(stage, number):
    """The index at which a block begins."""
    return selected_sum(stage, entry(stage, REST), entry(stage, BLOCKS_BITS), number)


@inlined
def _exchanged(a, b, lane):
    """Both vectors with lane l exchanged with lane l ^ ``lane``."""
    if lane:
        a, b = permuted(a, lane), permuted(b, lane)
    return a, b


@inlined
def prefetch_amplitudes(amplitudes, index, size):
    """Prefetch ``size`` complex numbers for a vector."""
    for line in range(0, size, _LINE):
        prefetch(amplitudes, index + line)


@part
def gather(psi, block, stage, number, lanes):
    """Copy a block's vectors from the state."""
    W = lanes_of(psi)
    sources, places = entry(stage, SOURCES), entry(stage, PLACES)
    index, place = _origin(stage, number), 0
    prefetched = ahead(stage, sources, index)
    for j in range(1 << entry(stage, BLOCK_BITS)):
        o, p = (index >> lanes) * 2 * W, place * 2 * W
        a, b = _exchanged(load(psi, o), load(psi, o + W), index & (W - 1))
        store(block, p, a)
        store(block, p + W, b)
        index ^= change(stage, sources, j)
        place ^= change(stage, places, j)
        prefetch(psi, (prefetched >> lanes) * 2 * W)
        prefetched ^= change(stage, sources, j + AHEAD)


@part
def gather_amplitudes(amplitudes, block, stage, number, lanes):
    """Copy a block's vectors from ``amplitudes`` (2**n,), complex128."""
    W = lanes_of(block)
    sources, places = entry(stage, SOURCES), entry(stage, PLACES)
    index, place = _origin(stage, number), 0
    prefetched = ahead(stage, sources, index)
    for j in range(1 << entry(stage, BLOCK_BITS)):
        lane, p = index & (W - 1), place * 2 * W
        a, b = parts_of(block, amplitudes, index - lane)
        a, b = _exchanged(a, b, lane)
        store(block, p, a)
        store(block, p + W, b)
        index ^= change(stage, sources, j)
        place ^= change(stage, places, j)
        prefetch_amplitudes(amplitudes, prefetched & -W, W)
        prefetched ^= change(stage, sources, j + AHEAD)


@part
def scatter(psi, block, stage, number, lanes, scale):
    """Copy a block's vectors back, times ``scale``."""
    W = lanes_of(psi)
    sources, places = entry(stage, SOURCES), entry(stage, PLACES)
    index, place = _origin(stage, number), 0
    factor = splat(like(psi, scale))
    prefetched = ahead(stage, sources, index)
    for j in range(1 << entry(stage, BLOCK_BITS)):
        o, p = (index >> lanes) * 2 * W, place * 2 * W
        prefetch(psi, (prefetched >> lanes) * 2 * W)
        prefetched ^= change(stage, sources, j + AHEAD)
        a, b = _exchanged(load(block, p) * factor, load(block, p + W) * factor, index & (W - 1))
        store(psi, o, a)
        store(psi, o + W, b)
        index ^= change(stage, sources, j)
        place ^= change(stage, places, j)


@part
def scatter_complex(psi, block, stage, number, lanes, re, im):
    """Copy a block's vectors back as complex numbers, times re + i im."""
    W = lanes_of(psi)
    sources, places = entry(stage, SOURCES), entry(stage, PLACES)
    index, place = _origin(stage, number), 0
    c, s = splat(like(psi, re)), splat(like(psi, im))
    prefetched = ahead(stage, sources, index)
    for j in range(1 << entry(stage, BLOCK_BITS)):
        o, p = (index >> lanes) * 2 * W, place * 2 * W
        prefetch(psi, (prefetched >> lanes) * 2 * W)
        prefetched ^= change(stage, sources, j + AHEAD)
        a, b = load(block, p), load(block, p + W)
        a, b = _exchanged(a * c - b * s, a * s + b * c, index & (W - 1))
        a, b = interleaved(a, b)
        store(psi, o, a)
        store(psi, o + W, b)
        index ^= change(stage, sources, j)
        place ^= change(stage, places, j)
