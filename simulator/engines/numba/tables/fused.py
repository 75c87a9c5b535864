"""Layers of rotations that share their passes with the phases before them; see `kernels.fused`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from simulator.engines.numba.layout import passes
from simulator.program.levels import Angle, Rotation
from simulator.program.subspaces import remainder

OCTET = passes.OCTET_BITS


@dataclass
class Octets:
    """How a pass takes the indices of n bits: in cosets of the span of three masks x.

    Attributes
    ----------
    xs : list of int
        The masks of the pass's rotations; with two, a third that no rotation has.
    firsts : list of int
        Basis of the cosets' first members.
    """

    xs: list[int]
    firsts: list[int]

    @classmethod
    def of(cls, rotations: Sequence[Rotation], n: int) -> Octets:
        """Divide the indices such that each coset's first member has an even parity with each mask z."""
        echelon: dict[int, int] = {}
        basis = []
        for q in range(n):
            vector = 1 << q
            for rotation in rotations:
                if rotation.z >> q & 1:
                    vector ^= rotation.x
            residue = remainder(echelon, vector)
            if residue:
                echelon[residue.bit_length()] = residue
                basis.append(vector)
        xs = [rotation.x for rotation in rotations]
        spare = OCTET - len(xs)
        return cls(xs + basis[len(basis) - spare :], basis[: len(basis) - spare])

    def in_order(self, z: int) -> int:
        """Mask z of a string whose index is the number of an amplitude in the order of the octets."""
        vectors = (*self.xs, *self.firsts)
        return sum(((z & vector).bit_count() & 1) << k for k, vector in enumerate(vectors))

    def sums(self) -> list[int]:
        """All sums of the lower half of the basis of first members, then all of its upper half."""
        half = len(self.firsts) // 2
        return _sums(self.firsts[:half]) + _sums(self.firsts[half:])


@dataclass
class Layer:
    """Consecutive passes with one table of phases: the order of the table, and the masks x of the rotations so far."""

    order: Octets
    xs: list[int] = field(default_factory=list)

    def takes(self, rotations: Iterable[Rotation]) -> bool:
        """Whether signs that flips of these rotations leave may be applied before the layer's rotations."""
        return not any((rotation.z & x).bit_count() & 1 for rotation in rotations for x in self.xs)


def group(
    waiting: Sequence[Rotation], may_fuse: Callable[[Rotation], bool], is_local: Callable[[Angle], bool]
) -> list[Rotation]:
    """Rotations that may come next and that one pass applies: two or three, or none."""
    found: list[Rotation] = []
    for k, candidate in enumerate(waiting):
        if found and is_local(candidate.angle) != is_local(found[0].angle):
            continue
        if may_fuse(candidate) and all(_apart(candidate, other) for other in found):
            others = (other for other in waiting[:k] if not any(other is each for each in found))
            if all(candidate.commutes(other) for other in others):
                found.append(candidate)
    if len(found) < 2:
        return []
    return found[:OCTET]


def _apart(a: Rotation, b: Rotation) -> bool:
    """Whether two strings relate like Paulis of different qubits."""
    return not (a.x & b.z).bit_count() & 1 and not (a.z & b.x).bit_count() & 1


def _sums(vectors: Sequence[int]) -> list[int]:
    out = [0]
    for vector in vectors:
        out += [vector ^ other for other in out]
    return out
