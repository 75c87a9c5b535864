"""Fidelities ``|<psi_i|psi_j>|**2`` between states stored in tiles, panel by panel and block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import memory
from simulator.engines.numba import buffers, simd
from simulator.engines.numba.kernels import fidelities as kernels
from simulator.engines.numba.options import Options
from simulator.engines.numba.sharing import new_queue, share
from simulator.engines.numba.threads import get_num_threads
from simulator.progress import chunks

FloatArray = NDArray[np.float64]

_CHECK_BYTES = 1 << 26  # bytes below which available memory is not checked


def fill(
    tiles_of: Callable[[FloatArray], NDArray[Any]],
    X: FloatArray,
    Y: FloatArray | None,
    out: NDArray[Any],
    state_bytes: int,
    options: Options,
    progress: Callable[[int], object] | None,
) -> None:
    """Write fidelities between samples to ``out``, without holding all states in memory.

    States are computed in panels and multiplied in blocks, half of them without ``Y``. Each entry is bit-identical for
    any number of threads and in any panel.

    Parameters
    ----------
    tiles_of : callable
        Function that returns the states of samples as tiles of `kernels.fidelities`.
    X, Y : float64 ndarray
        Inputs of both sets of samples; Y is X by default.
    out : C-contiguous ndarray or memmap
    state_bytes : int
        Size of a state in bytes.
    options : Options
    progress : callable, optional
        Function called with the number of finished entries.
    """
    columns = X if Y is None else Y
    panel = max(options.panel, out.nbytes // (options.panel_share * state_bytes))
    if panel * state_bytes > _CHECK_BYTES:
        panel = max(1, min(panel, memory.available_bytes() // (4 * state_bytes)))
    step = max(1, panel // 4)  # the other panel is computed in pieces
    panel = max(1, min(panel - step if len(columns) > panel else panel, len(X)))
    serial = options.serial_products
    for rows in chunks(len(X), panel):
        panel_tiles = tiles_of(X[rows])
        if Y is None:
            _multiply(panel_tiles, None, out, rows, rows, kernels.SAME, serial, progress)
        for at in range(rows.stop if Y is None else 0, len(columns), step):
            others = slice(at, min(at + step, len(columns)))
            tiles = tiles_of(columns[others])
            if Y is None:
                _multiply(tiles, panel_tiles, out, others, rows, kernels.MIRRORED, serial, progress)
            else:
                _multiply(panel_tiles, tiles, out, rows, others, kernels.PLAIN, serial, progress)
            del tiles  # freed before the next tiles are computed
        del panel_tiles


def of_states(a: NDArray[Any], b: NDArray[Any] | None, out: NDArray[Any] | None, options: Options) -> NDArray[Any]:
    """Squared overlaps of the rows of ``a`` with those of ``b``, or among the rows of ``a``; see `Engine`."""
    rows, columns = slice(0, len(a)), slice(0, len(a if b is None else b))
    tiles = packed(a)
    out = np.empty((rows.stop, columns.stop), tiles.dtype) if out is None else out
    others = None if b is None else packed(b)
    mode = kernels.SAME if b is None else kernels.PLAIN
    _multiply(tiles, others, out, rows, columns, mode, options.serial_products, None)
    return out


def packed(rows: NDArray[Any]) -> NDArray[Any]:
    """Pack states, shape (n_samples, 2**n), into tiles."""
    parts = np.require(rows, None, ["C", "A", "W"]).view(rows.real.dtype)
    width = simd.width(parts.dtype)
    count, size = -(-len(rows) // width), parts.shape[1] * width
    tiles = simd.aligned_zeros(count * size, parts.dtype, 4096).reshape(count, size)
    kernels.pack(parts, tiles)
    return tiles


def _multiply(
    a: NDArray[Any],
    b: NDArray[Any] | None,
    out: NDArray[Any],
    rows: slice,
    columns: slice,
    mode: int,
    serial_work: int,
    progress: Callable[[int], object] | None,
) -> None:
    """Write fidelities between two panels to their place in ``out``."""
    flat = np.asarray(out).reshape(-1)
    assert np.shares_memory(flat, out), "out must be contiguous"
    count, others = rows.stop - rows.start, columns.stop - columns.start
    width = simd.width(a.dtype)
    queue, size = new_queue(), kernels.BLOCK**2 * 2 * width**2
    scratch = buffers.take(size, a.dtype.type)
    arguments = (
        a, a if b is None else b, count, others, flat, out.shape[1], rows.start, columns.start, mode, scratch, queue
    )  # fmt: skip
    work = count * others * a.shape[1] // width
    share(kernels.fidelities, arguments, queue, get_num_threads(), work, serial_work, scratch_bytes=size * a.itemsize)
    buffers.give(scratch)
    if progress is not None:
        progress(count * others * (2 if mode == kernels.MIRRORED else 1))
