"""Product state that a circuit's first one-qubit gates prepare, and its derivatives, where lanes are samples.

As in `kernels.product`, but what all samples share is taken out of the loop over samples:

* The gates of a qubit behind the last one whose angle differs from sample to sample are one matrix M, made once for all
  samples. The gates up to that one are its *encoding*; all gates are, if a derivative of an encoding is wanted.
* The state is an outer product: that of the upper qubits times that of the lower ones, each multiplied out before.
* On the way back, the adjoint state is contracted with the lower product and with the upper one in a single trip. What
  remains for each half of the qubits is as small as the square root of the state.
* Derivatives with respect to the angles of a matrix follow from the sum over all samples of
  ``dual[b] conj(encoded[j])``, as ``Re sum conj(sum_bj) dM_bj``: its column j takes the place of the amplitudes.

Native vectors, one register each, keep the operands of a contraction in registers.

``duals`` holds, in four vectors for each qubit, its adjoint amplitudes, its encoded amplitudes, and the two columns of
the sums, each kind for all qubits in turn. The columns of the matrices lie behind the shared coefficients in the same
way.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels.addressing import spread
from simulator.engines.numba.kernels.native import load_native, native_lanes
from simulator.engines.numba.kernels.product import chain_gradients, multiply_in, qubit_amplitudes
from simulator.engines.numba.kernels.sections import ends_of
from simulator.engines.numba.layout.scratch import FOLD_BITS
from simulator.engines.numba.layout.sections import COEFFICIENTS
from simulator.engines.numba.simd import lanes_of, like, load, section, splat, store

ADJOINT, ENCODED, SUMS = 0, 1, 2  # kinds of amplitudes in ``duals``


@inlined
def amplitudes_of(duals, num_qubits, kind):
    """Section of one kind of amplitudes."""
    each = 4 * num_qubits * lanes_of(duals)
    return section(duals, kind * each, (kind + 1) * each)


@inlined
def _matrices(shared, num_qubits, slots, column):
    """Section of one column of the qubits' matrices."""
    W = lanes_of(shared)
    begin = (slots * COEFFICIENTS + 4 * column * num_qubits) * W
    return section(shared, begin, begin + 4 * num_qubits * W)


@inlined
def prepare_matrices(shared, splits, pointers, chain, is_local, slots):
    """Multiply out the gates behind each qubit's encoding."""
    for column in range(2):
        out = _matrices(shared, len(splits), slots, column)
        qubit_amplitudes(out, splits, ends_of(pointers), chain, shared, shared, is_local, column)


@part
def amplitudes(pairs, duals, splits, pointers, chain, shared, local, is_local, slots):
    """Write each qubit's two amplitudes behind its encoding, and behind all of its gates (to ``pairs``)."""
    W, n = lanes_of(pairs), len(splits)
    encoded = amplitudes_of(duals, n, ENCODED)
    qubit_amplitudes(encoded, pointers, splits, chain, shared, local, is_local, 0)
    first, second = _matrices(shared, n, slots, 0), _matrices(shared, n, slots, 1)
    for o in range(0, len(pairs), 2 * W):  # a row of a matrix
        e = o - o % (4 * W)
        a0, a1 = load(encoded, e), load(encoded, e + W)
        b0, b1 = load(encoded, e + 2 * W), load(encoded, e + 3 * W)
        m0, m1, n0, n1 = load(first, o), load(first, o + W), load(second, o), load(second, o + W)
        store(pairs, o, m0 * a0 - m1 * a1 + n0 * b0 - n1 * b1)
        store(pairs, o + W, m0 * a1 + m1 * a0 + n0 * b1 + n1 * b0)


@part
def _product(out, pairs, first, count, left_out):
    """Product of the amplitudes of ``count`` qubits from ``first`` on, without qubit ``left_out``."""
    W = lanes_of(out)
    if count == 0:
        store(out, 0, splat(like(out, 1.0)))
        store(out, W, splat(like(out, 0.0)))
        return
    at = (first + (first >= left_out)) * 4 * W
    for o in range(0, 4 * W, W):
        store(out, o, load(pairs, at + o))
    for q in range(1, count):
        multiply_in(out, (1 << q) * 2 * W, pairs, (first + q + (first + q >= left_out)) * 4 * W)


@inlined
def _place(buffer, num_qubits, number):
    """One of the places in a buffer for as many amplitudes as half of the qubits have."""
    size = (2 * lanes_of(buffer)) << (num_qubits - num_qubits // 2)
    return section(buffer, number * size, (number + 1) * size)


@inlined
def _fold(row, fold, W):
    """Mask by which the amplitudes of a row are moved, as places of floats; see `tables.swizzle`."""
    return ((row ^ (row >> FOLD_BITS)) & fold) * (2 * W)


@part
def write_product(psi, pairs, num_qubits, fold, buffer):
    """Write the product state: for each upper index, a complex number times the product of the lower qubits."""
    W = lanes_of(psi)
    low = num_qubits // 2
    lower, upper, step = _place(buffer, num_qubits, 0), _place(buffer, num_qubits, 1), (2 * W) << low
    _product(lower, pairs, 0, low, num_qubits)
    _product(upper, pairs, low, num_qubits - low, num_qubits)
    for r in range(1 << (num_qubits - low)):
        a0, a1, moved = load(upper, r * 2 * W), load(upper, r * 2 * W + W), _fold(r, fold, W)
        for o in range(0, step, 2 * W):
            r0, r1 = load(lower, o), load(lower, o + W)
            p = r * step + (o ^ moved)
            store(psi, p, a0 * r0 - a1 * r1)
            store(psi, p + W, a0 * r1 + a1 * r0)


@part
def _contract_halves(lam, lower, upper, by_lower, by_upper, low, rows, fold):
    """Contract ``lam`` with the upper product (to ``by_lower``), and with the lower one (to ``by_upper``)."""
    W = lanes_of(lam)
    step = (2 * W) << low
    for o in range(0, step, W):
        store(by_lower, o, splat(like(lam, 0.0)))
    for r in range(0, rows, 2):  # two rows share each load of the other operands
        moved, next_moved = _fold(r, fold, W), _fold(r + 1, fold, W)
        for lane in range(0, W, native_lanes(lam)):
            o = r * 2 * W + lane
            a0, a1 = load_native(upper, o), load_native(upper, o + W)
            b0, b1 = load_native(upper, o + 2 * W), load_native(upper, o + 3 * W)
            d0 = d1 = e0 = e1 = a0 - a0
            for c in range(0, step, 2 * W):
                p, q = r * step + (c ^ moved) + lane, r * step + step + (c ^ next_moved) + lane
                u0, u1 = load_native(lam, p), load_native(lam, p + W)
                v0, v1 = load_native(lam, q), load_native(lam, q + W)
                p = c + lane
                p0, p1 = load_native(lower, p), load_native(lower, p + W)
                d0 = d0 + p0 * u0 + p1 * u1
                d1 = d1 + p0 * u1 - p1 * u0
                e0 = e0 + p0 * v0 + p1 * v1
                e1 = e1 + p0 * v1 - p1 * v0
                store(by_lower, p, load_native(by_lower, p) + a0 * u0 + a1 * u1 + b0 * v0 + b1 * v1)
                p += W
                store(by_lower, p, load_native(by_lower, p) + a0 * u1 - a1 * u0 + b0 * v1 - b1 * v0)
            store(by_upper, o, d0)
            store(by_upper, o + W, d1)
            store(by_upper, o + 2 * W, e0)
            store(by_upper, o + 3 * W, e1)


@part
def _contract_half(lam, product, pairs, adjoint, first, count):
    """Contract ``lam``, a state of few qubits, with the product of all but one of them, for each one."""
    W = lanes_of(lam)
    for q in range(count):
        _product(product, pairs, first, count - 1, first + q)
        at = (first + q) * 4 * W
        for lane in range(0, W, native_lanes(lam)):
            p0 = load_native(product, lane)
            d0 = d1 = e0 = e1 = p0 - p0
            for j in range(1 << (count - 1)):
                o = spread(j, 1 << q) * 2 * W + lane
                p = j * 2 * W + lane
                p0, p1 = load_native(product, p), load_native(product, p + W)
                u0, u1 = load_native(lam, o), load_native(lam, o + W)
                o += (2 * W) << q
                v0, v1 = load_native(lam, o), load_native(lam, o + W)
                d0 = d0 + p0 * u0 + p1 * u1
                d1 = d1 + p0 * u1 - p1 * u0
                e0 = e0 + p0 * v0 + p1 * v1
                e1 = e1 + p0 * v1 - p1 * v0
            store(adjoint, at + lane, d0)
            store(adjoint, at + lane + W, d1)
            store(adjoint, at + lane + 2 * W, e0)
            store(adjoint, at + lane + 3 * W, e1)


@part
def contract_product(lam, pairs, adjoint, num_qubits, fold, buffer):
    """Write the adjoint amplitudes of each qubit: lam contracted with all other qubits' amplitudes."""
    low = num_qubits // 2
    lower, upper = _place(buffer, num_qubits, 0), _place(buffer, num_qubits, 1)
    by_lower, by_upper = _place(buffer, num_qubits, 2), _place(buffer, num_qubits, 3)
    _product(lower, pairs, 0, low, num_qubits)
    _product(upper, pairs, low, num_qubits - low, num_qubits)
    _contract_halves(lam, lower, upper, by_lower, by_upper, low, 1 << (num_qubits - low), fold)
    _contract_half(by_lower, lower, pairs, adjoint, 0, low)
    _contract_half(by_upper, upper, pairs, adjoint, low, num_qubits - low)


@part
def add_outer_products(duals, num_qubits):
    """Add ``dual[b] conj(encoded[j])`` of each qubit to the sums."""
    W = lanes_of(duals)
    kind = 4 * num_qubits * W
    for q in range(0, kind, 4 * W):
        for column in range(2):
            j, at = ENCODED * kind + q + column * 2 * W, (SUMS + column) * kind + q
            e0, e1 = load(duals, j), load(duals, j + W)
            for row in range(0, 4 * W, 2 * W):
                d0, d1 = load(duals, q + row), load(duals, q + row + W)
                o = at + row
                store(duals, o, load(duals, o) + d0 * e0 + d1 * e1)
                store(duals, o + W, load(duals, o + W) + d1 * e0 - d0 * e1)


@inlined
def encoding_gradients(gradient, duals, splits, pointers, chain, shared, local, is_local):
    """Derivatives of the encodings, which have all gates of each qubit if any derivative is wanted."""
    n = len(splits)
    encoded, adjoint = amplitudes_of(duals, n, ENCODED), amplitudes_of(duals, n, ADJOINT)
    chain_gradients(gradient, encoded, adjoint, pointers, splits, chain, shared, local, is_local)


@inlined
def matrix_gradients(gradient, duals, splits, pointers, chain, shared, is_local, slots):
    """Derivatives of the gates of each qubit's matrix, from the sums over samples."""
    n = len(splits)
    for column in range(2):
        matrix, sums = _matrices(shared, n, slots, column), amplitudes_of(duals, n, SUMS + column)
        chain_gradients(gradient, matrix, sums, splits, ends_of(pointers), chain, shared, shared, is_local)
