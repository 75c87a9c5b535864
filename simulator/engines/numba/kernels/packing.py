"""States of tiles as complex numbers, and back."""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, kernel
from simulator.engines.numba.simd import lanes_of, like, section


@inlined
def unpack_state(psi, out, number, lanes):
    """Write the states of tile ``number`` as complex numbers to its rows of ``out``, shape (n_samples, 2**n)."""
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
    """Write stored tiles as complex numbers to ``out``, shape (n_samples, 2**n)."""
    for tile in range(len(keep)):
        size = keep.shape[1] // states
        for j in range(states):
            unpack_state(section(keep[tile], j * size, (j + 1) * size), out, tile * states + j, lanes)


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
