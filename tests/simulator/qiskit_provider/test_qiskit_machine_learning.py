"""Qiskit Machine Learning on our primitives and gradients, against the same on Qiskit's own."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, library
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparsePauliOp

pytest.importorskip("qiskit_machine_learning")
pytestmark = pytest.mark.filterwarnings("ignore")  # theirs; about deprecated parts of Qiskit

from qiskit_machine_learning.algorithms import VQC  # noqa: E402
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient, ParamShiftSamplerGradient  # noqa: E402
from qiskit_machine_learning.kernels import FidelityQuantumKernel  # noqa: E402
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN  # noqa: E402
from qiskit_machine_learning.optimizers import COBYLA, GradientDescent  # noqa: E402
from qiskit_machine_learning.primitives import QMLSampler  # noqa: E402
from qiskit_machine_learning.state_fidelities import ComputeUncompute  # noqa: E402
from qiskit_machine_learning.utils import algorithm_globals  # noqa: E402

from simulator.qiskit_provider import (  # noqa: E402
    Estimator,
    EstimatorGradient,
    Sampler,
    SamplerGradient,
    UnsupportedCircuitError,
)

EXACT = 1e-10
OBSERVABLES = [SparsePauliOp("ZZ"), SparsePauliOp(["XI", "IY"], [0.5, -1.0])]


def parts(num_qubits=2):
    """A circuit whose inputs come as products, its inputs and its weights."""
    feature_map = library.zz_feature_map(num_qubits, reps=1)
    ansatz = library.real_amplitudes(num_qubits, reps=1)
    circuit = QuantumCircuit(num_qubits)
    circuit.compose(feature_map, inplace=True)
    circuit.compose(ansatz, inplace=True)
    return circuit, list(feature_map.parameters), list(ansatz.parameters)


def data(rows, columns, seed):
    return np.random.default_rng(seed).uniform(-1, 1, (rows, columns))


@pytest.mark.parametrize("input_gradients", [False, True])
def test_estimator_qnn(input_gradients):
    circuit, inputs, weights = parts()
    common = {
        "circuit": circuit,
        "observables": OBSERVABLES,
        "input_params": inputs,
        "weight_params": weights,
        "input_gradients": input_gradients,
        "default_precision": 0.0,
    }
    ours = EstimatorQNN(estimator=Estimator(), gradient=EstimatorGradient(), **common)
    estimator = StatevectorEstimator()
    theirs = EstimatorQNN(estimator=estimator, gradient=ParamShiftEstimatorGradient(estimator), **common)
    X, w = data(3, 2, 1), data(1, 4, 2)[0]
    np.testing.assert_allclose(ours.forward(X, w), theirs.forward(X, w), atol=EXACT)
    for a, b in zip(ours.backward(X, w), theirs.backward(X, w), strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, atol=1e-9)


@pytest.mark.parametrize("interpret", [None, lambda outcome: outcome.bit_count() % 2])
def test_sampler_qnn(interpret):
    circuit, inputs, weights = parts()
    common = {
        "circuit": circuit,
        "input_params": inputs,
        "weight_params": weights,
        "interpret": interpret,
        "output_shape": None if interpret is None else 2,
        "input_gradients": True,
    }
    ours = SamplerQNN(sampler=Sampler(default_shots=100, seed=3), gradient=SamplerGradient(), **common)
    reference = StatevectorSampler(default_shots=100, seed=3)
    theirs = SamplerQNN(sampler=reference, **common)
    X, w = data(3, 2, 3), data(1, 4, 4)[0]
    np.testing.assert_allclose(ours.forward(X, w), theirs.forward(X, w), atol=EXACT)
    exact = QMLSampler()
    shifted = SamplerQNN(sampler=exact, gradient=ParamShiftSamplerGradient(exact), **common)
    for a, b in zip(ours.backward(X, w), shifted.backward(X, w), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)  # theirs are rounded to counts


def test_gradients_of_circuits_that_parameter_shift_can_not_take():
    x, y = Parameter("x"), Parameter("y")
    circuit = QuantumCircuit(2)
    circuit.crx((x * y).sin(), 0, 1)  # no shift rule of two terms, and no affine angle
    circuit.cu(x, y, 0.2, x - y, 1, 0)
    circuit.h(0)
    job = EstimatorGradient().run([circuit] * 3, OBSERVABLES + OBSERVABLES[:1], data(3, 2, 5), [None, [y], [y, x]])
    gradients = job.result().gradients
    assert [len(gradient) for gradient in gradients] == [2, 1, 2]
    for row, (observable, chosen) in enumerate([(0, [x, y]), (1, [y]), (0, [y, x])]):
        values = data(3, 2, 5)[row]
        for number, parameter in enumerate(chosen):
            step = 1e-5 * np.eye(2)[[x, y].index(parameter)]
            pubs = [(circuit, OBSERVABLES[observable], values + sign * step) for sign in (1, -1)]
            up, down = (found.data.evs for found in StatevectorEstimator().run(pubs).result())
            assert abs(gradients[row][number] - (up - down) / 2e-5) < 1e-8


def test_vqc_learns_the_same_on_both():
    feature_map, ansatz = library.z_feature_map(2, reps=1), library.real_amplitudes(2, reps=1)
    X = data(12, 2, 6)
    y = (X.sum(axis=1) > 0).astype(int)

    def fitted(sampler):
        algorithm_globals.random_seed = 7
        classifier = VQC(
            feature_map=feature_map, ansatz=ansatz, optimizer=COBYLA(maxiter=8), initial_point=np.full(4, 0.1),
            sampler=sampler,
        )  # fmt: skip
        return classifier.fit(X, y)

    ours = fitted(Sampler(default_shots=64, seed=8))
    theirs = fitted(StatevectorSampler(default_shots=64, seed=8))
    np.testing.assert_array_equal(ours.weights, theirs.weights)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_vqc_trains_with_the_adjoint_gradient():
    feature_map, ansatz = library.z_feature_map(2, reps=1), library.real_amplitudes(2, reps=2)
    X = data(20, 2, 9)
    y = (X[:, 0] > 0).astype(int)
    losses = []
    classifier = VQC(
        feature_map=feature_map, ansatz=ansatz, optimizer=GradientDescent(maxiter=15, learning_rate=0.5),
        initial_point=np.full(6, 0.1), sampler=Sampler(default_shots=2000, seed=10),
        callback=lambda *found: losses.append(found[2]),
    )  # fmt: skip
    classifier.neural_network.gradient = SamplerGradient()
    classifier.fit(X, y)
    assert losses[-1] < 0.93 * losses[0]


def test_fidelity_quantum_kernel():
    feature_map = library.zz_feature_map(2, reps=2)
    X, Y = data(5, 2, 11), data(3, 2, 12)

    def kernel(sampler):
        return FidelityQuantumKernel(feature_map=feature_map, fidelity=ComputeUncompute(sampler=sampler))

    ours = kernel(Sampler(default_shots=500, seed=13))
    theirs = kernel(StatevectorSampler(default_shots=500, seed=13))
    np.testing.assert_allclose(ours.evaluate(X), theirs.evaluate(X), atol=EXACT)
    np.testing.assert_allclose(ours.evaluate(X, Y), theirs.evaluate(X, Y), atol=EXACT)


def test_their_sampler_on_top_of_ours_keeps_its_exact_mode():
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.measure_all()
    assert QMLSampler().run([circuit]).result()[0].data.meas.get_counts() == {"0": 1, "1": 1}


def test_what_has_no_gradient_is_an_error():
    theta = Parameter("theta")
    middle = QuantumCircuit(1, 1)
    middle.ry(theta, 0)
    middle.measure(0, 0)
    middle.ry(theta, 0)
    with pytest.raises(Exception, match="has mid-circuit measurements or resets, so it has no gradient") as caught:
        EstimatorGradient().run([middle], [SparsePauliOp("Z")], [[0.1]]).result()
    assert isinstance(caught.value, UnsupportedCircuitError)
    unread = QuantumCircuit(1, 1)
    unread.ry(theta, 0)
    with pytest.raises(UnsupportedCircuitError, match="has to measure a qubit into each classical bit"):
        SamplerGradient().run([unread], [[0.1]]).result()
    with pytest.raises(ValueError, match="does not match"):
        EstimatorGradient().run([middle], [SparsePauliOp("Z")], [[0.1, 0.2]])
