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
from itertools import islice

import numpy as np

from simulator.pauli import places_of
from simulator.program.levels import Dense, Level, Rotation, place
from simulator.program.subspaces import Span, crossings, in_basis, signs_in_basis

_LOOK_AHEAD = 192  # maximum number of postponed members before the search for more members of a stage ends
_CHECKED = 8  # interval, in postponed members, between checks whether any later member can still commute
_WINDOW = 2048  # number of members considered for a stage; their commutation relations are computed together
_RUN_BITS = 1  # qubits beside the lanes that are always in a block, so that it is copied in whole cache lines


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


def schedule(levels: Iterable[Level], num_qubits: int, lanes: int, bits: int) -> list[Stage]:
    """Cut levels into stages with blocks of at most ``bits`` qubits, reordering members that commute.

    Parameters
    ----------
    levels : iterable of Level
    num_qubits : int
    lanes : int
        Number of qubits that index the lanes of a vector; they are in every block.
    bits : int
        Maximum block size in qubits, at least ``lanes``; a dense matrix that needs more gets a larger block.
    """
    remaining = [member for level in levels for member in level.members]
    items: list[_Item] = []
    stages = []
    while items or remaining:
        if remaining and len(items) < _WINDOW // 2:
            more = _WINDOW - len(items)
            items = _items([*(item.member for item in items), *remaining[:more]], num_qubits)
            remaining = remaining[more:]
        selected, span, items = _fill(items, num_qubits, lanes, bits, last=not remaining)
        basis = [*range_bits(0, lanes), *span.vectors]
        stage = Stage([*basis, *span.complement(num_qubits)], len(basis))
        for item, member in zip(selected, _changed([item.member for item in selected], stage.basis), strict=True):
            if isinstance(member, Rotation):
                place(stage.levels, member, item.strings, item.crossing)
            else:
                stage.levels.append(Level("dense", [member], strings=item.strings))
        stages.append(stage)
    return stages


def range_bits(first: int, last: int) -> list[int]:
    """Masks of the single bits from ``first`` to ``last - 1``."""
    return [1 << q for q in range(first, last)]


@dataclass(slots=True)
class _Item:
    """A rotation or dense matrix, with the numbers of its Pauli strings.

    Attributes
    ----------
    member : Rotation or Dense
    end : int
        One past the highest number of its strings.
    strings : int
        Bit set of the numbers of its strings, with which an item must commute to be exchanged with it.
    crossing : int
        Bit set of all items' strings that do not commute with at least one string of this item.
    xs : tuple of int
        X masks by which it moves amplitudes; empty for a diagonal rotation.
    """

    member: Rotation | Dense
    end: int
    strings: int
    crossing: int
    xs: tuple[int, ...]


def _items(members: Sequence[Rotation | Dense], num_qubits: int) -> list[_Item]:
    """Number the strings of members: one for a rotation, X and Z of each qubit for a dense matrix."""
    xs: list[int] = []
    zs: list[int] = []
    begins = []
    for member in members:
        begins.append(len(xs))
        if isinstance(member, Rotation):
            xs.append(member.x)
            zs.append(member.z)
        else:
            none = [0] * len(member.xs)
            xs += [*member.xs, *none]
            zs += [*none, *member.zs]
    rows = np.bitwise_or.reduceat(crossings(xs, zs, num_qubits), begins, axis=0)
    packed, size = rows.tobytes(), rows.itemsize * rows.shape[1]
    items = []
    for k, (member, begin, end) in enumerate(zip(members, begins, [*begins[1:], len(xs)], strict=True)):
        moves = member.xs if isinstance(member, Dense) else (member.x,) if member.x else ()
        crossing = int.from_bytes(packed[k * size : (k + 1) * size], "little")
        items.append(_Item(member, end, (1 << end) - (1 << begin), crossing, moves))
    return items


def _fill(
    items: Sequence[_Item], num_qubits: int, lanes: int, bits: int, last: bool
) -> tuple[list[_Item], Span, list[_Item]]:
    """Select items for one stage: the items in order, their subspace, and the remaining items.

    Diagonal rotations are postponed until a selected item requires them first, so that more of them share one pass.
    Those that no item requires are selected last, or when nothing else can be selected.
    """
    span = Span(lanes)
    span.add(span.new(range_bits(lanes, min(lanes + _RUN_BITS, num_qubits))))
    selected: list[_Item] = []
    crossed = blocked = 0  # strings that postponed items do not commute with; number of them that move amplitudes
    ready: dict[int, _Item] = {}  # diagonal rotations that may be selected at any time, by string number
    ready_strings, everything = 0, (1 << items[-1].end) - 1
    for item in items:
        if not item.strings & crossed:
            if not item.xs:
                ready[item.end - 1] = item
                ready_strings |= item.strings
                continue
            new = span.new(item.xs)
            if not new or len(span.vectors) + len(new) + lanes <= bits or not selected:
                span.add(new)
                needed = item.crossing & ready_strings
                ready_strings ^= needed
                selected += [ready.pop(number) for number in places_of(needed)]
                selected.append(item)
                continue
        crossed |= item.crossing
        if item.xs:
            blocked += 1
            if blocked > _LOOK_AHEAD or (blocked % _CHECKED == 0 and crossed >> item.end == everything >> item.end):
                break
    else:
        if not blocked and (last or not selected):
            selected += ready.values()
    for q in range(lanes, num_qubits):  # unused qubits of a block make its contiguous runs longer
        if len(span.vectors) + lanes >= bits:
            break
        span.add(span.new([1 << q]))
    selected_ends = {item.end for item in selected}
    return selected, span, [item for item in items if item.end not in selected_ends]


def _changed(members: Sequence[Rotation | Dense], basis: Sequence[int]) -> list[Rotation | Dense]:
    """Rewrite members from the stored basis to a stage's basis."""
    xs: list[int] = []
    zs: list[int] = []
    for member in members:
        if isinstance(member, Rotation):
            xs.append(member.x)
            zs.append(member.z)
        else:
            xs += member.xs
            zs += member.zs
    new_xs, new_zs = iter(in_basis(xs, basis)), iter(signs_in_basis(zs, basis))
    out: list[Rotation | Dense] = []
    for member in members:
        if isinstance(member, Rotation):
            x, z = next(new_xs), next(new_zs)
            ys = (member.x & member.z).bit_count() - (x & z).bit_count()
            out.append(Rotation(x, z, member.angle.scaled(-1.0) if ys & 2 else member.angle))
        else:
            k = len(member.xs)
            out.append(Dense(tuple(islice(new_xs, k)), tuple(islice(new_zs, k)), member.matrix, member.unitary))
    return out


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
