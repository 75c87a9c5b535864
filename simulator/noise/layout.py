"""Positions of the qubits of a density matrix, and its blocks as passes of the kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator import pauli
from simulator.engines.numba import simd
from simulator.engines.numba.layout import transfer as columns
from simulator.noise.factors import Block

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Passes of a density matrix's program for one use of the lanes (see `simulator.engines.numba.kernels`).

    Attributes
    ----------
    lanes : int or None
    code : int64 ndarray, shape (passes, COLUMNS)
    index : int64 ndarray
        Pivots and members of the passes' cosets.
    places : tuple of int
        Final place of each qubit.
    """

    lanes: int | None
    code: IntArray
    index: IntArray
    places: tuple[int, ...]

    def positions(self, indices: IntArray) -> IntArray:
        """Return the final positions of the coefficients with the given indices."""
        return pauli.spread(indices, [2 * place + bit for place in self.places for bit in (0, 1)])


def layout(
    blocks: Sequence[Block],
    num_qubits: int,
    in_lanes: bool,
    offsets: Sequence[tuple[int, int, int]],
    fixed_start: bool,
) -> Layout:
    """Create the passes for ``blocks``, with exchanges of qubits if the lanes hold the state's lowest bits.

    Parameters
    ----------
    blocks : sequence of Block
    num_qubits : int
    in_lanes : bool
        Whether lanes hold the lowest bits instead of samples.
    offsets : sequence of (int, int, int)
        Per block, the offset of its matrix, whether it is local, and the offset of its derivative or -1.
    fixed_start : bool
        Whether the start is given by coefficients, so that qubit q must begin at place q.
    """
    lane_bits = simd.width(np.float64).bit_length() - 1
    shift = lane_bits if in_lanes else 0
    rows: list[list[int]] = []
    index: list[int] = []
    uses: list[list[int]] = [[] for _ in range(num_qubits)]
    for number, block in enumerate(blocks):
        for q in block.qubits:
            uses[q].append(number)
    places = list(range(num_qubits))
    if in_lanes and not fixed_start:  # the qubits whose first use is latest start in the lanes
        order = sorted(range(num_qubits), key=lambda q: uses[q][0] if uses[q] else len(blocks), reverse=True)
        for place, q in enumerate(order):
            places[q] = place
    for number, (block, (matrix, local, gradient)) in enumerate(zip(blocks, offsets, strict=True)):
        if in_lanes and any(places[q] < 2 for q in block.qubits):
            # the qubits whose next use is latest replace them
            idle = [q for q in range(num_qubits) if q not in block.qubits and places[q] >= 2]
            idle.sort(key=lambda q: next((use for use in uses[q] if use > number), len(blocks)))
            swapped = sorted(places[q] for q in idle[-2:])
            at = len(index)
            index += [1 << (2 * p - 4) for p in swapped]
            index += [(u & 3) << (2 * swapped[0] - 4) | (u >> 2) << (2 * swapped[1] - 4) for u in range(16)]
            rows.append(_row(columns.EXCHANGE, 2, at))
            trade = {0: swapped[0], 1: swapped[1], swapped[0]: 0, swapped[1]: 1}
            places = [trade.get(p, p) for p in places]
        bit_positions = [2 * places[q] - shift for q in block.qubits]
        k, at = len(bit_positions), len(index)
        index += [1 << bit for bit in sorted(bit_positions)]
        index += [sum((d >> 2 * j & 3) << bit for j, bit in enumerate(bit_positions)) for d in range(4**k)]
        rows.append(_row(columns.TRANSFER, k, at, matrix, local, gradient))
    code = np.array(rows, np.int64).reshape(-1, columns.COLUMNS)
    return Layout(shift or None, code, np.array(index or [0], np.int64), tuple(places))


def _row(kind: int, places: int, at: int, matrix: int = 0, local: int = 0, gradient: int = -1) -> list[int]:
    """Return the columns of a pass on ``places`` qubits whose pivots and members begin at ``at``."""
    row = [0] * columns.COLUMNS
    row[columns.KIND], row[columns.PLACES], row[columns.SIZE] = kind, places, 4**places
    row[columns.PIVOTS], row[columns.MEMBERS] = at, at + places
    row[columns.MATRIX], row[columns.LOCAL], row[columns.GRADIENT] = matrix, local, gradient
    return row
