"""Sums of Z strings over a state: phases and their derivatives, expectations and the adjoint's seed.

All four process blocks through one real buffer: either coefficients are stored at their masks and transformed into a
value per amplitude, or values of the amplitudes are transformed and read at the masks. ``bits`` is the number of qubits
of a block; the higher bits of a mask give a sign for the block.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels.walsh import aligned, parity, walsh_hadamard
from simulator.engines.numba.layout.sections import (
    GROUP_FIRST,
    GROUP_LANE_X,
    GROUP_LAST,
    GROUP_PLANE,
    GROUP_X,
    STRING_OBSERVABLE,
    STRING_Z,
    TERM_SLOT,
    TERM_Z,
)
from simulator.engines.numba.simd import lanes_of, like, load, sincos, splat, store


@inlined
def _vectors(W, bits, lanes):
    """Number of vectors in a block."""
    if lanes is None:
        return 1 << bits
    return max(1, (1 << bits) >> lanes)


@inlined
def _clear(buffer, count):
    W = lanes_of(buffer)
    zero = splat(like(buffer, 0.0))
    for o in range(0, count * W, W):
        store(buffer, o, zero)


@inlined
def _put(buffer, values, slot, factor, z, block, bits, lanes):
    """Add ``factor * values[slot]`` to the coefficient of mask z."""
    W = lanes_of(buffer)
    if lanes is None:
        v = splat(like(buffer, factor))
        store(buffer, z * W, load(buffer, z * W) + v * load(values, slot * W))
    else:
        sign = 1.0 - 2.0 * parity(block & (z >> bits))
        buffer[z & ((1 << bits) - 1)] += like(buffer, factor * sign) * values[slot * W]


@inlined
def _pick(buffer, values, slot, factor, z, block, bits, lanes):
    """Add ``factor`` times the transform's value at mask z to ``values[slot]``."""
    W = lanes_of(buffer)
    if lanes is None:
        v = splat(like(buffer, factor))
        store(values, slot * W, load(values, slot * W) + v * load(buffer, z * W))
    else:
        sign = 1.0 - 2.0 * parity(block & (z >> bits))
        values[slot * W] += like(buffer, factor * sign) * buffer[z & ((1 << bits) - 1)]


@part
def fill_phases(table, offset, terms, theta, block, bits, buffer, lanes):
    """Compute phases ``exp(-i/2 sum_t theta_t (-1)**popcount(i & z_t))`` of a block's amplitudes, vectors (re, im).

    ``terms`` are the pass's Z strings, ``theta`` a vector of angles for each slot (lane 0 where lanes are qubits).
    """
    W = lanes_of(buffer)
    count = _vectors(W, bits, lanes)
    _clear(buffer, count)
    for t in range(len(terms)):
        _put(buffer, theta, terms[t, TERM_SLOT], -0.5, terms[t, TERM_Z], block, bits, lanes)
    walsh_hadamard(buffer, 0, bits, lanes)
    for j in range(count):
        sine, cosine = sincos(load(buffer, j * W))
        store(table, offset + 2 * j * W, cosine)
        store(table, offset + 2 * j * W + W, sine)


@part
def multiply_phases(psi, start, table, offset, splatted, count):
    """Multiply ``count`` vectors from vector ``start`` on by phases: vectors, or numbers for all lanes."""
    W = lanes_of(psi)
    step = 2 if splatted else 2 * W
    for j in range(count):
        o, t = (start + j) * 2 * W, offset + j * step
        if splatted:
            c, s = splat(table[t]), splat(table[t + 1])
        else:
            c, s = load(table, t), load(table, t + W)
        a0, a1 = load(psi, o), load(psi, o + W)
        store(psi, o, c * a0 - s * a1)
        store(psi, o + W, c * a1 + s * a0)


@part
def undo_phases(psi, lam, start, table, offset, splatted, count, buffer, needed, adding):
    """Undo phases on both states; ``buffer`` receives half the derivative by each amplitude's phase.

    ``adding``: whether to add to the contents of the buffer, which come from another state of the tile.
    """
    W = lanes_of(psi)
    step = 2 if splatted else 2 * W
    for j in range(count):
        o, t = (start + j) * 2 * W, offset + j * step
        if splatted:
            c, s = splat(table[t]), splat(table[t + 1])
        else:
            c, s = load(table, t), load(table, t + W)
        a0, a1 = load(psi, o), load(psi, o + W)
        u0, u1 = load(lam, o), load(lam, o + W)
        if needed:
            d = u1 * a0 - u0 * a1
            if adding:
                d = d + load(buffer, j * W)
            store(buffer, j * W, d)
        store(psi, o, c * a0 + s * a1)
        store(psi, o + W, c * a1 - s * a0)
        store(lam, o, c * u0 + s * u1)
        store(lam, o + W, c * u1 - s * u0)


@part
def pick_phase_gradients(gradient, terms, block, bits, buffer, lanes):
    """Transform the buffer written by `undo_phases` and add each term's derivative to ``gradient``."""
    walsh_hadamard(buffer, 0, bits, lanes)
    for t in range(len(terms)):
        _pick(buffer, gradient, terms[t, TERM_SLOT], -1.0, terms[t, TERM_Z], block, bits, lanes)


@inlined
def _is_single(group, lanes):
    """Whether a group of strings has one member, and lanes are samples."""
    if lanes is None:
        return group[GROUP_LAST] == group[GROUP_FIRST] + 1
    return False


@part
def expect(psi, group, strings, weights, values, block, bits, buffer, lanes):
    """Add a block's share of ``<psi|O_k|psi>`` to ``values[k]`` for strings that share their x mask.

    ``group``: x, its lane part, plane (0: popcount(x & z) even, 1: odd), first and last string; ``strings``
    holds (z, k) and ``weights`` the real factor of each.
    """
    W = lanes_of(psi)
    x, lane_x, plane = group[GROUP_X], group[GROUP_LANE_X], group[GROUP_PLANE]
    count = _vectors(W, bits, lanes)
    single = _is_single(group, lanes)
    z = strings[group[GROUP_FIRST], STRING_Z]
    one = splat(like(buffer, 1.0))
    total = one - one
    store(buffer, 0, one)
    store(buffer, W, total - one)
    for j in range(count):
        i = block * count + j
        o, p = i * 2 * W, (i ^ x) * 2 * W
        a0, a1 = load(psi, o), load(psi, o + W)
        b0, b1 = aligned(load(psi, p), lane_x, lanes), aligned(load(psi, p + W), lane_x, lanes)
        value = a0 * b0 + a1 * b1 if plane == 0 else a0 * b1 - a1 * b0
        if single:
            total = total + load(buffer, W * parity(i & z)) * value  # a sum takes the place of the transform
        else:
            store(buffer, j * W, value)
    if single:
        store(buffer, z * W, total)
    else:
        walsh_hadamard(buffer, 0, bits, lanes)
    for t in range(group[GROUP_FIRST], group[GROUP_LAST]):
        _pick(buffer, values, strings[t, STRING_OBSERVABLE], weights[t], strings[t, STRING_Z], block, bits, lanes)


@part
def seed(lam, psi, group, strings, weights, cotangent, block, bits, buffer, lanes, fresh):
    """Set (``fresh``) or add a block of ``sum_k v_k O_k psi`` for strings that share their x mask."""
    W = lanes_of(psi)
    x, lane_x, plane = group[GROUP_X], group[GROUP_LANE_X], group[GROUP_PLANE]
    count = _vectors(W, bits, lanes)
    single, first = _is_single(group, lanes), group[GROUP_FIRST]
    z = strings[first, STRING_Z]
    if single:  # two values take the place of the transform, by the parity of z
        value = splat(like(psi, weights[first])) * load(cotangent, strings[first, STRING_OBSERVABLE] * W)
        store(buffer, 0, value)
        store(buffer, W, splat(like(psi, -1.0)) * value)
    else:
        _clear(buffer, count)
        for t in range(first, group[GROUP_LAST]):
            _put(buffer, cotangent, strings[t, STRING_OBSERVABLE], weights[t], strings[t, STRING_Z], block, bits, lanes)
        walsh_hadamard(buffer, 0, bits, lanes)
    for j in range(count):
        i = block * count + j
        o, p = i * 2 * W, (i ^ x) * 2 * W
        h = load(buffer, W * (parity(i & z) if single else j))
        b0, b1 = h * aligned(load(psi, p), lane_x, lanes), h * aligned(load(psi, p + W), lane_x, lanes)
        if plane:
            b0, b1 = b1, splat(like(psi, -1.0)) * b0
        if not fresh:
            b0, b1 = b0 + load(lam, o), b1 + load(lam, o + W)
        store(lam, o, b0)
        store(lam, o + W, b1)
