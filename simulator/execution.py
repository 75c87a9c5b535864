"""Runs a program: chooses what the lanes hold, cuts samples into chunks, and shares them among threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import memory, simd
from simulator.kernels import big, steps
from simulator.kernels import tiles as tiles_kernels
from simulator.lowering import Angle, Start
from simulator.program import Program
from simulator.tables import Tables
from simulator.threads import get_num_threads, parallel

FloatArray = NDArray[np.float64]
Cotangent = Callable[[FloatArray, slice], FloatArray]

_BATCH_QUBITS = 12  # up to here lanes may hold samples: a tile's two states take 1 MiB, a second-level cache
_BIG_QUBITS = 17  # from here on threads share one state
_BIG_ALONE = 14  # the same for a single sample
_KEEP_BYTES = 1 << 25  # final states kept between a sweep forward and back
_FEWEST_TILES = 4  # kept at least, whatever their size
_SERIAL_WORK = 100_000  # floats passed over below which a second thread does not pay for itself
_PIECES = 32  # parts of a pass over a big state; fixed, so that sums do not depend on the threads


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
        self.program, self.weights, self.samples = program, weights, samples
        self.derive_inputs = derive_inputs
        n, W = program.num_qubits, program.width
        lane_bits = W.bit_length() - 1
        filled = samples / (-(-samples // W) * W)
        in_batches = n <= lane_bits or (n <= _BATCH_QUBITS and filled * max(5.5 - 0.4 * n, 1.2) >= 1)
        self.lanes = None if in_batches else lane_bits
        self.big = not in_batches and (n >= _BIG_QUBITS or (samples == 1 and n >= _BIG_ALONE))
        self.per_tile = W if in_batches else 1
        tables = self.tables = program.tables(self.lanes, derive_inputs)
        shared = _round(tables.shared_size)
        self._buffer = memory.take(shared + tables.stored_size, program.dtype)
        self.shared = self._buffer[:shared]
        self.stored = self._buffer[shared:]
        self.base = np.empty(tables.slots)
        self._prepared = 0
        if self.big:
            self._packed, self._scratch_size = _without_states(tables)
        else:
            self._packed, self._scratch_size = tables.packed, tables.scratch_size

    def close(self) -> None:
        """Give buffers back; the run is over."""
        memory.give(self._buffer)

    def chunks(self) -> list[slice]:
        """Rows whose final states are kept together."""
        bytes_each = self.tables.state_size * (8 if self.program.precision == "double" else 4)
        step = (1 if self.big else max(_KEEP_BYTES // bytes_each, _FEWEST_TILES)) * self.per_tile
        return [slice(begin, min(begin + step, self.samples)) for begin in range(0, self.samples, step)]

    def threads(self, tiles: int, sweeps: int) -> int:
        """Threads worth using for ``tiles`` tiles."""
        work = tiles * (self.tables.passes + 1) * self.tables.state_size * sweeps
        return 1 if work < _SERIAL_WORK else min(get_num_threads(), tiles)

    def _share(self, kernel: Any, arguments: tuple[Any, ...], queue: Any, tail: tuple[Any, ...], threads: int) -> None:
        """Call ``kernel(*arguments, scratch, queue, *tail)`` on several threads."""
        size, dtype = self._scratch_size, self.program.dtype

        def call() -> None:
            scratch = memory.take(size, dtype)
            kernel(*arguments, scratch, queue, *tail)
            memory.give(scratch)

        if threads < 2:
            call()
        else:
            parallel(call, threads)

    def initial(self, X: FloatArray) -> NDArray[np.complex128]:
        """Amplitudes before the first gate, shape (1 or n_samples, 2**n); empty for ``|0...0>``."""
        starts = self.program.starts
        return self._product(starts, X) if starts else _NO_STATES

    def _product(self, starts: list[Start], X: FloatArray) -> NDArray[np.complex128]:
        """The product state of some starts, other qubits being 0."""
        rows = len(X) if any(start.angles for start in starts) else 1
        index = np.zeros(1, np.int64)
        values = np.ones((rows, 1), complex)
        for start in starts:
            if start.amplitudes is not None:
                amplitudes = start.amplitudes[None, :]
            else:
                amplitudes = self._amplitudes(start.angles, X)[0].astype(complex)
            own = _scattered(amplitudes.shape[1], start.qubits)
            index = (index[:, None] | own[None, :]).ravel()
            values = (values[:, :, None] * amplitudes[:, None, :]).reshape(rows, -1)
        out = np.zeros((rows, 1 << self.program.num_qubits), complex)
        out[:, index] = values
        return out

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
        initial = self.initial(X)
        if self.big:
            self._big_forward(X, initial, keep, values)
            return
        tiles = -(-len(X) // self.per_tile)
        queue = np.zeros(3, np.int64)
        queue[tiles_kernels.READY] = self._prepared
        self._prepared = tiles_kernels.PREPARED
        arguments = (self._packed, self.weights, self.base, self.shared, self.stored, X, initial, keep, values)
        self._share(tiles_kernels.forward, arguments, queue, (tiles, self.lanes), self.threads(tiles, 1))

    def backward(
        self, X: FloatArray, keep: NDArray[Any], cotangent: FloatArray
    ) -> tuple[FloatArray, FloatArray | None]:
        """Derivatives of ``sum(cotangent * expectations)`` from the kept states, which are used up.

        Returns
        -------
        by_weights : float64 ndarray, shape (n_weights,)
        by_inputs : float64 ndarray, shape (len(X), n_inputs), or None
        """
        tables, program = self.tables, self.program
        by_sample = np.empty((len(X), len(tables.local_slots)))
        by_weights = np.empty(len(program.weights))
        encoded = bool(program.starts) and self._encoded()
        start_lam = np.empty((len(X), 1 << program.num_qubits), complex) if encoded else _NO_STATES
        if self.big:
            self._big_backward(X, keep, cotangent, by_weights, by_sample, start_lam)
        else:
            tiles = -(-len(X) // self.per_tile)
            by_tile = np.empty((tiles, tables.slots))
            arguments = (
                self._packed, self.base, self.shared, self.stored, X, keep, cotangent, by_weights, by_tile, by_sample,
                start_lam,
            )  # fmt: skip
            threads = self.threads(tiles, 3)
            self._share(tiles_kernels.backward, arguments, np.zeros(3, np.int64), (tiles, self.lanes), threads)
        by_inputs = self._by_inputs(by_sample) if self.derive_inputs else None
        if encoded:
            self._add_encoded(X, start_lam, by_weights, by_inputs)
        return by_weights, by_inputs

    def _encoded(self) -> bool:
        """Whether amplitudes are parameters whose derivatives are wanted."""
        split = len(self.program.inputs)
        numbers = (k for s in self.program.starts for angle in s.angles for k in angle.factors)
        return any(self.derive_inputs or k >= split for k in numbers)

    def _by_inputs(self, by_sample: FloatArray) -> FloatArray:
        rows = self.tables.input_rows
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
            own = _scattered(len(start.angles), start.qubits)
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

    def _big_forward(self, X: FloatArray, initial: NDArray[Any], keep: NDArray[Any], values: FloatArray) -> None:
        """`forward` one sample after the other, all threads on one state."""
        tables, threads = self.tables, get_num_threads()
        memory.check_state(self.program.num_qubits, 1, self.program.precision)
        state = keep if len(keep) else simd.aligned_zeros(tables.state_size, self.program.dtype)[None, :]
        for row in range(len(X)):
            x, psi = X[row : row + 1], state[row if len(keep) else 0]
            first = initial[row : row + 1] if len(initial) > 1 else initial
            scratch = memory.take(self._scratch_size, self.program.dtype)
            big.big_start(
                self._packed, self.weights, self.base, self.shared, self.stored, x, first, psi, scratch, self.lanes
            )
            memory.give(scratch)
            for r in range(tables.passes):
                arguments = (self._packed, r, self.base, psi, self.shared, self.stored, x)
                self._pieces(big.big_apply, arguments, threads)
            if len(values):
                parts = np.zeros((_PIECES, values.shape[1]))
                self._pieces(big.big_expect, (self._packed, psi, parts), threads)
                values[row] = parts.sum(axis=0)

    def _pieces(self, kernel: Any, arguments: tuple[Any, ...], threads: int) -> None:
        self._share(kernel, arguments, np.zeros(1, np.int64), (_PIECES, self.lanes), threads)

    def _big_backward(
        self,
        X: FloatArray,
        keep: NDArray[Any],
        cotangent: FloatArray,
        by_weights: FloatArray,
        by_sample: FloatArray,
        start_lam: NDArray[Any],
    ) -> None:
        """`backward` for the single sample of a chunk."""
        tables, threads, psi = self.tables, get_num_threads(), keep[0]
        memory.check_state(self.program.num_qubits, 1, self.program.precision)
        lam = simd.aligned_zeros(tables.state_size, self.program.dtype)
        parts = np.zeros((_PIECES, tables.slots))
        self._pieces(big.big_seed, (self._packed, lam, psi, cotangent[0]), threads)
        for r in range(tables.passes - 1, int(tables.layout[steps.FIRST_NEEDED]) - 1, -1):
            arguments = (self._packed, r, self.base, psi, lam, self.shared, self.stored, X, parts)
            self._pieces(big.big_undo, arguments, threads)
        by_slot = parts.sum(axis=0)
        if len(start_lam):
            tiles_kernels.unpack(lam, start_lam, self.lanes)
        if tables.layout[steps.START] == steps.PRODUCT_STATE and tables.layout[steps.CHAIN_NEEDED]:
            scratch = memory.take(self._scratch_size, self.program.dtype)
            big.big_finish(self._packed, self.base, X, psi, lam, self.shared, by_slot, scratch, self.lanes)
            memory.give(scratch)
        by_sample[:] = by_slot[tables.local_slots]
        by_weights[:] = tables.weight_rows.transposed(by_slot, len(by_weights))


_NO_STATES = np.zeros((0, 0), complex)


def _scattered(count: int, qubits: tuple[int, ...]) -> NDArray[np.int64]:
    """For each index over ``qubits``, its bits at those qubits' places."""
    index = np.arange(count)
    out = np.zeros(count, np.int64)
    for k, q in enumerate(qubits):
        out |= ((index >> k) & 1) << q
    return out


def _round(size: int) -> int:
    return -(-size // 16) * 16


def _without_states(tables: Tables) -> tuple[tuple[Any, ...], int]:
    """Constants and size of a scratch that holds no states: big states are not a thread's own."""
    ints = tables.packed[0].copy()
    ints[steps.ROTATIONS : steps.END + 1] -= ints[steps.ROTATIONS]
    return (ints, *tables.packed[1:]), int(ints[steps.END])
