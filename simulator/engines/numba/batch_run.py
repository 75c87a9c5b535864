"""Evaluation of a batch of samples, in which threads take whole tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.kernels import tiles as kernels
from simulator.engines.numba.layout import queues
from simulator.engines.numba.run import NO_STATES, FloatArray, Run
from simulator.program.starts import product_states


class BatchRun(Run):
    """Evaluation of many samples, tile by tile; see `kernels.tiles`."""

    def forward(self, X: FloatArray, keep: NDArray[Any], values: FloatArray) -> None:
        plan, program = self.plan, self.program
        initial = self._initial(X) if program.starts else NO_STATES
        tiles = -(-len(X) // plan.per_tile)
        queue = np.zeros(queues.TILE_COUNTERS, np.int64)
        queue[queues.READY] = self._prepared
        self._prepared = queues.PREPARED
        arguments = self.constants, self.weights, (X, initial), (keep, values)
        tail = (tiles, plan.states, plan.lanes)
        self._share(kernels.forward, arguments, queue, tail, tiles * plan.work, queues.DONE)
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
        queue, tail = np.zeros(queues.TILE_COUNTERS, np.int64), (tiles, plan.states, plan.lanes)
        self._share(kernels.backward, arguments, queue, tail, 3 * tiles * plan.work, queues.DONE)
