"""Numbers of a program's angles: every rotation's angle has one, its slot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.tables.tables import Affine
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
    rows : list of (int, int, int)
        The sign of the string's generator, its mask z within the lanes, and whether the rotation mixes amplitudes.
    local : list of int
        Slots whose angles differ from sample to sample.
    """

    def __init__(self, n_inputs: int, shift: int, derive_inputs: bool) -> None:
        self.n_inputs, self.shift, self.derive_inputs = n_inputs, shift, derive_inputs
        self.angles: list[Angle] = []
        self.rows: list[tuple[int, int, int]] = []
        self.local: list[int] = []
        self._fixed: dict[tuple[Any, ...], int] = {}  # slots of angles whose derivative is not required

    def is_local(self, angle: Angle) -> bool:
        """Whether an angle differs from sample to sample."""
        n_inputs = self.n_inputs
        if n_inputs:
            for number in angle.factors:
                if number < n_inputs:
                    return True
        return False

    def needed(self, angle: Angle) -> bool:
        """Whether the derivative with respect to this angle is required."""
        if not angle.factors:
            return False
        return self.derive_inputs or not self.n_inputs or max(angle.factors) >= self.n_inputs

    def any_local(self, rotations: Iterable[Rotation]) -> bool:
        """Whether an angle of one of the rotations differs from sample to sample."""
        return bool(self.n_inputs) and any(self.is_local(rotation.angle) for rotation in rotations)

    def any_needed(self, rotations: Iterable[Rotation]) -> bool:
        """Whether the derivative with respect to an angle of one of the rotations is required."""
        return any(rotation.angle.factors and self.needed(rotation.angle) for rotation in rotations)

    def add_phases(self, rotations: Sequence[Rotation], local: bool = False) -> list[tuple[int, int]]:
        """Number the angles of diagonal rotations; return the terms of a pass of phases, masks z with slots."""
        first, low = len(self.angles), (1 << self.shift) - 1
        zs = [rotation.z for rotation in rotations]
        self.angles += [rotation.angle for rotation in rotations]
        self.rows += [(-1, z & low, 0) for z in zs]
        slots = range(first, len(self.angles))
        if local:
            self.local += slots
        elif self.n_inputs:
            self.local += [slot for slot in slots if self.is_local(self.angles[slot])]
        return list(zip(zs, slots, strict=True))

    def add(self, rotation: Rotation, moving: bool, lane_z: int | None = None) -> int:
        """Number a rotation's angle; equal angles whose derivative is not required share a number."""
        angle = rotation.angle
        if lane_z is None:
            lane_z = rotation.z & ((1 << self.shift) - 1)
        row = (1 if (rotation.x & rotation.z).bit_count() & 2 else -1, lane_z, int(moving))
        slot = len(self.angles)
        if moving and not self.needed(angle):
            key = (*row, angle.constant, *sorted(angle.factors.items())) if angle.factors else (*row, angle.constant)
            shared = self._fixed.setdefault(key, slot)
            if shared < slot:
                return shared
        self.angles.append(angle)
        self.rows.append(row)
        if self.n_inputs and self.is_local(angle):
            self.local.append(slot)
        return slot

    def forms(self) -> tuple[Affine, Affine]:
        """Dependence of the local angles on the inputs, and of all angles on the weights."""
        rows = [angle.factors for angle in self.angles]
        counts = np.array([*map(len, rows)], np.int64)
        columns = np.array([*chain.from_iterable(rows)], np.int64)
        values = np.array([*chain.from_iterable(map(dict.values, rows))], float)
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
