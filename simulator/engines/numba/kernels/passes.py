"""Passes over a state: rotations about Pauli strings, phases and dense matrices, with their adjoint sweeps.

Entangling gates that permute basis states are not applied: the program treats them as a change of basis, so
that a one-qubit gate becomes a rotation about a string with masks x and z, acting on the amplitude pairs
(i, i ^ x) with the sign (-1)**popcount(i & z).

With ``P = i**popcount(x & z) X**x Z**z``, ``exp(-i theta/2 P)`` takes ``a = psi[i]``, ``b = psi[i ^ x]`` to
``c a + s b``, ``c b - s a`` in each of two planes of real numbers: (re a, re b) and (im a, im b) if
popcount(x & z) is odd, (re a, im b) and (im a, re b) if it is even (then ``swap`` is 1). The derivative with respect to
theta is ``Im <lambda|P|psi>``, a sum over the same planes.

``rotations`` holds for each gate the vectors c, s, -s, e, -e with e the sign of s, lanes' signs included.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels.addressing import first_of_coset, spread
from simulator.engines.numba.kernels.walsh import aligned, parity
from simulator.engines.numba.layout.passes import (
    CROSS_A,
    CROSS_B,
    DENSE_PIVOTS,
    DENSE_RANK,
    DENSE_STRINGS,
    HIGH,
    LANE_X,
    LOW,
    SECOND,
    SLOT,
    SWAP,
    X,
    Z,
)
from simulator.engines.numba.layout.sections import COEFFICIENTS, SIGN, SINE
from simulator.engines.numba.simd import entry, lanes_of, like, load, splat, store


@inlined
def _rotate_plane(a, b, c, s):
    return c * a + s * b, c * b - s * a


@inlined
def _unrotate_plane(a, b, c, s):
    return c * a - s * b, c * b + s * a


@part
def rotate(psi, row, rotations, lanes, first, last):
    """One rotation on the pairs numbered first to last."""
    W = lanes_of(psi)
    x, z, swap, pivot, lane_x = entry(row, X), entry(row, Z), entry(row, SWAP), entry(row, LOW), entry(row, LANE_X)
    base = entry(row, SLOT) * COEFFICIENTS * W
    c = load(rotations, base)
    base += SINE * W
    for k in range(first, last):
        i = spread(k, pivot)
        sign = parity(i & z)
        o, p = i * 2 * W, (i ^ x) * 2 * W
        s0 = load(rotations, base + W * (sign ^ swap))
        s1 = load(rotations, base + W * sign)
        p0, p1 = p + W * swap, p + W - W * swap
        a0, a1 = load(psi, o), load(psi, o + W)
        b0, b1 = aligned(load(psi, p0), lane_x, lanes), aligned(load(psi, p1), lane_x, lanes)
        a0, b0 = _rotate_plane(a0, b0, c, s0)
        a1, b1 = _rotate_plane(a1, b1, c, s1)
        store(psi, o, a0)
        store(psi, o + W, a1)
        store(psi, p0, aligned(b0, lane_x, lanes))
        store(psi, p1, aligned(b1, lane_x, lanes))


@part
def unrotate(psi, lam, row, rotations, gradient, lanes, first, last):
    """Undo one rotation on both states and add its derivative to ``gradient``."""
    W = lanes_of(psi)
    x, z, swap, pivot, lane_x = entry(row, X), entry(row, Z), entry(row, SWAP), entry(row, LOW), entry(row, LANE_X)
    base = entry(row, SLOT) * COEFFICIENTS * W
    c = load(rotations, base)
    base += SINE * W
    signs = base + (SIGN - SINE) * W
    g = load(gradient, entry(row, SLOT) * W)
    for k in range(first, last):
        i = spread(k, pivot)
        sign = parity(i & z)
        at0, at1 = W * (sign ^ swap), W * sign
        o, p = i * 2 * W, (i ^ x) * 2 * W
        p0, p1 = p + W * swap, p + W - W * swap
        s0, s1 = load(rotations, base + at0), load(rotations, base + at1)
        a0, a1 = load(psi, o), load(psi, o + W)
        b0, b1 = aligned(load(psi, p0), lane_x, lanes), aligned(load(psi, p1), lane_x, lanes)
        u0, u1 = load(lam, o), load(lam, o + W)
        v0, v1 = aligned(load(lam, p0), lane_x, lanes), aligned(load(lam, p1), lane_x, lanes)
        g = g + load(rotations, signs + at0) * (u0 * b0 - v0 * a0)
        g = g + load(rotations, signs + at1) * (u1 * b1 - v1 * a1)
        a0, b0 = _unrotate_plane(a0, b0, c, s0)
        a1, b1 = _unrotate_plane(a1, b1, c, s1)
        u0, v0 = _unrotate_plane(u0, v0, c, s0)
        u1, v1 = _unrotate_plane(u1, v1, c, s1)
        store(psi, o, a0)
        store(psi, o + W, a1)
        store(psi, p0, aligned(b0, lane_x, lanes))
        store(psi, p1, aligned(b1, lane_x, lanes))
        store(lam, o, u0)
        store(lam, o + W, u1)
        store(lam, p0, aligned(v0, lane_x, lanes))
        store(lam, p1, aligned(v1, lane_x, lanes))
    store(gradient, entry(row, SLOT) * W, g)


@inlined
def _pair_masks(row):
    """Masks, swaps and lane masks of a pair, from which its quadruples (i, i ^ x1, i ^ x2, i ^ x1 ^ x2) follow."""
    return (
        entry(row, X),
        entry(row, X + SECOND),
        entry(row, SWAP),
        entry(row, SWAP + SECOND),
        entry(row, LANE_X),
        entry(row, LANE_X + SECOND),
    )


@inlined
def _places(i, masks, W):
    """Offsets of planes 0 and 1 of a quadruple's second, third and fourth member."""
    xa, xb, ta, tb, _, _ = masks
    o1, o2, o3, tc = (i ^ xa) * 2 * W, (i ^ xb) * 2 * W, (i ^ xa ^ xb) * 2 * W, ta ^ tb
    return o1 + W * ta, o1 + W - W * ta, o2 + W * tb, o2 + W - W * tb, o3 + W * tc, o3 + W - W * tc


@inlined
def _load_quadruple(state, i, masks, lanes):
    """The two planes of each member, lanes in the order of the first member's."""
    W = lanes_of(state)
    _, _, _, _, la, lb = masks
    p0, p1, q0, q1, v0, v1 = _places(i, masks, W)
    o = i * 2 * W
    return (
        load(state, o),
        load(state, o + W),
        aligned(load(state, p0), la, lanes),
        aligned(load(state, p1), la, lanes),
        aligned(load(state, q0), lb, lanes),
        aligned(load(state, q1), lb, lanes),
        aligned(load(state, v0), la ^ lb, lanes),
        aligned(load(state, v1), la ^ lb, lanes),
    )


@inlined
def _store_quadruple(state, i, masks, lanes, r0, r1, s0, s1, t0, t1, u0, u1):
    """The inverse of `_load_quadruple`."""
    W = lanes_of(state)
    _, _, _, _, la, lb = masks
    p0, p1, q0, q1, v0, v1 = _places(i, masks, W)
    o = i * 2 * W
    store(state, o, r0)
    store(state, o + W, r1)
    store(state, p0, aligned(s0, la, lanes))
    store(state, p1, aligned(s1, la, lanes))
    store(state, q0, aligned(t0, lb, lanes))
    store(state, q1, aligned(t1, lb, lanes))
    store(state, v0, aligned(u0, la ^ lb, lanes))
    store(state, v1, aligned(u1, la ^ lb, lanes))


@inlined
def _plane_signs(swaps, other_swaps, cross):
    """Signs of the four planes that a rotation mixes, relative to that of the quadruple's first member.

    ``swaps`` and ``other_swaps``: whether this rotation and the other one swap planes; ``cross``: the parity of the
    other one's x mask and this one's z mask.
    """
    return swaps, 0, cross ^ (swaps & (1 - other_swaps)), cross ^ (swaps & other_swaps)


@part
def rotate_pair(psi, row, rotations_a, rotations_b, lanes, first, last):
    """Apply two rotations to quadruples in one pass over memory."""
    W = lanes_of(psi)
    masks = _pair_masks(row)
    za, zb, low, high = entry(row, Z), entry(row, Z + SECOND), entry(row, LOW), entry(row, HIGH)
    a0, a1, a2, a3 = _plane_signs(entry(row, SWAP), entry(row, SWAP + SECOND), entry(row, CROSS_A))
    b0, b1, b2, b3 = _plane_signs(entry(row, SWAP + SECOND), entry(row, SWAP), entry(row, CROSS_B))
    base_a, base_b = entry(row, SLOT) * COEFFICIENTS * W, entry(row, SLOT + SECOND) * COEFFICIENTS * W
    ca, cb = load(rotations_a, base_a), load(rotations_b, base_b)
    base_a += SINE * W
    base_b += SINE * W
    for k in range(first, last):
        i = spread(spread(k, low), high)
        sa, sb = parity(i & za), parity(i & zb)
        r0, r1, s0, s1, t0, t1, u0, u1 = _load_quadruple(psi, i, masks, lanes)
        r0, s0 = _rotate_plane(r0, s0, ca, load(rotations_a, base_a + W * (sa ^ a0)))
        r1, s1 = _rotate_plane(r1, s1, ca, load(rotations_a, base_a + W * (sa ^ a1)))
        t0, u0 = _rotate_plane(t0, u0, ca, load(rotations_a, base_a + W * (sa ^ a2)))
        t1, u1 = _rotate_plane(t1, u1, ca, load(rotations_a, base_a + W * (sa ^ a3)))
        r0, t0 = _rotate_plane(r0, t0, cb, load(rotations_b, base_b + W * (sb ^ b0)))
        r1, t1 = _rotate_plane(r1, t1, cb, load(rotations_b, base_b + W * (sb ^ b1)))
        s0, u0 = _rotate_plane(s0, u0, cb, load(rotations_b, base_b + W * (sb ^ b2)))
        s1, u1 = _rotate_plane(s1, u1, cb, load(rotations_b, base_b + W * (sb ^ b3)))
        _store_quadruple(psi, i, masks, lanes, r0, r1, s0, s1, t0, t1, u0, u1)


@inlined
def _undo_plane(rotations, at, c, g, a, b, u, v):
    """Undo a rotation on one plane of both states, the sine being at ``at``; add its derivative to g."""
    W = lanes_of(rotations)
    g = g + load(rotations, at + (SIGN - SINE) * W) * (u * b - v * a)
    s = load(rotations, at)
    a, b = _unrotate_plane(a, b, c, s)
    u, v = _unrotate_plane(u, v, c, s)
    return g, a, b, u, v


@part
def unrotate_pair(psi, lam, row, rotations_a, rotations_b, gradient, lanes, first, last):
    """Undo two rotations on quadruples of both states and add both derivatives to ``gradient``."""
    W = lanes_of(psi)
    masks = _pair_masks(row)
    za, zb, low, high = entry(row, Z), entry(row, Z + SECOND), entry(row, LOW), entry(row, HIGH)
    a0, a1, a2, a3 = _plane_signs(entry(row, SWAP), entry(row, SWAP + SECOND), entry(row, CROSS_A))
    b0, b1, b2, b3 = _plane_signs(entry(row, SWAP + SECOND), entry(row, SWAP), entry(row, CROSS_B))
    base_a, base_b = entry(row, SLOT) * COEFFICIENTS * W, entry(row, SLOT + SECOND) * COEFFICIENTS * W
    ca, cb = load(rotations_a, base_a), load(rotations_b, base_b)
    base_a += SINE * W
    base_b += SINE * W
    ga, gb = load(gradient, entry(row, SLOT) * W), load(gradient, entry(row, SLOT + SECOND) * W)
    for k in range(first, last):
        i = spread(spread(k, low), high)
        sa, sb = parity(i & za), parity(i & zb)
        r0, r1, s0, s1, t0, t1, u0, u1 = _load_quadruple(psi, i, masks, lanes)
        R0, R1, S0, S1, T0, T1, U0, U1 = _load_quadruple(lam, i, masks, lanes)
        gb, r0, t0, R0, T0 = _undo_plane(rotations_b, base_b + W * (sb ^ b0), cb, gb, r0, t0, R0, T0)
        gb, r1, t1, R1, T1 = _undo_plane(rotations_b, base_b + W * (sb ^ b1), cb, gb, r1, t1, R1, T1)
        gb, s0, u0, S0, U0 = _undo_plane(rotations_b, base_b + W * (sb ^ b2), cb, gb, s0, u0, S0, U0)
        gb, s1, u1, S1, U1 = _undo_plane(rotations_b, base_b + W * (sb ^ b3), cb, gb, s1, u1, S1, U1)
        ga, r0, s0, R0, S0 = _undo_plane(rotations_a, base_a + W * (sa ^ a0), ca, ga, r0, s0, R0, S0)
        ga, r1, s1, R1, S1 = _undo_plane(rotations_a, base_a + W * (sa ^ a1), ca, ga, r1, s1, R1, S1)
        ga, t0, u0, T0, U0 = _undo_plane(rotations_a, base_a + W * (sa ^ a2), ca, ga, t0, u0, T0, U0)
        ga, t1, u1, T1, U1 = _undo_plane(rotations_a, base_a + W * (sa ^ a3), ca, ga, t1, u1, T1, U1)
        _store_quadruple(psi, i, masks, lanes, r0, r1, s0, s1, t0, t1, u0, u1)
        _store_quadruple(lam, i, masks, lanes, R0, R1, S0, S1, T0, T1, U0, U1)
    store(gradient, entry(row, SLOT) * W, ga)
    store(gradient, entry(row, SLOT + SECOND) * W, gb)


@inlined
def _partners(a, b, lane_x, lanes, swap):
    """What the planes of a vector meet in a rotation whose pairs lie within it."""
    a, b = aligned(a, lane_x, lanes), aligned(b, lane_x, lanes)
    if swap:
        a, b = b, a
    return a, b


@part
def rotate_lanes(psi, row, rotations, lanes, first, last):
    """Apply a rotation whose pairs lie within a vector to vectors first to last."""
    W = lanes_of(psi)
    z, swap, lane_x = entry(row, Z), entry(row, SWAP), entry(row, LANE_X)
    base = entry(row, SLOT) * COEFFICIENTS * W
    c = load(rotations, base)
    base += SINE * W
    for i in range(first, last):
        sign = parity(i & z)
        o = i * 2 * W
        a0, a1 = load(psi, o), load(psi, o + W)
        b0, b1 = _partners(a0, a1, lane_x, lanes, swap)
        store(psi, o, c * a0 + load(rotations, base + W * (sign ^ swap)) * b0)
        store(psi, o + W, c * a1 + load(rotations, base + W * sign) * b1)


@part
def unrotate_lanes(psi, lam, row, rotations, gradient, lanes, first, last):
    """Undo a rotation whose pairs lie within a vector on both states and add its derivative to ``gradient``."""
    W = lanes_of(psi)
    z, swap, lane_x = entry(row, Z), entry(row, SWAP), entry(row, LANE_X)
    base = entry(row, SLOT) * COEFFICIENTS * W
    c = load(rotations, base)
    base += SINE * W
    signs = base + (SIGN - SINE) * W
    g = load(gradient, entry(row, SLOT) * W)
    for i in range(first, last):
        sign = parity(i & z)
        at0, at1, o = W * (sign ^ swap), W * sign, i * 2 * W
        a0, a1 = load(psi, o), load(psi, o + W)
        u0, u1 = load(lam, o), load(lam, o + W)
        b0, b1 = _partners(a0, a1, lane_x, lanes, swap)
        v0, v1 = _partners(u0, u1, lane_x, lanes, swap)
        g = g + load(rotations, signs + at0) * (u0 * b0)
        g = g + load(rotations, signs + at1) * (u1 * b1)
        s0, s1 = load(rotations, base + at0), load(rotations, base + at1)
        store(psi, o, c * a0 - s0 * b0)
        store(psi, o + W, c * a1 - s1 * b1)
        store(lam, o, c * u0 - s0 * v0)
        store(lam, o + W, c * u1 - s1 * v1)
    store(gradient, entry(row, SLOT) * W, g)


@part
def dense(psi, spec, tables, offset, scratch, lanes, first, last):
    """Apply a dense matrix on k qubits, given by their strings, to cosets first to last.

    ``out[i] = sum_d M[j(i), j(i) ^ d] psi[i ^ X(d)]`` with bit m of j(i) the parity of i & z_m, and X(d) the
    sum of the x_m that d selects. ``tables`` holds from ``offset`` the vectors M[p ^ l, p ^ l ^ d] (re, im) for
    the vector's parities p and each d, l being the lane's own parities. ``spec``: k, r, then r pivots,
    k masks z, 2**r members of the coset, for each d the number of its member, for each d its lane mask.
    """
    W = lanes_of(psi)
    k, rank = entry(spec, DENSE_STRINGS), entry(spec, DENSE_RANK)
    pivots, zs = DENSE_PIVOTS, DENSE_PIVOTS + rank
    members = zs + k
    slots = members + (1 << rank)
    shifts = slots + (1 << k)
    zero = splat(like(psi, 0.0))
    for number in range(first, last):
        i = first_of_coset(number, spec, pivots, rank)
        for u in range(1 << rank):
            o = (i ^ entry(spec, members + u)) * 2 * W
            store(scratch, u * 2 * W, load(psi, o))
            store(scratch, u * 2 * W + W, load(psi, o + W))
        for u in range(1 << rank):
            at = i ^ entry(spec, members + u)
            pattern = 0
            for m in range(k):
                pattern |= parity(at & entry(spec, zs + m)) << m
            row = offset + (pattern << k) * 2 * W
            re, im = zero, zero
            for d in range(1 << k):
                source = (u ^ entry(spec, slots + d)) * 2 * W
                a0 = aligned(load(scratch, source), entry(spec, shifts + d), lanes)
                a1 = aligned(load(scratch, source + W), entry(spec, shifts + d), lanes)
                m0, m1 = load(tables, row + d * 2 * W), load(tables, row + d * 2 * W + W)
                re = re + m0 * a0 - m1 * a1
                im = im + m0 * a1 + m1 * a0
            o = at * 2 * W
            store(psi, o, re)
            store(psi, o + W, im)
