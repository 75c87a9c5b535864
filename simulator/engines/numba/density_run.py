"""Evaluation of a program on density matrices, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import memory, pauli, progress
from simulator.engines.numba import buffers, simd
from simulator.engines.numba.kernels import transfer as kernels
from simulator.engines.numba.layout import transfer as columns
from simulator.engines.numba.options import Options
from simulator.engines.numba.sharing import new_queue, share
from simulator.engines.numba.tables.superoperators import SuperoperatorTables
from simulator.program.superoperators import SuperoperatorProgram

FloatArray = NDArray[np.float64]

_SAMPLE_QUBITS = 6  # maximum number of qubits at which lanes hold samples: a tile's state then takes 256 KiB
_SHARED_QUBITS = 9  # minimum number of qubits at which threads share one state
_SHARED_ALONE = 8  # minimum number of qubits at which threads share the state of a single sample
_SERIAL_WORK = 400_000  # number of multiplications below which a second thread does not pay off
_LONG = 1 << 28  # number of operations above which a call is watched
_PIECES = 32  # number of parts of a pass; fixed, so that sums do not depend on the number of threads


def uses_lanes(num_qubits: int) -> bool:
    """Whether lanes hold the lowest bits of an index, and not samples."""
    return num_qubits > _SAMPLE_QUBITS


class DensityRun:
    """Evaluation of samples at given transfer matrices; arguments as for `simulator.engines.trait.NoisyEngine`."""

    def __init__(
        self,
        program: SuperoperatorProgram,
        tables: SuperoperatorTables,
        samples: int,
        matrices: Iterable[FloatArray],
        start: FloatArray | None,
        options: Options,
    ) -> None:
        self.program, self.tables, self.samples, self.options = program, tables, samples, options
        n = program.num_qubits
        self.in_lanes = tables.lanes is not None
        self.threads_share = n >= _SHARED_QUBITS or (n >= _SHARED_ALONE and samples == 1)
        self.W = simd.width(np.float64)
        self.shared = np.empty(max(tables.shared_size, 1))
        local = np.empty((samples, tables.local_size))
        for group, section, values in zip(program.groups, tables.sections, matrices, strict=True):
            begin = section.matrices
            # one row per sample; the kernels read columns
            flat = values.transpose(1, 0, 3, 2).reshape(values.shape[1], -1)
            if group.varies:
                local[:, begin : begin + flat.shape[1]] = flat
            else:
                self.shared[begin : begin + flat.shape[1]] = flat[0]
        self.tiles = samples if self.in_lanes else -(-samples // self.W)
        self.local = self._by_tile(local) if tables.local_size else np.zeros((1, 1))
        self.initial = np.zeros((0, 0)) if start is None else start
        self.size = 4**n * (1 if self.in_lanes else self.W)
        self.picks = tables.positions(program.strings)
        self.work = 16 * 4**n * max(len(program.sequence), 1) * samples

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
        queue, buffer = new_queue(), buffers.take(scratch, np.float64)
        complete = (*arguments, buffer, *tail[:-1], queue, tail[-1], self.tables.lanes)
        share(kernel, complete, queue, tail[-1], work, _SERIAL_WORK, _LONG, 8 * scratch)
        buffers.give(buffer)

    def forward(self, values: FloatArray, keep: bool = False) -> FloatArray:
        """Fill the strings' expectations (B, S); return the final states (tiles, size) if ``keep``."""
        states = np.zeros((0, self.size))
        if keep:
            states = simd.aligned_zeros(self.tiles * self.size, np.float64).reshape(self.tiles, self.size)
        tables = self.tables
        if self.threads_share:
            for row in range(self.samples):
                r = states[row] if keep else simd.aligned_zeros(self.size, np.float64)
                self._start(r, row)
                for p in progress.steps(range(len(tables.code))):
                    self._pass(p, r, row)
                values[row] = r[self.picks]
            return states
        scratch = self.size + 64 * tables.largest * self.W
        arguments = (
            tables.code, tables.index, self.shared, self.local, self.initial, self.picks, states, values
        )  # fmt: skip
        self._share(kernels.forward, arguments, scratch, (self.size, self.tiles), self.work)
        return states

    def final_coefficients(self) -> FloatArray:
        """Compute all coefficients of the final states, shape (B, 4**n)."""
        states = self.forward(np.empty((self.samples, len(self.program.strings))), keep=True)
        return self._by_sample(states)[:, self.tables.positions(np.arange(4**self.program.num_qubits))]

    def backward(self, by_string: FloatArray) -> tuple[list[FloatArray], FloatArray | None]:
        """Map derivatives with respect to the strings' expectations, (B, S), to those of the matrices and the start."""
        program, tables = self.program, self.tables
        by_shared = np.zeros((self.tiles, max(tables.shared_derivatives, 1)))
        by_local = np.zeros((self.tiles, max(tables.local_derivatives, 1) * (1 if self.in_lanes else self.W)))
        by_start = np.zeros((self.samples, 4**program.num_qubits) if program.differentiable_start else (0, 0))
        if self.threads_share:
            for row in range(self.samples):
                self._shared_backward(row, by_string[row], by_shared[row], by_local[row], by_start)
        else:
            area = tables.largest**2
            arguments = (
                tables.code, tables.index, self.shared, self.local, self.initial, self.picks, by_string, by_shared,
                by_local, by_start,
            )  # fmt: skip
            scratch = (len(tables.code) + 1) * self.size + (area + 64 * tables.largest) * self.W
            self._share(kernels.backward, arguments, scratch, (self.size, self.tiles), 4 * self.work)
        local_rows = self._by_sample(by_local)
        shared_row = by_shared.sum(axis=0)[None, :]
        by_matrices = []
        for group, section in zip(program.groups, tables.sections, strict=True):
            rows, members, size = local_rows if group.varies else shared_row, len(group.differentiated), group.size
            part = rows[:, section.derivatives : section.derivatives + members * size * size]
            by_matrices.append(part.reshape(len(rows), members, size, size).swapaxes(0, 1))
        return by_matrices, by_start if program.differentiable_start else None

    def _start(self, r: FloatArray, row: int) -> None:
        if len(self.initial):
            r[:] = self.initial[min(row, len(self.initial) - 1)]
            return
        r[:] = 0.0
        n = self.program.num_qubits
        r[pauli.spread(np.arange(1 << n), range(1, 2 * n, 2))] = 1.0  # the strings of Z

    def _pass(self, p: int, r: FloatArray, row: int, backward: bool = False) -> None:
        tables = self.tables
        local = self.local[min(row, len(self.local) - 1)]
        arguments = (tables.code[p], tables.index, self.shared, local, r, backward)
        self._share(kernels.apply_piece, arguments, 64 * tables.largest * self.W, (_PIECES,), 16 * len(r))

    def _shared_backward(
        self, row: int, by_string: FloatArray, by_shared: FloatArray, by_local: FloatArray, by_start: FloatArray
    ) -> None:
        """Run `backward` for one sample with all threads; states that do not fit are recomputed."""
        code = self.tables.code
        required = np.flatnonzero(code[:, columns.GRADIENT] >= 0)
        step = len(code)
        limit = min(self.options.density_keep_bytes, memory.available_bytes() // 2)
        if (len(required) + 2) * self.size * 8 > limit:
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
        if len(by_start):
            by_start[row] = lam  # coefficients of an explicit start are in their original order

    def _correlate(self, p: int, lam: FloatArray, r: FloatArray, by_shared: FloatArray, by_local: FloatArray) -> None:
        tables = self.tables
        row = tables.code[p]
        area, at = int(row[columns.SIZE]) ** 2, int(row[columns.GRADIENT])
        parts = np.empty((_PIECES, area))
        scratch = (area + 64 * tables.largest) * self.W
        self._share(kernels.correlate_piece, (row, tables.index, lam, r, parts), scratch, (_PIECES,), 16 * len(r))
        (by_local if row[columns.LOCAL] else by_shared)[at : at + area] = parts.sum(axis=0)
