"""Phases of a block as products of small tables, which avoids a Walsh-Hadamard transform per value.

A block is processed in parts. Z strings of a level that act within a part, possibly also on the block's number, are
the same for all parts of a block: their table is computed once per block. The others are divided into classes by their
action within a part. For one part, a class is a factor ``exp(i phi (-1)**parity(v & z))`` with a number phi. A group
has up to five classes, and its product takes at most 2**5 values as vectors: a table, with a place for each vector v
of a part. An amplitude thus costs one complex product for the block's table and one per group.

The derivative reverses this: the contributions of the amplitudes are summed in the block's buffer and in the groups'
places, and transformed there.

``spec`` (a section of the stage's integers): first and last term of the block's table, first and last of the terms that
do nothing within a part, the number of groups, one at least; then for each group the number of its classes, where its
places begin, and for each class its lanes' mask, its first and last term.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels.diagonals import fill_phases
from simulator.engines.numba.kernels.walsh import parity, walsh_hadamard
from simulator.engines.numba.layout.sections import TERM_SLOT, TERM_Z
from simulator.engines.numba.layout.stages import (
    BLOCK_FIRST,
    BLOCK_LAST,
    CLASS,
    CLASS_FIRST,
    CLASS_LANES,
    CLASS_LAST,
    CLASSES,
    CONSTANT_FIRST,
    CONSTANT_LAST,
    FACTOR_HEAD,
    GROUP,
    GROUP_CLASSES,
    GROUP_HEAD,
    GROUP_PLACES,
    GROUPS,
)
from simulator.engines.numba.simd import (
    count_ones,
    entry,
    lane_sum,
    lanes_of,
    like,
    load,
    section,
    sincos,
    splat,
    store,
)

_SINES = 64  # where sines begin, behind the cosines of as many phases
_MOST_GROUPS = 4  # maximum number of groups of a block's table; more take as long as the sum of all
_MOST_BITS = 12  # maximum binary logarithm of the vectors of a part, whose `_place_changes` fit in an integer


@inlined
def _signed(terms, theta, first, last, number, part_bits):
    """Half the sum of the angles of some terms, with the signs that the number of the part gives them, negated."""
    W = lanes_of(theta)
    out = like(theta, 0.0)
    for t in range(first, last):
        sign = -0.5 + parity(number & (entry(terms[t], TERM_Z) >> part_bits))
        out += like(theta, sign) * theta[entry(terms[t], TERM_SLOT) * W]
    return out


@inlined
def _times(a0, a1, b0, b1):
    return a0 * b0 - a1 * b1, a0 * b1 + a1 * b0


@inlined
def _exponentials(phases, count):
    """Replace the first ``count`` numbers by their cosines, and write their sines behind `_SINES`."""
    for o in range(0, count, lanes_of(phases)):
        sine, cosine = sincos(load(phases, o))
        store(phases, o, cosine)
        store(phases, _SINES + o, sine)


@inlined
def _double(table, j, cosine, sine):
    """Double a table of 2**j phases: times one phase, and behind these times its conjugate."""
    W = lanes_of(table)
    half = 2 * W << j
    for o in range(0, half, 2 * W):
        a0, a1 = load(table, o), load(table, o + W)
        ca0, ca1, sa0, sa1 = cosine * a0, cosine * a1, sine * a0, sine * a1
        store(table, o, ca0 - sa1)
        store(table, o + W, ca1 + sa0)
        store(table, half + o, ca0 + sa1)
        store(table, half + o + W, ca1 - sa0)


@inlined
def _place_changes(terms, first, last, lanes, size):
    """Changes of the place of a vector's phase, by the number of bits of its index that change, as one integer."""
    out = 0
    for c in range(size):
        mask, place = (2 << c) - 1, 0
        for t in range(first, last):
            place |= parity(mask & (entry(terms[t], TERM_Z) >> lanes)) << (t - first)
        out |= place << (CLASSES * c)
    return out


@part
def _multiply_group(table, terms, first, last, phases, begin, group, signs, lanes, size, fresh):
    """Multiply a table of 2**size vectors by the phases of up to `CLASSES` terms, or set it to them if ``fresh``.

    Vectors have as many different products of these phases as there are signs: ``group`` is a table of all, in which
    each vector has a place. The cosines of the terms begin at ``begin`` in ``phases``.
    """
    W = lanes_of(table)
    store(group, 0, splat(like(table, 1.0)))
    store(group, W, splat(like(table, 0.0)))
    for j in range(last - first):
        lane = entry(terms[first + j], TERM_Z) & (W - 1)
        _double(group, j, splat(phases[begin + j]), splat(phases[_SINES + begin + j]) * load(signs, lane * W))
    changes, place = _place_changes(terms, first, last, lanes, size), 0
    for v in range(1 << size):
        o, p = v * 2 * W, place * 2 * W
        a0, a1 = load(group, p), load(group, p + W)
        if not fresh:
            a0, a1 = _times(a0, a1, load(table, o), load(table, o + W))
        store(table, o, a0)
        store(table, o + W, a1)
        place ^= changes >> (CLASSES * (count_ones(v ^ (v + 1)) - 1)) & ((1 << CLASSES) - 1)


@part
def fill_block(table, spec, terms, theta, number, bits, buffer, group, phases, signs, lanes):
    """Fill the table that all parts of a block share; ``number`` is the number of its first part.

    The phases of a few strings are products of small tables, like those of classes; those of many are sums.
    """
    first, last, size = entry(spec, BLOCK_FIRST), entry(spec, BLOCK_LAST), bits - lanes
    count = last - first
    groups = max((count + CLASSES - 1) // CLASSES, 1)
    if groups > _MOST_GROUPS or size > _MOST_BITS:
        fill_phases(table, 0, section(terms, first, last), theta, number, bits, buffer, lanes)
        return
    for t in range(count):
        phases[t] = _signed(terms, theta, first + t, first + t + 1, number, bits)
    _exponentials(phases, count)
    for g in range(groups):
        begin, end = count * g // groups, count * (g + 1) // groups
        _multiply_group(
            table, terms, first + begin, first + end, phases, begin, group, signs, lanes, size, g == 0
        )  # fmt: skip


@inlined
def _fill_group(table, spec, at, phases, signs, c, one, two):
    """Fill the products of a group's factors, starting with (one, two); c is the index of its first class's phase."""
    W = lanes_of(table)
    store(table, 0, one)
    store(table, W, two)
    for j in range(entry(spec, at + GROUP_CLASSES)):
        lane = entry(spec, at + GROUP_HEAD + CLASS * j + CLASS_LANES)
        _double(table, j, splat(phases[c + j]), splat(phases[_SINES + c + j]) * load(signs, lane * W))


@part
def fill_groups(groups, spec, terms, theta, number, bits, phases, signs):
    """Fill the tables of all groups for one part."""
    W = lanes_of(groups)
    phases[0] = _signed(terms, theta, entry(spec, CONSTANT_FIRST), entry(spec, CONSTANT_LAST), number, bits)
    c = 1
    for g in range(entry(spec, GROUPS)):
        at = FACTOR_HEAD + GROUP * g
        for j in range(entry(spec, at + GROUP_CLASSES)):
            at_class = at + GROUP_HEAD + CLASS * j
            first, last = entry(spec, at_class + CLASS_FIRST), entry(spec, at_class + CLASS_LAST)
            phases[c] = _signed(terms, theta, first, last, number, bits)
            c += 1
    _exponentials(phases, c)
    one, two = splat(phases[0]), splat(phases[_SINES])
    c = 1
    for g in range(entry(spec, GROUPS)):
        at = FACTOR_HEAD + GROUP * g
        group = section(groups, g * (2 * W << CLASSES), (g + 1) * (2 * W << CLASSES))
        _fill_group(group, spec, at, phases, signs, c, one, two)
        one, two = splat(like(groups, 1.0)), splat(like(groups, 0.0))
        c += entry(spec, at + GROUP_CLASSES)


@inlined
def _place(stage, spec, g, v, W):
    """Where the phase of vector v is in the table of group g."""
    return entry(stage, entry(spec, FACTOR_HEAD + GROUP * g + GROUP_PLACES) + v) + g * (2 * W << CLASSES)


@inlined
def _phase(block_table, groups, stage, spec, v, p, number):
    """The phase of vector v of a part, whose place in the table of the first of ``number`` groups is p."""
    W = lanes_of(groups)
    c, s = load(block_table, v * 2 * W), load(block_table, v * 2 * W + W)
    c, s = _times(c, s, load(groups, p), load(groups, p + W))
    for g in range(1, number):  # rarely more than one
        q = _place(stage, spec, g, v, W)
        c, s = _times(c, s, load(groups, q), load(groups, q + W))
    return c, s


@part
def multiply_factors(psi, start, count, block_table, groups, stage, spec):
    """Multiply the vectors of a part, from vector ``start`` on, by their phases."""
    W = lanes_of(psi)
    places, number = entry(spec, FACTOR_HEAD + GROUP_PLACES), entry(spec, GROUPS)
    for v in range(count):
        o, p = (start + v) * 2 * W, entry(stage, places + v)
        c, s = _phase(block_table, groups, stage, spec, v, p, number)
        a0, a1 = _times(load(psi, o), load(psi, o + W), c, s)
        store(psi, o, a0)
        store(psi, o + W, a1)


@part
def undo_factors(psi, lam, start, count, block_table, groups, stage, spec, needed, share, buffer, bins):
    """Undo a part's phases on both states; add half the derivative by each to ``buffer`` and its groups' ``bins``.

    Derivatives are multiplied by ``share``, for what both states lack (`kernels.blocks`).
    """
    W = lanes_of(psi)
    factor = splat(like(psi, share))
    places, number = entry(spec, FACTOR_HEAD + GROUP_PLACES), entry(spec, GROUPS)
    for v in range(count):
        o, p = (start + v) * 2 * W, entry(stage, places + v)
        c, s = _phase(block_table, groups, stage, spec, v, p, number)
        a0, a1, u0, u1 = load(psi, o), load(psi, o + W), load(lam, o), load(lam, o + W)
        if needed:
            d = factor * (u1 * a0 - u0 * a1)
            store(buffer, v * W, load(buffer, v * W) + d)
            store(bins, p >> 1, load(bins, p >> 1) + d)
            for g in range(1, number):
                q = _place(stage, spec, g, v, W) >> 1
                store(bins, q, load(bins, q) + d)
        store(psi, o, c * a0 + s * a1)
        store(psi, o + W, c * a1 - s * a0)
        store(lam, o, c * u0 + s * u1)
        store(lam, o + W, c * u1 - s * u0)


@inlined
def _add(gradient, terms, first, last, number, part_bits, value):
    """Add to the derivatives of some terms, each with the sign of the part."""
    W = lanes_of(gradient)
    for t in range(first, last):
        sign = -1.0 + 2.0 * parity(number & (entry(terms[t], TERM_Z) >> part_bits))
        gradient[entry(terms[t], TERM_SLOT) * W] += like(gradient, sign) * value


@part
def pick_groups(gradient, spec, terms, number, bits, bins, signs):
    """Add the derivatives of the classes' terms for one part from its bins, which are cleared."""
    W = lanes_of(gradient)
    zero = splat(like(gradient, 0.0))
    for g in range(entry(spec, GROUPS)):
        first_bin = g * (W << CLASSES)
        at = FACTOR_HEAD + GROUP * g
        classes = entry(spec, at + GROUP_CLASSES)
        for j in range(
            classes - 1, -1, -1
        ):  # the highest class halves the bins: their differences are its derivative, their sums remain
            half = W << j
            difference = zero
            for o in range(first_bin, first_bin + half, W):
                a, b = load(bins, o), load(bins, o + half)
                difference = difference + (a - b)
                store(bins, o, a + b)
                store(bins, o + half, zero)
            at_class = at + GROUP_HEAD + CLASS * j
            value = lane_sum(difference * load(signs, entry(spec, at_class + CLASS_LANES) * W))
            first, last = entry(spec, at_class + CLASS_FIRST), entry(spec, at_class + CLASS_LAST)
            _add(gradient, terms, first, last, number, bits, value)
        if g == 0:
            _add(
                gradient,
                terms,
                entry(spec, CONSTANT_FIRST),
                entry(spec, CONSTANT_LAST),
                number,
                bits,
                lane_sum(load(bins, first_bin)),
            )
        store(bins, first_bin, zero)


@part
def pick_block(gradient, spec, terms, number, bits, buffer, lanes):
    """Add the derivatives of the terms that are the same for all parts of a block, from their summed buffer."""
    W = lanes_of(gradient)
    walsh_hadamard(buffer, 0, bits, lanes)
    low = (1 << bits) - 1
    for t in range(entry(spec, BLOCK_FIRST), entry(spec, BLOCK_LAST)):
        z, slot = entry(terms[t], TERM_Z), entry(terms[t], TERM_SLOT)
        sign = -1.0 + 2.0 * parity(number & (z >> bits))
        gradient[slot * W] += like(gradient, sign) * buffer[z & low]
