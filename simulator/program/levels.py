"""Rotations about Pauli strings in levels: what commutes is done together.

Which of the strings so far do not commute with a new one is one number, its bits numbering the strings: the caller
keeps it for each Pauli operator of a basis and adds (exclusive or) what the new string consists of. So finding a
rotation's level takes an ``and`` a level, whatever their sizes.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.range_reduction import reduced_number

LOOK_BACK = 64  # levels searched for an earlier place, so that lowering stays linear in the gates


@dataclass(slots=True)
class Angle:
    """An angle affine in numbered parameters: ``constant + sum(factors[k] * parameter k)``."""

    constant: float = 0.0
    factors: dict[int, float] = field(default_factory=dict)

    def scaled(self, factor: float) -> Angle:
        """This angle times a number."""
        return Angle(self.constant * factor, {k: v * factor for k, v in self.factors.items()})

    def add(self, other: Angle, factor: float = 1.0) -> None:
        """Add another angle times a number in place; its constant modulo 4 pi if it is large."""
        self.constant += reduced_number(other.constant * factor)
        for k, v in other.factors.items():
            self.factors[k] = self.factors.get(k, 0.0) + v * factor


@dataclass(slots=True)
class Rotation:
    """``exp(-i angle/2 P)`` with P given by its masks in the stored basis."""

    x: int
    z: int
    angle: Angle

    @property
    def support(self) -> tuple[int, int]:
        """The bits that X and Z masks touch."""
        return self.x, self.z

    def commutes(self, other: Rotation) -> bool:
        """Whether the two strings commute."""
        return ((self.x & other.z).bit_count() + (self.z & other.x).bit_count()) & 1 == 0


@dataclass(slots=True)
class Dense:
    """A matrix on qubits given by the masks of their X and Z in the stored basis."""

    xs: tuple[int, ...]
    zs: tuple[int, ...]
    matrix: NDArray[np.complex128]
    unitary: bool

    @property
    def support(self) -> tuple[int, int]:
        """The bits that X and Z masks touch."""
        return functools.reduce(int.__or__, self.xs), functools.reduce(int.__or__, self.zs)


@dataclass(slots=True)
class Level:
    """Rotations applied together: all diagonal (``kind`` "phases"), or in order; or one dense matrix.

    Attributes
    ----------
    kind : {"phases", "rotations", "dense"}
    members : list of Rotation, or of one Dense
    ordered : bool
        Whether there are rotations among them that do not commute.
    strings : int
        The bits of the members' strings, as `place` was given them.
    known : dict
        The first rotation about each string, by its masks.
    """

    kind: str
    members: list[Any] = field(default_factory=list)
    ordered: bool = False
    strings: int = 0
    known: dict[tuple[int, int], Rotation] = field(default_factory=dict)


def place(levels: list[Level], rotation: Rotation, string: int, crossing: int) -> bool:
    """Put a rotation into the earliest level that what it does not commute with allows.

    Parameters
    ----------
    levels : list of Level
    rotation : Rotation
    string : int
        One bit, the rotation's own number.
    crossing : int
        The bits of all strings that it does not commute with; others than those in the levels do no harm.

    Returns
    -------
    bool
        False if there was a rotation about the same string that it could be merged with.
    """
    kind, key = "rotations" if rotation.x else "phases", (rotation.x, rotation.z)
    found = None
    for level in islice(reversed(levels), LOOK_BACK):
        crosses = level.strings & crossing
        if level.kind == kind:
            if not crosses and key in level.known:
                same = level.known[key]
                same.angle = same.angle.scaled(1.0)  # others may hold the one it had
                same.angle.add(rotation.angle)
                return False
            found, ordered = level, crosses
        if crosses:
            break
    if found is None:
        found, ordered = Level(kind), 0
        levels.append(found)
    found.members.append(rotation)
    found.known.setdefault(key, rotation)
    found.strings |= string
    if ordered:
        found.ordered = True
    return True
