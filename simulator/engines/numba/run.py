"""Runs a program: chooses what the lanes hold, cuts samples into chunks, and shares them among threads."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import progress
from simulator.engines.numba import memory, reordering
from simulator.engines.numba.kernels import big, stages
from simulator.engines.numba.kernels import tiles as tiles_kernels
from simulator.engines.numba.layout import queues
from simulator.engines.numba.layout import scratch as layout
from simulator.engines.numba.tables.tables import Tables
from simulator.engines.numba.threads import get_num_threads, parallel, watched
from simulator.program import stages as scheduling
from simulator.program.levels import Angle
from simulator.program.lowering import Start
from simulator.program.program import Program

FloatArray = NDArray[np.float64]

_BATCH_QUBITS = 12  # up to here lanes may hold samples: a tile's two states take 1 MiB, a second-level cache
_BIG_QUBITS = 17  # from here on threads share one state
_BIG_ALONE = 14  # the same for a single sample
_KEEP_BYTES = 1 << 25  # final states kept between a sweep forward and back
_FEWEST_TILES = 4  # kept at least, whatever their size
_FEW_TILES = 8  # before a tile holds several states, so many threads have one
_SERIAL_WORK = 350_000  # floats passed over below which a second thread does not pay for itself
_LONG = 1 << 28  # floats passed over that take long enough to be watched
_LONG_STATE = 1 << 25  # floats of a state of which a stage does
_KEPT_PLANS = 64
_RUN = 1 << 20  # amplitudes of an initial state made at a time
_PIECES = 32  # parts of a pass over a big state; fixed, so that sums do not depend on the threads


class Plan:
    """How a number of samples of a program is run: what lanes hold, chunks, threads, sizes. Kept by the program.

    Parameters
    ----------
    program : Program
    samples : int
    derive_inputs : bool
        Whether gradients by the inputs are wanted.
    """

    def __init__(self, program: Program, samples: int, derive_inputs: bool) -> None:
        n, W = program.num_qubits, program.width
        lane_bits = W.bit_length() - 1
        filled = samples / (-(-samples // W) * W)
        in_batches = n <= lane_bits or (n <= _BATCH_QUBITS and filled * max(5.5 - 0.4 * n, 1.2) >= 1)
        self.lanes = None if in_batches else lane_bits
        self.big = not in_batches and (n >= _BIG_QUBITS or (samples == 1 and n >= _BIG_ALONE))
        self.derive_inputs = derive_inputs
        tables = self.tables = program.tables(self.lanes, derive_inputs, self.big)
        single = W if in_batches else 1
        self.states = max(1, min(tables.most_states, samples // (single * _FEW_TILES)))
        self.per_tile = self.states * single
        self.tile_size = self.states * tables.state_size
        kept = _KEEP_BYTES // (self.tile_size * np.dtype(program.dtype).itemsize)
        step = (1 if self.big else max(kept, _FEWEST_TILES)) * self.per_tile
        self.chunks = [slice(begin, min(begin + step, samples)) for begin in range(0, samples, step)]
        self.packed, self.scratch_size = _without_states(tables) if self.big else (tables.packed, tables.scratch_size)
        self.block_begin = _round(self.scratch_size)
        self.scratch_size = self.block_begin + tables.block_size
        self.shared_begin = _round(self.scratch_size)
        self.stored_begin = self.shared_begin + _round(tables.shared_size)
        self.buffer_size = self.stored_begin + tables.stored_size
        self.work = (tables.passes + 1) * self.tile_size
        split = len(program.inputs)
        numbers = [k for start in program.starts for angle in start.angles for k in angle.factors]
        self.encoded = any(derive_inputs or k >= split for k in numbers)
        self._lowered, self._amplitude_bytes = program.lowered, 2 * np.dtype(program.dtype).itemsize

    @functools.cached_property
    def reordering(self) -> list[NDArray[np.int64]]:
        """The passes from a big state to the circuit's order."""
        lowered, lanes = self._lowered, self.lanes or 0
        n = len(lowered.x_columns)
        offset = reordering.image(lowered.x_columns, lowered.flips)
        bits = scheduling.block_bits(n, 1, self._amplitude_bytes)
        return reordering.passes(lowered.x_columns, offset, lanes, bits)


def plan(program: Program, samples: int, derive_inputs: bool = False) -> Plan:
    """The program's plan for this number of samples, made at its first use."""
    key = samples, derive_inputs
    found = program.plans.get(key)
    if found is None:
        if len(program.plans) >= _KEPT_PLANS:
            program.plans.clear()
        found = program.plans[key] = Plan(program, samples, derive_inputs)
    return found


class Run:
    """One evaluation of a program at given weights.

    Parameters
    ----------
    program : Program
    weights : float64 ndarray, shape (n_weights,), contiguous
    samples : int
    derive_inputs : bool
        Whether `backward` shall derive by the inputs too.
    """

    def __init__(self, program: Program, weights: FloatArray, samples: int, derive_inputs: bool = False) -> None:
        self.program, self.weights = program, weights
        chosen = self.plan = plan(program, samples, derive_inputs)
        self._buffer = memory.take(chosen.buffer_size, program.dtype)
        self.shared = self._buffer[chosen.shared_begin : chosen.stored_begin]
        self.stored = self._buffer[chosen.stored_begin :]
        self.base = np.empty(chosen.tables.slots)
        self._prepared = 0

    def close(self) -> None:
        """Give buffers back; the run is over."""
        memory.give(self._buffer)

    def _share(
        self, kernel: Any, arguments: tuple[Any, ...], queue: NDArray[np.int64], tail: tuple[Any, ...], work: int
    ) -> None:
        """Call ``kernel(*arguments, scratch, queue, *tail)`` on as many threads as ``work`` is worth."""
        threads = 1 if work < _SERIAL_WORK else min(get_num_threads(), tail[0])
        is_long = work >= (_LONG_STATE if self.plan.big else _LONG)
        if threads < 2 and not is_long:
            kernel(*arguments, self._buffer, queue, *tail)
            return
        caller, size, dtype = get_ident(), self.plan.scratch_size, self.program.dtype

        def call() -> None:
            if get_ident() == caller:
                kernel(*arguments, self._buffer, queue, *tail)
            else:
                scratch = memory.take(size, dtype)
                kernel(*arguments, scratch, queue, *tail)
                memory.give(scratch)

        if is_long:
            watched(call, threads, queue, tail[0], None if self.plan.big else queues.DONE)
        else:
            parallel(call, threads, wait=self.plan.big)

    def _product(self, starts: list[Start], X: FloatArray) -> NDArray[np.complex128]:
        """The product state of some starts, other qubits being 0."""
        rows = len(X) if any(start.angles for start in starts) else 1
        out = np.zeros((rows, 1 << self.program.num_qubits), complex)
        for index, values in self._amplitude_runs(starts, X[:rows]):
            out[:, index] = values
        return out

    def _amplitude_runs(self, starts: list[Start], X: FloatArray) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        """Amplitudes of a product of starts, a limited number at a time: indices (m,), values (1 or n_samples, m)."""
        factors = self._factors(starts, X)
        count = math.prod(factor.shape[1] for factor in factors)
        for first in range(0, count, _RUN):
            number = np.arange(first, min(first + _RUN, count))
            index, values = np.zeros_like(number), np.ones((1, 1), complex)
            for start, factor in zip(starts, factors, strict=True):
                number, own = np.divmod(number, factor.shape[1])
                index |= _spread(own, start.qubits)
                values = values * factor[:, own]
            yield index, values

    def _factors(self, starts: list[Start], X: FloatArray) -> list[NDArray[Any]]:
        """Amplitudes of each start, shape (1 or n_samples, 2**k)."""
        return [
            start.amplitudes[None, :] if start.amplitudes is not None else self._amplitudes(start.angles, X)[0]
            for start in starts
        ]

    def _amplitudes(self, angles: tuple[Angle, ...], X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Normalised amplitudes (n_samples, 2**k) and their norms before that."""
        raw = np.empty((len(X), len(angles)))
        split = len(self.program.inputs)
        for j, angle in enumerate(angles):
            raw[:, j] = angle.constant
            for k, factor in angle.factors.items():
                raw[:, j] += factor * (X[:, k] if k < split else self.weights[k - split])
        norms = np.linalg.norm(raw, axis=1, keepdims=True)
        if not norms.all():
            row = int(np.flatnonzero(norms[:, 0] == 0)[0])
            raise ValueError(f"amplitude encoding needs a sample that is not all zeros; row {row} is")
        return raw / norms, norms

    def forward(self, X: FloatArray, keep: NDArray[Any], values: FloatArray) -> None:
        """Final states of the samples X to ``keep`` and their expectations to ``values``; either may be empty."""
        chosen = self.plan
        if chosen.big:
            self._big_forward(X, keep, values)
            return
        initial = self._product(self.program.starts, X) if self.program.starts else _NO_STATES
        tiles = -(-len(X) // chosen.per_tile)
        queue = np.zeros(queues.TILE_COUNTERS, np.int64)
        queue[queues.READY] = self._prepared
        self._prepared = queues.PREPARED
        arguments = (chosen.packed, self.weights, self.base, self.shared, self.stored, X, initial, keep, values)
        self._share(tiles_kernels.forward, arguments, queue, (tiles, chosen.states, chosen.lanes), tiles * chosen.work)

    def backward(
        self, X: FloatArray, keep: NDArray[Any], cotangent: FloatArray, seeds: NDArray[Any] | None = None
    ) -> tuple[FloatArray, FloatArray | None]:
        """Derivatives of ``sum(cotangent * expectations)`` from the kept states, which are used up.

        Or, given adjoint states ``seeds`` in the form of ``keep``, of any function with ``df = 2 Re <seed|d psi>``.

        Returns
        -------
        by_weights : float64 ndarray, shape (n_weights,)
        by_inputs : float64 ndarray, shape (len(X), n_inputs), or None
        """
        chosen, program = self.plan, self.program
        tables = chosen.tables
        by_sample = np.empty((len(X), len(tables.local_slots)))
        by_weights = np.empty(len(program.weights))
        start_lam = np.empty((len(X), 1 << program.num_qubits), complex) if chosen.encoded else _NO_STATES
        if chosen.big:
            self._big_backward(X, keep, cotangent, seeds, by_weights, by_sample, start_lam)
        else:
            tiles = -(-len(X) // chosen.per_tile)
            by_tile = np.empty((tiles, tables.slots))
            arguments = (
                chosen.packed, self.base, self.shared, self.stored, X, keep, cotangent, by_weights, by_tile, by_sample,
                start_lam, keep[:0] if seeds is None else seeds,
            )  # fmt: skip
            queue = np.zeros(queues.TILE_COUNTERS, np.int64)
            self._share(
                tiles_kernels.backward, arguments, queue, (tiles, chosen.states, chosen.lanes), 3 * tiles * chosen.work
            )
        by_inputs = self._by_inputs(by_sample) if chosen.derive_inputs else None
        if chosen.encoded:
            self._add_encoded(X, start_lam, by_weights, by_inputs)
        return by_weights, by_inputs

    def _by_inputs(self, by_sample: FloatArray) -> FloatArray:
        rows = self.plan.tables.input_rows
        out = np.zeros((len(by_sample), len(self.program.inputs)))
        np.add.at(out.T, rows.columns, rows.values[:, None] * by_sample[:, rows.rows].T)
        return out

    def _add_encoded(
        self, X: FloatArray, start_lam: NDArray[np.complex128], by_weights: FloatArray, by_inputs: FloatArray | None
    ) -> None:
        """Derivatives by parameters that are amplitudes: through the product of starts and the normalisation."""
        program, split = self.program, len(self.program.inputs)
        index = np.arange(1 << program.num_qubits)
        for start in program.starts:
            if not start.angles:
                continue
            amplitudes, norms = self._amplitudes(start.angles, X)
            others = self._product([other for other in program.starts if other is not start], X)
            own = _spread(np.arange(len(start.angles)), start.qubits)
            by_amplitude = np.empty(amplitudes.shape)
            for j, bits in enumerate(own):  # the state is linear in each amplitude
                member = (index & own[-1]) == bits
                by_amplitude[:, j] = 2 * (start_lam[:, member].conj() * others[:, index[member] ^ bits]).real.sum(
                    axis=1
                )
            along = (by_amplitude * amplitudes).sum(axis=1, keepdims=True)
            raw = (by_amplitude - along * amplitudes) / norms
            for j, angle in enumerate(start.angles):
                for k, factor in angle.factors.items():
                    if k >= split:
                        by_weights[k - split] += factor * raw[:, j].sum()
                    elif by_inputs is not None:
                        by_inputs[:, k] += factor * raw[:, j]

    def _big_forward(self, X: FloatArray, keep: NDArray[Any], values: FloatArray) -> None:
        """`forward` one sample after the other, all threads on one state."""
        chosen = self.plan
        pieces = min(_PIECES, 1 << (self.program.num_qubits - (chosen.lanes or 0)))
        if not len(keep):
            memory.check_state(self.program.num_qubits, 1, self.program.precision)
        state = keep if len(keep) else memory.allocate(chosen.tables.state_size, self.program.dtype)[None, :]
        for row in range(len(X)):
            x, psi = X[row : row + 1], state[row if len(keep) else 0]
            big.big_start(
                chosen.packed, self.weights, self.base, self.shared, self.stored, x, _NO_STATES, psi, self._buffer,
                chosen.lanes,
            )  # fmt: skip
            if self.program.starts:
                self._big_product(x, psi, pieces)
            else:
                self._pieces(big.big_product, (chosen.packed, self.base, x, psi, self.shared), pieces)
            for stage in progress.steps(chosen.tables.stages):
                arguments = (chosen.packed, stage, self.base, psi, self.shared, self.stored, x, chosen.block_begin)
                self._stage(stages.stage_apply, arguments)
            if len(values):
                parts = np.zeros((_PIECES, values.shape[1]))
                self._pieces(big.big_expect, (chosen.packed, psi, parts))
                values[row] = parts.sum(axis=0)

    def _big_product(self, x: FloatArray, psi: NDArray[Any], pieces: int) -> None:
        """The product of the program's starts at the one sample x, to a big state."""
        starts, width = self.program.starts, self.program.width
        if starts[0].qubits == tuple(range(self.program.num_qubits)):  # all amplitudes, in their order
            given = self._factors(starts, x)[0][0].astype(complex, copy=False)
            self._pieces(big.big_given, (given, psi), pieces)
            return
        psi[:] = 0
        for index, values in self._amplitude_runs(starts, x):
            places = index // width * (2 * width) + index % width
            psi[places] = values[0].real
            psi[places + width] = values[0].imag

    def to_complex(self, psi: NDArray[Any], phase: complex) -> NDArray[Any]:
        """One big state, kept by `forward`, in the circuit's basis times ``phase``: complex numbers in its memory."""
        return reordering.to_complex(psi, self.plan.reordering, self.plan.lanes or 0, phase)

    def _stage(self, kernel: Any, arguments: tuple[Any, ...]) -> None:
        """One stage; kernels of stages read the end of the queue from it."""
        queue = np.array([0, _PIECES])
        self._share(kernel, arguments, queue, (_PIECES, self.plan.lanes), self.plan.tables.state_size)

    def _pieces(self, kernel: Any, arguments: tuple[Any, ...], pieces: int = _PIECES) -> None:
        queue = np.zeros(1, np.int64)
        self._share(kernel, arguments, queue, (pieces, self.plan.lanes), self.plan.tables.state_size)

    def _big_backward(
        self,
        X: FloatArray,
        keep: NDArray[Any],
        cotangent: FloatArray,
        seeds: NDArray[Any] | None,
        by_weights: FloatArray,
        by_sample: FloatArray,
        start_lam: NDArray[Any],
    ) -> None:
        """`backward` for the single sample of a chunk."""
        chosen, psi = self.plan, keep[0]
        tables = chosen.tables
        memory.check_state(self.program.num_qubits, 1, self.program.precision)
        lam = memory.allocate(tables.state_size, self.program.dtype) if seeds is None else seeds[0]
        parts = np.zeros((_PIECES, tables.slots))
        if seeds is None:
            self._pieces(big.big_seed, (chosen.packed, lam, psi, cotangent[0]))
        for stage in progress.steps(tables.stages[tables.first_stage :][::-1]):
            self._stage(
                stages.stage_undo,
                (chosen.packed, stage, self.base, psi, lam, self.shared, self.stored, X, parts, chosen.block_begin),
            )
        by_slot = parts.sum(axis=0)
        if len(start_lam):
            tiles_kernels.unpack(lam[None, :], start_lam, 1, chosen.lanes)
        if tables.layout[layout.START] == layout.PRODUCT_STATE and tables.layout[layout.CHAIN_NEEDED]:
            n, lanes = self.program.num_qubits, chosen.lanes or 0
            contracted = np.empty((min(_PIECES, 1 << (n - lanes - 1)), 4 * n + 2))
            self._pieces(
                big.big_contract,
                (chosen.packed, self.base, X, psi, lam, self.shared, contracted),
                len(contracted),
            )
            big.big_finish(chosen.packed, self.base, X, contracted, self.shared, by_slot, self._buffer, chosen.lanes)
        by_sample[:] = by_slot[tables.local_slots]
        by_weights[:] = tables.weight_rows.transposed(by_slot, len(by_weights))


_NO_STATES = np.zeros((0, 0), complex)


def _spread(index: NDArray[np.int64], qubits: tuple[int, ...]) -> NDArray[np.int64]:
    """Indices over ``qubits`` with their bits at those qubits' places."""
    out = np.zeros_like(index)
    for k, q in enumerate(qubits):
        out |= ((index >> k) & 1) << q
    return out


def _round(size: int) -> int:
    return -(-size // 16) * 16


def _without_states(tables: Tables) -> tuple[tuple[Any, ...], int]:
    """Constants and size of a scratch that holds no states: big states are not a thread's own."""
    ints = tables.packed[0].copy()
    ints[layout.ROTATIONS : layout.END + 1] -= ints[layout.ROTATIONS]
    return (ints, *tables.packed[1:]), int(ints[layout.END])
