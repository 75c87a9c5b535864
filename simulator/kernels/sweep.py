"""The compiled entry points: angles to coefficients, samples through a circuit, and back.

Two drivers share one serial core. `forward` and `backward` give each thread whole tiles (W samples, or one
sample whose lanes are qubits), which stay in its cache from start to end. The ``*_part`` entry points give
each thread a part of one pass over one big state. Work is claimed from an atomic counter; what a tile or a
part contributes is stored by its number, so no result depends on the number of threads.

``fixed`` is the tuple of the program's constant arrays, in the order of `simulator.program.Tables`.
"""

from __future__ import annotations

from simulator.jit import inlined, kernel, part
from simulator.kernels import diagonals, passes, product
from simulator.kernels.passes import (
    DENSE,
    KIND,
    LANE_ROTATION,
    LOCAL,
    NEEDED,
    PHASES,
    ROTATION,
    ROTATION_PAIR,
    SECOND,
    SLOT,
)
from simulator.kernels.walsh import parity
from simulator.simd import entry, fetch_add, lane_sum, lanes_of, like, load, sincos, splat, store

# entries of fixed[0], the layout: sizes, and where each section of a thread's scratch begins
QUBITS, BITS, OBSERVABLES, SLOTS, START, FIRST_NEEDED, CHAIN_NEEDED = range(7)
PSI, LAM, ROTATIONS, THETA, TABLES, BUFFER, GRADIENT, PAIRS, DUALS, VALUES, SCRATCH, BLOCK, END = range(7, 20)
PRODUCT_STATE, GIVEN_STATE = 0, 1
STORED, PER_TILE, ON_THE_FLY = 0, 1, 2  # where a phase pass finds its table: its LOCAL column


@inlined
def _vectors(layout, scratch, lanes):
    if lanes is None:
        return 1 << entry(layout, QUBITS)
    return 1 << (entry(layout, QUBITS) - lanes)


@part
def set_rotation(rotations, theta, slot, kappa, lane_z, lanes):
    """The vectors c, s, -s, e, -e of one rotation from its angle (see passes.py)."""
    W = lanes_of(rotations)
    o = slot * 5 * W
    one = splat(like(rotations, 1.0 * kappa))
    sine, cosine = sincos(load(theta, slot * W) * splat(like(rotations, 0.5)))
    store(rotations, o, cosine)
    store(rotations, o + W, one * sine)
    store(rotations, o + 3 * W, one)
    if lanes is not None:
        c, s = rotations[o], rotations[o + W]
        for lane in range(W):
            sign = like(rotations, 1.0 - 2.0 * parity(lane & lane_z))
            rotations[o + lane] = c
            rotations[o + W + lane] = sign * s
            rotations[o + 3 * W + lane] = sign * like(rotations, 1.0 * kappa)
    minus = splat(like(rotations, -1.0))
    store(rotations, o + 2 * W, minus * load(rotations, o + W))
    store(rotations, o + 4 * W, minus * load(rotations, o + 3 * W))


@kernel
def prepare(fixed, constants, starts, columns, factors, weights, base, rotations, tables, scratch, lanes):
    """Angles by the weights (``base``), and coefficients and phase tables that all samples share."""
    layout, code, terms, slots, is_local = fixed[0], fixed[1], fixed[2], fixed[3], fixed[4]
    W = lanes_of(scratch)
    for slot in range(entry(layout, SLOTS)):
        base[slot] = entry(constants, slot)
        for e in range(starts[slot], starts[slot + 1]):
            base[slot] += factors[e] * weights[columns[e]]
    theta = scratch[entry(layout, THETA) : entry(layout, TABLES)]
    buffer = scratch[entry(layout, BUFFER) : entry(layout, GRADIENT)]
    for slot in range(entry(layout, SLOTS)):
        store(theta, slot * W, splat(like(scratch, base[slot])))
        if slots[slot, 2] and not is_local[slot]:
            set_rotation(rotations, theta, slot, slots[slot, 0], slots[slot, 1], lanes)
    for r in range(len(code)):
        row = code[r]
        if entry(row, KIND) == PHASES and entry(row, LOCAL) == STORED:
            if lanes is None:
                size = 1 << entry(layout, QUBITS)
                diagonals.fill_phases(
                    scratch, 0, terms, entry(row, 3), entry(row, 4), theta, 0, entry(layout, QUBITS), buffer, lanes
                )
                offset = entry(row, SLOT)
                for i in range(2 * size):  # all lanes are alike: one number each
                    tables[offset + i] = scratch[i * W]
            else:
                bits = entry(layout, BITS)
                for block in range(1 << (entry(layout, QUBITS) - bits)):
                    offset = entry(row, SLOT) + block * (2 << bits)
                    diagonals.fill_phases(
                        tables, offset, terms, entry(row, 3), entry(row, 4), theta, block, bits, buffer, lanes
                    )


@inlined
def _tile_angles(fixed, base, X, tile, scratch, lanes):
    """Angles and coefficients of what differs from sample to sample, and their phase tables."""
    layout, code, terms, slots = fixed[0], fixed[1], fixed[2], fixed[3]
    local_slots, local_rows, columns, factors = fixed[5], fixed[6], fixed[7], fixed[8]
    W = lanes_of(scratch)
    theta = scratch[entry(layout, THETA) : entry(layout, TABLES)]
    if lanes is not None:
        for slot in range(entry(layout, SLOTS)):
            theta[slot * W] = like(scratch, base[slot])
    if len(local_slots) == 0:
        return
    rotations = scratch[entry(layout, ROTATIONS) : entry(layout, THETA)]
    for j in range(len(local_slots)):
        slot = local_slots[j]
        if lanes is None:
            for lane in range(W):
                row = min(tile * W + lane, len(X) - 1)
                value = base[slot]
                for e in range(local_rows[j], local_rows[j + 1]):
                    value += factors[e] * X[row, columns[e]]
                theta[slot * W + lane] = like(scratch, value)
        else:
            value = base[slot]
            for e in range(local_rows[j], local_rows[j + 1]):
                value += factors[e] * X[tile, columns[e]]
            theta[slot * W] = like(scratch, value)
        if slots[slot, 2]:
            set_rotation(rotations, theta, slot, slots[slot, 0], slots[slot, 1], lanes)
    if lanes is None:
        tables = scratch[entry(layout, TABLES) : entry(layout, BUFFER)]
        buffer = scratch[entry(layout, BUFFER) : entry(layout, GRADIENT)]
        for r in range(len(code)):
            row = code[r]
            if entry(row, KIND) == PHASES and entry(row, LOCAL) == PER_TILE:
                diagonals.fill_phases(
                    tables,
                    entry(row, SLOT),
                    terms,
                    entry(row, 3),
                    entry(row, 4),
                    theta,
                    0,
                    entry(layout, QUBITS),
                    buffer,
                    lanes,
                )


@inlined
def _start(fixed, psi, shared, initial, tile, scratch, lanes):
    """The state before the first pass."""
    layout, is_local, pointers, chain = fixed[0], fixed[4], fixed[9], fixed[10]
    W = lanes_of(psi)
    n = entry(layout, QUBITS)
    if entry(layout, START) == PRODUCT_STATE:
        pairs = scratch[entry(layout, PAIRS) : entry(layout, DUALS)]
        local = scratch[entry(layout, ROTATIONS) : entry(layout, THETA)]
        product.qubit_amplitudes(pairs, pointers, chain, shared, local, is_local)
        product.product_state(psi, pairs, n, lanes)
    elif lanes is None:
        for lane in range(W):
            row = min(tile * W + lane, len(initial) - 1)
            for i in range(1 << n):
                psi[2 * i * W + lane] = like(psi, initial[row, i].real)
                psi[2 * i * W + W + lane] = like(psi, initial[row, i].imag)
    else:
        row = min(tile, len(initial) - 1)
        for i in range(1 << n):
            o = (i // W) * 2 * W + i % W
            psi[o] = like(psi, initial[row, i].real)
            psi[o + W] = like(psi, initial[row, i].imag)


@inlined
def _share(count, piece, pieces):
    return count * piece // pieces, count * (piece + 1) // pieces


@inlined
def _dense(layout, row, spec, matrices, column, psi, scratch, lanes, count, piece, pieces):
    """A dense matrix whose place is in the given column; programs without any have no ``spec``."""
    if spec is None:
        return
    own = spec[entry(row, 1) :]
    first, last = _share(count >> entry(own, 1), piece, pieces)
    work = scratch[entry(layout, SCRATCH) : entry(layout, BLOCK)]
    passes.dense(psi, own, matrices, entry(row, column), work, lanes, first, last)


@part
def apply_pass(fixed, r, psi, shared, tables, scratch, lanes, piece, pieces):
    """Pass r on the given piece of the state."""
    layout, code, terms, spec, matrices = fixed[0], fixed[1], fixed[2], fixed[14], fixed[15]
    row = code[r]
    kind = entry(row, KIND)
    count = _vectors(layout, psi, lanes)
    local = scratch[entry(layout, ROTATIONS) : entry(layout, THETA)]
    if kind == ROTATION_PAIR:
        first, last = _share(count >> 2, piece, pieces)
        a = local if entry(row, LOCAL) else shared
        b = local if entry(row, LOCAL + SECOND) else shared
        passes.rotate_pair(psi, row, a, b, lanes, first, last)
    elif kind == ROTATION:
        first, last = _share(count >> 1, piece, pieces)
        passes.rotate(psi, row, local if entry(row, LOCAL) else shared, lanes, first, last)
    elif kind == PHASES:
        bits = entry(layout, BITS)
        if lanes is None:
            splatted = entry(row, LOCAL) == STORED
            table = tables if splatted else scratch[entry(layout, TABLES) : entry(layout, BUFFER)]
            diagonals.multiply_phases(psi, 0, table, entry(row, SLOT), splatted, count)
        else:
            first, last = _share(1 << (entry(layout, QUBITS) - bits), piece, pieces)
            size = (1 << bits) >> lanes
            theta = scratch[entry(layout, THETA) : entry(layout, TABLES)]
            buffer = scratch[entry(layout, BUFFER) : entry(layout, GRADIENT)]
            own = scratch[entry(layout, BLOCK) : entry(layout, END)]
            for block in range(first, last):
                if entry(row, LOCAL) == STORED:
                    offset = entry(row, SLOT) + block * (2 << bits)
                    diagonals.multiply_phases(psi, block * size, tables, offset, False, size)
                else:
                    diagonals.fill_phases(
                        own, 0, terms, entry(row, 3), entry(row, 4), theta, block, bits, buffer, lanes
                    )
                    diagonals.multiply_phases(psi, block * size, own, 0, False, size)
    if lanes is not None:
        if kind == LANE_ROTATION:
            first, last = _share(count, piece, pieces)
            passes.rotate_lanes(psi, row, local if entry(row, LOCAL) else shared, lanes, first, last, 0)
    if kind == DENSE:
        _dense(layout, row, spec, matrices, 2, psi, scratch, lanes, count, piece, pieces)


@part
def undo_pass(fixed, r, psi, lam, gradient, shared, tables, scratch, lanes, piece, pieces):
    """Undo pass r on the given piece of both states and add its derivatives to ``gradient``."""
    layout, code, terms, spec, matrices = fixed[0], fixed[1], fixed[2], fixed[14], fixed[15]
    row = code[r]
    kind = entry(row, KIND)
    count = _vectors(layout, psi, lanes)
    local = scratch[entry(layout, ROTATIONS) : entry(layout, THETA)]
    if kind == ROTATION_PAIR:
        first, last = _share(count >> 2, piece, pieces)
        a = local if entry(row, LOCAL) else shared
        b = local if entry(row, LOCAL + SECOND) else shared
        passes.unrotate_pair(psi, lam, row, a, b, gradient, lanes, first, last)
    elif kind == ROTATION:
        first, last = _share(count >> 1, piece, pieces)
        passes.unrotate(psi, lam, row, local if entry(row, LOCAL) else shared, gradient, lanes, first, last)
    elif kind == PHASES:
        buffer = scratch[entry(layout, BUFFER) : entry(layout, GRADIENT)]
        if lanes is None:
            splatted = entry(row, LOCAL) == STORED
            table = tables if splatted else scratch[entry(layout, TABLES) : entry(layout, BUFFER)]
            diagonals.undo_phases(psi, lam, 0, table, entry(row, SLOT), splatted, count, buffer, entry(row, NEEDED))
            if entry(row, NEEDED):
                diagonals.pick_phase_gradients(
                    gradient, terms, entry(row, 3), entry(row, 4), 0, entry(layout, QUBITS), buffer, lanes
                )
        else:
            bits = entry(layout, BITS)
            first, last = _share(1 << (entry(layout, QUBITS) - bits), piece, pieces)
            size = (1 << bits) >> lanes
            theta = scratch[entry(layout, THETA) : entry(layout, TABLES)]
            own = scratch[entry(layout, BLOCK) : entry(layout, END)]
            for block in range(first, last):
                if entry(row, LOCAL) == STORED:
                    offset = entry(row, SLOT) + block * (2 << bits)
                    diagonals.undo_phases(
                        psi, lam, block * size, tables, offset, False, size, buffer, entry(row, NEEDED)
                    )
                else:
                    diagonals.fill_phases(
                        own, 0, terms, entry(row, 3), entry(row, 4), theta, block, bits, buffer, lanes
                    )
                    diagonals.undo_phases(psi, lam, block * size, own, 0, False, size, buffer, entry(row, NEEDED))
                if entry(row, NEEDED):
                    diagonals.pick_phase_gradients(
                        gradient, terms, entry(row, 3), entry(row, 4), block, bits, buffer, lanes
                    )
    if lanes is not None:
        if kind == LANE_ROTATION:
            first, last = _share(count, piece, pieces)
            rotations = local if entry(row, LOCAL) else shared
            passes.derive_lanes(psi, lam, row, rotations, gradient, lanes, first, last)
            passes.rotate_lanes(psi, row, rotations, lanes, first, last, 1)
            passes.rotate_lanes(lam, row, rotations, lanes, first, last, 1)
    if kind == DENSE:
        _dense(layout, row, spec, matrices, 3, psi, scratch, lanes, count, piece, pieces)
        _dense(layout, row, spec, matrices, 4, lam, scratch, lanes, count, piece, pieces)


@part
def expect_all(fixed, psi, values, scratch, lanes, piece, pieces):
    """Add the expectations over the given piece of the state to the vectors ``values``."""
    layout, groups, strings, weights = fixed[0], fixed[11], fixed[12], fixed[13]
    buffer = scratch[entry(layout, BUFFER) : entry(layout, GRADIENT)]
    bits = entry(layout, QUBITS) if lanes is None else entry(layout, BITS)
    first, last = _share(1 << (entry(layout, QUBITS) - bits), piece, pieces)
    for g in range(len(groups)):
        for block in range(first, last):
            diagonals.expect(psi, groups[g], strings, weights, values, block, bits, buffer, lanes)


@part
def seed_all(fixed, lam, psi, cotangent, scratch, lanes, piece, pieces):
    """Set the given piece of ``lam`` to ``sum_k v_k O_k psi``."""
    layout, groups, strings, weights = fixed[0], fixed[11], fixed[12], fixed[13]
    buffer = scratch[entry(layout, BUFFER) : entry(layout, GRADIENT)]
    bits = entry(layout, QUBITS) if lanes is None else entry(layout, BITS)
    first, last = _share(1 << (entry(layout, QUBITS) - bits), piece, pieces)
    for g in range(len(groups)):
        for block in range(first, last):
            diagonals.seed(lam, psi, groups[g], strings, weights, cotangent, block, bits, buffer, lanes, g == 0)


@inlined
def _cleared(scratch, begin, end):
    section = scratch[begin:end]
    for o in range(0, end - begin, lanes_of(scratch)):
        store(section, o, splat(like(scratch, 0.0)))
    return section


@kernel
def forward(fixed, base, shared, tables, X, initial, keep, values, scratch, queue, tiles, lanes):
    """Take tiles from ``queue`` until none is left: run the circuit and its expectations.

    keep : (tiles, state) or (0, state)
        Where the final states go, if they are wanted.
    values : float64 (n_samples, n_observables), or (0, n) if they are not.
    """
    layout = fixed[0]
    W = lanes_of(scratch)
    while True:
        tile = fetch_add(queue, 1)
        if tile >= tiles:
            return
        psi = keep[tile] if len(keep) else scratch[entry(layout, PSI) : entry(layout, LAM)]
        _tile_angles(fixed, base, X, tile, scratch, lanes)
        _start(fixed, psi, shared, initial, tile, scratch, lanes)
        for r in range(len(fixed[1])):
            apply_pass(fixed, r, psi, shared, tables, scratch, lanes, 0, 1)
        if len(values):
            out = _cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
            expect_all(fixed, psi, out, scratch, lanes, 0, 1)
            for k in range(entry(layout, OBSERVABLES)):
                if lanes is None:
                    for lane in range(min(W, len(values) - tile * W)):
                        values[tile * W + lane, k] = out[k * W + lane]
                else:
                    values[tile, k] = out[k * W]


@inlined
def _finish(fixed, psi, lam, gradient, shared, scratch, lanes):
    """Derivatives of the gates that made the product state."""
    layout, is_local, pointers, chain = fixed[0], fixed[4], fixed[9], fixed[10]
    pairs = scratch[entry(layout, PAIRS) : entry(layout, DUALS)]
    duals = scratch[entry(layout, DUALS) : entry(layout, VALUES)]
    local = scratch[entry(layout, ROTATIONS) : entry(layout, THETA)]
    product.qubit_amplitudes(pairs, pointers, chain, shared, local, is_local)
    product.contract(lam, psi, pairs, duals, entry(layout, QUBITS), lanes)
    product.chain_gradients(gradient, pairs, duals, pointers, chain, shared, local, is_local)


@kernel
def backward(
    fixed, base, shared, tables, X, keep, cotangent, by_tile, by_sample, start_lam, scratch, queue, tiles, lanes
):
    """Take tiles from ``queue`` until none is left: run the adjoint sweep from the kept states, which it destroys.

    cotangent : float64 (n_samples, n_observables)
    by_tile : float64 (tiles, slots)
        Derivative by each shared angle, summed over the tile's samples.
    by_sample : float64 (n_samples, local slots)
    start_lam : complex128 (n_samples, 2**n) or (0, 0)
        The adjoint state before the first pass, if wanted.
    """
    layout, local_slots, is_local = fixed[0], fixed[5], fixed[4]
    W = lanes_of(scratch)
    while True:
        tile = fetch_add(queue, 1)
        if tile >= tiles:
            return
        psi = keep[tile]
        lam = scratch[entry(layout, LAM) : entry(layout, ROTATIONS)]
        _tile_angles(fixed, base, X, tile, scratch, lanes)
        gradient = _cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
        v = _cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
        for k in range(entry(layout, OBSERVABLES)):
            if lanes is None:
                for lane in range(min(W, len(cotangent) - tile * W)):
                    v[k * W + lane] = like(scratch, cotangent[tile * W + lane, k])
            else:
                v[k * W] = like(scratch, cotangent[tile, k])
        seed_all(fixed, lam, psi, v, scratch, lanes, 0, 1)
        for r in range(len(fixed[1]) - 1, entry(layout, FIRST_NEEDED) - 1, -1):
            undo_pass(fixed, r, psi, lam, gradient, shared, tables, scratch, lanes, 0, 1)
        if len(start_lam):
            for i in range(1 << entry(layout, QUBITS)):
                if lanes is None:
                    for lane in range(min(W, len(start_lam) - tile * W)):
                        o = 2 * i * W + lane
                        start_lam[tile * W + lane, i] = complex(lam[o], lam[o + W])
                else:
                    o = (i // W) * 2 * W + i % W
                    start_lam[tile, i] = complex(lam[o], lam[o + W])
        if entry(layout, START) == PRODUCT_STATE and entry(layout, CHAIN_NEEDED):
            _finish(fixed, psi, lam, gradient, shared, scratch, lanes)
        for slot in range(entry(layout, SLOTS)):
            if not is_local[slot]:
                by_tile[tile, slot] = lane_sum(load(gradient, slot * W))
        for j in range(len(local_slots)):
            slot = local_slots[j]
            if lanes is None:
                for lane in range(min(W, len(by_sample) - tile * W)):
                    by_sample[tile * W + lane, j] = gradient[slot * W + lane]
            else:
                by_sample[tile, j] = lane_sum(load(gradient, slot * W))


@kernel
def unpack(psi, out, lanes):
    """A tile's states as complex numbers, shape (samples of the tile, 2**n)."""
    W = lanes_of(psi)
    for i in range(out.shape[1]):
        if lanes is None:
            for lane in range(len(out)):
                out[lane, i] = complex(psi[2 * i * W + lane], psi[2 * i * W + W + lane])
        else:
            o = (i // W) * 2 * W + i % W
            out[0, i] = complex(psi[o], psi[o + W])


@kernel
def big_start(fixed, base, shared, X, initial, psi, scratch, lanes):
    """Angles of the one sample in X and the state before the first pass."""
    _tile_angles(fixed, base, X, 0, scratch, lanes)
    _start(fixed, psi, shared, initial, 0, scratch, lanes)


@kernel
def big_start_angles(fixed, base, X, scratch, lanes):
    """Angles of the one sample in X, to ``scratch``."""
    _tile_angles(fixed, base, X, 0, scratch, lanes)


@kernel
def big_apply(fixed, r, base, psi, shared, tables, X, scratch, queue, pieces, lanes):
    """Pieces of pass r, until ``queue`` has no more."""
    _tile_angles(fixed, base, X, 0, scratch, lanes)
    while True:
        piece = fetch_add(queue, 1)
        if piece >= pieces:
            return
        apply_pass(fixed, r, psi, shared, tables, scratch, lanes, piece, pieces)


@kernel
def big_expect(fixed, psi, values, scratch, queue, pieces, lanes):
    """Expectations of pieces of the state: values (pieces, n_observables)."""
    layout = fixed[0]
    W = lanes_of(scratch)
    while True:
        piece = fetch_add(queue, 1)
        if piece >= pieces:
            return
        out = _cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
        expect_all(fixed, psi, out, scratch, lanes, piece, pieces)
        for k in range(entry(layout, OBSERVABLES)):
            values[piece, k] = out[k * W]


@kernel
def big_seed(fixed, lam, psi, cotangent, scratch, queue, pieces, lanes):
    """Pieces of the adjoint state ``sum_k v_k O_k psi``; cotangent (n_observables,)."""
    layout = fixed[0]
    W = lanes_of(scratch)
    v = _cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
    for k in range(entry(layout, OBSERVABLES)):
        v[k * W] = like(scratch, cotangent[k])
    while True:
        piece = fetch_add(queue, 1)
        if piece >= pieces:
            return
        seed_all(fixed, lam, psi, v, scratch, lanes, piece, pieces)


@kernel
def big_undo(fixed, r, base, psi, lam, shared, tables, X, by_piece, scratch, queue, pieces, lanes):
    """Undo pieces of pass r on both states; ``by_piece`` (pieces, slots) receives their derivatives."""
    layout = fixed[0]
    W = lanes_of(scratch)
    _tile_angles(fixed, base, X, 0, scratch, lanes)
    while True:
        piece = fetch_add(queue, 1)
        if piece >= pieces:
            return
        gradient = _cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
        undo_pass(fixed, r, psi, lam, gradient, shared, tables, scratch, lanes, piece, pieces)
        for slot in range(entry(layout, SLOTS)):
            by_piece[piece, slot] += lane_sum(load(gradient, slot * W))


@kernel
def big_finish(fixed, psi, lam, shared, gradient, scratch, lanes):
    """Derivatives of the product state's gates, added to gradient (slots,)."""
    layout = fixed[0]
    W = lanes_of(scratch)
    sums = _cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
    _finish(fixed, psi, lam, sums, shared, scratch, lanes)
    for slot in range(entry(layout, SLOTS)):
        gradient[slot] += lane_sum(load(sums, slot * W))
