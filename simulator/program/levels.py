"""Levels of Pauli rotations: rotations that commute are applied together.

The earlier strings that do not commute with a new one are stored as one integer, one bit per string: the caller
maintains it for each Pauli operator of a basis and combines (exclusive or) those of the new string's operators. Placing
a rotation then takes one ``and`` per level, independent of the levels' sizes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.range_reduction import reduced_number

LOOK_BACK = 64  # maximum number of levels searched for an earlier place, which keeps lowering linear in the gates

NO_FACTORS: Mapping[int, float] = {}
"""Factors of an angle that is a number; shared by all of them."""


class Angle(NamedTuple):
    """An angle affine in numbered parameters: ``constant + sum(factors[k] * parameter k)``."""

    constant: float = 0.0
    factors: Mapping[int, float] = NO_FACTORS

    def scaled(self, factor: float) -> Angle:
        """This angle times a number."""
        constant, factors = self
        return angle_of((constant * factor, {k: v * factor for k, v in factors.items()} if factors else factors))

    def plus(self, other: Angle) -> Angle:
        """Sum of this angle and another; the other's constant modulo 4 pi if it is large."""
        (constant, factors), (more, others) = self, other
        if others:
            factors = dict(factors)
            add_factors(factors, others)
        return angle_of((constant + reduced_number(more), factors))


def add_factors(factors: dict[int, float], others: Mapping[int, float], factor: float = 1.0) -> None:
    """Add the factors of another angle, times a number, in place."""
    for k, v in others.items():
        factors[k] = factors.get(k, 0.0) + v * factor


class Rotation(NamedTuple):
    """``exp(-i angle/2 P)`` with P given by its masks in the stored basis."""

    x: int
    z: int
    angle: Angle

    def commutes(self, other: Rotation) -> bool:
        """Whether the two strings commute."""
        return ((self.x & other.z).bit_count() + (self.z & other.x).bit_count()) & 1 == 0


# From tuples of their fields: calling the classes takes several times as long.
angle_of: Callable[[tuple[float, Mapping[int, float]]], Angle] = functools.partial(tuple.__new__, Angle)
rotation_of: Callable[[tuple[int, int, Angle]], Rotation] = functools.partial(tuple.__new__, Rotation)


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
    """

    kind: str
    members: list[Any] = field(default_factory=list)
    ordered: bool = False


class OpenLevel:
    """A level to which rotations are still added, given by their numbers.

    Attributes
    ----------
    kind, ordered : as in `Level`
    members : list of int
    known : dict
        First rotation about each string, by its masks.
    strings : int
        Bit set of the strings, as passed to `OpenLevels.place`.
    matrix : Dense or None
        Instead of rotations.
    """

    __slots__ = ("kind", "known", "matrix", "members", "ordered", "strings")

    def __init__(self, kind: str, strings: int = 0, matrix: Dense | None = None) -> None:
        self.kind, self.strings, self.matrix, self.ordered = kind, strings, matrix, False
        self.members: list[int] = []
        self.known: dict[int, int] = {}


class OpenLevels:
    """Levels to which rotations are added: the levels so far, and lists of all rotations' masks and angles.

    Parameters
    ----------
    num_qubits : int

    Attributes
    ----------
    masks : list of int
        Masks of the rotations' strings, ``x | z << num_qubits``.
    constants : list of float
    factors : list of mapping
        Parts of the rotations' angles.
    levels : list of OpenLevel
    recent : list of OpenLevel
        The last `LOOK_BACK` levels, the last one first.
    """

    def __init__(self, num_qubits: int) -> None:
        self.num_qubits = num_qubits
        self.masks: list[int] = []
        self.constants: list[float] = []
        self.factors: list[Mapping[int, float]] = []
        self.levels: list[OpenLevel] = []
        self.recent: list[OpenLevel] = []

    def append(self, level: OpenLevel) -> None:
        """Append a level."""
        self.levels.append(level)
        self.recent.insert(0, level)
        if len(self.recent) > LOOK_BACK:
            self.recent.pop()

    def place(
        self, kind: str, masks: int, constant: float, factors: Mapping[int, float], string: int, crossing: int
    ) -> bool:
        """Place a rotation in the earliest level that its commutation relations allow.

        Parameters
        ----------
        kind : {"phases", "rotations"}
            Kind of the level: whether the rotation is diagonal.
        masks : int
            Masks of its string in the stored basis, ``x | z << num_qubits``.
        constant : float
        factors : mapping of int to float
            Parts of the rotation's angle.
        string : int
            Integer with one bit set, the number of the rotation's string.
        crossing : int
            Bit set of all strings that it does not commute with; other bits are ignored.

        Returns
        -------
        bool
            False if it was merged with an earlier rotation about the same string.
        """
        place, merges = None, True
        for level in self.recent:
            if level.strings & crossing:
                if level.kind == kind:
                    place, merges = level, False
                    level.ordered = True
                break
            if level.kind == kind:
                place = level
        if place is None:
            place = OpenLevel(kind)
            self.append(place)
        number = len(self.masks)
        same = place.known.setdefault(masks, number)
        if merges and same != number:
            self.constants[same] += reduced_number(constant)
            if factors:
                self.factors[same] = sums = dict(self.factors[same])
                add_factors(sums, factors)
            return False
        self.masks.append(masks)
        self.constants.append(constant)
        self.factors.append(factors)
        place.members.append(number)
        place.strings |= string
        return True

    def closed(self) -> list[Level]:
        """The levels with their members."""
        angles = map(angle_of, zip(self.constants, self.factors, strict=True))
        n, ones = self.num_qubits, (1 << self.num_qubits) - 1
        xs, zs = [masks & ones for masks in self.masks], [masks >> n for masks in self.masks]
        rotation = [*map(rotation_of, zip(xs, zs, angles, strict=True))].__getitem__
        out = []
        for level in self.levels:
            members = [*map(rotation, level.members)] if level.matrix is None else [level.matrix]
            out.append(Level(level.kind, members, level.ordered))
        return out
