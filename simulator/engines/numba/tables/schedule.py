"""Stages: groups of passes for which a large state is read from memory and written back only once.

A stage is a sequence of rotations, phases and dense matrices whose X masks all lie in one subspace V of GF(2)^n. The
cosets of V do not mix: a thread copies one coset's amplitudes into a block that fits in its second-level cache,
applies the whole stage there and copies them back. Z masks are not restricted: they only give signs, which depend on
the coset.

Each stage has its own basis of GF(2)^n: the lanes' bits, vectors that span V, then a complement. In this basis a
mask is short (most X masks are one bit), a block is contiguous, and the block's number is the high part of the index,
so the passes run on a block as they would on the same slice of a state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.kernels import schedule as kernels
from simulator.engines.numba.layout import schedule as layout
from simulator.engines.numba.tables.tables import integers
from simulator.program.levels import LOOK_BACK, Angle, Dense, Level, Rotation, rotation_of

_WINDOW = 2048  # number of members considered for a stage; their commutation relations are computed together
_LOOK_AHEAD = 192  # maximum number of postponed members before the search for more members of a stage ends
_FEW_STAGES = 2  # maximum number of stages for which smaller blocks are tried
_NO_ANGLE = Angle()  # of a matrix
_KINDS = {layout.DIAGONAL: "phases", layout.MOVING: "rotations", layout.DENSE: "dense"}


@dataclass
class Stage:
    """Consecutive levels that run block by block, their masks in the basis of the stage.

    Attributes
    ----------
    basis : list of int
        Bit j of an index in the stage's basis stands for the stored index ``basis[j]``; the first are the lanes' bits.
    block_bits : int
        Number of qubits of a block; the first ``block_bits`` basis vectors span V.
    levels : list of Level
    """

    basis: list[int]
    block_bits: int
    levels: list[Level] = field(default_factory=list)


class _Cut(NamedTuple):
    """Members cut into stages, in the format of `layout.schedule`."""

    placed: NDArray[np.int64]
    masks: NDArray[np.int64]
    levels: NDArray[np.int64]
    stages: NDArray[np.int64]
    bases: NDArray[np.int64]


def schedule(levels: Iterable[Level], num_qubits: int, lanes: int, bits: int, spared: int = 0) -> list[Stage]:
    """Cut levels into stages with blocks of at most ``bits`` qubits, reordering members that commute.

    A stage takes, of the members in order, those that commute with everything postponed and whose masks fit in its
    subspace. Diagonal rotations are postponed until a selected member requires them first, so that more of them share
    one pass. Those that no member requires are selected last, or when nothing else can be selected.

    Parameters
    ----------
    levels : iterable of Level
    num_qubits : int
    lanes : int
        Number of qubits that index the lanes of a vector; they are in every block.
    bits : int
        Maximum block size in qubits, at least ``lanes``; a dense matrix that needs more gets a larger block.
    spared : int
        Maximum number of qubits by which blocks become smaller if there are few stages, and as many with smaller
        blocks: few stages are mostly copies, and what is copied passes through the cache that a block is in.
    """
    members = [member for level in levels for member in level.members]
    strings, begins = _strings(members)
    cut = _cut(strings, begins, num_qubits, lanes, bits)
    if len(cut.stages) <= _FEW_STAGES:
        for fewer in range(bits - 1, bits - spared - 1, -1):
            smaller = _cut(strings, begins, num_qubits, lanes, fewer)
            if len(smaller.stages) > len(cut.stages):
                break
            cut = smaller
    stages, first = [], 0
    scheduled = _levels(members, cut)
    for basis, (last, block_bits) in zip(cut.bases.tolist(), cut.stages.tolist(), strict=True):
        stages.append(Stage(basis, block_bits, scheduled[first:last]))
        first = last
    return stages


def _cut(strings: NDArray[np.int64], begins: NDArray[np.int64], num_qubits: int, lanes: int, bits: int) -> _Cut:
    members = len(begins) - 1
    words = -(-min(len(strings), _WINDOW * int(np.diff(begins).max(initial=0))) // 64)
    cut = _Cut(
        np.empty((members, layout.PLACED_COLUMNS), np.int64),
        np.empty_like(strings),
        np.empty((members, layout.LEVEL_COLUMNS), np.int64),
        np.empty((members, layout.STAGE_COLUMNS), np.int64),
        np.empty((members, num_qubits), np.int64),
    )
    scratch = np.empty(kernels.scratch_size(num_qubits, _WINDOW, words), np.int64)
    count = kernels.schedule(strings, begins, lanes, bits, _WINDOW, _LOOK_AHEAD, LOOK_BACK, words, scratch, *cut)
    last = int(cut.stages[count - 1, layout.LAST_LEVEL]) if count else 0
    return cut._replace(levels=cut.levels[:last], stages=cut.stages[:count], bases=cut.bases[:count])


def _strings(members: Sequence[Rotation | Dense]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Masks of all strings, and where those of each member begin: a rotation has one, a matrix X and Z of qubits."""
    masks: list[int] = []
    begins = [0]
    for member in members:
        if isinstance(member, Rotation):
            masks += member[:2]
        else:
            for x in member.xs:
                masks += (x, 0)
            for z in member.zs:
                masks += (0, z)
        begins.append(len(masks) // 2)
    return integers(masks).reshape(-1, 2).copy(), integers(begins).copy()  # kernels take arrays that can be written


def _levels(members: Sequence[Rotation | Dense], cut: _Cut) -> list[Level]:
    """Levels of scheduled members, with the masks of their stages."""
    placed, masks = cut.placed, cut.masks
    numbers, strings, _, merged_with, negated = placed.T
    in_place = [members[number] for number in numbers.tolist()]
    angles = [member[2] if isinstance(member, Rotation) else _NO_ANGLE for member in in_place]
    for place in np.flatnonzero(negated).tolist():
        angles[place] = angles[place].scaled(-1.0)
    is_merged = merged_with >= 0
    for place, other in zip(np.flatnonzero(is_merged).tolist(), merged_with[is_merged].tolist(), strict=True):
        angles[other] = angles[other].plus(angles[place])
    scheduled: list[Any] = [*map(rotation_of, zip(*masks[strings].T.tolist(), angles, strict=True))]
    if len(masks) > len(members):
        xs, zs = masks.T.tolist()
        for place, (member, string) in enumerate(zip(in_place, strings.tolist(), strict=True)):
            if isinstance(member, Dense):
                middle, end = string + len(member.xs), string + 2 * len(member.xs)
                changed = tuple(xs[string:middle]), tuple(zs[middle:end])
                scheduled[place] = Dense(*changed, member.matrix, member.unitary)
    alone = np.flatnonzero(~is_merged)
    by_level = placed[alone, layout.LEVEL]
    order = alone[np.argsort(by_level, kind="stable")].tolist()
    ends = np.cumsum(np.bincount(by_level, minlength=len(cut.levels))).tolist()
    in_order, begin, levels = [scheduled[place] for place in order], 0, []
    for end, (ordered, kind) in zip(ends, cut.levels.tolist(), strict=True):
        levels.append(Level(_KINDS[kind], in_order[begin:end], bool(ordered)))
        begin = end
    return levels


def runs(stage: Stage, lanes: int) -> tuple[list[int], list[int]]:
    """Steps through a block in increasing order of the amplitudes' indices in the state.

    Returns
    -------
    sources, places : list of int
        Vector number j + 1 of a block follows vector j at an index that differs by ``sources[t]``, and at a place in
        the block that differs by ``places[t]``, where t is the number of trailing ones of j.
    """
    size = len(stage.basis)
    rows: dict[int, int] = {}  # highest bit of a stored index -> the index, the place in the block above; fully reduced
    for j in range(lanes, stage.block_bits):
        row = 1 << (j - lanes + size) | stage.basis[j]
        for pivot, other_row in rows.items():
            if row & pivot:
                row ^= other_row
        top = 1 << ((row & (1 << size) - 1).bit_length() - 1)
        for pivot, other_row in rows.items():
            if other_row & top:
                rows[pivot] = other_row ^ row
        rows[top] = row
    sources, places, total = [], [], 0
    for pivot in sorted(rows):
        total ^= rows[pivot]
        sources.append(total & (1 << size) - 1)
        places.append(total >> size)
    return sources, places
