"""Calculations on large states besides stages, in pieces: start, expectations, the adjoint's seed and end.

Pieces are claimed from an atomic counter, and their number is fixed, so that sums do not depend on the number of
threads.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, kernel
from simulator.engines.numba.kernels import product
from simulator.engines.numba.kernels.preparation import prepare, start, tile_angles
from simulator.engines.numba.kernels.sections import cleared, ends_of, integers, rows
from simulator.engines.numba.kernels.steps import expect_all, seed_all
from simulator.engines.numba.layout.queues import NEXT_PIECE
from simulator.engines.numba.layout.scratch import (
    DUALS,
    GRADIENT,
    OBSERVABLES,
    PAIRS,
    QUBITS,
    ROTATIONS,
    SCRATCH,
    SLOTS,
    THETA,
    VALUES,
)
from simulator.engines.numba.layout.sections import CHAIN, CHAIN_COLUMNS, CHAIN_STARTS, IS_LOCAL
from simulator.engines.numba.simd import (
    count_ones,
    entry,
    fetch_add,
    lane_sum,
    lanes_of,
    like,
    load,
    parts_of,
    section,
    splat,
    store,
)


@kernel
def big_start(packed, weights, base, shared, tables, X, initial, psi, scratch, lanes):
    """Prepare all angles and coefficients for the single sample in X, and the state if ``initial`` contains it."""
    prepare(packed, weights, base, shared, tables, scratch, lanes)
    if len(initial):
        tile_angles(packed, base, X, 0, 0, scratch, lanes)
        start(packed, psi, shared, initial, 0, 0, scratch, lanes)


@bridged
def big_product(packed, base, X, psi, shared, scratch, queue, pieces, lanes):
    """Write pieces of the product state: the product of the lower qubits times one number of the upper qubits."""
    layout = packed[0]
    is_local = integers(packed, IS_LOCAL)
    pointers = integers(packed, CHAIN_STARTS)
    chain = rows(packed, CHAIN, CHAIN_COLUMNS)
    tile_angles(packed, base, X, 0, 0, scratch, lanes)
    W = lanes_of(psi)
    pairs = section(scratch, entry(layout, PAIRS), entry(layout, DUALS))
    local = section(scratch, entry(layout, ROTATIONS), entry(layout, THETA))
    product.qubit_amplitudes(pairs, pointers, ends_of(pointers), chain, shared, local, is_local, 0)
    a0, a1, b0, b1 = load(pairs, 0), load(pairs, W), load(pairs, 2 * W), load(pairs, 3 * W)
    size = len(psi) // pieces
    low = entry(layout, QUBITS) - count_ones(pieces - 1)
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= pieces:
            return
        c, s = splat(like(psi, 1.0)), splat(like(psi, 0.0))
        for q in range(low, entry(layout, QUBITS)):
            o = q * 4 * W + 2 * W * (piece >> (q - low) & 1)
            d, e = load(pairs, o), load(pairs, o + W)
            c, s = c * d - s * e, c * e + s * d
        store(pairs, 0, a0 * c - a1 * s)
        store(pairs, W, a0 * s + a1 * c)
        store(pairs, 2 * W, b0 * c - b1 * s)
        store(pairs, 3 * W, b0 * s + b1 * c)
        product.product_state(section(psi, piece * size, (piece + 1) * size), pairs, low, lanes)


@bridged
def big_given(amplitudes, psi, scratch, queue, pieces, lanes):
    """Write pieces of an explicit initial state, ``amplitudes`` (2**n,)."""
    W = lanes_of(psi)
    size = len(amplitudes) // pieces
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= pieces:
            return
        for i in range(piece * size, (piece + 1) * size, W):
            re, im = parts_of(psi, amplitudes, i)
            store(psi, 2 * i, re)
            store(psi, 2 * i + W, im)


@bridged
def big_expect(packed, psi, values, scratch, queue, pieces, lanes):
    """Compute expectations of pieces of the state: values (pieces, n_observables)."""
    layout = packed[0]
    W = lanes_of(scratch)
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= pieces:
            return
        out = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
        expect_all(packed, psi, out, scratch, lanes, piece, pieces)
        for k in range(entry(layout, OBSERVABLES)):
            values[piece, k] = out[k * W]


@bridged
def big_seed(packed, lam, psi, cotangent, scratch, queue, pieces, lanes):
    """Write pieces of the adjoint state ``sum_k v_k O_k psi``; cotangent (n_observables,)."""
    layout = packed[0]
    W = lanes_of(scratch)
    v = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
    for k in range(entry(layout, OBSERVABLES)):
        v[k * W] = like(scratch, cotangent[k])
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= pieces:
            return
        seed_all(packed, lam, psi, v, scratch, lanes, piece, pieces)


@bridged
def big_contract(packed, base, X, psi, lam, shared, parts, scratch, queue, pieces, lanes):
    """Contract pieces of the adjoint state with the product state's amplitudes; both states are overwritten.

    parts (pieces, 4 n + 2) receives the lower qubits' adjoint amplitudes, as they are in `product.contract`, times
    those of the upper qubits in this piece; and the piece's contraction with all lower qubits.
    """
    layout = packed[0]
    is_local = integers(packed, IS_LOCAL)
    pointers = integers(packed, CHAIN_STARTS)
    chain = rows(packed, CHAIN, CHAIN_COLUMNS)
    tile_angles(packed, base, X, 0, 0, scratch, lanes)
    W, n = lanes_of(psi), entry(layout, QUBITS)
    pairs = section(scratch, entry(layout, PAIRS), entry(layout, DUALS))
    duals = section(scratch, entry(layout, DUALS), entry(layout, VALUES))
    local = section(scratch, entry(layout, ROTATIONS), entry(layout, THETA))
    product.qubit_amplitudes(pairs, pointers, ends_of(pointers), chain, shared, local, is_local, 0)
    size = len(psi) // pieces
    low = n - count_ones(pieces - 1)
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= pieces:
            return
        c, s = 1.0, 0.0
        for q in range(low, n):
            o = q * 4 * W + 2 * W * (piece >> (q - low) & 1)
            c, s = c * pairs[o] - s * pairs[o + W], c * pairs[o + W] + s * pairs[o]
        first, last = piece * size, (piece + 1) * size
        product.contract(section(lam, first, last), section(psi, first, last), pairs, duals, low, lanes)
        for q in range(low):
            for h in range(2):
                re, im = duals[(4 * q + 2 * h) * W], duals[(4 * q + 2 * h + 1) * W]
                parts[piece, 4 * q + 2 * h] = c * re + s * im
                parts[piece, 4 * q + 2 * h + 1] = c * im - s * re
        parts[piece, 4 * n], parts[piece, 4 * n + 1] = lam[first], lam[first + W]


@kernel
def big_finish(packed, base, X, parts, shared, gradient, scratch, lanes):
    """Derivatives of the product state's gates from what `big_contract` left, added to gradient (slots,)."""
    layout = packed[0]
    is_local = integers(packed, IS_LOCAL)
    pointers = integers(packed, CHAIN_STARTS)
    chain = rows(packed, CHAIN, CHAIN_COLUMNS)
    tile_angles(packed, base, X, 0, 0, scratch, lanes)
    W, n = lanes_of(scratch), entry(layout, QUBITS)
    pairs = section(scratch, entry(layout, PAIRS), entry(layout, DUALS))
    local = section(scratch, entry(layout, ROTATIONS), entry(layout, THETA))
    sums = cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
    product.qubit_amplitudes(pairs, pointers, ends_of(pointers), chain, shared, local, is_local, 0)
    duals = cleared(scratch, entry(layout, DUALS), entry(layout, VALUES))
    low = n - count_ones(len(parts) - 1)
    for piece in range(len(parts)):
        for e in range(4 * low):
            duals[e * W] += like(duals, parts[piece, e])
        for q in range(low, n):  # the others of the upper qubits, conjugated, times the contraction
            re, im = parts[piece, 4 * n], parts[piece, 4 * n + 1]
            for other in range(low, n):
                if other != q:
                    o = other * 4 * W + 2 * W * (piece >> (other - low) & 1)
                    re, im = pairs[o] * re + pairs[o + W] * im, pairs[o] * im - pairs[o + W] * re
            at = (4 * q + 2 * (piece >> (q - low) & 1)) * W
            duals[at] += like(duals, re)
            duals[at + W] += like(duals, im)
    product.chain_gradients(sums, pairs, duals, pointers, ends_of(pointers), chain, shared, local, is_local)
    for slot in range(entry(layout, SLOTS)):
        gradient[slot] += lane_sum(load(sums, slot * W))
