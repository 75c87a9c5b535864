"""Steps of a sweep over one tile: angles, start, forward and backward passes, expectations, the adjoint's seed.

These are the serial core of both drivers, `kernels.tiles` and `kernels.big`. A step takes
``packed``, the program's constants, and a thread's ``scratch``, which the layout divides into sections.
A pass may be taken in pieces, for several threads on one state.
"""

from __future__ import annotations

import math

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import angles, diagonals, passes, product
from simulator.engines.numba.kernels.walsh import parity
from simulator.engines.numba.layout.passes import (
    COLUMNS,
    DENSE,
    DENSE_RANK,
    FIRST_TERM,
    KIND,
    LANE_ROTATION,
    LAST_TERM,
    LOCAL,
    MATRIX,
    NEEDED,
    OFFSET,
    PER_TILE,
    PHASES,
    PLACE,
    ROTATION_PAIR,
    SECOND,
    SPEC,
    STORED,
    UNDO,
    UNDO_ADJOINT,
)
from simulator.engines.numba.layout.scratch import (
    BITS,
    BLOCK,
    BUFFER,
    DUALS,
    END,
    GRADIENT,
    PAIRS,
    PRODUCT_STATE,
    QUBITS,
    ROTATIONS,
    SCRATCH,
    SLOTS,
    START,
    TABLES,
    THETA,
    VALUES,
)
from simulator.engines.numba.layout.sections import (
    CHAIN,
    CHAIN_COLUMNS,
    CHAIN_STARTS,
    COEFFICIENTS,
    CONSTANTS,
    COSINE,
    DENSE_SPECS,
    GROUP_COLUMNS,
    GROUPS,
    IS_LOCAL,
    LOCAL_COLUMNS,
    LOCAL_FACTORS,
    LOCAL_LIMIT,
    LOCAL_SLOTS,
    LOCAL_STARTS,
    MINUS_SIGN,
    MINUS_SINE,
    PASSES,
    SIGN,
    SINE,
    SLOT_COLUMNS,
    SLOT_IS_ROTATION,
    SLOT_KAPPA,
    SLOT_KINDS,
    SLOT_LANE_Z,
    STRING_COLUMNS,
    STRING_WEIGHTS,
    STRINGS,
    TERM_COLUMNS,
    TERMS,
    WEIGHT_COLUMNS,
    WEIGHT_FACTORS,
    WEIGHT_STARTS,
)
from simulator.engines.numba.simd import entry, lanes_of, like, load, section, sincos, splat, store, table_view


@inlined
def _vectors(psi):
    """Number of vectors of a state, or of all states of a tile."""
    return len(psi) // (2 * lanes_of(psi))


@part
def set_rotation(rotations, theta, slot, kappa, lane_z, lanes):
    """The vectors c, s, -s, e, -e of one rotation from its angle (see passes.py)."""
    W = lanes_of(rotations)
    o = slot * COEFFICIENTS * W
    one = splat(like(rotations, 1.0 * kappa))
    sine, cosine = sincos(load(theta, slot * W) * splat(like(rotations, 0.5)))
    store(rotations, o + COSINE * W, cosine)
    store(rotations, o + SINE * W, one * sine)
    store(rotations, o + SIGN * W, one)
    if lanes is not None:
        c, s = rotations[o + COSINE * W], rotations[o + SINE * W]
        for lane in range(W):
            sign = like(rotations, 1.0 - 2.0 * parity(lane & lane_z))
            rotations[o + COSINE * W + lane] = c
            rotations[o + SINE * W + lane] = sign * s
            rotations[o + SIGN * W + lane] = sign * like(rotations, 1.0 * kappa)
    minus = splat(like(rotations, -1.0))
    store(rotations, o + MINUS_SINE * W, minus * load(rotations, o + SINE * W))
    store(rotations, o + MINUS_SIGN * W, minus * load(rotations, o + SIGN * W))


@inlined
def integers(packed, number):
    """A section of integers."""
    ints = packed[0]
    at = END + 1 + 2 * number
    begin = entry(ints, at)
    return section(ints, begin, begin + entry(ints, at + 1))


@inlined
def numbers(packed, number):
    """A section of floats."""
    at = END + 1 + 2 * number
    begin = entry(packed[0], at)
    return section(packed[1], begin, begin + entry(packed[0], at + 1))


@inlined
def rows(packed, number, columns):
    """A section of integers as a table."""
    ints = packed[0]
    at = END + 1 + 2 * number
    return table_view(ints, entry(ints, at), entry(ints, at + 1) // columns, columns)


@inlined
def passes_of(packed):
    """Number of passes."""
    return entry(packed[0], END + 2 + 2 * PASSES) // COLUMNS


@inlined
def one_pass(packed, r):
    """The columns of pass r."""
    begin = entry(packed[0], END + 1 + 2 * PASSES) + r * COLUMNS
    return section(packed[0], begin, begin + COLUMNS)


@inlined
def terms_of(packed, row):
    """The Z strings of a phase pass."""
    begin = entry(packed[0], END + 1 + 2 * TERMS) + TERM_COLUMNS * entry(row, FIRST_TERM)
    return table_view(packed[0], begin, entry(row, LAST_TERM) - entry(row, FIRST_TERM), TERM_COLUMNS)


@part
def prepare(packed, weights, base, rotations, tables, scratch, lanes):
    """Compute angles from the weights (``base``), and the coefficients and phase tables that all samples share.

    An additional last entry of ``base`` becomes 1 if an angle overflows, here or in `tile_angles`.
    """
    layout = packed[0]
    slots = rows(packed, SLOT_KINDS, SLOT_COLUMNS)
    is_local = integers(packed, IS_LOCAL)
    constants = numbers(packed, CONSTANTS)
    starts = integers(packed, WEIGHT_STARTS)
    columns = integers(packed, WEIGHT_COLUMNS)
    factors = numbers(packed, WEIGHT_FACTORS)
    W = lanes_of(scratch)
    base[entry(layout, SLOTS)] = 0.0
    for slot in range(entry(layout, SLOTS)):
        angle = entry(constants, slot)
        for e in range(entry(starts, slot), entry(starts, slot + 1)):
            angle += angles.term(entry(factors, e), entry(weights, entry(columns, e)), base)
        base[slot] = angle
    theta = section(scratch, entry(layout, THETA), entry(layout, TABLES))
    buffer = section(scratch, entry(layout, BUFFER), entry(layout, GRADIENT))
    for slot in range(entry(layout, SLOTS)):
        store(theta, slot * W, splat(angles.stored(scratch, base[slot])))
        if slots[slot, SLOT_IS_ROTATION] and not is_local[slot]:
            set_rotation(rotations, theta, slot, slots[slot, SLOT_KAPPA], slots[slot, SLOT_LANE_Z], lanes)
    for r in range(passes_of(packed)):
        row = one_pass(packed, r)
        if entry(row, KIND) == PHASES and entry(row, PLACE) == STORED:
            if lanes is None:
                size = 1 << entry(layout, QUBITS)
                diagonals.fill_phases(
                    scratch,
                    0,
                    terms_of(packed, row),
                    theta,
                    0,
                    entry(layout, QUBITS),
                    buffer,
                    lanes,
                )
                offset = entry(row, OFFSET)
                for i in range(2 * size):  # all lanes are equal, so one number each is stored
                    tables[offset + i] = scratch[i * W]
            else:
                bits = entry(layout, BITS)
                for block in range(1 << (entry(layout, QUBITS) - bits)):
                    offset = entry(row, OFFSET) + block * (2 << bits)
                    diagonals.fill_phases(
                        tables,
                        offset,
                        terms_of(packed, row),
                        theta,
                        block,
                        bits,
                        buffer,
                        lanes,
                    )


@inlined
def _own_rotations(packed, scratch, j):
    """Coefficients of a tile's state j that differ from sample to sample."""
    layout = packed[0]
    size = COEFFICIENTS * lanes_of(scratch) * entry(layout, SLOTS)
    begin = entry(layout, ROTATIONS) + j * size
    return section(scratch, begin, begin + size)


@inlined
def tile_angles(packed, base, X, tile, j, scratch, lanes):
    """Compute angles, coefficients and phase tables that differ from sample to sample.

    ``tile`` is the number of W samples (of one, where lanes are qubits), state j of those in hand.
    """
    layout = packed[0]
    slots = rows(packed, SLOT_KINDS, SLOT_COLUMNS)
    local_slots = integers(packed, LOCAL_SLOTS)
    local_rows = integers(packed, LOCAL_STARTS)
    columns = integers(packed, LOCAL_COLUMNS)
    factors = numbers(packed, LOCAL_FACTORS)
    W = lanes_of(scratch)
    theta = section(scratch, entry(layout, THETA), entry(layout, TABLES))
    if lanes is not None:
        for slot in range(entry(layout, SLOTS)):
            theta[slot * W] = angles.stored(scratch, base[slot])
    if len(local_slots) == 0:
        return
    rotations = _own_rotations(packed, scratch, j)
    most, cancels = entry(numbers(packed, LOCAL_LIMIT), 0), False
    if most < math.inf:
        count = W if lanes is None else 1
        cancels = angles.may_cancel(X, tile * count, min(tile * count + count, len(X)), most)
    for k in range(len(local_slots)):
        slot, begin, end = local_slots[k], local_rows[k], local_rows[k + 1]
        if lanes is None:
            for lane in range(W):
                row = min(tile * W + lane, len(X) - 1)
                value = base[slot]
                for e in range(begin, end):
                    value += factors[e] * X[row, columns[e]]
                theta[slot * W + lane] = like(scratch, value)
        else:
            value = base[slot]
            for e in range(begin, end):
                value += factors[e] * X[tile, columns[e]]
            theta[slot * W] = like(scratch, value)
        if cancels or angles.are_large(theta, slot, lanes):
            angles.set_large(theta, slot, base, X, tile, columns, factors, begin, end, lanes)
        if slots[slot, SLOT_IS_ROTATION]:
            set_rotation(rotations, theta, slot, slots[slot, SLOT_KAPPA], slots[slot, SLOT_LANE_Z], lanes)
    if lanes is None:
        tables = section(scratch, entry(layout, TABLES), entry(layout, BUFFER))
        buffer = section(scratch, entry(layout, BUFFER), entry(layout, GRADIENT))
        for r in range(passes_of(packed)):
            row = one_pass(packed, r)
            if entry(row, KIND) == PHASES and entry(row, PLACE) == PER_TILE:
                diagonals.fill_phases(
                    tables,
                    entry(row, OFFSET),
                    terms_of(packed, row),
                    theta,
                    0,
                    entry(layout, QUBITS),
                    buffer,
                    lanes,
                )


@inlined
def start(packed, psi, shared, initial, tile, j, scratch, lanes):
    """The state before the first pass; see `tile_angles` for ``tile`` and j."""
    layout = packed[0]
    is_local = integers(packed, IS_LOCAL)
    pointers = integers(packed, CHAIN_STARTS)
    chain = rows(packed, CHAIN, CHAIN_COLUMNS)
    W = lanes_of(psi)
    n = entry(layout, QUBITS)
    if entry(layout, START) == PRODUCT_STATE:
        pairs = section(scratch, entry(layout, PAIRS), entry(layout, DUALS))
        local = _own_rotations(packed, scratch, j)
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
    if pieces == 1:  # the common case: avoids a division, which takes as long as a small pass
        return 0, count
    return count * piece // pieces, count * (piece + 1) // pieces


@inlined
def _parts(packed, row, psi, lanes):
    """Parts of a tile that a pass of rotations takes one by one, and their size: states, if angles differ."""
    if lanes is None:
        if entry(row, LOCAL) | entry(row, LOCAL + SECOND):
            bits = entry(packed[0], QUBITS)
            return _vectors(psi) >> bits, (2 * lanes_of(psi)) << bits
    return 1, len(psi)


@inlined
def _dense(layout, row, spec, matrices, column, psi, scratch, lanes, count, piece, pieces):
    """Apply a dense matrix whose offset is in ``column``; programs without one have no ``matrices``."""
    if matrices is None:
        return
    own = spec[entry(row, SPEC) :]
    first, last = _share(count >> entry(own, DENSE_RANK), piece, pieces)
    work = section(scratch, entry(layout, SCRATCH), entry(layout, BLOCK))
    passes.dense(psi, own, matrices, entry(row, column), work, lanes, first, last)


@part
def apply_pass(packed, r, psi, shared, tables, scratch, lanes, piece, pieces):
    """Apply pass r to a piece of the state."""
    layout = packed[0]
    spec = integers(packed, DENSE_SPECS)
    matrices = packed[2]
    row = one_pass(packed, r)
    kind = entry(row, KIND)
    count = _vectors(psi)
    if kind <= ROTATION_PAIR:  # a pair or a single rotation
        parts, size = _parts(packed, row, psi, lanes)
        for j in range(parts):
            own, local = section(psi, j * size, (j + 1) * size), _own_rotations(packed, scratch, j)
            a = local if entry(row, LOCAL) else shared
            if kind == ROTATION_PAIR:
                first, last = _share(_vectors(own) >> 2, piece, pieces)
                b = local if entry(row, LOCAL + SECOND) else shared
                passes.rotate_pair(own, row, a, b, lanes, first, last)
            else:
                first, last = _share(_vectors(own) >> 1, piece, pieces)
                passes.rotate(own, row, a, lanes, first, last)
    elif kind == PHASES:
        bits = entry(layout, BITS)
        if lanes is None:
            splatted = entry(row, PLACE) == STORED
            table = tables if splatted else section(scratch, entry(layout, TABLES), entry(layout, BUFFER))
            one = 1 << entry(layout, QUBITS)
            for begin in range(0, count, one):
                diagonals.multiply_phases(psi, begin, table, entry(row, OFFSET), splatted, one)
        else:
            first, last = _share(1 << (entry(layout, QUBITS) - bits), piece, pieces)
            size = (1 << bits) >> lanes
            theta = section(scratch, entry(layout, THETA), entry(layout, TABLES))
            buffer = section(scratch, entry(layout, BUFFER), entry(layout, GRADIENT))
            own = section(scratch, entry(layout, BLOCK), entry(layout, END))
            for block in range(first, last):
                if entry(row, PLACE) == STORED:
                    offset = entry(row, OFFSET) + block * (2 << bits)
                    diagonals.multiply_phases(psi, block * size, tables, offset, False, size)
                else:
                    diagonals.fill_phases(own, 0, terms_of(packed, row), theta, block, bits, buffer, lanes)
                    diagonals.multiply_phases(psi, block * size, own, 0, False, size)
    if lanes is not None:
        if kind == LANE_ROTATION:
            first, last = _share(count, piece, pieces)
            rotations = _own_rotations(packed, scratch, 0) if entry(row, LOCAL) else shared
            passes.rotate_lanes(psi, row, rotations, lanes, first, last, 0)
    if kind == DENSE:
        _dense(layout, row, spec, matrices, MATRIX, psi, scratch, lanes, count, piece, pieces)


@part
def undo_pass(packed, r, psi, lam, gradient, shared, tables, scratch, lanes, piece, pieces):
    """Undo pass r on a piece of both states and add its derivatives to ``gradient``."""
    layout = packed[0]
    spec = integers(packed, DENSE_SPECS)
    matrices = packed[2]
    row = one_pass(packed, r)
    kind = entry(row, KIND)
    count = _vectors(psi)
    if kind <= ROTATION_PAIR:  # a pair or a single rotation
        parts, size = _parts(packed, row, psi, lanes)
        for j in range(parts):
            own, dual = section(psi, j * size, (j + 1) * size), section(lam, j * size, (j + 1) * size)
            local = _own_rotations(packed, scratch, j)
            a = local if entry(row, LOCAL) else shared
            if kind == ROTATION_PAIR:
                first, last = _share(_vectors(own) >> 2, piece, pieces)
                b = local if entry(row, LOCAL + SECOND) else shared
                passes.unrotate_pair(own, dual, row, a, b, gradient, lanes, first, last)
            else:
                first, last = _share(_vectors(own) >> 1, piece, pieces)
                passes.unrotate(own, dual, row, a, gradient, lanes, first, last)
    elif kind == PHASES:
        buffer = section(scratch, entry(layout, BUFFER), entry(layout, GRADIENT))
        if lanes is None:
            splatted = entry(row, PLACE) == STORED
            table = tables if splatted else section(scratch, entry(layout, TABLES), entry(layout, BUFFER))
            one, needed = 1 << entry(layout, QUBITS), entry(row, NEEDED)
            for begin in range(0, count, one):
                diagonals.undo_phases(
                    psi, lam, begin, table, entry(row, OFFSET), splatted, one, buffer, needed, begin > 0
                )
            if entry(row, NEEDED):
                diagonals.pick_phase_gradients(
                    gradient,
                    terms_of(packed, row),
                    0,
                    entry(layout, QUBITS),
                    buffer,
                    lanes,
                )
        else:
            bits = entry(layout, BITS)
            first, last = _share(1 << (entry(layout, QUBITS) - bits), piece, pieces)
            size = (1 << bits) >> lanes
            theta = section(scratch, entry(layout, THETA), entry(layout, TABLES))
            own = section(scratch, entry(layout, BLOCK), entry(layout, END))
            for block in range(first, last):
                if entry(row, PLACE) == STORED:
                    offset = entry(row, OFFSET) + block * (2 << bits)
                    diagonals.undo_phases(
                        psi, lam, block * size, tables, offset, False, size, buffer, entry(row, NEEDED), False
                    )
                else:
                    diagonals.fill_phases(own, 0, terms_of(packed, row), theta, block, bits, buffer, lanes)
                    diagonals.undo_phases(
                        psi, lam, block * size, own, 0, False, size, buffer, entry(row, NEEDED), False
                    )
                if entry(row, NEEDED):
                    diagonals.pick_phase_gradients(gradient, terms_of(packed, row), block, bits, buffer, lanes)
    if lanes is not None:
        if kind == LANE_ROTATION:
            first, last = _share(count, piece, pieces)
            rotations = _own_rotations(packed, scratch, 0) if entry(row, LOCAL) else shared
            passes.derive_lanes(psi, lam, row, rotations, gradient, lanes, first, last)
            passes.rotate_lanes(psi, row, rotations, lanes, first, last, 1)
            passes.rotate_lanes(lam, row, rotations, lanes, first, last, 1)
    if kind == DENSE:
        _dense(layout, row, spec, matrices, UNDO, psi, scratch, lanes, count, piece, pieces)
        _dense(layout, row, spec, matrices, UNDO_ADJOINT, lam, scratch, lanes, count, piece, pieces)


@part
def expect_all(packed, psi, values, scratch, lanes, piece, pieces):
    """Add the expectations over a piece of the state to the vectors ``values``."""
    layout = packed[0]
    groups = rows(packed, GROUPS, GROUP_COLUMNS)
    strings = rows(packed, STRINGS, STRING_COLUMNS)
    weights = numbers(packed, STRING_WEIGHTS)
    buffer = section(scratch, entry(layout, BUFFER), entry(layout, GRADIENT))
    bits = entry(layout, QUBITS) if lanes is None else entry(layout, BITS)
    first, last = _share(1 << (entry(layout, QUBITS) - bits), piece, pieces)
    for g in range(len(groups)):
        for block in range(first, last):
            diagonals.expect(psi, groups[g], strings, weights, values, block, bits, buffer, lanes)


@part
def seed_all(packed, lam, psi, cotangent, scratch, lanes, piece, pieces):
    """Set a piece of ``lam`` to ``sum_k v_k O_k psi``."""
    layout = packed[0]
    groups = rows(packed, GROUPS, GROUP_COLUMNS)
    strings = rows(packed, STRINGS, STRING_COLUMNS)
    weights = numbers(packed, STRING_WEIGHTS)
    buffer = section(scratch, entry(layout, BUFFER), entry(layout, GRADIENT))
    bits = entry(layout, QUBITS) if lanes is None else entry(layout, BITS)
    first, last = _share(1 << (entry(layout, QUBITS) - bits), piece, pieces)
    for g in range(len(groups)):
        for block in range(first, last):
            diagonals.seed(lam, psi, groups[g], strings, weights, cotangent, block, bits, buffer, lanes, g == 0)


@inlined
def cleared(scratch, begin, end):
    """Clear the section of ``scratch`` from begin to end and return it."""
    own = section(scratch, begin, end)
    for o in range(0, end - begin, lanes_of(scratch)):
        store(own, o, splat(like(scratch, 0.0)))
    return own


@inlined
def finish(packed, psi, lam, gradient, shared, j, scratch, lanes):
    """Derivatives of the gates of the product state, for a tile's state j."""
    layout = packed[0]
    is_local = integers(packed, IS_LOCAL)
    pointers = integers(packed, CHAIN_STARTS)
    chain = rows(packed, CHAIN, CHAIN_COLUMNS)
    pairs = section(scratch, entry(layout, PAIRS), entry(layout, DUALS))
    duals = section(scratch, entry(layout, DUALS), entry(layout, VALUES))
    local = _own_rotations(packed, scratch, j)
    product.qubit_amplitudes(pairs, pointers, chain, shared, local, is_local)
    product.contract(lam, psi, pairs, duals, entry(layout, QUBITS), lanes)
    product.chain_gradients(gradient, pairs, duals, pointers, chain, shared, local, is_local)
