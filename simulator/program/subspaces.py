"""Linear algebra over GF(2): vectors are bit masks, and addition is exclusive or."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.pauli import places_of

__all__ = ["Span", "Subspace", "crossings", "image", "in_basis", "inverse", "pivots", "remainder", "signs_in_basis"]

_TABLE_BITS = 8  # number of columns whose sums are tabulated together


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


class Span:
    """A subspace modulo the lanes' bits, with the vectors added to it."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.vectors: list[int] = []
        self.echelon: dict[int, int] = {}  # bit length -> vector

    def reduced(self, vector: int) -> int:
        """Reduce a vector modulo the subspace; 0 for a member."""
        return remainder(self.echelon, vector >> self.lanes << self.lanes)

    def new(self, vectors: Sequence[int]) -> list[tuple[int, int]]:
        """Return the vectors that are independent of the span, each with its remainder; the span is unchanged."""
        out: list[tuple[int, int]] = []
        echelon = self.echelon
        for vector in vectors:
            residue = remainder(echelon, vector >> self.lanes << self.lanes)
            if residue:
                if len(vectors) > 1:
                    echelon = {**echelon, residue.bit_length(): residue}
                out.append((vector, residue))
        return out

    def add(self, vectors: Iterable[tuple[int, int]]) -> None:
        """Add the vectors returned by `new`."""
        for vector, residue in vectors:
            self.vectors.append(vector)
            self.echelon[residue.bit_length()] = residue

    def complement(self, num_qubits: int) -> list[int]:
        """Single bits that complete the subspace and the lanes' bits."""
        return [1 << q for q in range(self.lanes, num_qubits) if q + 1 not in self.echelon]


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


def in_basis(vectors: Sequence[int], basis: Sequence[int]) -> list[int]:
    """Coordinates of vectors in a basis: bit j of each stands for ``basis[j]``."""
    bits = np.array(vectors, np.int64)[:, None] >> np.arange(len(basis)) & 1
    return np.bitwise_xor.reduce(bits * np.array(inverse(basis), np.int64), axis=1).tolist()  # type: ignore[no-any-return]


def signs_in_basis(masks: Sequence[int], basis: Sequence[int]) -> list[int]:
    """Rewrite masks of signs ``(-1)**parity(index & mask)`` for the index's coordinates in a basis."""
    odd = np.bitwise_count(np.array(masks, np.int64)[:, None] & np.array(basis, np.int64)).astype(np.int64) & 1
    return (odd << np.arange(len(basis))).sum(axis=1).tolist()  # type: ignore[no-any-return]


def crossings(xs: Sequence[int], zs: Sequence[int], num_qubits: int) -> NDArray[np.uint64]:
    """Find the Pauli strings that do not commute: bit j of row i is set for strings i and j; 64 bits per integer."""
    count, words = len(xs), -(-len(xs) // 64)
    x, z = np.array(xs, np.int64), np.array(zs, np.int64)
    out = np.zeros((count, words), np.uint64)
    for masks, opposite in ((x, z), (z, x)):
        columns = np.zeros((num_qubits, 64 * words), bool)
        columns[:, :count] = opposite >> np.arange(num_qubits)[:, None] & 1
        packed = np.packbits(columns, axis=1, bitorder="little").view(np.uint64)
        for first in range(0, num_qubits, _TABLE_BITS):
            sums = np.zeros((1, words), np.uint64)
            for column in packed[first : first + _TABLE_BITS]:
                sums = np.concatenate([sums, sums ^ column])
            out ^= sums[masks >> first & (len(sums) - 1)]
    return out
