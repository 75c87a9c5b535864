"""Where amplitudes lie: the first members of pairs and cosets, and matrices of numbers or of vectors."""

from __future__ import annotations

from simulator.engines.numba.jit import inlined
from simulator.engines.numba.simd import entry, lanes_of, load, splat


@inlined
def spread(k, pivot):
    """``k`` with a zero bit inserted at ``pivot``, a power of two."""
    low = k & (pivot - 1)
    return ((k - low) << 1) | low


@inlined
def following(i, pivots, step):
    """The next multiple of ``step`` without the bits in ``pivots``, all above it, after ``i``, which has none either.

    From one first member of a pair or coset to the next in three instructions, where `spread` takes six a pivot: a
    pass whose arithmetic is short is bound by how many instructions there are in all.
    """
    return ((i | pivots) + step) & ~pivots


@inlined
def first_of_coset(number, index, pivots, count):
    """``number`` with a zero bit inserted at each of ``count`` ascending pivots, ``index[pivots : pivots + count]``."""
    i = number
    for k in range(count):
        i = spread(i, entry(index, pivots + k))
    return i


@inlined
def factor(table, at, splatted):
    """Element ``at`` of a matrix of numbers, as a vector, or (``splatted`` None) of vectors."""
    if splatted is None:
        return load(table, at * lanes_of(table))
    return splat(table[at])
