"""Large states: all threads work on one state, piece by piece and step by step.

Steps are the angles, the product state and each stage (`kernels.stages`); back, the adjoint's seed, the stages, and
what is left at the product state. All steps of a sweep are one call, so that threads meet in compiled code. Pieces are
claimed from an atomic counter, and a piece is begun when all pieces of the step before are finished: whoever waits has
claimed a later piece than those that it waits for. Numbers of pieces are fixed, so that sums do not depend on the
number of threads.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, part
from simulator.engines.numba.kernels import product
from simulator.engines.numba.kernels.preparation import prepare, tile_angles
from simulator.engines.numba.kernels.sections import cleared, ends_of, integers, rows
from simulator.engines.numba.kernels.stages import apply_stage, undo_stage
from simulator.engines.numba.kernels.steps import expect_all, from_angles, seed_all
from simulator.engines.numba.layout.queues import FINISHED_PIECES, NEXT_PIECE, WAITED
from simulator.engines.numba.layout.scratch import (
    DUALS,
    GRADIENT,
    OBSERVABLES,
    PAIRS,
    PRODUCT_STATE,
    QUBITS,
    ROTATIONS,
    SCRATCH,
    SLOTS,
    START,
    THETA,
    VALUES,
)
from simulator.engines.numba.layout.sections import (
    CHAIN,
    CHAIN_COLUMNS,
    CHAIN_STARTS,
    IS_LOCAL,
)
from simulator.engines.numba.simd import (
    count_ones,
    cycles,
    entry,
    fetch_add,
    lane_sum,
    lanes_of,
    like,
    load,
    look,
    parts_of,
    relax,
    section,
    splat,
    store,
)


@inlined
def _stage_of(stages, number):
    """Stage ``number`` of those that lie in ``stages`` behind the list of where each begins."""
    return section(stages, entry(stages, number), len(stages))


@inlined
def _await_finished(queue, count):
    """Wait until ``count`` pieces are finished; return for how many cycles."""
    if look(queue, FINISHED_PIECES) >= count:
        return 0
    begin = cycles(queue)
    while look(queue, FINISHED_PIECES) < count:
        relax(queue)
    return cycles(queue) - begin


@inlined
def _sum_pieces(parts, out):
    """Sum the rows of ``parts``, in their order."""
    for k in range(len(out)):
        out[k] = 0.0
    for piece in range(len(parts)):
        for k in range(len(out)):
            out[k] += parts[piece, k]


@inlined
def _record_waited(queue, waited):
    """Record for how many cycles a thread has waited, if none has waited longer; see `kernels.loops`."""
    if waited > entry(queue, WAITED):
        queue[WAITED] = waited


@inlined
def _qubit_amplitudes(packed, shared, scratch):
    """The amplitudes of the product state's qubits, and the coefficients that differ from sample to sample."""
    layout = packed[0]
    pairs = section(scratch, entry(layout, PAIRS), entry(layout, DUALS))
    local = section(scratch, entry(layout, ROTATIONS), entry(layout, THETA))
    pointers, chain = integers(packed, CHAIN_STARTS), rows(packed, CHAIN, CHAIN_COLUMNS)
    is_local = integers(packed, IS_LOCAL)
    product.qubit_amplitudes(pairs, pointers, ends_of(pointers), chain, shared, local, is_local, 0)
    return pairs, local


@part
def _write_product(packed, psi, shared, scratch, piece, pieces, lanes):
    """Write a piece of the product state: the product of the lower qubits times one number of the upper qubits."""
    W, n = lanes_of(psi), entry(packed[0], QUBITS)
    pairs, _ = _qubit_amplitudes(packed, shared, scratch)
    low = n - count_ones(pieces - 1)
    c, s = splat(like(psi, 1.0)), splat(like(psi, 0.0))
    for q in range(low, n):
        o = q * 4 * W + 2 * W * (piece >> (q - low) & 1)
        d, e = load(pairs, o), load(pairs, o + W)
        c, s = c * d - s * e, c * e + s * d
    a0, a1, b0, b1 = load(pairs, 0), load(pairs, W), load(pairs, 2 * W), load(pairs, 3 * W)
    store(pairs, 0, a0 * c - a1 * s)
    store(pairs, W, a0 * s + a1 * c)
    store(pairs, 2 * W, b0 * c - b1 * s)
    store(pairs, 3 * W, b0 * s + b1 * c)
    size = len(psi) // pieces
    product.product_state(section(psi, piece * size, (piece + 1) * size), pairs, low, lanes)


@bridged
def big_forward(
    packed, weights, stages, base, psi, shared, tables, X, begin, amplitudes, phase, scratch, queue, pieces, lanes
):  # fmt: skip
    """Prepare the angles, write the product state, if the circuit begins with one, and apply all stages.

    ``stages``: where each stage begins and the last one ends, then the stages. The first one reads the initial
    ``amplitudes`` (2**n,), complex128, instead of ``psi``, unless these are empty. The last one writes complex numbers
    times ``phase`` (2,), a real and an imaginary part, unless it is empty. ``pieces`` is a power of two.
    """
    count, waited, has_angles = entry(stages, 0) - 1, 0, 0
    while True:
        claimed = fetch_add(queue, NEXT_PIECE, 1)
        step = claimed // pieces
        if step >= count + 2:
            _record_waited(queue, waited)
            return
        piece = claimed - step * pieces
        waited += _await_finished(queue, step * pieces)
        if step > 0 and has_angles == 0:
            tile_angles(packed, base, X, 0, 0, scratch, lanes)
            has_angles = 1
        if step == 0:
            if piece == 0:
                prepare(packed, weights, base, shared, tables, scratch, -1, lanes)
        elif step == 1:
            if entry(packed[0], START) == PRODUCT_STATE:
                _write_product(packed, psi, shared, scratch, piece, pieces, lanes)
        else:
            given = section(amplitudes, 0, len(amplitudes) if step == 2 else 0)
            factor = section(phase, 0, len(phase) if step == count + 1 else 0)
            stage = _stage_of(stages, step - 2)
            apply_stage(packed, stage, psi, shared, tables, begin, given, factor, scratch, piece, pieces, lanes)
        fetch_add(queue, FINISHED_PIECES, 1)


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
def big_expect(packed, psi, parts, values, scratch, queue, pieces, lanes):
    """Compute expectations of pieces of the state, parts (pieces, n_observables), and their sums, ``values``."""
    layout = packed[0]
    W = lanes_of(scratch)
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= pieces:
            return
        out = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
        expect_all(packed, psi, out, scratch, lanes, piece, pieces)
        for k in range(entry(layout, OBSERVABLES)):
            parts[piece, k] = out[k * W]
        if fetch_add(queue, FINISHED_PIECES, 1) == pieces - 1:
            _sum_pieces(parts, values)


@inlined
def _seed(packed, lam, psi, cotangent, scratch, piece, pieces, lanes):
    """Write a piece of the adjoint state ``sum_k v_k O_k psi``; cotangent (n_observables,)."""
    layout = packed[0]
    W = lanes_of(scratch)
    v = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
    for k in range(entry(layout, OBSERVABLES)):
        v[k * W] = like(scratch, cotangent[k])
    seed_all(packed, lam, psi, v, scratch, lanes, piece, pieces)


@part
def _contract(packed, psi, lam, shared, parts, scratch, piece, pieces, lanes):
    """Contract a piece of the adjoint state with the product state's amplitudes; both states are overwritten.

    parts (pieces, 4 n + 2) receives the lower qubits' adjoint amplitudes, as they are in `product.contract`, times
    those of the upper qubits in this piece; and the piece's contraction with all lower qubits.
    """
    layout = packed[0]
    W, n = lanes_of(psi), entry(layout, QUBITS)
    pairs, _ = _qubit_amplitudes(packed, shared, scratch)
    duals = section(scratch, entry(layout, DUALS), entry(layout, VALUES))
    size = len(psi) // pieces
    low = n - count_ones(pieces - 1)
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


@part
def _finish(packed, parts, shared, by_slot, scratch):
    """Add the derivatives of the product state's gates, from what `_contract` left, to by_slot (slots,)."""
    layout = packed[0]
    is_local = integers(packed, IS_LOCAL)
    pointers = integers(packed, CHAIN_STARTS)
    chain = rows(packed, CHAIN, CHAIN_COLUMNS)
    W, n = lanes_of(scratch), entry(layout, QUBITS)
    sums = cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
    pairs, local = _qubit_amplitudes(packed, shared, scratch)
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
        by_slot[slot] += lane_sum(load(sums, slot * W))


@bridged
def big_backward(
    packed, stages, base, psi, lam, cotangent, shared, tables, X, results, begin, scratch, queue, pieces, lanes
):  # fmt: skip
    """Run the adjoint sweep on a state and its adjoint state, which are overwritten, back to the product state.

    ``lam`` is first set to ``sum_k v_k O_k psi`` with ``v`` the ``cotangent`` (n_observables,), unless this is empty.
    ``stages`` are those of `big_forward` from the first one that is to be undone on.

    results : tuple
        ``by_piece``, zeros (pieces, slots), for derivatives by the pieces of stages; ``contracted``, (pieces, 4 n + 2)
        or (0, 4 n + 2), see `_contract`; and ``by_slot`` (slots,), ``by_weights`` (n_weights,): receive the derivatives
        by angles and by weights.
    """
    by_piece, contracted, by_slot, by_weights = results
    count, waited, has_angles = entry(stages, 0) - 1, 0, 0
    while True:
        claimed = fetch_add(queue, NEXT_PIECE, 1)
        step = claimed // pieces
        if step >= count + 3:
            _record_waited(queue, waited)
            return
        piece = claimed - step * pieces
        waited += _await_finished(queue, step * pieces)
        if has_angles == 0:
            tile_angles(packed, base, X, 0, 0, scratch, lanes)
            has_angles = 1
        if step == 0:
            if len(cotangent) > 0:
                _seed(packed, lam, psi, cotangent, scratch, piece, pieces, lanes)
        elif step <= count:
            stage = _stage_of(stages, count - step)
            undo_stage(packed, stage, psi, lam, shared, tables, by_piece[piece], begin, scratch, piece, pieces, lanes)
        elif step == count + 1:
            if len(contracted) > 0:
                _contract(packed, psi, lam, shared, contracted, scratch, piece, pieces, lanes)
        elif piece == 0:
            _sum_pieces(by_piece, by_slot)
            if len(contracted) > 0:
                _finish(packed, contracted, shared, by_slot, scratch)
            from_angles(packed, by_slot, by_weights)
        fetch_add(queue, FINISHED_PIECES, 1)
