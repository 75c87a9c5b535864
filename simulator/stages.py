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

import functools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulator.lowering import Dense, Level, Rotation, place, places_of

_LOOK_AHEAD = 192  # strings left for a later stage before the search for more to do in this one ends
_RUN_BITS = 1  # qubits beside the lanes that are always in a block, so that its copies are runs of whole lines
_FEWEST_BLOCKS = 3  # bits: at least so many blocks that all threads have some
LEAST_BITS = 10  # qubits of a block: as many as phases are made for at a time
_SUB_BYTES = 1 << 14  # of a part of a block that fits in the first-level cache
_CACHE_BYTES = 1 << 20  # of the second-level cache, where the system does not tell


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


@functools.cache
def cache_bytes() -> int:
    """Size of a core's second-level cache."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index2/size").read_text().strip()
        return int(text[:-1]) << {"K": 10, "M": 20}[text[-1]]
    except (OSError, ValueError, KeyError):
        return _CACHE_BYTES


def block_bits(num_qubits: int, states: int, amplitude_bytes: int) -> int:
    """Qubits of a block, of which ``states`` fit in half of a core's second-level cache.

    It depends on the machine's processors, not on how many threads are used: results do not either.
    """
    room = cache_bytes() // (2 * states * amplitude_bytes)
    shared = max(_FEWEST_BLOCKS, (2 * (os.cpu_count() or 1) - 1).bit_length())
    return max(min(room.bit_length() - 1, num_qubits - shared), LEAST_BITS)


def part_bits(amplitude_bytes: int) -> int:
    """Qubits of a part of a block: consecutive passes that move amplitudes within parts are done part by part."""
    return max((_SUB_BYTES // amplitude_bytes).bit_length() - 1, LEAST_BITS)


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
    pending = [_Item.of(member) for level in levels for member in level.members]
    stages = []
    while pending:
        taken, span, pending = _fill(pending, num_qubits, lanes, bits)
        basis = [*range_bits(0, lanes), *span.vectors]
        stage = Stage([*basis, *span.complement(num_qubits)], len(basis))
        change = _Change(stage.basis)
        for item in taken:
            member = change(item.member)
            if isinstance(member, Rotation):
                place(stage.levels, member)
            else:
                stage.levels.append(Level("dense"))
                stage.levels[-1].append(member)
        stages.append(stage)
    return stages


def range_bits(first: int, last: int) -> list[int]:
    """The masks of single bits."""
    return [1 << q for q in range(first, last)]


@dataclass(slots=True)
class _Item:
    """A rotation or dense matrix with the strings that it must commute with to be exchanged, as places of X and Z."""

    member: Rotation | Dense
    strings: tuple[tuple[list[int], list[int]], ...]
    xs: tuple[int, ...]

    @classmethod
    def of(cls, member: Rotation | Dense) -> _Item:
        if isinstance(member, Rotation):
            x, z = member.x, member.z
            return cls(member, ((places_of(x), places_of(z)),), (x,) if x else ())
        strings = (*((places_of(x), []) for x in member.xs), *(([], places_of(z)) for z in member.zs))
        return cls(member, strings, member.xs)


class _Span:
    """A subspace, modulo the lanes' bits, with the vectors that were added to it."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.vectors: list[int] = []
        self.echelon: dict[int, int] = {}  # highest bit -> vector

    def reduced(self, vector: int) -> int:
        """What is left of a vector modulo the subspace; 0 for a member."""
        vector = vector >> self.lanes << self.lanes
        while vector:
            top = 1 << (vector.bit_length() - 1)
            found = self.echelon.get(top)
            if found is None:
                # a lower pivot may still be there, but the top bit alone shows that the vector is new
                return vector
            vector ^= found
        return 0

    def new(self, vectors: Iterable[int]) -> list[tuple[int, int]]:
        """The vectors that would have to be added, each with what is left of it; the span stays as it is."""
        out: list[tuple[int, int]] = []
        echelon = self.echelon
        for vector in vectors:
            rest = self.reduced(vector)
            if rest:
                if not out:
                    self.echelon = dict(echelon)
                self.echelon[1 << (rest.bit_length() - 1)] = rest
                out.append((vector, rest))
        self.echelon = echelon
        return out

    def add(self, vectors: Iterable[tuple[int, int]]) -> None:
        """Add what `new` returned."""
        for vector, rest in vectors:
            self.vectors.append(vector)
            self.echelon[1 << (rest.bit_length() - 1)] = rest

    def complement(self, num_qubits: int) -> list[int]:
        """Single bits that complete the subspace and the lanes' bits."""
        return [1 << q for q in range(self.lanes, num_qubits) if 1 << q not in self.echelon]


class _Skipped:
    """The strings of items left for later, as columns of bit matrices.

    Whether a string commutes with all of them is then a few exclusive ors of long integers.
    """

    def __init__(self, num_qubits: int) -> None:
        self.x, self.z = [0] * num_qubits, [0] * num_qubits
        self.owners: list[int] = []  # of each column, the item's number
        self.active = 0
        self.ready = 0  # columns that are diagonal rotations which could be taken at any time

    def add(self, item: _Item, number: int, ready: bool) -> None:
        for x, z in item.strings:
            bit = 1 << len(self.owners)
            self.owners.append(number)
            for q in x:
                self.x[q] |= bit
            for q in z:
                self.z[q] |= bit
            self.active |= bit
            if ready:
                self.ready |= bit

    def against(self, item: _Item) -> int:
        """The columns that do not commute with the item."""
        out = 0
        for x, z in item.strings:
            crossing = 0
            for q in z:
                crossing ^= self.x[q]
            for q in x:
                crossing ^= self.z[q]
            out |= crossing
        return out & self.active


def _fill(pending: Sequence[_Item], num_qubits: int, lanes: int, bits: int) -> tuple[list[_Item], _Span, list[_Item]]:
    """What one stage can take of the pending items, in order; its subspace; what is left.

    Diagonal rotations are taken only when something that needs them first is taken: the later, the more of them
    become one pass.
    """
    span = _Span(lanes)
    span.add(span.new(range_bits(lanes, min(lanes + _RUN_BITS, num_qubits))))
    skipped = _Skipped(num_qubits)
    order: list[int] = []
    blocked = 0
    for number, item in enumerate(pending):
        against = skipped.against(item)
        if not item.xs:
            skipped.add(item, number, ready=not against & ~skipped.ready)
            continue
        if not against & ~skipped.ready:
            new = span.new(item.xs)
            if not new or len(span.vectors) + len(new) + lanes <= bits or not order:
                span.add(new)
                skipped.active &= ~against
                skipped.ready &= ~against
                order += sorted(skipped.owners[c] for c in places_of(against))
                order.append(number)
                continue
        skipped.add(item, number, ready=False)
        blocked += 1
        if blocked > _LOOK_AHEAD:
            break
    else:
        if skipped.active == skipped.ready:  # only phases are left: they come too
            order += sorted(skipped.owners[c] for c in places_of(skipped.active))
    for q in range(lanes, num_qubits):  # what room is left makes the runs of memory longer
        if len(span.vectors) + lanes >= bits:
            break
        span.add(span.new([1 << q]))
    chosen = set(order)
    left = [item for number, item in enumerate(pending) if number not in chosen]
    return [pending[number] for number in order], span, left


class _Change:
    """Rewrites members from the stored basis to a stage's."""

    def __init__(self, basis: Sequence[int]) -> None:
        self.basis = basis
        self._inverse = _inverse(basis)
        self._x: dict[int, int] = {}
        self._z: dict[int, int] = {}
        self._rows = [sum((vector >> q & 1) << j for j, vector in enumerate(basis)) for q in range(len(basis))]

    def x(self, mask: int) -> int:
        """The coordinates of an X mask."""
        out = self._x.get(mask)
        if out is None:
            out = 0
            for q in places_of(mask):
                out ^= self._inverse[q]
            self._x[mask] = out
        return out

    def z(self, mask: int) -> int:
        """The Z mask with the same signs."""
        out = self._z.get(mask)
        if out is None:
            out = 0
            for q in places_of(mask):
                out ^= self._rows[q]
            self._z[mask] = out
        return out

    def __call__(self, member: Rotation | Dense) -> Rotation | Dense:
        if isinstance(member, Dense):
            return Dense(tuple(map(self.x, member.xs)), tuple(map(self.z, member.zs)), member.matrix)
        x, z = self.x(member.x), self.z(member.z)
        turns = (member.x & member.z).bit_count() - (x & z).bit_count()
        return Rotation(x, z, member.angle.scaled(-1.0) if turns & 2 else member.angle.scaled(1.0))


def runs(stage: Stage, lanes: int) -> tuple[list[int], list[int]]:
    """How to go through a block in increasing order of its amplitudes' places in the state.

    Returns
    -------
    sources, places : list of int
        Vector number j + 1 of a block follows vector j at an index that differs by ``sources[t]``, and at a place in
        the block that differs by ``places[t]``, where t is the number of trailing ones of j.
    """
    rows: dict[int, tuple[int, int]] = {}  # highest bit -> (stored index, place in the block), fully reduced
    for j in range(lanes, stage.block_bits):
        vector, place_ = stage.basis[j], 1 << (j - lanes)
        for pivot, (other, at) in rows.items():
            if vector & pivot:
                vector, place_ = vector ^ other, place_ ^ at
        top = 1 << (vector.bit_length() - 1)
        rows = {
            pivot: (other ^ vector, at ^ place_) if other & top else (other, at) for pivot, (other, at) in rows.items()
        }
        rows[top] = vector, place_
    sources, places, source, at = [], [], 0, 0
    for pivot in sorted(rows):
        source, at = source ^ rows[pivot][0], at ^ rows[pivot][1]
        sources.append(source)
        places.append(at)
    return sources, places


def _inverse(basis: Sequence[int]) -> list[int]:
    """For each bit of an index, its coordinates in the basis."""
    rows = [(vector, 1 << j) for j, vector in enumerate(basis)]
    for q in range(len(basis)):
        pivot = next(r for r in range(q, len(rows)) if rows[r][0] >> q & 1)
        rows[q], rows[pivot] = rows[pivot], rows[q]
        vector, own = rows[q]
        rows = [(v ^ vector, o ^ own) if r != q and v >> q & 1 else (v, o) for r, (v, o) in enumerate(rows)]
    return [own for _, own in rows]
