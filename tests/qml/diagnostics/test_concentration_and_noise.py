"""Concentration against NumPy and `qml.assessment.kernels`; noise against analytic factors and Qiskit Aer."""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel as AerNoise
from qiskit_aer.noise import depolarizing_error
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from qml import QuantumKernelClassifier, QuantumKernelRegressor, QuantumModel, VariationalClassifier
from qml.assessment.kernels import concentration, inspect_kernel
from qml.diagnostics import kernel_concentration, noise_sensitivity
from qml.kernels import RBF, FidelityKernel
from simulator import Circuit, ParameterVector, Z

EXACT = 1e-12
AER = 1e-9


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X[::3], y[::3]


def test_states_of_a_trained_circuit(iris):
    X, y = iris
    clf = VariationalClassifier("reuploading", n_layers=2, epochs=2, random_state=0).fit(X, y)
    inputs, weights = clf._circuit_arguments(clf.scaling_(X))
    values = dict(zip((*clf.model_.inputs, *clf.model_.weights), [*inputs.T, *weights], strict=True))
    states = np.stack(
        [
            clf.circuit_.bind({p: float(v if np.ndim(v) == 0 else v[k]) for p, v in values.items()}).statevector()
            for k in range(len(X))
        ]
    )
    fidelities = np.abs(states.conj() @ states.T) ** 2
    result = kernel_concentration(clf, X, y)
    np.testing.assert_allclose(result.entries, fidelities[np.triu_indices(len(X), 1)], atol=EXACT)
    assert result.inspection.mean == pytest.approx(result.entries.mean(), abs=EXACT)
    assert result.haar == 1 / 16
    mean, variance = result.entries.mean(), result.entries.var()
    assert result.shots == pytest.approx(mean * (1 - mean) / variance)


def test_a_kernel_estimator_is_measured_by_its_own_kernel(iris):
    X, y = iris
    clf = QuantumKernelClassifier("projected", feature_map="zz").fit(X, y)
    matrix = clf.kernel_(clf.scaling_(X))
    result = kernel_concentration(clf, X, y)
    np.testing.assert_allclose(result.entries, matrix[np.triu_indices(len(X), 1)], atol=EXACT)
    expected = inspect_kernel(matrix, y)
    assert result.inspection.centered_alignment == pytest.approx(expected.centered_alignment, abs=EXACT)


def test_the_trend_is_that_of_the_inspection_of_kernels(iris):
    X, y = StandardScaler().fit_transform(iris[0]), iris[1]
    clf = QuantumKernelClassifier(FidelityKernel("angle", bandwidth=0.7), scale_features=False).fit(X, y)
    expected = concentration(FidelityKernel("angle", bandwidth=0.7), X)
    trend = kernel_concentration(clf, X).trend
    np.testing.assert_allclose(trend.deviations, expected.deviations, atol=EXACT)
    assert trend.decay == pytest.approx(expected.decay, abs=EXACT)
    trained = VariationalClassifier("angle", n_layers=1, epochs=1).fit(X, y)
    expected = concentration(FidelityKernel("angle"), trained.scaling_(X))
    assert kernel_concentration(trained, X).trend.decay == pytest.approx(expected.decay, abs=EXACT)


def test_classical_and_composite_kernels_have_no_circuit_of_their_own(iris):
    X, y = iris
    for kernel in (RBF(), RBF() + FidelityKernel("zz", bandwidth=0.3)):
        result = kernel_concentration(QuantumKernelRegressor(kernel).fit(X, y), X, y)
        assert result.haar is None
        assert result.trend is None


def test_one_row_cannot_be_compared(iris):
    clf = VariationalClassifier(n_layers=1, epochs=1).fit(*iris)
    with pytest.raises(ValueError, match="at least 2, got 1"):
        kernel_concentration(clf, iris[0][:1])


def test_depolarizing_after_one_rotation():
    """One-qubit gates have a tenth of the rate: <Z> shrinks by 1 - p/10 for each gate."""
    w = ParameterVector("w", 3)
    model = QuantumModel(Circuit(1).ry(w[0], 0).rx(w[1], 0).ry(w[2], 0), weights=w, observables=Z(0))
    result = noise_sensitivity(model, weights=[0.4, 1.0, 0.2], rates=[0.0, 0.1, 0.5])
    np.testing.assert_allclose(result.factors, [1, 0.99**3, 0.95**3], atol=EXACT)
    exact = model.forward(np.zeros((1, 0)), [0.4, 1.0, 0.2])[0, 0]
    np.testing.assert_allclose(result.errors, np.abs(exact) * (1 - result.factors), atol=EXACT)
    assert result.changed is None


def test_two_qubit_gates_against_aer():
    x = ParameterVector("x", 2)
    circuit = Circuit(2).ry(x[0], 0).cx(0, 1).ry(x[1], 1).cx(1, 0)
    model = QuantumModel(circuit, inputs=x, observables=[Z(0), Z(1)])
    X = np.random.default_rng(0).uniform(-2, 2, (3, 2))
    noise = AerNoise()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["cx"])
    noise.add_all_qubit_quantum_error(depolarizing_error(0.01, 1), ["ry"])
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    noisy = np.empty((3, 2))
    for k, row in enumerate(X):
        converted = circuit.bind(row).to_qiskit()
        converted.save_expectation_value(SparsePauliOp("IZ"), [0, 1], label="z0")
        converted.save_expectation_value(SparsePauliOp("ZI"), [0, 1], label="z1")
        data = simulator.run(converted).result().data()
        noisy[k] = data["z0"], data["z1"]
    exact = model.forward(X, [])
    result = noise_sensitivity(model, X, rates=[0.1])
    assert result.errors[0] == pytest.approx(np.sqrt(np.mean((noisy - exact) ** 2)), abs=AER)
    assert result.factors[0] == pytest.approx(np.sum(exact * noisy) / np.sum(exact**2), abs=AER)


def test_complete_noise_leaves_one_class(iris):
    """At rate 1 all outputs vanish, so that each row gets the class of the largest bias."""
    X, y = iris
    clf = VariationalClassifier("angle", n_layers=1, epochs=20, random_state=0).fit(X, y)
    result = noise_sensitivity(clf, X, rates=[0.0, 1.0])
    bias = clf.readout_.split(clf.weights_[clf.network_.parts[-1]])[1]
    constant = clf.classes_[bias.argmax()]
    assert result.factors[1] == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(result.changed, [0, np.mean(clf.predict(X) != constant)], atol=EXACT)


def test_bad_input(iris):
    clf = VariationalClassifier("angle", n_layers=1, epochs=1, random_state=0).fit(*iris)
    with pytest.raises(ValueError, match="probabilities from 0 to 1"):
        noise_sensitivity(clf, iris[0], rates=[1.5])
    with pytest.raises(ValueError, match="an estimator has weights of its own"):
        noise_sensitivity(clf, iris[0], weights=[0.1])
    with pytest.raises(TypeError, match="a kernel has none"):
        noise_sensitivity(QuantumKernelClassifier().fit(*iris), iris[0])
