"""The conformance suite: all engines of `engines.py` against the dense reference, in both precisions.

`test_state_sweep.py` and `test_arrays.py` belong to it.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import Circuit, Parameter, ParameterVector, PauliSum, Projector, X, Y, Z, gates
from simulator.calculations.gradients import adjoint_sweep, gradient, prepared_sweep, sweep_calls
from simulator.calculations.statevector import expectations, states
from simulator.engines.host import activations, loops
from simulator.errors import CircuitError, ParameterError
from simulator.program.program import Program
from tests.simulator import reference
from tests.simulator.strategies import parametrised_circuits

TOLERANCE = {"double": 1e-12, "single": 3e-5}
NONE = np.zeros(0)


def random_circuit(seed, num_qubits, num_gates, num_parameters=4):
    """Every kind of gate that fits, on random qubits, at angles affine in a few parameters."""
    rng = np.random.default_rng(seed)
    parameters = [Parameter(f"p{k}") for k in range(num_parameters)]
    hermitian = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    own = [
        gates.RY,
        gates.CX,
        gates.CX,
        gates.Fixed("own", np.linalg.qr(hermitian)[0]),
        gates.Rotation("rotation", hermitian + hermitian.conj().T),
        gates.Rotation("tilted", [[0.3, 0.4 - 0.1j], [0.4 + 0.1j, -0.2]]),
        gates.Rotation("rotation", hermitian + hermitian.conj().T).controlled(1, [0]),
        gates.PauliRotation("XYZ"),
        gates.Diagonal("phases", rng.uniform(-3, 3, 8)),
        gates.H.controlled(2, [1, 0]),
        gates.RX.controlled(3, [1, 0, 1]),
    ]
    pool = [g for g in [*gates.STANDARD.values(), *own] if g.num_qubits <= num_qubits]
    circuit = Circuit(num_qubits)
    for _ in range(num_gates):
        gate = pool[rng.integers(len(pool))]
        qubits = rng.permutation(num_qubits)[: gate.num_qubits].tolist()
        angles = []
        for _ in range(gate.num_params):
            a, b = rng.integers(num_parameters, size=2)
            shift, factor = rng.uniform(-3, 3, 2)
            angles.append([shift, parameters[a], factor * parameters[a] - parameters[b] + shift][rng.integers(3)])
        circuit = circuit.append(gate(*angles, *qubits))
    return circuit


def random_observables(seed, num_qubits, count=3):
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, 2**num_qubits, (count, 2, 4))
    return [PauliSum(x, z, rng.normal(size=4)) for x, z in masks] + [Z(0)]


def dense_state(circuit, values):
    bound = circuit.bind(dict(zip(circuit.parameters, values, strict=True)))
    steps = [(o.gate.matrix(*o.angles), o.qubits) for o in bound.operations]
    return reference.statevector(steps, circuit.num_qubits)


def dense_expectations(observables, state):
    n = len(state).bit_length() - 1
    out = []
    for o in observables:
        moved = np.zeros(len(state), complex)
        for x, z, c in zip(o.x_masks, o.z_masks, o.coefficients, strict=True):
            term = state
            for q in range(n):
                code = {(0, 0): "I", (1, 0): "X", (1, 1): "Y", (0, 1): "Z"}[int(x) >> q & 1, int(z) >> q & 1]
                if code != "I":
                    term = reference.apply(reference.PAULI[code], (q,), term, n)
            moved += c * term
        out.append(np.vdot(state, moved).real)
    return out


def check_against_reference(circuit, values, observables, precision):
    """States and expectations of all rows of values."""
    truth = np.array([dense_state(circuit, row) for row in values])
    out = states(Program(circuit, (), circuit.parameters, precision=precision), values, NONE)
    np.testing.assert_allclose(out, truth, atol=TOLERANCE[precision])
    compiled = Program(circuit, observables, circuit.parameters, precision=precision)
    expected = [dense_expectations(observables, state) for state in truth]
    np.testing.assert_allclose(expectations(compiled, values, NONE), expected, atol=10 * TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("num_qubits", range(1, 9))
def test_states_and_expectations_equal_the_reference(engine, num_qubits, precision):
    for seed in range(3):
        circuit = random_circuit(seed, num_qubits, 12 + 6 * seed)
        values = np.random.default_rng(seed).uniform(-3, 3, (5, circuit.num_parameters))
        observables = random_observables(seed, num_qubits)
        check_against_reference(circuit, values, observables, precision)


@pytest.mark.parametrize("num_qubits", [1, 2, 3, 4, 6])
def test_adjoint_gradient_equals_central_differences(engine, num_qubits):
    for seed in range(3):
        circuit = random_circuit(10 + seed, num_qubits, 18)
        values = np.random.default_rng(seed).uniform(-3, 3, (3, circuit.num_parameters))
        observables = random_observables(seed, num_qubits)
        exact = gradient(circuit, observables, values)
        central = gradient(circuit, observables, values, method="finite_difference")
        np.testing.assert_allclose(exact, central, atol=1e-8)
        np.testing.assert_allclose(gradient(circuit, observables, values[1]), exact[1], atol=1e-12)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(parametrised_circuits(), st.integers(0, 99))
def test_adjoint_equals_parameter_shift(circuit, seed):
    values = np.random.default_rng(seed).uniform(-3, 3, circuit.num_parameters)
    observables = random_observables(seed, circuit.num_qubits, 2)
    shifted = gradient(circuit, observables, values, method="parameter_shift")
    np.testing.assert_allclose(gradient(circuit, observables, values), shifted, atol=1e-9)


@pytest.mark.parametrize("num_qubits", [11, 13])
def test_states_of_several_blocks(engine, num_qubits):
    check_sweeps(num_qubits)


def check_sweeps(num_qubits):
    """Expectations and both kinds of derivatives of a circuit of all kinds of gates."""
    circuit = random_circuit(num_qubits, num_qubits, 60)
    values = np.random.default_rng(1).uniform(-3, 3, (2, circuit.num_parameters))
    observables = random_observables(1, num_qubits)
    truth = [dense_state(circuit, row) for row in values]
    expected = [dense_expectations(observables, state) for state in truth]
    both = Program(circuit, observables, circuit.parameters)
    v = np.random.default_rng(2).normal(size=(2, len(observables)))
    out, _, by_inputs = adjoint_sweep(both, values, NONE, v, inputs=True)
    np.testing.assert_allclose(out, expected, atol=1e-12)
    one, by_weights, _ = adjoint_sweep(Program(circuit, observables), np.zeros((1, 0)), values[1], v[1:])
    np.testing.assert_allclose(one[0], expected[1], atol=1e-12)
    np.testing.assert_allclose(by_weights, by_inputs[1], atol=1e-12)
    step = 1e-6 * np.random.default_rng(3).normal(size=values.shape)
    moved = expectations(both, values + step, NONE) - expectations(both, values - step, NONE)
    np.testing.assert_allclose((v * moved).sum(), 2 * (by_inputs * step).sum(), rtol=1e-4, atol=1e-11)


def test_a_prepared_sweep_gives_the_bits_of_sweep(engine):
    """At weights that change in place, for numbers of samples that change, added to what is there."""
    x, w = ParameterVector("x", 3), ParameterVector("w", 4)
    circuit = Circuit(3).ry(x[0], 0).rx(x[1] + w[0], 1).cx(0, 1).rz(w[1], 1).crx(w[2], 1, 2).ry(x[2], 2).ry(w[3], 0)
    program, rng = Program(circuit, [Z(0), X(1) @ Y(0), Z(2)], x, w), np.random.default_rng(6)
    weights, by_weights, seeds = np.zeros(4), np.zeros(4), rng.normal(size=(40, 3))
    for inputs in (False, True):
        sweep = prepared_sweep(program, weights, by_weights, lambda values, rows: seeds[rows] * values, inputs)
        for rows in (slice(0, 40), slice(0, 9), slice(9, 18), slice(17, 18), slice(5, 5)):
            samples = rng.normal(size=(rows.stop - rows.start, 3))
            weights[:], by_weights[:] = rng.normal(size=4), 0.0
            by_inputs = sweep(samples, rows)
            part = seeds[rows]
            expected = adjoint_sweep(program, samples, weights, lambda v, r, part=part: part[r] * v, inputs)[1:]
            np.testing.assert_array_equal(by_weights, expected[0])
            np.testing.assert_array_equal(by_inputs, expected[1])


@pytest.mark.parametrize("by_row", [False, True])
def test_calls_give_the_results_of_sweep(engine, by_row):
    """Made twice, at weights and samples that change in place; an engine may have none, or keep other states."""
    x, w = ParameterVector("x", 3), ParameterVector("w", 4)
    circuit = Circuit(3).ry(x[0], 0).rx(x[1] + w[0], 1).cx(0, 1).rz(w[1], 1).crx(w[2], 1, 2).ry(x[2], 2).ry(w[3], 0)
    program, rng = Program(circuit, [Z(0), X(1) @ Y(0), Z(2)], x, w), np.random.default_rng(6)
    for samples in (1, 9, 40):
        X_values, seeds, weights = np.empty((samples, 3)), rng.normal(size=(samples, 3)), np.empty(4)
        values, cotangent, by_weights, by_inputs = seeds.copy(), seeds.copy(), np.empty(4), X_values.copy()
        entries = values.reshape(-1), seeds.reshape(-1), cotangent.reshape(-1)
        between = [loops.Call(activations.chain, *entries, rows=samples, of_rows=entries if by_row else ())]
        calls = sweep_calls(program, X_values, weights, values, cotangent, by_weights, by_inputs, None, between)
        if calls is None:
            continue
        loop = loops.Loop(calls, np.zeros(1, np.int64))
        for count in (1, 2):
            X_values[:], weights[:] = rng.normal(size=X_values.shape), rng.normal(size=4)
            assert loop.run(count) == count
            expected = adjoint_sweep(program, X_values, weights, lambda v, rows, s=seeds: s[rows] * v, True)
            for array, other in zip((values, by_weights, by_inputs), expected, strict=True):
                np.testing.assert_allclose(array, other, rtol=1e-12, atol=1e-14)


def test_weights_to_change_in_place_are_read_in_place():
    w = ParameterVector("w", 2)
    program = Program(Circuit(1).ry(w[0], 0).rx(w[1], 0), [Z(0)], (), w)
    for wrong in (np.zeros(4)[::2], np.zeros(2, np.float32), [0.0, 0.0]):
        with pytest.raises(ParameterError, match="in place"):
            prepared_sweep(program, wrong, np.zeros(2), lambda values, rows: values)


def test_weights_and_inputs_share_angles(engine):
    x, w = Parameter("x"), Parameter("w")
    circuit = Circuit(2).ry(x + 0.5 * w, 0).cx(0, 1).rz(w, 1).rx(2 * x - w, 1).cz(0, 1).ry(w, 0)
    samples, weights = np.array([[0.3], [-1.1], [2.0]]), np.array([0.7])
    v = np.array([[1.0, 0.5], [-2.0, 0.1], [0.4, 0.3]])
    compiled = Program(circuit, [Z(0), X(1) @ Y(0)], [x], [w])
    _, by_weights, by_inputs = adjoint_sweep(compiled, samples, weights, v, inputs=True)

    def value(samples, weights):
        return (v * expectations(compiled, samples, weights)).sum()

    h = 1e-6
    central = (value(samples, weights + h) - value(samples, weights - h)) / (2 * h)
    np.testing.assert_allclose(by_weights, [central], atol=1e-8)
    for row in range(3):
        step = np.zeros((3, 1))
        step[row] = h
        central = (value(samples + step, weights) - value(samples - step, weights)) / (2 * h)
        np.testing.assert_allclose(by_inputs[row, 0], central, atol=1e-8)


def test_amplitudes_that_are_inputs_are_normalised_and_differentiated(engine):
    x = [Parameter(f"x{k}") for k in range(4)]
    w = Parameter("w")
    circuit = Circuit(3).initialize(x, qubits=[2, 0]).ry(w, 1).cx(0, 1).ry(2 * w, 2).cx(2, 1)
    compiled = Program(circuit, [Z(1), X(2)], x, [w])
    X_values = np.random.default_rng(0).normal(size=(3, 4))
    v = np.random.default_rng(1).normal(size=(3, 2))
    out, by_weights, by_inputs = adjoint_sweep(compiled, X_values, np.array([0.4]), v, inputs=True)
    unit = X_values / np.linalg.norm(X_values, axis=1, keepdims=True)
    np.testing.assert_allclose(out, expectations(compiled, unit, np.array([0.4])), atol=1e-13)
    for k in range(4):
        step = np.zeros((3, 4))
        step[:, k] = 1e-6
        moved = expectations(compiled, X_values + step, np.array([0.4])) - expectations(
            compiled, X_values - step, np.array([0.4])
        )
        np.testing.assert_allclose(by_inputs[:, k], (v * moved).sum(axis=1) / 2e-6, atol=1e-8)
    h = 1e-6
    moved = expectations(compiled, X_values, np.array([0.4 + h])) - expectations(
        compiled, X_values, np.array([0.4 - h])
    )
    np.testing.assert_allclose(by_weights[0], (v * moved).sum() / (2 * h), atol=1e-8)


def test_preparation_at_the_start_equals_preparation_as_a_gate(engine):
    rng = np.random.default_rng(0)
    amplitudes = rng.normal(size=4) + 1j * rng.normal(size=4)
    circuit = Circuit(3).initialize(amplitudes, [2, 0], normalize=True).cx(0, 1).ry(0.3, 1).h(2)
    np.testing.assert_allclose(circuit.statevector(), dense_state(circuit, []), atol=1e-14)
    late = Circuit(3).h(0).append(gates.StatePreparation(amplitudes, normalize=True)(2, 0)).cx(0, 1)
    np.testing.assert_allclose(late.statevector(), dense_state(late, []), atol=1e-14)


def test_a_matrix_that_is_not_unitary_is_applied_and_differentiated():
    t = Parameter("t")
    shrink = gates.Fixed("shrink", [[1, 0.2], [0, 0.5]], check=False)
    circuit = Circuit(4).ry(t, 0).cx(0, 1).append(shrink(1)).rx(2 * t, 1).cx(1, 2).h(3)
    np.testing.assert_allclose(circuit.statevector([0.4]), dense_state(circuit, [0.4]), atol=1e-14)
    exact = gradient(circuit, Z(1), [0.4])
    np.testing.assert_allclose(exact, gradient(circuit, Z(1), [0.4], method="finite_difference"), atol=1e-8)


def test_matrices_that_cannot_be_undone_are_refused_between_parameters_and_observables():
    w = ParameterVector("w", 3)
    values, observables = [0.4, -0.7, 1.1], [Z(1), X(0) @ Y(1)]

    def circuit(matrix, repetitions=1):
        out = Circuit(2).h(0).cx(0, 1).ry(w[0], 0).rx(w[1], 0)
        for _ in range(repetitions):
            out = out.append(gates.Fixed("own", matrix, check=False)(0)).h(0)
        return out.rx(w[2], 1).cx(1, 0)

    for refused in ([[0.5, 0.5], [0.5, 0.5]], np.diag([1, 1e-9])):
        with pytest.raises(
            CircuitError, match=r"here w\[0\], w\[1\], and the matrices .* condition number of (inf|1e\+09|\d)"
        ):
            gradient(circuit(refused), observables, values)
        shifted, moved = (
            gradient(circuit(refused), observables, values, method=method)
            for method in ("parameter_shift", "finite_difference")
        )
        np.testing.assert_allclose(shifted, moved, atol=1e-8)
        after = circuit(refused).bind({w[0]: values[0], w[1]: values[1]})
        np.testing.assert_allclose(gradient(after, observables, values[2:]), moved[:, 2:], atol=1e-8)
    accepted = circuit(np.diag([1, 1e-3]), 2)
    expected = gradient(accepted, observables, values, method="parameter_shift")
    np.testing.assert_allclose(gradient(accepted, observables, values), expected, atol=1e-9)
    for refused, precision in ((circuit(np.diag([1, 1e-3]), 3), "double"), (accepted, "single")):
        with pytest.raises(CircuitError, match=r"condition number of 1e"):
            gradient(refused, observables, values, precision=precision)


def test_a_matrix_that_cannot_be_undone_does_no_harm_before_weights():
    """Where the gates before it have inputs, only derivatives with respect to these are refused."""
    x, w = Parameter("x"), Parameter("w")
    circuit = Circuit(2).h(0).cx(0, 1).ry(x, 0).unitary([[0.5, 0.5], [0.5, 0.5]], 0, check=False).rx(w, 0).cx(0, 1)
    program, rows, weights = Program(circuit, [Z(1)], [x], [w]), np.array([[0.3], [2.0]]), np.array([0.9])
    _, by_weights, _ = adjoint_sweep(program, rows, weights, np.ones((2, 1)))
    above, below = (expectations(program, rows, weights + step).sum() for step in (1e-6, -1e-6))
    np.testing.assert_allclose(by_weights, (above - below) / 2e-6, atol=1e-9)
    with pytest.raises(CircuitError, match="here x, and"):
        adjoint_sweep(program, rows, weights, np.ones((2, 1)), inputs=True)


def test_the_norm_is_kept_over_ten_thousand_gates():
    rng = np.random.default_rng(0)
    circuit = Circuit(5)
    for _ in range(2500):
        q, r = rng.permutation(5)[:2].tolist()
        circuit = circuit.u(*rng.uniform(-3, 3, 3), q).cx(q, r).ry(rng.uniform(-3, 3), r).rzz(rng.uniform(-3, 3), q, r)
    assert np.linalg.norm(circuit.statevector()) == pytest.approx(1.0, abs=1e-12)


def test_projectors_are_probabilities():
    circuit = random_circuit(5, 4, 20, 1)
    values = np.full(circuit.num_parameters, 0.3)
    marginal = circuit.probabilities(values).reshape(2, 2, 2, 2).sum(axis=(0, 2))  # qubits 2 and 0
    for bits in ("00", "01", "10", "11"):
        expected = marginal[int(bits[0]), int(bits[1])]
        assert circuit.expectation(Projector(bits, [0, 2]), values) == pytest.approx(expected, abs=1e-14)


def test_sampling_follows_the_probabilities_and_the_seed():
    circuit = Circuit(3).ry(1.1, 0).cx(0, 1).ry(0.4, 2)
    counts = circuit.sample(shots=100_000, seed=7)
    assert counts == circuit.sample(shots=100_000, seed=7)
    assert counts != circuit.sample(shots=100_000, seed=8)
    assert sum(counts.values()) == 100_000
    for outcome, probability in enumerate(circuit.probabilities()):
        deviation = 5 * np.sqrt(100_000 * probability * (1 - probability)) + 1e-9
        assert abs(counts.get(format(outcome, "03b"), 0) - 100_000 * probability) <= deviation


@pytest.mark.parametrize("shots", [0, -1, 1.5, True, "10"])
def test_shots_is_a_positive_whole_number(shots):
    with pytest.raises(ValueError, match="shots is an integer of at least 1"):
        Circuit(1).h(0).sample(shots=shots)


def test_an_empty_batch_gives_empty_results():
    t = Parameter("t")
    compiled = Program(Circuit(2).ry(t, 0), [Z(0)], [t])
    assert expectations(compiled, np.zeros((0, 1)), NONE).shape == (0, 1)
    assert states(compiled, np.zeros((0, 1)), NONE).shape == (0, 4)


def test_read_only_and_fortran_ordered_values_are_accepted():
    circuit = random_circuit(1, 3, 12)
    values = np.random.default_rng(0).uniform(-3, 3, (6, circuit.num_parameters))
    expected = circuit.expectation(Z(0), values)
    frozen = np.asfortranarray(values)
    frozen.flags.writeable = False
    np.testing.assert_array_equal(circuit.expectation(Z(0), frozen), expected)
    single = values.astype(np.float32)
    np.testing.assert_array_equal(circuit.expectation(Z(0), single), circuit.expectation(Z(0), single.astype(float)))


def test_a_batch_gives_each_sample_what_it_gets_alone():
    circuit = random_circuit(2, 4, 25)
    values = np.random.default_rng(0).uniform(-3, 3, (37, circuit.num_parameters))
    together = circuit.expectation([Z(0), X(1)], values)
    for row in (0, 5, 36):
        np.testing.assert_allclose(circuit.expectation([Z(0), X(1)], values[row]), together[row], atol=1e-14)


def test_thousand_gates_are_lowered_once():
    circuit = random_circuit(3, 6, 1000, 1)
    values = np.full((2, circuit.num_parameters), 0.2)
    np.testing.assert_allclose(circuit.statevector(values)[0], dense_state(circuit, values[0]), atol=1e-11)


def test_derivatives_by_weights_that_are_amplitudes_reach_the_beginning(engine):
    """Also if all gates after them are fixed, which nobody differentiates."""
    w = ParameterVector("w", 2)
    encoding = gates.AmplitudeEncoding(2)(1 + w[0], w[1], 0.3, 0.5, 0, 2)
    circuit = Circuit(3).append(encoding).ry(0.3, 0).cx(0, 1).rx(0.7, 1)
    for observable in (Z(1), X(0) @ Z(2)):
        exact = gradient(circuit, observable, [0.7, -0.4])
        moved = gradient(circuit, observable, [0.7, -0.4], method="finite_difference")
        np.testing.assert_allclose(exact, moved, atol=1e-8)


def test_an_observable_without_terms_has_no_derivatives(engine):
    w, nothing = ParameterVector("w", 2), PauliSum([], [], [])
    for circuit in (
        Circuit(3).append(gates.AmplitudeEncoding(2)(1 + w[0], w[1], 0.3, 0.5, 0, 1)).ry(0.3, 0),
        Circuit(3).ry(w[0], 0).rx(w[1], 1).ry(0.3, 0),
    ):
        gradient(circuit, X(0), [0.7, -0.4])  # leaves other numbers where adjoint states are kept
        np.testing.assert_array_equal(gradient(circuit, nothing, [0.7, -0.4]), 0.0)
