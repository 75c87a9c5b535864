"""From a program's levels to its constant arrays.

Each level of the lowered circuit becomes passes over the state: a level of phases one pass, rotations one pass
a pair, a dense matrix one pass. Every rotation's angle has a number, its slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.engines.numba import simd
from simulator.engines.numba.kernels import passes, steps
from simulator.engines.numba.options import DEFAULT, Options
from simulator.engines.numba.tables.dense import DenseMatrices, dense_spec
from simulator.engines.numba.tables.tables import Affine, IntArray, Tables, packed, string_groups, table
from simulator.program.levels import Angle, Dense, Level, Rotation
from simulator.program.program import Program
from simulator.program.subspaces import pivots

_BLOCK_BITS = 10  # qubits of a block of phases: its values fit in the first-level cache
_SECOND_LOCAL = passes.LOCAL + passes.SECOND
_TILE_BYTES = 1 << 13  # of a tile's states, where there are several: two such fit in the first-level cache
_SKEW_BYTES = 2112  # keeps the two states of a sweep from the same cache sets: half a page and a line


class TableBuilder:
    """Numbers the angles and writes the passes of one program for one meaning of the lanes.

    Parameters
    ----------
    program : Program
    lanes : int or None
        Bits of an index that are a vector's lanes; None if lanes are samples.
    derive_inputs : bool
        Whether gradients by inputs are wanted.
    options : Options
    """

    def __init__(self, program: Program, lanes: int | None, derive_inputs: bool, options: Options = DEFAULT) -> None:
        self.program, self.lanes, self.derive_inputs, self.options = program, lanes, derive_inputs, options
        self.n = program.num_qubits
        self.shift = lanes or 0
        self.W = simd.width(program.dtype)
        self.n_inputs = len(program.inputs)
        self.angles: list[Angle] = []
        self.slot_rows: list[tuple[int, int, int]] = []  # kappa, lane z, is a rotation
        self.local: list[int] = []
        self.fixed: dict[tuple[Any, ...], int] = {}  # slots of angles whose derivative is not wanted
        self.code: list[list[int]] = []
        self.terms: list[tuple[int, int]] = []
        self.spec: list[int] = []
        self.matrices = DenseMatrices(self.shift, self.W, program.dtype)
        self.stored = 0  # floats of stored phase tables
        self.per_tile = 0  # floats of phase tables made for each tile
        self.largest_dense = 0
        self.first_needed: int | None = None
        self.most_bits = _BLOCK_BITS  # of a block of phases
        self.stages: list[IntArray] = []
        self.stage_ends: list[int] = []
        self.block_size = 0

    def build(self) -> Tables:
        chains, levels = self.program.schedule
        starts, turns = [0], []
        for qubit_chain in chains:
            for rotation in qubit_chain:
                kind = 0 if not rotation.x else 1 if rotation.z else 2
                turns.append((self.slot(rotation, moving=True, lane_z=0), kind))
            starts.append(len(turns))
        chain_needed = any(self.needed(rotation.angle) for c in chains for rotation in c)
        phase_levels = sum(level.kind == "phases" for level in levels)
        table_bytes = phase_levels * (2 << self.n) * self.program.dtype().itemsize
        self.store_tables = self.lanes is None or table_bytes <= self.options.stored_bytes
        self.add_passes(levels)
        groups, strings, weights = string_groups(self.program.strings, self.shift)
        local_rows = Affine.of([self.by_inputs(slot) for slot in self.local])
        is_local = np.zeros(max(len(self.angles), 1), np.int64)
        is_local[self.local] = 1
        layout = self.layout(chain_needed)
        weight_rows = Affine.of([self.by_weights(slot) for slot in range(len(self.angles))])
        local_slots = np.array(self.local, np.int64)
        constants = np.array([angle.constant for angle in self.angles], float)
        ints, floats = packed(
            layout,
            {
                1: table(self.code, passes.COLUMNS),
                2: table(self.terms, 2),
                3: table(self.slot_rows, 3),
                4: is_local,
                5: local_slots,
                6: local_rows.starts,
                7: local_rows.columns,
                8: local_rows.values,
                9: np.array(starts, np.int64),
                10: table(turns, 2),
                11: groups,
                12: strings,
                13: weights,
                14: np.array(self.spec, np.int64),
                16: constants,
                17: weight_rows.starts,
                18: weight_rows.columns,
                19: weight_rows.values,
            },
        )
        return Tables(
            lanes=self.lanes,
            packed=(ints, floats, self.matrices.laid()),
            layout=layout,
            local_slots=local_slots,
            input_rows=local_rows,
            weight_rows=weight_rows,
            slots=len(self.angles),
            scratch_size=int(layout[steps.END]),
            shared_size=5 * self.W * len(self.angles),
            stored_size=self.stored,
            state_size=self.state_size,
            most_states=self.most_states,
            passes=len(self.code),
            stages=tuple(self.stages),
            first_stage=sum(end <= layout[steps.FIRST_NEEDED] for end in self.stage_ends),
            block_size=self.block_size,
        )

    @property
    def state_size(self) -> int:
        """Floats of a state."""
        return (2 * self.W) << (self.n - self.shift)

    @property
    def most_states(self) -> int:
        """States of a tile at most: several where they are small and phases are the same for all samples.

        The states of a tile add up their derivatives, so there is one where a pass has them sample by sample.
        """
        if self.lanes is not None:
            return 1
        for row in self.code:
            kind = row[passes.KIND]
            if kind == passes.PHASES and row[passes.LOCAL]:
                return 1
            if kind < passes.PHASES and self.derive_inputs and (row[passes.LOCAL] or row[_SECOND_LOCAL]):
                return 1
        return max(1, _TILE_BYTES // (self.state_size * self.program.dtype().itemsize))

    def by_inputs(self, slot: int) -> dict[int, float]:
        return {k: v for k, v in self.angles[slot].factors.items() if k < self.n_inputs}

    def by_weights(self, slot: int) -> dict[int, float]:
        factors = self.angles[slot].factors
        return factors and {k - self.n_inputs: v for k, v in factors.items() if k >= self.n_inputs}

    def is_local(self, angle: Angle) -> bool:
        return bool(angle.factors) and min(angle.factors) < self.n_inputs

    def needed(self, angle: Angle) -> bool:
        """Whether the derivative by this angle is wanted."""
        return bool(angle.factors) and (self.derive_inputs or max(angle.factors) >= self.n_inputs)

    def slot(self, rotation: Rotation, moving: bool, lane_z: int | None = None, local: bool = False) -> int:
        """Number a rotation's angle; those of one angle whose derivative nobody wants share a number."""
        angle = rotation.angle
        if lane_z is None:
            lane_z = rotation.z & ((1 << self.shift) - 1)
        row = (1 if (rotation.x & rotation.z).bit_count() & 2 else -1, lane_z, int(moving))
        slot = len(self.angles)
        if moving and not self.needed(angle):
            key = (*row, angle.constant, *sorted(angle.factors.items()))
            found = self.fixed.setdefault(key, slot)
            if found < slot:
                return found
        self.angles.append(angle)
        self.slot_rows.append(row)
        if local or self.is_local(angle):
            self.local.append(slot)
        return slot

    def add(self, row: list[int], needed: bool) -> None:
        if needed and self.first_needed is None:
            self.first_needed = len(self.code)
        self.code.append(row + [0] * (passes.COLUMNS - len(row)))

    def add_passes(self, levels: Sequence[Level]) -> None:
        """Number the passes of some levels."""
        for level in levels:
            if level.kind == "phases":
                self.phase_pass(level)
            elif level.kind == "dense":
                self.dense_pass(level.members[0])
            else:
                self.rotation_passes(level.members)

    def phase_pass(self, level: Level) -> None:
        local = any(self.is_local(member.angle) for member in level.members)
        first = len(self.terms)
        for member in level.members:
            # where lanes are samples, a table that differs from sample to sample is made of local angles only
            self.terms.append((member.z, self.slot(member, moving=False, local=local and self.lanes is None)))
        place, offset = steps.ON_THE_FLY, 0
        if not local and self.store_tables:
            place, offset = steps.STORED, self.stored
            self.stored += 2 << self.n
        elif self.lanes is None:
            place, offset = steps.PER_TILE, self.per_tile
            self.per_tile += (2 * self.W) << self.n
        needed = any(self.needed(member.angle) for member in level.members)
        self.add([passes.PHASES, offset, place, first, len(self.terms), 0, 0, int(needed)], needed)

    def rotation_passes(self, members: Sequence[Rotation]) -> None:
        waiting = list(members)
        while waiting:
            rotation = waiting.pop(0)
            high = rotation.x >> self.shift
            partner = self.partner(rotation, waiting) if high else None
            own = self.columns(rotation)
            needed = bool(own[-1])
            if not high:
                row = [passes.LANE_ROTATION, *own]
            elif partner is None:
                row = [passes.ROTATION, *own] + [0] * (passes.LOW - passes.SECOND - 1)
                row.append(1 << (high.bit_length() - 1))
            else:
                waiting.remove(partner)
                other = self.columns(partner)
                needed = needed or bool(other[-1])
                row = [passes.ROTATION_PAIR, *own, *other]
                row += [(partner.x & rotation.z).bit_count() & 1, (rotation.x & partner.z).bit_count() & 1]
                row += pivots([high, partner.x >> self.shift])
            self.add(row, needed)

    def partner(self, rotation: Rotation, waiting: list[Rotation]) -> Rotation | None:
        """The next rotation that may follow at once and moves amplitudes another way."""
        high = rotation.x >> self.shift
        for k, candidate in enumerate(waiting):
            if candidate.x >> self.shift not in (0, high) and all(candidate.commutes(other) for other in waiting[:k]):
                return candidate
        return None

    def columns(self, rotation: Rotation) -> list[int]:
        slot, local, needed = self.numbered(rotation)
        low = (1 << self.shift) - 1
        swap = 1 - (rotation.x & rotation.z).bit_count() % 2
        return [slot, local, rotation.x >> self.shift, rotation.x & low, rotation.z >> self.shift, swap, needed]

    def numbered(self, rotation: Rotation) -> tuple[int, int, int]:
        """A moving rotation's slot, whether it differs from sample to sample, and whether its derivative is wanted."""
        slot = self.slot(rotation, moving=True)
        return slot, int(self.is_local(rotation.angle)), int(self.needed(rotation.angle))

    def dense_pass(self, member: Dense) -> None:
        self.add([passes.DENSE, len(self.spec), *self.matrices.add(member)], False)
        self.spec += dense_spec(member.xs, member.zs, self.shift)
        self.largest_dense = max(self.largest_dense, len(member.xs))

    def layout(self, chain_needed: bool) -> IntArray:
        W, n, slots = self.W, self.n, len(self.angles)
        bits = n if self.lanes is None else max(min(n, self.most_bits), self.shift)
        block = (W << n) if self.lanes is None else (1 << bits)
        observables, states = len(self.program.observables), self.most_states
        sizes = {
            steps.PSI: states * self.state_size + _SKEW_BYTES // self.program.dtype().itemsize,
            steps.LAM: max(states * self.state_size, 4 * W),
            steps.ROTATIONS: states * 5 * W * slots if self.local else 0,
            steps.THETA: W * max(slots, 1),
            steps.TABLES: self.per_tile,
            steps.BUFFER: max(block, 4 * W),
            steps.GRADIENT: W * max(slots, 1),
            steps.PAIRS: 4 * W * n,
            steps.DUALS: 4 * W * n,
            steps.VALUES: W * max(observables, 1),
            steps.SCRATCH: (2 * W) << self.largest_dense,
            steps.BLOCK: 0 if self.lanes is None else max(2 << bits, 2 * W),
        }
        out = np.zeros(steps.END + 1, np.int64)
        last = self.first_needed if self.first_needed is not None else len(self.code)
        encoded = self.derive_inputs and any(s.angles for s in self.program.starts)
        out[steps.QUBITS], out[steps.BITS], out[steps.OBSERVABLES], out[steps.SLOTS] = n, bits, observables, slots
        out[steps.STATE] = self.state_size
        out[steps.START] = steps.GIVEN_STATE if self.program.starts else steps.PRODUCT_STATE
        out[steps.FIRST_NEEDED] = 0 if chain_needed or encoded else last
        out[steps.CHAIN_NEEDED] = int(chain_needed)
        position = 0
        for section in range(steps.PSI, steps.END):
            out[section] = position
            position += sizes[section]
        out[steps.END] = position
        return out
