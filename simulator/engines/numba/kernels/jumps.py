"""Trajectories with randomly drawn steps: Kraus operators, measurements, resets, conditional gates.

Lanes are trajectories. Every step is one of a few matrices on a few qubits: a gate is one matrix, a measurement
two projectors, a channel its Kraus operators. Each trajectory draws its matrix with the probability
``|K psi|**2``, computed from the qubits' reduced density matrix, or with a fixed one if all matrices are unitary.

``psi`` holds amplitude i as vectors (re, im) at ``2 i W``.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, part
from simulator.engines.numba.kernels import diagonals
from simulator.engines.numba.kernels.addressing import factor, first_of_coset
from simulator.engines.numba.layout.queues import NEXT
from simulator.engines.numba.layout.trajectories import (
    CLBIT,
    DRAW,
    DRAWN_BY_STATE,
    LAST_TEST,
    MATRICES,
    MEMBERS,
    OPERATORS,
    PIVOTS,
    QUBITS,
    TESTS,
    WEIGHTS,
)
from simulator.engines.numba.simd import entry, fetch_add, lanes_of, like, load, section, splat, store


@part
def _multiply(psi, table, offset, row, index, scratch, splatted):
    """A matrix on the step's qubits: numbers (re, im) from ``offset`` on, or a vector for each."""
    W = lanes_of(psi)
    qubits, pivots, members = entry(row, QUBITS), entry(row, PIVOTS), entry(row, MEMBERS)
    size = 1 << qubits
    zero = splat(like(psi, 0.0))
    for number in range(len(psi) // (2 * W * size)):
        i = first_of_coset(number, index, pivots, qubits)
        for j in range(size):
            o = (i | entry(index, members + j)) * 2 * W
            store(scratch, 2 * j * W, load(psi, o))
            store(scratch, 2 * j * W + W, load(psi, o + W))
        at = offset
        for a in range(size):
            re, im = zero, zero
            for j in range(size):
                m0, m1 = factor(table, at, splatted), factor(table, at + 1, splatted)
                a0, a1 = load(scratch, 2 * j * W), load(scratch, 2 * j * W + W)
                re = re + m0 * a0 - m1 * a1
                im = im + m0 * a1 + m1 * a0
                at += 2
            o = (i | entry(index, members + a)) * 2 * W
            store(psi, o, re)
            store(psi, o + W, im)


@part
def _reduced(psi, rho, row, index):
    """Reduced density matrix of the step's qubits: vectors (re, im) of entry [a, b] for b <= a."""
    W = lanes_of(psi)
    qubits, pivots, members = entry(row, QUBITS), entry(row, PIVOTS), entry(row, MEMBERS)
    size = 1 << qubits
    zero = splat(like(psi, 0.0))
    for a in range(size):
        for b in range(a + 1):
            re, im = zero, zero
            for number in range(len(psi) // (2 * W * size)):
                i = first_of_coset(number, index, pivots, qubits)
                o, p = (i | entry(index, members + a)) * 2 * W, (i | entry(index, members + b)) * 2 * W
                a0, a1, b0, b1 = load(psi, o), load(psi, o + W), load(psi, p), load(psi, p + W)
                re = re + a0 * b0 + a1 * b1
                im = im + a1 * b0 - a0 * b1
            store(rho, 2 * (a * size + b) * W, re)
            store(rho, 2 * (a * size + b) * W + W, im)


@inlined
def _happens(tests, row, bits, trajectory):
    """Whether all conditions of a step hold: rows (equal, value, number of bits, bits...) of ``tests``."""
    at = entry(row, TESTS)
    while at < entry(row, LAST_TEST):
        value, count = 0, tests[at + 2]
        for k in range(count):
            value |= bits[trajectory, tests[at + 3 + k]] << k
        if (value == tests[at + 1]) != (tests[at] == 1):
            return False
        at += 3 + count
    return True


@inlined
def _weight(rho, matrices, at, size, W, lane):
    """Compute ``tr(K^dagger K rho)`` from K^dagger K, which is stored after K."""
    total = 0.0
    for a in range(size):
        for b in range(a + 1):
            o = at + 2 * (a * size + b)
            r = 2 * (a * size + b) * W + lane
            twice = 1.0 if a == b else 2.0
            total += twice * (matrices[o] * rho[r] + matrices[o + 1] * rho[r + W])
    return total


@part
def _choose(row, tests, matrices, weights, uniforms, bits, rho, table, first, count, W):
    """Draw each lane's operator and write it to ``table``; return whether any of them is not the identity."""
    qubits, operators = entry(row, QUBITS), entry(row, OPERATORS)
    size = 1 << qubits
    area, by_state = 2 * size * size, entry(row, WEIGHTS) == DRAWN_BY_STATE
    step = 2 * area if by_state else area
    anything = False
    for lane in range(W):
        trajectory = first + min(lane, count - 1)
        operator, scale = -1, 1.0
        if _happens(tests, row, bits, trajectory):
            anything = True
            operator = 0
            if operators > 1:
                total, wanted = 0.0, uniforms[trajectory, entry(row, DRAW)]
                if by_state:
                    for j in range(operators):
                        total += _weight(rho, matrices, entry(row, MATRICES) + j * step + area, size, W, lane)
                    wanted *= total
                reached = 0.0
                for j in range(operators):
                    if by_state:
                        weight = _weight(rho, matrices, entry(row, MATRICES) + j * step + area, size, W, lane)
                    else:
                        weight = weights[entry(row, WEIGHTS) + j]
                    reached += weight
                    if weight > 0.0:
                        operator = j
                        scale = weight**-0.5 if by_state else 1.0
                        if wanted < reached:
                            break
            if entry(row, CLBIT) >= 0 and lane < count:
                bits[trajectory, entry(row, CLBIT)] = operator
        for e in range(size * size):
            o = 2 * e * W + lane
            if operator < 0:
                table[o] = 1.0 if e // size == e % size else 0.0
                table[o + W] = 0.0
            else:
                at = entry(row, MATRICES) + operator * step + 2 * e
                table[o] = like(table, scale * matrices[at])
                table[o + W] = like(table, scale * matrices[at + 1])
        if operator > 0:
            anything = True
    return anything


@part
def _all_first(row, weights, uniforms, first, count):
    """Whether every trajectory draws the first operator."""
    largest = 0.0
    for lane in range(count):
        largest = max(largest, uniforms[first + lane, entry(row, DRAW)])
    return largest < weights[entry(row, WEIGHTS)]


@inlined
def _areas(scratch, num_qubits, widest):
    """Areas of a thread: the state, a coset, a reduced density matrix, drawn matrices, and the observables' scratch."""
    W = lanes_of(scratch)
    work = 2 * W << num_qubits
    rho = work + (2 * W << widest)
    table = rho + (2 * W << 2 * widest)
    rest = table + (2 * W << 2 * widest)
    return (
        section(scratch, 0, work),
        section(scratch, work, rho),
        section(scratch, rho, table),
        section(scratch, table, rest),
        section(scratch, rest, len(scratch)),
    )


@inlined
def _begin(psi, initial):
    """Set all trajectories of a tile to the initial state."""
    W = lanes_of(psi)
    for i in range(len(initial)):
        store(psi, 2 * i * W, splat(like(psi, initial[i].real)))
        store(psi, 2 * i * W + W, splat(like(psi, initial[i].imag)))


@part
def _draw_outcomes(psi, final, outcomes, first, count):
    """Measure all qubits of a tile's trajectories."""
    W = lanes_of(psi)
    states = len(psi) // (2 * W)
    for lane in range(count):
        total = 0.0
        for i in range(states):
            total += psi[2 * i * W + lane] ** 2 + psi[2 * i * W + W + lane] ** 2
        wanted, reached, outcome = final[first + lane] * total, 0.0, 0
        for i in range(states):
            p = psi[2 * i * W + lane] ** 2 + psi[2 * i * W + W + lane] ** 2
            reached += p
            if p > 0.0:
                outcome = i
                if wanted < reached:
                    break
        outcomes[first + lane] = outcome


@part
def _expectations(psi, observables, values, scratch, first, count, num_qubits):
    """Compute the expectation of each observable's string in each of a tile's trajectories."""
    groups, strings, factors = observables
    W = lanes_of(psi)
    buffer = section(scratch, 0, W << num_qubits)
    out = section(scratch, W << num_qubits, len(scratch))
    for o in range(0, values.shape[1] * W, W):
        store(out, o, splat(like(out, 0.0)))
    for g in range(len(groups)):
        diagonals.expect(psi, groups[g], strings, factors, out, 0, num_qubits, buffer, None)
    for e in range(values.shape[1]):
        for lane in range(count):
            values[first + lane, e] = out[e * W + lane]


@bridged
def run(program, initial, draws, observables, results, scratch, sizes, queue, tiles):
    """Run tiles of W trajectories until none remains.

    program : tuple
        ``code``, ``index``, ``tests``, ``matrices``, ``weights``, and ``skip_first``, bool (steps,): steps whose first
        operator is the identity.
    initial : complex128 (2**n,)
    draws : tuple
        Random numbers: ``uniforms``, float64 (T, draws), and ``final``, float64 (T,) or (0,), for a measurement of all
        qubits at the end.
    observables : tuple
        ``groups``, ``strings`` and ``factors``, in the format of `kernels.diagonals.expect`.
    results : tuple
        Receive ``bits``, int64 (T, num_clbits), ``outcomes`` (T,) or (0,), and ``values`` (T, n_strings).
    sizes : tuple
        Number of qubits of the circuit, and of its widest step.
    """
    code, index, tests, matrices, weights, skip_first = program
    uniforms, final = draws
    bits, outcomes, values = results
    num_qubits, widest = sizes
    W = lanes_of(scratch)
    psi, work, rho, table, rest = _areas(scratch, num_qubits, widest)
    while True:
        tile = fetch_add(queue, NEXT, 1)
        if tile >= tiles:
            return
        first = tile * W
        count = min(W, len(uniforms) - first)
        _begin(psi, initial)
        for s in range(len(code)):
            row = code[s]
            has_weights = entry(row, WEIGHTS) != DRAWN_BY_STATE
            if entry(row, OPERATORS) == 1 and has_weights and entry(row, TESTS) == entry(row, LAST_TEST):
                _multiply(psi, matrices, entry(row, MATRICES), row, index, work, 1)
                continue
            may_skip = has_weights and skip_first[s] and entry(row, OPERATORS) > 1
            if may_skip and _all_first(row, weights, uniforms, first, count):
                continue
            if not has_weights:
                _reduced(psi, rho, row, index)
            if _choose(row, tests, matrices, weights, uniforms, bits, rho, table, first, count, W):
                _multiply(psi, table, 0, row, index, work, None)
        if len(final):
            _draw_outcomes(psi, final, outcomes, first, count)
        if values.shape[1]:
            _expectations(psi, observables, values, rest, first, count, num_qubits)
