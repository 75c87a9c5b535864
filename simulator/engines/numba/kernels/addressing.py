"""Addresses of amplitudes: first members of pairs and cosets, and matrices of numbers or of vectors."""

from __future__ import annotations

from simulator.engines.numba.jit import inlined
from simulator.engines.numba.simd import entry, lanes_of, load, splat


@inlined
def spread(k, pivot):
    """Insert a zero bit into ``k`` at ``pivot``, a power of two."""
    low = k & (pivot - 1)
    return ((k - low) << 1) | low


@inlined
def following(i, pivots, step):
    """The next multiple of ``step`` without the bits in ``pivots``, all above it, after ``i``, which has none either.

    This advances from one first member of a pair or coset to the next in three instructions, while `spread` takes six
    per pivot; passes with little arithmetic are bound by the number of instructions.
    """
    return ((i | pivots) + step) & ~pivots


@inlined
def first_of_coset(number, index, pivots, count):
    """Insert a zero bit into ``number`` at each of ``count`` ascending pivots, ``index[pivots : pivots + count]``."""
    i = number
    for k in range(count):
        i = spread(i, entry(index, pivots + k))
    return i


@inlined
def factor(table, at, splatted):
    """Load element ``at`` of a matrix of numbers, as a vector, or of a matrix of vectors (``splatted`` None)."""
    if splatted is None:
        return load(table, at * lanes_of(table))
    return splat(table[at])
