"""Product state that a circuit's first one-qubit gates prepare, and its derivatives, where lanes are samples.

As in `kernels.product`, but what all samples share is taken out of the loop over samples:

* The gates of a qubit behind the last one whose angle differs from sample to sample are one matrix, made once for all
  samples. The gates up to that one are its *encoding*.
* The state is an outer product: that of the upper qubits times that of the lower ones, each multiplied out before.
* On the way back, the adjoint state is contracted with the lower product and with the upper one in a single trip. What
  remains for each half is as small as the square root of the state.
* Derivatives with respect to the angles of a qubit's matrix M follow from the sum over all samples of a tile of
  ``dual[b] conj(encoded[j])``, as ``Re sum conj(sum_bj) dM_bj``.

``duals`` holds for each qubit, four vectors each, the adjoint amplitudes and the encoded amplitudes, and eight vectors
with the sums, each kind for all qubits in turn.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels.product import chain_gradients, contract, gate
from simulator.engines.numba.layout.sections import (
    CHAIN_AXIS,
    CHAIN_SLOT,
    COEFFICIENTS,
    COSINE,
    SIGN,
    SINE,
)
from simulator.engines.numba.simd import entry, lane_sum, lanes_of, like, load, section, splat, store


@inlined
def matrix_place(array, slots, q):
    """Place of a qubit's matrix behind the shared coefficients: four complex numbers, row by row."""
    return (slots * COEFFICIENTS + q) * lanes_of(array)


@part
def prepare_matrices(shared, splits, pointers, chain, slots):
    """Multiply out the gates behind each qubit's encoding."""
    W = lanes_of(shared)
    for q in range(len(splits)):
        at = matrix_place(shared, slots, q)
        for column in range(2):
            a0, a1, b0, b1 = like(shared, 1 - column), like(shared, 0.0), like(shared, column), like(shared, 0.0)
            for g in range(entry(splits, q), entry(pointers, q + 1)):
                o = chain[g, CHAIN_SLOT] * COEFFICIENTS * W
                c, s = entry(shared, o + COSINE * W), entry(shared, o + SINE * W)
                a0, a1, b0, b1 = gate(chain[g, CHAIN_AXIS], c, s, a0, a1, b0, b1)
            shared[at + 2 * column], shared[at + 2 * column + 1] = a0, a1
            shared[at + 4 + 2 * column], shared[at + 5 + 2 * column] = b0, b1


@inlined
def _element(array, at):
    return splat(entry(array, at)), splat(entry(array, at + 1))


@inlined
def encoded_of(duals, num_qubits):
    """Section of the encoded amplitudes."""
    each = 4 * num_qubits * lanes_of(duals)
    return section(duals, each, 2 * each)


@inlined
def sums_of(duals, num_qubits):
    """Section of the sums."""
    each = 4 * num_qubits * lanes_of(duals)
    return section(duals, 2 * each, 4 * each)


@part
def amplitudes(pairs, encoded, splits, pointers, chain, shared, local, is_local, slots):
    """Write each qubit's two amplitudes behind its encoding, and behind all of its gates."""
    W = lanes_of(pairs)
    one = splat(like(pairs, 1.0))
    zero = one - one
    for q in range(len(splits)):
        a0, a1, b0, b1 = one, zero, zero, zero
        for g in range(entry(pointers, q), entry(splits, q)):
            slot = chain[g, CHAIN_SLOT]
            rotations = local if is_local[slot] else shared
            o = slot * COEFFICIENTS * W
            c, s = load(rotations, o + COSINE * W), load(rotations, o + SINE * W)
            a0, a1, b0, b1 = gate(chain[g, CHAIN_AXIS], c, s, a0, a1, b0, b1)
        o = q * 4 * W
        store(encoded, o, a0)
        store(encoded, o + W, a1)
        store(encoded, o + 2 * W, b0)
        store(encoded, o + 3 * W, b1)
        at = matrix_place(shared, slots, q)
        for row in range(2):
            (m0, m1), (n0, n1) = _element(shared, at + 4 * row), _element(shared, at + 4 * row + 2)
            store(pairs, o + 2 * row * W, m0 * a0 - m1 * a1 + n0 * b0 - n1 * b1)
            store(pairs, o + 2 * row * W + W, m0 * a1 + m1 * a0 + n0 * b1 + n1 * b0)


@part
def half_product(out, pairs, first, count):
    """Product of the amplitudes of qubits ``first`` to ``first + count - 1``."""
    W = lanes_of(out)
    store(out, 0, splat(like(out, 1.0)))
    store(out, W, splat(like(out, 0.0)))
    for q in range(count):
        at = (first + q) * 4 * W
        a0, a1 = load(pairs, at), load(pairs, at + W)
        b0, b1 = load(pairs, at + 2 * W), load(pairs, at + 3 * W)
        span = (1 << q) * 2 * W
        for o in range(0, span, 2 * W):
            r0, r1 = load(out, o), load(out, o + W)
            store(out, o + span, b0 * r0 - b1 * r1)
            store(out, o + span + W, b0 * r1 + b1 * r0)
            store(out, o, a0 * r0 - a1 * r1)
            store(out, o + W, a0 * r1 + a1 * r0)


@inlined
def _half(buffer, num_qubits, number):
    """One of five places in a buffer for as many vectors as half of the qubits need."""
    size = (2 * lanes_of(buffer)) << (num_qubits - num_qubits // 2)
    return section(buffer, number * size, (number + 1) * size)


@part
def write_product(psi, pairs, num_qubits, buffer):
    """Write the product state: for each upper index, a complex number times the product of the lower qubits."""
    W = lanes_of(psi)
    low = num_qubits // 2
    lower, upper, step = _half(buffer, num_qubits, 0), _half(buffer, num_qubits, 1), (2 * W) << low
    half_product(lower, pairs, 0, low)
    half_product(upper, pairs, low, num_qubits - low)
    for r in range(1 << (num_qubits - low)):
        a0, a1 = load(upper, r * 2 * W), load(upper, r * 2 * W + W)
        for o in range(0, step, 2 * W):
            r0, r1 = load(lower, o), load(lower, o + W)
            store(psi, r * step + o, a0 * r0 - a1 * r1)
            store(psi, r * step + o + W, a0 * r1 + a1 * r0)


@part
def _contract_halves(lam, lower, upper, by_lower, by_upper, low, rows):
    """Contract the adjoint state with the upper product (to ``by_lower``), and with the lower one (to ``by_upper``)."""
    W = lanes_of(lam)
    step = (2 * W) << low
    zero = splat(like(lam, 0.0))
    for o in range(0, step, W):
        store(by_lower, o, zero)
    for r in range(0, rows, 2):  # two rows share each load of the other operands
        o = r * 2 * W
        a0, a1, b0, b1 = load(upper, o), load(upper, o + W), load(upper, o + 2 * W), load(upper, o + 3 * W)
        d0, d1, e0, e1 = zero, zero, zero, zero
        for c in range(0, step, 2 * W):
            p0, p1 = load(lower, c), load(lower, c + W)
            u0, u1 = load(lam, r * step + c), load(lam, r * step + c + W)
            v0, v1 = load(lam, r * step + step + c), load(lam, r * step + step + c + W)
            d0 = d0 + (p0 * u0 + p1 * u1)
            d1 = d1 + (p0 * u1 - p1 * u0)
            e0 = e0 + (p0 * v0 + p1 * v1)
            e1 = e1 + (p0 * v1 - p1 * v0)
            store(by_lower, c, load(by_lower, c) + a0 * u0 + a1 * u1 + b0 * v0 + b1 * v1)
            store(by_lower, c + W, load(by_lower, c + W) + a0 * u1 - a1 * u0 + b0 * v1 - b1 * v0)
        store(by_upper, o, d0)
        store(by_upper, o + W, d1)
        store(by_upper, o + 2 * W, e0)
        store(by_upper, o + 3 * W, e1)


@part
def contract_product(lam, pairs, duals, num_qubits, buffer, lanes):
    """Write the adjoint amplitudes of each qubit: lam contracted with all other qubits' amplitudes."""
    W = lanes_of(lam)
    low = num_qubits // 2
    lower, upper = _half(buffer, num_qubits, 0), _half(buffer, num_qubits, 1)
    by_lower, by_upper = _half(buffer, num_qubits, 2), _half(buffer, num_qubits, 3)
    half_product(lower, pairs, 0, low)
    half_product(upper, pairs, low, num_qubits - low)
    _contract_halves(lam, lower, upper, by_lower, by_upper, low, 1 << (num_qubits - low))
    products, at, end = _half(buffer, num_qubits, 4), low * 4 * W, num_qubits * 4 * W
    if low:
        contract(by_lower, products, pairs, duals, low, lanes)
    contract(by_upper, products, section(pairs, at, end), section(duals, at, end), num_qubits - low, lanes)


@part
def encoding_gradients(gradient, encoded, duals, splits, pointers, chain, shared, local, is_local, slots):
    """Derivatives of the encodings; the adjoint amplitudes are overwritten with those before the matrices."""
    W = lanes_of(duals)
    for q in range(len(splits)):
        o, at = q * 4 * W, matrix_place(shared, slots, q)
        d0, d1, e0, e1 = load(duals, o), load(duals, o + W), load(duals, o + 2 * W), load(duals, o + 3 * W)
        for column in range(2):
            (m0, m1), (n0, n1) = _element(shared, at + 2 * column), _element(shared, at + 4 + 2 * column)
            store(duals, o + 2 * column * W, m0 * d0 + m1 * d1 + n0 * e0 + n1 * e1)
            store(duals, o + 2 * column * W + W, m0 * d1 - m1 * d0 + n0 * e1 - n1 * e0)
    chain_gradients(gradient, encoded, duals, pointers, splits, chain, shared, local, is_local)


@part
def add_outer_products(sums, duals, encoded, num_qubits):
    """Add ``dual[b] conj(encoded[j])`` of each qubit to ``sums``."""
    W = lanes_of(sums)
    for q in range(num_qubits):
        o = q * 4 * W
        for b in range(2):
            d0, d1 = load(duals, o + 2 * b * W), load(duals, o + 2 * b * W + W)
            for j in range(2):
                e0, e1, at = load(encoded, o + 2 * j * W), load(encoded, o + 2 * j * W + W), 2 * o + (4 * b + 2 * j) * W
                store(sums, at, load(sums, at) + d0 * e0 + d1 * e1)
                store(sums, at + W, load(sums, at + W) + d1 * e0 - d0 * e1)


@part
def matrix_gradients(gradient, sums, splits, pointers, chain, shared, slots):
    """Derivatives of the gates of each qubit's matrix, from ``sums`` over all samples, to the first lane."""
    W = lanes_of(sums)
    for q in range(len(splits)):
        if entry(splits, q) < entry(pointers, q + 1):
            at, of = matrix_place(shared, slots, q), q * 8 * W
            for j in range(2):
                a0, a1 = entry(shared, at + 2 * j), entry(shared, at + 2 * j + 1)
                b0, b1 = entry(shared, at + 4 + 2 * j), entry(shared, at + 5 + 2 * j)
                u0, u1 = lane_sum(load(sums, of + 2 * j * W)), lane_sum(load(sums, of + 2 * j * W + W))
                v0, v1 = lane_sum(load(sums, of + (4 + 2 * j) * W)), lane_sum(load(sums, of + (5 + 2 * j) * W))
                for g in range(entry(pointers, q + 1) - 1, entry(splits, q) - 1, -1):
                    slot, axis = chain[g, CHAIN_SLOT], chain[g, CHAIN_AXIS]
                    o = slot * COEFFICIENTS * W
                    c, s, e = entry(shared, o + COSINE * W), entry(shared, o + SINE * W), entry(shared, o + SIGN * W)
                    x0, x1, y0, y1 = gate(axis, like(sums, 0.0), e, a0, a1, b0, b1)
                    gradient[slot * W] += u0 * x0 + u1 * x1 + v0 * y0 + v1 * y1
                    a0, a1, b0, b1 = gate(axis, c, -s, a0, a1, b0, b1)
                    u0, u1, v0, v1 = gate(axis, c, -s, u0, u1, v0, v1)
