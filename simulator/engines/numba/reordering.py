"""The way from a stored state to the circuit's order of basis states, in place.

Basis state y of a circuit is stored at ``A y ^ b`` (`program.lowering`). The matrix A over GF(2) is a product of as
many transvections, ``i -> i ^ c (r . i)``, as ``A + I`` has rank. A run of them whose vectors c lie in one subspace V
moves amplitudes within the cosets of V only, so that a thread can do it in its second-level cache, as stages do with
gates: a few passes over memory, and no second state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import progress
from simulator.engines.numba import memory
from simulator.engines.numba.kernels.reorder import reorder
from simulator.engines.numba.layout import reordering as layout
from simulator.engines.numba.threads import share
from simulator.program.subspaces import Subspace, image, remainder

_RUN_BITS = 2  # bits beside the lanes that are in each V, so that copies are runs of memory
_PIECES = 64  # parts of a pass
_LONG = 1 << 26  # floats of a state whose passes take long enough to be watched


def passes(columns: Sequence[int], offset: int, lanes: int, bits: int) -> list[NDArray[np.int64]]:
    """The passes that bring each amplitude from ``A y ^ offset`` to y, as the kernel takes them; at least one.

    Parameters
    ----------
    columns : sequence of n int
        Of A: where bit q of y goes.
    offset : int
    lanes : int
        Bits of an index that are a vector's lanes.
    bits : int
        Of a block; it gets more if that leaves no room beside the lanes and the runs.
    """
    size = len(columns)
    left, identity = list(columns), [1 << q for q in range(size)]
    bits = max(bits, lanes + _RUN_BITS + 2)
    out: list[NDArray[np.int64]] = []
    while not out or left != identity:
        span = Subspace([*identity[: lanes + _RUN_BITS], *([offset] if offset else [])])
        moved = list(identity)
        while (found := _transvection(left, span, bits)) is not None:
            vector, row = found
            left = [column ^ vector * _parity(row & column) for column in left]
            moved_vector = image(moved, vector)
            moved = [column ^ moved_vector * (row >> q & 1) for q, column in enumerate(moved)]
        for q in range(size):  # what room is left makes the runs longer
            if len(span.vectors) < bits:
                span.add(1 << q)
        out.append(_spec(moved, offset, span, lanes))
        offset = 0
    return out


def to_complex(psi: NDArray[Any], specs: Sequence[NDArray[np.int64]], lanes: int, phase: complex) -> NDArray[Any]:
    """A stored state in the circuit's order, times ``phase``: complex numbers in the memory of ``psi``."""
    re, im = psi.dtype.type(phase.real), psi.dtype.type(phase.imag)
    for number, spec in enumerate(progress.steps(specs)):
        first, size, queue = number == 0, 2 << int(spec[layout.BLOCK_BITS]), np.array([0, _PIECES])

        def call(spec: Any = spec, first: bool = first, size: int = size, queue: Any = queue) -> None:
            scratch = memory.take(size, psi.dtype.type)
            reorder(psi, spec, re, im, first, scratch, queue, _PIECES, lanes)
            memory.give(scratch)

        share(call, queue, _PIECES, psi.size, 0, _LONG)
    return psi.view(np.result_type(psi.dtype, np.complex64))


def _transvection(columns: Sequence[int], span: Subspace, bits: int) -> tuple[int, int] | None:
    """Vector c in ``span`` and row r such that after ``i -> i ^ c (r . i)`` the matrix fixes one dimension more.

    ``span`` grows if it has to and has less than ``bits`` dimensions; None if there is nothing to be found.
    """
    size = len(columns)
    low = (1 << size) - 1
    outside: dict[int, int] = {}  # of images of A + I: what is left modulo the span, the image, what it is of
    inside: dict[int, int] = {}  # images in the span, and what they are of
    fixed = []
    for q, column in enumerate(columns):
        image = column ^ 1 << q
        row = _eliminate(outside, (span.reduced(image) << size | image) << size | 1 << q, 2 * size)
        if not row >> 2 * size:
            row = _eliminate(inside, row, size)
            if not row >> size:
                fixed.append(row)
    if inside:
        row = next(iter(inside.values()))
    elif outside and len(span.vectors) < bits:
        row = next(iter(outside.values()))
        span.add(row >> size & low)
    else:
        return None
    vector, origin = row >> size & low, row & low
    # A + I loses c from its image if r is 1 on what c is the image of, and 0 on all that is fixed and on c
    equations: dict[int, int] = {}
    for members, value in (*((own, 0) for own in fixed), (vector, 0), (origin, 1)):
        _eliminate(equations, members << 1 | value, 1)
    found = 0
    for length, row in sorted(equations.items()):
        found |= (row & 1 ^ _parity(row >> 1 & found)) << (length - 2)
    return vector, found


def _eliminate(rows: dict[int, int], row: int, last: int) -> int:
    """Reduce a row by the ones of an echelon form down to bit ``last``; it joins them if more is left."""
    rest = remainder(rows, row, last)
    if rest >> last:
        rows[rest.bit_length()] = rest
    return rest


def _parity(mask: int) -> int:
    return mask.bit_count() & 1


def _spec(columns: Sequence[int], offset: int, span: Subspace, lanes: int) -> NDArray[np.int64]:
    """One pass for the kernel: its matrix, and the subspace in whose cosets it moves amplitudes."""
    pivots = sorted(span.vectors)
    others = [q for q in range(len(columns)) if 1 << q not in span.vectors]

    def place(index: int) -> int:
        return sum(1 << j for j, pivot in enumerate(pivots) if index & pivot)

    vectors = [span.vectors[pivot] for pivot in pivots]
    places = [place(image(columns, vector)) for vector in vectors]
    lists = {
        layout.VECTORS: _sums(vectors[lanes:]),
        layout.PLACES: _sums(places[lanes:]),
        layout.ORIGINS: [1 << q for q in others],
        layout.BASES: [place(columns[q]) for q in others],
        layout.LANES: [image(places, lane) for lane in range(1 << lanes)],
    }
    spec = [0] * layout.HEAD
    spec[layout.BLOCK_BITS], spec[layout.BLOCKS_BITS], spec[layout.OFFSET] = len(pivots), len(others), place(offset)
    for head, values in lists.items():
        spec[head] = len(spec)
        spec += values
    return np.array(spec, np.int64)


def _sums(vectors: Sequence[int]) -> list[int]:
    """What changes when bits 0 to t of a counter do, for each t; and once more, for the step behind the last."""
    out = []
    total = 0
    for vector in vectors:
        total ^= vector
        out.append(total)
    return [*out, 0]
