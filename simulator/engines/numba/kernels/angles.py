"""Reduction of large angles modulo 4 pi in kernels, the counterpart of `simulator.range_reduction`.

An angle is a sum of terms ``factor * value``. A term above `EXACT` is reduced before it is added, with the accuracy of
the C library's sine. For states in single precision, the sum is also reduced before it is rounded.

Ordinary angles cost one comparison of vectors per slot; a slot's angles are recomputed only if one of them is large.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.simd import entry, exceeds, lane_sum, lanes_of, like, load, splat
from simulator.range_reduction import EXACT

_PERIOD = 4 * math.pi
_EXACT_SINGLE = 20.0  # radians, just beyond the angles of a ZZ map, 2 pi^2: float32 rounds this by at most 1e-6
# 4 pi in two parts, the first with trailing zeros, so that a multiple of it is exact
_HIGH, _LOW = 8 * 1.57079632673412561417, 8 * 6.07710050650619224932e-11


def limit(starts: NDArray[np.int64], factors: NDArray[np.float64]) -> float:
    """Bound on the sum of squared inputs below which no term of an angle exceeds `EXACT`.

    Infinite if every angle has a single term, because the angle is then large if its term is.
    """
    if np.diff(starts).max(initial=0) <= 1:
        return math.inf
    largest = float(np.abs(factors).max(initial=0.0))
    return (EXACT / largest) ** 2 if math.isfinite(largest) and largest * largest > 0 else 0.0


@inlined
def _bound(theta):
    """Largest angle in radians of this precision that is not reduced."""
    if lanes_of(theta) > 8:
        return _EXACT_SINGLE
    return EXACT


@inlined
def are_large(theta, slot, lanes):
    """Whether an angle of a slot must be reduced, or is not finite."""
    W = lanes_of(theta)
    bound = like(theta, _bound(theta))
    if lanes is None:
        return exceeds(load(theta, slot * W), splat(bound))
    return not abs(theta[slot * W]) <= bound


@part
def may_cancel(X, first, last, most):
    """Whether terms of angles may be large although their sums are not, judged by the sum of squared inputs."""
    W = lanes_of(X)
    begin, end = first * X.shape[1], last * X.shape[1]
    squares = splat(0.0)
    for o in range(begin, end - W + 1, W):
        values = load(X, o)
        squares = squares + values * values
    total = lane_sum(squares)
    for o in range(end - (end - begin) % W, end):
        total += entry(X, o) * entry(X, o)
    return not total <= most


@part
def _reduced(angle, overflowed):
    """Reduce a large angle modulo 4 pi; NaN, and 1 in the last place of ``overflowed``, if it is not finite."""
    sine = math.sin(0.5 * angle)
    if sine != sine:
        overflowed[len(overflowed) - 1] = 1.0
        return sine
    return 2.0 * math.atan2(sine, math.cos(0.5 * angle))


@inlined
def term(factor, value, overflowed):
    """Compute ``factor * value``, modulo 4 pi if it is large."""
    angle = factor * value
    if abs(angle) <= EXACT:
        return angle
    return _reduced(angle, overflowed)


@inlined
def stored(array, angle):
    """Convert an angle to the type of ``array``; in single precision, modulo 4 pi if it is large."""
    if lanes_of(array) > 8:
        if abs(angle) > _EXACT_SINGLE:
            periods = math.floor(angle / _PERIOD + 0.5)
            angle = angle - periods * _HIGH - periods * _LOW
    return like(array, angle)


@part
def set_large(theta, slot, base, X, tile, columns, factors, first, last, lanes):
    """Set a slot's angles ``base[slot] + sum_e factors[e] * X[row, columns[e]]`` from reduced terms."""
    W = lanes_of(theta)
    count = 1
    if lanes is None:
        count = W
    for lane in range(count):
        row = min(tile * count + lane, len(X) - 1)
        value = base[slot]
        for e in range(first, last):
            value += term(factors[e], X[row, columns[e]], base)
        theta[slot * W + lane] = stored(theta, value)
