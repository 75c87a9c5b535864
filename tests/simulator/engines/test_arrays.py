"""The conformance suite, second part: fidelities, drawing, and what does not fit, against NumPy."""

import numpy as np
import pytest

from simulator import Circuit, StateTooLargeError
from simulator.program.program import Program
from tests.simulator.engines.test_engine import NONE, TOLERANCE, dense_state, random_circuit

SHOTS = 40_000
DEVIATIONS = 5  # standard deviations of a count, at the fixed seeds


def random_state(seed, num_qubits, dtype=complex):
    rng = np.random.default_rng(seed)
    state = rng.normal(size=1 << num_qubits) + 1j * rng.normal(size=1 << num_qubits)
    return (state / np.linalg.norm(state)).astype(dtype)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("num_qubits", [1, 3, 6])
def test_fidelities_equal_the_reference(engine, num_qubits, precision):
    circuit = random_circuit(7, num_qubits, 20)
    rng = np.random.default_rng(num_qubits)
    X, Y = (rng.uniform(-3, 3, (rows, circuit.num_parameters)) for rows in (7, 4))
    a, b = (np.array([dense_state(circuit, row) for row in values]) for values in (X, Y))
    program = Program(circuit, (), circuit.parameters, precision=precision)
    square, rectangle = np.abs(a @ a.conj().T) ** 2, np.abs(a @ b.conj().T) ** 2
    counts = []
    found = engine.fidelities(program, X, NONE, progress=counts.append)
    assert found.dtype == program.dtype
    assert sum(counts) == found.size
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_allclose(found, square, atol=TOLERANCE[precision])
    out = np.empty((7, 4), program.dtype)
    assert engine.fidelities(program, X, NONE, Y, out) is out
    np.testing.assert_allclose(out, rectangle, atol=TOLERANCE[precision])
    dtype = np.result_type(program.dtype, np.complex64)
    np.testing.assert_allclose(
        engine.fidelities_of_states(a.astype(dtype), b.astype(dtype)), rectangle, atol=TOLERANCE[precision]
    )
    np.testing.assert_allclose(engine.fidelities_of_states(a.astype(dtype)), square, atol=TOLERANCE[precision])


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64, np.float64])
@pytest.mark.parametrize("num_qubits", [1, 5])
def test_draws_follow_the_probabilities_and_the_seed(engine, num_qubits, dtype):
    state = 3.0 * random_state(1, num_qubits)
    probabilities = np.abs(state) ** 2 / 9
    values = 9 * probabilities if dtype == np.float64 else state.astype(dtype)
    outcomes, counts = engine.draw(values, SHOTS, np.random.default_rng(5))
    again = engine.draw(values, SHOTS, np.random.default_rng(5))
    np.testing.assert_array_equal(outcomes, again[0])
    np.testing.assert_array_equal(counts, again[1])
    assert np.all(np.diff(outcomes) > 0)
    assert counts.sum() == SHOTS
    seen = np.zeros(1 << num_qubits)
    seen[outcomes] = counts
    assert np.all(np.abs(seen - SHOTS * probabilities) <= DEVIATIONS * np.sqrt(SHOTS * probabilities) + 1)


@pytest.mark.parametrize("values", [np.zeros(4), np.zeros(4, complex), np.full(4, np.nan), np.full(4, np.inf)])
def test_nothing_is_drawn_from_nothing(engine, values):
    with pytest.raises(ValueError, match="nothing to sample"):
        engine.draw(values, 10, np.random.default_rng(0))


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("qubits", [(0,), (3,), (2, 0), (4, 1, 3), (4, 3, 2, 1, 0)])
def test_marginals_equal_sums_of_probabilities(engine, qubits, dtype):
    state = random_state(2, 5, dtype)
    table = (np.abs(state.astype(complex)) ** 2).reshape((2,) * 5)  # axis 4 - q is qubit q
    others = tuple(4 - q for q in range(5) if q not in qubits)
    remaining = [q for q in range(4, -1, -1) if q in qubits]
    expected = table.sum(axis=others).transpose([remaining.index(q) for q in qubits[::-1]]).ravel()
    np.testing.assert_allclose(engine.marginal(state, qubits), expected, atol=1e-7 if dtype == np.complex64 else 1e-15)


def test_what_does_not_fit_is_refused(engine):
    engine.check(Program(Circuit(4).h(0)), 100)
    for circuit, samples in ((Circuit(50).h(0), 1), (Circuit(10).h(0), 1 << 45)):
        with pytest.raises(StateTooLargeError, match="qubits"):
            engine.check(Program(circuit), samples)


def test_samples_that_are_none_give_arrays_that_are_empty(engine):
    circuit = random_circuit(3, 2, 10)
    program, count = Program(circuit, (), circuit.parameters), circuit.num_parameters
    X = np.zeros((0, count))
    assert engine.states(program, X, NONE).shape == (0, 4)
    assert engine.fidelities(program, X, NONE).shape == (0, 0)
    by_weights, by_inputs = engine.state_sweep(program, X, NONE, lambda psi: psi, inputs=True)
    assert by_weights.shape == (0,)
    assert by_inputs.shape == (0, count)
