"""The doubled layer: the last layer of a tile whose one observable is one string of Zs.

All strings of a layer P_k commute, and the last ones do not commute with the observable O, or it would not see them. So
``R^-1 O R = O R^2`` for the layer's rotations ``R = exp(-i/2 sum_k theta_k P_k)``. With the states psi behind the
layer's phases,

    <O> = <psi| O R^2 |psi>,    lambda = v O R^2 psi,    d<O>/dtheta_k = Im <psi| O P_k R^2 |psi>

where lambda is the adjoint state at the same place: R is never undone. A visit stores ``R^2 psi`` where it then makes
lambda, and takes all derivatives of the layer from psi and lambda.

The layer's numbers are those of `kernels.fused` for twice the angles, but its table of phases has signs only. The
product of the cosines is a factor of the expectation and of lambda. Flips ``theta - pi`` leave a Z string S for the
table: what is stored are ``S psi`` and ``S lambda``, so O becomes S O, and derivatives by flipped angles change sign.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, part
from simulator.engines.numba.kernels.fused import first_member, masks_of
from simulator.engines.numba.kernels.sections import cleared, integers, numbers, one_pass
from simulator.engines.numba.kernels.tiles import read_cotangent, state_of, write_expectations
from simulator.engines.numba.kernels.walsh import parity
from simulator.engines.numba.layout.passes import FLIP_Z, NUMBERS, OCTET_BITS, SCALE, SHARES
from simulator.engines.numba.layout.scratch import BUFFER, DOUBLED, DOUBLED_Z, GRADIENT, QUBITS, SCRATCH, STATE, VALUES
from simulator.engines.numba.layout.sections import OCTETS, STRING_WEIGHTS
from simulator.engines.numba.simd import entry, lanes_of, like, load, section, splat, store


@inlined
def _signs(program, row, buffer, factor):
    """Write ``factor`` times 1 and -1 to the first two vectors of ``buffer``, as the factors of the layer's numbers.

    Returns the mask z of S O in the order of the layer's table, by whose parity one of the two is chosen.
    """
    packed, _, _, tables = program
    W, at = lanes_of(tables), entry(row, NUMBERS) + SHARES * lanes_of(tables)
    factor = factor * splat(like(tables, entry(numbers(packed, STRING_WEIGHTS), 0)) * entry(tables, at + SCALE))
    store(buffer, 0, factor)
    store(buffer, W, splat(like(tables, -1.0)) * factor)
    return entry(packed[0], DOUBLED_Z) ^ int(entry(tables, at + FLIP_Z))


@part
def expect_tile(program, psi, lam, values, tile, states, scratch):
    """Write the expectations to a tile's rows of ``values``; ``lam`` has ``R^2 psi`` without the cosines."""
    packed = program[0]
    layout = packed[0]
    row, octets, bits = one_pass(packed, entry(layout, DOUBLED)), integers(packed, OCTETS), entry(layout, QUBITS)
    size, W = entry(layout, STATE), lanes_of(psi)
    buffer = section(scratch, entry(layout, BUFFER), entry(layout, GRADIENT))
    one = splat(like(psi, 1.0))
    z = _signs(program, row, buffer, one)
    x0, x1, x2 = masks_of(row)
    for j in range(states):
        total, a, b = one - one, state_of(psi, j, size), state_of(lam, j, size)
        for octet in range(1 << (bits - OCTET_BITS)):
            i = first_member(row, octets, octet, bits)
            for d in range(1 << OCTET_BITS):
                p = i ^ (x0 * (d & 1)) ^ (x1 * (d >> 1 & 1)) ^ (x2 * (d >> 2))
                value = load(a, p) * load(b, p) + load(a, p + W) * load(b, p + W)
                total = total + load(buffer, W * parity((octet << OCTET_BITS | d) & z)) * value
        out = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
        store(out, 0, total)
        write_expectations(out, values, tile * states + j, 1, None)


@part
def seed_tile(program, lam, cotangent, tile, states, scratch):
    """Make the adjoint states of what `expect_tile` takes, given the derivatives with respect to the expectations."""
    packed = program[0]
    layout = packed[0]
    row, octets, bits = one_pass(packed, entry(layout, DOUBLED)), integers(packed, OCTETS), entry(layout, QUBITS)
    size, W = entry(layout, STATE), lanes_of(lam)
    buffer = section(scratch, entry(layout, BUFFER), entry(layout, GRADIENT))
    x0, x1, x2 = masks_of(row)
    for j in range(states):
        v = cleared(scratch, entry(layout, VALUES), entry(layout, SCRATCH))
        read_cotangent(v, cotangent, tile * states + j, 1, None)
        z, dual = _signs(program, row, buffer, load(v, 0)), state_of(lam, j, size)
        for octet in range(1 << (bits - OCTET_BITS)):
            i = first_member(row, octets, octet, bits)
            for d in range(1 << OCTET_BITS):
                p = i ^ (x0 * (d & 1)) ^ (x1 * (d >> 1 & 1)) ^ (x2 * (d >> 2))
                factor = load(buffer, W * parity((octet << OCTET_BITS | d) & z))
                store(dual, p, factor * load(dual, p))
                store(dual, p + W, factor * load(dual, p + W))
