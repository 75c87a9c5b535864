"""Steps of a sweep over one tile: forward and backward passes, expectations, the adjoint's seed and its end.

These are the serial core of both drivers, `kernels.tiles` and `kernels.big`, after `kernels.preparation`. A step takes
``packed``, the program's constants, and a thread's ``scratch`` (`kernels.sections`). A pass may be taken in pieces, for
several threads on one state.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import diagonals, encoding, passes, product, segments
from simulator.engines.numba.kernels.sections import (
    cleared,
    ends_of,
    integers,
    local_rotations,
    numbers,
    one_pass,
    rows,
    terms_of,
)
from simulator.engines.numba.layout.passes import (
    DENSE,
    DENSE_RANK,
    FUSED,
    KIND,
    LANE_ROTATION,
    LOCAL,
    MATRIX,
    NEEDED,
    OFFSET,
    PHASES,
    PLACE,
    ROTATION,
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
    CHAIN_NEEDED,
    DUALS,
    ENCODING_NEEDED,
    END,
    FIRST_NEEDED,
    FOLD,
    GRADIENT,
    PAIRS,
    QUBITS,
    SCRATCH,
    SLOTS,
    TABLES,
    THETA,
    VALUES,
)
from simulator.engines.numba.layout.sections import (
    CHAIN,
    CHAIN_COLUMNS,
    CHAIN_SPLITS,
    CHAIN_STARTS,
    DENSE_SPECS,
    GROUP_COLUMNS,
    GROUPS,
    IS_LOCAL,
    SEGMENT_COLUMNS,
    SEGMENT_FIRST,
    SEGMENT_GROUP,
    SEGMENT_LAST,
    SEGMENTS,
    STRING_COLUMNS,
    STRING_WEIGHTS,
    STRINGS,
    WEIGHT_COLUMNS,
    WEIGHT_FACTORS,
    WEIGHT_STARTS,
)
from simulator.engines.numba.simd import entry, lanes_of, like, section, splat, store


@inlined
def _vectors(psi):
    """Number of vectors of a state, or of all states of a tile."""
    return len(psi) // (2 * lanes_of(psi))


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
    matrix_spec = section(spec, entry(row, SPEC), len(spec))
    first, last = _share(count >> entry(matrix_spec, DENSE_RANK), piece, pieces)
    work = section(scratch, entry(layout, SCRATCH), entry(layout, BLOCK))
    passes.dense(psi, matrix_spec, matrices, entry(row, column), work, lanes, first, last)


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
            state, local = section(psi, j * size, (j + 1) * size), local_rotations(packed, scratch, j)
            a = local if entry(row, LOCAL) else shared
            if kind == ROTATION:
                first, last = _share(_vectors(state) >> 1, piece, pieces)
                passes.rotate(state, row, a, lanes, first, last)
            elif lanes is not None:
                first, last = _share(_vectors(state) >> 2, piece, pieces)
                b = local if entry(row, LOCAL + SECOND) else shared
                passes.rotate_pair(state, row, a, b, lanes, first, last)
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
            block_table = section(scratch, entry(layout, BLOCK), entry(layout, END))
            for block in range(first, last):
                if entry(row, PLACE) == STORED:
                    offset = entry(row, OFFSET) + block * (2 << bits)
                    diagonals.multiply_phases(psi, block * size, tables, offset, False, size)
                else:
                    diagonals.fill_phases(block_table, 0, terms_of(packed, row), theta, block, bits, buffer, lanes)
                    diagonals.multiply_phases(psi, block * size, block_table, 0, False, size)
    if lanes is not None:
        if kind == LANE_ROTATION:
            first, last = _share(count, piece, pieces)
            rotations = local_rotations(packed, scratch, 0) if entry(row, LOCAL) else shared
            passes.rotate_lanes(psi, row, rotations, lanes, first, last)
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
            state, dual = section(psi, j * size, (j + 1) * size), section(lam, j * size, (j + 1) * size)
            local = local_rotations(packed, scratch, j)
            a = local if entry(row, LOCAL) else shared
            if kind == ROTATION:
                first, last = _share(_vectors(state) >> 1, piece, pieces)
                passes.unrotate(state, dual, row, a, gradient, lanes, first, last)
            elif lanes is not None:
                first, last = _share(_vectors(state) >> 2, piece, pieces)
                b = local if entry(row, LOCAL + SECOND) else shared
                passes.unrotate_pair(state, dual, row, a, b, gradient, lanes, first, last)
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
            block_table = section(scratch, entry(layout, BLOCK), entry(layout, END))
            for block in range(first, last):
                if entry(row, PLACE) == STORED:
                    offset = entry(row, OFFSET) + block * (2 << bits)
                    diagonals.undo_phases(
                        psi, lam, block * size, tables, offset, False, size, buffer, entry(row, NEEDED), False
                    )
                else:
                    diagonals.fill_phases(block_table, 0, terms_of(packed, row), theta, block, bits, buffer, lanes)
                    diagonals.undo_phases(
                        psi, lam, block * size, block_table, 0, False, size, buffer, entry(row, NEEDED), False
                    )
                if entry(row, NEEDED):
                    diagonals.pick_phase_gradients(gradient, terms_of(packed, row), block, bits, buffer, lanes)
    if lanes is not None:
        if kind == LANE_ROTATION:
            first, last = _share(count, piece, pieces)
            rotations = local_rotations(packed, scratch, 0) if entry(row, LOCAL) else shared
            passes.unrotate_lanes(psi, lam, row, rotations, gradient, lanes, first, last)
    if kind == DENSE:
        _dense(layout, row, spec, matrices, UNDO, psi, scratch, lanes, count, piece, pieces)
        _dense(layout, row, spec, matrices, UNDO_ADJOINT, lam, scratch, lanes, count, piece, pieces)


@inlined
def _is_fused(packed, r, lanes):
    if lanes is None:
        return entry(one_pass(packed, r), KIND) == FUSED
    return False


@part
def apply_passes(packed, psi, lam, step, doubled, shared, tables, scratch, lanes):
    """Apply all passes to the states of a tile, as many floats as ``lam`` has; return the number of the last states.

    Each group of fused passes (`kernels.segments`) stores what it makes of the states ``step`` further in ``psi``;
    other passes are applied in place. The last group, if it begins with pass ``doubled``, stores that in ``lam``, and
    what its phases make of the states in ``psi``.
    """
    all_segments, number, size = rows(packed, SEGMENTS, SEGMENT_COLUMNS), 0, len(lam)
    for s in range(len(all_segments)):
        segment = all_segments[s]
        first = entry(segment, SEGMENT_FIRST)
        before = section(psi, number * step, number * step + size)
        if _is_fused(packed, first, lanes):
            if lanes is None:
                begins = entry(segment, SEGMENT_GROUP) == s
                number += 1 if begins else 0
                behind = section(psi, number * step, number * step + size)
                target = lam if first >= doubled else behind
                source = before if begins else target
                segments.apply_segment(packed, segment, source, behind, target, tables, scratch)
        else:
            apply_pass(packed, first, before, shared, tables, scratch, lanes, 0, 1)
    return number


@part
def undo_passes(packed, psi, step, number, lam, gradient, doubled, shared, tables, scratch, lanes):
    """Undo all passes from the first whose derivative is wanted on, and add their derivatives to ``gradient``.

    ``step``, the ``number`` of the last states and ``doubled`` are those of `apply_passes`. What psi is before the
    first pass nobody reads, so it need not be right in the end where lanes are samples. Of a group whose states were
    kept, all derivatives by its angles come first.
    """
    all_segments, size, needed = rows(packed, SEGMENTS, SEGMENT_COLUMNS), len(lam), entry(packed[0], FIRST_NEEDED)
    s = len(all_segments) - 1
    while s >= 0 and entry(all_segments[s], SEGMENT_LAST) > needed:
        segment = all_segments[s]
        first, behind = entry(segment, SEGMENT_FIRST), section(psi, number * step, number * step + size)
        if _is_fused(packed, first, lanes):
            if lanes is None:
                is_group, is_doubled = step > 0 or first >= doubled, first >= doubled
                number -= 1
                before, last = section(psi, number * step, number * step + size), s
                if is_group:
                    s = entry(segment, SEGMENT_GROUP)
                count = last + 1 - s
                for k in range(count if is_doubled or not is_group else 0, 2 * count):
                    segment = all_segments[s + k if k < count else last + count - k]
                    what = segments.DERIVATIVES
                    if k >= count:
                        what = segments.DOUBLED if is_doubled else segments.ADJOINT if is_group else segments.ALL
                    if entry(segment, SEGMENT_LAST) > needed:
                        segments.undo_segment(
                            packed, segment, what, before, behind, lam, gradient, step > 0, tables, scratch
                        )
        else:
            undo_pass(packed, first, behind, lam, gradient, shared, tables, scratch, lanes, 0, 1)
        s -= 1


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
    if len(groups) == 0:
        size = len(lam) >> (entry(layout, QUBITS) - bits)
        cleared(lam, first * size, last * size)


@inlined
def finish(packed, psi, lam, gradient, shared, j, scratch, lanes):
    """Derivatives of the gates of the product state, for a tile's state j."""
    layout = packed[0]
    is_local = integers(packed, IS_LOCAL)
    pointers = integers(packed, CHAIN_STARTS)
    chain = rows(packed, CHAIN, CHAIN_COLUMNS)
    pairs = section(scratch, entry(layout, PAIRS), entry(layout, DUALS))
    duals = section(scratch, entry(layout, DUALS), entry(layout, VALUES))
    local = local_rotations(packed, scratch, j)
    if lanes is None:
        buffer = section(scratch, entry(layout, BUFFER), entry(layout, GRADIENT))
        n, slots, splits = entry(layout, QUBITS), entry(layout, SLOTS), integers(packed, CHAIN_SPLITS)
        encoding.amplitudes(pairs, duals, splits, pointers, chain, shared, local, is_local, slots)
        encoding.contract_product(lam, pairs, duals, n, entry(layout, FOLD), buffer)
        encoding.add_outer_products(duals, n)
        if entry(layout, CHAIN_NEEDED) == ENCODING_NEEDED:
            encoding.encoding_gradients(gradient, duals, splits, pointers, chain, shared, local, is_local)
    else:
        ends = ends_of(pointers)
        product.qubit_amplitudes(pairs, pointers, ends, chain, shared, local, is_local, 0)
        product.contract(lam, psi, pairs, duals, entry(layout, QUBITS), lanes)
        product.chain_gradients(gradient, pairs, duals, pointers, ends, chain, shared, local, is_local)


@inlined
def from_angles(packed, by_slot, by_weights):
    """Compute derivatives by the weights from those by the angles."""
    starts, columns = integers(packed, WEIGHT_STARTS), integers(packed, WEIGHT_COLUMNS)
    factors = numbers(packed, WEIGHT_FACTORS)
    for k in range(len(by_weights)):
        by_weights[k] = 0.0
    for slot in range(entry(packed[0], SLOTS)):
        for e in range(entry(starts, slot), entry(starts, slot + 1)):
            by_weights[entry(columns, e)] += entry(factors, e) * by_slot[slot]


@inlined
def product_sums_begin(packed):
    """Where the sums over states begin from which derivatives of the product state's gates follow, see `encoding`."""
    return (entry(packed[0], DUALS) + entry(packed[0], VALUES)) // 2


@inlined
def clear_sums(packed, scratch, lanes):
    """Clear what `finish` adds up over the states of a tile."""
    if lanes is None:
        cleared(scratch, product_sums_begin(packed), entry(packed[0], VALUES))


@inlined
def finish_batch(packed, sums, gradient, shared, scratch):
    """Derivatives of the product state's gates that follow from the sums over all tiles, in the first lane."""
    layout = packed[0]
    W, of_product = lanes_of(scratch), section(scratch, product_sums_begin(packed), entry(layout, VALUES))
    for k in range(len(sums)):
        store(of_product, k * W, splat(like(scratch, 0.0)))
        of_product[k * W] = like(scratch, sums[k])
    duals = section(scratch, entry(layout, DUALS), entry(layout, VALUES))
    splits, pointers = integers(packed, CHAIN_SPLITS), integers(packed, CHAIN_STARTS)
    chain, is_local = rows(packed, CHAIN, CHAIN_COLUMNS), integers(packed, IS_LOCAL)
    encoding.matrix_gradients(gradient, duals, splits, pointers, chain, shared, is_local, entry(layout, SLOTS))
