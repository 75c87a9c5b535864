"""Rotations on a stage's blocks whose X masks move whole vectors, up to three in one pass over the block.

The strings relate to each other like Paulis of different qubits (popcount(x_j & z_k) is even for j != k), and all are
like X (popcount(x & z) even) or all like Y (odd). Then the sign of each is that of the first member of an octet,
and planes pair up as in passes.py: (re a, im b) and (im a, re b) for X, (re a, re b) and (im a, im b) for Y.

``exp(-i theta/2 P) = cos(theta/2) (1 - i tan(theta/2) P)``: only the bracket is applied here, with half the operations.
The cosines of a stage are one factor (`scale_of`), which `scatter` applies.

A row holds its kind, the number of rotations, for each slot, local, x, z (as in passes.py); then increasing pivots.
"""

from __future__ import annotations

from typing import Any

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import octets
from simulator.engines.numba.kernels.addressing import following, spread
from simulator.engines.numba.kernels.native import load_native, native_lanes, splat_native
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
    PIVOTS,
)
from simulator.engines.numba.layout.sections import COEFFICIENTS, SINE
from simulator.engines.numba.simd import entry, lanes_of, like, load, splat, store


@inlined
def _bracket_like_x(a0, a1, b0, b1, t):
    """``1 - i t X`` on the amplitudes a and b."""
    return a0 - t * b1, a1 + t * b0, b0 - t * a1, b1 + t * a0


@inlined
def _bracket_like_y(a0, a1, b0, b1, t):
    """``1 - i t Y``, up to the sign of t, on the amplitudes a and b."""
    return a0 + t * b0, a1 + t * b1, b0 - t * a0, b1 - t * a1


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
def _tangent(rotations, sines, z, i, secant):
    """A tangent, with the sign of the pair or octet that begins at i."""
    return load(rotations, sines + lanes_of(rotations) * parity(i & z)) * secant


@inlined
def _cosine(rotations, row, k):
    """The cosine of rotation k."""
    return rotations[entry(row, FIRST + EACH * k + MEMBER_SLOT) * COEFFICIENTS * lanes_of(rotations)]


@inlined
def _secant(rotations, row, k):
    return splat(like(rotations, 1.0) / _cosine(rotations, row, k))


@inlined
def _native_secant(rotations, row, k):
    return splat_native(rotations, like(rotations, 1.0) / _cosine(rotations, row, k))


@inlined
def scale_of(row, shared, local):
    """Product of the cosines that a pass leaves out."""
    out = 1.0
    for k in range(entry(row, COUNT)):
        out *= _cosine(_source(row, k, shared, local), row, k)
    return out


def _rotations(bracket: Any, turn: Any) -> tuple[Any, Any, Any]:
    """Create the passes of one, two and three rotations of a type; ``turn`` applies three brackets."""

    @part
    def one(psi, row, shared, local, first, last):
        W = lanes_of(psi)
        step, source = 2 * W, _source(row, 0, shared, local)
        x, z, pivot = _mask(row, 0, MEMBER_X, step), _mask(row, 0, MEMBER_Z, step), entry(row, PIVOTS)
        sines, c = _sines(source, row, 0), _secant(source, row, 0)
        o, pivots = spread(first, pivot) * step, pivot * step
        for _ in range(first, last):
            t = _tangent(source, sines, z, o, c)
            p = o ^ x
            a0, a1, b0, b1 = bracket(load(psi, o), load(psi, o + W), load(psi, p), load(psi, p + W), t)
            store(psi, o, a0)
            store(psi, o + W, a1)
            store(psi, p, b0)
            store(psi, p + W, b1)
            o = following(o, pivots, step)

    @part
    def two(psi, row, shared, local, first, last):
        W = lanes_of(psi)
        step = 2 * W
        source_a, source_b = _source(row, 0, shared, local), _source(row, 1, shared, local)
        xa, xb = _mask(row, 0, MEMBER_X, step), _mask(row, 1, MEMBER_X, step)
        za, zb = _mask(row, 0, MEMBER_Z, step), _mask(row, 1, MEMBER_Z, step)
        low, high = entry(row, PIVOTS), entry(row, PIVOTS + 1)
        sa, sb = _sines(source_a, row, 0), _sines(source_b, row, 1)
        ca, cb = _secant(source_a, row, 0), _secant(source_b, row, 1)
        o0, pivots = spread(spread(first, low), high) * step, (low | high) * step
        for _ in range(first, last):
            ta, tb = _tangent(source_a, sa, za, o0, ca), _tangent(source_b, sb, zb, o0, cb)
            o1, o2 = o0 ^ xa, o0 ^ xb
            o3 = o1 ^ xb
            a0, a1, b0, b1 = bracket(load(psi, o0), load(psi, o0 + W), load(psi, o1), load(psi, o1 + W), ta)
            d0, d1, e0, e1 = bracket(load(psi, o2), load(psi, o2 + W), load(psi, o3), load(psi, o3 + W), ta)
            a0, a1, d0, d1 = bracket(a0, a1, d0, d1, tb)
            b0, b1, e0, e1 = bracket(b0, b1, e0, e1, tb)
            store(psi, o0, a0)
            store(psi, o0 + W, a1)
            store(psi, o1, b0)
            store(psi, o1 + W, b1)
            store(psi, o2, d0)
            store(psi, o2 + W, d1)
            store(psi, o3, e0)
            store(psi, o3 + W, e1)
            o0 = following(o0, pivots, step)

    @part
    def three(psi, row, shared, local, first, last):
        W, N = lanes_of(psi), native_lanes(psi)
        step, source_a, source_b = 2 * W, _source(row, 0, shared, local), _source(row, 1, shared, local)
        source_c = _source(row, 2, shared, local)
        xa, xb, xc = _mask(row, 0, MEMBER_X, step), _mask(row, 1, MEMBER_X, step), _mask(row, 2, MEMBER_X, step)
        za, zb, zc = _mask(row, 0, MEMBER_Z, step), _mask(row, 1, MEMBER_Z, step), _mask(row, 2, MEMBER_Z, step)
        low, middle, high = entry(row, PIVOTS), entry(row, PIVOTS + 1), entry(row, PIVOTS + 2)
        sa, sb, sc = _sines(source_a, row, 0), _sines(source_b, row, 1), _sines(source_c, row, 2)
        ca, cb, cc = (
            _native_secant(source_a, row, 0),
            _native_secant(source_b, row, 1),
            _native_secant(source_c, row, 2),
        )
        o, pivots = spread(spread(spread(first, low), middle), high) * step, (low | middle | high) * step
        for _ in range(first, last):
            ta, tb, tc = sa + W * parity(o & za), sb + W * parity(o & zb), sc + W * parity(o & zc)
            for lane in range(0, W, N):
                t0, t1 = load_native(source_a, ta + lane) * ca, load_native(source_b, tb + lane) * cb
                turn(psi, o, xa, xb, xc, lane, t0, t1, load_native(source_c, tc + lane) * cc)
            o = following(o, pivots, step)

    return one, two, three


_one_x, _two_x, _three_x = _rotations(_bracket_like_x, octets.turn_like_x)
_one_y, _two_y, _three_y = _rotations(_bracket_like_y, octets.turn_like_y)


@part
def rotate_block(psi, row, shared, local, count, piece, pieces):
    """Apply a pass of kind LIKE_X or LIKE_Y to a piece of the ``count`` vectors of a state."""
    rotations = entry(row, COUNT)
    size = count >> rotations
    first, last = size * piece // pieces, size * (piece + 1) // pieces
    if entry(row, KIND) == LIKE_X:
        if rotations == 3:
            _three_x(psi, row, shared, local, first, last)
        elif rotations == 2:
            _two_x(psi, row, shared, local, first, last)
        else:
            _one_x(psi, row, shared, local, first, last)
    elif rotations == 3:
        _three_y(psi, row, shared, local, first, last)
    elif rotations == 2:
        _two_y(psi, row, shared, local, first, last)
    else:
        _one_y(psi, row, shared, local, first, last)
