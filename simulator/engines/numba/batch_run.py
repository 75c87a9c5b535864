"""Evaluation of a batch of samples, in which threads take whole tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.kernels import inputs
from simulator.engines.numba.kernels import tiles as kernels
from simulator.engines.numba.layout import queues
from simulator.engines.numba.loops import Call, clear
from simulator.engines.numba.run import NO_STATES, FloatArray, Run
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
        tail = (tiles, plan.states, plan.lanes)
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
        """Return what `forward` does, as calls on fixed arrays, for a program without given amplitudes."""
        self._queues = np.zeros((2, queues.QUEUE_WORDS), np.int64)
        arguments = self.constants, self.weights, (X, NO_STATES), (keep, values)
        return [clear(self._queues), self._call(kernels.forward, arguments, self._queues[0], len(X), 1)]

    def backward_calls(
        self,
        X: FloatArray,
        keep: NDArray[Any],
        cotangent: FloatArray,
        by_weights: FloatArray,
        by_inputs: FloatArray | None,
    ) -> list[Call]:
        """Return what `backward` does, as calls that follow those of `forward_calls`."""
        plan, tables = self.plan, self.plan.tables
        by_tile = np.empty((-(-len(X) // plan.per_tile), tables.sums))
        by_sample = np.empty((len(X), len(tables.local_slots)))
        results = by_weights, by_tile, by_sample, NO_STATES
        arguments = self.constants, (X, cotangent, keep[:0]), keep, results
        calls = [self._call(kernels.backward, arguments, self._queues[1], len(X), 3)]
        if by_inputs is not None:
            rows = tables.input_rows
            calls.append(Call(inputs.by_inputs, rows.columns, rows.rows, rows.values, by_sample, by_inputs))
        return calls

    def _call(
        self, kernel: Any, arguments: tuple[Any, ...], queue: NDArray[np.int64], samples: int, passes: int
    ) -> Call:
        """Return the counterpart of `_share` for calls."""
        plan = self.plan
        tiles = -(-samples // plan.per_tile)
        out = Call(kernel, *arguments, self._buffer, queue, tiles, plan.states, plan.lanes)
        if passes * tiles * plan.work >= plan.serial_work:
            out.most_threads, out.scratch = tiles, len(arguments)
            out.scratch_bytes = plan.scratch_size * self._buffer.itemsize
        return out
