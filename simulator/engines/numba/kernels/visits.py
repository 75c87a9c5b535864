"""Visits: each tile goes forward, through the rest of a training step for its own rows, and backward at once.

Threads meet once instead of twice, and states stay in a core's cache instead of being stored for all samples. Where
that cache has room for the states between groups of fused passes, these are kept, so that passes need not be undone on
psi: a quarter of a sweep's arithmetic less. Of the `doubled` layer, none is undone.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged
from simulator.engines.numba.jit.bridges import address_of, words_at
from simulator.engines.numba.kernels import doubled as doubled_layer
from simulator.engines.numba.kernels import outcomes as probabilities
from simulator.engines.numba.kernels.row_calls import invoke_rows
from simulator.engines.numba.kernels.sections import passes_of
from simulator.engines.numba.kernels.tiles import (
    accepts_angles,
    adjoint_states,
    backward_tile,
    claim,
    expect_tile,
    forward_tile,
    prepared,
    seed_tile,
    sum_by_weights,
)
from simulator.engines.numba.layout.queues import DONE, REFUSED
from simulator.engines.numba.layout.scratch import DOUBLED
from simulator.engines.numba.simd import entry, fetch_add, lanes_of, look, relax, section


@bridged
def visit(
    program, weights, samples, between, outcomes, results, scratch, queue, tiles, states, own, places, step, lanes
):
    """Visit tiles until none remains; the last thread sums up.

    program, weights, own : as of `tiles.forward`
    samples : tuple
        ``X`` and ``initial``, as of `tiles.forward`.
    between : tuple
        ``calls``, a table of `kernels.row_calls`, which take rows of ``values``, float64 (n_samples, n_outputs), to
        those of ``cotangent``, of the same shape.
    outcomes : int64 (2**n,), or None
        The outcome at each stored index, if the outputs are probabilities of outcomes and not expectations.
    results : tuple
        ``by_weights``, ``by_tile`` and ``by_sample``, as of `tiles.backward`.
    places : tuple of int
        Where, in ``scratch``, the space for `invoke_rows` and that for psi begin, and where the latter ends.
    step : int
        Distance of the states before and behind a group of fused passes; 0 if it is applied in place.

    Returns whether no angle overflowed and no call refused.
    """
    calls, values, cotangent = between
    doubled, count = entry(program[0][0], DOUBLED), passes_of(program[0])
    mine, thread = prepared(program, weights, scratch, queue, own, doubled, lanes)
    packed, (words_begin, begin, end) = mine[0], places
    words = words_at(address_of(section(scratch, words_begin, begin)), begin - words_begin)
    psi, lam = section(scratch, begin, end), adjoint_states(packed, states, scratch)
    per_tile = states * lanes_of(scratch) if lanes is None else states
    while True:
        tile = claim(queue, tiles, thread)
        if tile == tiles:
            break
        number = forward_tile(mine, samples, psi, lam, step, doubled, tile, states, scratch, lanes)
        final, first = section(psi, number * step, number * step + len(lam)), tile * per_tile
        last = min(first + per_tile, len(values))
        if outcomes is None:
            if doubled == count:
                expect_tile(packed, final, values, tile, states, scratch, lanes)
            elif lanes is None:
                doubled_layer.expect_tile(mine, final, lam, values, tile, states, scratch)
        else:
            probabilities.read_tile(final, outcomes, values, tile, states, lanes)
        for k in range(len(calls)):
            if not invoke_rows(calls, k, first, last, words):
                fetch_add(queue, REFUSED, 1)
        if outcomes is None:
            if doubled == count:
                seed_tile(packed, final, lam, cotangent, tile, states, scratch, lanes)
            elif lanes is None:
                doubled_layer.seed_tile(mine, lam, cotangent, tile, states, scratch)
        else:
            probabilities.seed_tile(final, lam, outcomes, cotangent, tile, states, lanes)
        backward_tile(mine, psi, lam, step, number, doubled, results, None, tile, states, scratch, lanes)
        if fetch_add(queue, DONE, 1) == tiles - 1:
            sum_by_weights(mine, results, scratch, lanes)
    while look(queue, DONE) < tiles:  # as the calls on other threads' tiles may refuse
        relax(queue)
    return accepts_angles(mine, program[1], queue) and look(queue, REFUSED) == 0
