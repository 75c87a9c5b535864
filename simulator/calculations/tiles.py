"""Matrices of pairs, filled tile by tile so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["fill_by_tiles"]


def fill_by_tiles(
    out: NDArray[Any],
    tile: Callable[[slice, slice], NDArray[Any]],
    symmetric: bool,
    size: int,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Fill a matrix by its tiles, or a symmetric one by those of its lower half.

    Parameters
    ----------
    out : ndarray, shape (n, m)
    tile : callable
        The entries at these rows and columns.
    symmetric : bool
        Tiles above the diagonal are then mirror images of those below, and so are the halves of those on it, so that
        the matrix is symmetric to the last bit.
    size : int
        Rows and columns of a tile.
    progress : callable, optional
        Called with the number of entries that each tile has filled.
    """
    for begin in range(0, len(out), size):
        rows = slice(begin, min(begin + size, len(out)))
        last = rows.stop if symmetric else out.shape[1]
        for at in range(0, last, size):
            columns = slice(at, min(at + size, last))
            block = tile(rows, columns)
            mirrored = symmetric and columns != rows
            if symmetric and not mirrored:
                block = np.tril(block) + np.tril(block, -1).T
            out[rows, columns] = block
            if mirrored:
                out[columns, rows] = block.T
            if progress is not None:
                progress(block.size * (2 if mirrored else 1))
