"""Ranges, choices and views of kernels against Python's and NumPy's."""

import numba
import numpy as np
import pytest

from simulator.engines.numba.jit import part
from simulator.engines.numba.simd import section, table_view


@part
def _ranges(bounds, out):
    """Write the members of five ranges, each after their number."""
    start, stop, step = bounds[0], bounds[1], bounds[2]
    at = 0
    for kind in range(5):
        number = at
        at += 1
        if kind == 0:
            for i in range(stop):
                out[at] = i
                at += 1
        elif kind == 1:
            for i in range(start, stop):
                out[at] = i
                at += 1
        elif kind == 2:
            for i in range(start, stop, step):
                out[at] = i
                at += 1
        elif kind == 3:
            for i in range(start, stop, 3):
                out[at] = i
                at += 1
        else:
            for i in range(start, stop, -2):
                out[at] = i
                at += 1
        out[number] = at - number - 1
    return at


@numba.njit
def ranges(bounds, out):
    return _ranges(bounds, out)


@pytest.mark.parametrize("bounds", [(2, 9, 2), (9, 2, -3), (-4, 5, 1), (5, -4, -1), (3, 3, 1), (0, 1, 5), (7, 2, 2)])
def test_ranges_are_pythons(bounds):
    start, stop, step = bounds
    out = np.full(100, -99)
    count = ranges(np.array(bounds), out)
    expected = []
    for each in (
        range(stop),
        range(start, stop),
        range(start, stop, step),
        range(start, stop, 3),
        range(start, stop, -2),
    ):
        expected += [len(each), *each]
    assert out[:count].tolist() == expected


@part
def _views(table, row, numbers, out):
    """Read a table of complex numbers, and change ``numbers`` in place."""
    out[0], out[1], out[2] = len(table), table.shape[1], len(row)
    out[3] = table[1, 2].imag + row[0].real
    last = table[len(table) - 1]
    out[4] = last[1].real
    rest = section(table, 1, len(table))
    out[5], out[6] = len(rest), rest[0, 1].imag
    matrix = table_view(numbers, 1, 2, 3)
    matrix[1, 2] += 0.5
    numbers[0] = matrix[0, 1]
    out[7], out[8] = min(len(table), 2), max(row[0].real, matrix[0, 1])
    chosen = section(numbers, 0, 2) if out[0] > 2.0 else numbers
    out[9] = len(chosen)


@numba.njit
def views(table, numbers, out):
    _views(table, table[1], numbers, out)


def test_views_are_the_same_memory():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
    numbers, out = rng.normal(size=7), np.zeros(10)
    before = numbers.copy()
    views(table, numbers, out)
    sizes, element = [3, 4, 4], table[1, 2].imag + table[1, 0].real
    greatest = max(table[1, 0].real, before[2])
    np.testing.assert_array_equal(out, [*sizes, element, table[2, 1].real, 2, table[1, 1].imag, 2, greatest, 2])
    expected = [before[2], *before[1:6], before[6] + 0.5]
    np.testing.assert_array_equal(numbers, expected)


@part
def _two_types(array):
    if len(array) > 1:
        value = len(array)
    else:
        value = array
    return value


@numba.njit
def two_types(array):
    return _two_types(array)


def test_a_variable_of_branches_has_one_type():
    with pytest.raises(numba.core.errors.TypingError, match="Cannot unify"):
        two_types(np.zeros(2))
