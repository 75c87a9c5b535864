"""Density matrices as real vectors of Pauli coefficients, and transfer matrices acting on a few of their qubits.

Coefficient ``r[i] = tr(P_i rho)`` has at bits 2q and 2q + 1 of its index the x and z bit of the Pauli of the qubit at
place q. A pass takes the ``size = 4**k`` coefficients that differ only at k places, a coset, and multiplies them by a
real (size, size) matrix. Where lanes are samples any place will do; where lanes are the index's lowest bits, the
places are 2 or higher, and a pass of another kind exchanges places 0 and 1 with two others.

A pass is a row of ``code``; ``index`` holds its pivots (the k places' bits, in ascending order) and the size members
of its first coset. A matrix has entry [o, j] at ``offset + j * size + o``; ``shared`` ones are numbers, ``local``
ones belong to the tile and are vectors where lanes are samples.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, part
from simulator.engines.numba.kernels.addressing import factor
from simulator.engines.numba.layout.queues import NEXT, NEXT_PIECE
from simulator.engines.numba.layout.transfer import (
    EXCHANGE,
    GRADIENT,
    KIND,
    LOCAL,
    MATRIX,
    MEMBERS,
    PIVOTS,
    PLACES,
    ROW,
    SIZE,
)
from simulator.engines.numba.simd import entry, fetch_add, lane_sum, lanes_of, like, load, section, splat, store

CHUNK = 8  # number of cosets correlated at a time; two such chunks fit in the first-level cache


@inlined
def _coset(number, index, pivots, places):
    """The first member of a coset: two zero bits inserted at each pivot."""
    i = number
    for k in range(places):
        low = i & (entry(index, pivots + k) - 1)
        i = ((i - low) << 2) | low
    return i


@inlined
def _gather(out, at, r, first, index, members, size):
    W = lanes_of(r)
    for j in range(size):
        store(out, (at + j) * W, load(r, (first + entry(index, members + j)) * W))


@part
def _multiply(r, table, offset, step_out, step_in, row, index, scratch, splatted, first, last):
    """Multiply cosets first to last by a matrix whose entry [o, j] is at ``offset + o step_out + j step_in``."""
    W = lanes_of(r)
    size, pivots, members = entry(row, SIZE), entry(row, PIVOTS), entry(row, MEMBERS)
    zero = splat(like(r, 0.0))
    for number in range(first, last):
        i = _coset(number, index, pivots, entry(row, PLACES))
        _gather(scratch, 0, r, i, index, members, size)
        for o in range(0, size, 8):
            a0, a1, a2, a3, a4, a5, a6, a7 = zero, zero, zero, zero, zero, zero, zero, zero
            at = offset + o * step_out
            for j in range(size):
                v = load(scratch, j * W)
                a0 = a0 + factor(table, at, splatted) * v
                a1 = a1 + factor(table, at + step_out, splatted) * v
                a2 = a2 + factor(table, at + 2 * step_out, splatted) * v
                a3 = a3 + factor(table, at + 3 * step_out, splatted) * v
                a4 = a4 + factor(table, at + 4 * step_out, splatted) * v
                a5 = a5 + factor(table, at + 5 * step_out, splatted) * v
                a6 = a6 + factor(table, at + 6 * step_out, splatted) * v
                a7 = a7 + factor(table, at + 7 * step_out, splatted) * v
                at += step_in
            m = members + o
            store(r, (i + entry(index, m)) * W, a0)
            store(r, (i + entry(index, m + 1)) * W, a1)
            store(r, (i + entry(index, m + 2)) * W, a2)
            store(r, (i + entry(index, m + 3)) * W, a3)
            store(r, (i + entry(index, m + 4)) * W, a4)
            store(r, (i + entry(index, m + 5)) * W, a5)
            store(r, (i + entry(index, m + 6)) * W, a6)
            store(r, (i + entry(index, m + 7)) * W, a7)


@part
def _correlate(lam, r, out, row, index, scratch, first, last):
    """Add ``sum lam[o] r[j]`` over cosets first to last to the vector o * size + j of ``out``."""
    W = lanes_of(r)
    size, pivots, members = entry(row, SIZE), entry(row, PIVOTS), entry(row, MEMBERS)
    for begin in range(first, last, CHUNK):
        count = min(CHUNK, last - begin)
        for c in range(count):
            i = _coset(begin + c, index, pivots, entry(row, PLACES))
            _gather(scratch, 2 * c * size, lam, i, index, members, size)
            _gather(scratch, (2 * c + 1) * size, r, i, index, members, size)
        for o in range(0, size, 4):
            for j in range(0, size, 2):
                at = (o * size + j) * W
                step = size * W
                a0, b0 = load(out, at), load(out, at + W)
                a1, b1 = load(out, at + step), load(out, at + step + W)
                a2, b2 = load(out, at + 2 * step), load(out, at + 2 * step + W)
                a3, b3 = load(out, at + 3 * step), load(out, at + 3 * step + W)
                for c in range(count):
                    u, v = (2 * c * size + o) * W, ((2 * c + 1) * size + j) * W
                    v0, v1 = load(scratch, v), load(scratch, v + W)
                    u0, u1 = load(scratch, u), load(scratch, u + W)
                    u2, u3 = load(scratch, u + 2 * W), load(scratch, u + 3 * W)
                    a0, b0 = a0 + u0 * v0, b0 + u0 * v1
                    a1, b1 = a1 + u1 * v0, b1 + u1 * v1
                    a2, b2 = a2 + u2 * v0, b2 + u2 * v1
                    a3, b3 = a3 + u3 * v0, b3 + u3 * v1
                store(out, at, a0)
                store(out, at + W, b0)
                store(out, at + step, a1)
                store(out, at + step + W, b1)
                store(out, at + 2 * step, a2)
                store(out, at + 2 * step + W, b2)
                store(out, at + 3 * step, a3)
                store(out, at + 3 * step + W, b3)


@part
def _exchange(r, row, index, scratch, first, last):
    """Exchange places 0 and 1 with the places of the pass: transpose 16 by 16 numbers in each of its cosets."""
    pivots, members = entry(row, PIVOTS), entry(row, MEMBERS)
    for number in range(first, last):
        i = _coset(number, index, pivots, 2)
        for u in range(ROW):
            o = (i + entry(index, members + u)) * ROW
            for c in range(ROW):
                scratch[c * ROW + u] = r[o + c]
        for u in range(ROW):
            o = (i + entry(index, members + u)) * ROW
            for c in range(ROW):
                r[o + c] = scratch[u * ROW + c]


@inlined
def _share(count, piece, pieces):
    if pieces == 1:
        return 0, count
    return count * piece // pieces, count * (piece + 1) // pieces


@part
def _apply(r, row, index, shared, local, scratch, lanes, piece, pieces, backward):
    """Apply one pass to a piece of the state, or its transpose to a piece of the adjoint state."""
    W, size = lanes_of(r), entry(row, SIZE)
    step_out, step_in = (size, 1) if backward else (1, size)
    if lanes is not None:
        if entry(row, KIND) == EXCHANGE:
            first, last = _share(len(r) // (ROW * ROW), piece, pieces)
            _exchange(r, row, index, scratch, first, last)
            return
    first, last = _share(len(r) // (W * size), piece, pieces)
    offset = entry(row, MATRIX)
    if lanes is None:
        if entry(row, LOCAL):
            _multiply(r, local, offset, step_out, step_in, row, index, scratch, None, first, last)
            return
    table = local if entry(row, LOCAL) else shared
    _multiply(r, table, offset, step_out, step_in, row, index, scratch, 1, first, last)


@inlined
def _clear(array, begin, end):
    for o in range(begin, end, lanes_of(array)):
        store(array, o, splat(like(array, 0.0)))


@inlined
def _start(r, initial, tile, lanes):
    """Set the initial coefficients, by default those of ``|0...0>``: 1 for strings of I and Z."""
    W = lanes_of(r)
    if lanes is None:
        for lane in range(W):
            for i in range(len(r) // W):
                if len(initial):
                    r[i * W + lane] = initial[min(tile * W + lane, len(initial) - 1), i]
                else:
                    r[i * W + lane] = like(r, 1.0 if i & 0x5555555555555555 == 0 else 0.0)
    else:
        for i in range(len(r)):
            if len(initial):
                r[i] = initial[min(tile, len(initial) - 1), i]
            else:
                r[i] = like(r, 1.0 if i & 0x5555555555555555 == 0 else 0.0)


@inlined
def _rows(values, tile, lanes, W):
    """First row of a tile, and the number of its rows."""
    if lanes is None:
        return tile * W, min(W, len(values) - tile * W)
    return tile, 1


@bridged
def forward(code, index, shared, local, initial, picks, keep, values, scratch, size, queue, tiles, lanes):
    """Run all passes on tiles until none remains.

    picks : int64 (n_strings,)
        Places of the observables' strings.
    keep : (tiles, size) or (0, size)
        Receives the final states, if required.
    values : float64 (n_samples, n_strings)
    """
    W = lanes_of(scratch)
    while True:
        tile = fetch_add(queue, NEXT, 1)
        if tile >= tiles:
            return
        r = keep[tile] if len(keep) else section(scratch, 0, size)
        work = section(scratch, size, len(scratch))
        _start(r, initial, tile, lanes)
        tile_matrices = local[min(tile, len(local) - 1)]
        for p in range(len(code)):
            _apply(r, code[p], index, shared, tile_matrices, work, lanes, 0, 1, False)
        row, count = _rows(values, tile, lanes, W)
        for e in range(len(picks)):
            for lane in range(count):
                values[row + lane, e] = r[entry(picks, e) * (W if lanes is None else 1) + lane]


@bridged
def backward(
    code, index, shared, local, initial, picks, cotangent, by_shared, by_local, start_lam, scratch, size, queue, tiles,
    lanes,
):  # fmt: skip
    """Run tiles forward again, storing every state, and then the adjoint state backward.

    cotangent : float64 (n_samples, n_strings)
    by_shared : float64 (tiles, shared gradient)
        Derivative with respect to the entries [o, j] of the shared matrices, summed over the tile.
    by_local : float64 (tiles, local gradient)
        Derivative with respect to local matrices, as vectors if lanes are samples.
    start_lam : float64 (n_samples, 4**n) or (0, 0)
        The adjoint state before the first pass, if required.
    """
    W = lanes_of(scratch)
    while True:
        tile = fetch_add(queue, NEXT, 1)
        if tile >= tiles:
            return
        work = section(scratch, (len(code) + 1) * size, len(scratch))
        r = section(scratch, 0, size)
        _start(r, initial, tile, lanes)
        tile_matrices = local[min(tile, len(local) - 1)]
        for p in range(len(code)):
            after = section(scratch, (p + 1) * size, (p + 2) * size)
            for o in range(0, size, W):
                store(after, o, load(r, o))
            r = after
            _apply(r, code[p], index, shared, tile_matrices, work, lanes, 0, 1, False)
        lam = r
        _clear(lam, 0, size)
        row, count = _rows(cotangent, tile, lanes, W)
        for e in range(len(picks)):
            for lane in range(count):
                lam[entry(picks, e) * (W if lanes is None else 1) + lane] += like(lam, cotangent[row + lane, e])
        for p in range(len(code) - 1, -1, -1):
            if entry(code[p], GRADIENT) >= 0:
                before = section(scratch, p * size, (p + 1) * size)
                _correlate_pass(lam, before, code[p], index, by_shared[tile], by_local[tile], work, lanes, 0, 1)
            _apply(lam, code[p], index, shared, tile_matrices, work, lanes, 0, 1, True)
        if len(start_lam):
            for lane in range(count):
                for i in range(start_lam.shape[1]):
                    start_lam[row + lane, i] = lam[i * (W if lanes is None else 1) + lane]


@inlined
def _correlate_pass(lam, r, row, index, by_shared, by_local, work, lanes, piece, pieces):
    W, size = lanes_of(r), entry(row, SIZE)
    out = section(work, 0, size * size * W)
    rest = section(work, size * size * W, len(work))
    _clear(out, 0, len(out))
    first, last = _share(len(r) // (W * size), piece, pieces)
    _correlate(lam, r, out, row, index, rest, first, last)
    at = entry(row, GRADIENT)
    for e in range(size * size):
        if lanes is None:
            if entry(row, LOCAL):
                for lane in range(W):
                    by_local[(at + e) * W + lane] = out[e * W + lane]
                continue
        value = lane_sum(load(out, e * W))
        if entry(row, LOCAL):
            by_local[at + e] = value
        else:
            by_shared[at + e] = value


@bridged
def apply_piece(row, index, shared, local, r, backward, scratch, queue, pieces, lanes):
    """Apply one pass to pieces of one state until ``queue`` is empty."""
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= pieces:
            return
        _apply(r, row, index, shared, local, scratch, lanes, piece, pieces, backward)


@bridged
def correlate_piece(row, index, lam, r, by_piece, scratch, queue, pieces, lanes):
    """Derivatives with respect to one pass's matrix from pieces of both states: by_piece (pieces, size * size)."""
    W, size = lanes_of(r), entry(row, SIZE)
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= pieces:
            return
        out = section(scratch, 0, size * size * W)
        _clear(out, 0, len(out))
        first, last = _share(len(r) // (W * size), piece, pieces)
        _correlate(lam, r, out, row, index, section(scratch, size * size * W, len(scratch)), first, last)
        for e in range(size * size):
            by_piece[piece, e] = lane_sum(load(out, e * W))
