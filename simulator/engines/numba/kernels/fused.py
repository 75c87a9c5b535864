"""Fused passes of a tile: two or three rotations that all samples share, and the phases before them.

The strings of a pass relate to each other like the Ys of different qubits: popcount(x_j & z_k) is odd for j = k and even
otherwise. So every coset of the span of x_0, x_1, x_2 has one member whose three parities popcount(i & z_k) are even. It
comes first, and the signs of `kernels.passes` are the same for all cosets. These members are a subspace: each is a sum of
two entries of the section ``OCTETS``.

* ``exp(-i theta/2 P) = cos(theta/2) (1 - i tan(theta/2) P)``: only the bracket is applied, one fused multiply-add a
  number, and the cosines of a *layer* (passes with one table of phases) are factors of its table.
* Where the sine is larger than the cosine, ``theta - pi`` takes the place of theta, so no tangent is above 1. What is left,
  ``-i P``, is a sign for each amplitude, which the table has, and the flip of x, which is another place to load from.
* The table has the order of the first pass: entry 8 k + d is that of member d of coset k. This order is linear over
  GF(2), so a Z string remains one in it, and tables and derivatives are Walsh-Hadamard transforms as usual.
* On the way back both states lack the cosines of the passes of the layer that have been undone, so each derivative has
  the square of their product as a factor. Derivatives by phases are summed over the lanes before they are transformed.

A number of an amplitude is treated alike in both planes, so passes run over native vectors, of one register each.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import diagonals
from simulator.engines.numba.kernels.sections import one_pass, passes_of, rows, terms_of
from simulator.engines.numba.kernels.walsh import parity, walsh_hadamard
from simulator.engines.numba.layout.passes import (
    COSETS,
    FLIPS,
    FUSED,
    FUSED_COUNT,
    FUSED_SLOT,
    FUSED_X,
    FUSED_Z,
    KIND,
    NEEDED,
    NUMBERS,
    OCTET_BITS,
    OFFSET,
    PHASE_SHARE,
    SHARES,
    TANGENTS,
)
from simulator.engines.numba.layout.scratch import QUBITS
from simulator.engines.numba.layout.sections import SLOT_COLUMNS, SLOT_KAPPA, SLOT_KINDS, TERM_SLOT, TERM_Z
from simulator.engines.numba.simd import (
    eight_sums,
    entry,
    lanes_of,
    like,
    load,
    load_native,
    native_lanes,
    sincos,
    splat,
    splat_native,
    store,
)


@inlined
def _turn(a, b, t):
    return a + t * b, b - t * a


@inlined
def _turn_octet(a, b, c, d, e, f, g, h, t0, t1, t2):
    """Three rotations of the members 0, x0, x1, x0 ^ x1, x2, ..."""
    a, b = _turn(a, b, t0)
    c, d = _turn(c, d, t0)
    e, f = _turn(e, f, t0)
    g, h = _turn(g, h, t0)
    a, c = _turn(a, c, t1)
    b, d = _turn(b, d, t1)
    e, g = _turn(e, g, t1)
    f, h = _turn(f, h, t1)
    a, e = _turn(a, e, t2)
    b, f = _turn(b, f, t2)
    c, g = _turn(c, g, t2)
    d, h = _turn(d, h, t2)
    return a, b, c, d, e, f, g, h


@inlined
def _octet(a, x0, x1, x2):
    """Places of the members of the coset of a."""
    b, c, e = a ^ x0, a ^ x1, a ^ x2
    d, f, g = b ^ x1, b ^ x2, c ^ x2
    return a, b, c, d, e, f, g, d ^ x2


@inlined
def _masks(row):
    return entry(row, FUSED_X), entry(row, FUSED_X + 1), entry(row, FUSED_X + 2)


@inlined
def _flip(row, tables, x0, x1, x2):
    """Sum of the masks x of the rotations by ``theta - pi``."""
    flips = int(entry(tables, entry(row, NUMBERS) + FLIPS))
    return (x0 * (flips & 1)) ^ (x1 * ((flips >> 1) & 1)) ^ (x2 * (flips >> 2))


@inlined
def _tangent(row, tables, k):
    return entry(tables, entry(row, NUMBERS) + TANGENTS + k)


@inlined
def _phases_of(offset, octet, W):
    """Place of the phases of an octet: eight real parts, and W places further the imaginary parts."""
    lane = (octet << OCTET_BITS) & (W - 1)
    return offset + 2 * ((octet << OCTET_BITS) - lane) + lane


@inlined
def _load_octet(state, a, b, c, d, e, f, g, h, s):
    return (
        load_native(state, a + s),
        load_native(state, b + s),
        load_native(state, c + s),
        load_native(state, d + s),
        load_native(state, e + s),
        load_native(state, f + s),
        load_native(state, g + s),
        load_native(state, h + s),
    )


@inlined
def _store_octet(state, a, b, c, d, e, f, g, h, s, A, B, C, D, E, F, G, H):
    store(state, a + s, A)
    store(state, b + s, B)
    store(state, c + s, C)
    store(state, d + s, D)
    store(state, e + s, E)
    store(state, f + s, F)
    store(state, g + s, G)
    store(state, h + s, H)


@inlined
def _multiply(psi, o, tables, at):
    W = lanes_of(psi)
    c, s = splat(entry(tables, at)), splat(entry(tables, at + W))
    a0, a1 = load(psi, o), load(psi, o + W)
    store(psi, o, c * a0 - s * a1)
    store(psi, o + W, c * a1 + s * a0)


@part
def rotate(psi, row, octets, tables, bits):
    """Apply a pass to the octets ``{i ^ x : x in span(x0, x1, x2)}`` of a state, i being the sums of two ``octets``."""
    W, N = lanes_of(psi), native_lanes(psi)
    x0, x1, x2 = _masks(row)
    flip = _flip(row, tables, x0, x1, x2)
    t0 = splat_native(_tangent(row, tables, 0))
    t1 = splat_native(_tangent(row, tables, 1))
    t2 = splat_native(_tangent(row, tables, 2))
    offset = entry(row, OFFSET)
    low = (bits - OCTET_BITS) // 2
    lows = entry(row, COSETS)
    highs = lows + (1 << low)
    for octet in range(1 << (bits - OCTET_BITS)):
        i = entry(octets, highs + (octet >> low)) ^ entry(octets, lows + (octet & ((1 << low) - 1)))
        a, b, c, d, e, f, g, h = _octet(i, x0, x1, x2)
        if offset >= 0:
            at = _phases_of(offset, octet, W)
            _multiply(psi, a, tables, at)
            _multiply(psi, b, tables, at + 1)
            _multiply(psi, c, tables, at + 2)
            _multiply(psi, d, tables, at + 3)
            _multiply(psi, e, tables, at + 4)
            _multiply(psi, f, tables, at + 5)
            _multiply(psi, g, tables, at + 6)
            _multiply(psi, h, tables, at + 7)
        p, q, r, s, t, u, v, w = _octet(i ^ flip, x0, x1, x2)
        for n in range(0, 2 * W, N):
            A, B, C, D, E, F, G, H = _load_octet(psi, p, q, r, s, t, u, v, w, n)
            A, B, C, D, E, F, G, H = _turn_octet(A, B, C, D, E, F, G, H, t0, t1, t2)
            _store_octet(psi, a, b, c, d, e, f, g, h, n, A, B, C, D, E, F, G, H)


@inlined
def _undo(psi, lam, o, tables, at):
    """Undo a phase, and the layer's cosines, on both states; return half the derivative by the phase, lane by lane."""
    W = lanes_of(psi)
    c, s = splat(entry(tables, at)), splat(entry(tables, at + W))
    a0, a1 = load(psi, o), load(psi, o + W)
    u0, u1 = load(lam, o), load(lam, o + W)
    store(psi, o, c * a0 + s * a1)
    store(psi, o + W, c * a1 - s * a0)
    store(lam, o, c * u0 + s * u1)
    store(lam, o + W, c * u1 - s * u0)
    return u1 * a0 - u0 * a1


@inlined
def _add_share(gradient, row, tables, k, g):
    """Add the derivative by the angle of rotation k."""
    o = entry(row, FUSED_SLOT + k) * lanes_of(gradient)
    share = splat_native(entry(tables, entry(row, NUMBERS) + SHARES + k))
    store(gradient, o, load_native(gradient, o) + share * g)


@part
def unrotate(psi, lam, row, octets, tables, bits, gradient, buffer, adding):
    """Undo a pass on both states and add its rotations' derivatives to ``gradient``.

    In the first pass of a layer whose phases' derivatives are wanted, ``buffer`` receives (or, if ``adding``, is added)
    half the derivative by each phase, summed over the lanes, in the order of the table.
    """
    W, N = lanes_of(psi), native_lanes(psi)
    x0, x1, x2 = _masks(row)
    flip = _flip(row, tables, x0, x1, x2)
    t0 = splat_native(-_tangent(row, tables, 0))
    t1 = splat_native(-_tangent(row, tables, 1))
    t2 = splat_native(-_tangent(row, tables, 2))
    g0 = splat_native(like(psi, 0.0))
    g1, g2 = g0, g0
    offset, needed = entry(row, OFFSET), entry(row, NEEDED)
    low = (bits - OCTET_BITS) // 2
    lows = entry(row, COSETS)
    highs = lows + (1 << low)
    for octet in range(1 << (bits - OCTET_BITS)):
        i = entry(octets, highs + (octet >> low)) ^ entry(octets, lows + (octet & ((1 << low) - 1)))
        a, b, c, d, e, f, g, h = _octet(i, x0, x1, x2)
        p, q, r, s, t, u, v, w = _octet(i ^ flip, x0, x1, x2)
        for n in range(0, 2 * W, N):
            A, B, C, D, E, F, G, H = _load_octet(psi, a, b, c, d, e, f, g, h, n)
            # the adjoint state is loaded twice, so that one state fits into sixteen registers
            z = load_native(lam, a + n)
            k0, k1, k2 = z * B, z * C, z * E
            z = load_native(lam, b + n)
            k0, k1, k2 = k0 - z * A, k1 + z * D, k2 + z * F
            z = load_native(lam, c + n)
            k0, k1, k2 = k0 + z * D, k1 - z * A, k2 + z * G
            z = load_native(lam, d + n)
            k0, k1, k2 = k0 - z * C, k1 - z * B, k2 + z * H
            z = load_native(lam, e + n)
            k0, k1, k2 = k0 + z * F, k1 + z * G, k2 - z * A
            z = load_native(lam, f + n)
            k0, k1, k2 = k0 - z * E, k1 + z * H, k2 - z * B
            z = load_native(lam, g + n)
            k0, k1, k2 = k0 + z * H, k1 - z * E, k2 - z * C
            z = load_native(lam, h + n)
            k0, k1, k2 = k0 - z * G, k1 - z * F, k2 - z * D
            g0, g1, g2 = g0 + k0, g1 + k1, g2 + k2
            A, B, C, D, E, F, G, H = _turn_octet(A, B, C, D, E, F, G, H, t0, t1, t2)
            _store_octet(psi, p, q, r, s, t, u, v, w, n, A, B, C, D, E, F, G, H)
            A, B, C, D, E, F, G, H = _load_octet(lam, a, b, c, d, e, f, g, h, n)
            A, B, C, D, E, F, G, H = _turn_octet(A, B, C, D, E, F, G, H, t0, t1, t2)
            _store_octet(lam, p, q, r, s, t, u, v, w, n, A, B, C, D, E, F, G, H)
        if offset >= 0:
            at = _phases_of(offset, octet, W)
            sums = eight_sums(
                _undo(psi, lam, a, tables, at),
                _undo(psi, lam, b, tables, at + 1),
                _undo(psi, lam, c, tables, at + 2),
                _undo(psi, lam, d, tables, at + 3),
                _undo(psi, lam, e, tables, at + 4),
                _undo(psi, lam, f, tables, at + 5),
                _undo(psi, lam, g, tables, at + 6),
                _undo(psi, lam, h, tables, at + 7),
            )
            if needed:
                if adding:
                    sums = sums + load(buffer, octet << OCTET_BITS)
                store(buffer, octet << OCTET_BITS, sums)
    _add_share(gradient, row, tables, 0, g0)
    _add_share(gradient, row, tables, 1, g1)
    _add_share(gradient, row, tables, 2, g2)


@inlined
def _lane_bits(array):
    if lanes_of(array) > 8:
        return 4
    return 3


@part
def pick_phase_gradients(gradient, row, terms, tables, buffer, bits):
    """Transform the buffer written by `unrotate` and add each term's derivative to ``gradient``."""
    W = lanes_of(gradient)
    walsh_hadamard(buffer, 0, bits, _lane_bits(gradient))
    share = entry(tables, entry(row, NUMBERS) + PHASE_SHARE)
    for t in range(len(terms)):
        gradient[terms[t, TERM_SLOT] * W] -= share * entry(buffer, terms[t, TERM_Z])


@part
def prepare(packed, r, theta, tables, buffer):
    """Compute the numbers of the layer that begins with pass r, and its table of phases times signs and cosines."""
    layout = packed[0]
    W, bits, end, last = lanes_of(tables), entry(layout, QUBITS), passes_of(packed), r + 1
    slots = rows(packed, SLOT_KINDS, SLOT_COLUMNS)
    offset = entry(one_pass(packed, r), OFFSET)
    while last < end and entry(one_pass(packed, last), KIND) == FUSED and entry(one_pass(packed, last), OFFSET) < 0:
        last += 1
    one = like(tables, 1.0)
    scale, share, signs = one, one, 0
    for number in range(last - 1, r - 1, -1):
        row = one_pass(packed, number)
        at, flips, product = entry(row, NUMBERS), 0, one
        for k in range(3):
            tables[at + TANGENTS + k] = tables[at + SHARES + k] = like(tables, 0.0)
        for k in range(entry(row, FUSED_COUNT)):
            slot = entry(row, FUSED_SLOT + k)
            kappa = like(tables, 1.0 * slots[slot, SLOT_KAPPA])
            sines, cosines = sincos(load(theta, slot * W) * splat(like(tables, 0.5)))
            store(buffer, 0, sines)
            store(buffer, W, cosines)
            sine, cosine = kappa * entry(buffer, 0), entry(buffer, W)
            if abs(sine) > abs(cosine):
                flips |= 1 << k
                signs ^= entry(row, FUSED_Z + k)
                sine, cosine = cosine, -sine
            tables[at + TANGENTS + k] = sine / cosine
            tables[at + SHARES + k] = kappa * share
            product *= cosine
        tables[at + FLIPS] = like(tables, flips)
        scale *= product
        share *= product * product
    tables[entry(one_pass(packed, r), NUMBERS) + PHASE_SHARE] = share
    diagonals.fill_phases(tables, offset, terms_of(packed, one_pass(packed, r)), theta, 0, bits, buffer, _lane_bits(tables))
    for i in range(1 << bits):
        o = offset + 2 * (i - (i & (W - 1))) + (i & (W - 1))
        factor = -scale if parity(i & signs) else scale
        tables[o] *= factor
        tables[o + W] *= factor
