"""Constant arrays of a program on density matrices, for one use of the lanes; see `kernels.transfer`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator import pauli
from simulator.engines.numba import simd
from simulator.engines.numba.layout import transfer as columns
from simulator.program.superoperators import SuperoperatorProgram

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Section:
    """Where a group's matrices and their derivatives are stored: consecutively, from these offsets on."""

    matrices: int
    derivatives: int


@dataclass(frozen=True)
class SuperoperatorTables:
    """Passes of a program for one use of the lanes.

    Attributes
    ----------
    lanes : int or None
        Number of an index's lowest bits that select a lane; None if lanes are samples.
    code : int64 ndarray, shape (passes, COLUMNS)
    index : int64 ndarray
        Pivots and members of the passes' cosets.
    places : tuple of int
        Final place of each qubit.
    sections : tuple of Section
        For each group.
    shared_size, local_size : int
        Floats of all matrices that are the same for all samples, and of those that differ.
    shared_derivatives, local_derivatives : int
        Floats of the derivatives with respect to them.
    largest : int
        Number of rows of the largest matrix.
    """

    lanes: int | None
    code: IntArray
    index: IntArray
    places: tuple[int, ...]
    sections: tuple[Section, ...]
    shared_size: int
    local_size: int
    shared_derivatives: int
    local_derivatives: int
    largest: int

    def positions(self, indices: IntArray) -> IntArray:
        """Return the final positions of the coefficients with the given indices."""
        return pauli.spread(indices, [2 * place + bit for place in self.places for bit in (0, 1)])


def superoperator_tables(program: SuperoperatorProgram, in_lanes: bool) -> SuperoperatorTables:
    """Create the tables of a program, with exchanges of qubits if the lanes hold an index's lowest bits."""
    sections: list[Section] = []
    offsets: dict[int, tuple[int, int, int]] = {}  # by position: matrix, whether it is local, derivative or -1
    sizes, derivatives = [0, 0], [0, 0]  # shared, local
    for group in program.groups:
        local, area = group.varies, group.size**2
        sections.append(Section(sizes[local], derivatives[local]))
        order = {member: place for place, member in enumerate(group.differentiated)}
        for member, position in enumerate(group.positions):
            derivative = derivatives[local] + order[member] * area if member in order else -1
            offsets[position] = (sizes[local] + member * area, int(local), derivative)
        sizes[local] += len(group.positions) * area
        derivatives[local] += len(order) * area
    lanes, code, index, places = _passes(program, in_lanes, [offsets[k] for k in range(len(offsets))])
    largest = max((group.size for group in program.groups), default=16)
    return SuperoperatorTables(
        lanes,
        code,
        index,
        places,
        tuple(sections),
        shared_size=sizes[0],
        local_size=sizes[1],
        shared_derivatives=derivatives[0],
        local_derivatives=derivatives[1],
        largest=largest,
    )


def _passes(
    program: SuperoperatorProgram, in_lanes: bool, offsets: list[tuple[int, int, int]]
) -> tuple[int | None, IntArray, IntArray, tuple[int, ...]]:
    """Return the lanes, the rows of the passes, their cosets, and the final places of the qubits."""
    blocks, num_qubits = program.sequence, program.num_qubits
    lane_bits = simd.width(np.float64).bit_length() - 1
    shift = lane_bits if in_lanes else 0
    rows: list[list[int]] = []
    index: list[int] = []
    uses: list[list[int]] = [[] for _ in range(num_qubits)]
    for number, qubits in enumerate(blocks):
        for q in qubits:
            uses[q].append(number)
    places = list(range(num_qubits))
    if in_lanes and not program.explicit_start:  # the qubits whose first use is latest start in the lanes
        order = sorted(range(num_qubits), key=lambda q: uses[q][0] if uses[q] else len(blocks), reverse=True)
        for place, q in enumerate(order):
            places[q] = place
    for number, (qubits, (matrix, local, gradient)) in enumerate(zip(blocks, offsets, strict=True)):
        if in_lanes and any(places[q] < 2 for q in qubits):
            # the qubits whose next use is latest replace them
            idle = [q for q in range(num_qubits) if q not in qubits and places[q] >= 2]
            idle.sort(key=lambda q: next((use for use in uses[q] if use > number), len(blocks)))
            swapped = sorted(places[q] for q in idle[-2:])
            at = len(index)
            index += [1 << (2 * p - 4) for p in swapped]
            index += [(u & 3) << (2 * swapped[0] - 4) | (u >> 2) << (2 * swapped[1] - 4) for u in range(16)]
            rows.append(_row(columns.EXCHANGE, 2, at))
            trade = {0: swapped[0], 1: swapped[1], swapped[0]: 0, swapped[1]: 1}
            places = [trade.get(p, p) for p in places]
        bit_positions = [2 * places[q] - shift for q in qubits]
        k, at = len(bit_positions), len(index)
        index += [1 << bit for bit in sorted(bit_positions)]
        index += [sum((d >> 2 * j & 3) << bit for j, bit in enumerate(bit_positions)) for d in range(4**k)]
        rows.append(_row(columns.TRANSFER, k, at, matrix, local, gradient))
    code = np.array(rows, np.int64).reshape(-1, columns.COLUMNS)
    return shift or None, code, np.array(index or [0], np.int64), tuple(places)


def _row(kind: int, places: int, at: int, matrix: int = 0, local: int = 0, gradient: int = -1) -> list[int]:
    """Return the columns of a pass on ``places`` qubits whose pivots and members begin at ``at``."""
    row = [0] * columns.COLUMNS
    row[columns.KIND], row[columns.PLACES], row[columns.SIZE] = kind, places, 4**places
    row[columns.PIVOTS], row[columns.MEMBERS] = at, at + places
    row[columns.MATRIX], row[columns.LOCAL], row[columns.GRADIENT] = matrix, local, gradient
    return row
