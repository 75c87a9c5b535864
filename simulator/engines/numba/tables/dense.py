"""Dense matrices in the format that `kernels.passes.dense` reads."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba import simd
from simulator.engines.numba.layout import passes
from simulator.program.levels import Dense
from simulator.program.subspaces import Subspace

_LAID = 1 << 14  # number of matrix entries laid out at a time, which bounds temporary memory
_Numbered = tuple[int, NDArray[Any], bool, tuple[int, ...]]  # offset, matrix, whether its adjoint is meant, lane masks


class DenseMatrices:
    """Dense matrices of a program: each is assigned its offset, then all of one form are laid out together.

    Parameters
    ----------
    shift : int
        Number of qubits that index a vector's lanes.
    width : int
        Number of floats in a vector.
    dtype : type
        Type of the floats.
    """

    def __init__(self, shift: int, width: int, dtype: type[np.floating[Any]]) -> None:
        self.shift, self.width, self.dtype = shift, width, dtype
        self._numbered: list[_Numbered] = []
        self._size = 0

    def add(self, member: Dense, row: list[int]) -> None:
        """Write the offsets of the matrix, its inverse and its adjoint into a pass's row."""
        low = (1 << self.shift) - 1
        lane_zs = tuple([z & low for z in member.zs])
        row[passes.MATRIX] = self._place(member.matrix, False, lane_zs)
        inverse = -1 if member.unitary else self._place(np.linalg.pinv(member.matrix), False, lane_zs)
        row[passes.UNDO_ADJOINT] = adjoint = self._place(member.matrix, True, lane_zs)
        row[passes.UNDO] = adjoint if member.unitary else inverse

    def _place(self, matrix: NDArray[Any], adjoint: bool, lane_zs: tuple[int, ...]) -> int:
        begin = self._size
        self._numbered.append((begin, matrix, adjoint, lane_zs))
        self._size += 2 * self.width * matrix.size
        return begin

    def laid(self) -> NDArray[Any] | None:
        """Lay out all matrices: per entry the real, then the imaginary parts in all lanes; None without matrices."""
        if not self._numbered:
            return None
        out = simd.aligned_zeros(self._size, self.dtype)
        by_entry = out.reshape(-1, 2, self.width)
        lanes = self.width if self.shift else 1
        for size, numbered in groupby(sorted(self._numbered, key=_size), key=_size):
            places = np.arange(size)
            while some := list(islice(numbered, max(1, _LAID // size))):
                begins, matrices, are_adjoint, lane_zs = zip(*some, strict=True)
                entries = np.array([_entries(zs, lanes) for zs in lane_zs])
                values, are_turned = np.array(matrices), np.array(are_adjoint)
                values[are_turned] = values[are_turned].conj().swapaxes(1, 2)
                values = values.reshape(len(some), size)[np.arange(len(some))[:, None, None], entries]
                rows = np.array(begins)[:, None] // (2 * self.width) + places
                by_entry[rows, 0], by_entry[rows, 1] = values.real, values.imag
        return out


def _size(numbered: _Numbered) -> int:
    return numbered[1].size


@lru_cache(maxsize=1024)
def _entries(lane_zs: tuple[int, ...], lanes: int) -> NDArray[np.int64]:
    """Index of the matrix entry at each place of a dense pass's matrix, shape (4**k, lanes)."""
    k = len(lane_zs)
    lane_rows = np.zeros(lanes, np.int64)
    for m, z in enumerate(lane_zs):
        lane_rows |= (np.bitwise_count(np.arange(lanes) & z).astype(np.int64) & 1) << m
    pattern = np.arange(1 << k)
    rows = pattern[:, None, None] ^ lane_rows
    return ((rows << k) | (rows ^ pattern[None, :, None])).reshape(-1, lanes)


@lru_cache(maxsize=1024)
def dense_spec(xs: tuple[int, ...], zs: tuple[int, ...], shift: int) -> list[int]:
    """Integers of a dense pass, in the order of `layout.passes`."""
    k, low = len(xs), (1 << shift) - 1
    basis = Subspace(x >> shift for x in xs).vectors
    pivots = sorted(basis)
    members = [_xor(basis[p] for b, p in enumerate(pivots) if u >> b & 1) for u in range(1 << len(pivots))]
    place = {value: u for u, value in enumerate(members)}
    shifts = [_xor(xs[m] for m in range(k) if d >> m & 1) for d in range(1 << k)]
    spec = [k, len(pivots), *pivots, *(z >> shift for z in zs), *members]
    return spec + [place[x >> shift] for x in shifts] + [x & low for x in shifts]


def _xor(masks: Any) -> int:
    out = 0
    for mask in masks:
        out ^= mask
    return out
