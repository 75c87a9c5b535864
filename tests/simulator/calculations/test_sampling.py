"""Sampling: the right distribution, the same bits on any number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from simulator import Circuit, CircuitError, ParameterError, set_num_threads
from simulator.calculations.sampling import bit_strings, draw, sample_state
from tests.simulator.strategies import circuits


def random_state(num_qubits, seed):
    rng = np.random.default_rng(seed)
    state = rng.normal(size=1 << num_qubits) + 1j * rng.normal(size=1 << num_qubits)
    return state / np.linalg.norm(state)


@pytest.mark.parametrize(("num_qubits", "dtype"), [(1, complex), (4, complex), (9, np.complex64)])
def test_frequencies_fit_the_probabilities(num_qubits, dtype):
    state = random_state(num_qubits, 3).astype(dtype)
    shots = 200_000
    outcomes, counts = sample_state(state, shots, seed=7)
    assert counts.sum() == shots
    assert (np.diff(outcomes) > 0).all()
    assert (counts > 0).all()
    expected = np.abs(state.astype(complex)) ** 2
    frequencies = np.bincount(outcomes, counts, minlength=len(state))
    assert chisquare(frequencies, expected / expected.sum() * shots).pvalue > 1e-3


def test_marginals_are_in_the_order_asked_for():
    state = random_state(5, 1)
    tensor = (np.abs(state) ** 2).reshape((2,) * 5)  # axis 4 - q is qubit q
    expected = np.transpose(tensor.sum(axis=(0, 3)), (1, 0, 2)).ravel()  # left are qubits 3, 2, 0
    outcomes, counts = sample_state(state, 100_000, seed=2, qubits=[0, 3, 2])
    frequencies = np.bincount(outcomes, counts, minlength=8)
    assert chisquare(frequencies, expected * 100_000).pvalue > 1e-3


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(0, 1000), st.integers(1, 500))
def test_any_number_of_threads_gives_the_same_bits(num_qubits, seed, shots):
    state = random_state(num_qubits, seed)
    found = []
    for threads in (1, 2):
        set_num_threads(threads)
        found.append(np.concatenate(sample_state(state, shots, seed)))
    set_num_threads(None)
    np.testing.assert_array_equal(found[0], found[1])


@settings(max_examples=20, deadline=None)
@given(circuits(max_qubits=4), st.integers(0, 100))
def test_what_can_not_happen_does_not(circuit, seed):
    outcomes, counts = circuit.sample_array(shots=300, seed=seed)
    assert counts.sum() == 300
    assert (circuit.probabilities()[outcomes] > 0).all()


def test_sparse_states_at_both_ends():
    for index in (0, 1, 700, 1023):
        state = np.zeros(1024, complex)
        state[index] = 1
        assert sample_state(state, 1000, seed=0) == (np.array([index]), np.array([1000]))


def test_unnormalised_weights_are_drawn_in_proportion():
    outcomes, counts = draw(np.array([3.0, 0.0, 1.0]), 40_000, np.random.default_rng(1))
    assert outcomes.tolist() == [0, 2]
    assert abs(counts[0] - 30_000) < 500


def test_strings_and_arrays_agree():
    circuit = Circuit(3).h(0).ry(1.0, 1).cx(1, 2)
    outcomes, counts = circuit.sample_array(shots=500, seed=4)
    assert circuit.sample(shots=500, seed=4) == dict(zip(bit_strings(outcomes, 3), counts.tolist(), strict=True))
    assert circuit.sample(shots=500, seed=4, qubits=[2]).keys() == {"0", "1"}
    one, several = (sample_state(circuit.statevector(), 500, seed=4, qubits=qubits) for qubits in (2, [2]))
    np.testing.assert_array_equal(one, several)
    assert circuit.sample(shots=500, seed=4, qubits=2) == circuit.sample(shots=500, seed=4, qubits=[2])


@pytest.mark.parametrize("shots", [0, -1, 1.5, True, "10"])
def test_shots_are_a_positive_whole_number(shots):
    with pytest.raises(ValueError, match="integer of at least 1"):
        Circuit(1).h(0).sample(shots=shots)
    with pytest.raises(ValueError, match="integer of at least 1"):
        sample_state([1, 0], shots)


def test_errors():
    with pytest.raises(CircuitError, match="from 0 to 1"):
        Circuit(2).sample(qubits=[2])
    with pytest.raises(CircuitError, match="distinct"):
        Circuit(2).sample(qubits=[1, 1])
    with pytest.raises(ValueError, match="nothing to sample"):
        sample_state([0, 0], 10)
    with pytest.raises(ParameterError, match="one set of values"):
        Circuit(1).sample(np.zeros((2, 0)), shots=3)


def test_marginals_go_through_all_places():
    state = random_state(9, 4)
    tensor = (np.abs(state) ** 2).reshape((2,) * 9)  # axis 8 - q is qubit q
    for qubits in ([8], [3, 1], [7, 0, 5, 2, 6], [0, 1, 2, 3, 4, 5, 6, 8]):
        others = tuple(8 - q for q in range(9) if q not in qubits)
        left = sorted(qubits, reverse=True)
        expected = np.transpose(tensor.sum(axis=others), [left.index(q) for q in reversed(qubits)]).ravel()
        outcomes, counts = sample_state(state, 100_000, seed=3, qubits=qubits)
        frequencies = np.bincount(outcomes, counts, minlength=len(expected)) / 100_000
        np.testing.assert_allclose(frequencies, expected, atol=6 / np.sqrt(100_000) * np.sqrt(expected.max()))


def test_a_state_in_single_precision_is_sampled():
    circuit = Circuit(3).h(0).cx(0, 1).ry(0.4, 2)
    double, single = (circuit.sample(shots=100_000, seed=1, precision=p) for p in ("double", "single"))
    assert double.keys() == single.keys()
    assert all(abs(double[key] - single[key]) < 5 for key in double)
