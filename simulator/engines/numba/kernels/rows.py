"""Rows of a training set: their random orders, and the rows of a batch."""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, kernel
from simulator.engines.numba.kernels.generators import next_word, start

_LOW = 0xFFFFFFFF  # bits of the lower half of a word


@kernel
def permutations(seed, generator, n, out):
    """Fill the first ``n`` columns of each row of ``out`` with a permutation of 0 to ``n - 1``, n at most 2^32.

    That of row k is ``np.random.default_rng(seed + k).permutation(n)``, where k is added to the last word of the seed,
    which changes. For words of seeds, and for generators, see `generators`.
    """
    for row in range(len(out)):
        start(seed, generator)
        seed[len(seed) - 1] += 1
        for i in range(n):
            out[row, i] = i
        bits, halves = 0, 0  # the upper half of 64 bits serves the next draw
        mask = 1
        while mask < n - 1:
            mask = 2 * mask + 1
        for i in range(n - 1, 0, -1):
            while mask >> 1 >= i:
                mask >>= 1
            place = i + 1
            while place > i:  # rather than a remainder, which would not be uniform
                bits = (bits >> 32) & _LOW if halves else next_word(generator)
                halves = 0 if halves else 1
                place = bits & mask
            out[row, i], out[row, place] = out[row, place], out[row, i]


@bridged
def copy_batch(order, place, size, inputs, targets, shares, batch_inputs, batch_targets, batch_shares):
    """Copy the rows ``order[place[0] * size :]`` of three arrays of 64-bit words to those of a batch."""
    begin = place[0] * size
    for i in range(len(batch_inputs)):
        row = order[begin + i]
        for k in range(batch_inputs.shape[1]):
            batch_inputs[i, k] = inputs[row, k]
        for k in range(batch_targets.shape[1]):
            batch_targets[i, k] = targets[row, k]
        batch_shares[i] = shares[row]
