"""Constant arrays of a program that runs in stages; see `schedule` and `kernels.stages`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from simulator.engines.numba.block_sizes import block_bits, part_bits
from simulator.engines.numba.kernels.stages import small_tables_size
from simulator.engines.numba.layout import passes, scratch
from simulator.engines.numba.layout import stages as layout
from simulator.engines.numba.tables import zeros
from simulator.engines.numba.tables.builder import TableBuilder, blank
from simulator.engines.numba.tables.fused import all_apart, commutes_with_all
from simulator.engines.numba.tables.schedule import Stage, runs, schedule
from simulator.engines.numba.tables.tables import IntArray, packed_integers
from simulator.engines.numba.tables.two_qubit import two_qubit_pass
from simulator.program.levels import Dense, Level, Rotation
from simulator.program.subspaces import Subspace, pivots

_FILLERS = 32  # among as many masks, some that complete an octet can always be found
_MOST_SPARED = 2  # maximum number of qubits by which blocks become smaller; measured with layers on 20 qubits


class StageTableBuilder(TableBuilder):
    """Writes the passes stage by stage, each with the masks of its stage's basis.

    Up to three rotations that act like Paulis of different qubits share a pass.
    """

    def add_passes(self, levels: Sequence[Level]) -> None:
        """Split levels into stages and number their passes."""
        size = 2 * np.dtype(self.program.dtype).itemsize
        bits = min(block_bits(self.n, 2 if self.program.observables else 1, size, self.options), self.n)
        self.part = min(max(part_bits(size, self.options), self.shift), bits)
        self.most_bits = min(self.most_bits, self.part)
        self.store_tables = False
        if self.n >= self.options.sparse_qubits:
            levels = zeros.with_zeros(levels, self.shift)
        spared = min(_MOST_SPARED, bits - self.part)
        scheduled = schedule(levels, self.n, self.shift, bits, spared)
        chains = self.program.schedule[0]
        support = [1 << q for q in range(self.n) if self.program.starts or chains[q]]
        for stage, reached in zip(scheduled, _reached(scheduled, support), strict=True):
            self.reached = reached
            self.stage(stage)

    def stage(self, stage: Stage) -> None:
        """Number a stage's passes."""
        self.first = len(self.code)  # number of its first pass
        self.specs: list[list[int]] = []  # integer lists that describe the factored passes
        self.places: list[IntArray] = []
        self.parts = stage.block_bits - self.part
        self.block_mask = (1 << stage.block_bits) - 1
        for level in stage.levels:
            if level.kind == "rotations":
                self.block_rotations(level)
            elif level.kind == "dense":
                self.dense_pass(level.members[0])
            elif not self.factored_pass(level):
                self.phase_pass(level)
        self.stage_ends.append(len(self.code))
        self.stages.append(self.written(stage))
        work = 3 * len(self.specs) + 1 << self.part
        work += small_tables_size(self.W) + scratch.SKEW * self.W
        self.block_size = max(self.block_size, (4 << stage.block_bits) + work)

    def block_rotations(self, level: Level) -> None:
        """Number the passes of a level of rotations."""
        waiting = level.members if level.ordered else sorted(level.members, key=itemgetter(0))
        others: list[Rotation] = []
        while waiting:
            group, remaining = self.group(waiting, level.ordered)
            completed = self.completed(group) if group else None
            if completed is not None:
                if others:
                    self.rotation_passes(others)
                    others = []
                members = [*map(self.columns, group)]  # slot, local, x, x of lanes, z, swap, needed
                xs, bits = completed
                row = blank(passes.LIKE_Y if _is_like_y(group[0]) else passes.LIKE_X)
                row[passes.COUNT] = len(group)
                for k, x in enumerate(xs):
                    slot, local, _, _, z, _, _ = members[min(k, len(group) - 1)]
                    at = passes.FIRST + passes.EACH * k
                    row[at : at + passes.EACH] = slot, local, x, z
                row[passes.PIVOTS : passes.PIVOTS + len(bits)] = bits
                self.add(row, any(columns[-1] for columns in members))
            else:
                others.append(waiting[0])
                remaining = waiting[1:]
            waiting = remaining
        if others:
            self.rotation_passes(others)

    def group(self, waiting: Sequence[Rotation], ordered: bool) -> tuple[list[Rotation], list[Rotation]]:
        """Split into the first rotation with those that share its pass (none if it moves lanes), and the remaining."""
        shift, low, like_y = self.shift, self.slots.low, _is_like_y(waiting[0])
        if waiting[0][0] & low:
            return [], list(waiting)
        group: list[Rotation] = []
        remaining: list[Rotation] = []
        span = [0]
        for k, member in enumerate(waiting):
            x, z, _ = member
            if (
                not x & low
                and (x & z).bit_count() & 1 == like_y
                and x >> shift not in span
                and all_apart(member, group)
                and not (ordered and remaining and not commutes_with_all(member, remaining))
            ):
                group.append(member)
                if len(group) == passes.MOST:
                    remaining += waiting[k + 1 :]
                    break
                span += [vector ^ x >> shift for vector in span]
            else:
                remaining.append(member)
        return group, remaining

    def completed(self, group: Sequence[Rotation]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Masks x of vectors of the octets of a group of rotations, and pivots; None if a block is too small for them.

        Masks that are not of a rotation change no sign.
        """
        shift, vectors = self.shift, min(self.block_mask + 1 >> self.shift, _FILLERS)
        xs, zs = [x >> shift for x, _, _ in group], [z >> shift & vectors - 1 for _, z, _ in group]
        return octet(tuple(xs), tuple(zs), vectors)

    def dense_pass(self, member: Dense) -> None:
        """Number the pass of a dense matrix; matrices on two qubits use a dedicated kernel if their masks allow it."""
        row = None
        if len(member.xs) == 2:
            member, row = two_qubit_pass(member, self.shift, self.block_mask + 1 >> self.shift)
        if row is None:
            super().dense_pass(member)
        else:
            self.matrices.add(member, row)
            self.add(row, False)

    def factored_pass(self, level: Level) -> bool:
        """Number a pass of phases as a product of tables; return False if it has too many classes."""
        low, rest = (1 << self.part) - 1, self.block_mask >> self.part << self.part
        fixed: list[Rotation] = []
        classes: dict[int, list[Rotation]] = {0: []}
        for member in level.members:
            z = member[1]
            if z & rest:
                classes.setdefault(z & low, []).append(member)
            else:
                fixed.append(member)
        scalars = classes.pop(0)
        if len(classes) > layout.MAX_CLASSES:
            return False
        needed = self.slots.any_needed(level.members)
        number = len(self.specs)
        row = blank(passes.FACTORED)
        row[passes.NUMBER], row[passes.NEEDED] = number, int(needed)
        self.add(row, needed)
        groups = max(-(-len(classes) // layout.CLASSES), 1)
        first = len(self.slots.term_zs)
        members = [*fixed, *scalars]
        middle, end = first + len(fixed), first + len(members)
        spec = [first, middle, middle, end, groups]
        masks, lane_mask = list(classes), (1 << self.shift) - 1
        for g in range(groups):
            zs = masks[g::groups]
            group = [len(zs), len(self.places)]
            for z in zs:
                members += classes[z]
                first, end = end, end + len(classes[z])
                group += (z & lane_mask, first, end)
            self.places.append(_places(tuple([z >> self.shift for z in zs]), self.part - self.shift, 2 * self.W))
            spec += group + [0] * (layout.GROUP - len(group))
        self.slots.add_phases(members)
        self.specs.append(spec)
        return True

    def written(self, stage: Stage) -> Any:
        """Encode the stage in the format that the kernels read."""
        sources, places = runs(stage, self.shift)
        head = [0] * layout.HEAD
        lists = [b""]
        size = layout.HEAD

        def add(values: Sequence[int] | IntArray) -> int:
            nonlocal size
            begin, size = size, size + len(values)
            lists.append(values.tobytes() if isinstance(values, np.ndarray) else packed_integers(values))
            return begin

        head[layout.BLOCK_BITS] = stage.block_bits - self.shift
        head[layout.BLOCKS_BITS] = self.n - stage.block_bits
        head[layout.PART_BITS] = self.part
        head[layout.SOURCES], head[layout.PLACES] = add([*sources, 0]), add([*places, 0])
        head[layout.REACHED] = self.reached
        head[layout.REST] = add(stage.basis[stage.block_bits :])
        segments = self.segments()
        head[layout.SEGMENTS], head[layout.SEGMENT_COUNT] = add([*chain.from_iterable(segments)]), len(segments)
        begins = []
        for spec in self.specs:
            for g in range(spec[layout.GROUPS]):
                at = layout.FACTOR_HEAD + layout.GROUP * g + layout.GROUP_PLACES
                spec[at] = add(self.places[spec[at]])
            begins.append(add(spec))
        head[layout.SPECS], head[layout.FACTORS] = add(begins), len(begins)
        lists[0] = packed_integers(head)
        return np.frombuffer(bytearray().join(lists), np.int64)  # which can be written, as kernels expect

    def segments(self) -> list[list[int]]:
        """Runs of passes executed together: bits of the number of parts, first pass and one past the last."""
        runs: list[list[int]] = []
        code, reach, part = self.code, self.reach, self.part
        for r in range(self.first, len(code)):
            bits = self.parts if reach(code[r]) <= part else 0
            if not runs or runs[-1][0] != bits:
                runs.append([bits, r, r])
            runs[-1][2] = r + 1
        return runs

    def reach(self, row: Sequence[int]) -> int:
        """Qubits among which a pass moves amplitudes; it is independent for each value of all other qubits."""
        kind = row[_KIND]
        if kind in _DIAGONAL:
            return self.shift
        if kind in _SEVERAL:
            return self.shift + row[_LAST_PIVOT].bit_length()
        if kind == passes.DENSE:
            return self.n
        if kind == passes.TWO_QUBIT:
            return self.shift + max(row[passes.FIRST_PIVOT], row[passes.LAST_PIVOT]).bit_length()
        second = row[passes.X + passes.SECOND] if kind == passes.ROTATION_PAIR else 0
        return self.shift + (row[passes.X] | second).bit_length()


# Names of `layout.passes` that `reach` reads most often
_KIND, _LAST_PIVOT = passes.KIND, passes.PIVOTS + passes.MOST - 1
_DIAGONAL, _SEVERAL = (passes.FACTORED, passes.PHASES), (passes.LIKE_X, passes.LIKE_Y)


@lru_cache(maxsize=1024)
def octet(xs: tuple[int, ...], zs: tuple[int, ...], vectors: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Complete masks x to three, by the lowest ones below ``vectors`` that change no sign; None if there are too few.

    Returns the masks and their pivots.
    """
    span = [0]
    for x in xs:
        span += [x ^ other for other in span]
    masks = list(xs)
    for mask in range(1, vectors):
        if len(masks) == passes.MOST:
            break
        if mask not in span and not any((mask & z).bit_count() & 1 for z in zs):
            masks.append(mask)
            span += [mask ^ other for other in span]
    return (tuple(masks), tuple(pivots(masks))) if len(masks) == passes.MOST else None


@lru_cache(maxsize=1024)
def _places(zs: tuple[int, ...], bits: int, size: int) -> IntArray:
    """Place, in a group's table of values of ``size`` floats, for each vector of a part of ``bits`` bits."""
    if not zs:
        return np.zeros(1 << bits, np.int64)
    odd = np.bitwise_count(np.arange(1 << bits)[:, None] & np.array(zs, np.int64)).astype(np.int64) & 1
    return (odd << np.arange(len(zs))).sum(axis=1) * size  # type: ignore[no-any-return]


def _is_like_y(rotation: Rotation) -> int:
    """Return 1 for a string like Y, whose rotation is real, and 0 for one like X."""
    x, z, _ = rotation
    return (x & z).bit_count() & 1


def _reached(scheduled: Iterable[Stage], support: Sequence[int]) -> list[int]:
    """Number of leading blocks of each stage that can be non-zero when it begins.

    Initially, only amplitudes whose index is in the span of ``support`` are non-zero; a stage spreads them over their
    cosets.
    """
    out: list[int] = []
    everything = False
    for stage in scheduled:
        inside, outside = stage.basis[: stage.block_bits], stage.basis[stage.block_bits :]
        if everything:
            out.append(1 << len(outside))
            continue
        reduced = Subspace(inside).reduced
        top = max(map(reduced, support), default=0)
        out.append(1 << sum(bit <= top for bit in outside))
        everything = out[-1] == 1 << len(outside)
        support = [*support, *inside]
    return out
