"""Expectations of noisy circuits and their derivatives from exact density matrices.

A density matrix is represented by its real Pauli coefficients (see `simulator.noise.transfer`), and a circuit by blocks
of fused transfer matrices. The adjoint sweep goes backward through stored states, so channels need not be invertible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import pauli, progress
from simulator.engines.numba import memory, simd
from simulator.engines.numba.kernels import transfer as kernels
from simulator.engines.numba.layout import transfer as columns
from simulator.engines.numba.threads import share
from simulator.noise import starts
from simulator.noise.chains import Chains
from simulator.noise.factors import Factors, fused, separated
from simulator.noise.layout import Layout, layout
from simulator.noise.model import NoiseModel
from simulator.observables import PauliSum
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Parameter
from simulator.program.starts import product_states

FloatArray = NDArray[np.float64]

_SAMPLE_QUBITS = 6  # maximum number of qubits at which lanes hold samples: a tile's state then takes 256 KiB
_SHARED_QUBITS = 9  # minimum number of qubits at which threads share one state
_SHARED_ALONE = 8  # minimum number of qubits at which threads share the state of a single sample
_KEEP_BYTES = 1 << 30  # maximum bytes of states stored for the backward sweep; others are recomputed
_SERIAL_WORK = 400_000  # number of multiplications below which a second thread does not pay off
_LONG = 1 << 28  # number of operations above which a call is watched
_PIECES = 32  # number of parts of a pass; fixed, so that sums do not depend on the number of threads
_CHUNK_BYTES = 1 << 28  # maximum bytes of matrices and derivatives of one chunk of samples


class DensityProgram:
    """A noisy circuit with observables, as fused transfer matrices; immutable except for cached results.

    Parameters
    ----------
    circuit : Circuit
    observables : sequence of PauliSum
    inputs, weights : sequence of Parameter
    noise : NoiseModel
        Noise model; readout error is ignored here, and the caller applies it.
    support : sequence of int, optional
        Qubits whose reduced state is required; those of the observables by default.
    """

    def __init__(
        self,
        circuit: OperationSequence,
        observables: Sequence[PauliSum],
        inputs: Sequence[Parameter],
        weights: Sequence[Parameter],
        noise: NoiseModel,
        support: Sequence[int] | None = None,
    ) -> None:
        self.num_qubits = max(circuit.num_qubits, 2)
        self.n_inputs, self.n_weights = len(inputs), len(weights)
        self.parameters = (*inputs, *weights)
        factors = Factors(circuit, noise, {p: k for k, p in enumerate((*inputs, *weights))})
        self.starts = factors.starts
        if support is None:
            mask = 0
            for observable in observables:
                mask |= int(np.bitwise_or.reduce(observable.x_masks | observable.z_masks, initial=0))
            support = [q for q in range(circuit.num_qubits) if mask >> q & 1]
        self.blocks = fused(factors.seen_by(support), self.num_qubits)
        if self.num_qubits <= _SAMPLE_QUBITS:
            self.blocks = separated(self.blocks, self.n_inputs)
        keys: dict[int, int] = {}
        self.coefficients = np.zeros((len(observables), sum(o.num_terms for o in observables)))
        for k, observable in enumerate(observables):
            indices = starts.interleaved(observable.x_masks, observable.z_masks, self.num_qubits)
            for index, value in zip(indices.tolist(), observable.coefficients.tolist(), strict=True):
                self.coefficients[k, keys.setdefault(index, len(keys))] += value
        self.strings = np.array([*keys], np.int64)
        self.coefficients = np.ascontiguousarray(self.coefficients[:, : len(keys)])
        self._number()

    def _number(self) -> None:
        """Assign the offsets of each block's matrix and derivative, and group chains of equal size and kind."""
        members: dict[tuple[int, bool], list[int]] = {}
        for number, block in enumerate(self.blocks):
            local = any(k < self.n_inputs for angle in block.angles() for k in angle.factors)
            members.setdefault((len(block.qubits), local), []).append(number)
        sizes, slopes = [0, 0], [0, 0]  # floats of matrices and of derivatives: shared, local
        offsets: dict[int, tuple[int, int, int]] = {}
        self.chains: list[tuple[Chains, bool, int, int, NDArray[np.int64]]] = []
        for (k, local), numbers in members.items():
            chains = Chains([self.blocks[number] for number in numbers], self.parameters)
            area = 16**k
            places: list[int] = []
            for position, number in enumerate(numbers):
                slope = -1
                if chains.parametric[position]:
                    slope = slopes[local] + len(places) * area
                    places.append(position)
                offsets[number] = (sizes[local] + position * area, int(local), slope)
            self.chains.append((chains, local, sizes[local], slopes[local], np.array(places, np.int64)))
            sizes[local] += len(numbers) * area
            slopes[local] += len(places) * area
        self.sizes, self.slopes = sizes, slopes
        self.offsets = [offsets[number] for number in range(len(self.blocks))]
        self._layouts: dict[bool, Layout] = {}

    def layout(self, in_lanes: bool) -> Layout:
        """Return the passes for one use of the lanes."""
        if in_lanes not in self._layouts:
            self._layouts[in_lanes] = layout(self.blocks, self.num_qubits, in_lanes, self.offsets, bool(self.starts))
        return self._layouts[in_lanes]

    @cached_property
    def largest(self) -> int:
        """Number of rows of the largest matrix."""
        return max((4 ** len(block.qubits) for block in self.blocks), default=16)


class _Run:
    """Evaluation of a chunk of samples: the matrices at their parameters, and the kernels' arguments."""

    def __init__(self, program: DensityProgram, X: FloatArray, weights: FloatArray) -> None:
        self.program, self.samples = program, len(X)
        n = program.num_qubits
        self.in_lanes = n > _SAMPLE_QUBITS
        self.threads_share = n >= _SHARED_QUBITS or (n >= _SHARED_ALONE and len(X) == 1)
        self.layout = program.layout(self.in_lanes)
        self.W = simd.width(np.float64)
        self.parameters = np.concatenate([X, np.broadcast_to(weights, (len(X), len(weights)))], axis=1)
        self.shared = np.empty(max(program.sizes[0], 1))
        local = np.empty((len(X), program.sizes[1]))
        self.rotations = []
        for chains, is_local, begin, _, _ in program.chains:
            matrices, rotations = chains.matrices(self.parameters if is_local else self.parameters[:1])
            self.rotations.append(rotations)
            # one row per sample; the kernels read columns
            flat = matrices.transpose(1, 0, 3, 2).reshape(matrices.shape[1], -1)
            if is_local:
                local[:, begin : begin + flat.shape[1]] = flat
            else:
                self.shared[begin : begin + flat.shape[1]] = flat[0]
        self.tiles = len(X) if self.in_lanes else -(-len(X) // self.W)
        self.local = self._by_tile(local) if program.sizes[1] else np.zeros((1, 1))
        names = program.parameters
        self.states = product_states(program.starts, self.parameters, np.zeros(0), n, names) if program.starts else None
        self.initial = np.zeros((0, 0)) if self.states is None else starts.coefficients(self.states)
        self.size = 4**n * (1 if self.in_lanes else self.W)
        self.picks = self.layout.positions(program.strings)
        self.work = 16 * 4**n * max(len(program.blocks), 1) * self.samples

    def _by_tile(self, rows: FloatArray) -> FloatArray:
        """Convert rows of samples to rows of tiles, which are vectors if lanes are samples."""
        if self.in_lanes:
            return np.ascontiguousarray(rows)
        padded = np.concatenate([rows, np.repeat(rows[-1:], self.tiles * self.W - len(rows), axis=0)])
        return np.ascontiguousarray(padded.reshape(self.tiles, self.W, -1).swapaxes(1, 2)).reshape(self.tiles, -1)

    def _by_sample(self, tiles: FloatArray) -> FloatArray:
        """Invert `_by_tile`."""
        if self.in_lanes:
            return tiles
        return tiles.reshape(self.tiles, -1, self.W).swapaxes(1, 2).reshape(self.tiles * self.W, -1)[: self.samples]

    def _share(self, kernel: Any, arguments: tuple[Any, ...], scratch: int, tail: tuple[Any, ...], work: int) -> None:
        """Call ``kernel(*arguments, scratch, *tail)``, ``tail`` ending in a queue, its length and the lanes."""
        queue = np.zeros(1, np.int64)

        def call() -> None:
            buffer = memory.take(scratch, np.float64)
            kernel(*arguments, buffer, *tail[:-1], queue, tail[-1], self.layout.lanes)
            memory.give(buffer)

        share(call, queue, tail[-1], work, _SERIAL_WORK, _LONG)

    def forward(self, values: FloatArray, keep: bool = False) -> FloatArray:
        """Fill the strings' expectations (B, S); return the final states (tiles, size) if ``keep``."""
        states = np.zeros((0, self.size))
        if keep:
            states = simd.aligned_zeros(self.tiles * self.size, np.float64).reshape(self.tiles, self.size)
        if self.threads_share:
            for row in range(self.samples):
                r = states[row] if keep else simd.aligned_zeros(self.size, np.float64)
                self._start(r, row)
                for p in progress.steps(range(len(self.layout.code))):
                    self._pass(p, r, row)
                values[row] = r[self.picks]
            return states
        layout, work = self.layout, 64 * self.program.largest
        arguments = (
            layout.code, layout.index, self.shared, self.local, self.initial, self.picks, states, values
        )  # fmt: skip
        self._share(kernels.forward, arguments, self.size + work * self.W, (self.size, self.tiles), self.work)
        return states

    def backward(self, by_string: FloatArray) -> FloatArray:
        """Map derivatives with respect to the strings' expectations, (B, S), to those of the parameters, (B, P)."""
        program = self.program
        by_shared = np.zeros((self.tiles, max(program.slopes[0], 1)))
        by_local = np.zeros((self.tiles, max(program.slopes[1], 1) * (1 if self.in_lanes else self.W)))
        derive_start = any(start.angles for start in program.starts)
        start_lam = np.zeros((self.samples, 4**program.num_qubits) if derive_start else (0, 0))
        if self.threads_share:
            for row in range(self.samples):
                self._shared_backward(row, by_string[row], by_shared[row], by_local[row], start_lam)
        else:
            layout, area = self.layout, program.largest**2
            arguments = (
                layout.code, layout.index, self.shared, self.local, self.initial, self.picks, by_string, by_shared,
                by_local, start_lam,
            )  # fmt: skip
            scratch = (len(layout.code) + 1) * self.size + (area + 64 * program.largest) * self.W
            self._share(kernels.backward, arguments, scratch, (self.size, self.tiles), 4 * self.work)
        out = np.zeros(self.parameters.shape)
        local_rows = self._by_sample(by_local)
        shared_row = by_shared.sum(axis=0)[None, :]
        for (chains, is_local, _, begin, places), rotations in zip(program.chains, self.rotations, strict=True):
            if not len(places):
                continue
            size = chains.constants.shape[-1]
            rows = local_rows if is_local else shared_row
            by_matrix = np.zeros((len(chains.constants), len(rows), size, size))
            derivatives = rows[:, begin : begin + len(places) * size * size]
            by_matrix[places] = derivatives.reshape(len(rows), len(places), size, size).swapaxes(0, 1)
            parameters = self.parameters if is_local else self.parameters[:1]
            part = chains.derivatives(parameters, rotations, by_matrix)
            out[: len(part)] += part  # derivatives of shared parameters are already summed over samples
        if derive_start:
            assert self.states is not None
            out += starts.derivatives(program.starts, self.parameters, self.states, start_lam)
        return out

    def _start(self, r: FloatArray, row: int) -> None:
        if len(self.initial):
            r[:] = self.initial[min(row, len(self.initial) - 1)]
            return
        r[:] = 0.0
        n = self.program.num_qubits
        r[pauli.spread(np.arange(1 << n), range(1, 2 * n, 2))] = 1.0  # the strings of Z

    def _pass(self, p: int, r: FloatArray, row: int, backward: bool = False) -> None:
        code = self.layout.code[p]
        arguments = (code, self.layout.index, self.shared, self.local[min(row, len(self.local) - 1)], r, backward)
        self._share(kernels.apply_piece, arguments, 64 * self.program.largest * self.W, (_PIECES,), 16 * len(r))

    def _shared_backward(
        self, row: int, by_string: FloatArray, by_shared: FloatArray, by_local: FloatArray, start_lam: FloatArray
    ) -> None:
        """Run `backward` for one sample with all threads; states that do not fit are recomputed."""
        code = self.layout.code
        required = np.flatnonzero(code[:, columns.GRADIENT] >= 0)
        step = len(code)
        if (len(required) + 2) * self.size * 8 > min(_KEEP_BYTES, memory.available_bytes() // 2):
            step = math.isqrt(max(len(code) - 1, 0)) + 1
        r = simd.aligned_zeros(self.size, np.float64)
        self._start(r, row)
        marks = {}
        for p in range(len(code)):
            if p % step == 0:
                marks[p] = r.copy()
            if step < len(code):
                self._pass(p, r, row)
        lam = simd.aligned_zeros(self.size, np.float64)
        np.add.at(lam, self.picks, by_string)
        for begin in range((len(code) - 1) // step * step if len(code) else -1, -1, -step):
            r[:] = marks.pop(begin)
            end = min(begin + step, len(code))
            before = {}
            for p in range(begin, end):
                if code[p, columns.GRADIENT] >= 0:
                    before[p] = r.copy()
                self._pass(p, r, row)
            for p in range(end - 1, begin - 1, -1):
                if p in before:
                    self._correlate(p, lam, before.pop(p), by_shared, by_local)
                self._pass(p, lam, row, backward=True)
        if len(start_lam):
            start_lam[row] = lam  # coefficients of an explicit start are in their original order

    def _correlate(self, p: int, lam: FloatArray, r: FloatArray, by_shared: FloatArray, by_local: FloatArray) -> None:
        code = self.layout.code[p]
        area, at = int(code[columns.SIZE]) ** 2, int(code[columns.GRADIENT])
        parts = np.empty((_PIECES, area))
        scratch = (area + 64 * self.program.largest) * self.W
        self._share(kernels.correlate_piece, (code, self.layout.index, lam, r, parts), scratch, (_PIECES,), 16 * len(r))
        (by_local if code[columns.LOCAL] else by_shared)[at : at + area] = parts.sum(axis=0)


def _chunks(program: DensityProgram, samples: int) -> list[slice]:
    each = 8 * (sum(program.sizes) + 2 * sum(program.slopes) + (4**program.num_qubits if program.starts else 0))
    return progress.chunks(samples, max(64, _CHUNK_BYTES // max(each, 1)))


def expectations(program: DensityProgram, X: FloatArray, weights: FloatArray) -> FloatArray:
    """Compute exact expectations, shape (B, K)."""
    memory.check_density(program.num_qubits, 1)
    values = np.empty((len(X), len(program.strings)))
    for rows in progress.steps(_chunks(program, len(X))):
        _Run(program, X[rows], weights).forward(values[rows])
    return values @ program.coefficients.T


def final_coefficients(program: DensityProgram, X: FloatArray, weights: FloatArray) -> FloatArray:
    """Compute all Pauli coefficients of the final states, shape (B, 4**n)."""
    memory.check_density(program.num_qubits, 2 * len(X))
    run = _Run(program, X, weights)
    states = run.forward(np.empty((len(X), len(program.strings))), keep=True)
    place = run.layout.positions(np.arange(4**program.num_qubits))
    return run._by_sample(states)[:, place]


def adjoint_sweep(
    program: DensityProgram,
    X: FloatArray,
    weights: FloatArray,
    cotangent: FloatArray | Callable[[FloatArray, slice], FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Compute expectations (B, K), and derivatives of any function of them with respect to the parameters, (B, P)."""
    memory.check_density(program.num_qubits, 4)
    values = np.empty((len(X), len(program.coefficients)))
    out = np.empty((len(X), program.n_inputs + program.n_weights))
    for rows in progress.steps(_chunks(program, len(X))):
        run = _Run(program, X[rows], weights)
        strings = np.empty((run.samples, len(program.strings)))
        run.forward(strings)
        values[rows] = strings @ program.coefficients.T
        v = np.asarray(cotangent(values[rows], rows) if callable(cotangent) else cotangent[rows], float)
        if v.shape != values[rows].shape:
            raise ValueError(f"a cotangent of shape {values[rows].shape} expected, got {v.shape}")
        out[rows] = run.backward(np.ascontiguousarray(v @ program.coefficients))
    return values, out
