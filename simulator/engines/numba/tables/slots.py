"""Numbers of a program's angles: every rotation's angle has one, its slot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.tables.tables import Affine, FloatArray, IntArray, floats, integers
from simulator.program.levels import Angle, Rotation


class Slots:
    """Angles by slot, and what each depends on.

    Parameters
    ----------
    n_inputs : int
        Number of inputs; the parameters after them are weights.
    shift : int
        Number of bits of an index that select a vector's lane; 0 if lanes are samples.
    derive_inputs : bool
        Whether gradients with respect to the inputs are computed.

    Attributes
    ----------
    angles : list of Angle
    signs, zs, moving : list of int
        The sign of each string's generator, its mask z, of which the bits within the lanes matter, and whether the
        rotation mixes amplitudes.
    local : list of int
        Slots whose angles differ from sample to sample.
    term_zs, term_slots : list of int
        Terms of all passes of phases: masks z and slots.
    """

    def __init__(self, n_inputs: int, shift: int, derive_inputs: bool) -> None:
        self.n_inputs, self.derive_inputs = n_inputs, derive_inputs
        self.low = (1 << shift) - 1  # mask of the bits that select a lane
        self.angles: list[Angle] = []
        self.signs: list[int] = []
        self.zs: list[int] = []
        self.moving: list[int] = []
        self.local: list[int] = []
        self.term_zs: list[int] = []
        self.term_slots: list[int] = []
        self._fixed: dict[tuple[Any, ...], int] = {}  # slots of angles whose derivative is not required

    def is_local(self, angle: Angle) -> bool:
        """Whether an angle differs from sample to sample."""
        return bool(self.n_inputs and angle[1]) and min(angle[1]) < self.n_inputs

    def needed(self, angle: Angle) -> bool:
        """Whether the derivative with respect to this angle is required."""
        _, factors = angle
        return bool(factors) and (self.derive_inputs or not self.n_inputs or max(factors) >= self.n_inputs)

    def any_local(self, rotations: Iterable[Rotation]) -> bool:
        """Whether an angle of one of the rotations differs from sample to sample."""
        return bool(self.n_inputs) and any(self.is_local(angle) for _, _, angle in rotations)

    def any_needed(self, rotations: Iterable[Rotation]) -> bool:
        """Whether the derivative with respect to an angle of one of the rotations is required."""
        return any(angle[1] and self.needed(angle) for _, _, angle in rotations)

    def add_phases(self, rotations: Sequence[Rotation], local: bool = False) -> tuple[int, int]:
        """Number the angles of diagonal rotations; return the first term of their pass and one past the last."""
        first, last = len(self.angles), len(self.angles) + len(rotations)
        zs = [z for _, z, _ in rotations]
        self.angles += [angle for _, _, angle in rotations]
        self.signs += [-1] * len(zs)
        self.zs += zs
        self.moving += [0] * len(zs)
        slots = range(first, last)
        if local:
            self.local += slots
        elif self.n_inputs:
            self.local += [slot for slot in slots if self.is_local(self.angles[slot])]
        begin = len(self.term_zs)
        self.term_zs += zs
        self.term_slots += slots
        return begin, len(self.term_zs)

    def add(self, rotation: Rotation, moving: bool = True, in_lanes: bool = True) -> tuple[int, int, int]:
        """Number a rotation's angle; equal angles whose derivative is not required share a number.

        Parameters
        ----------
        rotation : Rotation
        moving : bool
            Whether the rotation mixes amplitudes.
        in_lanes : bool
            Whether its mask z within the lanes matters.

        Returns
        -------
        slot : int
        local : int
            Whether the angle differs from sample to sample.
        needed : int
            Whether the derivative with respect to the angle is required.
        """
        x, z, angle = rotation
        constant, factors = angle
        sign, z = 1 if (x & z).bit_count() & 2 else -1, z & self.low if in_lanes else 0
        slot, local, needed = len(self.angles), int(self.is_local(angle)), int(self.needed(angle))
        if moving and not needed:
            key = (sign, z, constant, *sorted(factors.items())) if factors else (sign, z, constant)
            shared = self._fixed.setdefault(key, slot)
            if shared < slot:
                return shared, local, needed
        self.angles.append(angle)
        self.signs.append(sign)
        self.zs.append(z)
        self.moving.append(int(moving))
        if local:
            self.local.append(slot)
        return slot, local, needed

    @property
    def kinds(self) -> IntArray:
        """Sign, mask z within the lanes and whether it moves amplitudes, for each slot, shape (n_slots, 3)."""
        return np.stack([integers(self.signs), integers(self.zs) & self.low, integers(self.moving)], axis=1)

    @property
    def terms(self) -> IntArray:
        """Mask z and slot of each term, shape (n_terms, 2)."""
        return np.stack([integers(self.term_zs), integers(self.term_slots)], axis=1)

    @property
    def constants(self) -> FloatArray:
        """Constant part of each angle."""
        return floats([constant for constant, _ in self.angles])

    def forms(self) -> tuple[Affine, Affine]:
        """Dependence of the local angles on the inputs, and of all angles on the weights."""
        rows: list[Any] = [factors for _, factors in self.angles]
        counts = integers([*map(len, rows)])
        columns = integers([*chain.from_iterable(rows)])
        values = floats([*chain.from_iterable(map(dict.values, rows))])
        are_inputs = columns < self.n_inputs
        inputs = np.bincount(np.repeat(np.arange(len(rows)), counts)[are_inputs], minlength=len(rows))
        are_weights = ~are_inputs
        return (
            Affine(_starts(inputs[np.array(self.local, np.int64)]), columns[are_inputs], values[are_inputs]),
            Affine(_starts(counts - inputs), columns[are_weights] - self.n_inputs, values[are_weights]),
        )


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of consecutive lists begins, and where the last one ends."""
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts
