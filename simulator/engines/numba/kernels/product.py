"""Product state that a circuit's first one-qubit gates prepare from ``|0...0>``, and its derivatives.

These gates are not applied to the state: each qubit's two amplitudes are multiplied out once, and in the backward sweep
the adjoint state is contracted with them one qubit at a time. Both together cost about two passes instead of one per
gate.

``chain`` holds the slot and axis of each qubit's gates; qubits' amplitudes (re a, im a, re b, im b) are vectors in
``pairs``.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.layout.sections import (
    AXIS_Y,
    AXIS_Z,
    CHAIN_AXIS,
    CHAIN_SLOT,
    COEFFICIENTS,
    COSINE,
    SIGN,
    SINE,
)
from simulator.engines.numba.simd import entry, lane_sum, lanes_of, like, load, splat, store


@inlined
def gate(axis, c, s, a0, a1, b0, b1):
    """One rotation of a qubit's amplitudes; s has the sign that passes.py gives it."""
    if axis == AXIS_Z:
        return c * a0 - s * a1, c * a1 + s * a0, c * b0 + s * b1, c * b1 - s * b0
    if axis == AXIS_Y:
        return c * a0 + s * b0, c * a1 + s * b1, c * b0 - s * a0, c * b1 - s * a1
    return c * a0 - s * b1, c * a1 + s * b0, c * b0 - s * a1, c * b1 + s * a0


@part
def qubit_amplitudes(pairs, starts, ends, chain, shared, local, is_local, column):
    """Each qubit's two amplitudes after its gates from ``starts`` to ``ends`` on the basis state ``column``."""
    W = lanes_of(pairs)
    for q in range(len(ends)):
        zero = splat(like(pairs, 0.0))
        a0, a1, b0, b1 = splat(like(pairs, 1 - column)), zero, splat(like(pairs, column)), zero
        for g in range(entry(starts, q), entry(ends, q)):
            slot = chain[g, CHAIN_SLOT]
            rotations = local if is_local[slot] else shared
            o = slot * COEFFICIENTS * W
            c, s = load(rotations, o + COSINE * W), load(rotations, o + SINE * W)
            a0, a1, b0, b1 = gate(chain[g, CHAIN_AXIS], c, s, a0, a1, b0, b1)
        store(pairs, q * 4 * W, a0)
        store(pairs, q * 4 * W + W, a1)
        store(pairs, q * 4 * W + 2 * W, b0)
        store(pairs, q * 4 * W + 3 * W, b1)


@part
def _lane_product(state, o, im, pairs, count):
    """Product of the lowest ``count`` qubits' amplitudes as numbers, real parts at ``o``, imaginary ones at ``im``."""
    W = lanes_of(state)
    state[o], state[im] = like(state, 1.0), like(state, 0.0)
    for q in range(count):
        size, at = 1 << q, q * 4 * W
        for j in range(size):
            r0, r1 = state[o + j], state[im + j]
            state[o + j + size] = pairs[at + 2 * W] * r0 - pairs[at + 3 * W] * r1
            state[im + j + size] = pairs[at + 2 * W] * r1 + pairs[at + 3 * W] * r0
            state[o + j] = pairs[at] * r0 - pairs[at + W] * r1
            state[im + j] = pairs[at] * r1 + pairs[at + W] * r0


@inlined
def multiply_in(state, span, pairs, at):
    """Extend a state, the first ``span`` numbers, by the qubit whose amplitudes are at ``at``."""
    W = lanes_of(state)
    a0, a1 = load(pairs, at), load(pairs, at + W)
    b0, b1 = load(pairs, at + 2 * W), load(pairs, at + 3 * W)
    for o in range(0, span, 2 * W):
        r0, r1 = load(state, o), load(state, o + W)
        store(state, o + span, b0 * r0 - b1 * r1)
        store(state, o + span + W, b0 * r1 + b1 * r0)
        store(state, o, a0 * r0 - a1 * r1)
        store(state, o + W, a0 * r1 + a1 * r0)


@part
def product_state(psi, pairs, num_qubits, lanes):
    """Write the product of the qubits' amplitudes."""
    W = lanes_of(psi)
    _lane_product(psi, 0, W, pairs, lanes)
    for q in range(lanes, num_qubits):
        multiply_in(psi, (1 << (q - lanes)) * 2 * W, pairs, q * 4 * W)


@inlined
def _contract_lanes(lam, pairs, duals, low):
    """Last step of `contract`, on numbers instead of vectors."""
    W = lanes_of(lam)
    for q in range(low - 1, -1, -1):
        size, at = 1 << q, q * 4 * W
        for e in range(4):
            duals[at + e * W] = like(lam, 0.0)
        for j in range(size):
            p0, p1 = lam[2 * W + j], lam[3 * W + j]  # the product of the qubits below
            for h in range(2):
                u0, u1 = lam[j + h * size], lam[W + j + h * size]
                duals[at + 2 * h * W] += p0 * u0 + p1 * u1
                duals[at + 2 * h * W + W] += p0 * u1 - p1 * u0
        for j in range(size):
            u0, u1, v0, v1 = lam[j], lam[W + j], lam[j + size], lam[W + j + size]
            a0, a1, b0, b1 = pairs[at], pairs[at + W], pairs[at + 2 * W], pairs[at + 3 * W]
            lam[j] = a0 * u0 + a1 * u1 + b0 * v0 + b1 * v1
            lam[W + j] = a0 * u1 - a1 * u0 + b0 * v1 - b1 * v0
        if q > 0:  # the product of one qubit fewer is rebuilt, which avoids a division
            _lane_product(lam, 2 * W, 3 * W, pairs, q - 1)


@part
def contract(lam, products, pairs, duals, num_qubits, lanes):
    """Adjoint amplitudes of each qubit: lam contracted with all other qubits' amplitudes.

    ``products`` is overwritten with the products of the lowest q qubits, q = 0, 1, ...; so is ``lam``, which
    must have room for two vectors. The result is in lane 0, the others are 0.
    """
    W = lanes_of(lam)
    _lane_product(products, 2 * W, 3 * W, pairs, lanes)
    for q in range(lanes, num_qubits - 1):
        at = q * 4 * W
        a0, a1 = load(pairs, at), load(pairs, at + W)
        b0, b1 = load(pairs, at + 2 * W), load(pairs, at + 3 * W)
        span = (1 << (q - lanes)) * 2 * W
        for o in range(span, 2 * span, 2 * W):
            r0, r1 = load(products, o), load(products, o + W)
            store(products, span + o, a0 * r0 - a1 * r1)
            store(products, span + o + W, a0 * r1 + a1 * r0)
            store(products, 2 * span + o, b0 * r0 - b1 * r1)
            store(products, 2 * span + o + W, b0 * r1 + b1 * r0)
    for q in range(num_qubits - 1, lanes - 1, -1):
        at = q * 4 * W
        a0, a1 = load(pairs, at), load(pairs, at + W)
        b0, b1 = load(pairs, at + 2 * W), load(pairs, at + 3 * W)
        span = (1 << (q - lanes)) * 2 * W
        zero = splat(like(lam, 0.0))
        d0, d1, e0, e1 = zero, zero, zero, zero
        for o in range(0, span, 2 * W):
            p0, p1 = load(products, span + o), load(products, span + o + W)
            u0, u1 = load(lam, o), load(lam, o + W)
            v0, v1 = load(lam, o + span), load(lam, o + span + W)
            d0 = d0 + (p0 * u0 + p1 * u1)
            d1 = d1 + (p0 * u1 - p1 * u0)
            e0 = e0 + (p0 * v0 + p1 * v1)
            e1 = e1 + (p0 * v1 - p1 * v0)
            store(lam, o, a0 * u0 + a1 * u1 + b0 * v0 + b1 * v1)
            store(lam, o + W, a0 * u1 - a1 * u0 + b0 * v1 - b1 * v0)
        for e in range(4):
            store(duals, at + e * W, zero)
        duals[at], duals[at + W] = lane_sum(d0), lane_sum(d1)
        duals[at + 2 * W], duals[at + 3 * W] = lane_sum(e0), lane_sum(e1)
    for q in range(lanes):
        for e in range(4):
            store(duals, (q * 4 + e) * W, splat(like(lam, 0.0)))
    _lane_product(lam, 2 * W, 3 * W, pairs, lanes - 1)  # stored next to the one remaining vector of lam
    _contract_lanes(lam, pairs, duals, lanes)


@part
def chain_gradients(gradient, pairs, duals, starts, ends, chain, shared, local, is_local):
    """Undo each qubit's gates from its start to its end on its amplitudes and their duals, adding the derivatives."""
    W = lanes_of(pairs)
    for q in range(len(ends)):
        at = q * 4 * W
        a0, a1 = load(pairs, at), load(pairs, at + W)
        b0, b1 = load(pairs, at + 2 * W), load(pairs, at + 3 * W)
        u0, u1 = load(duals, at), load(duals, at + W)
        v0, v1 = load(duals, at + 2 * W), load(duals, at + 3 * W)
        for g in range(entry(ends, q) - 1, entry(starts, q) - 1, -1):
            slot, axis = chain[g, CHAIN_SLOT], chain[g, CHAIN_AXIS]
            rotations = local if is_local[slot] else shared
            o = slot * COEFFICIENTS * W
            c, s = load(rotations, o + COSINE * W), load(rotations, o + SINE * W)
            e = load(rotations, o + SIGN * W)
            zero = splat(like(pairs, 0.0))
            # the derivative is Re <dual| (gate at c = 0, s = its sign) |amplitudes>
            x0, x1, y0, y1 = gate(axis, zero, e, a0, a1, b0, b1)
            store(gradient, slot * W, load(gradient, slot * W) + (u0 * x0 + u1 * x1 + v0 * y0 + v1 * y1))
            a0, a1, b0, b1 = gate(axis, c, zero - s, a0, a1, b0, b1)
            u0, u1, v0, v1 = gate(axis, c, zero - s, u0, u1, v0, v1)
