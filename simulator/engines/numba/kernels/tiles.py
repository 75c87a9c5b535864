"""Batch driver: threads take whole tiles, which stay in a core's cache from start to end.

A tile is W samples, or a few times W of a small circuit, whose passes then run over several states at once; or
one sample whose lanes are qubits. Tiles are claimed from an atomic counter; what each
contributes is stored by its number and summed in that order, so no result depends on the number of threads.

``queue`` holds the numbers of claimed and of finished tiles, and whether the shared coefficients are there.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, part
from simulator.engines.numba.jit.bridges import address_of
from simulator.engines.numba.kernels.lane_sums import store_lane_sums
from simulator.engines.numba.kernels.packing import unpack_state
from simulator.engines.numba.kernels.preparation import prepare, start, tile_angles
from simulator.engines.numba.kernels.sections import cleared, integers, passes_of
from simulator.engines.numba.kernels.steps import (
    apply_passes,
    clear_sums,
    expect_all,
    finish,
    finish_batch,
    from_angles,
    product_sums_begin,
    seed_all,
    undo_passes,
)
from simulator.engines.numba.layout.queues import ARRIVED, DONE, FROM_BACK, NEXT, PREPARED, READY
from simulator.engines.numba.layout.scratch import (
    CHAIN_NEEDED,
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
from simulator.engines.numba.layout.sections import (
    LOCAL_NEEDED,
    LOCAL_SLOTS,
    WEIGHT_STARTS,
)
from simulator.engines.numba.simd import (
    doubles,
    entry,
    fetch_add,
    lane_sum,
    lanes_of,
    like,
    load,
    look,
    relax,
    section,
    splat,
    store,
)


@inlined
def _await_prepared(queue):
    """Wait until the shared coefficients are there."""
    while look(queue, READY) < PREPARED:
        relax(queue)


@inlined
def claim(queue, tiles, thread):
    """Claim a tile; return ``tiles`` if none remains.

    The first thread goes up from the first tile, the second one down from the last: then each finds most of its tiles
    in its own cache when it sweeps backward.
    """
    from_back = thread & 1
    claims = fetch_add(queue, NEXT, FROM_BACK if from_back else 1)
    front, back = claims & (FROM_BACK - 1), claims >> 32
    if front + back >= tiles:
        return tiles
    return tiles - 1 - back if from_back else front


@inlined
def state_of(tile_states, j, size):
    """State j of a tile."""
    return section(tile_states, j * size, (j + 1) * size)


@inlined
def write_expectations(out, values, number, observables, lanes):
    """The vectors ``out`` of an expectation per observable, to the rows of W samples, or of one."""
    W = lanes_of(out)
    for k in range(observables):
        if lanes is None:
            for lane in range(min(W, len(values) - number * W)):
                values[number * W + lane, k] = out[k * W + lane]
        else:
            values[number, k] = out[k * W]


@part
def forward_tile(program, samples, psi, lam, step, doubled, tile, states, scratch, lanes):
    """Run the circuit on a tile; return the number of its last states in ``psi``.

    See `apply_passes` for ``lam``, ``step`` and ``doubled``.
    """
    packed, base, shared, tables = program
    X, initial = samples
    layout = packed[0]
    size = entry(layout, STATE)
    for j in range(states):
        tile_angles(packed, base, X, tile * states + j, j, scratch, lanes)
        start(packed, state_of(psi, j, size), shared, initial, tile * states + j, j, scratch, lanes)
    return apply_passes(packed, psi, lam, step, doubled, shared, tables, scratch, lanes)


@part
def expect_tile(packed, psi, values, tile, states, scratch, lanes):
    """Write the expectations in a tile's final states to its rows of ``values``."""
    layout = packed[0]
    for j in range(states):
        out = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
        expect_all(packed, state_of(psi, j, entry(layout, STATE)), out, scratch, lanes, 0, 1)
        write_expectations(out, values, tile * states + j, entry(layout, OBSERVABLES), lanes)


@inlined
def prepared(program, weights, scratch, queue, own, doubled, lanes):
    """Prepare the coefficients that all samples share, or wait until they are there; see `forward`, and `prepare`.

    Returns the program with the coefficients that this thread reads, and its number.
    """
    packed, base, shared, tables = program
    begun = fetch_add(queue, READY, 1)
    each_prepares = own >= 0 and begun < PREPARED
    if each_prepares:
        mine = section(scratch, own, own + len(shared))
        if address_of(mine) != address_of(shared):
            shared = mine
            tables = section(scratch, own + len(shared), own + len(shared) + len(tables))
            base = doubles(scratch, own + len(shared) + len(tables), len(base))
    if each_prepares or begun == 0:
        prepare(packed, weights, base, shared, tables, scratch, doubled, lanes)
        if address_of(base) == address_of(program[1]):
            fetch_add(queue, READY, PREPARED)
    else:
        _await_prepared(queue)
    return (packed, base, shared, tables), begun & (PREPARED - 1)


@inlined
def accepts_angles(program, shared_base, queue):
    """Whether no angle overflowed; if one did, ``shared_base`` will say so as well."""
    packed, base, _, _ = program
    slots = entry(packed[0], SLOTS)
    overflows = entry(base, slots) != 0.0
    if overflows and address_of(base) != address_of(shared_base):
        _await_prepared(queue)
        shared_base[slots] = 1.0
    return not overflows


@bridged
def forward(program, weights, samples, results, scratch, queue, tiles, states, own, lanes):
    """Run the circuit and its expectations on tiles until none remains.

    The first thread prepares shared coefficients and the others wait for it; or, if they are few, the caller does, and
    each helper prepares a copy of its own in its scratch from ``own`` on, which takes as long as waiting, and less than
    to read what another core has just written. ``own`` is below 0 if they are many.

    program : tuple
        ``packed``, and ``base``, ``shared``, ``tables``, which receive the slots' angles, coefficients and phases that
        all samples share.
    weights : float64 (n_weights,)
    samples : tuple
        ``X``, float64 (n_samples, n_inputs), and ``initial``, complex128 (n_samples, 2**n) or (0, 0).
    results : tuple
        ``keep``, (tiles, state) or (0, state): receives the final states if required; and ``values``, float64
        (n_samples, n_observables) or (0, n): receives the expectations if required.

    Returns whether no angle overflowed.
    """
    keep, values = results
    mine, thread = prepared(program, weights, scratch, queue, own, -1, lanes)
    begin = entry(program[0][0], PSI)
    size = states * entry(program[0][0], STATE)
    while True:
        tile = claim(queue, tiles, thread)
        if tile == tiles:
            break
        psi = keep[tile] if len(keep) else section(scratch, begin, begin + size)
        forward_tile(mine, samples, psi, psi, 0, passes_of(program[0]), tile, states, scratch, lanes)
        if len(values):
            expect_tile(mine[0], psi, values, tile, states, scratch, lanes)
    return accepts_angles(mine, program[1], queue)


@inlined
def read_cotangent(v, cotangent, number, observables, lanes):
    """Derivatives with respect to each observable, from the rows of W samples, or of one, to the vectors ``v``."""
    W = lanes_of(v)
    for k in range(observables):
        if lanes is None:
            for lane in range(min(W, len(cotangent) - number * W)):
                v[k * W + lane] = like(v, cotangent[number * W + lane, k])
        else:
            v[k * W] = like(v, cotangent[number, k])


@inlined
def adjoint_states(packed, states, scratch):
    """The adjoint states of a tile."""
    begin = entry(packed[0], LAM)
    return section(scratch, begin, begin + states * entry(packed[0], STATE))


@part
def seed_tile(packed, psi, lam, cotangent, tile, states, scratch, lanes):
    """Set the adjoint states of a tile's final states, given the derivatives with respect to the expectations."""
    layout = packed[0]
    size = entry(layout, STATE)
    for j in range(states):
        v = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
        read_cotangent(v, cotangent, tile * states + j, entry(layout, OBSERVABLES), lanes)
        seed_all(packed, state_of(lam, j, size), state_of(psi, j, size), v, scratch, lanes, 0, 1)


@inlined
def _collect_samples(packed, gradient, by_sample, number, lanes):
    """Write derivatives that differ from sample to sample to their rows, and clear them for the next state."""
    needed, local_slots = integers(packed, LOCAL_NEEDED), integers(packed, LOCAL_SLOTS)
    W = lanes_of(gradient)
    for k in range(len(needed)):
        e = entry(needed, k)
        slot = entry(local_slots, e)
        if lanes is None:
            for lane in range(min(W, len(by_sample) - number * W)):
                by_sample[number * W + lane, e] = gradient[slot * W + lane]
        else:
            by_sample[number, e] = lane_sum(load(gradient, slot * W))
        store(gradient, slot * W, splat(like(gradient, 0.0)))


@inlined
def _first_product_sum(packed):
    """Where a tile's sums for the product state's gates begin, behind those for slots; see `Tables.sums`."""
    return (entry(packed[0], SLOTS) + 7) & -8


@bridged
def backward(program, samples, keep, results, scratch, queue, tiles, states, lanes):
    """Run the adjoint sweep on tiles from the stored states, which are overwritten, until none remains.

    program : tuple
        ``packed``, ``base``, ``shared``, ``tables``, as `forward` left them.
    samples : tuple
        ``X``, float64 (n_samples, n_inputs); ``cotangent``, float64 (n_samples, n_observables); and ``seeds``, (tiles,
        state) or (0, state): initial adjoint states that replace those of the observables.
    keep : (tiles, state)
    results : tuple
        ``by_weights``, float64 (n_weights,); ``by_tile``, float64 (tiles, `Tables.sums`): derivative with respect to
        each shared angle, summed over the tile's samples, and what the product state's gates need of them;
        ``by_sample``, float64 (n_samples, local slots); and
        ``start_lam``, complex128 (n_samples, 2**n) or (0, 0): the adjoint state before the first pass, if required.
    """
    X, cotangent, seeds = samples
    by_weights, by_tile, by_sample, start_lam = results
    sums = by_weights, by_tile, by_sample
    thread = fetch_add(queue, ARRIVED, 1)
    while True:
        tile = claim(queue, tiles, thread)
        if tile == tiles:
            break
        psi, lam = keep[tile], adjoint_states(program[0], states, scratch)
        if len(seeds):
            seed = seeds[tile]
            for o in range(0, len(lam), lanes_of(lam)):
                store(lam, o, load(seed, o))
        else:
            seed_tile(program[0], psi, lam, cotangent, tile, states, scratch, lanes)
        for j in range(states):
            tile_angles(program[0], program[1], X, tile * states + j, j, scratch, lanes)
        doubled = passes_of(program[0])
        backward_tile(program, psi, lam, 0, 0, doubled, sums, start_lam, tile, states, scratch, lanes)
        if fetch_add(queue, DONE, 1) == tiles - 1:
            sum_by_weights(program, sums, scratch, lanes)


@part
def backward_tile(program, psi, lam, step, number, doubled, sums, start_lam, tile, states, scratch, lanes):
    """Run the adjoint sweep on a tile, whose angles are in ``scratch``.

    ``psi``, ``step``, ``number`` and ``doubled`` are those of `forward_tile`, and ``lam`` has the adjoint states of
    the final ones. ``sums`` are the first three of the results of `backward`, and ``start_lam`` is the last one, or
    None.
    """
    packed, _, shared, tables = program
    _, by_tile, by_sample = sums
    layout = packed[0]
    W, size, first = lanes_of(scratch), entry(layout, STATE), _first_product_sum(packed)
    gradient = cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
    undo_passes(packed, psi, step, number, lam, gradient, doubled, shared, tables, scratch, lanes)
    clear_sums(packed, scratch, lanes)
    for j in range(states):
        if start_lam is not None:
            if len(start_lam):
                unpack_state(state_of(lam, j, size), start_lam, tile * states + j, lanes)
        if _derives_product(layout):
            finish(packed, state_of(psi, j, size), state_of(lam, j, size), gradient, shared, j, scratch, lanes)
        _collect_samples(packed, gradient, by_sample, tile * states + j, lanes)
    for k in range(0, by_tile.shape[1], 8):
        begin = entry(layout, GRADIENT) + k * W
        if k >= first:
            begin = product_sums_begin(packed) + (k - first) * W
        store_lane_sums(by_tile[tile], k, scratch, begin)


@inlined
def _derives_product(layout):
    """Whether a derivative of the product state's gates is wanted."""
    return entry(layout, START) == PRODUCT_STATE and entry(layout, CHAIN_NEEDED)


@part
def sum_by_weights(program, sums, scratch, lanes):
    """Sum over tiles and samples, in their order, and over each weight's angles."""
    packed, _, shared, _ = program
    by_weights, by_tile, by_sample = sums
    layout = packed[0]
    needed, local_slots = integers(packed, LOCAL_NEEDED), integers(packed, LOCAL_SLOTS)
    starts = integers(packed, WEIGHT_STARTS)
    total = by_tile[0]
    for tile in range(1, len(by_tile)):
        for k in range(len(total)):
            total[k] += by_tile[tile, k]
    if lanes is None and _derives_product(layout):
        gradient = cleared(scratch, entry(layout, GRADIENT), entry(layout, PAIRS))
        finish_batch(packed, section(total, _first_product_sum(packed), len(total)), gradient, shared, scratch)
        for slot in range(entry(layout, SLOTS)):
            total[slot] += entry(gradient, slot * lanes_of(gradient))
    for k in range(len(needed)):
        e = entry(needed, k)
        slot = entry(local_slots, e)
        if entry(starts, slot) < entry(starts, slot + 1):
            of_samples = 0.0
            for row in range(len(by_sample)):
                of_samples += by_sample[row, e]
            total[slot] += of_samples
    from_angles(packed, total, by_weights)
