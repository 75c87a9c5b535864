"""Levels whose rotations have been given an odd number of Ys, against the matrices of the original levels."""

import itertools

import numpy as np
import pytest

from simulator.engines.numba.tables.fused import Octets, in_orders, like_y
from simulator.program.levels import Angle, Level, Rotation
from tests.simulator import reference

N = 4


def matrix(levels):
    """Product of the rotations' matrices, in order."""
    out = np.eye(1 << N, dtype=complex)
    for level in levels:
        for rotation in level.members:
            P = reference.pauli_masks(rotation.x, rotation.z, N)
            half = rotation.angle.constant / 2
            out = (np.cos(half) * np.eye(1 << N) - 1j * np.sin(half) * P) @ out
    return out


def random_levels(rng):
    """Levels of phases and of any other rotations, some of which do not commute or have equal masks x."""
    for kind in rng.choice(["phases", "rotations"], 4):
        masks = rng.integers(1, 1 << N, size=(int(rng.integers(1, 7)), 2))
        members = [
            Rotation(0 if kind == "phases" else int(x), int(z), Angle(float(rng.uniform(-3, 3)))) for x, z in masks
        ]
        yield Level(str(kind), members)


@pytest.mark.parametrize("seed", range(60))
def test_quarter_turns_change_no_circuit(seed):
    levels = list(random_levels(np.random.default_rng(seed)))
    changed = like_y(levels, N)
    np.testing.assert_allclose(matrix(changed), matrix(levels), atol=1e-12)
    kinds = [level.kind for level in changed]
    assert ("phases", "phases") not in itertools.pairwise(kinds)
    for level in changed:
        if level.kind == "rotations" and len(level.members) > 1:
            assert all((each.x & each.z).bit_count() % 2 for each in level.members)


@pytest.mark.parametrize("count", [2, 3])
def test_octets_contain_each_index_once_and_begin_at_even_parities(count):
    rotations = [
        Rotation(0b0011, 0b0001, Angle()),
        Rotation(0b0110, 0b0011, Angle()),
        Rotation(0b1100, 0b0111, Angle()),
    ]
    octets = Octets.of(rotations[:count], N)
    sums = octets.sums
    firsts = [low ^ high for high in sums[1:] for low in sums[:1]]
    indices = []
    for first in firsts:
        assert not any((first & each.z).bit_count() & 1 for each in rotations[:count])
        for d in range(8):
            indices.append(first)
            for k, x in enumerate(octets.xs):
                indices[-1] ^= x * (d >> k & 1)
    assert sorted(indices) == list(range(1 << N))
    (masks,) = in_orders([range(1 << N)], [octets])
    for z, mask in enumerate(masks):
        parities = [(z & i).bit_count() & 1 for i in indices]
        assert parities == [(mask & p).bit_count() & 1 for p in range(1 << N)]
