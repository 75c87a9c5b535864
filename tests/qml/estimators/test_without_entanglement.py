"""Estimators and kernels beside their copies without entanglement."""

from collections.abc import Mapping

import numpy as np
import pytest
from qiskit.quantum_info import Statevector, partial_trace
from sklearn.base import clone
from sklearn.datasets import load_iris

import qml
from qml import FidelityKernel, ProjectedKernel, TrainedKernel, VariationalClassifier, layered_model, load
from qml.layers import Dense, Quantum, Sequential
from simulator import Circuit, CircuitError, Parameter, Z

X, y = load_iris(return_X_y=True)
X, y = X[::3], y[::3]
ROUNDING = 1e-12

TRAINED = [
    qml.VariationalClassifier("zz", epochs=5),
    qml.VariationalRegressor("qaoa", epochs=2),
    qml.ReuploadingClassifier(epochs=5),
    qml.ReuploadingClassifier(loss="fidelity", epochs=2),
    qml.DressedClassifier(epochs=5),
    qml.ConvolutionalClassifier(epochs=5),
    qml.TreeTensorClassifier(epochs=5),
]
KERNELS = [
    FidelityKernel("zz", reps=1),
    FidelityKernel("zz", entanglement="linear"),
    ProjectedKernel("hamiltonian", random_state=0),
    TrainedKernel(FidelityKernel("zz"), epochs=2, random_state=0),
    TrainedKernel(epochs=2, random_state=0),
]


def named(estimator):
    return type(estimator).__name__


def gates_on_several_qubits(circuit):
    return [operation for operation in circuit.operations if len(operation.qubits) > 1]


def purities(circuit, values):
    """Purity of each qubit's reduced state, by Qiskit."""
    state = Statevector(np.asarray(circuit.statevector(values)))
    others = (set(range(circuit.num_qubits)) - {qubit} for qubit in range(circuit.num_qubits))
    return [partial_trace(state, sorted(traced)).purity().real for traced in others]


@pytest.mark.parametrize("estimator", TRAINED, ids=named)
def test_trained_circuits_leave_qubits_in_pure_states(estimator):
    original = clone(estimator).set_params(random_state=0)
    twin = original.without_entanglement().fit(X, y)
    original.fit(X, y)
    assert gates_on_several_qubits(original.circuit_)
    assert not gates_on_several_qubits(twin.circuit_)
    assert twin.weights_.shape == original.weights_.shape
    values = np.random.default_rng(0).uniform(-3, 3, twin.circuit_.num_parameters)
    np.testing.assert_allclose(purities(twin.circuit_, values), 1.0, atol=ROUNDING)
    assert min(purities(original.circuit_, np.resize(values, original.circuit_.num_parameters))) < 0.99


@pytest.mark.parametrize("estimator", TRAINED[:1] + TRAINED[2:5:2], ids=named)
def test_it_is_a_setting(estimator, tmp_path):
    twin = clone(estimator).set_params(random_state=0).without_entanglement()
    assert not hasattr(twin, "weights_")
    assert twin.get_params()["entangled"] is False
    again = clone(twin).fit(X, y)
    again.save(tmp_path / "twin.qumba")
    loaded = load(tmp_path / "twin.qumba")
    assert loaded.get_params() == again.get_params()
    np.testing.assert_array_equal(loaded.decision_function(X), again.decision_function(X))
    np.testing.assert_array_equal(loaded.set_params(epochs=5).fit(X, y).weights_, again.weights_)


def test_the_twin_learns():
    assert VariationalClassifier(epochs=40, random_state=0).without_entanglement().fit(X, y).score(X, y) > 0.9


def test_a_product_circuit_is_its_own_twin():
    circuit = Circuit(2)
    inputs = [Parameter(f"x{k}") for k in range(4)]
    weights = [Parameter(f"w{k}") for k in range(2)]
    for qubit in range(2):
        circuit = circuit.ry(inputs[qubit], qubit).rx(inputs[qubit + 2], qubit).ry(weights[qubit], qubit)
    model = qml.QuantumModel(circuit, inputs, weights, [Z(0), Z(1)])
    original = VariationalClassifier(model=model, epochs=3, random_state=0)
    twin = original.without_entanglement().fit(X, y)
    np.testing.assert_array_equal(twin.decision_function(X), original.fit(X, y).decision_function(X))


def test_other_evaluations_are_kept():
    """A layer of the user's on a noisy engine stays there."""
    model = layered_model("angle", "basic", num_features=4, num_layers=2)
    noise = qml.layers.Quantum(model).on(noise=simulator_noise())
    net = Sequential(noise, Dense()).without_entanglement()
    twin = net[0]
    assert twin.evaluation.model is twin.model
    assert not gates_on_several_qubits(twin.model.circuit)
    exact = Quantum(twin.model).forward(X[:3], np.full(8, 0.3))
    np.testing.assert_allclose(twin.forward(X[:3], np.full(8, 0.3)), exact @ np.eye(4) * 0.85**3, atol=ROUNDING)


def simulator_noise():
    from simulator import NoiseModel, depolarizing

    return NoiseModel(after_1q=depolarizing(0.15))


def test_amplitudes_on_several_qubits_are_refused():
    twin = VariationalClassifier("amplitude", epochs=1).without_entanglement()
    with pytest.raises(CircuitError, match=r"prepares amplitudes on .* qubits at once"):
        twin.fit(X, y)


def test_the_setting_is_true_or_false():
    for estimator in (VariationalClassifier(entangled="no"), qml.QuantumKernelClassifier(entangled=0)):
        with pytest.raises(ValueError, match="entangled expects True or False"):
            estimator.fit(X, y)


@pytest.mark.parametrize("kernel", KERNELS, ids=named)
def test_kernels(kernel):
    twin = kernel.without_entanglement()
    assert not hasattr(twin, "bandwidth_")
    assert not hasattr(twin, "kernel_")
    twin.fit(X, y)
    inner = getattr(twin, "kernel_", twin)
    assert not gates_on_several_qubits(inner.encoding(4).circuit)
    assert not np.allclose(twin(X), clone(kernel).fit(X, y)(X), atol=0.01)
    assert clone(twin).fit(X, y)(X) == pytest.approx(twin(X), abs=ROUNDING)


def test_the_twin_of_the_zz_kernel_is_a_product_over_features():
    """``|0>``, H, P(2 x) for each repetition, written out as matrices of one qubit."""
    hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)

    def states(column):
        phases = np.stack([np.ones(len(column)), np.exp(2j * column)], axis=1)
        plus = phases * (hadamard @ [1, 0])
        return phases * (plus @ hadamard)

    expected = np.ones((len(X), len(X)))
    for column in X.T:
        expected *= np.abs(states(column) @ states(column).conj().T) ** 2
    np.testing.assert_allclose(FidelityKernel("zz", reps=2).without_entanglement()(X), expected, atol=ROUNDING)


def test_composed_kernels():
    fidelity, projected = FidelityKernel("zz"), ProjectedKernel("zz", gamma=0.5)
    twin = (0.5 * fidelity + projected * fidelity**2).without_entanglement()
    a, b = (kernel.without_entanglement()(X) for kernel in (fidelity, projected))
    np.testing.assert_allclose(twin.fit(X, y)(X), 0.5 * a + b * a**2, atol=ROUNDING)
    learnt = qml.QuantumKernelClassifier(0.5 * fidelity + projected).without_entanglement().fit(X, y).kernel_
    expected = (0.5 * fidelity + projected).without_entanglement().fit(X, y)
    np.testing.assert_allclose(learnt(X), expected(X), atol=ROUNDING)


def test_layers_pass_it_on():
    model = layered_model("angle", "basic", num_features=4, num_layers=1)
    images = qml.layers.Quanvolution(model, (2, 2)).without_entanglement()
    derivatives = qml.layers.Derivatives(Quantum(model)).without_entanglement()
    for twin in (images.filter.model, derivatives.quantum.model):
        assert not gates_on_several_qubits(twin.circuit)
        assert twin.num_weights == model.num_weights


def settings_of(estimator) -> Mapping[str, object]:
    return {name: value for name, value in estimator.get_params(deep=False).items() if name != "entangled"}


@pytest.mark.parametrize("kernel", ["fidelity", "projected", "trained", FidelityKernel("zz"), TrainedKernel(), "rbf"])
def test_kernel_estimators(kernel):
    original = qml.QuantumKernelClassifier(kernel, random_state=0)
    twin = original.without_entanglement()
    assert settings_of(twin).keys() == settings_of(original).keys()
    twin.fit(X, y)
    assert twin.score(X, y) > 0.85
    inner = getattr(twin.kernel_, "kernel_", twin.kernel_)
    if kernel == "rbf":
        np.testing.assert_array_equal(twin.decision_function(X), original.fit(X, y).decision_function(X))
    else:
        assert not gates_on_several_qubits(inner.encoding(4).circuit)


def test_every_trained_and_kernel_estimator_has_it():
    for name in qml.__all__:
        kind = getattr(qml, name)
        if isinstance(kind, type) and hasattr(kind, "fit") and hasattr(kind, "predict") and hasattr(kind(), "noise"):
            assert kind().without_entanglement().entangled is False
    for name in ("KMeans", "PCA", "Ridge"):
        assert getattr(qml, f"QuantumKernel{name}")().without_entanglement().entangled is False
