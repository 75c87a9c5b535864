"""Stages: how a big state passes through memory once for many passes over it.

A stage is a run of rotations, phases and dense matrices whose X masks all lie in one subspace V of GF(2)^n. Then the
cosets of V do not mix: a thread copies one coset's amplitudes into a block that fits in its second-level cache,
applies the whole stage there and copies them back. Z masks need not lie anywhere: they are signs, which a coset's
place decides.

Each stage has a basis of GF(2)^n of its own: first the lanes' bits, then vectors that span V, then the rest. In it a
mask is short (most X masks are one bit), a block is contiguous, and the block's number is the index's high part: so the
passes run on a block as they would run on that piece of a whole state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from simulator.pauli import places_of
from simulator.program.levels import Dense, Level, Rotation, place
from simulator.program.subspaces import Span, crossings, in_basis, signs_in_basis

_LOOK_AHEAD = 192  # members left for a later stage before the search for more to do in this one ends
_CHECKED = 8  # so often it is found whether anything is left that commutes with these
_WINDOW = 2048  # members among which a stage is filled: what does not commute is found for all of them at once
_RUN_BITS = 1  # qubits beside the lanes that are always in a block, so that its copies are runs of whole lines


@dataclass
class Stage:
    """Consecutive levels that run block by block, their masks in the basis of the stage.

    Attributes
    ----------
    basis : list of int
        Bit j of an index in the stage's basis stands for the stored index ``basis[j]``; the first are the lanes' bits.
    block_bits : int
        The first so many span V: the qubits of a block.
    levels : list of Level
    """

    basis: list[int]
    block_bits: int
    levels: list[Level] = field(default_factory=list)


def schedule(levels: Iterable[Level], num_qubits: int, lanes: int, bits: int) -> list[Stage]:
    """Cut levels into stages of at most ``bits`` qubits a block, reordering what commutes.

    Parameters
    ----------
    levels : iterable of Level
    num_qubits : int
    lanes : int
        Qubits that are a vector's lanes: always in a block.
    bits : int
        At least ``lanes`` and what the widest dense matrix needs; a dense matrix that needs more gets a larger block.
    """
    rest = [member for level in levels for member in level.members]
    items: list[_Item] = []
    stages = []
    while items or rest:
        if rest and len(items) < _WINDOW // 2:
            more = _WINDOW - len(items)
            items = _items([*(item.member for item in items), *rest[:more]], num_qubits)
            rest = rest[more:]
        taken, span, items = _fill(items, num_qubits, lanes, bits, last=not rest)
        basis = [*range_bits(0, lanes), *span.vectors]
        stage = Stage([*basis, *span.complement(num_qubits)], len(basis))
        for item, member in zip(taken, _changed([item.member for item in taken], stage.basis), strict=True):
            if isinstance(member, Rotation):
                place(stage.levels, member, item.strings, item.crossing)
            else:
                stage.levels.append(Level("dense", [member], strings=item.strings))
        stages.append(stage)
    return stages


def range_bits(first: int, last: int) -> list[int]:
    """The masks of single bits."""
    return [1 << q for q in range(first, last)]


@dataclass(slots=True)
class _Item:
    """A rotation or dense matrix.

    Attributes
    ----------
    member : Rotation or Dense
    end : int
        Its strings are numbered up to this.
    strings : int
        The numbers, as bits, of the strings that what is exchanged with it has to commute with.
    crossing : int
        Those of all items' strings that do not commute with one of its own.
    xs : tuple of int
        The ways that it moves amplitudes; empty for a diagonal rotation.
    """

    member: Rotation | Dense
    end: int
    strings: int
    crossing: int
    xs: tuple[int, ...]


def _items(members: Sequence[Rotation | Dense], num_qubits: int) -> list[_Item]:
    """Number the strings of some members: one of a rotation, the X and Z of each qubit of a dense matrix."""
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
    """What one stage can take of some items, in order; its subspace; what is left.

    Diagonal rotations are taken only when something that needs them first is taken: the later, the more of them
    become one pass. Those that nothing needs come at the end, or if there is nothing else.
    """
    span = Span(lanes)
    span.add(span.new(range_bits(lanes, min(lanes + _RUN_BITS, num_qubits))))
    taken: list[_Item] = []
    held = blocked = 0  # left for a later stage: what does not commute with that, and how many move amplitudes
    ready: dict[int, _Item] = {}  # diagonal rotations that could be taken at any time, by their strings' numbers
    ready_strings, everything = 0, (1 << items[-1].end) - 1
    for item in items:
        if not item.strings & held:
            if not item.xs:
                ready[item.end - 1] = item
                ready_strings |= item.strings
                continue
            new = span.new(item.xs)
            if not new or len(span.vectors) + len(new) + lanes <= bits or not taken:
                span.add(new)
                needed = item.crossing & ready_strings
                ready_strings ^= needed
                taken += [ready.pop(number) for number in places_of(needed)]
                taken.append(item)
                continue
        held |= item.crossing
        if item.xs:
            blocked += 1
            if blocked > _LOOK_AHEAD or (blocked % _CHECKED == 0 and held >> item.end == everything >> item.end):
                break
    else:
        if not blocked and (last or not taken):
            taken += ready.values()
    for q in range(lanes, num_qubits):  # what room is left makes the runs of memory longer
        if len(span.vectors) + lanes >= bits:
            break
        span.add(span.new([1 << q]))
    gone = {item.end for item in taken}
    return taken, span, [item for item in items if item.end not in gone]


def _changed(members: Sequence[Rotation | Dense], basis: Sequence[int]) -> list[Rotation | Dense]:
    """Members in the stored basis, rewritten to a stage's."""
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
            turns = (member.x & member.z).bit_count() - (x & z).bit_count()
            out.append(Rotation(x, z, member.angle.scaled(-1.0) if turns & 2 else member.angle))
        else:
            k = len(member.xs)
            out.append(Dense(tuple(islice(new_xs, k)), tuple(islice(new_zs, k)), member.matrix, member.unitary))
    return out


def runs(stage: Stage, lanes: int) -> tuple[list[int], list[int]]:
    """How to go through a block in increasing order of its amplitudes' places in the state.

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
        for pivot, other in rows.items():
            if row & pivot:
                row ^= other
        top = 1 << ((row & (1 << size) - 1).bit_length() - 1)
        for pivot, other in rows.items():
            if other & top:
                rows[pivot] = other ^ row
        rows[top] = row
    sources, places, total = [], [], 0
    for pivot in sorted(rows):
        total ^= rows[pivot]
        sources.append(total & (1 << size) - 1)
        places.append(total >> size)
    return sources, places
