"""Matrices filled tile by tile equal those computed at once, and symmetric ones are so to the last bit."""

import numpy as np
import pytest

from simulator.calculations.tiles import fill_by_tiles

RNG = np.random.default_rng(3)
SIZE = 4


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 8, 11])
@pytest.mark.parametrize("columns", [1, 4, 9, None])
def test_every_entry_is_filled_once(rows, columns):
    a = RNG.normal(size=(rows, 3))
    b = a if columns is None else RNG.normal(size=(columns, 3))
    out = np.full((len(a), len(b)), np.nan)
    entries = []
    fill_by_tiles(out, lambda i, j: a[i] @ b[j].T, columns is None, SIZE, entries.append)
    np.testing.assert_allclose(out, a @ b.T, atol=1e-14)
    assert sum(entries) == out.size


def test_the_upper_half_is_the_lower_one():
    noise = RNG.normal(size=(11, 11))
    out = np.empty((11, 11))
    asked = []

    def tile(i, j):
        asked.append((i.start, j.start))
        return noise[i, j]

    fill_by_tiles(out, tile, symmetric=True, size=SIZE)
    lower = np.tril(noise)
    np.testing.assert_array_equal(out, lower + np.tril(noise, -1).T)
    assert asked == [(0, 0), (4, 0), (4, 4), (8, 0), (8, 4), (8, 8)]
