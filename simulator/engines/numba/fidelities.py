"""Fidelities ``|<psi_i|psi_j>|**2`` between the final states of many samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.calculations.statevector import as_inputs, as_weights, states
from simulator.engines.numba import memory, simd
from simulator.engines.numba.kernels import fidelities as kernels
from simulator.engines.numba.run import Run
from simulator.engines.numba.threads import get_num_threads, parallel
from simulator.program.program import Program

__all__ = ["fidelities", "fidelities_of_states"]

FloatArray = NDArray[np.float64]

_PANEL = 1024  # samples whose states are kept at least: making states again costs less than a tenth of their products
_CHECK_BYTES = 1 << 26  # below this nobody asks how much memory there is
_SHARE = 5  # states and what else is needed take about one part in five of the result
_IN_LANES = 12  # qubits up to which lanes hold samples if these fill them
_SERIAL_WORK = 500_000  # products below which a second thread does not pay for itself


def fidelities(
    program: Program,
    X: FloatArray,
    weights: FloatArray,
    Y: FloatArray | None = None,
    out: NDArray[Any] | None = None,
    progress: Callable[[int], object] | None = None,
) -> NDArray[Any]:
    """Fidelities between the final states of samples, without ever holding all of their states.

    States are made in panels and multiplied in blocks, half of them when there is no ``Y``. An entry has the same bits
    on any number of threads and in any panel.

    Parameters
    ----------
    program : Program
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    Y : float64 ndarray, shape (n_others, n_inputs), optional
        By default X itself.
    out : C-contiguous ndarray or memmap, shape (n_samples, n_others), optional
        float64, or float32 in single precision.
    progress : callable, optional
        Called with the number of entries that were finished.

    Returns
    -------
    ndarray, shape (n_samples, n_others)
    """
    X, weights = as_inputs(program, X), as_weights(program, weights)
    columns = X if Y is None else as_inputs(program, Y)
    out = np.empty((len(X), len(columns)), program.dtype) if out is None else out
    state_bytes = (2 << program.num_qubits) * np.dtype(program.dtype).itemsize
    panel = max(_PANEL, out.nbytes // (_SHARE * state_bytes))
    if panel * state_bytes > _CHECK_BYTES:
        panel = max(1, min(panel, memory.available_bytes() // (4 * state_bytes)))
    step = max(1, panel // 4)  # the other panel is made in pieces
    panel = max(1, min(panel - step if len(columns) > panel else panel, len(X)))
    for begin in range(0, len(X), panel):
        rows = slice(begin, min(begin + panel, len(X)))
        held = _tiles(program, X[rows], weights)
        if Y is None:
            _multiply(held, None, out, rows, rows, kernels.SAME, progress)
        for at in range(rows.stop if Y is None else 0, len(columns), step):
            others = slice(at, min(at + step, len(columns)))
            tiles = _tiles(program, columns[others], weights)
            if Y is None:
                _multiply(tiles, held, out, others, rows, kernels.MIRRORED, progress)
            else:
                _multiply(held, tiles, out, rows, others, kernels.PLAIN, progress)
            del tiles  # before the next are made
        del held
    return out


def fidelities_of_states(
    a: NDArray[Any], b: NDArray[Any] | None = None, out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Squared overlaps of the rows of ``a`` with those of ``b``, or among themselves.

    Parameters
    ----------
    a : complex ndarray, shape (n_samples, 2**n)
    b : complex ndarray of the same precision, shape (n_others, 2**n), optional
    out : C-contiguous ndarray, shape (n_samples, n_others), optional

    Returns
    -------
    ndarray, shape (n_samples, n_others)
        float64, or float32 for complex64 states.

    Raises
    ------
    ValueError
        If the two are of different length or precision.
    """
    if b is not None and (a.shape[1:] != b.shape[1:] or a.dtype != b.dtype):
        raise ValueError(
            "states of one length and precision expected, "
            f"got {a.shape[1:]} of {a.dtype} and {b.shape[1:]} of {b.dtype}"
        )
    rows, columns = slice(0, len(a)), slice(0, len(a if b is None else b))
    tiles = _packed(a)
    out = np.empty((rows.stop, columns.stop), tiles.dtype) if out is None else out
    others = None if b is None else _packed(b)
    _multiply(tiles, others, out, rows, columns, kernels.SAME if b is None else kernels.PLAIN, None)
    return out


def _tiles(program: Program, X: FloatArray, weights: FloatArray) -> NDArray[Any]:
    """Final states as tiles of `kernels.fidelities`, in the program's own basis: fidelities do not see it."""
    rows = len(X)
    fewest = simd.width(program.dtype) if program.num_qubits <= _IN_LANES else 2
    if rows % fewest:  # filled up, a sample is computed in the same way, to the same bits, whatever its company
        X = np.concatenate([X, np.repeat(X[-1:], -rows % fewest, axis=0)])
    run = Run(program, weights, len(X))
    plan = run.plan
    if plan.lanes is not None:
        run.close()
        return _packed(states(program, X, weights)[:rows])
    count = -(-len(X) // plan.per_tile)
    keep = simd.aligned_zeros(count * plan.tile_size, program.dtype, 4096).reshape(count, plan.tile_size)
    run.forward(X, keep, np.empty((0, 0)))
    run.close()
    return keep.reshape(count * plan.states, plan.tables.state_size)


def _packed(rows: NDArray[Any]) -> NDArray[Any]:
    """States, shape (n, 2**n), as tiles."""
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
    progress: Callable[[int], object] | None,
) -> None:
    """Fidelities between two panels to their place in ``out``."""
    flat = np.asarray(out).reshape(-1)
    assert np.shares_memory(flat, out), "out must be contiguous"
    count, others = rows.stop - rows.start, columns.stop - columns.start
    width = simd.width(a.dtype)
    queue = np.zeros(1, np.int64)

    def call() -> None:
        scratch = simd.aligned_zeros(kernels.BLOCK**2 * 2 * width**2, a.dtype, 4096)
        kernels.fidelities(
            a, a if b is None else b, count, others, flat, out.shape[1], rows.start, columns.start, mode, scratch, queue
        )

    work = count * others * a.shape[1] // width
    parallel(call, 1 if work < _SERIAL_WORK else get_num_threads())
    if progress is not None:
        progress(count * others * (2 if mode == kernels.MIRRORED else 1))
