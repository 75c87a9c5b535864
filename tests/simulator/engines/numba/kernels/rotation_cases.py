"""Cases of the passes of rotations: single ones, pairs, within vectors, and up to three inside a stage's block."""

import itertools

import numpy as np

from simulator.engines.numba import simd
from simulator.engines.numba.kernels import blocks, passes
from simulator.engines.numba.layout import passes as layout
from simulator.engines.numba.layout.sections import COEFFICIENTS
from simulator.engines.numba.tables.stages import octet
from tests.simulator.engines.numba.kernels.cases import Case, called, leading_bits, parity, rotation

_rotate, _unrotate = called(passes.rotate), called(passes.unrotate)
_rotate_pair, _unrotate_pair = called(passes.rotate_pair), called(passes.unrotate_pair)
_rotate_lanes, _unrotate_lanes = called(passes.rotate_lanes), called(passes.unrotate_lanes)
_rotate_block, _unrotate_block = called(blocks.rotate_block), called(blocks.unrotate_block)
_multiply, _scale_of = called(blocks.multiply), called(blocks.scale_of)


def _coefficients(strings, angles, lanes, dtype):
    """The vectors c, s, -s, e, -e of each string: ``angles`` (strings, W or 1)."""
    W = simd.width(dtype)
    out = np.zeros((len(strings), COEFFICIENTS, W), dtype)
    for k, (x, z) in enumerate(strings):
        sign = np.full(W, 1 if (x & z).bit_count() % 4 >= 2 else -1)
        if lanes is not None:
            sign = np.array([s * (-1) ** parity(lane & z) for lane, s in enumerate(sign)])
        sine = sign * np.sin(angles[k] / 2)
        out[k] = np.broadcast_to(np.cos(angles[k] / 2), W), sine, -sine, sign, -sign
    return out.ravel()


def _angles(rng, strings, lanes, dtype):
    return rng.uniform(-3, 3, (len(strings), simd.width(dtype) if lanes is None else 1))


def _write(row, at, slot, string, lanes):
    """Columns of a rotation of a pass of the kinds ROTATION, ROTATION_PAIR and LANE_ROTATION."""
    x, z = string
    shift = lanes or 0
    row[at + layout.SLOT] = slot
    row[at + layout.X], row[at + layout.LANE_X] = x >> shift, x & ((1 << shift) - 1)
    row[at + layout.Z] = z >> shift
    row[at + layout.SWAP] = 1 - parity(x & z)


def _steps(strings, angles, num_qubits):
    return [rotation(x, z, angles[k], k, num_qubits) for k, (x, z) in enumerate(strings)]


def rotations(dtype, lanes, rng):
    """Every string that moves vectors."""
    n, shift = (3, 0) if lanes is None else (lanes + 2, lanes)
    half = 1 << (n - shift - 1)
    for x, z in itertools.product(range(1 << shift, 1 << n), range(1 << n)):
        row = np.zeros(layout.COLUMNS, np.int64)
        row[layout.KIND] = layout.ROTATION
        _write(row, 0, 0, (x, z), lanes)
        row[layout.LOW] = leading_bits([x >> shift])[0]
        angles = _angles(rng, [(x, z)], lanes, dtype)
        table = _coefficients([(x, z)], angles, lanes, dtype)
        cut = int(rng.integers(half + 1))

        def apply(psi, row=row, table=table, cut=cut):
            _rotate(psi, row, table, lanes, 0, cut)
            _rotate(psi, row, table, lanes, cut, half)

        def undo(psi, lam, gradient, row=row, table=table, cut=cut):
            _unrotate(psi, lam, row, table, gradient, lanes, 0, cut)
            _unrotate(psi, lam, row, table, gradient, lanes, cut, half)

        yield Case(n, lanes, dtype, _steps([(x, z)], angles, n), apply, undo)


def pairs(dtype, lanes, rng):
    """Every two masks x that move vectors to different places; if lanes are samples, with every two masks z."""
    n, shift = (3, 0) if lanes is None else (lanes + 2, lanes)
    quarter = 1 << (n - shift - 2)
    masks = [(x1, x2) for x1, x2 in itertools.permutations(range(1 << shift, 1 << n), 2) if (x1 ^ x2) >> shift]
    for x1, x2 in masks:
        every = itertools.product(range(1 << n), repeat=2) if lanes is None else rng.integers(1 << n, size=(1, 2))
        for z1, z2 in every:
            strings = [(x1, int(z1)), (x2, int(z2))]
            row = np.zeros(layout.COLUMNS, np.int64)
            row[layout.KIND] = layout.ROTATION_PAIR
            _write(row, 0, 0, strings[0], lanes)
            _write(row, layout.SECOND, 1, strings[1], lanes)
            row[layout.CROSS_A], row[layout.CROSS_B] = parity(x2 & int(z1)), parity(x1 & int(z2))
            row[layout.LOW], row[layout.HIGH] = leading_bits([x1 >> shift, x2 >> shift])
            angles = _angles(rng, strings, lanes, dtype)
            table = _coefficients(strings, angles, lanes, dtype)
            cut = int(rng.integers(quarter + 1))

            def apply(psi, row=row, table=table, cut=cut):
                _rotate_pair(psi, row, table, table, lanes, 0, cut)
                _rotate_pair(psi, row, table, table, lanes, cut, quarter)

            def undo(psi, lam, gradient, row=row, table=table, cut=cut):
                _unrotate_pair(psi, lam, row, table, table, gradient, lanes, 0, cut)
                _unrotate_pair(psi, lam, row, table, table, gradient, lanes, cut, quarter)

            yield Case(n, lanes, dtype, _steps(strings, angles, n), apply, undo)


def lane_rotations(dtype, lanes, rng):
    """Every string whose x permutes lanes only."""
    n = lanes + 2
    for x, z in itertools.product(range(1, 1 << lanes), range(1 << n)):
        row = np.zeros(layout.COLUMNS, np.int64)
        row[layout.KIND] = layout.LANE_ROTATION
        _write(row, 0, 0, (x, z), lanes)
        angles = _angles(rng, [(x, z)], lanes, dtype)
        table = _coefficients([(x, z)], angles, lanes, dtype)
        cut = int(rng.integers(5))

        def apply(psi, row=row, table=table, cut=cut):
            _rotate_lanes(psi, row, table, lanes, 0, cut)
            _rotate_lanes(psi, row, table, lanes, cut, 4)

        def undo(psi, lam, gradient, row=row, table=table, cut=cut):
            _unrotate_lanes(psi, lam, row, table, gradient, lanes, 0, cut)
            _unrotate_lanes(psi, lam, row, table, gradient, lanes, cut, 4)

        yield Case(n, lanes, dtype, _steps([(x, z)], angles, n), apply, undo)


def _apart(a, b):
    return not parity(a[0] & b[1]) and not parity(b[0] & a[1])


def _random_zs(xs, n, odd, rng):
    """Masks z with which strings are all like X (``odd`` 0) or Y (1), and alike Paulis of different qubits."""
    while True:
        strings = [(x, int(rng.integers(1 << n))) for x in xs]
        if all(parity(x & z) == odd for x, z in strings) and all(
            _apart(a, b) for a, b in itertools.combinations(strings, 2)
        ):
            return strings


def _block_rotations(kind, dtype, lanes, rng):
    """One to three rotations whose masks x move vectors, their angles in either source, some of them multiples of pi.

    Both states may lack a factor on the way back.
    """
    n, W, vectors = lanes + 5, simd.width(dtype), 32
    for count in (1, 2, 3):
        for xs in itertools.islice(itertools.permutations(range(1, 8), count), 30):
            if len(leading_bits(xs)) < count:
                continue
            factor = int(rng.choice([1, 4]))  # the masks are in the lower or in the upper bits
            xs = [x * factor for x in xs]
            strings = _random_zs([x << lanes for x in xs], n, int(kind == layout.LIKE_Y), rng)
            angles = _angles(rng, strings, lanes, dtype)
            if rng.integers(4) == 0:
                angles[0] = rng.choice([-1, 1, 3]) * np.pi
            table = _coefficients(strings, angles, lanes, dtype)
            nothing = np.full_like(table, np.nan)
            row, local = np.zeros(layout.COLUMNS, np.int64), int(rng.integers(2))
            row[layout.KIND], row[layout.COUNT] = kind, count
            masks, pivots = octet(tuple(xs), tuple(z >> lanes for _, z in strings), vectors)
            for k, x in enumerate(masks):
                slot, at = min(k, count - 1), layout.FIRST + layout.EACH * k
                row[at + layout.MEMBER_SLOT], row[at + layout.MEMBER_LOCAL] = slot, local
                row[at + layout.MEMBER_X], row[at + layout.MEMBER_Z] = x, strings[slot][1] >> lanes
            row[layout.PIVOTS : layout.PIVOTS + len(pivots)] = pivots
            sources = (nothing, table) if local else (table, nothing)
            pieces, lacking = int(rng.choice([1, 2])), float(rng.choice([1.0, 0.25]))

            def apply(psi, row=row, sources=sources, pieces=pieces):
                for piece in range(pieces):
                    _rotate_block(psi, row, *sources, vectors, piece, pieces)
                for piece in range(pieces):
                    _multiply(psi, _scale_of(row, *sources), vectors, piece, pieces)

            def undo(psi, lam, gradient, row=row, sources=sources, pieces=pieces, lacking=lacking):
                sums = np.full(3 * W, np.nan, dtype)
                psi /= lacking
                lam /= lacking
                for piece in range(pieces):
                    _unrotate_block(
                        psi, lam, row, *sources, gradient, lacking**2, sums, vectors, piece, pieces
                    )  # fmt: skip
                psi *= lacking * _scale_of(row, *sources)
                lam *= lacking * _scale_of(row, *sources)

            yield Case(n, lanes, dtype, _steps(strings, angles, n), apply, undo)


def like_x(dtype, lanes, rng):
    return _block_rotations(layout.LIKE_X, dtype, lanes, rng)


def like_y(dtype, lanes, rng):
    return _block_rotations(layout.LIKE_Y, dtype, lanes, rng)
