"""Derivatives of states with respect to all weights at once: tables of a program, and the call of the kernel."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba import buffers, simd
from simulator.engines.numba.block_sizes import serial_work
from simulator.engines.numba.kernels import tangents as kernels
from simulator.engines.numba.options import Options
from simulator.engines.numba.sharing import new_queue, share
from simulator.engines.numba.tables.dense import dense_spec
from simulator.engines.numba.threads import get_num_threads
from simulator.errors import QumbaError
from simulator.program.levels import Angle, Rotation
from simulator.program.program import Program
from simulator.program.starts import product_states
from simulator.range_reduction import affine

FloatArray = NDArray[np.float64]


class Tangents:
    """Tables of a program's rotations and matrices in the format of `kernels.tangents`.

    All gates are included, also those that do not affect the program's observables.

    Parameters
    ----------
    program : Program

    Raises
    ------
    QumbaError
        If an initial amplitude depends on a weight.
    """

    def __init__(self, program: Program) -> None:
        split = len(program.inputs)
        if any(k >= split for start in program.starts for angle in start.angles for k in angle.factors):
            raise QumbaError(
                "derivatives of states need weights in gates, and this circuit's initial amplitudes depend on one; "
                "make it an input, or use a gradient-based optimizer such as 'adam'"
            )
        steps: list[tuple[int, int, int]] = []
        terms: list[tuple[int, int, int, int, int]] = []
        numbers: list[int] = []
        factors: list[float] = []
        ranks: dict[int, int] = {}  # weight -> its position in order of first use
        specs: list[int] = []
        entries: list[NDArray[Any]] = []
        angles: list[Angle] = []
        self.work = 1

        def add(member: Rotation) -> None:
            first = len(numbers)
            for k, factor in member.angle.factors.items():
                if k >= split:
                    numbers.append(ranks.setdefault(k - split, len(ranks)))
                    factors.append(factor)
            terms.append((member.x, member.z, len(angles), first, len(numbers)))
            angles.append(member.angle)

        for level in program.lowered.levels:
            first = len(terms)
            if level.kind == "dense":
                for member in level.members:
                    spec = dense_spec(member.xs, member.zs, 0)
                    steps.append((kernels.MATRIX, len(specs), 2 * sum(matrix.size for matrix in entries)))
                    specs += spec
                    entries.append(np.ascontiguousarray(member.matrix, complex).ravel())
                    self.work = max(self.work, 1 << spec[1])
            elif level.kind == "phases":
                for member in level.members:
                    add(member)
                steps.append((kernels.PHASES, first, len(terms)))
            else:
                for member in level.members:
                    add(member)
                    steps.append((kernels.ROTATION, len(terms) - 1, len(terms)))
        self.constants = np.array([angle.constant for angle in angles])
        self.factors = np.zeros((len(angles), split + len(program.weights)))
        for row, angle in enumerate(angles):
            self.factors[row, list(angle.factors)] = list(angle.factors.values())
        self.packed = (
            np.fromiter(chain.from_iterable(steps), np.int64).reshape(-1, 3),
            np.fromiter(chain.from_iterable(terms), np.int64).reshape(-1, 5),
            np.array([*numbers, 0], np.int64),
            np.array([*factors, 0.0]),
            np.array(list(ranks), np.int64),
            np.array([*specs, 0], np.int64),
            np.concatenate([*entries, np.zeros(1)]).astype(complex).view(np.float64),
        )

    def run(self, program: Program, X: FloatArray, weights: FloatArray, options: Options) -> FloatArray:
        """Compute the derivatives, shape (n_samples, 2 * 2**n, n_weights); see `Engine.tangents`."""
        amplitudes = 1 << program.num_qubits
        names = (*program.inputs, *program.weights)
        out = np.zeros((len(X), 2 * amplitudes, len(weights)))
        values = np.concatenate([X, np.broadcast_to(weights, (len(X), len(weights)))], axis=1)
        periodic = np.ones(len(self.constants), bool)
        half = 0.5 * affine(self.constants, self.factors, values, periodic, names)
        starts = np.zeros((0, 0))
        if program.starts:
            starts = product_states(program.starts, X, weights, program.num_qubits, names).view(np.float64)
        angles = np.cos(half), np.sin(half)
        vectors = 2 * kernels.VECTORS * simd.width(np.float64)
        size = amplitudes * (vectors + 2) + self.work * vectors
        queue, scratch = new_queue(), buffers.take(size, np.float64)
        arguments = self.packed, angles, starts, out, scratch, queue
        work = len(self.packed[0]) * out.size
        share(kernels.tangents, arguments, queue, get_num_threads(), work, serial_work(options), scratch_bytes=8 * size)
        buffers.give(scratch)
        return out
