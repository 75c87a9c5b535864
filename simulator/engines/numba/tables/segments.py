"""Division of a tile's passes into segments, groups and octets; see `kernels.segments` and `kernels.doubled`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from simulator.engines.numba.layout import passes
from simulator.engines.numba.tables.fused import OCTET, Octets, Pass, in_orders
from simulator.program.levels import Rotation
from simulator.program.subspaces import Subspace, pivots


@dataclass
class Segments:
    """The segments of passes over states of n qubits.

    Attributes
    ----------
    n, step : int
        Number of qubits, and of floats in an amplitude of a tile.
    most, bits : int
        Maximum number of passes of a segment, and of qubits of its blocks.
    in_groups : bool
        Whether no segment is part of two groups.
    rows : list of tuple of int
        Rows of the table, with the columns in `layout.sections`.
    octets : list of int
        Sums of the first members of the passes' cosets.
    doubled : tuple of int, or None
        The first pass of the doubled layer, and the observable's mask z in the order of its table.
    """

    n: int
    step: int = 0
    most: int = 1
    bits: int = 0
    in_groups: bool = False
    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    octets: list[int] = field(default_factory=list)
    doubled: tuple[int, int] | None = None

    def divide(
        self, fused: Sequence[Pass], count: int, strings: Sequence[tuple[int, int, int, float]], term_zs: list[int]
    ) -> None:
        """Divide ``count`` passes into segments, and the indices of ``fused`` ones into octets, block by block.

        ``strings`` are those of the observables. Masks z, those of phases in ``term_zs``, are changed to the orders of
        the layers' tables.
        """
        doubled, ends, group = _doubled(fused, count, strings), 0, 0

        def begins(each: Pass) -> bool:
            return each.begins and (self.in_groups or each is doubled)

        in_groups = self.in_groups
        for members, masks in _blocks(fused, self.most, self.bits, begins):
            first, last = members[0].number, members[-1].number + 1
            self._add_alone(ends, first)
            in_groups = in_groups or members[0] is doubled
            if ends < first or begins(members[0]) or not in_groups:
                group = len(self.rows)
            bits = max(len(pivots(masks)), OCTET) if len(members) > 1 else self.n
            self.rows.append((first, last, bits - OCTET, group))
            ends = last
            for each in members:
                octets = Octets.of(each.rotations, self.n, masks if len(members) > 1 else ())
                each.layer.order = each.layer.order or octets
                each.row[passes.COSETS] = len(self.octets)
                self.octets += octets.sums
                each.row[passes.FUSED_X : passes.FUSED_X + OCTET] = [self.step * x for x in octets.xs]
        self._add_alone(ends, count)
        if fused:
            self._order(fused, doubled, strings, term_zs)

    def _order(
        self,
        fused: Sequence[Pass],
        doubled: Pass | None,
        strings: Sequence[tuple[int, int, int, float]],
        term_zs: list[int],
    ) -> None:
        orders = [each.layer.order for each in fused if each.layer.order]
        masks = [(*each.masks, strings[0][1]) if each is doubled else each.masks for each in fused]
        for each, zs in zip(fused, in_orders(masks, orders), strict=True):
            if each is doubled:
                self.doubled = each.number, zs.pop()
            first, last = each.row[passes.FIRST_TERM], each.row[passes.LAST_TERM]
            if first < last:
                term_zs[first:last] = zs[: last - first]
                zs = zs[last - first :]
            each.row[passes.FUSED_Z : passes.FUSED_Z + len(zs)] = zs

    def _add_alone(self, begin: int, end: int) -> None:
        """Add segments of one pass each, that is not fused."""
        number = len(self.rows) - begin
        self.rows += [(r, r + 1, 0, number + r) for r in range(begin, end)]


def _doubled(fused: Sequence[Pass], count: int, strings: Sequence[tuple[int, int, int, float]]) -> Pass | None:
    """Return the first pass of the layer that may be doubled, see `kernels.doubled`, if there is one.

    It is the last group, with the last of ``count`` passes and angles that all samples share. None of its strings
    commutes with the one string of Zs that all observables consist of.
    """
    if not fused or fused[-1].number != count - 1 or len(strings) != 1 or strings[0][0]:
        return None
    for each in reversed(fused):
        if _is_local(each) or any(not (x & strings[0][1]).bit_count() & 1 for x, _, _ in each.rotations):
            return None
        if each.begins:
            return each if each.row[passes.OFFSET] >= 0 else None
    return None


def _blocks(
    fused: Sequence[Pass], most: int, bits: int, begins: Callable[[Pass], bool]
) -> Iterator[tuple[list[Pass], list[int]]]:
    """Split into at most ``most`` consecutive passes, whose masks x span up to ``bits`` dimensions, and these masks.

    Where a pass ``begins`` a group that is taken as such, a segment begins.
    """
    members: list[Pass] = []
    masks: list[int] = []
    for each in fused:
        if members and len(members) < most and each.number == members[-1].number + 1 and not begins(each):
            xs = masks + [x for x, _, _ in each.rotations]
            if not _is_local(each) and not _is_local(members[0]) and len(pivots(xs)) <= bits:
                members.append(each)
                masks = xs
                continue
        if members:
            yield members, masks
        members, masks = [each], [x for x, _, _ in each.rotations]
    if members:
        yield members, masks


def in_blocks(rotations: Sequence[Rotation], before: Sequence[Rotation], bits: int) -> list[list[Rotation]]:
    """Divide commuting rotations into parts whose masks x span up to ``bits`` dimensions, in the order to apply them.

    The first part is one that blocks of the part ``before`` have room for, if there is any: it is applied to them
    while they lie in a cache. So the qubits of a circuit's layers take turns, up and down.
    """
    parts: list[list[Rotation]] = []
    waiting, span = list(rotations), Subspace(each.x for each in before)
    while waiting:
        part, others = [], []
        for each in sorted(waiting, key=lambda each: span.reduced(each.x) > 0):  # those that need no room come first
            if len(span.vectors) < bits or not span.reduced(each.x):
                span.add(each.x)
                part.append(each)
            else:
                others.append(each)
        if part:
            parts.append(part)
        waiting, span = others, Subspace([])
    return parts


def _is_local(each: Pass) -> int:
    return each.row[passes.FUSED_LOCAL]
