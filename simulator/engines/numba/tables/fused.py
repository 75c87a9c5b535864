"""Layers of rotations that share their passes with the phases before them; see `kernels.fused`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from simulator.engines.numba.layout import passes
from simulator.program.levels import Angle, Level, Rotation
from simulator.program.subspaces import Subspace, remainder

OCTET = passes.OCTET_BITS
# Maximum number of rotations of a run, in double and in single precision. A cosine may be as small as the rounding of
# pi / 2, and its tangent as large as the inverse; neither may the product of all leave the range of numbers.
_RUN = 16, 4


@dataclass(frozen=True)
class Octets:
    """How a pass takes the indices of n bits: in cosets of the span of three masks x.

    Attributes
    ----------
    xs : tuple of int
        The masks of the pass's rotations; with two, a third that no rotation has.
    firsts : tuple of int
        Basis of the cosets' first members.
    sums : tuple of int
        All sums of the lower half of ``firsts``, then all of its upper half.
    """

    xs: tuple[int, ...]
    firsts: tuple[int, ...]
    sums: tuple[int, ...]

    @classmethod
    def of(cls, rotations: Sequence[Rotation], n: int, together: Sequence[int] = ()) -> Octets:
        """Divide the indices such that each coset's first member has an even parity with each mask z.

        With masks x of passes that are applied ``together``, the cosets of their span follow one another, in the same
        order for all of these passes.
        """
        xs, zs, _ = zip(*rotations, strict=True)
        return _octets(xs, zs, n, tuple(together))


@lru_cache(maxsize=1024)
def _octets(xs: tuple[int, ...], zs: tuple[int, ...], n: int, together: tuple[int, ...]) -> Octets:
    span, inner = Subspace(xs), []
    for x in together:
        if span.reduced(x):
            span.add(x)
            inner.append(x)
    basis = []
    for vector in (*inner, *(1 << q for q in range(n) if 1 << q not in span.vectors)):
        first = vector
        for x, z in zip(xs, zs, strict=True):
            if (z & vector).bit_count() & 1:
                first ^= x
        basis.append(first)
    others = OCTET - len(xs)
    begin = 0 if len(inner) >= others else len(basis) - others
    more = basis[begin : begin + others]
    firsts = (*basis[:begin], *basis[begin + others :])
    half = len(firsts) // 2
    return Octets((*xs, *more), firsts, (*_sums(firsts[:half]), *_sums(firsts[half:])))


@dataclass
class Layer:
    """Consecutive passes with one table of phases: the masks x of the rotations so far, and the order of the table."""

    xs: list[int] = field(default_factory=list)
    order: Octets | None = None

    def takes(self, rotations: Iterable[Rotation]) -> bool:
        """Whether signs that flips of these rotations leave may be applied before the layer's rotations."""
        for _, z, _ in rotations:
            for x in self.xs:
                if (z & x).bit_count() & 1:
                    return False
        return True


class Pass(NamedTuple):
    """A fused pass: its number, its rotations, the masks z that its row and terms need, its layer, its row.

    ``begins`` says whether it begins a group: consecutive passes that commute, of which only the first has phases.
    """

    number: int
    rotations: Sequence[Rotation]
    masks: Sequence[int]
    layer: Layer
    row: list[int]
    begins: bool


def continue_run(fused: Sequence[Pass], row: list[int], single: bool) -> None:
    """Count a pass with angles that differ to the run of the last one of ``fused``, if that is one and not too long."""
    so_far = fused[-1].row[passes.FUSED_LOCAL]
    run = [each.row for each in fused[len(fused) - so_far :]]
    rotations = sum(each[passes.FUSED_COUNT] for each in (*run, row))
    if run and rotations <= _RUN[single]:
        row[passes.FUSED_LOCAL] = so_far + 1
        for each in run:
            each[passes.RUN_LEFT] += 1


def in_orders(masks: Sequence[Sequence[int]], orders: Sequence[Octets]) -> list[list[int]]:
    """Masks z of strings whose index is the number of an amplitude in an order of octets, for many orders."""
    vectors = np.array([(*order.xs, *order.firsts) for order in orders], np.int64)
    counts = [len(zs) for zs in masks]
    flat = np.array(list(chain.from_iterable(masks)), np.int64)
    odd = np.bitwise_count(flat[:, None] & np.repeat(vectors, counts, axis=0)).astype(np.int64) & 1
    numbers = iter((odd << np.arange(vectors.shape[1])).sum(axis=1).tolist())
    return [list(islice(numbers, count)) for count in counts]


def group(
    waiting: Sequence[Rotation], is_local: Callable[[Angle], bool], most: int = OCTET
) -> tuple[list[Rotation], list[Rotation]]:
    """Split into rotations that may come next and that one pass applies, two or three, or none; and the remaining."""
    members: list[Rotation] = []
    remaining: list[Rotation] = []
    local = False
    for k, candidate in enumerate(waiting):
        x, z, angle = candidate
        if (
            (x & z).bit_count() & 1
            and (not members or is_local(angle) == local)
            and all_apart(candidate, members)
            and (not remaining or commutes_with_all(candidate, remaining))
        ):
            if not members:
                local = is_local(angle)
            members.append(candidate)
            if len(members) == most:
                remaining += waiting[k + 1 :]
                break
        else:
            remaining.append(candidate)
    return (members, remaining) if len(members) > 1 else ([], list(waiting))


def like_y(levels: Sequence[Level], n: int) -> list[Level]:
    """Give commuting rotations an odd number of Ys by quarter turns before and after them.

    With z' orthogonal to the masks x of the other rotations and not to its own, ``D^-1 P D`` has one more Y than P for
    ``D = exp(-i pi/4 Z^z')``, and ``exp(-i a/2 P) = D exp(-i a/2 D^-1 P D) D^-1``. The quarter turns join neighbouring
    levels of phases.
    """
    out: list[Level] = []
    for level in levels:
        if level.kind == "phases":
            _add_phases(out, level.members)
        elif level.kind == "dense":
            out.append(level)
        else:
            for members in _independent(level):
                changed, quarters = _changed(members, n) if len(members) > 1 else (members, [])
                _add_phases(out, [Rotation(0, z, Angle(-math.pi / 2)) for z in quarters])
                out.append(Level("rotations", changed))
                _add_phases(out, [Rotation(0, z, Angle(math.pi / 2)) for z in quarters])
    return [level for level in out if level.members]


def _add_phases(levels: list[Level], members: Sequence[Rotation]) -> None:
    """Add diagonal rotations to a last level of phases, or as a new level; angles about equal strings are added."""
    if not members:
        return
    known = {}
    if levels and levels[-1].kind == "phases":
        known = {member[1]: member for member in levels.pop().members}
    for member in members:
        _, z, angle = member
        if z in known:
            member = Rotation(0, z, known[z].angle.plus(angle))
        known[z] = member
    levels.append(Level("phases", [each for each in known.values() if each[2][0] or each[2][1]]))


def _independent(level: Level) -> list[list[Rotation]]:
    """Split a level's rotations, in order, into runs that commute and whose masks x are independent."""
    out: list[list[Rotation]] = []
    echelon: dict[int, int] = {}
    for member in level.members:
        x = member[0]
        residue = remainder(echelon, x)
        if not out or not residue or (level.ordered and not commutes_with_all(member, out[-1])):
            out.append([])
            echelon, residue = {}, x
        echelon[residue.bit_length()] = residue
        out[-1].append(member)
    return out


def _changed(members: Sequence[Rotation], n: int) -> tuple[list[Rotation], list[int]]:
    """Rotations with an odd number of Ys, and the masks z' of the quarter turns around them."""
    out: list[Rotation] = []
    quarters: list[int] = []
    for k, member in enumerate(members):
        x, z, angle = member
        if (x & z).bit_count() % 2 == 0:
            quarter = _dual([each.x for each in members], k, n)
            turns = (x & z).bit_count() - 1 - (x & (z ^ quarter)).bit_count()
            member = Rotation(x, z ^ quarter, angle.scaled(-1.0 if turns % 4 else 1.0))
            quarters.append(quarter)
        out.append(member)
    return out, quarters


def _dual(masks: Sequence[int], k: int, n: int) -> int:
    """Mask that has an odd parity with mask k and even ones with the others, which are independent of it."""
    rows = [mask | (1 << n if j == k else 0) for j, mask in enumerate(masks)]  # the right-hand side is bit n
    pivots: list[tuple[int, int]] = []
    for j in range(len(rows)):
        low = rows[j] & ((1 << n) - 1)
        pivot = low & -low
        rows = [row ^ rows[j] if i != j and row & pivot else row for i, row in enumerate(rows)]
        pivots.append((j, pivot))
    return sum(pivot for j, pivot in pivots if rows[j] >> n)


def all_apart(rotation: Rotation, others: Sequence[Rotation]) -> bool:
    """Whether a string relates to each other one like Paulis of different qubits."""
    x, z, _ = rotation
    odd = 0
    for other_x, other_z, _ in others:
        odd |= (x & other_z).bit_count() | (z & other_x).bit_count()
    return not odd & 1


def commutes_with_all(rotation: Rotation, others: Sequence[Rotation]) -> bool:
    """Whether a string commutes with each other one."""
    x, z, _ = rotation
    odd = 0
    for other_x, other_z, _ in others:
        odd |= (x & other_z).bit_count() ^ (z & other_x).bit_count()
    return not odd & 1


def _sums(vectors: Sequence[int]) -> list[int]:
    out = [0]
    for vector in vectors:
        out += [vector ^ other for other in out]
    return out
