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

from typing import Any

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import quartets
from simulator.engines.numba.kernels.addressing import following, spread
from simulator.engines.numba.kernels.octets import native_lanes
from simulator.engines.numba.kernels.walsh import parity, permuted
from simulator.engines.numba.layout.passes import (
    FIRST_D,
    FIRST_PIVOT,
    HOW,
    LANES,
    LAST_PIVOT,
    MASK,
    OTHER,
    OTHER_Z,
    ROW_Z,
    SECOND_D,
    TWIN,
    VECTORS,
)
from simulator.engines.numba.simd import entry, lanes_of, load, store


@inlined
def _row(table, o, a0, a1, b0, b1, c0, c1, d0, d1, p, q, r):
    """One row of the matrix, at ``o``, times the vectors a, b, c, d: their columns begin at o, o + p, o + q, o + r."""
    W = lanes_of(table)
    m0, m1 = load(table, o), load(table, o + W)
    re, im = m0 * a0, m0 * a1
    re, im = re - m1 * a1, im + m1 * a0
    m0, m1 = load(table, o + p), load(table, o + p + W)
    re, im = re + m0 * b0, im + m0 * b1
    re, im = re - m1 * b1, im + m1 * b0
    m0, m1 = load(table, o + q), load(table, o + q + W)
    re, im = re + m0 * c0, im + m0 * c1
    re, im = re - m1 * c1, im + m1 * c0
    m0, m1 = load(table, o + r), load(table, o + r + W)
    re, im = re + m0 * d0, im + m0 * d1
    return re - m1 * d1, im + m1 * d0


@inlined
def _rows(table, o, a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1, g0, g1, h0, h1, p, q, r):
    """`_row` of two sets of vectors, a, b, c, d and e, f, g, h, with one set of loads."""
    W = lanes_of(table)
    m0, m1 = load(table, o), load(table, o + W)
    re, im, other_re, other_im = m0 * a0, m0 * a1, m0 * e0, m0 * e1
    re, im, other_re, other_im = re - m1 * a1, im + m1 * a0, other_re - m1 * e1, other_im + m1 * e0
    m0, m1 = load(table, o + p), load(table, o + p + W)
    re, im, other_re, other_im = re + m0 * b0, im + m0 * b1, other_re + m0 * f0, other_im + m0 * f1
    re, im, other_re, other_im = re - m1 * b1, im + m1 * b0, other_re - m1 * f1, other_im + m1 * f0
    m0, m1 = load(table, o + q), load(table, o + q + W)
    re, im, other_re, other_im = re + m0 * c0, im + m0 * c1, other_re + m0 * g0, other_im + m0 * g1
    re, im, other_re, other_im = re - m1 * c1, im + m1 * c0, other_re - m1 * g1, other_im + m1 * g0
    m0, m1 = load(table, o + r), load(table, o + r + W)
    re, im, other_re, other_im = re + m0 * d0, im + m0 * d1, other_re + m0 * h0, other_im + m0 * h1
    return re - m1 * d1, im + m1 * d0, other_re - m1 * h1, other_im + m1 * h0


@inlined
def _pattern(i, z, other_z):
    """Row of the matrix for the vector at i, without the contribution of its lanes; masks are as long as i."""
    return parity(i & z) | parity(i & other_z) << 1


@part
def _vectors(psi, row, table, offset, first, last):
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
            quartets.multiply(psi, o0, o1, o2, o1 ^ y, lane, table, offset)
        i = following(i, pivots, step)


def _mixed(known: int) -> Any:
    """The loop over pairs of vectors, each also with its lanes exchanged by the mask ``known``; if 0, by the row's."""

    @inlined
    def exchanged(v, mask):
        return permuted(v, known or mask)

    @part
    def mixed(psi, row, table, offset, first, last):
        """Two pairs at a time: a vector and its twin are multiplied by the same row."""
        W = lanes_of(psi)
        step, lane = 2 * W, entry(row, OTHER)
        x, twin, z, t = (
            entry(row, MASK) * step,
            entry(row, TWIN) * step,
            entry(row, ROW_Z) * step,
            entry(row, OTHER_Z) * step,
        )
        p, q = entry(row, FIRST_D) * step, entry(row, SECOND_D) * step
        r, flip = p ^ q, 4 * p
        low, high = entry(row, FIRST_PIVOT), entry(row, LAST_PIVOT)
        i, pivots = spread(spread(first, low), high) * step, (low | high) * step
        for _ in range(first, last):
            at = 4 * step * _pattern(i, z, t)
            o1, o2 = i ^ x, i ^ twin
            o3 = o1 ^ twin
            a0, a1, b0, b1 = load(psi, i), load(psi, i + W), load(psi, o1), load(psi, o1 + W)
            c0, c1, d0, d1 = exchanged(a0, lane), exchanged(a1, lane), exchanged(b0, lane), exchanged(b1, lane)
            e0, e1, f0, f1 = load(psi, o2), load(psi, o2 + W), load(psi, o3), load(psi, o3 + W)
            g0, g1, h0, h1 = exchanged(e0, lane), exchanged(e1, lane), exchanged(f0, lane), exchanged(f1, lane)
            re, im, other_re, other_im = _rows(
                table, offset + at, a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1, g0, g1, h0, h1, p, q, r
            )
            store(psi, i, re)
            store(psi, i + W, im)
            store(psi, o2, other_re)
            store(psi, o2 + W, other_im)
            re, im, other_re, other_im = _rows(
                table, offset + (at ^ flip), b0, b1, a0, a1, d0, d1, c0, c1, f0, f1, e0, e1, h0, h1, g0, g1, p, q, r
            )
            store(psi, o1, re)
            store(psi, o1 + W, im)
            store(psi, o3, other_re)
            store(psi, o3 + W, other_im)
            i = following(i, pivots, step)

    return mixed


_mixed0, _mixed1, _mixed2, _mixed3 = (_mixed(1 << bit) for bit in range(4))  # most masks of lanes are one bit
_mixed_any = _mixed(0)


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
        e0, e1 = _row(table, at, a0, a1, b0, b1, c0, c1, d0, d1, 2 * W, 4 * W, 6 * W)
        store(psi, i * 2 * W, e0)
        store(psi, i * 2 * W + W, e1)


@part
def two_qubit(psi, row, table, column, count, piece, pieces):
    """Apply a pass of kind TWO_QUBIT to a piece of the ``count`` vectors of a state; ``column`` selects the matrix."""
    how, offset, lane = entry(row, HOW), entry(row, column), entry(row, OTHER)
    size = count
    if how != LANES:
        size = count >> 2
    first, last = size * piece // pieces, size * (piece + 1) // pieces
    if how == VECTORS:
        _vectors(psi, row, table, offset, first, last)
    elif how == LANES:
        _lanes(psi, row, table, offset, first, last)
    elif lane == 1:
        _mixed0(psi, row, table, offset, first, last)
    elif lane == 2:
        _mixed1(psi, row, table, offset, first, last)
    elif lane == 4:
        _mixed2(psi, row, table, offset, first, last)
    elif lane == 8:
        _mixed3(psi, row, table, offset, first, last)
    else:
        _mixed_any(psi, row, table, offset, first, last)
