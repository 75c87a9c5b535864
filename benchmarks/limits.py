"""How far a training step is from the limits of this machine: `python -m benchmarks.limits`.

The limits are measured here: the rate of a large matrix product (BLAS, the highest rate of multiplications and
additions that this machine's programs reach) and the rate at which numba reads and writes arrays that lie in each
cache. The work is what the engine's own schedule (docs/engine.md) says it does, counted in real additions and
multiplications for each sample and amplitude:

* a fused rotation: 4 forwards; 4 to undo it on a state, 4 for its derivative if one of its pass is wanted. If angles
  differ from sample to sample, a pass multiplies by cosines besides, 2 each time. The way back is that of two states,
  or of the adjoint state alone where the others are kept;
* another rotation: 6 forwards; 12 to undo it on both states, 5 for its derivative;
* phases: 6 each time, with fused rotations on as many states as these, and 4 for their derivatives, or (a pass of their
  own) on two states, 3 and a Walsh-Hadamard transform (n);
* the product state at the start: 6; to contract the adjoint state with it: 16; in a large state 12 and 42;
* expectations: 3 and a transform; the adjoint's seed: 2 and a transform.

Sines and cosines, and transforms of sums over samples, which are few, are not counted. A matrix product multiplies and
adds in every instruction, and so does a fused rotation; another one takes two instructions for three operations.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import avx2
from benchmarks.peers import ours
from benchmarks.workloads import SUITE, Workload
from simulator.engines.numba.layout import passes, scratch, sections
from simulator.engines.numba.sweeps import NumbaEngine

SINGLE = passes.ROTATION, passes.LANE_ROTATION
CACHES = {"first-level cache": 2**14, "second-level cache": 2**19, "memory": 2**28}


@numba.njit(parallel=True, fastmath=True)
def scale(arrays, factor, repeats):
    """Multiply each row in place, one row for each thread, `repeats` times: a gate's pass over memory."""
    for row in numba.prange(len(arrays)):
        for _ in range(repeats):
            for column in range(arrays.shape[1]):
                arrays[row, column] *= factor


def best_seconds(work: Callable[[], object], repeats: int = 5) -> float:
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def arithmetic_rate(threads: int, precision: str) -> float:
    """Operations per second of a matrix product."""
    size = 2048
    matrix = np.random.default_rng(0).random((size, size)).astype(np.float64 if precision == "double" else np.float32)
    with threadpool_limits(threads):
        return 2 * size**3 / best_seconds(lambda: matrix @ matrix)


def bandwidth(threads: int, bytes_per_thread: int) -> float:
    """Bytes read and written per second by all threads, each in an array of its own."""
    arrays = np.ones((threads, bytes_per_thread // 8))
    repeats = max(1, 2**28 // bytes_per_thread)
    return 2 * arrays.nbytes * repeats / best_seconds(lambda: scale(arrays, 1.0, repeats))


@dataclass(frozen=True)
class Limits:
    """What the machine does at most: operations per second in each precision, bytes read and written in memory."""

    arithmetic: dict[str, float]
    memory: float

    @classmethod
    def measured(cls, threads: int) -> Limits:
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        rates = {precision: arithmetic_rate(threads, precision) for precision in ("double", "single")}
        return cls(rates, bandwidth(threads, CACHES["memory"]))

    def cells(self, amount: float, operations: float, seconds: float, precision: str) -> list[str]:
        """Two cells of a table: operations and bytes, and which part of the time they would take at the limit."""
        reached = operations / seconds / self.arithmetic[precision], amount / seconds / self.memory
        moved = f"{amount / 1e9:.2g} GB, {reached[1]:.0%}" if amount else "in the cache"
        return [f"{operations / 1e9:.2g} G, {reached[0]:.0%}", moved]

    def __str__(self) -> str:
        rates = ", ".join(f"{rate / 1e9:.0f} GFLOP/s {precision}" for precision, rate in self.arithmetic.items())
        return f"large matrix product: {rates}; memory, read and written: {self.memory / 1e9:.1f} GB/s"


@dataclass(frozen=True)
class Schedule:
    """What one sweep of a workload does: how many of each, and whether it begins with a product state."""

    fused: int  # rotations in fused passes
    derived: int  # of them in passes whose derivatives are wanted
    fused_passes: int
    doubled: int  # rotations of the doubled layer, which are not undone
    doubled_passes: int
    local_passes: int  # fused passes whose angles differ from sample to sample
    fused_phases: int  # fused passes that apply phases
    single: int  # rotations that are not fused
    single_passes: int
    phases: int  # passes of phases
    product: bool
    keeps: bool  # whether states between groups of fused passes are kept instead of undone

    @classmethod
    def of(cls, workload: Workload) -> Schedule:
        plan = NumbaEngine().plan(ours.model(workload).program, workload.n_samples)
        tables = plan.tables
        rows = tables.integers(sections.PASSES).reshape(-1, passes.COLUMNS)
        kinds = rows[:, passes.KIND]
        fused, doubled = rows[kinds == passes.FUSED], rows[tables.layout[scratch.DOUBLED] :]
        out = cls(
            fused=int(fused[:, passes.FUSED_COUNT].sum()),
            derived=int((fused[:, passes.FUSED_COUNT] * fused[:, passes.FUSED_NEEDED]).sum()),
            fused_passes=len(fused),
            doubled=int(doubled[:, passes.FUSED_COUNT].sum()),
            doubled_passes=len(doubled),
            local_passes=int(fused[:, passes.FUSED_LOCAL].sum()),
            fused_phases=int((fused[:, passes.OFFSET] >= 0).sum()),
            single=int(np.isin(kinds, SINGLE).sum() + 2 * (kinds == passes.ROTATION_PAIR).sum()),
            single_passes=int(np.isin(kinds, (*SINGLE, passes.ROTATION_PAIR)).sum()),
            phases=int((kinds == passes.PHASES).sum()),
            product=bool(tables.layout[scratch.START] == scratch.PRODUCT_STATE),
            keeps=plan.visit(0).step > 0,
        )
        if out.passes != len(rows):
            raise ValueError(f"{workload.name} has passes that are not counted here")
        return out

    @property
    def passes(self) -> int:
        """Number of passes over a state."""
        return self.fused_passes + self.single_passes + self.phases


def operations(workload: Workload) -> int:
    """Floating-point operations of one training step, counted as described above."""
    n, does = workload.n_qubits, Schedule.of(workload)
    turned = 2 if does.keeps else 3  # states forwards and backwards
    each = (
        4 * turned * (does.fused - does.doubled)
        + 4 * does.doubled
        + 4 * does.derived
        + 2 * turned * does.local_passes
        + (6 * turned + 4) * does.fused_phases
        + 23 * does.single
        + (21 + n) * does.phases
    )
    product = (22 if does.fused else 54) * does.product
    return workload.n_samples * (each + product + 5 + 2 * n) * 2**n


def traffic(workload: Workload) -> int:
    """Bytes read and written by one training step, wherever they lie: each pass one state forwards, two backwards.

    Where states are kept, a pass reads two for its derivatives, and the adjoint state is read and written; its phases
    need one more. Passes of the doubled layer do not write what they have read.
    """
    amplitude, does = 16 if workload.precision == "double" else 8, Schedule.of(workload)
    states = 6 * does.passes - 2 * does.doubled_passes + does.keeps * does.fused_phases
    return workload.n_samples * states * amplitude * 2**workload.n_qubits


def main() -> None:
    """Measure the machine, then our steps, and print how they compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--machine", action="store_true", help="only the limits of the machine")
    avx2.add_option(parser)
    options = parser.parse_args()
    avx2.apply(options, ())
    numba.set_num_threads(min(options.threads, numba.config.NUMBA_NUM_THREADS))

    rates = {precision: arithmetic_rate(options.threads, precision) for precision in ("double", "single")}
    caches = {name: bandwidth(options.threads, size) for name, size in CACHES.items()}
    print(f"{options.threads} threads")
    print("\n".join(f"arithmetic, {precision}: {rate / 1e9:7.1f} GFLOP/s" for precision, rate in rates.items()))
    print("\n".join(f"read and write, {name}: {rate / 1e9:7.1f} GB/s" for name, rate in caches.items()))
    if options.machine:
        return

    print("\n| workload | operations | at the arithmetic limit | ours | reached | GFLOP/s | GB/s moved |")
    print("|---|---|---|---|---|---|---|")
    for workload in SUITE:
        if workload.task == "train":
            limit = operations(workload) / rates[workload.precision]
            seconds = best_seconds(ours.train(workload))
            print(
                f"| {workload.name} | {operations(workload):.3g} | {limit * 1e3:.3g} ms | {seconds * 1e3:.3g} ms "
                f"| {limit / seconds:.0%} | {operations(workload) / seconds / 1e9:.3g} "
                f"| {traffic(workload) / seconds / 1e9:.3g} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
