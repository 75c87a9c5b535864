"""Evaluation of large states: all threads work on one sample's state, stage by stage."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import memory, progress
from simulator.engines.numba import buffers, reordering, simd
from simulator.engines.numba.kernels import big, packing
from simulator.engines.numba.layout import scratch as layout
from simulator.engines.numba.run import FloatArray, Run
from simulator.engines.numba.sharing import new_queue
from simulator.program.starts import amplitude_runs

_STORED = np.zeros(0)  # in place of a phase: a stage leaves the state as it is stored
_NO_COTANGENT = np.zeros(0)


class LargeStateRun(Run):
    """Evaluation of samples one after another, each in pieces; see `kernels.big`."""

    def forward(self, X: FloatArray, keep: NDArray[Any], values: FloatArray) -> None:
        plan, program = self.plan, self.program
        if not len(keep):
            memory.check_state(program.num_qubits, 1, program.precision)
        state = keep if len(keep) else buffers.allocate(plan.tables.state_size, program.dtype, zeros=False)[None, :]
        for row in progress.steps(range(len(X))):
            x, psi = X[row : row + 1], state[row if len(keep) else 0]
            amplitudes = self._given(x, psi)
            if not plan.tables.stages and len(amplitudes):
                self._pieces(big.big_given, (amplitudes, psi))
            self._forward(x, psi, amplitudes)
            if len(values):
                parts = np.empty((plan.pieces, values.shape[1]))
                self._pieces(big.big_expect, (plan.packed, psi, parts, values[row]))
            self._check_angles(x)

    def state(self, x: FloatArray, psi: NDArray[Any], phase: complex) -> None:
        """Write the final state of one sample to ``psi``: complex numbers in the circuit's order, times ``phase``."""
        plan = self.plan
        amplitudes = self._given(x, psi)
        if plan.tables.stages and plan.in_order:
            self._forward(x, psi, amplitudes, np.array([phase.real, phase.imag]))
        else:
            for last in progress.steps((False, True)):  # reordering a large state takes as long as many gates
                if not last:
                    self._forward(x, psi, amplitudes)
                elif plan.tables.stages or not len(amplitudes):
                    reordering.to_complex(psi, plan.reordering, plan.lanes or 0, phase)
                else:
                    reordering.to_complex(psi, plan.reordering_elsewhere, plan.lanes or 0, phase, amplitudes)
        self._check_angles(x)

    def _given(self, x: FloatArray, psi: NDArray[Any]) -> NDArray[np.complex128]:
        """Write the initial state of sample x to ``psi`` if it is given, or return amplitudes that are in order."""
        program, width = self.program, simd.width(self.program.dtype)
        starts = program.starts
        if not starts:
            return reordering.NO_AMPLITUDES
        if starts[0].qubits == tuple(range(program.num_qubits)):
            return starts[0].normalised(x, self.weights)[0][0].astype(complex, copy=False)
        psi[:] = 0
        for index, values in amplitude_runs(starts, x, self.weights):
            places = index // width * (2 * width) + index % width
            psi[places] = values[0].real
            psi[places + width] = values[0].imag
        return reordering.NO_AMPLITUDES

    def _forward(
        self, x: FloatArray, psi: NDArray[Any], amplitudes: NDArray[np.complex128], phase: FloatArray = _STORED
    ) -> None:
        """Apply all gates; the first stage reads ``amplitudes``, if any, and the last one multiplies by ``phase``."""
        plan, tables = self.plan, self.plan.tables
        arguments = (
            plan.packed, self.weights, tables.stage_words, self.base, psi, self.shared, self.stored, x,
            plan.block_begin, amplitudes, phase,
        )  # fmt: skip
        steps = len(tables.stages)
        self._pieces(big.big_forward, arguments, steps + 2, tables.passes + steps + 1)

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
        lam = buffers.allocate(tables.state_size, program.dtype, not program.strings) if seeds is None else seeds[0]
        count, by_slot = plan.pieces, np.empty(tables.slots)
        has_product = tables.layout[layout.START] == layout.PRODUCT_STATE and tables.layout[layout.CHAIN_NEEDED]
        parts = np.zeros((count, tables.slots)), np.empty((count if has_product else 0, 4 * program.num_qubits + 2))
        arguments = (
            plan.packed, tables.needed_stage_words, self.base, psi, lam,
            cotangent[0] if seeds is None else _NO_COTANGENT, self.shared, self.stored, X,
            (*parts, by_slot, by_weights), plan.block_begin,
        )  # fmt: skip
        steps = len(tables.stages) - tables.first_stage
        self._pieces(big.big_backward, arguments, steps + 3, tables.passes + steps + 2)
        if len(start_lam):
            packing.unpack(lam[None, :], start_lam, 1, plan.lanes)
        by_sample[:] = by_slot[tables.local_slots]

    def _pieces(self, kernel: Any, arguments: tuple[Any, ...], steps: int = 1, passes: int = 1) -> None:
        """Call a kernel that takes all pieces of a state in each step, and as long as a number of passes over it."""
        work = passes * self.plan.tables.state_size
        self._share(kernel, arguments, new_queue(), (self.plan.pieces, self.plan.lanes), work, steps)
