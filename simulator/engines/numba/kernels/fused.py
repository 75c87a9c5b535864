"""Fused passes of a tile: two or three rotations, and the phases before them.

The strings of a pass relate to each other like the Ys of different qubits: popcount(x_j & z_k) is odd for j = k and even
otherwise. So every coset of the span of x_0, x_1, x_2 has one member whose three parities popcount(i & z_k) are even. It
comes first, and the signs of `kernels.passes` are the same for all cosets. These members are a subspace: each is a sum of
two entries of the section ``OCTETS``.

* ``exp(-i theta/2 P) = cos(theta/2) (1 - i tan(theta/2) P)``: only the bracket is applied, one fused multiply-add a
  number. Where all samples share the angles, the cosines of a *layer* (passes with one table of phases) are factors of
  its table; where angles differ, a pass ends with a multiplication by its three cosines.
* Where the sine of a shared angle is larger than the cosine, ``theta - pi`` takes the place of theta, so no tangent is above 1. What is left,
  ``-i P``, is a sign for each amplitude, which the table has, and the flip of x, which is another place to load from.
* The table has the order of the first pass: entry 8 k + d is that of member d of coset k. This order is linear over
  GF(2), so a Z string remains one in it, and tables and derivatives are Walsh-Hadamard transforms as usual.
* On the way back both states lack the cosines of the passes of the layer that have been undone, so each derivative has
  the square of their product as a factor, its share. Derivatives by phases are summed over the lanes before they are transformed.

Rotations treat both planes alike, a native vector (one register) at a time. The numbers of a pass are vectors: three
tangents, the shares (with the flips behind them), and the product of the cosines if angles differ.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import diagonals
from simulator.engines.numba.kernels.sections import one_pass, passes_of, rows, terms_of
from simulator.engines.numba.kernels.walsh import parity, walsh_hadamard
from simulator.engines.numba.layout.passes import (
    COSETS,
    COSINES,
    EACH_NUMBERS,
    FLIPS,
    FUSED,
    FUSED_COUNT,
    FUSED_LOCAL,
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
from simulator.engines.numba.layout.sections import (
    COEFFICIENTS,
    COSINE,
    SIGN,
    SINE,
    SLOT_COLUMNS,
    SLOT_KAPPA,
    SLOT_KINDS,
    TERM_SLOT,
    TERM_Z,
)
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
def _flip(row, numbers, at):
    """Sum of the masks x of the rotations by ``theta - pi``."""
    x0, x1, x2 = _masks(row)
    flips = int(entry(numbers, at + SHARES * lanes_of(numbers) + FLIPS))
    return (x0 * (flips & 1)) ^ (x1 * ((flips >> 1) & 1)) ^ (x2 * (flips >> 2))


@inlined
def _first_member(row, octets, octet, bits):
    """Place of the first member of a coset."""
    low = (bits - OCTET_BITS) // 2
    lows = entry(row, COSETS)
    return entry(octets, lows + (1 << low) + (octet >> low)) ^ entry(octets, lows + (octet & ((1 << low) - 1)))


@inlined
def _tangents(numbers, at, lane):
    W = lanes_of(numbers)
    at += TANGENTS * W + lane
    return load_native(numbers, at), load_native(numbers, at + W), load_native(numbers, at + 2 * W)


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
def _store_octet(state, i, x0, x1, x2, s, A, B, C, D, E, F, G, H):
    a, b, c, d, e, f, g, h = _octet(i, x0, x1, x2)
    store(state, a + s, A)
    store(state, b + s, B)
    store(state, c + s, C)
    store(state, d + s, D)
    store(state, e + s, E)
    store(state, f + s, F)
    store(state, g + s, G)
    store(state, h + s, H)


@inlined
def _turned(state, a, b, c, d, e, f, g, h, s, t0, t1, t2, scaled, scale):
    """Load an octet, rotate it and multiply it by ``scale`` if ``scaled``."""
    A, B, C, D, E, F, G, H = _load_octet(state, a, b, c, d, e, f, g, h, s)
    A, B, C, D, E, F, G, H = _turn_octet(A, B, C, D, E, F, G, H, t0, t1, t2)
    if scaled:
        A, B, C, D = scale * A, scale * B, scale * C, scale * D
        E, F, G, H = scale * E, scale * F, scale * G, scale * H
    return A, B, C, D, E, F, G, H


@inlined
def _multiply(psi, o, tables, at):
    W = lanes_of(psi)
    c, s = splat(entry(tables, at)), splat(entry(tables, at + W))
    a0, a1 = load(psi, o), load(psi, o + W)
    store(psi, o, c * a0 - s * a1)
    store(psi, o + W, c * a1 + s * a0)


@part
def rotate(psi, row, octets, tables, numbers, at, bits):
    """Apply a pass to the octets ``{i ^ x : x in span(x0, x1, x2)}`` of a state, i being the sums of two ``octets``.

    ``tables`` has the phases, and ``numbers`` from ``at`` on the numbers of the pass.
    """
    W, N = lanes_of(psi), native_lanes(psi)
    x0, x1, x2 = _masks(row)
    flip, offset, local = _flip(row, numbers, at), entry(row, OFFSET), entry(row, FUSED_LOCAL)
    for octet in range(1 << (bits - OCTET_BITS)):
        i = _first_member(row, octets, octet, bits)
        a, b, c, d, e, f, g, h = _octet(i, x0, x1, x2)
        if offset >= 0:
            o = _phases_of(offset, octet, W)
            _multiply(psi, a, tables, o)
            _multiply(psi, b, tables, o + 1)
            _multiply(psi, c, tables, o + 2)
            _multiply(psi, d, tables, o + 3)
            _multiply(psi, e, tables, o + 4)
            _multiply(psi, f, tables, o + 5)
            _multiply(psi, g, tables, o + 6)
            _multiply(psi, h, tables, o + 7)
        a, b, c, d, e, f, g, h = _octet(i ^ flip, x0, x1, x2)
        for lane in range(0, W, N):
            t0, t1, t2 = _tangents(numbers, at, lane)
            scale = load_native(numbers, at + COSINES * W + lane)
            for s in range(lane, lane + 2 * W, W):
                A, B, C, D, E, F, G, H = _turned(psi, a, b, c, d, e, f, g, h, s, t0, t1, t2, local, scale)
                _store_octet(psi, i, x0, x1, x2, s, A, B, C, D, E, F, G, H)


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
def _derivatives(psi, lam, a, b, c, d, e, f, g, h, s):
    """``Im <lam|P|psi>`` of the three strings in one plane of an octet, up to signs.

    No more than nine numbers are needed at a time, so that they fit into sixteen registers.
    """
    A, B, C, D, E, F, G, H = _load_octet(psi, a, b, c, d, e, f, g, h, s)
    z = load_native(lam, a + s)
    k0, k1, k2 = z * B, z * C, z * E
    z = load_native(lam, b + s)
    k0, k1, k2 = k0 - z * A, k1 + z * D, k2 + z * F
    z = load_native(lam, c + s)
    k0, k1, k2 = k0 + z * D, k1 - z * A, k2 + z * G
    z = load_native(lam, d + s)
    k0, k1, k2 = k0 - z * C, k1 - z * B, k2 + z * H
    z = load_native(lam, e + s)
    k0, k1, k2 = k0 + z * F, k1 + z * G, k2 - z * A
    z = load_native(lam, f + s)
    k0, k1, k2 = k0 - z * E, k1 + z * H, k2 - z * B
    z = load_native(lam, g + s)
    k0, k1, k2 = k0 + z * H, k1 - z * E, k2 - z * C
    z = load_native(lam, h + s)
    return k0 - z * G, k1 - z * F, k2 - z * D


@part
def unrotate(psi, lam, row, octets, tables, numbers, at, bits, sums, buffer):
    """Undo a pass on both states and add its rotations' derivatives, without their shares, to the three vectors ``sums``.

    The first pass of a layer adds half the derivative by each phase, summed over the lanes, to ``buffer`` in the order
    of the table.
    """
    W, N = lanes_of(psi), native_lanes(psi)
    x0, x1, x2 = _masks(row)
    flip, offset, local = _flip(row, numbers, at), entry(row, OFFSET), entry(row, FUSED_LOCAL)
    for octet in range(1 << (bits - OCTET_BITS)):
        i = _first_member(row, octets, octet, bits)
        a, b, c, d, e, f, g, h = _octet(i, x0, x1, x2)
        for lane in range(0, W, N):
            t0, t1, t2 = _tangents(numbers, at, lane)
            scale = load_native(numbers, at + COSINES * W + lane)
            zero = scale - scale
            t0, t1, t2 = zero - t0, zero - t1, zero - t2
            g0, g1, g2 = load_native(sums, lane), load_native(sums, W + lane), load_native(sums, 2 * W + lane)
            for s in range(lane, lane + 2 * W, W):
                k0, k1, k2 = _derivatives(psi, lam, a, b, c, d, e, f, g, h, s)
                g0, g1, g2 = g0 + k0, g1 + k1, g2 + k2
                A, B, C, D, E, F, G, H = _turned(psi, a, b, c, d, e, f, g, h, s, t0, t1, t2, local, scale)
                _store_octet(psi, i ^ flip, x0, x1, x2, s, A, B, C, D, E, F, G, H)
                A, B, C, D, E, F, G, H = _turned(lam, a, b, c, d, e, f, g, h, s, t0, t1, t2, local, scale)
                _store_octet(lam, i ^ flip, x0, x1, x2, s, A, B, C, D, E, F, G, H)
            store(sums, lane, g0)
            store(sums, W + lane, g1)
            store(sums, 2 * W + lane, g2)
        if offset >= 0:
            o = _phases_of(offset, octet, W)
            halves = eight_sums(
                _undo(psi, lam, a, tables, o),
                _undo(psi, lam, b, tables, o + 1),
                _undo(psi, lam, c, tables, o + 2),
                _undo(psi, lam, d, tables, o + 3),
                _undo(psi, lam, e, tables, o + 4),
                _undo(psi, lam, f, tables, o + 5),
                _undo(psi, lam, g, tables, o + 6),
                _undo(psi, lam, h, tables, o + 7),
            )
            store(buffer, octet << OCTET_BITS, load(buffer, octet << OCTET_BITS) + halves)


@part
def local_numbers(numbers, row, rotations):
    """Compute the numbers of a pass from coefficients that differ from sample to sample."""
    W = lanes_of(numbers)
    product = splat(like(numbers, 1.0))
    for k in range(3):
        o = entry(row, FUSED_SLOT + k) * COEFFICIENTS * W
        tangent = load(rotations, o + SINE * W) / load(rotations, o + COSINE * W)
        if k < entry(row, FUSED_COUNT):
            product = product * load(rotations, o + COSINE * W)
        else:
            tangent = tangent - tangent
        store(numbers, (TANGENTS + k) * W, tangent)
        numbers[SHARES * W + k] = entry(rotations, o + SIGN * W)
    numbers[SHARES * W + FLIPS] = like(numbers, 0.0)
    numbers[SHARES * W + PHASE_SHARE] = like(numbers, 1.0)
    store(numbers, COSINES * W, product)


@inlined
def _lane_bits(array):
    if lanes_of(array) > 8:
        return 4
    return 3


@part
def pick_gradients(gradient, row, terms, numbers, at, sums, buffer, bits):
    """Add the derivatives that `unrotate` has left in ``sums`` and ``buffer`` to ``gradient``; the latter's are one number."""
    W = lanes_of(gradient)
    at += SHARES * W
    for k in range(entry(row, FUSED_COUNT)):
        o = entry(row, FUSED_SLOT + k) * W
        store(gradient, o, load(gradient, o) + splat(entry(numbers, at + k)) * load(sums, k * W))
    if entry(row, OFFSET) >= 0 and entry(row, NEEDED):
        walsh_hadamard(buffer, 0, bits, _lane_bits(gradient))
        for t in range(len(terms)):
            gradient[terms[t, TERM_SLOT] * W] -= entry(numbers, at + PHASE_SHARE) * entry(buffer, terms[t, TERM_Z])


@inlined
def _continues(row):
    """Whether a pass belongs to the layer of the one before."""
    return entry(row, KIND) == FUSED and entry(row, OFFSET) < 0 and entry(row, FUSED_LOCAL) == 0


@part
def prepare(packed, r, theta, tables, buffer):
    """Compute the numbers of the layer that begins with pass r, and its table of phases times signs and cosines."""
    layout = packed[0]
    W, bits, end, last = lanes_of(tables), entry(layout, QUBITS), passes_of(packed), r + 1
    slots = rows(packed, SLOT_KINDS, SLOT_COLUMNS)
    first = one_pass(packed, r)
    offset = entry(first, OFFSET)
    if entry(first, FUSED_LOCAL) == 0:
        while last < end and _continues(one_pass(packed, last)):
            last += 1
    one = like(tables, 1.0)
    scale, share, signs = one, one, 0
    for number in range(last - 1, r - 1, -1):
        row = one_pass(packed, number)
        at, flips, product, count = entry(row, NUMBERS), 0, one, entry(row, FUSED_COUNT)
        for o in range(at, at + EACH_NUMBERS * W, W):
            store(tables, o, splat(like(tables, 0.0)))
        if entry(row, FUSED_LOCAL):
            count = 0
        for k in range(count):
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
            store(tables, at + (TANGENTS + k) * W, splat(sine / cosine))
            tables[at + SHARES * W + k] = kappa * share
            product *= cosine
        tables[at + SHARES * W + FLIPS] = like(tables, flips)
        scale *= product
        share *= product * product
    tables[entry(first, NUMBERS) + SHARES * W + PHASE_SHARE] = share
    diagonals.fill_phases(tables, offset, terms_of(packed, first), theta, 0, bits, buffer, _lane_bits(tables))
    for i in range(1 << bits):
        o = offset + 2 * (i - (i & (W - 1))) + (i & (W - 1))
        factor = -scale if parity(i & signs) else scale
        tables[o] *= factor
        tables[o + W] *= factor
