"""The batch driver: threads take whole tiles, which stay in a core's cache from start to end.

A tile is W samples, or a few times W of a small circuit, whose passes then run over several states at once; or
one sample whose lanes are qubits. Tiles are claimed from an atomic counter; what each
contributes is stored by its number and summed in that order, so no result depends on the number of threads.

``queue`` holds the next tile, the number of finished ones, and whether the shared coefficients are there.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, kernel
from simulator.engines.numba.kernels.steps import (
    apply_pass,
    cleared,
    expect_all,
    finish,
    integers,
    numbers,
    passes_of,
    prepare,
    seed_all,
    start,
    tile_angles,
    undo_pass,
)
from simulator.engines.numba.layout.queues import DONE, NEXT, PREPARED, READY
from simulator.engines.numba.layout.scratch import (
    CHAIN_NEEDED,
    FIRST_NEEDED,
    GRADIENT,
    LAM,
    OBSERVABLES,
    PAIRS,
    PRODUCT_STATE,
    PSI,
    SCRATCH,
    SLOTS,
    START,
    STATE,
    VALUES,
)
from simulator.engines.numba.layout.sections import IS_LOCAL, LOCAL_SLOTS, WEIGHT_COLUMNS, WEIGHT_FACTORS, WEIGHT_STARTS
from simulator.engines.numba.simd import entry, fetch_add, lane_sum, lanes_of, like, load, relax, section, splat, store


@inlined
def _prepare_once(packed, weights, base, shared, tables, scratch, queue, lanes):
    """The first thread to come prepares what all share; the others wait for it."""
    if fetch_add(queue, READY, 1) == 0:
        prepare(packed, weights, base, shared, tables, scratch, lanes)
        fetch_add(queue, READY, PREPARED)
    else:
        while fetch_add(queue, READY, 0) < PREPARED:
            relax(queue)


@kernel
def forward(packed, weights, base, shared, tables, X, initial, keep, values, scratch, queue, tiles, states, lanes):
    """Run the circuit and its expectations on tiles until none is left.

    base, shared, tables
        Receive the slots' angles, coefficients and phases that all samples share.
    keep : (tiles, state) or (0, state)
        Where the final states go, if they are wanted.
    values : float64 (n_samples, n_observables), or (0, n) if they are not.
    """
    layout = packed[0]
    W = lanes_of(scratch)
    _prepare_once(packed, weights, base, shared, tables, scratch, queue, lanes)
    while True:
        tile = fetch_add(queue, NEXT, 1)
        if tile >= tiles:
            break
        size = entry(layout, STATE)
        psi = keep[tile] if len(keep) else section(scratch, entry(layout, PSI), entry(layout, PSI) + states * size)
        for j in range(states):
            tile_angles(packed, base, X, tile * states + j, j, scratch, lanes)
            own = section(psi, j * size, (j + 1) * size)
            start(packed, own, shared, initial, tile * states + j, j, scratch, lanes)
        for r in range(passes_of(packed)):
            apply_pass(packed, r, psi, shared, tables, scratch, lanes, 0, 1)
        if len(values):
            for j in range(states):
                number = tile * states + j
                out = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
                expect_all(packed, section(psi, j * size, (j + 1) * size), out, scratch, lanes, 0, 1)
                for k in range(entry(layout, OBSERVABLES)):
                    if lanes is None:
                        for lane in range(min(W, len(values) - number * W)):
                            values[number * W + lane, k] = out[k * W + lane]
                    else:
                        values[number, k] = out[k * W]
        fetch_add(queue, DONE, 1)
    _await_tiles(queue, tiles)


@inlined
def _await_tiles(queue, tiles):
    """Return when all tiles are done: a last one may still be in another thread's hands."""
    while fetch_add(queue, DONE, 0) < tiles:
        relax(queue)


@kernel
def backward(
    packed,
    base,
    shared,
    tables,
    X,
    keep,
    cotangent,
    by_weights,
    by_tile,
    by_sample,
    start_lam,
    seeds,
    scratch,
    queue,
    tiles,
    states,
    lanes,
):
    """Run the adjoint sweep on tiles from the kept states, which it destroys, until none is left.

    cotangent : float64 (n_samples, n_observables)
    by_weights : float64 (n_weights,)
    by_tile : float64 (tiles, slots)
        Derivative by each shared angle, summed over the tile's samples.
    by_sample : float64 (n_samples, local slots)
    start_lam : complex128 (n_samples, 2**n) or (0, 0)
        The adjoint state before the first pass, if wanted.
    seeds : (tiles, state) or (0, state)
        Adjoint states to begin with, in place of those of the observables.
    """
    layout = packed[0]
    local_slots = integers(packed, LOCAL_SLOTS)
    is_local = integers(packed, IS_LOCAL)
    W = lanes_of(scratch)
    while True:
        tile = fetch_add(queue, NEXT, 1)
        if tile >= tiles:
            break
        psi, size = keep[tile], entry(layout, STATE)
        lam = section(scratch, entry(layout, LAM), entry(layout, LAM) + states * size)
        gradient = cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
        if len(seeds):
            given = seeds[tile]
            for o in range(0, states * size, W):
                store(lam, o, load(given, o))
        else:
            for j in range(states):
                number = tile * states + j
                v = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
                for k in range(entry(layout, OBSERVABLES)):
                    if lanes is None:
                        for lane in range(min(W, len(cotangent) - number * W)):
                            v[k * W + lane] = like(scratch, cotangent[number * W + lane, k])
                    else:
                        v[k * W] = like(scratch, cotangent[number, k])
                own, dual = section(psi, j * size, (j + 1) * size), section(lam, j * size, (j + 1) * size)
                seed_all(packed, dual, own, v, scratch, lanes, 0, 1)
        for j in range(states):
            tile_angles(packed, base, X, tile * states + j, j, scratch, lanes)
        for r in range(passes_of(packed) - 1, entry(layout, FIRST_NEEDED) - 1, -1):
            undo_pass(packed, r, psi, lam, gradient, shared, tables, scratch, lanes, 0, 1)
        for j in range(states):
            number = tile * states + j
            own, dual = section(psi, j * size, (j + 1) * size), section(lam, j * size, (j + 1) * size)
            if len(start_lam):
                _unpack(dual, start_lam, number, lanes)
            if entry(layout, START) == PRODUCT_STATE and entry(layout, CHAIN_NEEDED):
                finish(packed, own, dual, gradient, shared, j, scratch, lanes)
            for e in range(len(local_slots)):
                slot = entry(local_slots, e)
                if lanes is None:
                    for lane in range(min(W, len(by_sample) - number * W)):
                        by_sample[number * W + lane, e] = gradient[slot * W + lane]
                else:
                    by_sample[number, e] = lane_sum(load(gradient, slot * W))
                store(gradient, slot * W, splat(like(scratch, 0.0)))
        for slot in range(entry(layout, SLOTS)):
            by_tile[tile, slot] = 0.0 if entry(is_local, slot) else lane_sum(load(gradient, slot * W))
        if fetch_add(queue, DONE, 1) == tiles - 1:
            _sum_by_weights(packed, by_weights, by_tile, by_sample)
            fetch_add(queue, DONE, 1)
    _await_tiles(queue, tiles + 1)


@inlined
def _sum_by_weights(packed, by_weights, by_tile, by_sample):
    """Sum over tiles and samples, in their order, and over each weight's angles."""
    layout = packed[0]
    local_slots = integers(packed, LOCAL_SLOTS)
    starts = integers(packed, WEIGHT_STARTS)
    columns = integers(packed, WEIGHT_COLUMNS)
    factors = numbers(packed, WEIGHT_FACTORS)
    total = by_tile[0]
    for tile in range(1, len(by_tile)):
        for slot in range(entry(layout, SLOTS)):
            total[slot] += by_tile[tile, slot]
    for j in range(len(local_slots)):
        for row in range(len(by_sample)):
            total[entry(local_slots, j)] += by_sample[row, j]
    for k in range(len(by_weights)):
        by_weights[k] = 0.0
    for slot in range(entry(layout, SLOTS)):
        for e in range(entry(starts, slot), entry(starts, slot + 1)):
            by_weights[entry(columns, e)] += entry(factors, e) * total[slot]


@inlined
def _unpack(psi, out, number, lanes):
    """The states of tile ``number`` as complex numbers, to its rows of ``out``, shape (n_samples, 2**n)."""
    W = lanes_of(psi)
    for i in range(out.shape[1]):
        if lanes is None:
            for lane in range(min(W, len(out) - number * W)):
                out[number * W + lane, i] = complex(psi[2 * i * W + lane], psi[2 * i * W + W + lane])
        else:
            o = (i // W) * 2 * W + i % W
            out[number, i] = complex(psi[o], psi[o + W])


@kernel
def unpack(keep, out, states, lanes):
    """Kept tiles as complex numbers, to ``out``, shape (n_samples, 2**n)."""
    for tile in range(len(keep)):
        size = keep.shape[1] // states
        for j in range(states):
            _unpack(section(keep[tile], j * size, (j + 1) * size), out, tile * states + j, lanes)


@inlined
def _pack(states, psi, number, lanes):
    """Rows of ``states``, shape (n_samples, 2**n), as tile ``number``; lanes without a sample are zero."""
    W = lanes_of(psi)
    for i in range(states.shape[1]):
        if lanes is None:
            for lane in range(W):
                row = number * W + lane
                value = states[row, i] if row < len(states) else 0.0j
                psi[2 * i * W + lane] = like(psi, value.real)
                psi[2 * i * W + W + lane] = like(psi, value.imag)
        else:
            o = (i // W) * 2 * W + i % W
            psi[o] = like(psi, states[number, i].real)
            psi[o + W] = like(psi, states[number, i].imag)


@kernel
def pack(states, tiles, per_tile, lanes):
    """Complex numbers, shape (n_samples, 2**n), as tiles of ``per_tile`` states: the inverse of `unpack`."""
    for tile in range(len(tiles)):
        size = tiles.shape[1] // per_tile
        for j in range(per_tile):
            number = tile * per_tile + j
            if lanes is None or number < len(states):
                _pack(states, section(tiles[tile], j * size, (j + 1) * size), number, lanes)
