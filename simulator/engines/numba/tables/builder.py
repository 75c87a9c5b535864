"""Construction of a program's constant arrays from its levels.

Each level of the lowered circuit becomes passes over the state: one pass for a level of phases, one per pair of
rotations, one for a dense matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.engines.numba import simd
from simulator.engines.numba.block_sizes import is_streamed, keeps_states, segment_sizes, tile_bytes
from simulator.engines.numba.kernels import angles
from simulator.engines.numba.layout import passes, scratch, sections
from simulator.engines.numba.options import DEFAULT, Options
from simulator.engines.numba.tables import fused, swizzle
from simulator.engines.numba.tables.dense import DenseMatrices, dense_spec
from simulator.engines.numba.tables.segments import Segments, in_blocks
from simulator.engines.numba.tables.slots import Slots
from simulator.engines.numba.tables.tables import IntArray, Tables, integers, packed, string_groups, table
from simulator.program.levels import Dense, Level, Rotation
from simulator.program.program import Program

_BLOCK_BITS = 10  # qubits of a block of phases, whose values fit in the first-level cache


def blank(kind: int) -> list[int]:
    """Create an empty row for a pass of a kind."""
    row = [0] * passes.COLUMNS
    row[passes.KIND] = kind
    return row


class TableBuilder:
    """Writes the passes of one program for one meaning of the lanes.

    Parameters
    ----------
    program : Program
    lanes : int or None
        Number of bits of an index that select a vector's lane; None if lanes are samples.
    derive_inputs : bool
        Whether gradients with respect to the inputs are computed.
    options : Options
    swizzles : bool
        Whether amplitudes may be stored in the order of `swizzle`, as they may if only expectations are read.
    """

    def __init__(
        self,
        program: Program,
        lanes: int | None,
        derive_inputs: bool,
        options: Options = DEFAULT,
        swizzles: bool = False,
    ) -> None:
        self.program, self.lanes, self.derive_inputs, self.options = program, lanes, derive_inputs, options
        self.n = program.num_qubits
        self.swizzles = swizzles and lanes is None and self.n >= options.swizzle_qubits and not program.starts
        self.swizzles = self.swizzles and all(level.kind != "dense" for level in program.schedule[1])
        self.streams = is_streamed(self.n)
        self.segment_passes, self.segment_bits = segment_sizes(self.n, options) if self.swizzles else (1, 0)
        self.shift = lanes or 0
        self.W = simd.width(program.dtype)
        self.slots = Slots(len(program.inputs), self.shift, derive_inputs)
        self.code: list[list[int]] = []
        self.spec: list[int] = []
        self.layer: fused.Layer | None = None  # of fused passes, if the next pass may belong to it
        self.fused: list[fused.Pass] = []
        self.last_part: list[Rotation] = []  # of the level before, see `in_parts`
        self.strings: list[tuple[int, int, int, float]] = []  # of the observables: x, z, observable, coefficient
        self.tile_segments = Segments(self.n)  # of the passes; of a stage's passes there are none
        self.matrices = DenseMatrices(self.shift, self.W, program.dtype)
        self.stored = 0  # floats of stored phase tables
        self.per_tile = 0  # floats of phase tables computed per tile
        self.tile_tables: dict[tuple[Any, ...], int] = {}  # where the table for a set of phases begins
        self.largest_dense = 0
        self.first_needed: int | None = None
        self.most_bits = _BLOCK_BITS  # maximum qubits of a block of phases
        self.stages: list[IntArray] = []
        self.stage_ends: list[int] = []
        self.block_size = 0

    def build(self) -> Tables:
        chains, levels = self.program.schedule
        self.strings = self.program.strings
        if self.swizzles:
            levels = swizzle.swizzled_levels(levels, self.n)
            self.strings = swizzle.swizzled_strings(self.strings, self.n)
        starts, chain, splits, chain_needed, encoding_needed = [0], [], [], False, False
        for qubit_chain in chains:
            split, needed_so_far = starts[-1], False  # where the rotations end that differ from sample to sample
            for rotation in qubit_chain:
                axis = sections.AXIS_Z if not rotation.x else sections.AXIS_Y if rotation.z else sections.AXIS_X
                slot, local, needed_here = self.slots.add(rotation, in_lanes=False)
                chain.append((slot, axis))
                needed_so_far = needed_so_far or bool(needed_here)
                if local:
                    split, encoding_needed = len(chain), encoding_needed or needed_so_far
            chain_needed = chain_needed or needed_so_far
            splits.append(split)
            starts.append(len(chain))
        needed = scratch.ENCODING_NEEDED if encoding_needed else int(chain_needed)
        if encoding_needed:
            splits = starts[1:]
        phase_levels = sum(level.kind == "phases" for level in levels)
        table_bytes = phase_levels * (2 << self.n) * self.program.dtype().itemsize
        self.store_tables = self.lanes is None or table_bytes <= self.options.stored_bytes
        self.add_passes(levels)
        groups, members, weights = string_groups(self.strings, self.shift)
        local_rows, weight_rows = self.slots.forms()
        is_local = np.zeros(max(len(self.slots.angles), 1), np.int64)
        is_local[self.slots.local] = 1
        layout = self.layout(needed)
        local_slots = np.array(self.slots.local, np.int64)
        local_needed = [e for e, slot in enumerate(self.slots.local) if self.slots.needed(self.slots.angles[slot])]
        ints, floats = packed(
            layout,
            {
                sections.PASSES: table(self.code, passes.COLUMNS),
                sections.TERMS: self.slots.terms,
                sections.SLOT_KINDS: self.slots.kinds,
                sections.IS_LOCAL: is_local,
                sections.LOCAL_SLOTS: local_slots,
                sections.LOCAL_NEEDED: np.array(local_needed, np.int64),
                sections.LOCAL_STARTS: local_rows.starts,
                sections.LOCAL_COLUMNS: local_rows.columns,
                sections.LOCAL_FACTORS: local_rows.values,
                sections.CHAIN_STARTS: np.array(starts, np.int64),
                sections.CHAIN_SPLITS: np.array(splits, np.int64),
                sections.CHAIN: table(chain, sections.CHAIN_COLUMNS),
                sections.GROUPS: groups,
                sections.STRINGS: members,
                sections.STRING_WEIGHTS: weights,
                sections.DENSE_SPECS: integers(self.spec),
                sections.CONSTANTS: self.slots.constants,
                sections.WEIGHT_STARTS: weight_rows.starts,
                sections.WEIGHT_COLUMNS: weight_rows.columns,
                sections.WEIGHT_FACTORS: weight_rows.values,
                sections.OCTETS: integers(self.tile_segments.octets) * (2 * self.W),
                sections.SEGMENTS: table(self.tile_segments.rows, sections.SEGMENT_COLUMNS),
                sections.LOCAL_LIMIT: np.array([angles.limit(local_rows.starts, local_rows.values)]),
            },
        )
        return Tables(
            lanes=self.lanes,
            packed=(ints, floats, self.matrices.laid()),
            layout=layout,
            local_slots=local_slots,
            input_rows=local_rows,
            weight_rows=weight_rows,
            slots=len(self.slots.angles),
            scratch_size=int(layout[scratch.END]),
            shared_size=self.W
            * (sections.COEFFICIENTS * len(self.slots.angles) + (8 * self.n if self.lanes is None else 0)),
            stored_size=self.stored,
            state_size=self.state_size,
            most_states=self.most_states,
            passes=len(self.code),
            stages=tuple(self.stages),
            first_stage=sum(end <= layout[scratch.FIRST_NEEDED] for end in self.stage_ends),
            block_size=self.block_size,
        )

    @property
    def state_size(self) -> int:
        """Number of floats in a state."""
        return (2 * self.W) << (self.n - self.shift)

    @property
    def most_states(self) -> int:
        """Maximum number of states in a tile: several if they are small and phases are the same for all samples.

        The states of a tile sum their derivatives, so there is only one if a pass needs derivatives per sample.
        """
        if self.lanes is not None:
            return 1
        for row in self.code:
            kind = row[passes.KIND]
            if kind == passes.PHASES and row[passes.PLACE] != passes.STORED:
                return 1
            if kind == passes.FUSED and self.derive_inputs and row[passes.FUSED_LOCAL]:
                return 1
            if kind < passes.PHASES and self.derive_inputs and (row[passes.LOCAL] or row[passes.SECOND + passes.LOCAL]):
                return 1
        return max(1, tile_bytes() // (self.state_size * self.program.dtype().itemsize))

    def add(self, row: list[int], needed: bool) -> None:
        if self.layer is not None and row[passes.KIND] != passes.FUSED:
            self.layer = None
        if needed and self.first_needed is None:
            self.first_needed = len(self.code)
        self.code.append(row)

    def add_passes(self, levels: Sequence[Level]) -> None:
        """Number the passes of levels; the phases before a fused pass belong to it."""
        if self.fuses:
            levels = fused.like_y(levels, self.n)
        phases = None  # the level before, if it is one of phases that has no pass yet
        for level in levels:
            if level.kind == "rotations":
                self.rotation_passes(level.members, phases)
                phases = None
                continue
            if phases is not None:
                self.phase_pass(phases)
            phases = level if level.kind == "phases" else None
            if level.kind == "dense":
                self.dense_pass(level.members[0])
        if phases is not None:
            self.phase_pass(phases)
        self.divide_passes()

    def divide_passes(self) -> None:
        """Divide the passes into segments."""
        groups = sum(each.begins for each in self.fused)
        in_groups = keeps_states(groups, self.state_size * self.program.dtype().itemsize)
        self.tile_segments = Segments(self.n, 2 * self.W, self.segment_passes, self.segment_bits, in_groups)
        strings = [] if self.streams else self.strings  # a doubled layer has more trips to two states
        self.tile_segments.divide(self.fused, len(self.code), strings, self.slots.term_zs)

    @property
    def fuses(self) -> bool:
        """Whether rotations are taken in octets where possible."""
        return self.lanes is None and self.n >= fused.OCTET

    def phase_pass(self, level: Level) -> None:
        local = self.slots.any_local(level.members)
        # if lanes are samples, a table that differs from sample to sample uses only local angles
        first, last = self.slots.add_phases(level.members, local and self.lanes is None)
        place, offset = passes.ON_THE_FLY, 0
        if not local and self.store_tables:
            place, offset = passes.STORED, self.stored
            self.stored += 2 << self.n
        elif self.lanes is None:
            offset = self.tile_tables.setdefault(_phases(level), self.per_tile)
            place = passes.PER_TILE if offset == self.per_tile else passes.REPEATED
            if place == passes.PER_TILE:
                self.per_tile += (2 * self.W) << self.n
        needed = self.slots.any_needed(level.members)
        row = blank(passes.PHASES)
        row[passes.OFFSET], row[passes.PLACE] = offset, place
        row[passes.FIRST_TERM], row[passes.LAST_TERM] = first, last
        row[passes.NEEDED] = int(needed)
        self.add(row, needed)

    def fused_pass(self, rotations: Sequence[Rotation], phases: Sequence[Rotation], begins_level: bool) -> None:
        """Number a pass of two or three rotations, and of the phases before them if it begins a layer."""
        layer = None if phases else self.layer
        row, local = blank(passes.FUSED), self.slots.is_local(rotations[0].angle)
        row[passes.OFFSET], row[passes.FUSED_LOCAL] = -1, int(local)
        begins = bool(phases) if local else layer is None or not layer.takes(rotations)
        if begins or layer is None:
            layer = fused.Layer()
        if begins:
            row[passes.OFFSET] = self.stored
            self.stored += max(2 << self.n, 2 * self.W)
            row[passes.FIRST_TERM], row[passes.LAST_TERM] = self.slots.add_phases(phases)
            row[passes.NEEDED] = int(self.slots.any_needed(phases))
        layer.xs += [x for x, _, _ in rotations]
        self.layer = None if local else layer
        row[passes.NUMBERS] = self.stored
        self.stored += passes.EACH_NUMBERS * self.W
        row[passes.FUSED_COUNT] = len(rotations)
        needed = 0
        for k, rotation in enumerate(rotations):
            row[passes.FUSED_SLOT + k], _, needed_here = self.slots.add(rotation, moving=local)
            needed |= needed_here
        masks = [z for _, z, _ in ((*phases, *rotations) if begins else rotations)]
        number = len(self.code)
        begins_group = begins_level or begins or not self.fused or self.fused[-1].number < number - 1
        if local and not begins_group:
            fused.continue_run(self.fused, row, single=self.W > 8)
        self.fused.append(fused.Pass(number, rotations, masks, layer, row, begins_group))
        for k in range(len(rotations), fused.OCTET):  # adds nothing to the derivative of the first
            row[passes.FUSED_SLOT + k] = row[passes.FUSED_SLOT]
        row[passes.FUSED_NEEDED] = needed
        self.add(row, bool(row[passes.NEEDED] or needed))

    def rotation_passes(self, members: Sequence[Rotation], phases: Level | None = None) -> None:
        """Number a level's rotations, and the phases before them, which are part of the first pass if that is fused."""
        begin = len(self.code)
        if phases is not None and self.slots.any_local(phases.members):
            self.phase_pass(phases)
            phases = None
        for part in self.in_parts(members):
            self.passes_of_part(part, phases, begin)
            phases = None

    def in_parts(self, members: Sequence[Rotation]) -> list[list[Rotation]]:
        """A level's rotations in the order to apply them, in parts that do not share a pass."""
        if not (self.swizzles and self.fuses and self.streams):
            return [list(members)]
        parts = in_blocks(members, self.last_part, self.segment_bits)
        self.last_part = parts[-1]
        return parts

    def passes_of_part(self, waiting: list[Rotation], phases: Level | None, begin: int) -> None:
        """Number rotations of a level whose passes begin at ``begin``, and the phases before them."""
        while waiting:
            if self.fuses:
                most = 2 if len(waiting) == 4 else fused.OCTET  # two pairs are faster than three rotations and one
                group, remaining = fused.group(waiting, self.slots.is_local, most)
                if group and group[0] is waiting[0]:
                    self.fused_pass(group, phases.members if phases is not None else [], len(self.code) == begin)
                    phases, waiting = None, remaining
                    continue
            if phases is not None:
                self.phase_pass(phases)
                phases = None
            rotation = waiting.pop(0)
            x, z, _ = rotation
            high = x >> self.shift
            place = self.partner(high, waiting) if high and self.lanes is not None else None
            columns = self.columns(rotation)
            if place is None:
                kind = passes.ROTATION if high else passes.LANE_ROTATION
                row = [kind, *columns, *_NO_COLUMNS, 0, 0, _top(high) if high else 0, 0, 0]
                self.add(row, bool(columns[-1]))
                continue
            partner = waiting.pop(place)
            other_x, other_z, _ = partner
            other, others = other_x >> self.shift, self.columns(partner)
            low, top = _top(high), _top(other ^ high if other.bit_length() == high.bit_length() else other)
            if low > top:
                low, top = top, low
            cross_a, cross_b = (other_x & z).bit_count() & 1, (x & other_z).bit_count() & 1
            row = [passes.ROTATION_PAIR, *columns, *others, cross_a, cross_b, low, top, 0]
            self.add(row, bool(columns[-1] or others[-1]))

    def partner(self, high: int, waiting: list[Rotation]) -> int | None:
        """Place of the next rotation that may follow immediately and has another X mask than ``high``."""
        shift = self.shift
        for k, candidate in enumerate(waiting):
            other = candidate[0] >> shift
            if other and other != high and (not k or fused.commutes_with_all(candidate, waiting[:k])):
                return k
        return None

    def columns(self, rotation: Rotation) -> tuple[int, ...]:
        """Columns from SLOT to NEEDED of a rotation."""
        x, z, _ = rotation
        shift = self.shift
        slot, local, needed = self.slots.add(rotation)
        return slot, local, x >> shift, x & self.slots.low, z >> shift, ~(x & z).bit_count() & 1, needed

    def dense_pass(self, member: Dense) -> None:
        row = blank(passes.DENSE)
        row[passes.SPEC] = len(self.spec)
        self.matrices.add(member, row)
        self.add(row, False)
        self.spec += dense_spec(member.xs, member.zs, self.shift)
        self.largest_dense = max(self.largest_dense, len(member.xs))

    def layout(self, chain_needed: int) -> IntArray:
        W, n, slots = self.W, self.n, len(self.slots.angles)
        bits = n if self.lanes is None else max(min(n, self.most_bits), self.shift)
        block = (W << n) if self.lanes is None else (1 << bits)
        halves = (8 * W) << (n - n // 2) if self.lanes is None else 0  # see `kernels.encoding`
        segment = self.segment_passes * ((passes.FUSED_SUMS + 1) * W + (1 << n)) if self.swizzles else 0
        observables, states = len(self.program.observables), self.most_states
        sizes = {
            scratch.PSI: states * self.state_size + scratch.SKEW * W,
            scratch.LAM: max(states * self.state_size, 4 * W),
            scratch.ROTATIONS: states * sections.COEFFICIENTS * W * slots if self.slots.local else 0,
            scratch.THETA: W * max(slots, 1),
            scratch.TABLES: self.per_tile,
            scratch.BUFFER: max(block + 4 * W, halves, segment),
            scratch.GRADIENT: W * max(slots, 1),
            scratch.PAIRS: 4 * W * n,
            scratch.DUALS: (16 if self.lanes is None else 4) * W * n,
            scratch.VALUES: W * max(observables, 1),
            scratch.SCRATCH: max((2 * W) << self.largest_dense, passes.EACH_NUMBERS * W),
            scratch.BLOCK: 0 if self.lanes is None else max(2 << bits, 2 * W),
        }
        out = np.zeros(scratch.END + 1, np.int64)
        last = self.first_needed if self.first_needed is not None else len(self.code)
        encoded = self.program.derives_amplitudes(self.derive_inputs)
        out[scratch.QUBITS], out[scratch.BITS] = n, bits
        out[scratch.OBSERVABLES], out[scratch.SLOTS] = observables, slots
        out[scratch.STATE] = self.state_size
        out[scratch.FOLD] = swizzle.mask(n) if self.swizzles else 0
        out[scratch.START] = scratch.GIVEN_STATE if self.program.starts else scratch.PRODUCT_STATE
        out[scratch.FIRST_NEEDED] = 0 if chain_needed or encoded else last
        out[scratch.CHAIN_NEEDED] = chain_needed
        out[scratch.DOUBLED], out[scratch.DOUBLED_Z] = self.tile_segments.doubled or (len(self.code), 0)
        out[scratch.STREAMED] = self.streams
        position = 0
        for section in range(scratch.PSI, scratch.END):
            out[section] = position
            position += sizes[section]
        out[scratch.END] = position
        return out


_NO_COLUMNS = (0,) * passes.SECOND  # of a rotation without a partner


def _top(mask: int) -> int:
    return 1 << (mask.bit_length() - 1)


def _phases(level: Level) -> tuple[Any, ...]:
    """Return what determines a level's phases: masks and angles, sorted."""
    return tuple(sorted([(z, constant, tuple(sorted(factors.items()))) for _, z, (constant, factors) in level.members]))
