"""The numba engine: states, expectations and adjoint sweeps of programs on this machine's CPUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from simulator import memory, progress
from simulator.caching import cached_property
from simulator.engines.numba import buffers, draws, fidelities, simd
from simulator.engines.numba.batch_run import BatchRun
from simulator.engines.numba.block_sizes import batch_qubits
from simulator.engines.numba.kernels import packing
from simulator.engines.numba.large_state_run import LargeStateRun
from simulator.engines.numba.loops import Call, RowCalls
from simulator.engines.numba.options import DEFAULT, Options
from simulator.engines.numba.plan import Plan, Plans
from simulator.engines.numba.run import NO_VALUES, Run
from simulator.engines.numba.tangents import Tangents
from simulator.engines.trait import Cotangent, NoisyEngine, PreparedSweep, StateCotangent
from simulator.program.basis import global_phases, in_circuit_basis, in_stored_basis
from simulator.program.program import Program

FloatArray = NDArray[np.float64]


class NumbaEngine:
    """`Engine` that runs on the CPUs of this machine.

    It stores the data derived from a program (tables, plans) as long as the program exists. Safe to call from several
    threads at once, and in forked processes.

    Parameters
    ----------
    options : Options
        Options of the engine; fixed, so that stored data belongs to one set of options.
    """

    def __init__(self, options: Options = DEFAULT) -> None:
        self.options = options
        self._plans: WeakKeyDictionary[Program, Plans] = WeakKeyDictionary()
        self._tangents: WeakKeyDictionary[Program, Tangents] = WeakKeyDictionary()

    @cached_property
    def noisy(self) -> NoisyEngine:
        from simulator.engines.numba.noisy_engine import NumbaNoisyEngine  # here: only noise needs its kernels

        return NumbaNoisyEngine(self.options)

    def plan(self, program: Program, samples: int, derive_inputs: bool = False, reads_states: bool = False) -> Plan:
        """Return the execution plan for a number of samples of a program."""
        plans = self._plans.get(program)
        if plans is None:
            plans = self._plans.setdefault(program, Plans(self.options))
        key = samples, derive_inputs, reads_states
        return plans.plans.get(key) or plans.add(program, *key)

    def check(self, program: Program, samples: int) -> None:
        memory.check_state(program.num_qubits, samples, program.precision)

    def expectations(self, program: Program, X: FloatArray, weights: FloatArray) -> FloatArray:
        values = np.empty((len(X), len(program.observables)))
        if not values.size:
            return values
        run = self._run(program, weights, len(X))
        run.forward(X, _no_tiles(program, run.plan), values)
        run.close()
        return values

    def probabilities(
        self, program: Program, X: FloatArray, weights: FloatArray, qubits: tuple[int, ...]
    ) -> FloatArray:
        values = np.empty((len(X), _num_outputs(program, qubits)))
        if not len(X):
            return values
        run = self.sweeping_run(program, weights, len(X), False, qubits)
        for rows in progress.steps(run.plan.chunks):
            keep = run.kept(rows.stop - rows.start)
            run.forward(X[rows], keep, NO_VALUES)
            run.read_outcomes(keep, values[rows])
        run.close()
        return values

    def states(self, program: Program, X: FloatArray, weights: FloatArray) -> NDArray[Any]:
        self.check(program, len(X))
        if not len(X):
            return _empty_states(program, 0)
        plan = self.plan(program, len(X), reads_states=True)
        if plan.big:
            large = LargeStateRun(program, weights, plan)
            out = _large_states(large, X)
            large.close()
            return out
        self.check(program, len(X) + 1)
        out = _empty_states(program, len(X))
        run = BatchRun(program, weights, plan, kept=plan.chunks[0].stop)
        for rows in progress.steps(plan.chunks):
            keep = run.kept(rows.stop - rows.start)
            run.forward(X[rows], keep, NO_VALUES)
            packing.unpack(keep, out[rows], plan.states, plan.lanes)
        run.close()
        return in_circuit_basis(program, out, X, weights)

    def sweep(
        self,
        program: Program,
        X: FloatArray,
        weights: FloatArray,
        cotangent: FloatArray | Cotangent,
        inputs: bool = False,
        qubits: tuple[int, ...] | None = None,
    ) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        values = np.empty((len(X), _num_outputs(program, qubits)))
        by_weights = np.zeros(len(weights))
        if not values.size:
            return values, by_weights, np.zeros(X.shape) if inputs else None
        run = self.sweeping_run(program, weights, len(X), inputs, qubits)
        by_inputs = run.sweep(X, slice(0, len(X)), values, by_weights, cotangent)
        run.close()
        return values, by_weights, by_inputs

    def prepared_sweep(
        self,
        program: Program,
        weights: FloatArray,
        by_weights: FloatArray,
        cotangent: Cotangent,
        inputs: bool = False,
        qubits: tuple[int, ...] | None = None,
    ) -> PreparedSweep:
        return _PreparedSweep(self, program, weights, by_weights, cotangent, inputs, qubits)

    def sweep_calls(
        self,
        program: Program,
        X: FloatArray,
        weights: FloatArray,
        values: FloatArray,
        cotangent: FloatArray,
        by_weights: FloatArray,
        by_inputs: FloatArray | None,
        qubits: tuple[int, ...] | None,
        between: list[Call],
    ) -> list[Call] | None:
        plan = self.plan(program, len(X), by_inputs is not None, qubits is not None)
        if not (values.size and _can_be_calls(program, plan, 3 * len(X))):
            return None
        outcomes, arrays = self._outcomes(program, qubits), (X, values, cotangent, by_weights, by_inputs)
        if all(call.has_rows for call in between):
            calls = RowCalls(between)
            sizes = plan.visit(calls.words)
            return BatchRun(program, weights, plan, 0, outcomes, sizes.scratch_size).visit_calls(*arrays, calls, sizes)
        if len(plan.chunks) != 1:
            return None
        return BatchRun(program, weights, plan, len(X), outcomes).sweep_calls(*arrays, between)

    def expectation_calls(
        self, program: Program, X: FloatArray, weights: FloatArray, values: FloatArray
    ) -> list[Call] | None:
        plan = self.plan(program, len(X))
        if not (values.size and _can_be_calls(program, plan, len(X))):
            return None
        return BatchRun(program, weights, plan).forward_calls(X, _no_tiles(program, plan), values)

    def sweeping_run(
        self,
        program: Program,
        weights: FloatArray,
        samples: int,
        derive_inputs: bool,
        qubits: tuple[int, ...] | None = None,
    ) -> Run:
        """Return a run of samples that can sweep backward, from expectations or from probabilities on some qubits."""
        plan = self.plan(program, samples, derive_inputs, reads_states=qubits is not None)
        if plan.big:
            self.check(program, 2)
        return _run_of(plan)(program, weights, plan, plan.chunks[0].stop, self._outcomes(program, qubits))

    def _outcomes(self, program: Program, qubits: tuple[int, ...] | None) -> NDArray[np.int64] | None:
        """Outcome on the qubits at each stored index; stored beside the plans."""
        return None if qubits is None else self._plans[program].outcomes(program, qubits)

    def state_sweep(
        self, program: Program, X: FloatArray, weights: FloatArray, cotangent: StateCotangent, inputs: bool = False
    ) -> tuple[FloatArray, FloatArray | None]:
        by_weights = np.zeros(len(weights))
        by_inputs = np.zeros(X.shape) if inputs else None
        if not len(X):
            return by_weights, by_inputs
        self.check(program, 4 * len(X))
        run = self._run(program, weights, len(X), inputs, reads_states=True)
        plan = run.plan
        tiles = -(-len(X) // plan.per_tile)
        keep, seeds = (
            simd.aligned_zeros(tiles * plan.tile_size, program.dtype).reshape(tiles, plan.tile_size) for _ in range(2)
        )
        parts = [slice(rows.start // plan.per_tile, -(-rows.stop // plan.per_tile)) for rows in plan.chunks]
        for rows, part in zip(plan.chunks, parts, strict=True):
            run.forward(X[rows], keep[part], NO_VALUES)
        states = _empty_states(program, len(X))
        packing.unpack(keep, states, plan.states, plan.lanes)
        states = in_circuit_basis(program, states, X, weights)
        v = np.asarray(cotangent(states))
        if v.shape != states.shape:
            raise ValueError(f"a cotangent of shape {states.shape} expected, got {v.shape}")
        adjoint = in_stored_basis(program, 0.5 * v.astype(states.dtype), X, weights)
        packing.pack(adjoint, seeds, plan.states, plan.lanes)
        for rows, part in zip(plan.chunks, parts, strict=True):
            weights_part, inputs_part = run.backward(X[rows], keep[part], NO_VALUES, seeds[part])
            by_weights += weights_part
            if by_inputs is not None:
                by_inputs[rows] = inputs_part
        run.close()
        by_phase = -np.einsum("si,si->s", v.conj(), states).imag
        split = len(program.inputs)
        for k, factor in program.lowered.phase.factors.items():
            if k >= split:
                by_weights[k - split] += factor * by_phase.sum()
            elif by_inputs is not None:
                by_inputs[:, k] += factor * by_phase
        return by_weights, by_inputs

    def tangents(self, program: Program, X: FloatArray, weights: FloatArray) -> FloatArray:
        memory.check_state(program.num_qubits, len(X) * max(len(weights), 1), "double")
        tables = self._tangents.get(program)
        if tables is None:
            tables = self._tangents.setdefault(program, Tangents(program))
        return tables.run(program, X, weights, self.options)

    def fidelities(
        self,
        program: Program,
        X: FloatArray,
        weights: FloatArray,
        Y: FloatArray | None = None,
        out: NDArray[Any] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> NDArray[Any]:
        out = np.empty((len(X), len(X if Y is None else Y)), program.dtype) if out is None else out
        state_bytes = (2 << program.num_qubits) * program.dtype().itemsize
        fidelities.fill(
            lambda rows: self._state_tiles(program, rows, weights), X, Y, out, state_bytes, self.options, progress
        )
        return out

    def fidelities_of_states(
        self, a: NDArray[Any], b: NDArray[Any] | None = None, out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        return fidelities.of_states(a, b, out, self.options)

    def draw(
        self, values: NDArray[Any], shots: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return draws.draw(values, shots, rng)

    def marginal(self, amplitudes: NDArray[Any], qubits: tuple[int, ...]) -> FloatArray:
        return draws.marginal(amplitudes, qubits)

    def _run(
        self,
        program: Program,
        weights: FloatArray,
        samples: int,
        derive_inputs: bool = False,
        reads_states: bool = False,
    ) -> Run:
        plan = self.plan(program, samples, derive_inputs, reads_states)
        return _run_of(plan)(program, weights, plan)

    def _state_tiles(self, program: Program, X: FloatArray, weights: FloatArray) -> NDArray[Any]:
        """Final states as tiles of `kernels.fidelities`, in the stored basis, as fidelities do not depend on it."""
        rows = len(X)
        fewest = simd.width(program.dtype) if program.num_qubits <= batch_qubits(self.options) else 2
        if rows % fewest:  # padding keeps a sample bit-identical for any number of other samples
            X = np.concatenate([X, np.repeat(X[-1:], -rows % fewest, axis=0)])
        plan = self.plan(program, len(X), reads_states=True)
        if plan.lanes is not None:
            return fidelities.packed(self.states(program, X, weights)[:rows])
        run = self._run(program, weights, len(X), reads_states=True)
        count = -(-len(X) // plan.per_tile)
        keep = simd.aligned_zeros(count * plan.tile_size, program.dtype, 4096).reshape(count, plan.tile_size)
        run.forward(X, keep, NO_VALUES)
        run.close()
        return keep.reshape(count * plan.states, plan.tables.state_size)


class _PreparedSweep:
    """Sweep whose run, with its buffers, is kept as long as the number of samples stays the same."""

    def __init__(
        self,
        engine: NumbaEngine,
        program: Program,
        weights: FloatArray,
        by_weights: FloatArray,
        cotangent: Cotangent,
        inputs: bool,
        qubits: tuple[int, ...] | None,
    ) -> None:
        self._engine, self._program, self._weights, self._inputs = engine, program, weights, inputs
        self._by_weights, self._cotangent, self._qubits = by_weights, cotangent, qubits
        self._outputs = _num_outputs(program, qubits)
        self._run: Run | None = None
        self._samples = 0

    def __call__(self, X: FloatArray, rows: slice) -> FloatArray | None:
        samples, run = len(X), self._run
        if samples != self._samples or run is None:
            if not samples:
                return np.zeros(X.shape) if self._inputs else None
            self.close()
            run = self._run = self._engine.sweeping_run(
                self._program, self._weights, samples, self._inputs, self._qubits
            )
            self._samples = samples
        else:
            run.restart()
        return run.sweep(X, rows, np.empty((samples, self._outputs)), self._by_weights, self._cotangent)

    def close(self) -> None:
        """Release the buffers."""
        if self._run is not None:
            self._run.close()
            self._run = None

    __del__ = close


def _num_outputs(program: Program, qubits: tuple[int, ...] | None) -> int:
    """Number of expectations, or of outcomes on the qubits."""
    return len(program.observables) if qubits is None else 1 << len(qubits)


def _run_of(plan: Plan) -> type[Run]:
    return LargeStateRun if plan.big else BatchRun


def _can_be_calls(program: Program, plan: Plan, samples: int) -> bool:
    """Whether the work on a number of samples can be calls, which no one watches, of the kernels of tiles."""
    is_long = samples * plan.work >= plan.long_work * plan.per_tile
    starts_in_calls = program.begins_in_inputs or not program.starts
    return starts_in_calls and not (plan.big or is_long)


def _no_tiles(program: Program, plan: Plan) -> NDArray[Any]:
    """Final states that are not kept."""
    return np.empty((0, plan.tables.state_size), program.dtype)


def _empty_states(program: Program, samples: int) -> NDArray[Any]:
    return np.empty((samples, 1 << program.num_qubits), np.result_type(program.dtype, np.complex64))


def _large_states(run: LargeStateRun, X: FloatArray) -> NDArray[Any]:
    """Final states, each computed in the memory of the result."""
    program, size = run.program, run.plan.tile_size
    phases = np.exp(1j * global_phases(program, X, run.weights)).tolist()
    buffer = buffers.allocate(len(X) * size, program.dtype, zeros=False).reshape(len(X), size)
    for row in progress.steps(range(len(X))):
        run.state(X[row : row + 1], buffer[row], phases[row])
    return buffer.view(np.result_type(program.dtype, np.complex64))
