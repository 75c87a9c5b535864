"""Density matrices against a dense reference and Aer; their gradients against finite differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import Circuit, NoiseModel, ParameterVector, StateTooLargeError, X, Y, Z, depolarizing, gates
from simulator import set_num_threads as limit_threads
from simulator.engines.choice import using
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.noise import (
    NoisyProgram,
    amplitude_damping,
    kraus,
    pauli_channel,
    phase_damping,
    thermal_relaxation,
)
from simulator.noise.density import DensityProgram
from tests.simulator import reference
from tests.simulator.noisy_sweeps import check_sweep
from tests.simulator.strategies import circuits, pauli_sums, unitary

EXACT = 1e-12

MODELS = [
    NoiseModel(),
    NoiseModel(amplitude_damping(0.1), depolarizing(0.05, 1)),
    NoiseModel(after_1q=thermal_relaxation(50, 60, 5, 0.1), after={"cx": depolarizing(0.1, 2)}),
    NoiseModel(
        after_1q=pauli_channel({"X": 0.1, "Y": 0.05}),
        after={"cx": amplitude_damping(0.2).tensor(phase_damping(0.1)), "h": kraus([unitary(1, 2)])},
    ),
]


def dense(circuit, noise):
    """Density matrix as a state of twice the qubits, rows above columns, one Kraus operator after the other."""
    n = circuit.num_qubits

    def both(matrix, qubits, state):
        state = reference.apply(matrix, [q + n for q in qubits], state, 2 * n)
        return reference.apply(matrix.conj(), qubits, state, 2 * n)

    rho = reference.zero_state(2 * n)
    for operation in circuit.operations:
        rho = both(operation.gate.matrix(*operation.angles), operation.qubits, rho)
        for channel, qubits in noise.channels_after(operation):
            rho = sum(both(k, qubits, rho) for k in channel.kraus)
    return rho.reshape(1 << n, 1 << n)


def layers(num_qubits, depth, angles):
    """A circuit that entangles all qubits, with angles taken in turn from the given ones."""
    circuit, k = Circuit(num_qubits), 0
    for _ in range(depth):
        for q in range(num_qubits):
            circuit = circuit.ry(angles[k % len(angles)], q).rz(2 * angles[(k + 1) % len(angles)] + 0.1, q)
            k += 1
        for q in range(num_qubits - 1):
            circuit = circuit.cx(q, q + 1)
        circuit = circuit.rzz(angles[k % len(angles)], 0, num_qubits - 1).crx(angles[0], num_qubits - 1, 0)
    return circuit


@settings(max_examples=40, deadline=None)
@given(circuits(max_qubits=4, max_gates=6), st.sampled_from(MODELS))
def test_density_matrices_of_all_gates(circuit, noise):
    found = circuit.density_matrix(noise=noise)
    np.testing.assert_allclose(found, dense(circuit, noise), atol=EXACT)
    assert abs(np.trace(found) - 1) < EXACT


@settings(max_examples=25, deadline=None)
@given(circuits(num_qubits=3, max_gates=6), st.lists(pauli_sums(3), min_size=1, max_size=3), st.sampled_from(MODELS))
def test_expectations(circuit, observables, noise):
    rho = dense(circuit, noise)
    found = circuit.expectation(observables, noise=noise)
    expected = [np.trace(reference.pauli_sum(o.x_masks, o.z_masks, o.coefficients, 3) @ rho).real for o in observables]
    np.testing.assert_allclose(found, expected, atol=1e-11)


@pytest.mark.parametrize("num_qubits", [2, 6, 7, 8])
def test_every_driver(num_qubits):
    circuit = layers(num_qubits, 1, [0.3, 0.7, -1.1])
    observables = [Z(0), X(num_qubits - 1) @ Y(0), Z(0) @ Z(num_qubits - 1)]
    found = circuit.expectation(observables, noise=MODELS[1])
    rho = dense(circuit, MODELS[1])
    expected = [np.trace(o.matrix(num_qubits) @ rho).real for o in observables]
    np.testing.assert_allclose(found, expected, atol=EXACT)


@pytest.mark.parametrize("num_qubits", [3, 7, 9])
def test_without_noise_it_is_the_statevector(num_qubits):
    theta = ParameterVector("t", 3)
    circuit = layers(num_qubits, 2, list(theta))
    values = np.random.default_rng(1).normal(size=(3, 3))
    observables = [Z(0), X(1) @ Z(2), Y(num_qubits - 1)]
    np.testing.assert_allclose(
        circuit.expectation(observables, values, noise=NoiseModel()),
        circuit.expectation(observables, values),
        atol=EXACT,
    )
    np.testing.assert_allclose(
        circuit.gradient(observables, values, noise=NoiseModel()), circuit.gradient(observables, values), atol=1e-11
    )


@pytest.mark.parametrize("num_qubits", [2, 4, 7, 9])
def test_gradients_against_finite_differences(num_qubits):
    theta = ParameterVector("t", 3)
    circuit = layers(num_qubits, 1, list(theta)).append(gates.CU(theta[0], 0.2, theta[1], 0.1, 0, 1))
    noise = NoiseModel(amplitude_damping(0.1), depolarizing(0.05, 1), readout=(0.02, 0.05))
    program = NoisyProgram(circuit, [Z(0), X(num_qubits - 1)], theta[:1], theta[1:], noise=noise)
    rng = np.random.default_rng(2)
    inputs, weights = rng.normal(size=(3, 1)), rng.normal(size=2)
    cotangent = rng.normal(size=(3, 2))
    check_sweep(program, inputs, weights, cotangent, given=lambda found, rows: cotangent[rows])


def test_states_that_are_not_kept_are_computed_again():
    theta = ParameterVector("t", 3)
    circuit = layers(9, 2, list(theta))
    values = [0.3, -0.4, 1.2]
    kept = circuit.gradient(Z(0), values, noise=MODELS[1])
    with using(NumbaEngine(Options(density_keep_bytes=0))):
        np.testing.assert_array_equal(circuit.gradient(Z(0), values, noise=MODELS[1]), kept)


def test_amplitudes_that_are_parameters():
    x, t = ParameterVector("x", 4), ParameterVector("t", 1)
    circuit = Circuit(3).initialize(x, [0, 2]).ry(t[0], 1).cx(0, 1).cx(1, 2)
    values = np.random.default_rng(4).normal(size=(3, 5))
    for noise, tolerance in ((NoiseModel(), EXACT), (MODELS[1], 1e-7)):
        found, gradient = circuit.expectation_and_gradient([Z(2), X(0)], values, noise=noise)
        if noise == NoiseModel():
            expected = circuit.expectation_and_gradient([Z(2), X(0)], values)
            np.testing.assert_allclose(found, expected[0], atol=tolerance)
            np.testing.assert_allclose(gradient, expected[1], atol=1e-11)
        step = 1e-6 * np.eye(5)
        for k in range(5):
            up = circuit.expectation([Z(2), X(0)], values + step[k], noise=noise)
            down = circuit.expectation([Z(2), X(0)], values - step[k], noise=noise)
            np.testing.assert_allclose(gradient[:, :, k], (up - down) / 2e-6, atol=1e-7)


def test_wide_gates():
    circuit = (
        Circuit(6).h(0).append(gates.PauliRotation("XYZXYZ")(0.4, *range(6))).append(gates.X.controlled(5)(*range(6)))
    )
    observables = [Z(0), Z(5), X(2) @ Y(0)]
    np.testing.assert_allclose(
        circuit.expectation(observables, noise=NoiseModel()), circuit.expectation(observables), atol=EXACT
    )


@pytest.mark.parametrize("num_qubits", [4, 7, 9])
def test_any_number_of_threads_gives_the_same_bits(num_qubits):
    theta = ParameterVector("t", 3)
    circuit = layers(num_qubits, 2, list(theta))
    values = np.random.default_rng(0).normal(size=(9 if num_qubits < 9 else 1, 3))
    found = []
    for threads in (1, 2):
        limit_threads(threads)
        value, gradient = circuit.expectation_and_gradient([Z(0)], values, noise=MODELS[1])
        found.append(np.concatenate([value.ravel(), gradient.ravel()]))
    limit_threads(None)
    np.testing.assert_array_equal(found[0], found[1])


def test_a_batch_does_not_change_a_sample():
    theta = ParameterVector("t", 3)
    circuit = layers(4, 2, list(theta))
    values = np.random.default_rng(0).normal(size=(20, 3))
    together = circuit.expectation(Z(0), values, noise=MODELS[1])
    alone = [circuit.expectation(Z(0), values[k : k + 1], noise=MODELS[1])[0] for k in range(20)]
    np.testing.assert_array_equal(together, alone)


def test_long_circuits_keep_the_trace():
    circuit = Circuit(3)
    rng = np.random.default_rng(0)
    for _ in range(700):
        circuit = circuit.ry(rng.normal(), 0).cx(0, 1).rz(rng.normal(), 1).cx(1, 2).rx(rng.normal(), 2)
    rho = circuit.density_matrix(noise=NoiseModel(after_1q=phase_damping(1e-4)))
    assert abs(np.trace(rho) - 1) < EXACT
    assert np.linalg.eigvalsh(rho).min() > -EXACT


def test_too_large_is_refused_before_anything_is_allocated():
    with pytest.raises(StateTooLargeError, match=r"density matrix of 24 qubits needs .* available"):
        Circuit(24).h(0).density_matrix()


def test_only_what_is_seen_is_computed():
    circuit = Circuit(8).h(0).cx(0, 1)
    for q in range(2, 8):
        circuit = circuit.h(q).cx(q, 2 if q != 2 else 3)
    assert len(DensityProgram(circuit, [Z(0)], (), (), NoiseModel()).blocks) == 1


def test_agrees_with_aer():
    aer = pytest.importorskip("qiskit_aer")
    from qiskit_aer import noise as aer_noise

    circuit = Circuit(4)
    for q in range(4):
        circuit = circuit.ry(0.3 + q, q).rz(0.7 - q, q).cx(q, (q + 1) % 4)
    circuit = circuit.ccx(0, 1, 2).swap(1, 3).ry(0.4, 1)
    ours = NoiseModel(
        after={
            "ry": amplitude_damping(0.05), "rz": thermal_relaxation(50, 70, 10), "cx": depolarizing(0.03, 2),
            "ccx": phase_damping(0.1),
        }
    )  # fmt: skip
    theirs = aer_noise.NoiseModel()
    theirs.add_all_qubit_quantum_error(aer_noise.amplitude_damping_error(0.05), ["ry"])
    theirs.add_all_qubit_quantum_error(aer_noise.thermal_relaxation_error(50, 70, 10), ["rz"])
    theirs.add_all_qubit_quantum_error(aer_noise.depolarizing_error(0.03, 2), ["cx"])
    damped = aer_noise.phase_damping_error(0.1)
    theirs.add_all_qubit_quantum_error(damped.tensor(damped).tensor(damped), ["ccx"])
    simulated = circuit.to_qiskit()
    simulated.save_density_matrix()
    simulator = aer.AerSimulator(method="density_matrix", noise_model=theirs, fusion_enable=False)
    expected = np.asarray(simulator.run(simulated).result().data(0)["density_matrix"])
    np.testing.assert_allclose(circuit.density_matrix(noise=ours), expected, atol=1e-10)
