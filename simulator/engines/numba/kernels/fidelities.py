"""Squared overlaps ``|<a_i|b_j>|**2`` between two sets of states, computed on the batch driver's tiles.

A tile is W states, ``[re x W][im x W]`` for each amplitude, which is a suitable layout for matrix products: one tile's
vectors are multiplied by single numbers of another's lanes, W states by eight at a time, with sixteen sums in
registers. The sums are squared in place, and only the result is written.

Threads claim blocks of `BLOCK` tiles by `BLOCK` tiles, which together with their sums stay in a second-level cache.
Amplitudes are summed in runs of `RUN`, always in this order, so entries are bit-identical in any block on any thread.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, kernel, part
from simulator.engines.numba.layout.queues import NEXT_PIECE
from simulator.engines.numba.simd import entry, fetch_add, lanes_of, like, load, splat, store

BLOCK = 8
RUN = 128
PLAIN, MIRRORED, SAME = range(3)
ROWS = 8  # number of states of the first tile processed together; divides W


@inlined
def _add(re, im, a, o, u, v):
    """Add the products of one state's amplitude, at ``a[o]``, with a tile's: ``conj(b) a`` for each lane."""
    W = lanes_of(a)
    x, y = splat(entry(a, o)), splat(entry(a, o + W))
    return re + x * u + y * v, im + y * u - x * v


@part
def _products(a, b, sums, at, lane, first, last):
    """Add ``sum_k conj(b_k) a_k`` over amplitudes first to last: eight states of a, from ``lane`` on, by all of b."""
    W = lanes_of(a)
    r0, i0 = load(sums, at), load(sums, at + W)
    r1, i1 = load(sums, at + 2 * W), load(sums, at + 3 * W)
    r2, i2 = load(sums, at + 4 * W), load(sums, at + 5 * W)
    r3, i3 = load(sums, at + 6 * W), load(sums, at + 7 * W)
    r4, i4 = load(sums, at + 8 * W), load(sums, at + 9 * W)
    r5, i5 = load(sums, at + 10 * W), load(sums, at + 11 * W)
    r6, i6 = load(sums, at + 12 * W), load(sums, at + 13 * W)
    r7, i7 = load(sums, at + 14 * W), load(sums, at + 15 * W)
    for k in range(first, last):
        o = k * 2 * W
        u, v = load(b, o), load(b, o + W)
        o += lane
        r0, i0 = _add(r0, i0, a, o, u, v)
        r1, i1 = _add(r1, i1, a, o + 1, u, v)
        r2, i2 = _add(r2, i2, a, o + 2, u, v)
        r3, i3 = _add(r3, i3, a, o + 3, u, v)
        r4, i4 = _add(r4, i4, a, o + 4, u, v)
        r5, i5 = _add(r5, i5, a, o + 5, u, v)
        r6, i6 = _add(r6, i6, a, o + 6, u, v)
        r7, i7 = _add(r7, i7, a, o + 7, u, v)
    store(sums, at, r0)
    store(sums, at + W, i0)
    store(sums, at + 2 * W, r1)
    store(sums, at + 3 * W, i1)
    store(sums, at + 4 * W, r2)
    store(sums, at + 5 * W, i2)
    store(sums, at + 6 * W, r3)
    store(sums, at + 7 * W, i3)
    store(sums, at + 8 * W, r4)
    store(sums, at + 9 * W, i4)
    store(sums, at + 10 * W, r5)
    store(sums, at + 11 * W, i5)
    store(sums, at + 12 * W, r6)
    store(sums, at + 13 * W, i6)
    store(sums, at + 14 * W, r7)
    store(sums, at + 15 * W, i7)


@inlined
def _write(sums, at, out, stride, place, mirror, height, width, half, mirrored):
    """Write squares of a tile of rows by one of columns to ``place``, their transpose to ``mirror``; of a half only."""
    W = lanes_of(sums)
    whole = height == W and width == W and not half
    for r in range(height):
        o, p = at + r * 2 * W, place + r * stride
        re, im = load(sums, o), load(sums, o + W)
        squares = re * re + im * im
        if whole:
            store(out, p, squares)
        store(sums, o, squares)
        if not whole:
            for c in range(min(width, r + 1) if half else width):
                out[p + c] = entry(sums, o + c)
    if mirrored:
        for c in range(width):
            p = mirror + c * stride
            if whole:
                for r in range(W):
                    out[p + r] = entry(sums, at + r * 2 * W + c)
            else:
                for r in range(c if half else 0, height):
                    out[p + r] = entry(sums, at + r * 2 * W + c)


@bridged
def fidelities(a, b, rows, columns, out, stride, row, column, mode, scratch, queue):
    """Write squared overlaps of the tiles' states to ``out[(row + i) * stride + column + j]`` until no block remains.

    a, b : (tiles, 2 W 2**n)
    rows, columns : int
        Numbers of states in a and in b.
    mode : PLAIN, MIRRORED (with the transpose to its place in a symmetric ``out``) or SAME (b is a; half is computed).
    scratch : (BLOCK * BLOCK * 2 W W,)
    """
    W = lanes_of(scratch)
    amplitudes = a.shape[1] // (2 * W)
    tiles_a, tiles_b = -(-rows // W), -(-columns // W)
    blocks_b = -(-tiles_b // BLOCK)
    blocks = -(-tiles_a // BLOCK) * blocks_b
    same = mode == SAME
    while True:
        block = fetch_add(queue, NEXT_PIECE, 1)
        if block >= blocks:
            return
        first_a, first_b = block // blocks_b * BLOCK, block % blocks_b * BLOCK
        if same and first_b > first_a:
            continue
        last_a, last_b = min(tiles_a, first_a + BLOCK), min(tiles_b, first_b + BLOCK)
        for o in range(0, BLOCK * BLOCK * 2 * W * W, W):
            store(scratch, o, splat(like(scratch, 0.0)))
        for first in range(0, amplitudes, RUN):
            last = min(amplitudes, first + RUN)
            for j in range(first_b, last_b):
                for i in range(max(first_a, j) if same else first_a, last_a):
                    at = ((i - first_a) * BLOCK + j - first_b) * 2 * W * W
                    for lane in range(0, W, ROWS):
                        _products(a[i], b[j], scratch, at + lane * 2 * W, lane, first, last)
        for j in range(first_b, last_b):
            for i in range(max(first_a, j) if same else first_a, last_a):
                at = ((i - first_a) * BLOCK + j - first_b) * 2 * W * W
                place = (row + i * W) * stride + column + j * W
                mirror = (column + j * W) * stride + row + i * W
                height, width = min(W, rows - i * W), min(W, columns - j * W)
                _write(scratch, at, out, stride, place, mirror, height, width, same and i == j, mode != PLAIN)


@kernel
def pack(states, tiles):
    """Pack rows of real and imaginary parts, shape (n, 2 * 2**n), into tiles; lanes without a state are zero."""
    W = lanes_of(tiles)
    for tile in range(len(tiles)):
        out = tiles[tile]
        height = min(W, len(states) - tile * W)
        for lane in range(W):
            if lane < height:
                state = states[tile * W + lane]
                for i in range(states.shape[1] // 2):
                    out[2 * i * W + lane] = entry(state, 2 * i)
                    out[2 * i * W + W + lane] = entry(state, 2 * i + 1)
            else:
                for i in range(states.shape[1]):
                    out[i * W + lane] = like(out, 0.0)
