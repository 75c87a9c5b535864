"""Fisher information against differences of log-likelihoods, effective dimension against Qiskit Machine Learning."""

import numpy as np
import pytest
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EffectiveDimension, EstimatorQNN
from sklearn.datasets import load_iris

from qml import DressedClassifier, QuantumModel, ReuploadingRegressor, VariationalClassifier
from qml.diagnostics import effective_dimension, fisher_information, fisher_spectrum
from simulator import Circuit, Parameter, ParameterVector, Z

EXACT = 1e-10
DIFFERENCES = 1e-7
STEP = 1e-5


def circuit_slice(estimator):
    """Where the weights of the circuit are among those of the network."""
    number = [type(layer).__name__ for layer in estimator.network_].index("Quantum")
    return estimator.network_.parts[number]


def differences(estimator, function):
    """Central differences of a function of the estimator with respect to the circuit's weights."""
    part, trained = circuit_slice(estimator), estimator.weights_
    out = []
    for k in range(part.start, part.stop):
        step = STEP * np.eye(len(trained))[k]
        estimator.weights_ = trained + step
        ahead = function()
        estimator.weights_ = trained - step
        out.append((ahead - function()) / (2 * STEP))
    estimator.weights_ = trained
    return np.moveaxis(np.array(out), 0, -1)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("cls", [VariationalClassifier, DressedClassifier])
def test_classifiers_against_differences_of_their_log_probabilities(cls, n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < n_classes][::5], y[y < n_classes][::5]
    clf = cls(n_layers=1, n_qubits=3, epochs=3, random_state=0).fit(X, y)
    scores = differences(clf, lambda: clf.predict_log_proba(X))  # (n, n_classes, n_weights)
    expected = np.einsum("ny,nyi,nyj->ij", clf.predict_proba(X), scores, scores) / len(X)
    np.testing.assert_allclose(fisher_information(clf, X), expected, atol=DIFFERENCES * np.abs(expected).max())


def test_regressors_have_a_normal_distribution_around_the_output():
    X = np.random.default_rng(0).normal(size=(9, 2))
    reg = ReuploadingRegressor(n_layers=2, n_qubits=2, epochs=3, random_state=0).fit(X, X[:, 0] - X[:, 1])
    slopes = differences(reg, lambda: reg.predict(X)) / reg.target_scale_
    np.testing.assert_allclose(fisher_information(reg, X), slopes.T @ slopes / 9, atol=DIFFERENCES)


def test_probabilities_of_outcomes():
    """One RY has p = cos^2 w/2, whose Fisher information is 1 everywhere, also where an outcome is impossible."""
    w = ParameterVector("w", 2)
    model = QuantumModel(Circuit(2).ry(w[0], 0).ry(2 * w[1], 1), weights=w, outputs="probabilities")
    weights = np.random.default_rng(0).uniform(0.1, 3.0, (5, 2))
    np.testing.assert_allclose(
        fisher_information(model, weights=weights), np.tile(np.diag([1, 4]), (5, 1, 1)), atol=EXACT
    )


@pytest.fixture(scope="module")
def pair():
    """The same model here and in Qiskit Machine Learning: two outcomes, (1 + <Z>)/2 and (1 - <Z>)/2."""
    x, w = ParameterVector("x", 2), ParameterVector("w", 5)
    circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).cx(0, 1).ry(w[0], 0).rz(w[1], 0).ry(w[2], 1).cx(1, 0)
    circuit = circuit.rx(w[3], 0).ry(w[4], 0)
    model = QuantumModel(circuit, inputs=x, weights=w, outputs="probabilities", qubits=[0])
    converted = circuit.to_qiskit()
    by_name = {parameter.name: parameter for parameter in converted.parameters}
    estimator = StatevectorEstimator()
    network = EstimatorQNN(
        circuit=converted,
        observables=SparsePauliOp("IZ"),
        input_params=[by_name[p.name] for p in x],
        weight_params=[by_name[p.name] for p in w],
        estimator=estimator,
        gradient=ParamShiftEstimatorGradient(estimator),
        default_precision=0.0,
    )
    return model, network


def test_effective_dimension_against_qiskit(pair):
    model, network = pair
    rng = np.random.default_rng(0)
    X, weights = rng.uniform(-1, 1, (6, 2)), rng.uniform(0, 2 * np.pi, (8, 5))
    theirs = EffectiveDimension(network, weight_samples=weights, input_samples=X)
    fishers = fisher_information(model, X, weights)
    by_row = theirs.get_fisher_information(*theirs.run_monte_carlo())
    np.testing.assert_allclose(fishers, by_row.reshape(8, 6, 5, 5).mean(axis=1), atol=1e-8)
    for n_samples in (100, 5000):
        assert effective_dimension(fishers, n_samples) == pytest.approx(
            float(theirs.get_effective_dimension(n_samples)), abs=1e-8
        )


def test_effective_dimension_of_a_flat_spectrum():
    """``d log(1 + k) / log k`` for the identity; directions without information do not count."""
    n = 1000
    k = n / (2 * np.pi * np.log(n))
    assert effective_dimension(np.eye(4), n) == pytest.approx(4 * np.log(1 + k) / np.log(k))
    one = np.diag([1.0, 0, 0, 0])
    assert effective_dimension(one, n) == pytest.approx(np.log(1 + 4 * k) / np.log(k))
    half = n / (4 * np.pi * np.log(n))
    assert effective_dimension(np.eye(4), n, gamma=0.5) == pytest.approx(4 * np.log(1 + half) / np.log(half))


def test_spectrum_is_sorted_with_mean_one():
    matrices = np.random.default_rng(0).normal(size=(6, 4, 9))
    fishers = matrices @ matrices.transpose(0, 2, 1)
    spectrum = fisher_spectrum(fishers)
    assert spectrum.shape == (6, 4)
    assert spectrum.mean() == pytest.approx(1, abs=EXACT)
    singular = np.linalg.svd(matrices, compute_uv=False) ** 2
    np.testing.assert_allclose(spectrum, singular / singular.mean(), atol=EXACT)


def test_bad_input(pair):
    model, _ = pair
    with pytest.raises(ValueError, match="a model has no trained ones"):
        fisher_information(model, np.zeros((1, 2)))
    with pytest.raises(ValueError, match="weights must have shape"):
        fisher_information(model, np.zeros((1, 2)), np.zeros(4))
    with pytest.raises(ValueError, match="weights contains NaN"):
        fisher_information(model, np.zeros((1, 2)), np.full(5, np.nan))
    with pytest.raises(ValueError, match="X must have shape"):
        fisher_information(model, np.zeros((0, 2)), np.zeros(5))
    with pytest.raises(ValueError, match="needs 19 samples"):
        effective_dimension(np.eye(2), 18)
    with pytest.raises(ValueError, match="gamma expects"):
        effective_dimension(np.eye(2), 100, gamma=0)
    with pytest.raises(ValueError, match="do not depend on the weights"):
        fisher_spectrum(np.zeros((2, 2)))
    w = Parameter("w")
    dead = QuantumModel(Circuit(1).rz(w, 0), weights=w, observables=Z(0))
    np.testing.assert_allclose(fisher_information(dead, weights=[0.3]), 0, atol=EXACT)
