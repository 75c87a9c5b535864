"""Linear algebra over GF(2): vectors are bit masks, and sums exclusive ors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.pauli import places_of

__all__ = ["Span", "Subspace", "crossings", "image", "in_basis", "inverse", "pivots", "remainder", "signs_in_basis"]

_TABLE_BITS = 8  # of sums of columns that are looked up


def remainder(echelon: Mapping[int, int], vector: int, last: int = 0) -> int:
    """Reduce a vector by an echelon form, whose vectors stand under their bit lengths, from its highest bit down.

    It ends with a bit that is no vector's highest, or at bit ``last``: what is then left above that shows that the
    vector is new, though lower bits could be reduced further.
    """
    while vector >> last:
        row = echelon.get(vector.bit_length())
        if row is None:
            break
        vector ^= row
    return vector


def image(columns: Sequence[int], vector: int) -> int:
    """A matrix, given by its columns, times a vector."""
    out = 0
    for q in places_of(vector):
        out ^= columns[q]
    return out


class Span:
    """A subspace, modulo the lanes' bits, with the vectors that were added to it."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.vectors: list[int] = []
        self.echelon: dict[int, int] = {}  # bit length -> vector

    def reduced(self, vector: int) -> int:
        """What is left of a vector modulo the subspace; 0 for a member."""
        return remainder(self.echelon, vector >> self.lanes << self.lanes)

    def new(self, vectors: Iterable[int]) -> list[tuple[int, int]]:
        """The vectors that would have to be added, each with what is left of it; the span stays as it is."""
        out: list[tuple[int, int]] = []
        echelon = self.echelon
        for vector in vectors:
            rest = self.reduced(vector)
            if rest:
                if not out:
                    self.echelon = dict(echelon)
                self.echelon[rest.bit_length()] = rest
                out.append((vector, rest))
        self.echelon = echelon
        return out

    def add(self, vectors: Iterable[tuple[int, int]]) -> None:
        """Add what `new` returned."""
        for vector, rest in vectors:
            self.vectors.append(vector)
            self.echelon[rest.bit_length()] = rest

    def complement(self, num_qubits: int) -> list[int]:
        """Single bits that complete the subspace and the lanes' bits."""
        return [1 << q for q in range(self.lanes, num_qubits) if q + 1 not in self.echelon]


class Subspace:
    """A subspace by its fully reduced basis: each pivot, its vector's highest bit, is a bit of that one only."""

    def __init__(self, vectors: Iterable[int]) -> None:
        self.vectors: dict[int, int] = {}  # pivot -> vector
        for vector in vectors:
            self.add(vector)

    def reduced(self, vector: int) -> int:
        """What is left of a vector modulo the subspace, without its pivots; 0 for a member."""
        for pivot, own in self.vectors.items():
            if vector & pivot:
                vector ^= own
        return vector

    def add(self, vector: int) -> None:
        """Make the subspace hold a vector."""
        rest = self.reduced(vector)
        if rest:
            top = 1 << (rest.bit_length() - 1)
            self.vectors = {pivot: own ^ rest if own & top else own for pivot, own in self.vectors.items()}
            self.vectors[top] = rest


def pivots(vectors: Iterable[int]) -> list[int]:
    """The highest bits of an echelon form of some vectors, increasing: as many as are independent."""
    echelon: dict[int, int] = {}
    for vector in vectors:
        if rest := remainder(echelon, vector):
            echelon[rest.bit_length()] = rest
    return [1 << (length - 1) for length in sorted(echelon)]


def inverse(basis: Sequence[int]) -> list[int]:
    """For each bit of an index, its coordinates in a basis."""
    size = len(basis)
    rows = [vector | 1 << (size + j) for j, vector in enumerate(basis)]
    for q in range(size):
        pivot = q
        while not rows[pivot] >> q & 1:
            pivot += 1
        own = rows[pivot]
        rows[pivot] = rows[q]
        rows = [row ^ own if row >> q & 1 else row for row in rows]
        rows[q] = own
    return [row >> size for row in rows]


def in_basis(vectors: Sequence[int], basis: Sequence[int]) -> list[int]:
    """The coordinates of vectors in a basis: bit j of each stands for ``basis[j]``."""
    bits = np.array(vectors, np.int64)[:, None] >> np.arange(len(basis)) & 1
    return np.bitwise_xor.reduce(bits * np.array(inverse(basis), np.int64), axis=1).tolist()  # type: ignore[no-any-return]


def signs_in_basis(masks: Sequence[int], basis: Sequence[int]) -> list[int]:
    """For masks of signs ``(-1)**parity(index & mask)``, the masks for the index's coordinates in a basis."""
    odd = np.bitwise_count(np.array(masks, np.int64)[:, None] & np.array(basis, np.int64)).astype(np.int64) & 1
    return (odd << np.arange(len(basis))).sum(axis=1).tolist()  # type: ignore[no-any-return]


def crossings(xs: Sequence[int], zs: Sequence[int], num_qubits: int) -> NDArray[np.uint64]:
    """Which Pauli strings do not commute: bit j of row i for strings i and j, 64 bits a number."""
    count, words = len(xs), -(-len(xs) // 64)
    x, z = np.array(xs, np.int64), np.array(zs, np.int64)
    out = np.zeros((count, words), np.uint64)
    for own, other in ((x, z), (z, x)):
        columns = np.zeros((num_qubits, 64 * words), bool)
        columns[:, :count] = other >> np.arange(num_qubits)[:, None] & 1
        packed = np.packbits(columns, axis=1, bitorder="little").view(np.uint64)
        for first in range(0, num_qubits, _TABLE_BITS):
            sums = np.zeros((1, words), np.uint64)
            for column in packed[first : first + _TABLE_BITS]:
                sums = np.concatenate([sums, sums ^ column])
            out ^= sums[own >> first & (len(sums) - 1)]
    return out
