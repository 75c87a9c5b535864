"""Order of a tile's amplitudes in which those that passes take together lie in different sets of a cache.

Amplitudes whose indices differ in high bits only are powers of two apart, and few of them fit in a cache at once. So
amplitude i is stored at the place ``i ^ fold(i >> low)`` with ``low = n // 2`` and ``fold(r) = (r ^ r >> 5) & mask``,
a mask of five bits or of ``low``, if these are fewer. Places are linear in indices, so that a string with masks x and z
is one with other masks in this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from simulator.engines.numba.layout.scratch import FOLD_BITS
from simulator.program.levels import Level, Rotation
from simulator.program.subspaces import image


def mask(n: int) -> int:
    """Mask of the bits that a fold changes."""
    return (1 << min(FOLD_BITS, n // 2)) - 1


def swizzled_levels(levels: Sequence[Level], n: int) -> list[Level]:
    """The same rotations in the order of the places."""
    out = []
    for level in levels:
        members = []
        for member in level.members:
            x, z, sign = _string(member.x, member.z, n)
            members.append(Rotation(x, z, member.angle if sign > 0 else member.angle.scaled(sign)))
        out.append(replace(level, members=members))
    return out


def swizzled_strings(strings: Sequence[tuple[int, int, int, float]], n: int) -> list[tuple[int, int, int, float]]:
    """The same strings (x, z, observable, coefficient) in the order of the places."""
    out = []
    for x, z, observable, coefficient in strings:
        x, z, sign = _string(x, z, n)
        out.append((x, z, observable, sign * coefficient))
    return out


@lru_cache(maxsize=32)
def places(n: int) -> tuple[int, ...]:
    """Place of each index that is a power of two."""
    low = n // 2
    return tuple([1 << q | (1 << (q - low) % FOLD_BITS & mask(n) if q >= low else 0) for q in range(n)])


def _string(x: int, z: int, n: int) -> tuple[int, int, float]:
    """Masks of a string in the order of the places, and a sign: its number of Ys changes by multiples of two."""
    moved_x, moved_z = image(places(n), x), 0
    for q, place in enumerate(places(n)):  # the map of places is its own inverse
        moved_z |= ((z & place).bit_count() & 1) << q
    turns = (x & z).bit_count() - (moved_x & moved_z).bit_count()
    return moved_x, moved_z, -1.0 if turns % 4 else 1.0
