"""Where the qubits of a density matrix lie, and its blocks as passes of the kernels."""

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
    """The passes of a density matrix's program for one meaning of the lanes (see `simulator.engines.numba.kernels`).

    Attributes
    ----------
    lanes : int or None
    code : int64 ndarray, shape (passes, COLUMNS)
    index : int64 ndarray
        Pivots and members of the passes' cosets.
    places : tuple of int
        Where each qubit is at the end.
    """

    lanes: int | None
    code: IntArray
    index: IntArray
    places: tuple[int, ...]

    def positions(self, indices: IntArray) -> IntArray:
        """Where coefficients with the given indices are at the end."""
        return pauli.spread(indices, [2 * place + bit for place in self.places for bit in (0, 1)])


def layout(
    blocks: Sequence[Block],
    num_qubits: int,
    in_lanes: bool,
    offsets: Sequence[tuple[int, int, int]],
    fixed_start: bool,
) -> Layout:
    """Passes for ``blocks``; where lanes are the state's lowest bits, with exchanges of the qubits that lie there.

    Parameters
    ----------
    blocks : sequence of Block
    num_qubits : int
    in_lanes : bool
        Whether lanes hold the lowest bits, rather than samples.
    offsets : sequence of (int, int, int)
        For each block where its matrix begins, whether it is local, and where its derivative goes or -1.
    fixed_start : bool
        Whether coefficients are given at the start, so that qubit q must begin at place q.
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
    if in_lanes and not fixed_start:  # the qubits first used last lie in the lanes
        order = sorted(range(num_qubits), key=lambda q: uses[q][0] if uses[q] else len(blocks), reverse=True)
        for place, q in enumerate(order):
            places[q] = place
    for number, (block, (matrix, local, gradient)) in enumerate(zip(blocks, offsets, strict=True)):
        if in_lanes and any(places[q] < 2 for q in block.qubits):
            # those that are used last of all take their place
            idle = [q for q in range(num_qubits) if q not in block.qubits and places[q] >= 2]
            idle.sort(key=lambda q: next((use for use in uses[q] if use > number), len(blocks)))
            chosen = sorted(places[q] for q in idle[-2:])
            at = len(index)
            index += [1 << (2 * p - 4) for p in chosen]
            index += [(u & 3) << (2 * chosen[0] - 4) | (u >> 2) << (2 * chosen[1] - 4) for u in range(16)]
            rows.append(_row(columns.EXCHANGE, 2, at))
            trade = {0: chosen[0], 1: chosen[1], chosen[0]: 0, chosen[1]: 1}
            places = [trade.get(p, p) for p in places]
        own = [2 * places[q] - shift for q in block.qubits]
        k, at = len(own), len(index)
        index += [1 << bit for bit in sorted(own)]
        index += [sum((d >> 2 * j & 3) << bit for j, bit in enumerate(own)) for d in range(4**k)]
        rows.append(_row(columns.TRANSFER, k, at, matrix, local, gradient))
    code = np.array(rows, np.int64).reshape(-1, columns.COLUMNS)
    return Layout(shift or None, code, np.array(index or [0], np.int64), tuple(places))


def _row(kind: int, places: int, at: int, matrix: int = 0, local: int = 0, gradient: int = -1) -> list[int]:
    """The columns of a pass on ``places`` qubits whose pivots and members begin at ``at``."""
    row = [0] * columns.COLUMNS
    row[columns.KIND], row[columns.PLACES], row[columns.SIZE] = kind, places, 4**places
    row[columns.PIVOTS], row[columns.MEMBERS] = at, at + places
    row[columns.MATRIX], row[columns.LOCAL], row[columns.GRADIENT] = matrix, local, gradient
    return row
