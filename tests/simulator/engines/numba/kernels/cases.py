"""One pass on a random tile of states: compiled kernels on one side, dense matrices on the other.

A tile holds samples in its lanes (``lanes`` None), or one state whose lowest bits select the lane. `check` knows no
kind of pass: a `Case` says how to call the kernels, and which dense matrices they stand for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.core.caching import NullCache

from simulator.engines.numba import simd
from simulator.engines.numba.jit import kernel
from tests.simulator import reference

TOLERANCE = {np.float64: 1e-12, np.float32: 1e-4}
WAYS = [  # type of the numbers, number of bits of an index that select a lane
    (np.float64, None),
    (np.float64, 3),
    (np.float32, None),
    (np.float32, 4),
]


@dataclass
class Step:
    """A dense matrix for each sample, shape (samples or 1, dim, dim); of a diagonal one only that, (samples or 1, dim).

    ``slot`` numbers its angle and ``derivative`` is its derivative with respect to it; both None if there is none.
    """

    matrix: np.ndarray
    slot: int | None = None
    derivative: np.ndarray | None = None


@dataclass
class Case:
    """A pass.

    Attributes
    ----------
    num_qubits : int
    lanes : int or None
    dtype : type
    steps : list of Step
        What the pass does, in the order of application.
    apply : callable
        Calls the kernel on ``psi``, in place.
    undo : callable or None
        Calls the kernels of the way back on ``psi, lam, gradient``, in place; None if the kernel goes forward only.
    states : int
        Number of states in the tile.
    sums_lanes : bool
        Whether only the sums of derivatives over the samples are defined, and not which lane has which share.
    """

    num_qubits: int
    lanes: int | None
    dtype: Any
    steps: list[Step]
    apply: Callable[[np.ndarray], Any]
    undo: Callable[[np.ndarray, np.ndarray, np.ndarray], Any] | None
    states: int = 1
    sums_lanes: bool = False


def uncached(function):
    """A kernel that is compiled like the engine's, in a fraction of numba's time, but not kept on disk."""
    dispatcher = kernel(function)
    dispatcher._cache = NullCache()
    return dispatcher


def called(part):
    """A part of a kernel, which only compiled code can call, as a function."""

    @uncached
    def call(*arguments):
        return part(*arguments)

    return call


def packed(states, lanes, dtype):
    """Rows of complex numbers as the vectors of a tile, [re x W][im x W] for each amplitude or W of them."""
    W = simd.width(dtype)
    if lanes is None:  # (states, W samples, amplitudes) to (states, amplitudes, W samples)
        vectors = states.reshape(-1, W, states.shape[1]).transpose(0, 2, 1)
    else:
        vectors = states.reshape(1, -1, W)
    out = simd.aligned_zeros(2 * states.size, dtype)
    out.reshape(-1, 2, W)[:] = np.stack([vectors.real, vectors.imag], axis=2).reshape(-1, 2, W)
    return out


def unpacked(tile, lanes, shape):
    """The inverse of `packed`."""
    W = simd.width(tile.dtype)
    vectors = tile.astype(float).reshape(-1, 2, W)
    amplitudes = vectors[:, 0] + 1j * vectors[:, 1]
    if lanes is None:
        amplitudes = amplitudes.reshape(-1, shape[1], W).transpose(0, 2, 1)
    return amplitudes.reshape(shape)


def times(matrix, states):
    """Each state times its matrix, or times its diagonal."""
    return matrix * states if matrix.ndim == 2 else np.einsum("...ij,...j->...i", matrix, states)


def gaussian(rng, *shape):
    """Complex normal numbers."""
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def adjoint(matrix):
    return matrix.conj() if matrix.ndim == 2 else matrix.conj().swapaxes(1, 2)


def _assert_close(actual, expected, tolerance):
    """``assert_allclose``, which is called only if it may fail: its own checks take longer than those here."""
    if not np.all(np.abs(actual - expected) <= tolerance):
        np.testing.assert_allclose(actual, expected, atol=tolerance)


def check(case, rng):
    """Compare a pass with its dense matrices, forward, and backward on both states with every angle's derivative."""
    W, tolerance = simd.width(case.dtype), TOLERANCE[case.dtype]
    rows = W * case.states if case.lanes is None else 1
    before, dual = gaussian(rng, 2, rows, 1 << case.num_qubits)
    after, back = [before], [dual]  # states after each step, and adjoint states before each, last first
    for step in case.steps:
        after.append(times(step.matrix, after[-1]))
    for step in reversed(case.steps):
        back.append(times(adjoint(step.matrix), back[-1]))
    psi = packed(before, case.lanes, case.dtype)
    case.apply(psi)
    _assert_close(unpacked(psi, case.lanes, before.shape), after[-1], tolerance)
    if case.undo is None:
        return
    slots = 1 + max((step.slot for step in case.steps if step.slot is not None), default=0)
    start = rng.normal(size=slots * W).astype(case.dtype)  # kernels add to what is there
    gradient, lam = start.copy(), packed(dual, case.lanes, case.dtype)
    psi = packed(after[-1], case.lanes, case.dtype)
    case.undo(psi, lam, gradient)
    _assert_close(unpacked(psi, case.lanes, before.shape), before, tolerance)
    _assert_close(unpacked(lam, case.lanes, before.shape), back[-1], tolerance)
    expected = np.zeros((slots, W))
    for k, step in enumerate(case.steps):
        if step.slot is not None:  # d/d angle of 2 Re <lam| ... |psi>, all else constant
            each = 2 * np.sum(back[-2 - k].conj() * times(step.derivative, after[k]), axis=1).real
            expected[step.slot] += each.reshape(-1, W).sum(axis=0) if case.lanes is None else each / W
    sums = (gradient.astype(float) - start).reshape(slots, W)
    if case.lanes is not None or case.sums_lanes:  # any lane may hold any share
        sums, expected = sums.sum(axis=1), expected.sum(axis=1)
    _assert_close(sums, expected, 20 * tolerance)


def rotation(x, z, angles, slot, num_qubits):
    """``exp(-i angle/2 P)`` for each of the angles."""
    P = reference.pauli_masks(x, z, num_qubits)
    if x == 0:
        matrix = np.exp(-0.5j * angles[:, None] * P.diagonal())
        return Step(matrix, slot, -0.5j * P.diagonal() * matrix)
    c, s = np.cos(angles / 2)[:, None, None], np.sin(angles / 2)[:, None, None]
    one = np.eye(1 << num_qubits)
    return Step(c * one - 1j * s * P, slot, -0.5 * s * one - 0.5j * c * P)


def parity(mask):
    return mask.bit_count() & 1


def leading_bits(masks):
    """Increasing powers of two, one in each vector of a basis that spans the masks."""
    basis: list[int] = []
    for mask in masks:
        for vector in sorted(basis, reverse=True):
            mask = min(mask, mask ^ vector)
        if mask:
            basis.append(mask)
    return sorted(1 << (vector.bit_length() - 1) for vector in basis)


def sums(masks):
    """Exclusive or of each subset of the masks; bit m of a subset's number selects mask m."""
    out = [0]
    for mask in masks:
        out += [mask ^ other for other in out]
    return out
