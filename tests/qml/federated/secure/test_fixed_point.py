"""Fixed point numbers against Python's integers and fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qml.federated.secure.fixed_point import FixedPoint, add, subtract

RING = 2**128
integers = st.integers(0, RING - 1)


def words(values: list[int]) -> np.ndarray:
    return np.array([[value % 2**64, value >> 64] for value in values], dtype=np.uint64)


def numbers(array: np.ndarray) -> list[int]:
    return [int(low) + (int(high) << 64) for low, high in array]


@given(st.lists(st.tuples(integers, integers), min_size=1, max_size=8))
def test_the_ring_is_that_of_integers_modulo_its_size(pairs: list[tuple[int, int]]) -> None:
    one, other = words([a for a, _ in pairs]), words([b for _, b in pairs])
    assert numbers(add(one, other)) == [(a + b) % RING for a, b in pairs]
    assert numbers(subtract(one, other)) == [(a - b) % RING for a, b in pairs]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=8), st.integers(0, 90))
def test_numbers_are_rounded_to_the_nearest_multiple(values: list[float], bits: int) -> None:
    fixed = FixedPoint(bits)
    encoded = numbers(fixed.encode(values, terms=1))
    assert encoded == [round(Fraction(value) * 2**bits) % RING for value in values]
    decoded = fixed.decode(fixed.encode(values, terms=1))
    for value, result in zip(values, decoded.tolist(), strict=True):
        exact = Fraction(round(Fraction(value) * 2**bits), 2**bits)
        assert abs(exact - Fraction(value)) <= Fraction(fixed.error(terms=1))
        assert abs(Fraction(result) - exact) <= abs(exact) / 2**51


@pytest.mark.parametrize("bits", [0, 20, 64, 100, 126])
def test_the_limit_is_where_a_sum_begins_to_overflow(bits: int) -> None:
    fixed, terms = FixedPoint(bits), 7
    below = np.nextafter(fixed.limit(terms), 0)
    encoded = numbers(fixed.encode([below, -below], terms))
    assert [terms * encoded[0], terms * (RING - encoded[1])] == [terms * round(Fraction(below) * 2**bits)] * 2
    assert terms * encoded[0] < RING // 2
    with pytest.raises(OverflowError, match="a sum of 7 numbers of magnitude .* could overflow"):
        fixed.encode([0.0, -2 * fixed.limit(terms)], terms)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
def test_what_has_no_multiple_is_refused(value: float) -> None:
    with pytest.raises(OverflowError):
        FixedPoint().encode([value], terms=1)


@pytest.mark.parametrize("bits", [-1, 127, 1.5, True, "64"])
def test_fraction_bits_are_checked(bits: object) -> None:
    with pytest.raises(ValueError, match="fraction_bits expects an integer from 0 to 126"):
        FixedPoint(bits)


def test_nothing_is_a_number_too() -> None:
    assert FixedPoint().decode(FixedPoint().encode([], terms=3)).shape == (0,)
