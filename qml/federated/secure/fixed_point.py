"""Real numbers as integers modulo 2**128, so that sums are exact and masks can be uniform.

An integer is a row of two uint64, its low and its high word. 128 bits have room for updates, their squares and sums of
squared features at once, so that nothing has to be scaled to a common range first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["WORDS", "FixedPoint", "add", "subtract"]

Words = NDArray[np.uint64]

WORDS = 2  # of 64 bits each
RING_BITS = 128
LARGEST = 2 ** (RING_BITS - 1) - 1  # of a signed integer


def add(one: Words, other: Words) -> Words:
    """Add integers modulo 2**128, shape (n, 2) each."""
    total = one + other
    total[:, 1] += total[:, 0] < one[:, 0]
    return total


def subtract(one: Words, other: Words) -> Words:
    """Subtract integers modulo 2**128, shape (n, 2) each."""
    difference = one - other
    difference[:, 1] -= one[:, 0] < other[:, 0]
    return difference


@dataclass(frozen=True)
class FixedPoint:
    """Multiples of ``2**-fraction_bits`` as integers modulo 2**128.

    Parameters
    ----------
    fraction_bits : int, from 0 to 126
        More bits make rounding errors smaller, and the range smaller: the magnitude of a sum is below
        ``2**(127 - fraction_bits)``.

    Raises
    ------
    ValueError
        If ``fraction_bits`` is not such an integer.

    Examples
    --------
    >>> numbers = FixedPoint(fraction_bits=8)
    >>> numbers.encode([0.1, -3.0], terms=1).tolist()
    [[26, 0], [18446744073709550848, 18446744073709551615]]
    >>> numbers.decode(numbers.encode([0.1, -3.0], terms=1))
    array([ 0.1015625, -3.       ])
    >>> numbers.error(terms=1)
    0.001953125
    """

    fraction_bits: int = 64

    def __post_init__(self) -> None:
        bits = self.fraction_bits
        if isinstance(bits, bool) or not isinstance(bits, int | np.integer) or not 0 <= bits < RING_BITS - 1:
            raise ValueError(f"fraction_bits expects an integer from 0 to {RING_BITS - 2}, got {bits!r}")

    def error(self, terms: int) -> float:
        """Return the largest error of a sum of ``terms`` numbers by their rounding to multiples.

        The integers are added exactly; `decode` then rounds to float64, with a relative error below ``2**-51``.
        """
        return terms * 0.5 ** (self.fraction_bits + 1)

    def limit(self, terms: int) -> float:
        """Return the magnitude up to which the sum of ``terms`` numbers cannot overflow."""
        return float(np.ldexp(float(LARGEST // terms), -self.fraction_bits))

    def encode(self, values: ArrayLike, terms: int) -> Words:
        """Return the nearest multiples, shape (n, 2).

        Parameters
        ----------
        values : array-like of float, shape (n,)
        terms : int
            Number of vectors that will be added.

        Raises
        ------
        OverflowError
            If a value is NaN or infinite, or a sum of ``terms`` such numbers could overflow.
        """
        values = np.asarray(values, dtype=np.float64)
        with np.errstate(over="ignore"):  # an infinite multiple is above any limit
            multiples = np.rint(np.ldexp(np.abs(values), self.fraction_bits))
        if not float(multiples.max(initial=0.0)) <= LARGEST // terms:  # also if it is NaN
            raise OverflowError(
                f"a sum of {terms} numbers of magnitude {np.abs(values).max():g} could overflow, expected at most "
                f"{self.limit(terms):g}: clip the updates, or lower fraction_bits (now {self.fraction_bits})"
            )
        high = np.floor(np.ldexp(multiples, -64))
        words = np.stack([multiples - np.ldexp(high, 64), high], axis=1).astype(np.uint64)
        return np.where((values < 0)[:, None], subtract(np.zeros_like(words), words), words)

    def decode(self, words: Words) -> NDArray[np.float64]:
        """Return the numbers that integers, shape (n, 2), stand for."""
        negative = words[:, 1] >> np.uint64(63) == 1
        low, high = np.where(negative[:, None], subtract(np.zeros_like(words), words), words).astype(np.float64).T
        values = np.ldexp(high, 64 - self.fraction_bits) + np.ldexp(low, -self.fraction_bits)
        return np.where(negative, -values, values)
