"""Estimates from shots: their mean and spread are those of the binomial distribution."""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp, Statevector

from simulator import Circuit, Parameter, X, Z
from simulator.backends.shot_backend import ShotBackend
from simulator.backends.trait import Backend
from simulator.noise import NoiseModel, depolarizing
from simulator.qiskit_circuits import to_qiskit

THETA, PHI = Parameter("theta"), Parameter("phi")
CIRCUIT = Circuit(2).ry(THETA, 0).cx(0, 1).rx(2 * PHI, 1)
OBSERVABLES = [Z(0), 0.5 * X(0) @ X(1) - 2.0 * Z(1) + 3.0]
VALUES = np.array([[0.3, 0.7], [1.2, -0.4]])
REPEATS = 400
DEVIATIONS = 5.0
"""Number of standard errors by which a mean may differ."""


def exact():
    strings = [SparsePauliOp("IZ"), SparsePauliOp(["XX", "ZI", "II"], [0.5, -2.0, 3.0])]
    bound = [to_qiskit(CIRCUIT.bind({THETA: a, PHI: b})) for a, b in VALUES]
    return np.array([[Statevector(circuit).expectation_value(op).real for op in strings] for circuit in bound])


def test_means_and_standard_errors_are_those_of_many_repetitions():
    runs = [ShotBackend(shots=100, seed=seed).estimate(CIRCUIT, OBSERVABLES, VALUES) for seed in range(REPEATS)]
    values = np.array([run.values for run in runs])
    spread = values.std(axis=0, ddof=1)
    assert (np.abs(values.mean(axis=0) - exact()) < DEVIATIONS * spread / np.sqrt(REPEATS)).all()
    errors = np.array([run.standard_errors for run in runs]).mean(axis=0)
    np.testing.assert_allclose(errors, spread, rtol=DEVIATIONS / np.sqrt(2 * REPEATS))


def test_gradients_have_the_mean_of_exact_ones():
    step = 1e-5

    def values_at(shift):
        return CIRCUIT.expectation(OBSERVABLES, VALUES + shift)

    slopes = np.stack([(values_at(shift) - values_at(-shift)) / (2 * step) for shift in step * np.eye(2)], axis=-1)
    runs = [ShotBackend(shots=100, seed=s).gradient(CIRCUIT, OBSERVABLES, VALUES) for s in range(REPEATS)]
    tolerance = DEVIATIONS * np.std(runs, axis=0) / np.sqrt(REPEATS)
    assert (np.abs(np.mean(runs, axis=0) - slopes) < tolerance + 1e-8).all()


def test_a_request_with_a_seed_repeats_and_other_requests_are_independent():
    backend = ShotBackend(shots=50, seed=3)
    first = backend.expectations(CIRCUIT, OBSERVABLES, VALUES)
    np.testing.assert_array_equal(first, backend.expectations(CIRCUIT, OBSERVABLES, VALUES))
    assert (first != backend.with_shots(50, seed=4).expectations(CIRCUIT, OBSERVABLES, VALUES)).any()
    unseeded = ShotBackend(shots=50).with_shots(60, seed=4)
    assert (unseeded.shots, unseeded.seed) == (60, None)


def test_noise_lowers_the_mean():
    noise = NoiseModel(depolarizing(0.2))
    values = ShotBackend(shots=10**6, noise=noise, seed=0).expectations(Circuit(1).x(0), [Z(0)])
    np.testing.assert_allclose(values, [[-0.8]], atol=5e-3)


def test_probabilities_samples_and_plans():
    backend = ShotBackend(shots=1000, seed=0)
    frequencies = backend.probabilities(CIRCUIT, VALUES)
    np.testing.assert_allclose(frequencies, CIRCUIT.probabilities(VALUES), atol=DEVIATIONS * 0.5 / np.sqrt(1000))
    np.testing.assert_array_equal(backend.probabilities(CIRCUIT, VALUES, outcomes=[2]), frequencies[:, [2]])
    assert [sum(counts.values()) for counts in backend.sample(CIRCUIT, VALUES)] == [1000, 1000]
    plan = backend.plan(CIRCUIT, OBSERVABLES, VALUES)
    assert (plan.shots, plan.total_shots) == (1000, 1000 * 2 * 4)  # Z0, X0 X1, Z1 and the identity
    assert isinstance(backend, Backend)


@pytest.mark.parametrize("shots", [0, -1, 1.5, True])
def test_shots_are_checked(shots):
    with pytest.raises((ValueError, TypeError), match="shots"):
        ShotBackend(shots=shots)
