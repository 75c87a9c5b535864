"""Visits of tiles against separate sweeps, which keep the final states of all samples and undo every pass on them."""

import numpy as np
import pytest

from simulator import Circuit, ParameterVector, X, Y, Z
from simulator.engines.numba import block_sizes
from simulator.engines.numba.kernels import losses
from simulator.engines.numba.layout import scratch
from simulator.engines.numba.loops import Call, Loop
from simulator.engines.numba.options import DEFAULT, Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.engines.numba.threads import set_num_threads
from simulator.program.program import Program
from tests.simulator.engines.test_engine import dense_expectations, dense_state, random_circuit, random_observables

LAYERS = 2
STEEP = [np.pi / 2, -np.pi / 2, 3 * np.pi / 2]  # of several such angles that are doubled, some are flipped


def model(n, precision="double", reuploading=True):
    """Layers of rotations with angles of the samples and of weights, and rings of CNOTs; three observables."""
    x, w = ParameterVector("x", n), ParameterVector("w", 3 * n * LAYERS)
    circuit, weight = Circuit(n), iter(w)
    for layer in range(LAYERS):
        if layer == 0 or reuploading:
            for q in range(n):
                circuit = circuit.ry(x[q], q)
        for q in range(n):
            circuit = circuit.rz(next(weight), q).ry(next(weight), q).rx(next(weight), q)
        for q in range(n):
            circuit = circuit.cx(q, (q + 1) % n)
    observables = [Z(0), Z(1) @ X(0), Y(n - 1) + 0.5 * Z(0)]
    return Program(circuit, observables, x, w, precision)


def model_of_one_string(n, observable, precision, trained=slice(None), encodes_last=False):
    """Layers of RZ, RY and CNOTs behind an encoding, with fixed angles for weights that are not ``trained``."""
    x, w = ParameterVector("x", n), ParameterVector("w", 6 * n)
    chosen = list(w)[trained]
    angles = iter([each if each in chosen else 0.3 + k for k, each in enumerate(w)])
    circuit = Circuit(n)
    for q in range(n):
        circuit = circuit.ry(x[q], q)
    for layer in range(3):
        for q in range(n):
            circuit = circuit.rz(next(angles), q).ry(next(angles) if layer < 2 or not encodes_last else x[q], q)
        for q in range(n):
            circuit = circuit.cx(q, (q + 1) % n)
    return Program(circuit, [observable], x, chosen, precision)


def numbers(program, samples, outputs):
    """Inputs, weights and targets."""
    rng = np.random.default_rng(samples)
    inputs, weights = rng.uniform(-3, 3, (samples, len(program.inputs))), rng.uniform(-3, 3, len(program.weights))
    return inputs, weights, rng.normal(size=(samples, outputs))


def visit(engine, program, samples, qubits=None, targets=None, angles=None):
    """Values, derivatives by weights and by inputs of the mean squared error, by calls."""
    outputs = len(program.observables) if qubits is None else 1 << len(qubits)
    inputs, weights, y = numbers(program, samples, outputs)
    inputs, weights = (inputs, weights) if angles is None else angles
    y = y if targets is None else targets
    values, cotangent, errors = np.empty((samples, outputs)), np.empty((samples, outputs)), np.empty(samples)
    by_weights, by_inputs = np.empty(len(weights)), np.empty(inputs.shape)
    of_rows = values, y, errors, cotangent
    loss = losses.squared_error if targets is None else losses.binary_cross_entropy
    between = [Call(loss, *of_rows, rows=samples, of_rows=of_rows)]
    arrays = inputs, weights, values, cotangent, by_weights, by_inputs
    calls = engine.sweep_calls(program, *arrays, qubits, between)
    assert len(calls) == 3  # clear the queue, visit, and derivatives by inputs
    number = Loop(calls, np.zeros(1, np.int64)).run(1)

    def slopes(results, rows):
        return 2 * (results - y[rows]) / outputs

    expected = engine.sweep(program, inputs, weights, slopes, inputs=True, qubits=qubits) if targets is None else ()
    return number, (values, by_weights, by_inputs), expected


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize(
    ("n", "samples", "precision"),
    [(2, 5, "double"), (3, 1, "double"), (4, 37, "double"), (5, 40, "single"), (7, 19, "double"), (10, 9, "double")],
)
def test_visits_equal_separate_sweeps(n, samples, precision, keeps, monkeypatch):
    monkeypatch.setattr(block_sizes, "_KEPT_SHARE", 1 if keeps else 1 << 40)
    engine, program = NumbaEngine(), model(n, precision)
    plan = engine.plan(program, samples, derive_inputs=True)
    if plan.tables.groups:
        assert (plan.visit(0).step > 0) == keeps
    number, results, expected = visit(engine, program, samples)
    assert number == 1
    tolerance = 1e-12 if precision == "double" else 1e-4
    for array, other in zip(results, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=0, atol=tolerance * max(1.0, np.abs(other).max()))


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize(("n", "precision"), [(4, "double"), (4, "single"), (8, "double"), (8, "single")])
def test_cosines_that_almost_vanish_together(n, precision, keeps, monkeypatch):
    """Runs of rotations by multiples of pi that differ from sample to sample, against lanes that are qubits."""
    monkeypatch.setattr(block_sizes, "_KEPT_SHARE", 1 if keeps else 1 << 40)
    program = model(n, precision)
    inputs, weights, _ = numbers(program, 11, 3)
    inputs = np.random.default_rng(n).choice([np.pi, -np.pi, 3 * np.pi, 0.4], inputs.shape)
    _, results, _ = visit(NumbaEngine(), program, 11, angles=(inputs, weights))
    _, expected, _ = visit(NumbaEngine(Options(batch_qubits=1)), program, 11, angles=(inputs, weights))
    tolerance = 1e-12 if precision == "double" else 1e-4
    for array, other in zip(results, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=0, atol=tolerance * max(1.0, np.abs(other).max()))


def check_doubled(program, samples, is_doubled=True, choices=None, options=DEFAULT):
    """Compare a visit with sweeps, which have no doubled layer."""
    engine = NumbaEngine(options)
    tables = engine.plan(program, samples, derive_inputs=True).tables
    assert (tables.layout[scratch.DOUBLED] < tables.passes) == is_doubled
    inputs, weights, _ = numbers(program, samples, 1)
    if choices is not None:
        weights = np.random.default_rng(0).choice(choices, len(weights))
    _, results, expected = visit(engine, program, samples, angles=(inputs, weights))
    tolerance = 1e-12 if program.precision == "double" else 1e-4
    for array, other in zip(results, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=0, atol=tolerance * max(1.0, np.abs(other).max()))


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("choices", [None, STEEP, [0.0, np.pi, 1.0]])
@pytest.mark.parametrize(
    ("n", "samples", "precision"),
    [(3, 5, "double"), (4, 37, "double"), (5, 40, "single"), (7, 9, "double"), (8, 11, "single"), (10, 16, "double")],
)
def test_doubled_layers(n, samples, precision, choices, keeps, monkeypatch):
    monkeypatch.setattr(block_sizes, "_KEPT_SHARE", 1 if keeps else 1 << 40)
    for observable in (Z(0), -0.7 * Z(0) @ Z(1)):
        check_doubled(model_of_one_string(n, observable, precision), samples, choices=choices)


@pytest.mark.parametrize("segment_passes", [1, 2, 4])
@pytest.mark.parametrize("keeps", [True, False])
def test_doubled_layers_in_segments(segment_passes, keeps, monkeypatch):
    monkeypatch.setattr(block_sizes, "_KEPT_SHARE", 1 if keeps else 1 << 40)
    options = Options(swizzle_qubits=6, segment_passes=segment_passes)
    check_doubled(model_of_one_string(8, Z(3), "double"), 11, choices=[*STEEP, 0.4], options=options)


@pytest.mark.parametrize("trained", [slice(0, 3), slice(17, 20), slice(20, 22), slice(24, 25)])
@pytest.mark.parametrize("keeps", [True, False])
def test_doubled_layers_with_fixed_angles(trained, keeps, monkeypatch):
    """The way back ends with the first pass that has a weight, wherever that is."""
    monkeypatch.setattr(block_sizes, "_KEPT_SHARE", 1 if keeps else 1 << 40)
    check_doubled(model_of_one_string(5, Z(0), "double", trained), 11)


def test_what_is_not_doubled():
    """Several strings, strings with X, and last rotations whose angles differ from sample to sample."""
    for observable in (Z(0) + Z(1), X(0), Y(1) @ Z(0)):
        check_doubled(model_of_one_string(5, observable, "double"), 11, is_doubled=False)
    check_doubled(model_of_one_string(5, Z(0), "double", encodes_last=True), 11, is_doubled=False)


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_visits_of_random_circuits_equal_the_dense_reference(seed, keeps, monkeypatch):
    """Every kind of gate, at angles some of which are multiples of pi/2; derivatives against differences."""
    monkeypatch.setattr(block_sizes, "_KEPT_SHARE", 1 if keeps else 1 << 40)
    rng = np.random.default_rng(seed)
    n, samples, h = 1 + seed, 9 + seed, 1e-5
    circuit, observables = random_circuit(seed, n, 24), random_observables(seed, n, 2)
    program = Program(circuit, observables, circuit.parameters[:2], circuit.parameters[2:])
    inputs, weights, y = numbers(program, samples, 3)
    special = np.pi / 2 * np.round(inputs), np.pi / 2 * np.round(weights)
    angles = [np.where(rng.random(a.shape) < 0.5, a, b) for a, b in zip((inputs, weights), special, strict=True)]
    number, (values, by_weights, by_inputs), _ = visit(NumbaEngine(), program, samples, angles=angles)
    assert number == 1

    def outcome(inputs, weights):
        rows = [dense_state(circuit, [*row, *weights]) for row in inputs]
        return np.array([dense_expectations(observables, state) for state in rows])

    np.testing.assert_allclose(values, outcome(*angles), atol=1e-12)
    step = [h * rng.normal(size=a.shape) for a in angles]
    losses_at = [
        ((outcome(*(a + sign * s for a, s in zip(angles, step, strict=True))) - y) ** 2).mean(axis=1).sum()
        for sign in (1, -1)
    ]
    expected = (losses_at[0] - losses_at[1]) / (2 * h)
    derivative = ((by_inputs * step[0]).sum() + by_weights @ step[1]) / h
    assert derivative == pytest.approx(expected, abs=1e-6 * max(1.0, np.abs(by_inputs).sum()))


@pytest.mark.parametrize("qubits", [(0,), (2, 0)])
@pytest.mark.parametrize("samples", [3, 21])
def test_visits_of_probabilities(qubits, samples):
    number, results, expected = visit(NumbaEngine(), model(4), samples, qubits)
    assert number == 1
    for array, other in zip(results, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=0, atol=1e-12)


def test_lanes_that_are_qubits():
    engine, program = NumbaEngine(Options(batch_qubits=3)), model(5)
    assert engine.plan(program, 6, derive_inputs=True).lanes is not None
    _, results, expected = visit(engine, program, 6)
    for array, other in zip(results, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=0, atol=1e-12)


def test_threads_do_not_change_bits():
    """Also where each thread prepares coefficients of its own."""
    program, results = model(6), []
    for threads in (1, 2, 3):
        set_num_threads(threads)
        try:
            results.append(visit(NumbaEngine(Options(serial_work=1)), program, 200)[1])
        finally:
            set_num_threads(None)
    for other in results[1:]:
        for array, expected in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("row", [0, 70, 199])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_refusal_for_any_row_refuses_the_step(row, threads):
    targets = np.full((200, 3), 0.5)
    set_num_threads(threads)
    try:
        engine = NumbaEngine(Options(serial_work=1))
        assert visit(engine, model(4), 200, targets=targets)[0] == 1
        targets[row, 1] = 2.0
        assert visit(engine, model(4), 200, targets=targets)[0] == 0
    finally:
        set_num_threads(None)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("n", [3, 4, 7])
def test_results_do_not_depend_on_the_place_of_a_sample(n, precision):
    """Registers are narrower than a tile's vectors of samples on most processors; all have the same instructions."""
    program = model(n, precision)
    inputs, weights, _ = numbers(program, 1, 3)
    angles = np.repeat(inputs, 37, axis=0), weights
    number, (values, _, by_inputs), _ = visit(NumbaEngine(), program, 37, targets=np.full((37, 3), 0.3), angles=angles)
    assert number == 1
    np.testing.assert_array_equal(values, np.repeat(values[:1], 37, axis=0))
    np.testing.assert_array_equal(by_inputs, np.repeat(by_inputs[:1], 37, axis=0))
