"""Rotations on a stage's blocks whose X masks move whole vectors, up to three in one pass over the block.

The strings relate to each other like Paulis of different qubits (popcount(x_j & z_k) is even for j != k), and all are
like X (popcount(x & z) even) or all like Y (odd). Then the sign of each is that of the first member of an octet,
and planes pair up as in passes.py: (re a, im b) and (im a, re b) for X, (re a, re b) and (im a, im b) for Y.

``exp(-i theta/2 P) = cos(theta/2) (1 - i tan(theta/2) P)``: only the bracket is applied here, with half the operations.
The cosines (`scale_of`) are left out by a state until its block is copied back or `multiply` is called. On the way back
both states lack them, so each derivative has the square of those left out before as a factor, its share.

A row holds its kind, the number of rotations, for each slot, local, x, z (as in passes.py); then increasing pivots. If
there are fewer than three rotations, masks x that change no sign make up the octets.
"""

from __future__ import annotations

from typing import Any

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels.addressing import following, spread
from simulator.engines.numba.kernels.native import load_native, native_lanes, splat_native
from simulator.engines.numba.kernels.signed_octets import turn_like_x, turn_like_y, undo_like_x, undo_like_y
from simulator.engines.numba.kernels.walsh import parity
from simulator.engines.numba.layout.passes import (
    COUNT,
    EACH,
    FIRST,
    KIND,
    LIKE_X,
    MEMBER_LOCAL,
    MEMBER_SLOT,
    MEMBER_X,
    MEMBER_Z,
    OCTET_BITS,
    PIVOTS,
)
from simulator.engines.numba.layout.sections import COEFFICIENTS, SIGN, SINE
from simulator.engines.numba.simd import entry, lanes_of, like, load, splat, store


@inlined
def _source(row, k, shared, local):
    if entry(row, FIRST + EACH * k + MEMBER_LOCAL):
        return local
    return shared


@inlined
def _mask(row, k, which, step):
    """A mask of rotation k, ``which`` being MEMBER_X or MEMBER_Z, as places of floats."""
    return entry(row, FIRST + EACH * k + which) * step


@inlined
def _sines(rotations, row, k):
    """Offset of the sine of rotation k, followed by its negative."""
    W = lanes_of(rotations)
    return (entry(row, FIRST + EACH * k + MEMBER_SLOT) * COEFFICIENTS + SINE) * W


@inlined
def _least_cosine(rotations):
    """Less than the rounding error of a cosine: what takes the place of smaller ones, so that no tangent overflows."""
    if lanes_of(rotations) > 8:
        return 2.0**-25
    return 2.0**-60


@inlined
def _cosine(rotations, row, k):
    """The cosine of rotation k."""
    cosine = rotations[entry(row, FIRST + EACH * k + MEMBER_SLOT) * COEFFICIENTS * lanes_of(rotations)]
    least = like(rotations, _least_cosine(rotations))
    if abs(cosine) < least:
        cosine = least
    return cosine


@inlined
def _secant(rotations, row, k):
    """What the sine of rotation k is multiplied by for its tangent, a native vector: 0 if there is no rotation k."""
    secant = like(rotations, 0.0)
    if k < entry(row, COUNT):
        secant = like(rotations, 1.0) / _cosine(rotations, row, k)
    return splat_native(rotations, secant)


@inlined
def scale_of(row, shared, local):
    """Product of the cosines that a pass leaves out."""
    out = 1.0
    for k in range(entry(row, COUNT)):
        out *= _cosine(_source(row, k, shared, local), row, k)
    return out


@inlined
def least_scale(array):
    """Least product of cosines that a state may lack; the square of its inverse is far from an overflow."""
    if lanes_of(array) > 8:
        return 2.0**-30
    return 2.0**-200


@part
def multiply(psi, scale, count, piece, pieces):
    """Multiply a piece of the ``count`` vectors of a state."""
    W = lanes_of(psi)
    factor = splat(like(psi, scale))
    for o in range(2 * W * (count * piece // pieces), 2 * W * (count * (piece + 1) // pieces), W):
        store(psi, o, load(psi, o) * factor)


@inlined
def _first_octet(row, number, step):
    """First member of an octet, and the pivots of all, as places of floats."""
    low, middle, high = entry(row, PIVOTS), entry(row, PIVOTS + 1), entry(row, PIVOTS + 2)
    return spread(spread(spread(number, low), middle), high) * step, (low | middle | high) * step


def _rotations(turn: Any, undo: Any) -> tuple[Any, Any]:
    """Create the passes of a type, forward and back, from their octets."""

    @part
    def rotate(psi, row, shared, local, first, last):
        W, N, count = lanes_of(psi), native_lanes(psi), entry(row, COUNT)
        step, source_a, source_b = 2 * W, _source(row, 0, shared, local), _source(row, 1, shared, local)
        source_c = _source(row, 2, shared, local)
        xa, xb, xc = _mask(row, 0, MEMBER_X, step), _mask(row, 1, MEMBER_X, step), _mask(row, 2, MEMBER_X, step)
        za, zb, zc = _mask(row, 0, MEMBER_Z, step), _mask(row, 1, MEMBER_Z, step), _mask(row, 2, MEMBER_Z, step)
        sa, sb, sc = _sines(source_a, row, 0), _sines(source_b, row, 1), _sines(source_c, row, 2)
        ca, cb, cc = _secant(source_a, row, 0), _secant(source_b, row, 1), _secant(source_c, row, 2)
        o, pivots = _first_octet(row, first, step)
        for _ in range(first, last):
            ta, tb, tc = sa + W * parity(o & za), sb + W * parity(o & zb), sc + W * parity(o & zc)
            for lane in range(0, W, N):
                t0, t1 = load_native(source_a, ta + lane) * ca, load_native(source_b, tb + lane) * cb
                turn(psi, o, xa, xb, xc, lane, t0, t1, load_native(source_c, tc + lane) * cc, count)
            o = following(o, pivots, step)

    @part
    def unrotate(psi, lam, row, shared, local, gradient, share, sums, first, last):
        W, N, count = lanes_of(psi), native_lanes(psi), entry(row, COUNT)
        step, source_a, source_b = 2 * W, _source(row, 0, shared, local), _source(row, 1, shared, local)
        source_c = _source(row, 2, shared, local)
        xa, xb, xc = _mask(row, 0, MEMBER_X, step), _mask(row, 1, MEMBER_X, step), _mask(row, 2, MEMBER_X, step)
        za, zb, zc = _mask(row, 0, MEMBER_Z, step), _mask(row, 1, MEMBER_Z, step), _mask(row, 2, MEMBER_Z, step)
        sa, sb, sc = _sines(source_a, row, 0), _sines(source_b, row, 1), _sines(source_c, row, 2)
        ca, cb, cc = _secant(source_a, row, 0), _secant(source_b, row, 1), _secant(source_c, row, 2)
        o, pivots = _first_octet(row, first, step)
        for k in range(OCTET_BITS):
            store(sums, k * W, splat(like(sums, 0.0)))
        signs = (SIGN - SINE) * W
        for _ in range(first, last):
            ta, tb, tc = sa + W * parity(o & za), sb + W * parity(o & zb), sc + W * parity(o & zc)
            ua, ub, uc = 2 * sa + W - ta, 2 * sb + W - tb, 2 * sc + W - tc  # the tangents of opposite sign
            for lane in range(0, W, N):
                t0, t1 = load_native(source_a, ua + lane) * ca, load_native(source_b, ub + lane) * cb
                t2 = load_native(source_c, uc + lane) * cc
                d0, d1, d2 = undo(psi, lam, o, xa, xb, xc, lane, t0, t1, t2, count)
                l0, l1, l2 = lane, W + lane, 2 * W + lane
                store(sums, l0, load_native(sums, l0) + load_native(source_a, ta + signs + lane) * d0)
                store(sums, l1, load_native(sums, l1) + load_native(source_b, tb + signs + lane) * d1)
                store(sums, l2, load_native(sums, l2) + load_native(source_c, tc + signs + lane) * d2)
            o = following(o, pivots, step)
        for k in range(count):
            slot = entry(row, FIRST + EACH * k + MEMBER_SLOT) * W
            store(gradient, slot, load(gradient, slot) + splat(like(gradient, share)) * load(sums, k * W))

    return rotate, unrotate


_rotate_x, _unrotate_x = _rotations(turn_like_x, undo_like_x)
_rotate_y, _unrotate_y = _rotations(turn_like_y, undo_like_y)


@inlined
def _octets(count, piece, pieces):
    size = count >> OCTET_BITS
    return size * piece // pieces, size * (piece + 1) // pieces


@part
def rotate_block(psi, row, shared, local, count, piece, pieces):
    """Apply a pass of kind LIKE_X or LIKE_Y to a piece of the ``count`` vectors of a state."""
    first, last = _octets(count, piece, pieces)
    if entry(row, KIND) == LIKE_X:
        _rotate_x(psi, row, shared, local, first, last)
    else:
        _rotate_y(psi, row, shared, local, first, last)


@part
def unrotate_block(psi, lam, row, shared, local, gradient, share, sums, count, piece, pieces):
    """Undo a pass on a piece of both states and add its derivatives, times ``share``, to ``gradient``.

    ``sums`` are three vectors to work with.
    """
    first, last = _octets(count, piece, pieces)
    if entry(row, KIND) == LIKE_X:
        _unrotate_x(psi, lam, row, shared, local, gradient, share, sums, first, last)
    else:
        _unrotate_y(psi, lam, row, shared, local, gradient, share, sums, first, last)
