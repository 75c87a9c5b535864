"""Linear algebra over GF(2): vectors are bit masks, and addition is exclusive or."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from simulator.pauli import places_of

__all__ = ["Subspace", "image", "inverse", "pivots", "remainder"]


def remainder(echelon: Mapping[int, int], vector: int, last: int = 0) -> int:
    """Reduce a vector by an echelon form, keyed by bit length, from the highest bit down.

    The reduction stops at a bit that is not the highest bit of any vector, or at bit ``last``. A remainder above
    ``last`` shows that the vector is independent; its lower bits may be reducible further.
    """
    while vector >> last:
        row = echelon.get(vector.bit_length())
        if row is None:
            break
        vector ^= row
    return vector


def image(columns: Sequence[int], vector: int) -> int:
    """Multiply a matrix, given by its columns, by a vector."""
    out = 0
    for q in places_of(vector):
        out ^= columns[q]
    return out


class Subspace:
    """A subspace by its fully reduced basis: each pivot (a vector's highest bit) is set in that vector only."""

    def __init__(self, vectors: Iterable[int]) -> None:
        self.vectors: dict[int, int] = {}  # pivot -> vector
        for vector in vectors:
            self.add(vector)

    def reduced(self, vector: int) -> int:
        """Reduce a vector modulo the subspace until it contains no pivot; 0 for a member."""
        for pivot, row in self.vectors.items():
            if vector & pivot:
                vector ^= row
        return vector

    def add(self, vector: int) -> None:
        """Add a vector to the subspace."""
        residue = self.reduced(vector)
        if residue:
            top = 1 << (residue.bit_length() - 1)
            self.vectors = {pivot: row ^ residue if row & top else row for pivot, row in self.vectors.items()}
            self.vectors[top] = residue


def pivots(vectors: Iterable[int]) -> list[int]:
    """Highest bits of an echelon form of the vectors, increasing; their number is the rank."""
    echelon: dict[int, int] = {}
    for vector in vectors:
        if residue := remainder(echelon, vector):
            echelon[residue.bit_length()] = residue
    return [1 << (length - 1) for length in sorted(echelon)]


def inverse(basis: Sequence[int]) -> list[int]:
    """Coordinates in a basis of each bit of an index."""
    size = len(basis)
    rows = [vector | 1 << (size + j) for j, vector in enumerate(basis)]
    for q in range(size):
        bit = 1 << q
        pivot = q
        while not rows[pivot] & bit:
            pivot += 1
        row_of_bit = rows[pivot]
        rows[pivot] = rows[q]
        rows[q] = 0
        for j, row in enumerate(rows):
            if row & bit:
                rows[j] = row ^ row_of_bit
        rows[q] = row_of_bit
    return [row >> size for row in rows]
