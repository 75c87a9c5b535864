"""Unitaries on two qubits, on a stage's blocks: all rows of the 4 x 4 matrix from one set of loads.

``out[i] = sum_d M[p(i), p(i) ^ d] psi[i ^ X(d)]`` as in passes.dense, with the matrix laid out as there. What X(d)
moves decides how: both masks move whole vectors (VECTORS), one does and the other permutes lanes (MIXED), or both
permute lanes (LANES). A row holds its kind, as a dense pass where its three matrices begin, then how, two masks, the
masks whose parities number the matrix's rows, and what each kind needs.
"""

from __future__ import annotations

from simulator.jit import inlined, part
from simulator.kernels.addressing import spread
from simulator.kernels.walsh import parity, permuted
from simulator.simd import entry, exchange0, exchange1, exchange2, exchange3, lanes_of, load, store

TWO_QUBIT = 9  # the kind of pass, beside those of passes.py, blocks.py and factors.py
HOW, MASK, OTHER, Z, OTHER_Z, LOW, HIGH, FIRST_D, SECOND_D = range(5, 14)  # columns, after a dense pass's
VECTORS, MIXED, LANES = 2, 1, 0


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


@part
def _vectors(psi, row, table, offset, first, last):
    """Cosets of four vectors. The one with the parities 0 comes first, so the matrix is the same for all."""
    W = lanes_of(psi)
    x, y, z, t = entry(row, MASK), entry(row, OTHER), entry(row, Z), entry(row, OTHER_Z)
    low, high = entry(row, LOW), entry(row, HIGH)
    p, q, r = 2 * W, 4 * W, 6 * W
    for k in range(first, last):
        i = spread(spread(k, low), high)
        i ^= (x & -parity(i & z)) ^ (y & -parity(i & t))
        o0, o1, o2, o3 = i * 2 * W, (i ^ x) * 2 * W, (i ^ y) * 2 * W, (i ^ x ^ y) * 2 * W
        a0, a1, b0, b1 = load(psi, o0), load(psi, o0 + W), load(psi, o1), load(psi, o1 + W)
        c0, c1, d0, d1 = load(psi, o2), load(psi, o2 + W), load(psi, o3), load(psi, o3 + W)
        e0, e1 = _row(table, offset, a0, a1, b0, b1, c0, c1, d0, d1, p, q, r)
        f0, f1 = _row(table, offset + 8 * W, b0, b1, a0, a1, d0, d1, c0, c1, p, q, r)
        g0, g1 = _row(table, offset + 16 * W, c0, c1, d0, d1, a0, a1, b0, b1, p, q, r)
        h0, h1 = _row(table, offset + 24 * W, d0, d1, c0, c1, b0, b1, a0, a1, p, q, r)
        store(psi, o0, e0)
        store(psi, o0 + W, e1)
        store(psi, o1, f0)
        store(psi, o1 + W, f1)
        store(psi, o2, g0)
        store(psi, o2 + W, g1)
        store(psi, o3, h0)
        store(psi, o3 + W, h1)


@inlined
def _pattern(row, i):
    """Which row of the matrix is vector i's, but for what its lanes add."""
    return parity(i & entry(row, Z)) | parity(i & entry(row, OTHER_Z)) << 1


@part
def _mixed(psi, row, table, offset, first, last):
    """Pairs of vectors, each also with its lanes exchanged."""
    W = lanes_of(psi)
    x, lane, pivot = entry(row, MASK), entry(row, OTHER), entry(row, LOW)
    p, q = entry(row, FIRST_D) * 2 * W, entry(row, SECOND_D) * 2 * W
    r = (entry(row, FIRST_D) ^ entry(row, SECOND_D)) * 2 * W
    for k in range(first, last):
        i = spread(k, pivot)
        o0, o1 = i * 2 * W, (i ^ x) * 2 * W
        a0, a1, b0, b1 = load(psi, o0), load(psi, o0 + W), load(psi, o1), load(psi, o1 + W)
        c0, c1, d0, d1 = a0, a1, b0, b1
        if lane & 1:
            c0, c1, d0, d1 = exchange0(c0), exchange0(c1), exchange0(d0), exchange0(d1)
        if lane & 2:
            c0, c1, d0, d1 = exchange1(c0), exchange1(c1), exchange1(d0), exchange1(d1)
        if lane & 4:
            c0, c1, d0, d1 = exchange2(c0), exchange2(c1), exchange2(d0), exchange2(d1)
        if lane & 8:
            c0, c1, d0, d1 = exchange3(c0), exchange3(c1), exchange3(d0), exchange3(d1)
        at, other = offset + 8 * W * _pattern(row, i), offset + 8 * W * _pattern(row, i ^ x)
        e0, e1 = _row(table, at, a0, a1, b0, b1, c0, c1, d0, d1, p, q, r)
        f0, f1 = _row(table, other, b0, b1, a0, a1, d0, d1, c0, c1, p, q, r)
        store(psi, o0, e0)
        store(psi, o0 + W, e1)
        store(psi, o1, f0)
        store(psi, o1 + W, f1)


@part
def _lanes(psi, row, table, offset, first, last):
    """Single vectors, each with its lanes exchanged in three ways."""
    W = lanes_of(psi)
    x, y = entry(row, MASK), entry(row, OTHER)
    for i in range(first, last):
        a0, a1 = load(psi, i * 2 * W), load(psi, i * 2 * W + W)
        b0, b1, c0, c1 = permuted(a0, x), permuted(a1, x), permuted(a0, y), permuted(a1, y)
        d0, d1 = permuted(b0, y), permuted(b1, y)
        at = offset + 8 * W * _pattern(row, i)
        e0, e1 = _row(table, at, a0, a1, b0, b1, c0, c1, d0, d1, 2 * W, 4 * W, 6 * W)
        store(psi, i * 2 * W, e0)
        store(psi, i * 2 * W + W, e1)


@part
def two_qubit(psi, row, table, column, count, piece, pieces):
    """A pass of kind TWO_QUBIT on the given piece of the ``count`` vectors of a state; ``column`` says which matrix."""
    how, offset = entry(row, HOW), entry(row, column)
    size = count >> how
    first, last = size * piece // pieces, size * (piece + 1) // pieces
    if how == VECTORS:
        _vectors(psi, row, table, offset, first, last)
    elif how == MIXED:
        _mixed(psi, row, table, offset, first, last)
    else:
        _lanes(psi, row, table, offset, first, last)
