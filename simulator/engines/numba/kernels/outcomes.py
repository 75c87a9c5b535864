"""Probabilities of measurement outcomes of stored tiles, and the adjoint states of a function of them.

``outcomes``, int64 (2**n,), is the outcome at each index of the stored order. Tiles are claimed as in `kernels.tiles`;
samples share nothing, so no result depends on the number of threads. Probabilities are in double precision whatever
that of the states.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, part
from simulator.engines.numba.kernels.tiles import claim, state_of
from simulator.engines.numba.layout.queues import ARRIVED
from simulator.engines.numba.simd import entry, fetch_add, lanes_of, like


@inlined
def _place(i, W, lanes):
    """Place of the real part of amplitude i, of the first sample if lanes are samples."""
    if lanes is None:
        return 2 * i * W
    return (i // W) * 2 * W + i % W


@inlined
def _read_state(psi, outcomes, values, number, lanes):
    """Set the rows of W samples, or of one, to the sums of ``|psi_i|**2`` over the indices i of each outcome."""
    W = lanes_of(psi)
    first, samples = number, 1
    if lanes is None:
        first, samples = number * W, max(0, min(W, len(values) - number * W))
    for row in range(first, first + samples):
        for k in range(values.shape[1]):
            values[row, k] = 0.0
    for i in range(len(outcomes)):
        k = entry(outcomes, i)
        o = _place(i, W, lanes)
        for lane in range(samples):
            real, imaginary = float(psi[o + lane]), float(psi[o + W + lane])
            values[first + lane, k] += real * real + imaginary * imaginary


@part
def read_tile(psi, outcomes, values, tile, states, lanes):
    """Set a tile's rows of ``values`` to the probabilities in its final states."""
    for j in range(states):
        _read_state(state_of(psi, j, len(psi) // states), outcomes, values, tile * states + j, lanes)


@bridged
def read(keep, outcomes, values, queue, tiles, states, lanes):
    """Fill ``values``, float64 (n_samples, n_outcomes), with the probabilities in the final states ``keep``."""
    thread = fetch_add(queue, ARRIVED, 1)
    while True:
        tile = claim(queue, tiles, thread)
        if tile == tiles:
            break
        read_tile(keep[tile], outcomes, values, tile, states, lanes)


@inlined
def _seed_state(psi, lam, outcomes, cotangent, number, lanes):
    """Set ``lam_i`` to ``v_k psi_i`` where k is the outcome at index i; lanes without a sample to 0."""
    W = lanes_of(psi)
    first, lanes_used = number, 1
    if lanes is None:
        first, lanes_used = number * W, W
    for i in range(len(outcomes)):
        k = entry(outcomes, i)
        o = _place(i, W, lanes)
        for lane in range(lanes_used):
            v = cotangent[first + lane, k] if first + lane < len(cotangent) else 0.0
            lam[o + lane] = like(lam, v) * psi[o + lane]
            lam[o + W + lane] = like(lam, v) * psi[o + W + lane]


@part
def seed_tile(psi, lam, outcomes, cotangent, tile, states, lanes):
    """Set the adjoint states of a tile's final states, given the derivatives with respect to the probabilities."""
    size = len(psi) // states
    for j in range(states):
        _seed_state(state_of(psi, j, size), state_of(lam, j, size), outcomes, cotangent, tile * states + j, lanes)


@bridged
def seed(keep, outcomes, cotangent, seeds, queue, tiles, states, lanes):
    """Fill ``seeds``, of the shape of ``keep``, with the adjoint states for derivatives by each probability."""
    thread = fetch_add(queue, ARRIVED, 1)
    while True:
        tile = claim(queue, tiles, thread)
        if tile == tiles:
            break
        seed_tile(keep[tile], seeds[tile], outcomes, cotangent, tile, states, lanes)
