"""Shamir's secret sharing of 32 bytes: any `threshold` of the shares give the secret, fewer say nothing about it.

A share is the value, at the position of its holder, of a random polynomial of degree `threshold - 1` over the integers
modulo a prime, whose value at 0 is the secret (Shamir, "How to share a secret", Communications of the ACM 22, 612).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache

__all__ = ["PRIME", "SECRET_BYTES", "SHARE_BYTES", "combine", "split"]

SECRET_BYTES = 32
SHARE_BYTES = SECRET_BYTES + 1
PRIME = 2 ** (8 * SECRET_BYTES) + 297  # the smallest prime above all secrets


def split(secret: bytes, threshold: int, positions: Sequence[int]) -> list[int]:
    """Return a share of the secret for each position.

    Parameters
    ----------
    secret : bytes, 32
    threshold : int
        Number of shares that give the secret.
    positions : sequence of int
        Different positive integers, at least ``threshold``.

    Raises
    ------
    ValueError
        If the secret has another length, or the positions are too few or not different and positive.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a shared secret has {SECRET_BYTES} bytes, got {len(secret)}")
    if len(set(positions)) < len(positions) or min(positions, default=1) < 1 or max(positions, default=1) >= PRIME:
        raise ValueError(f"shares are made for different positive positions, got {list(positions)}")
    if not 1 <= threshold <= len(positions):
        raise ValueError(f"a threshold of {threshold} is impossible with {len(positions)} shares")
    coefficients = [secrets.randbelow(PRIME) for _ in range(threshold - 1)]  # highest power first
    coefficients.append(int.from_bytes(secret, "big"))
    shares = []
    for position in positions:
        value = 0
        for coefficient in coefficients:
            value = (value * position + coefficient) % PRIME
        shares.append(value)
    return shares


def combine(shares: Mapping[int, int], threshold: int) -> bytes:
    """Return the secret of shares, which are given by position.

    The first ``threshold`` of the shares are interpolated, the others are ignored.

    Raises
    ------
    ValueError
        If there are fewer shares than ``threshold``, or they do not belong to one secret of 32 bytes (which wrong
        shares do only by chance, so compare the secret with something known).
    """
    if len(shares) < threshold:
        raise ValueError(f"a secret needs {threshold} shares, got {len(shares)}")
    positions = list(shares)[:threshold]
    total = 0
    for position, factor in zip(positions, _factors_at_zero(tuple(positions)), strict=True):
        total += factor * shares[position]
    secret = total % PRIME
    if secret >> (8 * SECRET_BYTES):
        raise ValueError("the shares do not belong to one secret")
    return secret.to_bytes(SECRET_BYTES, "big")


@lru_cache(maxsize=64)
def _factors_at_zero(positions: tuple[int, ...]) -> list[int]:
    """Return Lagrange's polynomials at 0: the products over j of x_j / (x_j - x_i)."""
    factors = []
    for position in positions:
        numerator = denominator = 1
        for other in positions:
            if other != position:
                numerator = numerator * other % PRIME
                denominator = denominator * (other - position) % PRIME
        factors.append(numerator * pow(denominator, -1, PRIME) % PRIME)
    return factors
