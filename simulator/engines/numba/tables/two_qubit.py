"""Rows of passes of unitaries on two qubits, for the loops of `kernels.two_qubit`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from simulator.engines.numba.layout import passes
from simulator.engines.numba.tables import zeros
from simulator.engines.numba.tables.builder import blank
from simulator.program.levels import Dense
from simulator.program.subspaces import pivots

__all__ = ["two_qubit_pass"]


def two_qubit_pass(member: Dense, shift: int, vectors: int) -> tuple[Dense, list[int] | None]:
    """Return a matrix on two qubits, perhaps with these exchanged, and its row; None if the kernel cannot handle it.

    Parameters
    ----------
    member : Dense
    shift : int
        Number of bits of an index that select a lane.
    vectors : int
        Number of vectors of a block.
    """
    if all(x >> shift for x in member.xs) and zeros.has_zeros(member.matrix, 1):
        member = _exchanged(member)
    columns = _columns(member.xs, member.zs, shift, vectors)
    if columns is None:
        return member, None
    row = list(columns)
    if row[passes.WITH_ZEROS]:
        row[passes.WITH_ZEROS] = int(zeros.has_zeros(member.matrix, row[passes.FIRST_D] - 1))
    return member, row


@lru_cache(maxsize=1024)
def _columns(xs: tuple[int, ...], zs: tuple[int, ...], shift: int, vectors: int) -> tuple[int, ...] | None:
    """Row of a two-qubit matrix for its masks, as if it had zeros; None if the kernel cannot handle these masks."""
    low = (1 << shift) - 1
    masks = [0, *xs, xs[0] ^ xs[1]]  # indexed by the columns that they select
    of_vectors = [d for d in (1, 2, 3) if not masks[d] & low]
    of_lanes = [d for d in (1, 2, 3) if not masks[d] >> shift]
    if len(of_vectors) == 3:
        how, first, second = passes.VECTORS, 1, 2
    elif len(of_lanes) == 3:
        how, first, second = passes.LANES, 1, 2
    elif of_vectors and of_lanes:
        how, first, second = passes.MIXED, of_vectors[0], of_lanes[0]
    else:
        return None
    moved = [masks[d] >> shift for d in (first, second)]
    vector_zs = [z >> shift for z in zs]
    twin = _twin(moved[0], first, vector_zs, vectors) if how == passes.MIXED else 0
    if twin is None:
        return None
    row = blank(passes.TWO_QUBIT)
    row[passes.HOW], row[passes.TWIN] = how, twin
    row[passes.MASK], row[passes.OTHER] = moved[0] or masks[first], moved[1] or masks[second]
    row[passes.ROW_Z], row[passes.OTHER_Z] = vector_zs
    row[passes.FIRST_PIVOT], row[passes.LAST_PIVOT] = [*pivots([*moved, twin]), 0, 0][:2]
    row[passes.FIRST_D], row[passes.SECOND_D] = first, second
    row[passes.WITH_ZEROS] = int(how != passes.LANES and first < 3 and not zs[first - 1] & low)
    return tuple(row)


def _exchanged(member: Dense) -> Dense:
    """The same matrix with its two qubits in the other order."""
    matrix = member.matrix[[0, 2, 1, 3]][:, [0, 2, 1, 3]]
    return Dense(member.xs[::-1], member.zs[::-1], matrix, member.unitary)


def _twin(x: int, d: int, zs: Sequence[int], vectors: int) -> int | None:
    """Mask, independent of x, between two vectors that use the same row of a matrix.

    Parities with ``zs`` number the rows; x changes those in d. At least half of the lowest masks that are not a
    multiple of x qualify if a block has at least 8 ``vectors``.
    """
    for mask in range(1, min(vectors, 8)):
        pattern = sum((mask & z).bit_count() % 2 << m for m, z in enumerate(zs))
        if mask != x and pattern in (0, d):
            return mask ^ x if pattern else mask
    return None
