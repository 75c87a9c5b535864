"""Levels of Pauli rotations: rotations that commute are applied together.

The earlier strings that do not commute with a new one are stored as one integer, one bit per string: the caller
maintains it for each Pauli operator of a basis and combines (exclusive or) those of the new string's operators. Placing
a rotation then takes one ``and`` per level, independent of the levels' sizes.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.range_reduction import reduced_number

LOOK_BACK = 64  # maximum number of levels searched for an earlier place, which keeps lowering linear in the gates


@dataclass(slots=True)
class Angle:
    """An angle affine in numbered parameters: ``constant + sum(factors[k] * parameter k)``."""

    constant: float = 0.0
    factors: dict[int, float] = field(default_factory=dict)

    def scaled(self, factor: float) -> Angle:
        """This angle times a number."""
        return Angle(self.constant * factor, {k: v * factor for k, v in self.factors.items()})

    def plus(self, other: Angle) -> Angle:
        """Sum of this angle and another; the other's constant modulo 4 pi if it is large."""
        out = Angle(self.constant, self.factors.copy())
        out.add(other)
        return out

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
        """Bits on which the X and Z masks act."""
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
        """Bits on which the X and Z masks act."""
        return functools.reduce(int.__or__, self.xs), functools.reduce(int.__or__, self.zs)


@dataclass(slots=True)
class Level:
    """Rotations applied together, all diagonal (``kind`` "phases") or in order, or one dense matrix.

    Attributes
    ----------
    kind : {"phases", "rotations", "dense"}
    members : list of Rotation, or of one Dense
    ordered : bool
        Whether some of the members do not commute.
    strings : int
        Bit set of the members' strings, as passed to `place`.
    known : dict
        First rotation about each string, keyed by its masks.
    """

    kind: str
    members: list[Any] = field(default_factory=list)
    ordered: bool = False
    strings: int = 0
    known: dict[tuple[int, int], Rotation] = field(default_factory=dict)


def place(levels: list[Level], x: int, z: int, angle: Angle, string: int, crossing: int) -> bool:
    """Place a rotation in the earliest level that its commutation relations allow.

    Parameters
    ----------
    levels : list of Level
    x, z : int
        Masks of the rotation's string in the stored basis.
    angle : Angle
    string : int
        Integer with one bit set, the number of the rotation's string.
    crossing : int
        Bit set of all strings that it does not commute with; strings outside the levels are ignored.

    Returns
    -------
    bool
        False if it was merged with an earlier rotation about the same string.
    """
    kind = "rotations" if x else "phases"
    place = None  # earliest level of this kind so far, searched from the last level on
    for level in islice(reversed(levels), LOOK_BACK):
        if level.strings & crossing:
            if level.kind == kind:
                level.ordered = True
                level.members.append(rotation := Rotation(x, z, angle))
                level.known.setdefault((x, z), rotation)
                level.strings |= string
                return True
            break
        if level.kind == kind:
            place = level
    if place is None:
        levels.append(Level(kind, [rotation := Rotation(x, z, angle)], False, string, {(x, z): rotation}))
        return True
    same = place.known.get((x, z))
    if same is not None:
        same.angle.add(angle)
        return False
    place.members.append(rotation := Rotation(x, z, angle))
    place.known[x, z] = rotation
    place.strings |= string
    return True
