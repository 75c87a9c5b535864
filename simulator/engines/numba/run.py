"""Common base of the evaluations of a batch of tiles and of a large state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import progress
from simulator.engines.numba import buffers
from simulator.engines.numba.kernels import outcomes as outcome_kernels
from simulator.engines.numba.kernels.inputs import by_inputs
from simulator.engines.numba.plan import Plan
from simulator.engines.numba.sharing import new_queue, share
from simulator.engines.trait import Cotangent
from simulator.program.program import Program
from simulator.program.starts import amplitude_derivatives
from simulator.program.values import as_cotangent

FloatArray = NDArray[np.float64]

IntArray = NDArray[np.int64]

NO_VALUES = np.empty((0, 0))
NO_STATES = np.zeros((0, 0), complex)


class Run(ABC):
    """One evaluation of a program at given weights.

    Parameters
    ----------
    program : Program
    weights : float64 ndarray, shape (n_weights,), contiguous
    plan : Plan
    kept : int
        Maximum number of samples whose final states are kept at once, see `kept`.
    outcomes : int64 ndarray, shape (2**n,), optional
        Outcome at each stored index: `sweep` then computes probabilities of outcomes instead of expectations.
    size : int
        Minimum number of floats of the buffer.
    """

    _prepared = 0  # whether an earlier chunk has prepared the shared coefficients, as read by kernels of tiles
    _keep: NDArray[Any] | None = None
    _kept = 0
    _seeds: NDArray[Any] | None = None
    _derivatives: tuple[FloatArray, ...] = ()

    def __init__(
        self,
        program: Program,
        weights: FloatArray,
        plan: Plan,
        kept: int = 0,
        outcomes: IntArray | None = None,
        size: int = 0,
    ) -> None:
        self.program, self.weights, self.plan, self.outcomes = program, weights, plan, outcomes
        size = max(size, plan.kept_begin + plan.kept_size(kept) if kept else plan.buffer_size)
        self._buffer = buffers.take(size, program.dtype)
        self.shared = self._buffer[plan.shared_begin : plan.stored_begin]
        self.stored = self._buffer[plan.stored_begin : plan.buffer_size]
        self.base = np.empty(plan.tables.slots + 1)  # the last entry is whether an angle overflowed
        self.constants = plan.packed, self.base, self.shared, self.stored  # describe the program to kernels of tiles
        if kept:
            self._keep, self._kept = self.kept(kept), kept

    def restart(self) -> None:
        """Begin anew, because the weights have changed."""
        self._prepared = 0

    def close(self) -> None:
        """Release the buffers at the end of the run."""
        buffers.give(self._buffer)

    def kept(self, samples: int) -> NDArray[Any]:
        """Return the tiles of the final states of samples, a view of the buffer."""
        plan = self.plan
        begin = plan.kept_begin
        return self._buffer[begin : begin + plan.kept_size(samples)].reshape(-1, plan.tile_size)

    def sweep(
        self, X: FloatArray, rows: slice, values: FloatArray, by_weights: FloatArray, cotangent: FloatArray | Cotangent
    ) -> FloatArray | None:
        """Write expectations to ``values``, add derivatives to ``by_weights``, and return those by inputs, if wanted.

        ``rows`` is the slice that X is of the rows that the cotangent knows.
        """
        chunks = self.plan.chunks
        if len(chunks) == 1:
            return self._sweep_chunk(X, rows, values, by_weights, cotangent)
        by_inputs = np.zeros(X.shape) if self.plan.derive_inputs else None
        for chunk in progress.steps(chunks):
            of_chunk = slice(rows.start + chunk.start, rows.start + chunk.stop)
            inputs_part = self._sweep_chunk(X[chunk], of_chunk, values[chunk], by_weights, cotangent)
            if by_inputs is not None:
                by_inputs[chunk] = inputs_part
        return by_inputs

    def _sweep_chunk(
        self, X: FloatArray, rows: slice, values: FloatArray, by_weights: FloatArray, cotangent: FloatArray | Cotangent
    ) -> FloatArray | None:
        keep = self._keep if self._keep is not None and len(X) == self._kept else self.kept(len(X))
        self.forward(X, keep, values if self.outcomes is None else NO_VALUES)
        if self.outcomes is not None:
            self.read_outcomes(keep, values)
        v = as_cotangent(cotangent(values, rows) if callable(cotangent) else cotangent[rows], values)
        seeds = None if self.outcomes is None else self._seeds_of(keep, v)
        weights_part, inputs_part = self.backward(X, keep, v, seeds)
        by_weights += weights_part
        return inputs_part

    def read_outcomes(self, keep: NDArray[Any], values: FloatArray) -> None:
        """Write the probabilities of the outcomes in final states to ``values``, shape (n_samples, n_outcomes)."""
        self._share_tiles(outcome_kernels.read, (keep, self.outcomes, values))

    def _seeds_of(self, keep: NDArray[Any], cotangent: FloatArray) -> NDArray[Any]:
        """Adjoint states in the form of ``keep``, given the derivative with respect to each probability."""
        if self._seeds is None or self._seeds.shape != keep.shape:
            self._seeds = buffers.allocate(keep.size, keep.dtype, zeros=False).reshape(keep.shape)
        self._share_tiles(outcome_kernels.seed, (keep, self.outcomes, cotangent, self._seeds))
        return self._seeds

    def _share_tiles(self, kernel: Any, arguments: tuple[Any, ...]) -> None:
        """Call a kernel of `kernels.outcomes` on the tiles ``arguments[0]``."""
        plan, tiles, queue = self.plan, len(arguments[0]), new_queue()
        complete = *arguments, queue, tiles, plan.states, plan.lanes
        share(kernel, complete, queue, tiles, tiles * plan.tile_size, plan.serial_work)

    @abstractmethod
    def forward(self, X: FloatArray, keep: NDArray[Any], values: FloatArray) -> None:
        """Write final states of the samples X to ``keep`` and expectations to ``values``; either may be empty.

        Raises
        ------
        ParameterError
            If a value is so large that an angle overflows.
        """

    def _check_angles(self, X: FloatArray) -> None:
        """Raise a ParameterError if an angle overflowed in the kernels."""
        if self.base[-1]:
            self.program.check_angles(X, self.weights)

    def backward(
        self, X: FloatArray, keep: NDArray[Any], cotangent: FloatArray, seeds: NDArray[Any] | None = None
    ) -> tuple[FloatArray, FloatArray | None]:
        """Derivatives of ``sum(cotangent * expectations)`` from the stored states, which are overwritten.

        With adjoint states ``seeds`` in the form of ``keep``, those of any function with ``df = 2 Re <seed|d psi>``.

        Returns
        -------
        by_weights : float64 ndarray, shape (n_weights,)
            Overwritten by the next call.
        by_inputs : float64 ndarray, shape (len(X), n_inputs), or None
        """
        plan, program = self.plan, self.program
        if not self._derivatives or len(self._derivatives[1]) != len(X):
            tiles, tables = -(-len(X) // plan.per_tile), plan.tables
            self._derivatives = (
                np.empty(len(program.weights)),
                np.empty((len(X), len(tables.local_slots))),
                np.empty((tiles, tables.sums)),
            )
        by_weights, by_sample, by_tile = self._derivatives
        start_lam = np.empty((len(X), 1 << program.num_qubits), complex) if plan.encoded else NO_STATES
        self._undo(X, keep, cotangent, seeds, (by_weights, by_tile, by_sample, start_lam))
        by_inputs = self._by_inputs(by_sample) if plan.derive_inputs else None
        if plan.encoded:
            self._add_encoded(X, start_lam, by_weights, by_inputs)
        return by_weights, by_inputs

    @abstractmethod
    def _undo(
        self,
        X: FloatArray,
        keep: NDArray[Any],
        cotangent: FloatArray,
        seeds: NDArray[Any] | None,
        results: tuple[NDArray[Any], ...],
    ) -> None:
        """Sweep backward: fill ``results``, with the names of those of `kernels.tiles.backward`."""

    def _share(
        self,
        kernel: Any,
        arguments: tuple[Any, ...],
        queue: NDArray[np.int64],
        tail: tuple[Any, ...],
        work: int,
        steps: int = 1,
    ) -> None:
        """Call ``kernel(*arguments, scratch, queue, *tail)`` on threads that suit ``work``; see `share`."""
        plan = self.plan
        complete = (*arguments, self._buffer, queue, *tail)
        if work < plan.serial_work and work < plan.long_work:
            kernel(*complete)
            return
        limits = plan.serial_work, plan.long_work
        share(kernel, complete, queue, tail[0], work, *limits, plan.scratch_bytes, steps)

    def _by_inputs(self, by_sample: FloatArray) -> FloatArray:
        rows = self.plan.tables.input_rows
        out = np.empty((len(by_sample), len(self.program.inputs)))
        by_inputs(rows.columns, rows.rows, rows.values, by_sample, out)
        return out

    def _add_encoded(
        self, X: FloatArray, start_lam: NDArray[np.complex128], by_weights: FloatArray, by_inputs: FloatArray | None
    ) -> None:
        """Add derivatives with respect to parameters that are amplitudes."""
        split = len(self.program.inputs)
        by_parameter = amplitude_derivatives(self.program.starts, X, self.weights, start_lam)
        by_weights += by_parameter[:, split:].sum(axis=0)
        if by_inputs is not None:
            by_inputs += by_parameter[:, :split]
