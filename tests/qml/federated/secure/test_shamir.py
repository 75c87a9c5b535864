"""Shamir's shares against Gaussian elimination modulo the prime."""

import itertools
import random

import pytest

from qml.federated.secure.shamir import PRIME, SECRET_BYTES, combine, split

SECRET = bytes(range(100, 132))


def probably_prime(number: int, rounds: int = 40) -> bool:
    """Miller-Rabin test."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    rng = random.Random(0)
    for _ in range(rounds):
        power = pow(rng.randrange(2, 2**64), odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = pow(power, 2, number)
            if power == number - 1:
                break
        else:
            return False
    return True


def solved_modulo(matrix: list[list[int]], values: list[int], prime: int) -> list[int]:
    """Solve a linear system modulo a prime by Gauss-Jordan elimination."""
    rows = [[*row, value] for row, value in zip(matrix, values, strict=True)]
    for column in range(len(rows)):
        pivot = next(row for row in range(column, len(rows)) if rows[row][column] % prime)
        rows[column], rows[pivot] = rows[pivot], rows[column]
        inverse = pow(rows[column][column], prime - 2, prime)
        rows[column] = [entry * inverse % prime for entry in rows[column]]
        for row in range(len(rows)):
            if row != column:
                factor = rows[row][column]
                rows[row] = [(a - factor * b) % prime for a, b in zip(rows[row], rows[column], strict=True)]
    return [row[-1] for row in rows]


def test_the_field_is_the_smallest_prime_field_of_all_secrets() -> None:
    assert probably_prime(PRIME)
    assert not any(probably_prime(number, rounds=2) for number in range(2 ** (8 * SECRET_BYTES), PRIME))


@pytest.mark.parametrize(("threshold", "n"), [(1, 1), (1, 4), (2, 2), (3, 5), (5, 5)])
def test_any_threshold_of_shares_gives_the_secret(threshold: int, n: int) -> None:
    for secret in (SECRET, bytes(32), b"\xff" * 32):
        shares = dict(zip(range(1, n + 1), split(secret, threshold, range(1, n + 1)), strict=True))
        for size in range(threshold, n + 1):
            for positions in itertools.permutations(shares, size):
                assert combine({position: shares[position] for position in positions}, threshold) == secret


def test_shares_lie_on_a_polynomial_whose_constant_is_the_secret() -> None:
    positions = [2, 3, 7, 11, 500]
    shares = split(SECRET, 4, positions)
    vandermonde = [[pow(x, k, PRIME) for k in range(4)] for x in positions[:4]]
    coefficients = solved_modulo(vandermonde, shares[:4], PRIME)
    assert coefficients[0] == int.from_bytes(SECRET, "big")
    assert sum(c * 500**k for k, c in enumerate(coefficients)) % PRIME == shares[4]
    assert coefficients[3]  # degree 3, so that 3 shares are not enough


def test_fewer_shares_say_nothing() -> None:
    """With one share less, each secret is possible: exactly one polynomial goes through it and the shares."""
    shares = dict(zip((1, 2, 3), split(SECRET, 3, (1, 2, 3)), strict=True))
    with pytest.raises(ValueError, match="needs 3 shares, got 2"):
        combine({1: shares[1], 2: shares[2]}, 3)
    for other in (bytes(32), b"\x01" * 32):
        points = {0: int.from_bytes(other, "big"), 1: shares[1], 2: shares[2]}
        vandermonde = [[pow(x, k, PRIME) for k in range(3)] for x in points]
        coefficients = solved_modulo(vandermonde, list(points.values()), PRIME)
        third = sum(c * 3**k for k, c in enumerate(coefficients)) % PRIME
        assert combine({1: shares[1], 2: shares[2], 3: third}, 3) == other


def test_shares_are_uniform_and_new_each_time() -> None:
    draws = [split(SECRET, 2, (1, 2))[0] / PRIME for _ in range(4000)]
    assert len(set(draws)) == len(draws)
    assert abs(sum(draws) / len(draws) - 0.5) < 5 * (1 / 12 / len(draws)) ** 0.5


@pytest.mark.parametrize(
    ("secret", "threshold", "positions", "message"),
    [
        (b"short", 2, (1, 2), "has 32 bytes, got 5"),
        (SECRET, 2, (1, 1), "different positive positions"),
        (SECRET, 2, (0, 1), "different positive positions"),
        (SECRET, 3, (1, 2), "threshold of 3 is impossible with 2 shares"),
        (SECRET, 0, (1, 2), "threshold of 0"),
    ],
)
def test_what_cannot_be_shared(secret: bytes, threshold: int, positions: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(secret, threshold, positions)


def test_shares_of_different_secrets_do_not_combine() -> None:
    wrong = 0
    for _ in range(20):
        one, other = split(SECRET, 2, (1, 2)), split(bytes(32), 2, (1, 2))
        try:
            wrong += combine({1: one[0], 2: other[1]}, 2) in (SECRET, bytes(32))
        except ValueError:
            continue
    assert not wrong
