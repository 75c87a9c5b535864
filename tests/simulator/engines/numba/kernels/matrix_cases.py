"""Cases of the passes of dense matrices: on any number of qubits, and the loops for two."""

import itertools
from functools import lru_cache

import numpy as np

from simulator.engines.numba import simd
from simulator.engines.numba.kernels import passes, two_qubit
from simulator.engines.numba.layout import passes as layout
from tests.simulator import reference
from tests.simulator.engines.numba.kernels.cases import (
    Case,
    Step,
    called,
    gaussian,
    leading_bits,
    parity,
    sums,
)

_pauli = lru_cache(maxsize=512)(reference.pauli_masks)
_dense, _two_qubit = called(passes.dense), called(two_qubit.two_qubit)


def _embedded(matrix, xs, zs, n):
    """A matrix on the qubits whose X and Z are the strings ``xs`` and ``zs``: its Pauli expansion, string by string."""
    size = len(matrix)
    rows, out = np.arange(size), np.zeros((1 << n, 1 << n), complex)
    for a, x in enumerate(sums(xs)):
        diagonal = np.zeros(1 << n, complex)
        for b, z in enumerate(sums(zs)):
            signs = 1 - 2 * (np.bitwise_count(rows & b) & 1).astype(int)
            diagonal += np.mean(matrix[rows ^ a, rows] * signs) * _pauli(0, z, n).diagonal()
        out += _pauli(x, 0, n) * diagonal
    return out


def _laid(matrix, zs, lanes, W):
    """The vectors ``M[p ^ l, p ^ l ^ d]`` (re, im) for each p and d, l being the lane's own parities."""
    size, out = len(matrix), []
    own = [sum(parity(lane & z) << m for m, z in enumerate(zs)) if lanes else 0 for lane in range(W)]
    for p, d in itertools.product(range(size), repeat=2):
        values = np.array([matrix[p ^ row, p ^ row ^ d] for row in own])
        out += [values.real, values.imag]
    return np.concatenate(out)


def _random_zs(xs, n, rng):
    """Masks z, each of which anticommutes with its own x only."""
    out = []
    for k in range(len(xs)):
        z = int(rng.integers(1 << n))
        while any(parity(x & z) != (j == k) for j, x in enumerate(xs)):
            z = int(rng.integers(1 << n))
        out.append(z)
    return out


def _matrices(size, unitary, rng):
    """A matrix, its inverse and its adjoint."""
    matrix = np.linalg.qr(gaussian(rng, size, size))[0]
    if not unitary:
        matrix = matrix @ np.diag(rng.uniform(0.5, 2, size)) @ np.linalg.qr(gaussian(rng, size, size))[0]
    return matrix, np.linalg.inv(matrix), matrix.conj().T


def _tables(matrices, zs, lanes, dtype):
    laid = [_laid(matrix, zs, lanes, simd.width(dtype)) for matrix in matrices]
    begins = np.cumsum([0, *map(len, laid)])[:-1]
    out = simd.aligned_zeros(sum(map(len, laid)), dtype)
    out[:] = np.concatenate(laid)
    return out, begins.tolist()


def dense(dtype, lanes, rng):
    """One to three qubits: every choice of masks x on three qubits, or random ones that also permute lanes."""
    n, shift = (3, 0) if lanes is None else (lanes + 2, lanes)
    for k in (1, 2, 3):
        if lanes is None:
            every = itertools.permutations(range(1, 1 << n), k)
        else:
            every = (rng.integers(1, 1 << n, size=k).tolist() for _ in range(80))
        for xs in every:
            if len(leading_bits(xs)) == k:
                yield _dense_case(dtype, lanes, n, shift, xs, rng)


def _dense_case(dtype, lanes, n, shift, xs, rng):
    k, zs = len(xs), _random_zs(xs, n, rng)
    pivots = leading_bits([x >> shift for x in xs])
    basis = _reduced([x >> shift for x in xs], pivots)
    members, moved = sums(basis), sums(xs)
    spec = [k, len(pivots), *pivots, *(z >> shift for z in zs), *members]
    spec += [members.index(x >> shift) for x in moved] + [x & ((1 << shift) - 1) for x in moved]
    spec = np.array(spec, np.int64)
    matrices = _matrices(1 << k, bool(rng.integers(2)), rng)
    tables, begins = _tables(matrices, zs, lanes, dtype)
    scratch = np.zeros((2 * simd.width(dtype)) << k, dtype)
    count = 1 << (n - shift - len(pivots))
    cut = int(rng.integers(count + 1))

    def apply(psi):
        _dense(psi, spec, tables, begins[0], scratch, lanes, 0, cut)
        _dense(psi, spec, tables, begins[0], scratch, lanes, cut, count)

    def undo(psi, lam, gradient):
        _dense(psi, spec, tables, begins[1], scratch, lanes, 0, count)
        _dense(lam, spec, tables, begins[2], scratch, lanes, 0, count)

    return Case(n, lanes, dtype, [Step(_embedded(matrices[0], xs, zs, n)[None])], apply, undo)


def _reduced(masks, pivots):
    """A basis of what the masks span, one vector for each pivot, its highest bit, and none with another's."""
    spanned = {x for x in sums(masks) if x}
    every = sum(pivots)
    return [next(x for x in spanned if x & every == pivot) for pivot in pivots]


def two_qubits(dtype, lanes, rng):
    """Every two masks x that both move vectors, that both permute lanes, and of which one each does, in any order."""
    n = lanes + 3
    vectors, permutations = [v << lanes for v in range(1, 8)], range(1, 1 << lanes)
    for how, choices in (
        (layout.VECTORS, itertools.permutations(vectors, 2)),
        (layout.LANES, itertools.permutations(permutations, 2)),
    ):
        for xs in choices:
            yield _two_qubit_case(dtype, lanes, n, how, xs, 1, 2, rng)
    for vector, lane in itertools.product(vectors, permutations):
        first, second = rng.permutation([1, 2, 3])[:2].tolist()  # the columns to which the masks lead
        masks = {first: vector, second: lane, first ^ second: vector ^ lane}
        yield _two_qubit_case(dtype, lanes, n, layout.MIXED, (masks[1], masks[2]), first, second, rng)


def _two_qubit_case(dtype, lanes, n, how, xs, first, second, rng):
    zs = _random_zs(xs, n, rng)
    moved = sums(xs)
    row = np.zeros(layout.COLUMNS, np.int64)
    row[layout.KIND], row[layout.HOW] = layout.TWO_QUBIT, how
    row[layout.MASK] = moved[first] if how == layout.LANES else moved[first] >> lanes
    row[layout.OTHER] = moved[second] >> lanes if how == layout.VECTORS else moved[second]
    row[layout.ROW_Z], row[layout.OTHER_Z] = (z >> lanes for z in zs)
    row[layout.FIRST_D], row[layout.SECOND_D] = first, second
    if how == layout.MIXED:  # another vector with the same row of the matrix
        same = [v for v in range(1, 8) if not any(parity(v & z >> lanes) for z in zs)]
        row[layout.TWIN] = rng.choice([v for v in same if v != row[layout.MASK]])
    if how != layout.LANES:
        other = row[layout.TWIN] if how == layout.MIXED else row[layout.OTHER]
        row[layout.FIRST_PIVOT], row[layout.LAST_PIVOT] = leading_bits([int(row[layout.MASK]), int(other)])
    matrices = _matrices(4, bool(rng.integers(2)), rng)
    if how != layout.LANES and first < 3 and not zs[first - 1] % (1 << lanes):
        row[layout.WITH_ZEROS], h = 1, first
        for p in (p for p in range(4) if not p & h):
            matrices[0][p, p ^ h], matrices[0][p ^ h, p ^ h] = 0, matrices[0][p ^ h, p ^ h].real
        matrices = [matrices[0], np.linalg.inv(matrices[0]), matrices[0].conj().T]
    tables, begins = _tables(matrices, zs, lanes, dtype)
    row[[layout.MATRIX, layout.UNDO, layout.UNDO_ADJOINT]] = begins
    pieces = int(rng.choice([1, 2]))

    def apply(psi):
        for piece in range(pieces):
            _two_qubit(psi, row, tables, layout.MATRIX, 8, piece, pieces)

    def undo(psi, lam, gradient):
        _two_qubit(psi, row, tables, layout.UNDO, 8, 0, 1)
        _two_qubit(lam, row, tables, layout.UNDO_ADJOINT, 8, 0, 1)

    return Case(n, lanes, dtype, [Step(_embedded(matrices[0], xs, zs, n)[None])], apply, undo)
