"""Rows of a training set: their random orders, and the rows of a batch.

The orders are those of ``np.random.default_rng(seed).permutation(n)``, whose generator takes 40 us to make, and do not
depend on the installed numpy. Words of the seed are mixed to the state of a PCG64 generator (O'Neill, "PCG: a family of
simple fast space-efficient statistically good algorithms for random number generation", 2014), which places the rows.
Words of 32 bits are integers from 0 to 2^32 - 1; of 64 bits, signed ones.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, kernel

_LOW = 0xFFFFFFFF  # bits of the lower half of a word
_SIGN = -(1 << 63)  # turns the comparison of signed words into one of unsigned words
_MULTIPLIER_HIGH, _MULTIPLIER_LOW = 0x2360ED051FC65DA4, 0x4385DF649FCCF645
_POOL = 4  # number of 32-bit words that a seed is mixed to


@inlined
def _hashed(value, constant, factor):
    """Hash a word; the next constant is this one times ``factor``."""
    constant_after = (constant * factor) & _LOW
    value = ((value ^ constant) * constant_after) & _LOW
    return value ^ (value >> 16)


@inlined
def _mixed(x, y):
    value = (0xCA01F9DD * x - 0x4973F715 * y) & _LOW
    return value ^ (value >> 16)


@inlined
def _high_product(a, b):
    """Upper 64 bits of a product of two unsigned words."""
    a_low, a_high, b_low, b_high = a & _LOW, (a >> 32) & _LOW, b & _LOW, (b >> 32) & _LOW
    middle = a_high * b_low + (((a_low * b_low) >> 32) & _LOW)
    other = a_low * b_high + (middle & _LOW)
    return a_high * b_high + ((middle >> 32) & _LOW) + ((other >> 32) & _LOW)


@inlined
def _advanced(high, low, add_high, add_low):
    """Next state of the generator: the state times a constant plus another one, modulo 2^128."""
    new_low = low * _MULTIPLIER_LOW + add_low
    carry = (new_low ^ _SIGN) < (add_low ^ _SIGN)
    new_high = high * _MULTIPLIER_LOW + low * _MULTIPLIER_HIGH + _high_product(low, _MULTIPLIER_LOW) + add_high + carry
    return new_high, new_low


@inlined
def _output(high, low):
    """64 random bits of a state."""
    bits, shift = high ^ low, (high >> 58) & 63
    if shift == 0:
        return bits
    return ((bits >> shift) & ((1 << (64 - shift)) - 1)) | (bits << (64 - shift))


@kernel
def permutations(seed, pool, words, n, out):
    """Fill the first ``n`` columns of each row of ``out`` with a permutation of 0 to ``n - 1``, n at most 2^32.

    ``seed`` are the 32-bit words of the seed of the first row; the last word is 1 more for each row. ``pool`` and
    ``words``, int64 ndarrays of shape (4,), are overwritten.
    """
    for row in range(len(out)):
        constant = 0x43B0D7E5
        for i in range(_POOL):
            word = seed[i] + row * (i == len(seed) - 1) if i < len(seed) else 0
            pool[i] = _hashed(word, constant, 0x931E8875)
            constant = (constant * 0x931E8875) & _LOW
        for i in range(_POOL):
            for k in range(_POOL):
                if i != k:
                    pool[k] = _mixed(pool[k], _hashed(pool[i], constant, 0x931E8875))
                    constant = (constant * 0x931E8875) & _LOW
        for i in range(_POOL, len(seed)):
            word = seed[i] + row * (i == len(seed) - 1)
            for k in range(_POOL):
                pool[k] = _mixed(pool[k], _hashed(word, constant, 0x931E8875))
                constant = (constant * 0x931E8875) & _LOW
        constant = 0x8B51F9DD
        for i in range(4):
            first = _hashed(pool[2 * i % _POOL], constant, 0x58F38DED)
            constant = (constant * 0x58F38DED) & _LOW
            words[i] = first | (_hashed(pool[(2 * i + 1) % _POOL], constant, 0x58F38DED) << 32)
            constant = (constant * 0x58F38DED) & _LOW
        add_high, add_low = (words[2] << 1) | ((words[3] >> 63) & 1), (words[3] << 1) | 1
        low = add_low + words[1]
        high = add_high + words[0] + ((low ^ _SIGN) < (add_low ^ _SIGN))
        high, low = _advanced(high, low, add_high, add_low)
        for i in range(n):
            out[row, i] = i
        kept, has_kept = 0, False  # the upper half of 64 bits serves the next draw
        mask = 1
        while mask < n - 1:
            mask = 2 * mask + 1
        for i in range(n - 1, 0, -1):
            while mask >> 1 >= i:
                mask >>= 1
            place = i + 1
            while place > i:  # rather than a remainder, which would not be uniform
                if has_kept:
                    drawn, has_kept = kept, False
                else:
                    high, low = _advanced(high, low, add_high, add_low)
                    bits = _output(high, low)
                    drawn, kept, has_kept = bits & _LOW, (bits >> 32) & _LOW, True
                place = drawn & mask
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
