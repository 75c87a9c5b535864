"""Tiles in another order, whose fused passes are taken block by block, against the dense reference."""

import numpy as np
import pytest

from simulator import Circuit, ParameterVector, X, Y, Z, set_num_threads
from simulator.calculations.gradients import adjoint_sweep
from simulator.engines.choice import using
from simulator.engines.numba import block_sizes
from simulator.engines.numba.layout import scratch, sections
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.engines.numba.tables.segments import in_blocks
from simulator.engines.numba.tables.swizzle import mask, place, swizzled_strings
from simulator.program.levels import Angle, Rotation
from simulator.program.program import Program
from simulator.program.subspaces import pivots
from tests.simulator import reference


@pytest.mark.parametrize("n", [2, 3, 5])
def test_strings_in_the_order_of_the_places_are_the_same_operators(n):
    order = [place(i, n) for i in range(1 << n)]
    assert order == [i ^ (i >> n // 2 & mask(n)) for i in range(1 << n)]
    for x, z in np.random.default_rng(n).integers(1 << n, size=(60, 2)).tolist():
        ((moved_x, moved_z, _, factor),) = swizzled_strings([(x, z, 0, 1.0)], n)
        here, there = reference.pauli_masks(x, z, n), factor * reference.pauli_masks(moved_x, moved_z, n)
        np.testing.assert_array_equal(there[np.ix_(order, order)], here)


@pytest.mark.parametrize("n", [10, 13, 16, 23])
def test_masks_of_large_states_have_the_same_parities(n):
    for x, z, i in np.random.default_rng(n).integers(1 << n, size=(300, 3)).tolist():
        ((moved_x, moved_z, _, _),) = swizzled_strings([(x, z, 0, 1.0)], n)
        assert ((moved_z & place(i, n)).bit_count() - (z & i).bit_count()) % 2 == 0
        assert place(i ^ x, n) == place(i, n) ^ moved_x
        assert place(place(i, n), n) == i


def layers(n):
    """Layers like Y and like X, whose passes share segments; inputs and weights."""
    x, w = ParameterVector("x", n), ParameterVector("w", 5 * n)
    circuit = Circuit(n)
    for layer in range(3):
        for q in range(n):
            if layer == 0:
                circuit = circuit.ry(x[q], q).rx(w[4 * n + q], q)
            elif layer == 1:
                circuit = circuit.rz(w[q], q).ry(w[n + q], q)
            else:
                circuit = circuit.rx(w[2 * n + q], q).rz(w[3 * n + q], q)
        for q in range(n):
            circuit = circuit.cx(q, (q + 1) % n)
    return circuit, x, w


def passes_of_segments(plan):
    segments = plan.tables.integers(sections.SEGMENTS).reshape(-1, sections.SEGMENT_COLUMNS)
    return segments[:, sections.SEGMENT_LAST] - segments[:, sections.SEGMENT_FIRST], segments[:, sections.SEGMENT_BITS]


@pytest.mark.parametrize(("n", "samples", "states"), [(5, 16, 2), (7, 3, 1)])
def test_swizzled_tiles_equal_the_reference(n, samples, states):
    circuit, x, w = layers(n)
    observables = [Z(0) + 0.4 * X(1) @ Y(2), Y(n - 1) @ Z(1)]
    program = Program(circuit, observables, inputs=list(x), weights=list(w))
    rng = np.random.default_rng(n)
    rows, weights, v = rng.normal(size=(samples, n)), rng.normal(size=5 * n), rng.normal(size=(samples, 2))
    sizes = {"batch_qubits": 99, "swizzle_qubits": 0, "segment_passes": 4, "few_tiles": 1, "serial_work": 1 << 30}
    engine = NumbaEngine(Options(**sizes))
    plan = engine.plan(program, samples)
    assert (plan.lanes, plan.states, plan.tables.layout[scratch.FOLD]) == (None, states, mask(n))
    assert passes_of_segments(plan)[0].max() > 1
    with using(engine):
        values, by_weights, _ = adjoint_sweep(program, rows, weights, v)

    sums = [reference.pauli_sum(o.x_masks, o.z_masks, o.coefficients, n) for o in observables]

    def dense(row, weights):
        bound = circuit.bind(dict(zip([*x, *w], [*row, *weights], strict=True)))
        state = reference.statevector([(op.gate.matrix(*op.angles), op.qubits) for op in bound.operations], n)
        return np.array([reference.expectation(state, each) for each in sums])

    np.testing.assert_allclose(values, [dense(row, weights) for row in rows], atol=1e-12)
    for k in [*rng.permutation(4 * n)[:8], *range(4 * n, 5 * n)]:  # the last ones belong to the product state
        shift = np.pi / 2 * np.eye(5 * n)[k]
        slopes = [dense(row, weights + shift) - dense(row, weights - shift) for row in rows]
        assert by_weights[k] == pytest.approx((v * slopes).sum() / 2, abs=1e-12)


@pytest.mark.parametrize("bits", [3, 5, 9, 16])
def test_rotations_are_divided_into_parts_of_blocks(bits):
    rotations = [Rotation(1 << q ^ 1 << (q + 1) % 16, 1 << q, Angle(0.1 * q)) for q in range(16)]
    before = rotations[4:6]
    parts = in_blocks(rotations, before, bits)
    assert sorted((each for part in parts for each in part), key=rotations.index) == rotations
    for k, part in enumerate(parts):
        assert len(pivots([each.x for each in (*part, *(() if k else before))])) <= bits
    assert parts[0][:2] == before


def test_no_rotation_fits_in_the_blocks_of_other_ones():
    rotations = [Rotation(1 << q, 1 << q, Angle(0.1 * q)) for q in range(6)]
    assert in_blocks(rotations[:2], rotations[2:], 4) == [rotations[:2]]
    assert in_blocks(rotations, [], 4) == [rotations[:4], rotations[4:]]


def test_a_block_from_memory_has_rotations_of_two_layers(monkeypatch):
    """Four trips for three layers, of which each has more rotations than a block has qubits."""
    monkeypatch.setattr(block_sizes, "cache_bytes", lambda level=2: 1 << 19)
    monkeypatch.setattr(block_sizes, "cache_share", lambda: 1 << 19)
    n = 16
    w, circuit = ParameterVector("w", 8 * n), Circuit(n)
    for k in range(0, 8 * n, 2 * n):
        for q in range(n):
            circuit = circuit.rz(w[k + q], q).ry(w[k + n + q], q)
        for q in range(n):
            circuit = circuit.cx(q, (q + 1) % n)
    plan = NumbaEngine(Options(batch_qubits=99)).plan(Program(circuit, [Z(0)], weights=list(w)), 8)
    passes, bits = passes_of_segments(plan)
    assert (passes.tolist(), (bits + 3).max()) == ([3, 6, 6, 3], 9)


def test_tiles_from_memory_have_long_segments_in_the_second_level_cache(monkeypatch):
    circuit, x, w = layers(11)
    program = Program(circuit, [Z(0) + 0.4 * X(1) @ Y(2), Y(10) @ Z(1)], inputs=list(x), weights=list(w))
    rng = np.random.default_rng(0)
    arguments = rng.normal(size=(16, 11)), rng.normal(size=55), rng.normal(size=(16, 2))
    with using(NumbaEngine(Options(batch_qubits=3))):
        expected = adjoint_sweep(program, *arguments)[:2]
    monkeypatch.setattr(block_sizes, "cache_bytes", lambda level=2: 1 << 18)
    monkeypatch.setattr(block_sizes, "cache_share", lambda: 1 << 18)
    engine = NumbaEngine(Options(batch_qubits=99))
    passes, bits = passes_of_segments(engine.plan(program, 16))
    assert (passes.tolist(), (bits + 3).tolist()) == ([3, 4, 1, 1], [8, 8, 11, 3])  # in blocks of 64 KiB
    results = []
    for threads in (1, 2):
        set_num_threads(threads)
        with using(engine):
            results.append(adjoint_sweep(program, *arguments)[:2])
    set_num_threads(None)
    for on_one, on_two, theirs in zip(*results, expected, strict=True):
        np.testing.assert_allclose(on_one, theirs, atol=1e-12)
        np.testing.assert_array_equal(on_one, on_two)


@pytest.mark.parametrize("seed", range(10))
def test_random_layers_of_tiles_from_memory_equal_single_states(monkeypatch, seed):
    """Blocks from one octet on, and layers of few qubits."""
    rng = np.random.default_rng(seed)
    n, bits = int(rng.integers(10, 13)), int(rng.integers(14, 19))
    monkeypatch.setattr(block_sizes, "cache_bytes", lambda level=2: 1 << bits)
    monkeypatch.setattr(block_sizes, "cache_share", lambda: 1)
    x, w, circuit = ParameterVector("x", n), ParameterVector("w", 10 * n), Circuit(n)
    for q in range(n):
        circuit = circuit.ry(x[q], q)
    weights, turning = iter(w), rng.permutation(n)[: rng.integers(2, n + 1)].tolist()
    for _ in range(rng.integers(2, 6)):
        for q in turning:
            circuit = circuit.rz(next(weights), q)
            circuit = circuit.ry(next(weights), q) if rng.random() < 0.6 else circuit.rx(next(weights), q)
        for a, b in rng.permutation(n)[: 2 * rng.integers(0, n // 2)].reshape(-1, 2).tolist():
            circuit = circuit.cx(a, b)
    observables = [Z(0) @ Z(1)] if seed % 2 else [Z(0) + 0.3 * X(1), Y(2)]
    program = Program(circuit, observables, list(x), [p for p in circuit.parameters if p in set(w)])
    rows, v = rng.normal(size=(16, n)), rng.normal(size=(16, len(observables)))
    results = []
    for lanes_are_samples in (True, False):
        engine = NumbaEngine(Options(batch_qubits=99 if lanes_are_samples else 3))
        assert (engine.plan(program, 16).lanes is None) == lanes_are_samples
        with using(engine):
            results.append(adjoint_sweep(program, rows, np.linspace(-3, 3, len(program.weights)), v)[:2])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * max(1.0, np.abs(theirs).max()))
