"""Trajectories against density matrices, within their error bars; unbiased gradients; the same bits every time."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import Circuit, NoiseError, NoiseModel, ParameterVector, X, Y, Z, depolarizing, gates, set_num_threads
from simulator.noise import NoisyProgram, amplitude_damping, estimate, expectations, pauli_channel
from simulator.noise.frames import FrameTrajectories
from tests.simulator.noisy_sweeps import check_sweep
from tests.simulator.strategies import circuits

PAULI = NoiseModel(pauli_channel({"X": 0.02, "Y": 0.03, "Z": 0.05}), depolarizing(0.1, 2), readout=0.02)
OTHER = NoiseModel(amplitude_damping(0.1, 0.2), amplitude_damping(0.2).tensor(depolarizing(0.1)), readout=(0.02, 0.1))
ON_ALL_GATES = [  # channels on one qubit fit gates on any number
    NoiseModel(pauli_channel({"X": 0.05, "Y": 0.1}), depolarizing(0.1)),
    NoiseModel(amplitude_damping(0.1), amplitude_damping(0.2, 0.3)),
]
SIGMAS = 4.5  # of a normal distribution: about one in 10^5 beyond, and all seeds are given


def layers(num_qubits, depth, angles):
    circuit, k = Circuit(num_qubits), 0
    for _ in range(depth):
        for q in range(num_qubits):
            circuit = circuit.ry(angles[k % len(angles)], q).rz(angles[(k + 1) % len(angles)], q).h(q)
            k += 1
        for q in range(num_qubits):
            circuit = circuit.cx(q, (q + 1) % num_qubits)
    return circuit.rzz(angles[0], 0, num_qubits - 1)


@pytest.mark.parametrize("noise", [PAULI, OTHER], ids=["pauli", "other"])
@pytest.mark.parametrize("num_qubits", [2, 4, 5])
def test_means_are_within_their_errors(noise, num_qubits):
    circuit = layers(num_qubits, 2, [0.3, 0.8, -1.2])
    observables = [Z(0), X(1) @ Y(0), Z(0) @ Z(num_qubits - 1), 0.5 * X(0) + Z(1)]
    found = estimate(circuit, observables, noise=noise, trajectories=8000, seed=5)
    exact = circuit.expectation(observables, noise=noise)
    assert (np.abs(found.value - exact) < SIGMAS * found.standard_error).all()
    assert (found.standard_error < 0.02).all()


@settings(max_examples=15, deadline=None)
@given(circuits(max_qubits=3, max_gates=5), st.sampled_from(ON_ALL_GATES), st.integers(0, 100))
def test_every_kind_of_gate(circuit, noise, seed):
    observables = [Z(0), X(0) + Y(0)]
    found = estimate(circuit, observables, noise=noise, trajectories=600, seed=seed)
    exact = circuit.expectation(observables, noise=noise)
    # a rare error may not have been drawn at all: allow for the error bar it would have made
    assert (np.abs(found.value - exact) < 6 * found.standard_error + 0.1).all()


def test_without_noise_they_are_exact():
    circuit = layers(3, 2, [0.3, 0.8])
    found = estimate(circuit, [Z(0), X(1)], noise=NoiseModel(), trajectories=10, seed=0)
    np.testing.assert_allclose(found.value, circuit.expectation([Z(0), X(1)]), atol=1e-12)
    np.testing.assert_allclose(found.standard_error, 0, atol=1e-12)


@pytest.mark.parametrize("noise", [PAULI, OTHER], ids=["pauli", "other"])
def test_one_trajectory_has_no_standard_error(noise):
    circuit = layers(3, 1, [0.3, 0.8])
    one = estimate(circuit, [Z(0), X(1)], noise=noise, trajectories=1, seed=1)
    assert np.isfinite(one.value).all()
    assert np.isnan(one.standard_error).all()
    assert (estimate(circuit, [Z(0), X(1)], noise=noise, trajectories=2, seed=1).standard_error >= 0).all()


def test_single_precision():
    circuit = layers(4, 2, [0.3, 0.8])
    double = estimate(circuit, Z(0), noise=PAULI, trajectories=500, seed=1)
    single = estimate(circuit, Z(0), noise=PAULI, trajectories=500, seed=1, precision="single")
    assert abs(double.value - single.value) < 1e-5


@pytest.mark.parametrize("noise", [PAULI, OTHER], ids=["pauli", "other"])
def test_gradients_are_unbiased(noise):
    theta = ParameterVector("t", 2)
    circuit = Circuit(2).ry(theta[0], 0).cx(0, 1).append(gates.U(2 * theta[1], 0.3, theta[0], 1)).crx(theta[1], 1, 0)
    values = np.array([0.4, 0.9])
    exact = circuit.gradient([Z(0), X(1)], values, noise=noise)
    found = np.array([circuit.gradient([Z(0), X(1)], values, noise=noise, trajectories=400, seed=k) for k in range(20)])
    error = found.std(axis=0, ddof=1) / np.sqrt(20)
    assert (np.abs(found.mean(axis=0) - exact) < SIGMAS * error + 1e-9).all()


def test_gradients_are_those_of_the_mean_that_is_reported():
    # with the seed fixed the mean of trajectories of Pauli noise is a smooth function: its derivative is exact
    theta = ParameterVector("t", 3)
    circuit = layers(3, 2, list(theta))
    program = NoisyProgram(circuit, [Z(0), X(2)], theta[:1], theta[1:], noise=PAULI, trajectories=50, seed=3)
    rng = np.random.default_rng(0)
    inputs, weights, cotangent = rng.normal(size=(4, 1)), rng.normal(size=2), rng.normal(size=(4, 2))
    check_sweep(program, inputs, weights, cotangent)


@pytest.mark.parametrize("noise", [PAULI, OTHER], ids=["pauli", "other"])
def test_the_same_seed_gives_the_same_bits(noise):
    theta = ParameterVector("t", 2)
    circuit = layers(5, 2, list(theta))
    found = []
    for threads in (1, 2):
        set_num_threads(threads)
        value = circuit.expectation([Z(0), X(1)], [0.3, 0.4], noise=noise, trajectories=700, seed=9)
        counts = circuit.sample([0.3, 0.4], shots=700, seed=9, noise=noise)
        found.append((value.tolist(), counts))
    set_num_threads(None)
    assert found[0] == found[1]
    program = NoisyProgram(circuit, [Z(0)], theta, noise=noise, trajectories=40)
    again = pickle.loads(pickle.dumps(program))
    values = np.array([[0.1, 0.2], [0.3, 0.4]])
    np.testing.assert_array_equal(expectations(program, values, np.zeros(0)), expectations(again, values, np.zeros(0)))


def test_equal_trajectories_are_run_once():
    noise = NoiseModel(after_1q=depolarizing(0.001))
    program = NoisyProgram(layers(3, 1, [0.3, 0.2]), [Z(0)], noise=noise, trajectories=1000, seed=0)
    assert isinstance(program.method, FrameTrajectories)
    assert len(program.method.counts) < 20
    assert program.method.counts.sum() == 1000


def test_fixed_gates_on_several_qubits_are_rotations_with_signs():
    circuit = layers(3, 1, [0.3, 0.8])
    circuit = circuit.append(gates.ECR(0, 2), gates.CSWAP(1, 0, 2), gates.RCCX(2, 1, 0), gates.CSX(0, 1)).ry(0.4, 1)
    noise, observables = ON_ALL_GATES[0], [Z(0), X(1) @ Y(0), Z(2) @ X(0)]
    program = NoisyProgram(circuit, observables, noise=noise, trajectories=8000, seed=1)
    assert isinstance(program.method, FrameTrajectories)
    estimated = estimate(circuit, observables, noise=noise, trajectories=8000, seed=1)
    exact = circuit.expectation(observables, noise=noise)
    assert (np.abs(estimated.value - exact) < SIGMAS * estimated.standard_error).all()


@pytest.mark.parametrize("noise", [PAULI, OTHER], ids=["pauli", "other"])
def test_samples_follow_the_density_matrix(noise):
    circuit = layers(3, 1, [0.3, 0.8])
    shots = 100_000
    counts = circuit.sample(shots=shots, seed=4, noise=noise)
    found = (counts.get("000", 0) + counts.get("011", 0) - counts.get("001", 0) - counts.get("010", 0)) + sum(
        (1 if bits[1:] in ("00", "11") else -1) * count for bits, count in counts.items() if bits[0] == "1"
    )
    exact = circuit.expectation(Z(0) @ Z(1), noise=noise)
    assert abs(found / shots - exact) < SIGMAS / np.sqrt(shots)


def test_samples_of_wide_circuits_come_from_trajectories():
    circuit = Circuit(11)
    for q in range(11):
        circuit = circuit.x(q)
    noise = NoiseModel(after_1q=amplitude_damping(0.2), readout=(0.0, 0.1))
    outcomes, counts = circuit.sample_array(shots=2000, seed=3, noise=noise)
    for q in range(11):
        assert abs(((outcomes >> q & 1) * counts).sum() / 2000 - 0.8 * 0.9) < SIGMAS * 0.5 / np.sqrt(2000)


@pytest.mark.parametrize("trajectories", [0, -1, 1.5, True, "many"])
def test_trajectories_are_a_positive_whole_number(trajectories):
    with pytest.raises(NoiseError, match="integer of at least 1"):
        Circuit(1).expectation(Z(0), noise=PAULI, trajectories=trajectories)


def test_trajectories_need_noise():
    with pytest.raises(NoiseError, match="noise="):
        Circuit(1).expectation(Z(0), trajectories=10)
    with pytest.raises(NoiseError, match="NoiseModel"):
        Circuit(1).expectation(Z(0), noise=0.1)
