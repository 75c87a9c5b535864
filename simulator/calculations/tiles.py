"""Filling of pairwise matrices tile by tile, so that memory stays bounded."""

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
    """Fill a matrix tile by tile, or a symmetric one from the tiles of its lower triangle.

    Parameters
    ----------
    out : ndarray, shape (n, m)
    tile : callable
        Function that returns the entries at given rows and columns.
    symmetric : bool
        Whether to mirror the tiles below the diagonal, and the lower halves of those on it, so that the matrix is
        symmetric to the last bit.
    size : int
        Number of rows and columns of a tile.
    progress : callable, optional
        Function called with the number of entries of each filled tile.
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
