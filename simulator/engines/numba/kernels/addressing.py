"""Addresses of amplitudes: first members of pairs and cosets, and matrices of numbers or of vectors."""

from __future__ import annotations

from simulator.engines.numba.jit import inlined
from simulator.engines.numba.simd import count_ones, entry, lanes_of, load, splat

AHEAD = 16  # number of vectors by which prefetching runs ahead


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
def selected_sum(table, begin, count, selection):
    """Sum modulo 2 of the numbers ``table[begin : begin + count]`` that the bits of ``selection`` select."""
    out = 0
    for k in range(count):
        if selection >> k & 1:
            out ^= entry(table, begin + k)
    return out


@inlined
def change(table, begin, j):
    """Change of an index or place between vector j and the next one, in a list by the number of bits that change."""
    return entry(table, begin + count_ones(j ^ (j + 1)) - 1)


@inlined
def ahead(table, begin, index):
    """Index of the vector that is prefetched first, if the first one is at ``index``."""
    for j in range(AHEAD):
        index ^= change(table, begin, j)
    return index


@inlined
def factor(table, at, splatted):
    """Load element ``at`` of a matrix of numbers, as a vector, or of a matrix of vectors (``splatted`` None)."""
    if splatted is None:
        return load(table, at * lanes_of(table))
    return splat(table[at])
