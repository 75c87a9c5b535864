"""Fused passes of a tile: two or three rotations, and the phases before them.

The strings of a pass relate to each other like the Ys of different qubits: popcount(x_j & z_k) is odd for j = k and
even otherwise. So every coset of the span of x_0, x_1, x_2, an octet, has one member whose three parities
popcount(i & z_k) are even. It comes first, and the signs of `kernels.passes` are the same for all octets. These members
are a subspace: each is a sum of two entries of the section ``OCTETS``.

* ``exp(-i theta/2 P) = cos(theta/2) (1 - i tan(theta/2) P)``: only the bracket is applied, one fused multiply-add a
  number. Where all samples share the angles, the cosines of a *layer* (passes with one table of phases) are factors of
  its table; where angles differ, the last pass of a run ends with a multiplication by the cosines of all its passes.
* Where the product of a layer's cosines would become too small, ``theta - pi`` takes the place of an angle theta whose
  sine is larger than its cosine. What remains, ``-i P``, is a sign for each amplitude, which the table has, and the
  flip of x: members of an octet exchange their places. That is rare, so the loops need one place for each member.
* The table has the order of the layer's first pass: entry 8 k + d is that of member d of octet k. This order is linear
  over GF(2), so a Z string remains one in it, and tables and derivatives are Walsh-Hadamard transforms as usual.
* On the way back both states lack the cosines of the layer's passes that have been undone, so each derivative has the
  square of their product as a factor, its share. Derivatives by phases are summed over lanes before their transform.

Rotations treat both planes alike, a native vector (one register) at a time. The numbers of a pass are vectors: three
tangents, the shares (with the flip behind them), and the scale, cosines, if angles differ; and, if they do not,
the same for the way back, where a flip comes first as well, and changes the signs of its tangents once more.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels import diagonals
from simulator.engines.numba.kernels.native import native_lanes, unit_lanes
from simulator.engines.numba.kernels.octets import (
    SCALED,
    TWO,
    add_differences,
    differences,
    multiply,
    no_differences,
    turn,
    undo,
)
from simulator.engines.numba.kernels.sections import one_pass, passes_of, rows, terms_of
from simulator.engines.numba.kernels.walsh import parity, walsh_hadamard
from simulator.engines.numba.layout.passes import (
    BACK,
    COSETS,
    COSINES,
    EACH_NUMBERS,
    FLIP,
    FLIP_Z,
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
    SCALE,
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
from simulator.engines.numba.simd import entry, lanes_of, like, load, prefetch, sincos, splat, store


@inlined
def masks_of(row):
    """The masks x of a pass."""
    return entry(row, FUSED_X), entry(row, FUSED_X + 1), entry(row, FUSED_X + 2)


@inlined
def _how(row, numbers, at):
    """How `octets.turn` applies a pass."""
    how = TWO if entry(row, FUSED_COUNT) == 2 else 0
    if entry(row, FUSED_LOCAL) and entry(numbers, at + SHARES * lanes_of(numbers) + SCALE) != 0.0:
        how |= SCALED
    return how


@inlined
def _flip(octets, numbers, at):
    """Sum of the masks x of the rotations by ``theta - pi``."""
    return like(octets, entry(numbers, at + SHARES * lanes_of(numbers) + FLIP))


@inlined
def first_member(row, octets, octet, bits):
    """Place of the first member of a coset."""
    low = (bits - OCTET_BITS) // 2
    lows = entry(row, COSETS)
    return entry(octets, lows + (1 << low) + (octet >> low)) ^ entry(octets, lows + (octet & ((1 << low) - 1)))


@inlined
def _phases_of(offset, octet, W):
    """Place of the phases of an octet: eight real parts, and W places further the imaginary parts."""
    lane = (octet << OCTET_BITS) & (W - 1)
    return offset + 2 * ((octet << OCTET_BITS) - lane) + lane


@part
def _exchange(state, i, x0, x1, x2, flip):
    """Exchange the members of an octet whose places differ by ``flip``, if it is not 0."""
    W = lanes_of(state)
    for d in range(1 << OCTET_BITS):
        p = i ^ (x0 * (d & 1)) ^ (x1 * (d >> 1 & 1)) ^ (x2 * (d >> 2))
        q = p ^ flip
        if p < q:
            for o in range(0, 2 * W, W):
                a, b = load(state, p + o), load(state, q + o)
                store(state, p + o, b)
                store(state, q + o, a)


@part
def _copy(source, target, i, x0, x1, x2):
    """Copy an octet."""
    W = lanes_of(source)
    for d in range(1 << OCTET_BITS):
        p = i ^ (x0 * (d & 1)) ^ (x1 * (d >> 1 & 1)) ^ (x2 * (d >> 2))
        store(target, p, load(source, p))
        store(target, p + W, load(source, p + W))


@part
def fetch(state, row, octets, bits, first, last):
    """Fetch octets of each state into the second-level cache ahead of their use."""
    W = lanes_of(state)
    x0, x1, x2 = masks_of(row)
    for begin in range(0, len(state), (2 * W) << bits):
        for octet in range(first, last):
            i = begin + first_member(row, octets, octet, bits)
            for d in range(1 << OCTET_BITS):
                prefetch(state, i ^ (x0 * (d & 1)) ^ (x1 * (d >> 1 & 1)) ^ (x2 * (d >> 2)))


@part
def rotate(psi, middle, target, row, octets, tables, numbers, at, bits, first, last, offset):
    """Apply a pass to octets ``{i ^ x : x in span(x0, x1, x2)}`` of each state, i being the sums of two ``octets``.

    ``tables`` has the phases from ``offset`` on, unless that is negative, and ``numbers`` from ``at`` on the numbers of
    the pass. The states behind the phases go to ``middle``, those behind the pass to ``target``; both may be psi, and
    without phases there is no use for ``middle``.
    """
    W, N = lanes_of(psi), unit_lanes(psi)
    x0, x1, x2 = masks_of(row)
    flip, how = _flip(octets, numbers, at), _how(row, numbers, at)
    phased = middle if offset >= 0 else psi
    source = target if flip else phased
    for begin in range(0, len(psi), (2 * W) << bits):
        for octet in range(first, last):
            i = begin + first_member(row, octets, octet, bits)
            if offset >= 0:
                multiply(psi, middle, i, x0, x1, x2, tables, _phases_of(offset, octet, W))
            if flip:
                _copy(phased, target, i, x0, x1, x2)
                _exchange(target, i, x0, x1, x2, flip)
            for o in range(0, W, N):
                turn(source, target, i, x0, x1, x2, o, numbers, at, how)


@part
def add_derivatives(psi, lam, row, octets, bits, first, last, sums):
    """Add the derivatives by a pass's angles, without their shares, to ``sums``, from octets of the states behind it.

    They are ``lam[a] psi[b] - lam[b] psi[a]``, summed over the pairs of each mask, by lanes.
    """
    W, N = lanes_of(psi), native_lanes(psi)
    x0, x1, x2 = masks_of(row)
    step = W if entry(row, FUSED_LOCAL) else N  # sums over all samples need not tell an amplitude's registers apart
    for begin in range(0, len(psi), (2 * W) << bits):
        for o in range(0, step, N):
            totals = no_differences(psi)
            for octet in range(first, last):
                i = begin + first_member(row, octets, octet, bits)
                totals = differences(psi, lam, i, x0, x1, x2, o, step, totals, entry(row, FUSED_COUNT))
            add_differences(sums, o, totals)


@part
def undo_phases(psi, lam, row, octets, tables, bits, first, last, buffer, psi_is):
    """Undo the phases of a layer on octets of both states, and add their derivatives to ``buffer``.

    Half the derivative by each phase, summed over the lanes, in the order of the table. ``psi_is`` says what psi is and
    what happens to it, see `octets.undo`.
    """
    W = lanes_of(psi)
    x0, x1, x2 = masks_of(row)
    for begin in range(0, len(psi), (2 * W) << bits):
        for octet in range(first, last):
            i = begin + first_member(row, octets, octet, bits)
            halves = undo(psi, lam, i, x0, x1, x2, tables, _phases_of(entry(row, OFFSET), octet, W), psi_is)
            store(buffer, octet << OCTET_BITS, load(buffer, octet << OCTET_BITS) + halves)


@part
def local_numbers(packed, numbers, row, rotations, sign, first, last):
    """Compute the numbers of a pass from coefficients that differ from sample to sample, with tangents of this sign.

    Its scale are the cosines of the passes from ``first`` to ``last``; if these are none, it has no scale.
    """
    W = lanes_of(numbers)
    product, sign = splat(like(numbers, 1.0)), splat(like(numbers, sign))
    for k in range(3):
        o = entry(row, FUSED_SLOT + k) * COEFFICIENTS * W
        tangent = sign * load(rotations, o + SINE * W) / load(rotations, o + COSINE * W)
        if k >= entry(row, FUSED_COUNT):
            tangent = tangent - tangent
        store(numbers, (TANGENTS + k) * W, tangent)
        numbers[SHARES * W + k] = entry(rotations, o + SIGN * W)
    numbers[SHARES * W + FLIP] = like(numbers, 0.0)
    numbers[SHARES * W + PHASE_SHARE] = like(numbers, 1.0)
    numbers[SHARES * W + SCALE] = like(numbers, 1.0 if first < last else 0.0)
    for r in range(first, last):
        each = one_pass(packed, r)
        for k in range(entry(each, FUSED_COUNT)):
            product = product * load(rotations, entry(each, FUSED_SLOT + k) * COEFFICIENTS * W + COSINE * W)
    store(numbers, COSINES * W, product)


@inlined
def _least_scale(array):
    """Least product of a layer's cosines, apart from those above 0.7; a derivative's share is its square."""
    if lanes_of(array) > 8:
        return 2.0**-40
    return 2.0**-200


@inlined
def _lane_bits(array):
    if lanes_of(array) > 8:
        return 4
    return 3


@part
def pick_gradients(gradient, row, terms, numbers, at, sums, buffer, bits, was_kept, with_phases):
    """Add the derivatives in ``sums`` to ``gradient``, and, ``with_phases``, those in ``buffer`` to the first lane.

    Where psi was kept, only one of the two states lacks cosines and the other one has them, so shares are signs.
    """
    W = lanes_of(gradient)
    at += SHARES * W
    for k in range(entry(row, FUSED_COUNT)):
        o, share = entry(row, FUSED_SLOT + k) * W, entry(numbers, at + k)
        if was_kept:
            share = like(numbers, 1.0 if share > 0.0 else -1.0)
        store(gradient, o, load(gradient, o) + splat(share) * load(sums, k * W))
    if with_phases and entry(row, OFFSET) >= 0 and entry(row, NEEDED):
        walsh_hadamard(buffer, 0, bits, _lane_bits(gradient))
        share = like(numbers, 1.0) if was_kept else entry(numbers, at + PHASE_SHARE)
        for t in range(len(terms)):
            gradient[terms[t, TERM_SLOT] * W] -= share * entry(buffer, terms[t, TERM_Z])


@inlined
def _continues(row):
    """Whether a pass belongs to the layer of the one before."""
    return entry(row, KIND) == FUSED and entry(row, OFFSET) < 0 and entry(row, FUSED_LOCAL) == 0


@part
def prepare(packed, r, theta, tables, buffer, is_doubled):
    """Compute the numbers of the layer that begins with pass r, and its table of phases times signs and cosines.

    Angles are doubled for `kernels.doubled`; then the table lacks the cosines, which are a number of the first pass.
    """
    layout = packed[0]
    W, bits, end, last = lanes_of(tables), entry(layout, QUBITS), passes_of(packed), r + 1
    slots = rows(packed, SLOT_KINDS, SLOT_COLUMNS)
    first = one_pass(packed, r)
    offset = entry(first, OFFSET)
    if entry(first, FUSED_LOCAL) == 0:
        while last < end and _continues(one_pass(packed, last)):
            last += 1
    one = like(tables, 1.0)
    scale, share, signs, least = one, one, 0, _least_scale(tables)
    half = splat(like(tables, 1.0 if is_doubled else 0.5))
    for number in range(last - 1, r - 1, -1):
        row = one_pass(packed, number)
        at, flip, product, count = entry(row, NUMBERS), 0, one, entry(row, FUSED_COUNT)
        for o in range(at, at + EACH_NUMBERS * W, W):
            store(tables, o, splat(like(tables, 0.0)))
        if entry(row, FUSED_LOCAL):
            count = 0
        for k in range(count):
            slot = entry(row, FUSED_SLOT + k)
            kappa = like(tables, 1.0 * slots[slot, SLOT_KAPPA])
            sines, cosines = sincos(load(theta, slot * W) * half)
            store(buffer, 0, sines)
            store(buffer, W, cosines)
            sine, cosine = kappa * entry(buffer, 0), entry(buffer, W)
            factor, back = kappa * share, -one
            if abs(sine) > abs(cosine) and abs(scale * product * cosine) < least:
                flip ^= entry(row, FUSED_X + k)
                signs ^= entry(row, FUSED_Z + k)
                sine, cosine = cosine, -sine
                if is_doubled:
                    factor = -factor
                back = -back
            store(tables, at + (TANGENTS + k) * W, splat(sine / cosine))
            store(tables, at + (BACK + TANGENTS + k) * W, splat(back * (sine / cosine)))
            tables[at + SHARES * W + k] = factor
            product *= cosine
        for o in (0, BACK * W):
            tables[at + o + SHARES * W + FLIP] = like(tables, flip)
        scale *= product
        if not is_doubled:
            share *= product * product
    at = entry(first, NUMBERS) + SHARES * W
    tables[at + PHASE_SHARE] = share
    tables[at + SCALE] = scale
    tables[at + FLIP_Z] = like(tables, signs)
    if is_doubled:
        scale = one
    diagonals.fill_phases(tables, offset, terms_of(packed, first), theta, 0, bits, buffer, _lane_bits(tables))
    for i in range(1 << bits):
        o = offset + 2 * (i - (i & (W - 1))) + (i & (W - 1))
        factor = -scale if parity(i & signs) else scale
        tables[o] *= factor
        tables[o + W] *= factor
