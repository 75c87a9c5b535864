"""Steps before the first pass: angles, coefficients and phase tables, and the initial state.

What all samples share is prepared once (`prepare`), what differs from sample to sample for each tile (`tile_angles`).
"""

from __future__ import annotations

import math

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import angles, diagonals, encoding, fused, product
from simulator.engines.numba.kernels.sections import (
    ends_of,
    integers,
    local_rotations,
    numbers,
    one_pass,
    passes_of,
    rows,
    terms_of,
)
from simulator.engines.numba.kernels.walsh import parity
from simulator.engines.numba.layout.passes import FUSED, KIND, OFFSET, PER_TILE, PHASES, PLACE, STORED
from simulator.engines.numba.layout.scratch import (
    BITS,
    BUFFER,
    DUALS,
    FOLD,
    GRADIENT,
    PAIRS,
    PRODUCT_STATE,
    QUBITS,
    SLOTS,
    START,
    TABLES,
    THETA,
    VALUES,
)
from simulator.engines.numba.layout.sections import (
    CHAIN,
    CHAIN_COLUMNS,
    CHAIN_SPLITS,
    CHAIN_STARTS,
    COEFFICIENTS,
    CONSTANTS,
    COSINE,
    IS_LOCAL,
    LOCAL_COLUMNS,
    LOCAL_FACTORS,
    LOCAL_LIMIT,
    LOCAL_SLOTS,
    LOCAL_STARTS,
    MINUS_SIGN,
    MINUS_SINE,
    SIGN,
    SINE,
    SLOT_COLUMNS,
    SLOT_IS_ROTATION,
    SLOT_KAPPA,
    SLOT_KINDS,
    SLOT_LANE_Z,
    WEIGHT_COLUMNS,
    WEIGHT_FACTORS,
    WEIGHT_STARTS,
)
from simulator.engines.numba.simd import (
    column_of,
    entry,
    lanes_of,
    like,
    load,
    repeated,
    rounded,
    section,
    sincos,
    splat,
    store,
)


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


@part
def prepare(packed, weights, base, rotations, tables, scratch, doubled, lanes):
    """Compute angles from the weights (``base``), and the coefficients and phase tables that all samples share.

    The layer that begins with pass ``doubled`` has twice its angles, see `kernels.doubled`; below 0, none has.
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
    if lanes is None:
        splits, pointers = integers(packed, CHAIN_SPLITS), integers(packed, CHAIN_STARTS)
        chain = rows(packed, CHAIN, CHAIN_COLUMNS)
        encoding.prepare_matrices(rotations, splits, pointers, chain, is_local, entry(layout, SLOTS))
    for r in range(passes_of(packed)):
        row = one_pass(packed, r)
        if lanes is None:
            if entry(row, KIND) == FUSED and entry(row, OFFSET) >= 0:
                fused.prepare(packed, r, theta, tables, buffer, r == doubled)
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
    rotations = local_rotations(packed, scratch, j)
    most, cancels = entry(numbers(packed, LOCAL_LIMIT), 0), False
    if most < math.inf:
        count = W if lanes is None else 1
        cancels = angles.may_cancel(X, tile * count, min(tile * count + count, len(X)), most)
    for k in range(len(local_slots)):
        slot, begin, end = local_slots[k], local_rows[k], local_rows[k + 1]
        if lanes is None:
            values = repeated(theta, entry(base, slot))
            for e in range(begin, end):
                values = values + repeated(theta, entry(factors, e)) * column_of(theta, X, tile * W, entry(columns, e))
            store(theta, slot * W, rounded(theta, values))
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
        local = local_rotations(packed, scratch, j)
        if lanes is None:
            duals = section(scratch, entry(layout, DUALS), entry(layout, VALUES))
            splits, slots = integers(packed, CHAIN_SPLITS), entry(layout, SLOTS)
            encoding.amplitudes(pairs, duals, splits, pointers, chain, shared, local, is_local, slots)
            buffer = section(scratch, entry(layout, BUFFER), entry(layout, GRADIENT))
            encoding.write_product(psi, pairs, n, entry(layout, FOLD), buffer)
        else:
            product.qubit_amplitudes(pairs, pointers, ends_of(pointers), chain, shared, local, is_local, 0)
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
