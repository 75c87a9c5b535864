"""The noisy part of the numba engine: trajectories and density matrices on this machine's CPUs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from simulator import memory
from simulator.engines.numba import buffers, simd
from simulator.engines.numba.density_run import DensityRun, uses_lanes
from simulator.engines.numba.kernels import jumps as kernels
from simulator.engines.numba.options import DEFAULT, Options
from simulator.engines.numba.sharing import new_queue, share
from simulator.engines.numba.tables.superoperators import SuperoperatorTables, superoperator_tables
from simulator.engines.numba.tables.tables import string_groups
from simulator.engines.numba.tables.trajectories import TrajectoryTables
from simulator.engines.numba.threads import get_num_threads
from simulator.observables import PauliSum
from simulator.program.superoperators import SuperoperatorProgram
from simulator.program.trajectories import TrajectoryProgram

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_SERIAL_WORK = 1 << 18  # number of amplitudes processed below which a second thread does not pay off
_LONG = 1 << 25  # number of amplitudes processed above which a call is watched


class NumbaNoisyEngine:
    """`NoisyEngine` that runs on the CPUs of this machine.

    It stores the tables of a program as long as the program exists. Safe to call from several threads at once.

    Parameters
    ----------
    options : Options
    """

    def __init__(self, options: Options = DEFAULT) -> None:
        self.options = options
        self._trajectories: WeakKeyDictionary[TrajectoryProgram, TrajectoryTables] = WeakKeyDictionary()
        self._superoperators: WeakKeyDictionary[SuperoperatorProgram, SuperoperatorTables] = WeakKeyDictionary()

    def trajectories(
        self, program: TrajectoryProgram, observables: Sequence[PauliSum], uniforms: FloatArray, final: FloatArray
    ) -> tuple[FloatArray, IntArray, IntArray]:
        W, count, n = simd.width(np.float64), len(uniforms), program.num_qubits
        memory.check_state(n, W * get_num_threads(), "double")
        tables = self._trajectories.get(program)
        if tables is None:
            tables = self._trajectories.setdefault(program, TrajectoryTables(program))
        values = np.empty((count, len(observables)))
        bits = np.zeros((count, program.num_clbits), np.int64)
        outcomes = np.zeros(len(final), np.int64)
        tiles, widest, grouped = -(-count // W), tables.widest, _grouped(observables)
        size = (2 * W << n) + (2 * W << widest) + (4 * W << 2 * widest) + (W << n) + W * len(observables)
        queue, scratch = new_queue(), buffers.take(size, np.float64)
        arguments = (
            tables.arrays, program.initial, (uniforms, final), grouped, (bits, outcomes, values), scratch,
            (n, widest), queue, tiles,
        )  # fmt: skip
        work = count * max(len(program.jumps), 1) << n
        share(kernels.run, arguments, queue, tiles, work, _SERIAL_WORK, _LONG, 8 * size)
        buffers.give(scratch)
        return values, bits, outcomes

    def density_expectations(
        self,
        program: SuperoperatorProgram,
        samples: int,
        matrices: Iterable[FloatArray],
        start: FloatArray | None = None,
    ) -> FloatArray:
        values = np.empty((samples, len(program.strings)))
        self._run(program, samples, matrices, start).forward(values)
        return values

    def density_states(
        self,
        program: SuperoperatorProgram,
        samples: int,
        matrices: Iterable[FloatArray],
        start: FloatArray | None = None,
    ) -> FloatArray:
        return self._run(program, samples, matrices, start).final_coefficients()

    def density_sweep(
        self,
        program: SuperoperatorProgram,
        samples: int,
        matrices: Iterable[FloatArray],
        cotangent: Callable[[FloatArray], FloatArray],
        start: FloatArray | None = None,
    ) -> tuple[list[FloatArray], FloatArray | None]:
        run = self._run(program, samples, matrices, start)
        values = np.empty((samples, len(program.strings)))
        run.forward(values)
        return run.backward(np.ascontiguousarray(cotangent(values)))

    def _run(
        self, program: SuperoperatorProgram, samples: int, matrices: Iterable[FloatArray], start: FloatArray | None
    ) -> DensityRun:
        tables = self._superoperators.get(program)
        if tables is None:
            made = superoperator_tables(program, uses_lanes(program.num_qubits))
            tables = self._superoperators.setdefault(program, made)
        return DensityRun(program, tables, samples, matrices, start, self.options)


def _grouped(observables: Iterable[PauliSum]) -> tuple[IntArray, IntArray, FloatArray]:
    """Group strings by X mask and parity of their Ys, in the format of `kernels.diagonals.expect`."""
    strings = [
        (x, z, k, coefficient)
        for k, observable in enumerate(observables)
        for x, z, coefficient in zip(
            observable.x_masks.tolist(), observable.z_masks.tolist(), observable.coefficients.tolist(), strict=True
        )
    ]
    return string_groups(strings, 0)
