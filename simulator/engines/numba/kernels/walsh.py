"""Walsh-Hadamard transforms, by which phases and expectations of many Z strings cost n additions per amplitude.

A sum over Z strings, ``value(i) = sum_z c_z (-1)**popcount(i & z)``, is the transform of its coefficients;
the expectations of all Z strings are the transform of the probabilities. Blocks of 2**bits values are
transformed at a time; the bits of a string above the block give one sign.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.simd import (
    count_ones,
    exchange0,
    exchange1,
    exchange2,
    exchange3,
    lane_signs,
    lanes_of,
    load,
    store,
)


@inlined
def parity(mask):
    """0 or 1: the parity of the number of set bits."""
    return count_ones(mask) & 1


@inlined
def permuted(v, mask):
    """``v`` with lane l exchanged with lane l ^ mask."""
    if mask & 1:
        v = exchange0(v)
    if mask & 2:
        v = exchange1(v)
    if mask & 4:
        v = exchange2(v)
    if mask & 8:
        v = exchange3(v)
    return v


@inlined
def aligned(v, mask, lanes):
    """`permuted` if lanes are qubits; no operation if they are samples."""
    if lanes is None:
        return v
    if mask == 0:
        return v
    return permuted(v, mask)


@part
def walsh_hadamard(buffer, offset, bits, lanes):
    """In place ``out[z] = sum_j (-1)**popcount(j & z) in[j]`` of 2**bits values from ``offset`` on.

    Where lanes are samples a value is a vector; where they are qubits, 2**bits consecutive floats.
    """
    W = lanes_of(buffer)
    count = 1 << bits
    if lanes is not None:
        count = max(1, count >> lanes)
        for o in range(offset, offset + count * W, W):
            v = load(buffer, o)
            v = exchange0(v) + lane_signs(v, 0) * v
            if bits > 1:
                v = exchange1(v) + lane_signs(v, 1) * v
            if bits > 2:
                v = exchange2(v) + lane_signs(v, 2) * v
            if bits > 3 and lanes > 3:
                v = exchange3(v) + lane_signs(v, 3) * v
            store(buffer, o, v)
    half = 1
    while 2 * half < count:  # two stages at a time halve the memory traffic
        step = half * W
        for base in range(offset, offset + count * W, 4 * step):
            for o in range(base, base + step, W):
                a = load(buffer, o)
                b = load(buffer, o + step)
                c = load(buffer, o + 2 * step)
                d = load(buffer, o + 3 * step)
                a, b = a + b, a - b
                c, d = c + d, c - d
                store(buffer, o, a + c)
                store(buffer, o + step, b + d)
                store(buffer, o + 2 * step, a - c)
                store(buffer, o + 3 * step, b - d)
        half *= 4
    if half < count:
        step = half * W
        for o in range(offset, offset + step, W):
            a = load(buffer, o)
            b = load(buffer, o + step)
            store(buffer, o, a + b)
            store(buffer, o + step, a - b)
