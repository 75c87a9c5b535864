"""Evaluation of a batch of samples, in which threads take whole tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba import buffers
from simulator.engines.numba.kernels import inputs, visits
from simulator.engines.numba.kernels import outcomes as outcome_kernels
from simulator.engines.numba.kernels import tiles as kernels
from simulator.engines.numba.layout import queues
from simulator.engines.numba.loops import Call, RowCalls, clear
from simulator.engines.numba.plan import Visit
from simulator.engines.numba.run import NO_STATES, NO_VALUES, FloatArray, Run
from simulator.engines.numba.sharing import new_queue
from simulator.program.starts import product_states


class BatchRun(Run):
    """Evaluation of many samples, tile by tile; see `kernels.tiles`."""

    def forward(self, X: FloatArray, keep: NDArray[Any], values: FloatArray) -> None:
        plan, program = self.plan, self.program
        initial = self._initial(X) if program.starts else NO_STATES
        tiles = -(-len(X) // plan.per_tile)
        queue = new_queue()
        queue[queues.READY] = self._prepared
        self._prepared = queues.PREPARED
        arguments = self.constants, self.weights, (X, initial), (keep, values)
        tail = (tiles, plan.states, plan.own, plan.lanes)
        self._share(kernels.forward, arguments, queue, tail, tiles * plan.work)
        self._check_angles(X)

    def _initial(self, X: FloatArray) -> NDArray[np.complex128]:
        """State of each sample before the first gate."""
        program = self.program
        names = (*program.inputs, *program.weights)
        return product_states(program.starts, X, self.weights, program.num_qubits, names)

    def _undo(
        self,
        X: FloatArray,
        keep: NDArray[Any],
        cotangent: FloatArray,
        seeds: NDArray[Any] | None,
        results: tuple[NDArray[Any], ...],
    ) -> None:
        plan = self.plan
        tiles = -(-len(X) // plan.per_tile)
        arguments = self.constants, (X, cotangent, keep[:0] if seeds is None else seeds), keep, results
        queue, tail = new_queue(), (tiles, plan.states, plan.lanes)
        self._share(kernels.backward, arguments, queue, tail, 3 * tiles * plan.work)

    def forward_calls(self, X: FloatArray, keep: NDArray[Any], values: FloatArray) -> list[Call]:
        """Return what `forward` does, as calls on fixed arrays, for a program that begins in 0 or in its inputs."""
        queue = _new_queues(1)
        return [clear(queue), self._forward_call(X, keep, values, queue[0])]

    def sweep_calls(
        self,
        X: FloatArray,
        values: FloatArray,
        cotangent: FloatArray,
        by_weights: FloatArray,
        by_inputs: FloatArray | None,
        between: list[Call],
    ) -> list[Call]:
        """Return what `sweep` does, as calls on fixed arrays, with those ``between`` that compute the cotangent."""
        tables, keep, outcomes = self.plan.tables, self.kept(len(X)), self.outcomes
        shared = _new_queues(2 if outcomes is None else 4)  # all are cleared at the beginning of a sweep
        by_tile = np.empty((len(keep), tables.sums))
        by_sample = np.empty((len(X), len(tables.local_slots)))
        forward = [clear(shared), self._forward_call(X, keep, values if outcomes is None else NO_VALUES, shared[0])]
        backward, seeds = [], keep[:0]
        if outcomes is not None:
            seeds = buffers.allocate(keep.size, keep.dtype).reshape(keep.shape)
            forward.append(self._outcomes_call(outcome_kernels.read, (keep, outcomes, values), shared[2]))
            backward.append(self._outcomes_call(outcome_kernels.seed, (keep, outcomes, cotangent, seeds), shared[3]))
        results = by_weights, by_tile, by_sample, NO_STATES
        arguments = self.constants, (X, cotangent, seeds), keep, results
        backward.append(self._call(kernels.backward, arguments, shared[1], len(X), 3))
        return [*forward, *between, *backward, *self._inputs_calls(by_sample, by_inputs)]

    def _inputs_calls(self, by_sample: FloatArray, by_inputs: FloatArray | None) -> list[Call]:
        """Return the call that computes derivatives with respect to the inputs, if they are wanted."""
        if by_inputs is None:
            return []
        rows = self.plan.tables.input_rows
        return [Call(inputs.by_inputs, rows.columns, rows.rows, rows.values, by_sample, by_inputs)]

    def visit_calls(
        self,
        X: FloatArray,
        values: FloatArray,
        cotangent: FloatArray,
        by_weights: FloatArray,
        by_inputs: FloatArray | None,
        between: RowCalls,
        sizes: Visit,
    ) -> list[Call]:
        """Return what `sweep_calls` does with calls ``between`` that can be made on the rows of a tile.

        The run's buffer must have the size of a visit's scratch.
        """
        plan, program = self.plan, self.program
        tables, tiles = plan.tables, -(-len(X) // plan.per_tile)
        by_sample = np.empty((len(X), len(tables.local_slots)))
        results = by_weights, np.empty((tiles, tables.sums)), by_sample
        queue = _new_queues(1)
        out = Call(
            visits.visit,
            self.constants,
            self.weights,
            (X, X.view(np.complex128) if program.starts else NO_STATES),
            (between.table, values, cotangent),
            self.outcomes,
            results,
            self._buffer,
            queue[0],
            tiles,
            plan.states,
            plan.own,
            sizes.places,
            sizes.step,
            plan.lanes,
        )
        out.keeps = between
        if 4 * tiles * plan.work >= plan.loop_work:
            out.most_threads = tiles
            out.scratch_bytes = sizes.scratch_size * self._buffer.itemsize
        return [clear(queue), out, *self._inputs_calls(by_sample, by_inputs)]

    def _forward_call(self, X: FloatArray, keep: NDArray[Any], values: FloatArray, queue: NDArray[np.int64]) -> Call:
        initial = X.view(np.complex128) if self.program.starts else NO_STATES
        return self._call(
            kernels.forward,
            (self.constants, self.weights, (X, initial), (keep, values)),
            queue,
            len(X),
            1,
            (self.plan.own,),
        )

    def _call(
        self,
        kernel: Any,
        arguments: tuple[Any, ...],
        queue: NDArray[np.int64],
        samples: int,
        passes: int,
        places: tuple[int, ...] = (),
    ) -> Call:
        """Return the counterpart of `_share` for calls; ``places`` are arguments that only some kernels have."""
        plan = self.plan
        tiles = -(-samples // plan.per_tile)
        out = Call(kernel, *arguments, self._buffer, queue, tiles, plan.states, *places, plan.lanes)
        if passes * tiles * plan.work >= plan.loop_work:
            out.most_threads = tiles
            out.scratch_bytes = plan.scratch_bytes
        return out

    def _outcomes_call(self, kernel: Any, arguments: tuple[Any, ...], queue: NDArray[np.int64]) -> Call:
        """Return the counterpart of `_share_tiles` for calls."""
        plan, tiles = self.plan, len(arguments[0])
        out = Call(kernel, *arguments, queue, tiles, plan.states, plan.lanes)
        if tiles * plan.tile_size >= plan.loop_work:
            out.most_threads = tiles
        return out


def _new_queues(count: int) -> NDArray[np.int64]:
    return np.zeros((count, queues.QUEUE_WORDS), np.int64)
