"""Random numbers of ``np.random.default_rng(seed)``, in compiled code, which takes 40 us less to make a generator.

The numbers are those of numpy: words of the seed are mixed to the state of a PCG64 generator (O'Neill, "PCG: a family
of simple fast space-efficient statistically good algorithms for random number generation", 2014). A seed is an int64
ndarray of 32-bit words, from 0 to 2^32 - 1. A generator is an int64 ndarray of shape (SIZE,): two words of its state,
two of its increment, and four to mix a seed.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, part

SIZE = 8
"""Number of words of a generator."""

_LOW = 0xFFFFFFFF  # bits of the lower half of a word
_SIGN = -(1 << 63)  # turns the comparison of signed words into one of unsigned words
_MULTIPLIER_HIGH, _MULTIPLIER_LOW = 0x2360ED051FC65DA4, 0x4385DF649FCCF645
_MIX, _POOL = 0x931E8875, 4  # factor of the constants by which the words of a seed are mixed, and where the pool begins


@inlined
def _hashed(value, constant, factor):
    """Hash a word; the next constant is this one times ``factor``."""
    value = ((value ^ constant) * ((constant * factor) & _LOW)) & _LOW
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
def next_word(generator):
    """Advance a generator: its state times a constant plus the increment, modulo 2^128; return 64 random bits."""
    high, low, add_high, add_low = generator[0], generator[1], generator[2], generator[3]
    new_low = low * _MULTIPLIER_LOW + add_low
    carry = (new_low ^ _SIGN) < (add_low ^ _SIGN)
    high = high * _MULTIPLIER_LOW + low * _MULTIPLIER_HIGH + _high_product(low, _MULTIPLIER_LOW) + add_high + carry
    generator[0], generator[1] = high, new_low
    bits, shift = high ^ new_low, (high >> 58) & 63
    if shift == 0:
        return bits
    return ((bits >> shift) & ((1 << (64 - shift)) - 1)) | (bits << (64 - shift))


@part
def start(seed, generator):
    """Start a generator from a seed."""
    constant = 0x43B0D7E5
    for i in range(4):
        generator[_POOL + i] = _hashed(seed[i] if i < len(seed) else 0, constant, _MIX)
        constant = (constant * _MIX) & _LOW
    for i in range(4):
        for k in range(4):
            if i != k:
                mixed = _hashed(generator[_POOL + i], constant, _MIX)
                generator[_POOL + k] = _mixed(generator[_POOL + k], mixed)
                constant = (constant * _MIX) & _LOW
    for i in range(4, len(seed)):
        for k in range(4):
            generator[_POOL + k] = _mixed(generator[_POOL + k], _hashed(seed[i], constant, _MIX))
            constant = (constant * _MIX) & _LOW
    constant = 0x8B51F9DD
    for i in range(4):
        first = _hashed(generator[_POOL + 2 * i % 4], constant, 0x58F38DED)
        constant = (constant * 0x58F38DED) & _LOW
        generator[i] = first | (_hashed(generator[_POOL + (2 * i + 1) % 4], constant, 0x58F38DED) << 32)
        constant = (constant * 0x58F38DED) & _LOW
    high, low = generator[0], generator[1]
    add_high, add_low = (generator[2] << 1) | ((generator[3] >> 63) & 1), (generator[3] << 1) | 1
    generator[1] = add_low + low
    generator[0] = add_high + high + ((generator[1] ^ _SIGN) < (add_low ^ _SIGN))
    generator[2], generator[3] = add_high, add_low
    next_word(generator)


@bridged
def start_step(seed, step, words, generator):
    """Start a generator for step ``step[0]`` of a run.

    Its seed is ``words``, which begin with ``seed``. The last word of ``seed`` is the number of the step for 0.
    """
    for i in range(len(seed)):
        words[i] = seed[i]
    words[len(seed) - 1] += step[0]
    start(words, generator)


@bridged
def drop(generator, rate, entries, factors, out):
    """Multiply entries by random factors: 0 with probability ``rate``, otherwise ``1 / (1 - rate)``."""
    for i in range(len(entries)):
        number = ((next_word(generator) >> 11) & ((1 << 53) - 1)) * 2.0**-53
        factors[i] = (1.0 if number >= rate else 0.0) / (1.0 - rate)
        out[i] = entries[i] * factors[i]
