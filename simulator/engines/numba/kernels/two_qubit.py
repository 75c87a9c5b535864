"""Unitaries on two qubits on a stage's blocks, with one set of loads for all rows of the 4 x 4 matrix.

``out[i] = sum_d M[p(i), p(i) ^ d] psi[i ^ X(d)]`` as in passes.dense, with the matrix laid out as there. What X(d)
moves decides how: both masks move whole vectors (VECTORS), one does and the other permutes lanes (MIXED), or both
permute lanes (LANES). A row holds its kind, as a dense pass where its three matrices begin, then how, two masks, the
masks whose parities number the matrix's rows, and what each kind needs.

These loops reach two multiply-adds per cycle if few other instructions compete for the processor's four per cycle.
Indices are therefore offsets in floats, a coset's first member follows from the previous one (`following`), and two
vectors that use the same rows are processed with one read of the matrix.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import quartets
from simulator.engines.numba.kernels.addressing import following, spread
from simulator.engines.numba.kernels.native import native_lanes
from simulator.engines.numba.kernels.walsh import parity, permuted
from simulator.engines.numba.layout.passes import (
    FIRST_D,
    FIRST_PIVOT,
    HOW,
    LANES,
    LAST_PIVOT,
    MASK,
    MATRIX,
    OTHER,
    OTHER_Z,
    ROW_Z,
    SECOND_D,
    TWIN,
    VECTORS,
    WITH_ZEROS,
)
from simulator.engines.numba.simd import entry, lanes_of, load, store


@inlined
def _pattern(i, z, other_z):
    """Row of the matrix for the vector at i, without the contribution of its lanes; masks are as long as i."""
    return parity(i & z) | parity(i & other_z) << 1


@part
def _vectors(psi, row, table, offset, zeros, first, last):
    """Cosets of four vectors. The one with the parities 0 comes first, so the matrix is the same for all."""
    W, N = lanes_of(psi), native_lanes(psi)
    step = 2 * W
    x, y, z, t = entry(row, MASK) * step, entry(row, OTHER) * step, entry(row, ROW_Z) * step, entry(row, OTHER_Z) * step
    low, high = entry(row, FIRST_PIVOT), entry(row, LAST_PIVOT)
    i, pivots = spread(spread(first, low), high) * step, (low | high) * step
    for _ in range(first, last):
        o0 = i ^ (x & -parity(i & z)) ^ (y & -parity(i & t))
        o1, o2 = o0 ^ x, o0 ^ y
        for lane in range(0, W, N):
            quartets.multiply(psi, o0, o1, o2, o1 ^ y, lane, table, offset, zeros)
        i = following(i, pivots, step)


@part
def _mixed(psi, row, table, offset, zeros, first, last):
    """Pairs of vectors, each also with the lanes exchanged that differ in one bit, as most masks of lanes do.

    Two pairs at a time, as a vector and its twin are multiplied by the same row; the one with the parity 0 is first.
    """
    step, lane = 2 * lanes_of(psi), entry(row, OTHER)
    x, twin = entry(row, MASK) * step, entry(row, TWIN) * step
    z, t = entry(row, ROW_Z) * step, entry(row, OTHER_Z) * step
    p, q = entry(row, FIRST_D) * step, entry(row, SECOND_D) * step
    of_pair = z
    if entry(row, FIRST_D) == 2:
        of_pair = t
    low, high = entry(row, FIRST_PIVOT), entry(row, LAST_PIVOT)
    i, pivots = spread(spread(first, low), high) * step, (low | high) * step
    for _ in range(first, last):
        o0 = i ^ (x & -parity(i & of_pair))
        o1, o2 = o0 ^ x, o0 ^ twin
        at = 4 * step * _pattern(o0, z, t)
        other = offset + (at ^ 4 * p)
        quartets.multiply_exchanged(psi, o0, o1, o2, o1 ^ twin, table, offset + at, other, p, q, lane, zeros)
        i = following(i, pivots, step)


@part
def _mixed_any(psi, row, table, offset, first, last):
    """Two pairs of vectors, each also with its lanes exchanged by any mask."""
    W = lanes_of(psi)
    step, lane = 2 * W, entry(row, OTHER)
    x, twin = entry(row, MASK) * step, entry(row, TWIN) * step
    z, t = entry(row, ROW_Z) * step, entry(row, OTHER_Z) * step
    p, q = entry(row, FIRST_D) * step, entry(row, SECOND_D) * step
    low, high = entry(row, FIRST_PIVOT), entry(row, LAST_PIVOT)
    i, pivots = spread(spread(first, low), high) * step, (low | high) * step
    for _ in range(first, last):
        at = 4 * step * _pattern(i, z, t)
        for o in range(2):
            o0 = i ^ (twin & -o)
            o1 = o0 ^ x
            a0, a1, b0, b1 = load(psi, o0), load(psi, o0 + W), load(psi, o1), load(psi, o1 + W)
            c0, c1, d0, d1 = permuted(a0, lane), permuted(a1, lane), permuted(b0, lane), permuted(b1, lane)
            e0, e1 = quartets.multiply_row(table, offset + at, p, q, a0, a1, b0, b1, c0, c1, d0, d1)
            f0, f1 = quartets.multiply_row(table, offset + (at ^ 4 * p), p, q, b0, b1, a0, a1, d0, d1, c0, c1)
            store(psi, o0, e0)
            store(psi, o0 + W, e1)
            store(psi, o1, f0)
            store(psi, o1 + W, f1)
        i = following(i, pivots, step)


@part
def _lanes(psi, row, table, offset, first, last):
    """Single vectors, each with its lanes exchanged in three ways."""
    W = lanes_of(psi)
    x, y, z, t = entry(row, MASK), entry(row, OTHER), entry(row, ROW_Z), entry(row, OTHER_Z)
    for i in range(first, last):
        a0, a1 = load(psi, i * 2 * W), load(psi, i * 2 * W + W)
        b0, b1, c0, c1 = permuted(a0, x), permuted(a1, x), permuted(a0, y), permuted(a1, y)
        d0, d1 = permuted(b0, y), permuted(b1, y)
        at = offset + 8 * W * _pattern(i, z, t)
        e0, e1 = quartets.multiply_row(table, at, 2 * W, 4 * W, a0, a1, b0, b1, c0, c1, d0, d1)
        store(psi, i * 2 * W, e0)
        store(psi, i * 2 * W + W, e1)


@part
def two_qubit(psi, row, table, column, count, piece, pieces):
    """Apply a pass of kind TWO_QUBIT to a piece of the ``count`` vectors of a state; ``column`` selects the matrix."""
    how, offset, lane = entry(row, HOW), entry(row, column), entry(row, OTHER)
    zeros = 0
    if column == MATRIX:
        zeros = entry(row, WITH_ZEROS)
    size = count
    if how != LANES:
        size = count >> 2
    first, last = size * piece // pieces, size * (piece + 1) // pieces
    if how == VECTORS:
        _vectors(psi, row, table, offset, zeros, first, last)
    elif how == LANES:
        _lanes(psi, row, table, offset, first, last)
    elif lane & (lane - 1):
        _mixed_any(psi, row, table, offset, first, last)
    else:
        _mixed(psi, row, table, offset, zeros, first, last)
