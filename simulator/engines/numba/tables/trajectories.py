"""Constant arrays of a program of trajectories; see `kernels.jumps`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.engines.numba.layout import trajectories as columns
from simulator.program.trajectories import Jump, TrajectoryProgram

FloatArray = NDArray[np.float64]


class TrajectoryTables:
    """Rows of a program's jumps, with their cosets, conditions, matrices and probabilities.

    Attributes
    ----------
    arrays : tuple of ndarray
        Arguments of `kernels.jumps.run`.
    widest : int
        Largest number of qubits of a jump.
    """

    def __init__(self, program: TrajectoryProgram) -> None:
        self._index: list[int] = []
        self._tests: list[int] = []
        self._matrices: list[FloatArray] = []
        self._weights: list[float] = []
        self._size = self._draws = 0
        code = np.array([self._row(jump) for jump in program.jumps], np.int64).reshape(-1, columns.COLUMNS)
        self.arrays = (
            code,
            np.array(self._index or [0], np.int64),
            np.array(self._tests or [0], np.int64),
            np.concatenate(self._matrices) if self._matrices else np.zeros(1),
            np.array(self._weights or [1.0]),
            np.array([_can_be_skipped(jump) for jump in program.jumps] or [False]),
        )
        self.widest = max((len(jump.qubits) for jump in program.jumps), default=1)

    def _row(self, jump: Jump) -> list[int]:
        """Store what a jump needs, and return its row."""
        qubits, by_state = jump.qubits, jump.probabilities is None
        row = [0] * columns.COLUMNS
        row[columns.QUBITS], row[columns.OPERATORS] = len(qubits), len(jump.matrices)
        row[columns.PIVOTS], row[columns.MEMBERS] = len(self._index), len(self._index) + len(qubits)
        self._index += [1 << q for q in sorted(qubits)]
        self._index += [sum(1 << q for k, q in enumerate(qubits) if d >> k & 1) for d in range(1 << len(qubits))]
        row[columns.MATRICES] = self._size
        for matrix in jump.matrices:
            for stored in [matrix, matrix.conj().T @ matrix] if by_state else [matrix]:
                self._matrices.append(np.stack([stored.real, stored.imag], -1).ravel())
                self._size += self._matrices[-1].size
        row[columns.WEIGHTS] = columns.DRAWN_BY_STATE if by_state else len(self._weights)
        self._weights += [] if jump.probabilities is None else jump.probabilities.tolist()
        if len(jump.matrices) > 1:
            row[columns.DRAW], self._draws = self._draws, self._draws + 1
        row[columns.CLBIT], row[columns.TESTS] = jump.clbit, len(self._tests)
        for test in jump.conditions:
            self._tests += [int(test.equal), test.value, len(test.clbits), *test.clbits]
        row[columns.LAST_TEST] = len(self._tests)
        return row


def _can_be_skipped(jump: Jump) -> bool:
    """Whether a trajectory that draws the first matrix may omit it: a multiple of the identity, not recorded."""
    first = jump.matrices[0]
    return jump.clbit < 0 and bool(np.allclose(first, np.eye(len(first)) * first[0, 0]))
