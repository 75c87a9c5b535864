"""Order of a tile's amplitudes in which those that passes take together lie in different sets of a cache.

Amplitudes whose indices differ in high bits only are powers of two apart, and few of them fit in a cache at once. So
amplitude i is stored at the place ``i ^ fold(i >> low)`` with ``low = n // 2`` and ``fold(r) = (r ^ r >> 5) & mask``,
a mask of ``low`` bits: the lowest five select a set of the first-level cache, and all of them one of the second-level
cache. Places are linear in indices, so that a string with masks x and z is one with other masks in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from simulator.engines.numba.layout.scratch import FOLD_BITS
from simulator.program.levels import Level, Rotation


def mask(n: int) -> int:
    """Mask of the bits that a fold changes."""
    return (1 << n // 2) - 1


def swizzled_levels(levels: Sequence[Level], n: int) -> list[Level]:
    """The same rotations in the order of the places."""
    out, moved = [], _mover(n)
    for level in levels:
        members = []
        for x, z, angle in level.members:
            x, z, negated = moved(x, z)
            members.append(Rotation(x, z, angle.scaled(-1.0) if negated else angle))
        out.append(replace(level, members=members))
    return out


def swizzled_strings(strings: Sequence[tuple[int, int, int, float]], n: int) -> list[tuple[int, int, int, float]]:
    """The same strings (x, z, observable, coefficient) in the order of the places."""
    out, moved = [], _mover(n)
    for x, z, observable, coefficient in strings:
        x, z, negated = moved(x, z)
        out.append((x, z, observable, -coefficient if negated else coefficient))
    return out


def place(i: int, n: int) -> int:
    """Place of amplitude i, and amplitude at place i."""
    r = i >> n // 2
    return i ^ ((r ^ r >> FOLD_BITS) & mask(n))


def _mover(n: int) -> Callable[[int, int], tuple[int, int, bool]]:
    """Function from masks x and z to those in the order of the places, and whether the operator changes its sign."""
    low, fold, everything = n // 2, mask(n), (1 << n) - 1

    def moved(x: int, z: int) -> tuple[int, int, bool]:
        r, folded = x >> low, z & fold
        moved_x = x ^ ((r ^ r >> FOLD_BITS) & fold)
        moved_z = z ^ ((folded ^ folded << FOLD_BITS) << low & everything)  # the transposed map
        turns = (x & z).bit_count() - (moved_x & moved_z).bit_count()  # two Ys more or less are a sign
        return moved_x, moved_z, turns % 4 != 0

    return moved
