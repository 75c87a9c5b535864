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
        return self._calls(kernels.forward, (self.constants, self.weights, (X, NO_STATES), (keep, values)), len(X), 1)

    def backward_calls(
        self,
        X: FloatArray,
        keep: NDArray[Any],
        cotangent: FloatArray,
        by_weights: FloatArray,
        by_inputs: FloatArray | None,
    ) -> list[Call]:
        """Return what `backward` does, as calls on fixed arrays."""
        plan, tables = self.plan, self.plan.tables
        by_tile = np.empty((-(-len(X) // plan.per_tile), tables.slots))
        by_sample = np.empty((len(X), len(tables.local_slots)))
        results = by_weights, by_tile, by_sample, NO_STATES
        calls = self._calls(kernels.backward, (self.constants, (X, cotangent, keep[:0]), keep, results), len(X), 3)
        if by_inputs is not None:
            rows = tables.input_rows
            calls.append(Call(inputs.by_inputs, rows.columns, rows.rows, rows.values, by_sample, by_inputs))
        return calls

    def _calls(self, kernel: Any, arguments: tuple[Any, ...], samples: int, passes: int) -> list[Call]:
        """Return the counterpart of `_share` for calls, of which one clears the queue."""
        plan, queue = self.plan, new_queue()
        tiles = -(-samples // plan.per_tile)
        call = Call(kernel, *arguments, self._buffer, queue, tiles, plan.states, plan.lanes)
        if passes * tiles * plan.work >= plan.serial_work:
            call.most_threads, call.scratch = tiles, len(arguments)
            call.scratch_bytes = plan.scratch_size * self._buffer.itemsize
        return [clear(queue), call]
