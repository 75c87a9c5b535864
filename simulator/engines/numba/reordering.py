"""Reordering of a stored state to the circuit's order of basis states.

Basis state y of a circuit is stored at ``A y ^ b`` (`program.lowering`). The matrix A over GF(2) is a product of
transvections, ``i -> i ^ c (r . i)``; their number is the rank of ``A + I``. A sequence of them whose vectors c lie in
one subspace V moves amplitudes within the cosets of V only, so a thread can apply it in its second-level cache, as
stages do with gates. This takes a few passes over memory and no second state. Amplitudes that are read from elsewhere
take one pass in any order, as a block is read from one coset and written to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import progress
from simulator.engines.numba import buffers
from simulator.engines.numba.kernels.reorder import reorder
from simulator.engines.numba.layout import reordering as layout
from simulator.engines.numba.sharing import new_queue, share
from simulator.program.subspaces import Subspace, image, inverse, remainder

_RUN_BITS = 2  # bits beside the lanes that are in each V, so that contiguous memory is copied
_PIECES = 64  # number of parts of a pass
_LONG = 1 << 26  # floats of a state above which a pass is long enough to be watched

NO_AMPLITUDES = np.zeros(0, complex)


def passes(columns: Sequence[int], offset: int, lanes: int, bits: int) -> list[NDArray[np.int64]]:
    """Passes, at least one, that move each amplitude from ``A y ^ offset`` to y, in the kernel's format.

    Parameters
    ----------
    columns : sequence of n int
        Columns of A, the images of the bits of y.
    offset : int
    lanes : int
        Number of bits of an index that select a vector's lane.
    bits : int
        Number of bits of a block; increased if it leaves no room beside the lanes and the runs.
    """
    size = len(columns)
    remaining, identity = list(columns), [1 << q for q in range(size)]
    bits = max(bits, lanes + _RUN_BITS + 2)
    out: list[NDArray[np.int64]] = []
    while not out or remaining != identity:
        span = Subspace([*identity[: lanes + _RUN_BITS], *([offset] if offset else [])])
        moved = list(identity)
        while (transvection := _transvection(remaining, span, bits)) is not None:
            vector, row = transvection
            remaining = [column ^ vector * _parity(row & column) for column in remaining]
            moved_vector = image(moved, vector)
            moved = [column ^ moved_vector * (row >> q & 1) for q, column in enumerate(moved)]
        for q in range(size):  # unused bits of a block make its contiguous runs longer
            if len(span.vectors) < bits:
                span.add(1 << q)
        out.append(_spec(moved, offset, span, span, lanes))
        offset = 0
    return out


def pass_elsewhere(columns: Sequence[int], offset: int, lanes: int, bits: int) -> list[NDArray[np.int64]]:
    """Return the one pass, in the kernel's format, that copies each amplitude at ``A y ^ offset`` to y in other memory.

    Parameters are those of `passes`. A block consists of contiguous runs where it is read and where it is written.
    """
    back = inverse(columns)
    span = Subspace(column for q in range(lanes + _RUN_BITS) for column in (1 << q, back[q]))
    for q in range(len(columns)):
        if len(span.vectors) < bits:
            span.add(1 << q)
    source = Subspace(image(columns, vector) for vector in span.vectors.values())
    return [_spec(columns, offset, span, source, lanes)]


def to_complex(
    psi: NDArray[Any],
    specs: Sequence[NDArray[np.int64]],
    lanes: int,
    phase: complex,
    amplitudes: NDArray[np.complex128] = NO_AMPLITUDES,
) -> NDArray[Any]:
    """Reorder a stored state to the circuit's order, times ``phase``; complex numbers in the memory of ``psi``.

    The state is read from ``amplitudes``, of shape (2**n,), in the first pass, unless these are empty.
    """
    for number, spec in enumerate(progress.steps(specs)):
        size, queue = 2 << int(spec[layout.BLOCK_BITS]), new_queue(_PIECES)
        scratch, source = buffers.take(size, psi.dtype.type), amplitudes if number == 0 else NO_AMPLITUDES
        arguments = (psi, source, spec, phase.real, phase.imag, number == 0, scratch, queue, _PIECES, lanes)
        share(reorder, arguments, queue, _PIECES, psi.size, 0, _LONG, size * psi.itemsize)
        buffers.give(scratch)
    return psi.view(np.result_type(psi.dtype, np.complex64))


def _transvection(columns: Sequence[int], span: Subspace, bits: int) -> tuple[int, int] | None:
    """Vector c in ``span`` and row r such that after ``i -> i ^ c (r . i)`` the matrix fixes one dimension more.

    ``span`` grows if necessary and if it has less than ``bits`` dimensions. None if there is no such vector.
    """
    size = len(columns)
    low = (1 << size) - 1
    outside: dict[int, int] = {}  # images of A + I: residue modulo the span, the image, its preimage
    inside: dict[int, int] = {}  # images in the span and their preimages
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
    # A + I loses c from its image if r is 1 on the preimage of c, and 0 on all fixed vectors and on c
    equations: dict[int, int] = {}
    for members, value in (*((member, 0) for member in fixed), (vector, 0), (origin, 1)):
        _eliminate(equations, members << 1 | value, 1)
    row_bits = 0
    for length, row in sorted(equations.items()):
        row_bits |= (row & 1 ^ _parity(row >> 1 & row_bits)) << (length - 2)
    return vector, row_bits


def _eliminate(rows: dict[int, int], row: int, last: int) -> int:
    """Reduce a row by an echelon form down to bit ``last``; add it to the form if a higher bit remains."""
    residue = remainder(rows, row, last)
    if residue >> last:
        rows[residue.bit_length()] = residue
    return residue


def _parity(mask: int) -> int:
    return mask.bit_count() & 1


def _spec(columns: Sequence[int], offset: int, span: Subspace, source: Subspace, lanes: int) -> NDArray[np.int64]:
    """Encode one pass for the kernel: its matrix, and the subspaces in whose cosets it writes and reads."""
    pivots = sorted(source.vectors)
    others = [q for q in range(len(columns)) if 1 << q not in span.vectors]

    def place(index: int) -> int:
        return sum(1 << j for j, pivot in enumerate(pivots) if index & pivot)

    written = [span.vectors[pivot] for pivot in sorted(span.vectors)]
    places = [place(image(columns, vector)) for vector in written]
    lists = {
        layout.SOURCES: _sums([source.vectors[pivot] for pivot in pivots[lanes:]]),
        layout.VECTORS: _sums(written[lanes:]),
        layout.PLACES: _sums(places[lanes:]),
        layout.ORIGINS: [1 << q for q in others],
        layout.SOURCE_ORIGINS: [source.reduced(columns[q]) for q in others],
        layout.BASES: [place(columns[q]) for q in others],
        layout.LANES: [image(places, lane) for lane in range(1 << lanes)],
    }
    spec = [0] * layout.HEAD
    spec[layout.BLOCK_BITS], spec[layout.BLOCKS_BITS] = len(pivots), len(others)
    spec[layout.SOURCE], spec[layout.OFFSET] = source.reduced(offset), place(offset)
    for head, values in lists.items():
        spec[head] = len(spec)
        spec += values
    return np.array(spec, np.int64)


def _sums(vectors: Sequence[int]) -> list[int]:
    """Exclusive or of vectors 0 to t for each t, with a repeated last entry for the step past the end."""
    out = []
    total = 0
    for vector in vectors:
        total ^= vector
        out.append(total)
    return [*out, 0]
