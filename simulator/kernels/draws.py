"""Sampling: probabilities in one pass, and sorted random numbers laid over them in another.

Both go over a fixed number of pieces of the outcomes, so that results do not depend on the number of threads.
"""

from __future__ import annotations

from simulator.jit import inlined, kernel
from simulator.simd import entry, fetch_add


@inlined
def _bounds(size, piece, pieces):
    return size * piece // pieces, size * (piece + 1) // pieces


@kernel
def square(amplitudes, probabilities, sums, queue, pieces):
    """Squares of amplitudes (re, im, re, im, ...) and their sum over each piece."""
    while True:
        piece = fetch_add(queue, 0, 1)
        if piece >= pieces:
            return
        first, last = _bounds(len(probabilities), piece, pieces)
        total = 0.0
        for i in range(first, last):
            re, im = float(entry(amplitudes, 2 * i)), float(entry(amplitudes, 2 * i + 1))
            p = re * re + im * im
            probabilities[i] = p
            total += p
        sums[piece] = total


@kernel
def marginal(amplitudes, places, others, probabilities, sums, queue, pieces):
    """Probabilities of outcomes on some qubits, without those of the whole state.

    places, others : int64
        What each outcome on the qubits, and each on the others, adds to a basis state's index.
    """
    while True:
        piece = fetch_add(queue, 0, 1)
        if piece >= pieces:
            return
        first, last = _bounds(len(probabilities), piece, pieces)
        total = 0.0
        for m in range(first, last):
            p = 0.0
            for t in range(len(others)):
                i = 2 * (entry(places, m) | entry(others, t))
                re, im = float(entry(amplitudes, i)), float(entry(amplitudes, i + 1))
                p += re * re + im * im
            probabilities[m] = p
            total += p
        sums[piece] = total


@kernel
def count(probabilities, starts, draws, firsts, outcomes, counts, found, queue, pieces):
    """Outcomes that sorted numbers fall on, and how many on each.

    starts : float64 (pieces,)
        Sum of the probabilities before each piece.
    draws : float64 (shots,)
        Between 0 and the sum of all, in ascending order; those of a piece begin at ``firsts``.
    outcomes, counts : int64 (shots,)
        Each piece writes behind its ``firsts``; ``found`` is how many.
    """
    while True:
        piece = fetch_add(queue, 0, 1)
        if piece >= pieces:
            return
        first, last = _bounds(len(probabilities), piece, pieces)
        d, end, out = entry(firsts, piece), entry(firsts, piece + 1), entry(firsts, piece)
        reached, likely = entry(starts, piece), first
        i = first
        while i < last and d < end:
            p = entry(probabilities, i)
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
        if d < end:  # rounding left a few behind the last outcome that can happen
            if out > entry(firsts, piece) and outcomes[out - 1] == likely:
                counts[out - 1] += end - d
            else:
                outcomes[out] = likely
                counts[out] = end - d
                out += 1
        found[piece] = out - entry(firsts, piece)
