"""Derivatives of states by one forward sweep: the state and the derivatives of several parameters in one tile.

A tile holds, for each amplitude j, `VECTORS` vectors of real parts, then as many of imaginary parts. Lane 0 of the
first vector is the state, and each other lane the derivative with respect to one parameter, so that a gate is the same
arithmetic for all lanes and no lane moves. With ``psi`` the state after a rotation ``exp(-i angle/2 P)`` whose angle
contains the parameter with the factor f, the rotation adds ``-i f/2 P psi`` to the derivative.

``steps`` (n, 3): kind, first and last term of a rotation or of phases; of a matrix, where its spec (`tables.dense`) and
its entries begin. ``terms`` (n, 5): masks x and z, number of the angle, first and last of the angle's factors.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, part
from simulator.engines.numba.kernels.addressing import first_of_coset, spread
from simulator.engines.numba.kernels.walsh import parity
from simulator.engines.numba.layout.passes import DENSE_PIVOTS, DENSE_RANK, DENSE_STRINGS
from simulator.engines.numba.layout.queues import NEXT_PIECE
from simulator.engines.numba.simd import count_ones, entry, fetch_add, lanes_of, like, load, section, splat, store

VECTORS = 2
ROTATION, PHASES, MATRIX = range(3)
STEP_KIND, STEP_FIRST, STEP_LAST = range(3)
TERM_X, TERM_Z, TERM_ANGLE, TERM_FIRST, TERM_LAST = range(5)


@part
def _rotate(tile, x, z, cosine, sine, amplitudes, live):
    """Apply ``cosine - i sine P`` to the live vectors of all amplitudes, x not 0."""
    W = lanes_of(tile)
    size, half = 2 * VECTORS * W, VECTORS * W
    pivot = x & -x
    ys = count_ones(x & z)
    e = sine if ys & 2 == 0 else -sine
    c = splat(like(tile, cosine))
    for k in range(amplitudes >> 1):
        j = spread(k, pivot)
        t = splat(like(tile, e * (1.0 - 2.0 * parity(j & z))))
        for v in range(live):
            o = j * size + v * W
            p = (j ^ x) * size + v * W
            a0, a1, b0, b1 = load(tile, o), load(tile, o + half), load(tile, p), load(tile, p + half)
            if ys & 1:
                store(tile, o, c * a0 - t * b0)
                store(tile, o + half, c * a1 - t * b1)
                store(tile, p, c * b0 + t * a0)
                store(tile, p + half, c * b1 + t * a1)
            else:
                store(tile, o, c * a0 + t * b1)
                store(tile, o + half, c * a1 - t * b0)
                store(tile, p, c * b0 + t * a1)
                store(tile, p + half, c * b1 - t * a0)


@part
def _multiply(tile, phases, amplitudes, live):
    """Multiply each amplitude of the live vectors by its phase."""
    W = lanes_of(tile)
    size, half = 2 * VECTORS * W, VECTORS * W
    for j in range(amplitudes):
        c, s = splat(entry(phases, 2 * j)), splat(entry(phases, 2 * j + 1))
        for v in range(live):
            o = j * size + v * W
            a0, a1 = load(tile, o), load(tile, o + half)
            store(tile, o, c * a0 - s * a1)
            store(tile, o + half, c * a1 + s * a0)


@part
def _fill_phases(phases, terms, first, last, cosines, sines, amplitudes):
    """Write the product of the phases ``exp(-i angle/2 (-1)^(j & z))`` of all terms for each amplitude j."""
    for j in range(amplitudes):
        re, im = 1.0, 0.0
        for t in range(first, last):
            angle = terms[t, TERM_ANGLE]
            c, s = entry(cosines, angle), entry(sines, angle) * (2.0 * parity(j & terms[t, TERM_Z]) - 1.0)
            re, im = re * c - im * s, re * s + im * c
        phases[2 * j], phases[2 * j + 1] = re, im


@part
def _add(tile, x, z, lane, factor, amplitudes):
    """Add ``-i factor/2 P psi`` to the derivative in a lane."""
    W = lanes_of(tile)
    size, half = 2 * VECTORS * W, VECTORS * W
    ys = count_ones(x & z)
    for j in range(amplitudes):
        sign = 0.5 * factor * (1.0 - 2.0 * parity(j & z))
        if ys & 2:
            sign = -sign
        o, p = j * size, (j ^ x) * size + lane
        if ys & 1:  # i^ys = i
            tile[p] += sign * entry(tile, o)
            tile[p + half] += sign * entry(tile, o + half)
        else:
            tile[p] += sign * entry(tile, o + half)
            tile[p + half] -= sign * entry(tile, o)


@part
def _dense(tile, spec, entries, begin, work, amplitudes, live):
    """Apply a matrix on k qubits, as `kernels.passes.dense` with the tile's vectors in place of lanes."""
    W = lanes_of(tile)
    size, half = 2 * VECTORS * W, VECTORS * W
    k, rank = entry(spec, DENSE_STRINGS), entry(spec, DENSE_RANK)
    zs = DENSE_PIVOTS + rank
    members = zs + k
    slots = members + (1 << rank)
    for number in range(amplitudes >> rank):
        i = first_of_coset(number, spec, DENSE_PIVOTS, rank)
        for u in range(1 << rank):
            o = (i ^ entry(spec, members + u)) * size
            for w in range(0, size, W):
                store(work, u * size + w, load(tile, o + w))
        for u in range(1 << rank):
            at = i ^ entry(spec, members + u)
            row = 0
            for m in range(k):
                row |= parity(at & entry(spec, zs + m)) << m
            for v in range(live):
                re = im = splat(like(tile, 0.0))
                for d in range(1 << k):
                    source = (u ^ entry(spec, slots + d)) * size + v * W
                    place = begin + 2 * ((row << k) | (row ^ d))
                    m0, m1 = splat(entry(entries, place)), splat(entry(entries, place + 1))
                    a0, a1 = load(work, source), load(work, source + half)
                    re = re + m0 * a0 - m1 * a1
                    im = im + m0 * a1 + m1 * a0
                store(tile, at * size + v * W, re)
                store(tile, at * size + v * W + half, im)


@part
def _write(tile, out, columns, first, last, amplitudes, live):
    """Write the parts of the derivatives orthogonal to the state to their columns of ``out``."""
    W = lanes_of(tile)
    size, half = 2 * VECTORS * W, VECTORS * W
    for v in range(live):
        re = im = splat(like(tile, 0.0))
        for j in range(amplitudes):
            o = j * size
            p0, p1 = splat(entry(tile, o)), splat(entry(tile, o + half))
            d0, d1 = load(tile, o + v * W), load(tile, o + v * W + half)
            re = re + p0 * d0 + p1 * d1
            im = im + p0 * d1 - p1 * d0
        lanes = min(W, last - first + 1 - v * W)
        for j in range(amplitudes):
            o = j * size
            p0, p1 = splat(entry(tile, o)), splat(entry(tile, o + half))
            d0 = load(tile, o + v * W) - p0 * re + p1 * im
            d1 = load(tile, o + v * W + half) - p0 * im - p1 * re
            keep0, keep1 = entry(tile, o), entry(tile, o + half)  # the state, which other vectors still need
            store(tile, o + v * W, d0)
            store(tile, o + v * W + half, d1)
            for lane in range(0 if v else 1, lanes):
                column = entry(columns, first + v * W + lane - 1)
                out[2 * j, column] = entry(tile, o + v * W + lane)
                out[2 * j + 1, column] = entry(tile, o + v * W + half + lane)
            tile[o], tile[o + half] = keep0, keep1


@bridged
def tangents(program, angles, starts, out, scratch, queue):
    """Write derivatives to ``out[sample, 2 j + part, parameter]`` until no sample and group of parameters remains.

    program : (steps, terms, numbers, factors, columns, specs, entries)
        Factor e of a term belongs to the parameter of rank ``numbers[e]`` in order of first use, which is column
        ``columns[rank]`` of the result.
    angles : cosines, sines of half of each angle, (samples, n_angles) each
    starts : (1 or samples, 2 * 2**n), initial states; (0, 0) for the first basis state
    scratch : tile, phases and copies of amplitudes for matrices
    """
    steps, terms, numbers, factors, columns, specs, entries = program
    cosines, sines = angles
    W = lanes_of(scratch)
    size, half, group = 2 * VECTORS * W, VECTORS * W, VECTORS * W - 1
    samples, amplitudes = out.shape[0], out.shape[1] // 2
    tile = section(scratch, 0, amplitudes * size)
    phases = section(scratch, amplitudes * size, amplitudes * (size + 2))
    work = section(scratch, amplitudes * (size + 2), len(scratch))
    groups = -(-len(columns) // group)
    while True:
        piece = fetch_add(queue, NEXT_PIECE, 1)
        if piece >= samples * groups:
            return
        sample, first = piece // groups, piece % groups * group
        last = min(first + group, len(columns))
        for o in range(0, amplitudes * size, W):
            store(tile, o, splat(like(tile, 0.0)))
        if len(starts):
            start = starts[sample if len(starts) > 1 else 0]
            for j in range(amplitudes):
                tile[j * size], tile[j * size + half] = entry(start, 2 * j), entry(start, 2 * j + 1)
        else:
            tile[0] = like(tile, 1.0)
        live = 1
        for s in range(len(steps)):
            kind, begin, end = steps[s, STEP_KIND], steps[s, STEP_FIRST], steps[s, STEP_LAST]
            if kind == MATRIX:
                _dense(tile, section(specs, begin, len(specs)), entries, end, work, amplitudes, live)
                continue
            if kind == PHASES:
                _fill_phases(phases, terms, begin, end, cosines[sample], sines[sample], amplitudes)
                _multiply(tile, phases, amplitudes, live)
            else:
                angle = terms[begin, TERM_ANGLE]
                x, z = terms[begin, TERM_X], terms[begin, TERM_Z]
                _rotate(tile, x, z, cosines[sample, angle], sines[sample, angle], amplitudes, live)
            for t in range(begin, end):
                for e in range(terms[t, TERM_FIRST], terms[t, TERM_LAST]):
                    lane = entry(numbers, e) - first + 1
                    if 0 < lane <= group:
                        live = max(live, lane // W + 1)
                        _add(tile, terms[t, TERM_X], terms[t, TERM_Z], lane, entry(factors, e), amplitudes)
        _write(tile, out[sample], columns, first, last, amplitudes, live)
