"""What a big state needs beside its stages: its start, expectations, the adjoint's seed and end, in pieces.

Pieces are claimed from an atomic counter and there is a fixed number of them, so that sums do not depend on
the number of threads.
"""

from __future__ import annotations

from simulator.jit import kernel
from simulator.kernels.steps import (
    GRADIENT,
    OBSERVABLES,
    PAIRS,
    SCRATCH,
    SLOTS,
    VALUES,
    cleared,
    expect_all,
    finish,
    opened,
    prepare,
    seed_all,
    start,
    tile_angles,
)
from simulator.simd import entry, fetch_add, lane_sum, lanes_of, like, load


@kernel
def big_start(packed, weights, base, shared, tables, X, initial, psi, scratch, lanes):
    """Prepare all angles and coefficients, and the state before the first pass for the one sample in X."""
    fixed = opened(packed)
    prepare(fixed, weights, base, shared, tables, scratch, lanes)
    tile_angles(fixed, base, X, 0, scratch, lanes)
    start(fixed, psi, shared, initial, 0, scratch, lanes)


@kernel
def big_expect(packed, psi, values, scratch, queue, pieces, lanes):
    """Expectations of pieces of the state: values (pieces, n_observables)."""
    fixed = opened(packed)
    layout = fixed[0]
    W = lanes_of(scratch)
    while True:
        piece = fetch_add(queue, 0, 1)
        if piece >= pieces:
            return
        out = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
        expect_all(fixed, psi, out, scratch, lanes, piece, pieces)
        for k in range(entry(layout, OBSERVABLES)):
            values[piece, k] = out[k * W]


@kernel
def big_seed(packed, lam, psi, cotangent, scratch, queue, pieces, lanes):
    """Pieces of the adjoint state ``sum_k v_k O_k psi``; cotangent (n_observables,)."""
    fixed = opened(packed)
    layout = fixed[0]
    W = lanes_of(scratch)
    v = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
    for k in range(entry(layout, OBSERVABLES)):
        v[k * W] = like(scratch, cotangent[k])
    while True:
        piece = fetch_add(queue, 0, 1)
        if piece >= pieces:
            return
        seed_all(fixed, lam, psi, v, scratch, lanes, piece, pieces)


@kernel
def big_finish(packed, base, X, psi, lam, shared, gradient, scratch, lanes):
    """Derivatives of the product state's gates, added to gradient (slots,)."""
    fixed = opened(packed)
    layout = fixed[0]
    W = lanes_of(scratch)
    tile_angles(fixed, base, X, 0, scratch, lanes)
    sums = cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
    finish(fixed, psi, lam, sums, shared, scratch, lanes)
    for slot in range(entry(layout, SLOTS)):
        gradient[slot] += lane_sum(load(sums, slot * W))
