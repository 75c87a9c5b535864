"""Cases of the passes of phases: tables of phases wherever they are kept, and products of small tables."""

import itertools

import numpy as np

from simulator.engines.numba import simd
from simulator.engines.numba.kernels import diagonals, factors
from simulator.engines.numba.layout import stages
from simulator.engines.numba.layout.sections import TERM_COLUMNS, TERM_SLOT, TERM_Z
from tests.simulator.engines.numba.kernels.cases import Case, called, parity, rotation

_fill, _multiply, _undo, _pick = map(
    called,
    (diagonals.fill_phases, diagonals.multiply_phases, diagonals.undo_phases, diagonals.pick_phase_gradients),
)
_fill_block, _fill_groups, _multiply_factors, _undo_factors, _pick_groups, _pick_block = map(
    called,
    (
        factors.fill_block,
        factors.fill_groups,
        factors.multiply_factors,
        factors.undo_factors,
        factors.pick_groups,
        factors.pick_block,
    ),
)


def _terms(zs):
    """Table of Z strings, each with an angle of its own."""
    out = np.zeros((len(zs), TERM_COLUMNS), np.int64)
    out[:, TERM_Z], out[:, TERM_SLOT] = zs, np.arange(len(zs))
    return out


def _random_zs(n, rng):
    """Some of the strings of n qubits, at least one, each once."""
    return rng.permutation(1 << n)[: int(rng.integers(1, min(1 << n, 12) + 1))].tolist()


def _steps(zs, angles, n):
    return [rotation(0, z, angles[k], k, n) for k, z in enumerate(zs)]


def phases(dtype, lanes, rng):
    """One to five qubits where lanes are samples, else blocks of every size; each string alone, and many together."""
    yield from _tables(dtype, rng) if lanes is None else _tables_of_blocks(dtype, lanes, rng)


def _tables(dtype, rng):
    """Two states in a tile. The table holds a number for all lanes (STORED), or a vector each (PER_TILE)."""
    W = simd.width(dtype)
    for n in range(1, 6):
        size = 1 << n
        for zs in [[z] for z in range(size)] + [_random_zs(n, rng) for _ in range(8)]:
            for stored in (False, True):
                terms = _terms(zs)
                angles = rng.uniform(-3, 3, (len(zs), 1 if stored else W))
                theta = np.ascontiguousarray(np.broadcast_to(angles, (len(zs), W))).astype(dtype).ravel()
                buffer, table = np.full(size * W, np.nan, dtype), np.full(2 * size * W + 2 * W, np.nan, dtype)
                _fill(table, 2 * W, terms, theta, 0, n, buffer, None)
                if stored:
                    table = table[::W].copy()
                offset = 2 if stored else 2 * W

                def apply(psi, table=table, offset=offset, stored=stored, size=size):
                    for begin in (0, size):
                        _multiply(psi, begin, table, offset, stored, size)

                def undo(psi, lam, gradient, table=table, offset=offset, stored=stored, n=n, terms=terms):
                    buffer = np.full(W << n, np.nan, dtype)
                    for begin in (0, 1 << n):
                        _undo(psi, lam, begin, table, offset, stored, 1 << n, buffer, True, begin > 0)
                    _pick(gradient, terms, 0, n, buffer, None)

                for_all = np.concatenate([np.broadcast_to(angles, (len(zs), W))] * 2, axis=1)
                yield Case(n, None, dtype, _steps(zs, for_all, n), apply, undo, states=2)


def _tables_of_blocks(dtype, lanes, rng):
    """Phases of one block after the other, as where they are not stored (ON_THE_FLY)."""
    for n in range(lanes, lanes + 4):
        for zs in [[1 << q] for q in range(n)] + [_random_zs(n, rng) for _ in range(8)]:
            for bits in range(lanes, n + 1):
                terms, angles = _terms(zs), rng.uniform(-3, 3, (len(zs), 1))
                theta = np.zeros((len(zs), 1 << lanes), dtype)  # lane 0 counts
                theta[:, :1] = angles

                def blocks(terms, theta, n, bits):
                    buffer, table = np.full(1 << bits, np.nan, dtype), np.full(2 << bits, np.nan, dtype)
                    for block in range(1 << (n - bits)):
                        _fill(table, 0, terms, theta.ravel(), block, bits, buffer, lanes)
                        yield block, table, buffer

                def apply(psi, terms=terms, theta=theta, n=n, bits=bits):
                    size = 1 << (bits - lanes)
                    for block, table, _ in blocks(terms, theta, n, bits):
                        _multiply(psi, block * size, table, 0, False, size)

                def undo(psi, lam, gradient, terms=terms, theta=theta, n=n, bits=bits):
                    size = 1 << (bits - lanes)
                    for block, table, buffer in blocks(terms, theta, n, bits):
                        _undo(psi, lam, block * size, table, 0, False, size, buffer, True, False)
                        _pick(gradient, terms, block, bits, buffer, lanes)

                yield Case(n, lanes, dtype, _steps(zs, angles, n), apply, undo)


def factored(dtype, lanes, rng):
    """Blocks of parts; so many classes or strings that they fill no group, one, two and more, or are transformed."""
    for part_bits, block_bits, n in [(lanes + 1, lanes + 2, lanes + 3), (lanes + 2, lanes + 4, lanes + 4)]:
        for classes in (0, 1, 4, 5, 6, 9, 10, 11, 15):
            for _ in range(4):
                yield _factored(dtype, lanes, part_bits, block_bits, n, classes, rng)
    yield _factored(dtype, lanes, 6, 7, 7, stages.MAX_CLASSES, rng)


def _factored(dtype, lanes, part_bits, block_bits, n, classes, rng):
    """Strings that act between the parts of a block in ``classes`` ways within a part, and others."""
    W, low, between = 1 << lanes, (1 << part_bits) - 1, (1 << block_bits) - (1 << part_bits)
    within = [0, *(1 + rng.permutation(low)[:classes]).tolist()]  # the masks that make a class, and the constants'
    members = []
    for mask in within:
        others = [z for z in range(1, 1 << n) if z & low == mask and z & between]
        members.append(rng.permutation(others)[: int(rng.integers(1, 3))].tolist())
    fixed = [z for z in range(1 << n) if not z & between]
    fixed = rng.permutation(fixed)[: int(rng.choice([0, 1, 4, 5, 6, 11, 20, 21]))].tolist()
    zs = fixed + [z for group in members for z in group]
    terms, angles = _terms(zs), rng.uniform(-3, 3, (len(zs), 1))
    theta = np.zeros((len(zs), W), dtype)
    theta[:, :1] = angles
    spec, stage = _written(within, members, len(fixed), part_bits, lanes)
    lane = np.arange(W)
    signs = (1 - 2 * (np.bitwise_count(lane[:, None] & lane) & 1).astype(int)).astype(dtype).ravel()
    size, parts = 1 << (part_bits - lanes), 1 << (block_bits - part_bits)
    table, groups = np.full(2 << part_bits, np.nan, dtype), np.full(8 * (2 * W << stages.CLASSES), np.nan, dtype)
    scratch, numbers = np.full(1 << part_bits, np.nan, dtype), np.zeros(128, dtype)

    def pieces():
        """The first part of each block, and its parts; the tables of both are filled."""
        for block in range(1 << (n - block_bits)):
            _fill_block(
                table, spec, terms, theta.ravel(), block * parts, part_bits, scratch, groups, numbers, signs, lanes
            )
            for piece in range(block * parts, (block + 1) * parts):
                _fill_groups(groups, spec, terms, theta.ravel(), piece, part_bits, numbers, signs)
                yield block * parts, piece

    def apply(psi):
        for _, piece in pieces():
            _multiply_factors(psi, piece * size, size, table, groups, stage, spec)

    def undo(psi, lam, gradient):
        bins, buffer = np.zeros(8 * (W << stages.CLASSES), dtype), np.zeros(1 << part_bits, dtype)
        lacking = 0.25  # of both states
        psi /= lacking
        lam /= lacking
        for first, piece in pieces():
            _undo_factors(psi, lam, piece * size, size, table, groups, stage, spec, True, lacking**2, buffer, bins)
            _pick_groups(gradient, spec, terms, piece, part_bits, bins, signs)
            if piece == first + parts - 1:
                _pick_block(gradient, spec, terms, first, part_bits, buffer, lanes)
                buffer[:] = 0
        psi *= lacking
        lam *= lacking

    return Case(n, lanes, dtype, _steps(zs, angles, n), apply, undo)


def _written(within, members, fixed, part_bits, lanes):
    """Spec of a factored pass, and the list that holds the places of its groups."""
    W = 1 << lanes
    ends = np.cumsum([fixed, *map(len, members)]).tolist()  # terms: the fixed ones, the constants, each class's
    masks, spans = within[1:], list(itertools.pairwise(ends[1:]))
    count = max(-(-len(masks) // stages.CLASSES), 1)
    spec, places = [0, fixed, fixed, ends[1], count], []
    for g in range(count):
        chosen = range(g * stages.CLASSES, min((g + 1) * stages.CLASSES, len(masks)))
        group = [len(chosen), len(places)]
        for k in chosen:
            group += [masks[k] & (W - 1), *spans[k]]
        for v in range(1 << (part_bits - lanes)):
            places.append(2 * W * sum(parity(v & masks[k] >> lanes) << j for j, k in enumerate(chosen)))
        spec += group + [0] * (stages.GROUP - len(group))
    return np.array(spec, np.int64), np.array(places, np.int64)
