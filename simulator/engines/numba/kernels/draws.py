"""Sampling: one pass for sums of probabilities, and one that matches them with sorted random numbers.

Probabilities are computed from amplitudes (re, im, re, im, ...) on demand and not stored. Both passes use a fixed
number of pieces of the outcomes, so that results do not depend on the number of threads.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined
from simulator.engines.numba.layout.queues import LAST_PIECE, NEXT_PIECE
from simulator.engines.numba.simd import entry, fetch_add


@inlined
def _bounds(size, piece, pieces):
    return size * piece // pieces, size * (piece + 1) // pieces


@inlined
def _probability(values, i, squared):
    """Probability of outcome i, squared from amplitudes (``squared``) or read directly."""
    if not squared:
        return float(entry(values, i))
    re, im = float(entry(values, 2 * i)), float(entry(values, 2 * i + 1))
    return re * re + im * im


@bridged
def add_up(values, squared, size, sums, queue, pieces):
    """Sum the probabilities of each piece of ``size`` outcomes."""
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= entry(queue, LAST_PIECE):
            return
        first, last = _bounds(size, piece, pieces)
        total = 0.0
        for i in range(first, last):
            total += _probability(values, i, squared)
        sums[piece] = total


@bridged
def marginal(amplitudes, places, others, probabilities, queue, pieces):
    """Probabilities of outcomes on some qubits, without computing those of all qubits.

    places, others : pairs of int64 arrays
        Contributions to an index of the lower and the upper bits of an outcome on the qubits, and on the others.
    """
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= entry(queue, LAST_PIECE):
            return
        first, last = _bounds(len(probabilities), piece, pieces)
        lower, upper = places
        low_others, high_others = others
        for m in range(first, last):
            place = entry(lower, m % len(lower)) | entry(upper, m // len(lower))
            p = 0.0
            for high in range(len(high_others)):
                at = place | entry(high_others, high)
                for low in range(len(low_others)):
                    p += _probability(amplitudes, at | entry(low_others, low), True)
            probabilities[m] = p


@bridged
def count(values, squared, size, starts, draws, firsts, outcomes, counts, lengths, queue, pieces):
    """Find the outcomes that sorted numbers select, and the count of each.

    starts : float64 (pieces,)
        Sum of the probabilities before each piece.
    draws : float64 (shots,)
        Sorted numbers between 0 and the sum of all probabilities; those of a piece begin at ``firsts``.
    outcomes, counts : int64 (shots,)
        Each piece writes from its ``firsts`` on; ``lengths`` is the number of outcomes per piece.
    """
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= entry(queue, LAST_PIECE):
            return
        first, last = _bounds(size, piece, pieces)
        d, end, out = entry(firsts, piece), entry(firsts, piece + 1), entry(firsts, piece)
        reached, likely = entry(starts, piece), first
        i = first
        while i < last and d < end:
            p = _probability(values, i, squared)
            reached += p
            begin = d
            while d < end and entry(draws, d) < reached:
                d += 1
            if d > begin:
                outcomes[out] = i
                counts[out] = d - begin
                out += 1
            if p > 0.0:
                likely = i
            i += 1
        if d < end:  # rounding placed a few numbers past the last possible outcome
            if out > entry(firsts, piece) and outcomes[out - 1] == likely:
                counts[out - 1] += end - d
            else:
                outcomes[out] = likely
                counts[out] = end - d
                out += 1
        lengths[piece] = out - entry(firsts, piece)
