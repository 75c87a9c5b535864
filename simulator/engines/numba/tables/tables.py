"""Constant arrays of a program, in the format that the kernels read."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.caching import cached_property
from simulator.engines.numba.layout import passes, scratch, sections, stages

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_STEPS = 4  # trips through the states besides passes: the product state, and expectations, forward and back


@dataclass(frozen=True)
class Affine:
    """Rows of sparse linear forms: row r is ``sum_e values[e] * v[columns[e]]``, starts[r] <= e < starts[r+1]."""

    starts: IntArray
    columns: IntArray
    values: FloatArray

    @cached_property
    def rows(self) -> IntArray:
        """Row of each entry."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


@dataclass(frozen=True)
class Tables:
    """Constants of a program for one use of the lanes (see `simulator.engines.numba.kernels`).

    Attributes
    ----------
    lanes : int or None
    packed : tuple of ndarray
        Constants in the format that the kernels read, described in `layout.sections`.
    layout : int64 ndarray
        Offset of each section of a thread's scratch; the first entries of ``packed``.
    local_slots : int64 ndarray
        Angles that differ from sample to sample.
    input_rows : Affine
        Angles of the local slots as functions of the inputs.
    weight_rows : Affine
        Angles of all slots as functions of the weights.
    slots : int
        Number of angles.
    scratch_size, shared_size, stored_size, state_size : int
        Number of floats in a thread's scratch, the shared coefficients, the phase tables, and one state.
    most_states : int
        Maximum number of states in a tile.
    passes : int
    stages : tuple of int64 ndarray
        Passes executed block by block, in the format of `kernels.stages`.
    first_stage : int
        First stage that contains a pass whose derivative is required, or that follows one required before all passes.
    block_size : int
        Maximum number of floats of a thread's scratch that a stage uses.
    """

    lanes: int | None
    packed: tuple[Any, ...]
    layout: IntArray
    local_slots: IntArray
    input_rows: Affine
    weight_rows: Affine
    slots: int
    scratch_size: int
    shared_size: int
    stored_size: int
    state_size: int
    most_states: int
    passes: int
    stages: tuple[IntArray, ...]
    first_stage: int
    block_size: int

    @property
    def sums(self) -> int:
        """Number of sums over a tile's samples, which follow one another in eights; see `kernels.tiles.backward`."""
        of_product = 8 * int(self.layout[scratch.QUBITS]) if self.lanes is None else 0
        return -(-self.slots // 8) * 8 + of_product

    @cached_property
    def groups(self) -> int:
        """Number of groups of fused passes, see `kernels.segments`."""
        segments = self.integers(sections.SEGMENTS).reshape(-1, sections.SEGMENT_COLUMNS)
        firsts = segments[segments[:, sections.SEGMENT_GROUP] == np.arange(len(segments)), sections.SEGMENT_FIRST]
        kinds = self.integers(sections.PASSES).reshape(-1, passes.COLUMNS)[firsts, passes.KIND]
        return int(np.count_nonzero(kinds == passes.FUSED))

    @property
    def rotations_per_trip(self) -> float:
        """Number of fused rotations for each trip through the states of a tile: a segment, or a step at either end."""
        rows = self.integers(sections.PASSES).reshape(-1, passes.COLUMNS)
        rotations = rows[rows[:, passes.KIND] == passes.FUSED, passes.FUSED_COUNT].sum()
        return float(rotations) / (len(self.integers(sections.SEGMENTS)) // sections.SEGMENT_COLUMNS + _STEPS)

    @cached_property
    def stage_words(self) -> IntArray:
        """All stages in one array, behind a list of where each begins and the last one ends."""
        return _in_one_array(self.stages)

    @cached_property
    def needed_stage_words(self) -> IntArray:
        """The stages from `first_stage` on, like `stage_words`."""
        return _in_one_array(self.stages[self.first_stage :])

    @cached_property
    def most_blocks(self) -> int:
        """Maximum number of blocks of a stage."""
        return 1 << max((int(stage[stages.BLOCKS_BITS]) for stage in self.stages), default=0)

    def integers(self, number: int) -> IntArray:
        """Return a section of the packed integers by its number in `layout.sections`."""
        ints: IntArray = self.packed[0]
        begin, length = ints[len(self.layout) + 2 * number : len(self.layout) + 2 * number + 2]
        return ints[begin : begin + length]


def _in_one_array(arrays: Sequence[IntArray]) -> IntArray:
    ends = np.cumsum([len(arrays) + 1, *map(len, arrays)])
    return np.concatenate([ends, *arrays])


def packed(layout: IntArray, sections: dict[int, NDArray[Any]]) -> tuple[IntArray, FloatArray]:
    """Pack the layout, a directory (begin and length of each section) and all integer arrays; and all floats."""
    directory = np.zeros((1 + max(sections), 2), np.int64)
    ints: list[NDArray[Any]] = [layout, directory.ravel()]
    floats: list[NDArray[Any]] = []
    n_ints, n_floats = layout.size + directory.size, 0
    for number, values in sections.items():
        if values.dtype == np.float64:
            directory[number] = n_floats, values.size
            floats.append(values.ravel())
            n_floats += values.size
        else:
            directory[number] = n_ints, values.size
            ints.append(values.ravel())
            n_ints += values.size
    return np.concatenate(ints), np.concatenate([*floats, np.zeros(1)])


def packed_integers(values: Sequence[int]) -> bytes:
    """Convert integers to the memory of an array of int64."""
    return struct.pack(f"{len(values)}q", *values)


def integers(values: Sequence[int]) -> IntArray:
    """Convert integers to a read-only array; `numpy.array` takes three times as long."""
    return np.frombuffer(packed_integers(values), np.int64)


def floats(values: Sequence[float]) -> FloatArray:
    """Convert numbers to a read-only array, like `integers`."""
    return np.frombuffer(struct.pack(f"{len(values)}d", *values), np.float64)


def table(rows: Iterable[Sequence[int]], columns: int) -> IntArray:
    """Convert rows of ``columns`` integers to a read-only array."""
    return integers([*chain.from_iterable(rows)]).reshape(-1, columns)


def string_groups(strings: Iterable[tuple[int, int, int, float]], shift: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Group observables' strings by X mask and parity of their Ys, in the format of `kernels.diagonals.expect`.

    Parameters
    ----------
    strings : iterable of (x, z, observable, coefficient)
    shift : int
        Number of bits of an index that select a vector's lane.

    Returns
    -------
    groups : int64 ndarray, shape (n_groups, 5)
        Upper and lower bits of x, parity of the number of Ys, first string, and one past the last.
    members : int64 ndarray, shape (n_strings, 2)
        The z mask and the observable of each string.
    weights : float64 ndarray, shape (n_strings,)
    """
    by_key: dict[tuple[int, int], list[tuple[int, int, float]]] = {}
    for x, z, k, coefficient in strings:
        quarter = (x & z).bit_count() % 4
        by_key.setdefault((x, quarter % 2), []).append((z, k, -coefficient if quarter >= 2 else coefficient))
    groups: list[tuple[int, ...]] = []
    members: list[tuple[int, int]] = []
    weights: list[float] = []
    low = (1 << shift) - 1
    for (x, parity), group in sorted(by_key.items()):
        groups.append((x >> shift, x & low, parity, len(members), len(members) + len(group)))
        members += [(z, k) for z, k, _ in group]
        weights += [value for _, _, value in group]
    return (
        table(groups, sections.GROUP_COLUMNS),
        table(members, sections.STRING_COLUMNS),
        np.array(weights, float),
    )
