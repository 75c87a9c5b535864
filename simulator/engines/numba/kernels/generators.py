"""Random numbers of ``np.random.default_rng(seed)``, in compiled code, which takes 40 us less to make a generator.

The numbers are those of numpy: words of the seed are mixed to the state of a PCG64 generator (O'Neill, "PCG: a family
of simple fast space-efficient statistically good algorithms for random number generation", 2014). A seed is an int64
ndarray of 32-bit words, from 0 to 2^32 - 1. A generator is an int64 ndarray of shape (SIZE,): two words of its state,
two of its increment, and four to mix a seed.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, part

SIZE = 8
"""Number of words of a generator."""

_LOW = 0xFFFFFFFF  # bits of the lower half of a word
_SIGN = -(1 << 63)  # turns the comparison of signed words into one of unsigned words
_MULTIPLIER_HIGH, _MULTIPLIER_LOW = 0x2360ED051FC65DA4, 0x4385DF649FCCF645
_LEFT, _RIGHT = _MULTIPLIER_LOW >> 32, _MULTIPLIER_LOW & _LOW  # halves
_POOL = 4  # where the words begin with which a seed is mixed


@part
def next_word(generator):
    """Advance a generator: its state times a constant plus the increment, modulo 2^128; return 64 random bits."""
    high, low, increment = generator[0], generator[1], generator[3]
    left, right = (low >> 32) & _LOW, low & _LOW
    middle = left * _RIGHT + (((right * _RIGHT) >> 32) & _LOW)
    carried = left * _LEFT + ((middle >> 32) & _LOW) + (((right * _LEFT + (middle & _LOW)) >> 32) & _LOW)
    new_low = low * _MULTIPLIER_LOW + increment
    if (new_low ^ _SIGN) < (increment ^ _SIGN):
        carried += 1
    high = high * _MULTIPLIER_LOW + low * _MULTIPLIER_HIGH + carried + generator[2]
    generator[0], generator[1] = high, new_low
    bits, shift = high ^ new_low, (high >> 58) & 63
    if shift == 0:
        return bits
    return ((bits >> shift) & ((1 << (64 - shift)) - 1)) | (bits << (64 - shift))


@part
def start(seed, generator):
    """Start a generator from a seed.

    Four words are the pool: the first of the seed are hashed into it, then each of the pool and each further one of the
    seed into the others; the state is hashed from it. All in one loop, which compiles in half of the time.
    """
    constant, factor, mixed = 0x43B0D7E5, 0x931E8875, 16
    if len(seed) > 4:
        mixed = 4 * len(seed)
    for number in range(mixed + 8):
        k, source = number & 3, number & 3
        if number == mixed:
            constant, factor = 0x8B51F9DD, 0x58F38DED
        if number < 4 or 16 <= number < mixed:
            source = number if number < 4 else number >> 2
            value = seed[source] if source < len(seed) else 0
        else:
            if number < 16:
                source = (number - 4) // 3
                k = number - 4 - 3 * source
                if k >= source:
                    k += 1
            value = generator[_POOL + source]
        value ^= constant
        constant = (constant * factor) & _LOW
        value = (value * constant) & _LOW
        value ^= value >> 16
        if number < 4:
            generator[_POOL + k] = value
        elif number < mixed:
            value = (0xCA01F9DD * generator[_POOL + k] - 0x4973F715 * value) & _LOW
            generator[_POOL + k] = value ^ (value >> 16)
        elif number & 1:
            generator[(number - mixed) >> 1] |= value << 32
        else:
            generator[(number - mixed) >> 1] = value
    high, low, upper, lower = generator[0], generator[1], generator[2], generator[3]
    generator[2], generator[3] = (upper << 1) | ((lower >> 63) & 1), (lower << 1) | 1
    generator[1] = generator[3] + low
    generator[0] = generator[2] + high
    if (generator[1] ^ _SIGN) < (low ^ _SIGN):
        generator[0] += 1
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
def draw_factors(generator, rate, factors):
    """Fill random factors: 0 with probability ``rate``, otherwise ``1 / (1 - rate)``."""
    for i in range(len(factors)):
        number = ((next_word(generator) >> 11) & ((1 << 53) - 1)) * 2.0**-53
        factors[i] = (1.0 if number >= rate else 0.0) / (1.0 - rate)
