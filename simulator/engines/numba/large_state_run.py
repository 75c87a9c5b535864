"""Evaluation of large states: all threads work on one sample's state, stage by stage."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import memory, progress
from simulator.engines.numba import buffers, reordering, simd
from simulator.engines.numba.kernels import big, packing, stages
from simulator.engines.numba.layout import scratch as layout
from simulator.engines.numba.run import NO_STATES, FloatArray, Run
from simulator.engines.numba.sharing import new_queue
from simulator.program.starts import amplitude_runs

_STORED = np.zeros(0)  # in place of a phase: a stage leaves the state as it is stored
_PIECES = 32  # number of parts of a pass over a large state; fixed, so that sums do not depend on the number of threads


class LargeStateRun(Run):
    """Evaluation of samples one after another, each in pieces; see `kernels.stages` and `kernels.big`."""

    def forward(self, X: FloatArray, keep: NDArray[Any], values: FloatArray) -> None:
        plan, program = self.plan, self.program
        if not len(keep):
            memory.check_state(program.num_qubits, 1, program.precision)
        state = keep if len(keep) else buffers.allocate(plan.tables.state_size, program.dtype, zeros=False)[None, :]
        for row in range(len(X)):
            x, psi = X[row : row + 1], state[row if len(keep) else 0]
            amplitudes = self._begin(x, psi)
            if not plan.tables.stages and len(amplitudes):
                self._pieces(big.big_given, (amplitudes, psi), self._product_pieces)
            self._apply(x, psi, amplitudes)
            if len(values):
                parts = np.zeros((_PIECES, values.shape[1]))
                self._pieces(big.big_expect, (plan.packed, psi, parts))
                values[row] = parts.sum(axis=0)
            self._check_angles(x)

    def state(self, x: FloatArray, psi: NDArray[Any], phase: complex) -> None:
        """Write the final state of one sample to ``psi``: complex numbers in the circuit's order, times ``phase``."""
        plan = self.plan
        amplitudes = self._begin(x, psi)
        if plan.tables.stages and plan.in_order:
            self._apply(x, psi, amplitudes, np.array([phase.real, phase.imag]))
        elif plan.tables.stages or not len(amplitudes):
            for last in progress.steps((False, True)):  # reordering a large state takes as long as many gates
                if last:
                    reordering.to_complex(psi, plan.reordering, plan.lanes or 0, phase)
                else:
                    self._apply(x, psi, amplitudes)
        else:
            reordering.to_complex(psi, plan.reordering_elsewhere, plan.lanes or 0, phase, amplitudes)
        self._check_angles(x)

    @property
    def _product_pieces(self) -> int:
        """Number of parts in which the initial state is written."""
        return min(_PIECES, 1 << (self.program.num_qubits - (self.plan.lanes or 0)))

    def _begin(self, x: FloatArray, psi: NDArray[Any]) -> NDArray[np.complex128]:
        """Write the initial state of sample x to ``psi``, or return it if its amplitudes exist in order already."""
        plan, program = self.plan, self.program
        big.big_start(
            plan.packed, self.weights, self.base, self.shared, self.stored, x, NO_STATES, psi, self._buffer, plan.lanes
        )
        starts, width = program.starts, simd.width(program.dtype)
        if not starts:
            self._pieces(big.big_product, (plan.packed, self.base, x, psi, self.shared), self._product_pieces)
            return reordering.NO_AMPLITUDES
        if starts[0].qubits == tuple(range(program.num_qubits)):
            return starts[0].normalised(x, self.weights)[0][0].astype(complex, copy=False)
        psi[:] = 0
        for index, values in amplitude_runs(starts, x, self.weights):
            places = index // width * (2 * width) + index % width
            psi[places] = values[0].real
            psi[places + width] = values[0].imag
        return reordering.NO_AMPLITUDES

    def _apply(
        self, x: FloatArray, psi: NDArray[Any], amplitudes: NDArray[np.complex128], phase: FloatArray = _STORED
    ) -> None:
        """Apply all stages; the first one reads ``amplitudes``, if any, and the last one multiplies by ``phase``."""
        plan = self.plan
        arguments = (
            plan.packed, plan.tables.stage_words, self.base, psi, self.shared, self.stored, x, plan.block_begin,
            amplitudes, phase,
        )  # fmt: skip
        self._stages(stages.stages_apply, arguments, len(plan.tables.stages))

    def _undo(
        self,
        X: FloatArray,
        keep: NDArray[Any],
        cotangent: FloatArray,
        seeds: NDArray[Any] | None,
        results: tuple[NDArray[Any], ...],
    ) -> None:
        by_weights, _, by_sample, start_lam = results
        plan, program, psi = self.plan, self.program, keep[0]  # a chunk is one sample
        tables = plan.tables
        memory.check_state(program.num_qubits, 1, program.precision)
        lam = buffers.allocate(tables.state_size, program.dtype) if seeds is None else seeds[0]
        parts = np.zeros((self._block_pieces, tables.slots))
        if seeds is None:
            self._pieces(big.big_seed, (plan.packed, lam, psi, cotangent[0]))
        arguments = (
            plan.packed, tables.needed_stage_words, self.base, psi, lam, self.shared, self.stored, X, parts,
            plan.block_begin,
        )  # fmt: skip
        self._stages(stages.stages_undo, arguments, len(tables.stages) - tables.first_stage)
        by_slot = parts.sum(axis=0)
        if len(start_lam):
            packing.unpack(lam[None, :], start_lam, 1, plan.lanes)
        if tables.layout[layout.START] == layout.PRODUCT_STATE and tables.layout[layout.CHAIN_NEEDED]:
            n, lanes = program.num_qubits, plan.lanes or 0
            contracted = np.empty((min(_PIECES, 1 << (n - lanes - 1)), 4 * n + 2))
            self._pieces(
                big.big_contract,
                (plan.packed, self.base, X, psi, lam, self.shared, contracted),
                len(contracted),
            )
            big.big_finish(plan.packed, self.base, X, contracted, self.shared, by_slot, self._buffer, plan.lanes)
        by_sample[:] = by_slot[tables.local_slots]
        by_weights[:] = tables.weight_rows.transposed(by_slot, len(by_weights))

    @property
    def _block_pieces(self) -> int:
        """Number of groups of blocks of a stage."""
        return min(_PIECES, self.plan.tables.most_blocks)

    def _stages(self, kernel: Any, arguments: tuple[Any, ...], count: int) -> None:
        """Run ``count`` stages; their kernel reads the end of the queue from the queue itself."""
        plan, pieces = self.plan, self._block_pieces
        if count:
            queue = new_queue(count * pieces)
            work = (plan.tables.passes + count) * plan.tables.state_size  # copying a block is a pass, too
            self._share(kernel, arguments, queue, (pieces, plan.lanes), work)

    def _pieces(self, kernel: Any, arguments: tuple[Any, ...], pieces: int = _PIECES) -> None:
        queue = new_queue()
        self._share(kernel, arguments, queue, (pieces, self.plan.lanes), self.plan.tables.state_size)
