"""Layers with derivatives, and observables with trained coefficients: against formulas, PennyLane and differences."""

import numpy as np
import pytest
from qiskit.primitives import StatevectorEstimator

from qml import AngleMap, QuantumModel, layered_model
from qml.layers import Dense, Derivatives, Quantum, Quanvolution, Sequential
from qml.losses import Hinge
from qml.models.evaluation import BackendEvaluation
from qml.persistence.values import ValueReader, ValueWriter
from qml.training.identity import run_identity
from qml.training.layers_objective import LayersObjective
from simulator import Circuit, NoiseModel, Parameter, ParameterVector, PauliSum, X, Y, Z, depolarizing, gates
from simulator.backends.numba_backend import NumbaBackend
from simulator.qiskit_backend import QiskitBackend
from tests.qml.layers.differences import STEP, TOLERANCE, gradient
from tests.qml.layers.test_sequential import InChunks

EXACT = 1e-11
ROUNDED = 1e-8  # Qiskit's estimator rounds, and the weights of second derivatives enlarge that
NOISE = NoiseModel(after_2q=depolarizing(0.05), readout=0.02)
RNG = np.random.default_rng(12)


def repeated_model(**settings):
    """Two inputs, each in several gates with several factors, and weights beside them."""
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    circuit = (
        Circuit(2).ry(x[0], 0).rx(2 * x[1] + w[0], 1).cx(0, 1).rz(w[1] - 0.5 * x[0], 0).crx(x[1] - x[0], 0, 1)
        .ry(w[2], 0).rzz(x[0], 0, 1)
    )  # fmt: skip
    settings = {"observables": [Z(0), X(0) @ Y(1) + 0.5 * Z(1)]} | settings
    return QuantumModel(circuit, inputs=x, weights=w, **settings)


MODEL = repeated_model()
ROWS, WEIGHTS = RNG.normal(size=(4, 2)), RNG.normal(size=3)


def blocks(layer, rows, weights):
    """Outputs with an axis of blocks: f, first derivatives, second derivatives."""
    m = layer.quantum.num_outputs
    return np.moveaxis(layer.forward(rows, weights).reshape(len(rows), -1, m), 1, 0)


@pytest.mark.parametrize(
    "model", [MODEL, repeated_model(observables=(), outputs="probabilities", qubits=[1])], ids=["Z", "probabilities"]
)
def test_derivatives_equal_central_differences(model):
    values = blocks(Derivatives(Quantum(model)), ROWS, WEIGHTS)
    np.testing.assert_allclose(values[0], model.forward(ROWS, WEIGHTS), rtol=0, atol=EXACT)
    for k, move in enumerate(0.01 * np.eye(2)):
        # seven points: the errors fall with the sixth power of the step
        f = {j: model.forward(ROWS + j * move, WEIGHTS) for j in range(-3, 4)}
        first = sum(c * (f[j] - f[-j]) for j, c in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))) / 0.01
        second = sum(c * (f[j] + f[-j]) for j, c in ((1, 3 / 2), (2, -3 / 20), (3, 1 / 90))) - 49 / 18 * f[0]
        np.testing.assert_allclose(values[1 + k], first, rtol=0, atol=1e-9)
        np.testing.assert_allclose(values[3 + k], second / 0.01**2, rtol=0, atol=1e-8)


def test_formulas():
    """Cosines of sums: RY(x) RY(2 x + w) on one qubit, and a product over two qubits."""
    x, y, w = Parameter("x"), Parameter("y"), Parameter("w")
    circuit = Circuit(2).ry(x, 0).ry(2 * x + w, 0).ry(-0.5 * y, 1)
    model = QuantumModel(circuit, inputs=[x, y], weights=w, observables=[Z(0) @ Z(1), Z(1)])
    rows, weight = RNG.normal(size=(5, 2)), 0.4
    a, b = 3 * rows[:, 0] + weight, 0.5 * rows[:, 1]
    expected = [
        [np.cos(a) * np.cos(b), np.cos(b)],
        [-3 * np.sin(a) * np.cos(b), 0 * a],
        [-0.5 * np.cos(a) * np.sin(b), -0.5 * np.sin(b)],
        [-9 * np.cos(a) * np.cos(b), 0 * a],
        [-0.25 * np.cos(a) * np.cos(b), -0.25 * np.cos(b)],
    ]
    values = blocks(Derivatives(Quantum(model)), rows, np.array([weight]))
    np.testing.assert_allclose(values, np.transpose(expected, (0, 2, 1)), rtol=0, atol=EXACT)
    first = blocks(Derivatives(Quantum(model), order=1), rows, np.array([weight]))
    np.testing.assert_allclose(first, values[:3], rtol=0, atol=EXACT)


def test_pennylane():
    pennylane = pytest.importorskip("pennylane")

    @pennylane.qnode(pennylane.device("default.qubit", wires=2), diff_method="parameter-shift", max_diff=2)
    def circuit(x):
        pennylane.RY(x[0], 0)
        pennylane.RX(2 * x[1], 1)
        pennylane.CNOT([0, 1])
        pennylane.RX(x[0] + x[1], 0)
        pennylane.IsingZZ(x[1], [0, 1])
        pennylane.RY(0.3, 0)
        return pennylane.expval(pennylane.PauliX(0) @ pennylane.PauliZ(1))

    x = ParameterVector("x", 2)
    ours = Circuit(2).ry(x[0], 0).rx(2 * x[1], 1).cx(0, 1).rx(x[0] + x[1], 0).rzz(x[1], 0, 1).ry(0.3, 0)
    layer = Derivatives(Quantum(QuantumModel(ours, inputs=x, observables=X(0) @ Z(1))))
    point = pennylane.numpy.array([0.4, -0.8], requires_grad=True)
    hessian = pennylane.jacobian(pennylane.grad(circuit))(point)
    expected = [circuit(point), *pennylane.grad(circuit)(point), *np.diag(hessian)]
    np.testing.assert_allclose(layer.forward(np.array([[0.4, -0.8]]), np.empty(0))[0], expected, rtol=0, atol=EXACT)


ON = {
    "noise": {"noise": NOISE},
    "backend": {"backend": NumbaBackend(noise=NOISE)},
    "qiskit": {"backend": QiskitBackend(StatevectorEstimator())},
}


@pytest.mark.parametrize("name", ON)
def test_with_noise_and_on_backends(name):
    layer = Derivatives(Quantum(MODEL)).on(**ON[name])
    rows = ROWS[:2]
    values, tolerance = blocks(layer, rows, WEIGHTS), ROUNDED if name == "qiskit" else TOLERANCE
    for k in range(2):
        slope = gradient(lambda t, k=k: layer.quantum.forward(rows + t * np.eye(2)[k], WEIGHTS).sum(), np.zeros(1))
        np.testing.assert_allclose(values[1 + k].sum(), slope[0], rtol=0, atol=tolerance)
    seeds = RNG.normal(size=(2, layer.num_outputs))
    d_weights, d_X = layer.sweep(rows, WEIGHTS, lambda Y, part: seeds[part], inputs=True)
    by_weights = gradient(lambda w: np.sum(seeds * layer.forward(rows, w)), WEIGHTS)
    by_inputs = gradient(lambda x: np.sum(seeds * layer.forward(x, WEIGHTS)), rows)
    np.testing.assert_allclose(d_weights, by_weights, rtol=0, atol=10 * tolerance)
    np.testing.assert_allclose(d_X, by_inputs, rtol=0, atol=10 * tolerance)


def test_one_request_per_evaluation():
    requests = []

    class Counting:
        def __getattr__(self, name):
            return getattr(NumbaBackend(), name)

        def estimate(self, circuit, observables, values=None, *, resume=None):
            requests.append(len(values))
            return NumbaBackend().estimate(circuit, observables, values)

        def expectation_and_gradient(self, circuit, observables, values=None, parameters=None, *, resume=None):
            requests.append(len(values))
            return NumbaBackend().expectation_and_gradient(circuit, observables, values, parameters)

    x = Parameter("x")
    model = QuantumModel(Circuit(1).ry(x, 0).rx(0.2, 0).ry(x, 0), inputs=x, observables=Z(0))
    layer = Derivatives(Quantum(model, BackendEvaluation(model, Counting())))
    layer.forward(np.zeros((3, 1)), np.empty(0))
    layer.sweep(np.zeros((3, 1)), np.empty(0), lambda Y, rows: Y, inputs=True)
    assert requests == [15, 15]  # two frequencies: the point and four shifts
    assert layer.plan(QiskitBackend(StatevectorEstimator()), np.zeros((3, 1)), np.empty(0)).parameter_sets == 15


@pytest.mark.parametrize("size", [1, 7, 10, 1000])
def test_chunks_that_cut_through_a_samples_points(size):
    whole = Derivatives(Quantum(MODEL))
    cut = Derivatives(Quantum(MODEL, InChunks(whole.quantum.evaluation, size)))
    seeds = RNG.normal(size=(4, whole.num_outputs))
    expected = whole.sweep(ROWS, WEIGHTS, lambda Y, rows: Y * seeds[rows], inputs=True)
    seen = []

    def rest(Y, rows):
        seen.append(rows)
        return Y * seeds[rows]

    for one, other in zip(cut.sweep(ROWS, WEIGHTS, rest, inputs=True), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=EXACT)
    assert seen == [slice(0, 4)]


def test_a_gradient_penalty_by_differences():
    """Loss with products of values and derivatives, behind trained inputs: all derivatives, of all layers."""
    network = Sequential(Dense(3, 2), Derivatives(Quantum(MODEL)))
    rng = np.random.default_rng(6)
    weights, rows = rng.normal(size=network.num_weights), rng.normal(size=(3, 3))

    def loss(Y):
        f, fx, fy, fxx, fyy = np.moveaxis(Y.reshape(len(Y), 5, 2), 1, 0)
        return np.sum((fxx + fyy + f * fx) ** 2 + fy**2)

    def rest(Y, part):
        f, fx, fy, fxx, fyy = np.moveaxis(Y.reshape(len(Y), 5, 2), 1, 0)
        r = 2 * (fxx + fyy + f * fx)
        return np.stack([r * fx, r * f, 2 * fy, r, r], axis=1).reshape(len(Y), 10)

    d_weights, d_X = network.sweep(rows, weights, rest, inputs=True)
    by_weights = gradient(lambda w: loss(network.forward(rows, w)), weights)
    by_inputs = gradient(lambda x: loss(network.forward(x, weights)), rows)
    scale = np.abs(by_weights).max()
    np.testing.assert_allclose(d_weights, by_weights, rtol=0, atol=STEP**2 * scale)
    np.testing.assert_allclose(d_X, by_inputs, rtol=0, atol=STEP**2 * scale)


def test_no_frequencies_and_many_qubits():
    x, unused = Parameter("x"), Parameter("unused")
    model = QuantumModel(Circuit(1).ry(x, 0), inputs=[x, unused], observables=Z(0))
    values = Derivatives(Quantum(model)).forward(np.array([[0.2, 5.0]]), np.empty(0))
    expected = [[np.cos(0.2), -np.sin(0.2), 0, -np.cos(0.2), 0]]
    np.testing.assert_allclose(values, expected, rtol=0, atol=EXACT)
    reuploading = layered_model(AngleMap("x", reupload=True), "basic", num_features=6, num_layers=4)
    layer = Derivatives(Quantum(reuploading), order=1)
    assert layer.num_outputs == 6 * 7


def test_files_and_runs_know_the_layer():
    network = Sequential(Derivatives(Quantum(MODEL), order=1), Dense(None, 1, bias=False))
    writer = ValueWriter()
    stored = writer.value("network", network)
    loaded = ValueReader(writer.arrays, writer.circuits.parameter_names).value(stored)
    weights = RNG.normal(size=network.num_weights)
    np.testing.assert_array_equal(loaded.forward(ROWS, weights), network.forward(ROWS, weights))
    assert repr(loaded) == repr(network)

    def identity(network):
        objective = LayersObjective(network, ROWS, np.zeros(4), np.ones(4), Hinge())
        return run_identity(objective, np.zeros(network.num_weights), {})

    first, same, noisy = map(identity, (network, loaded, network.on(noise=NOISE)))
    assert first == same
    assert [key for key in first if first[key] != noisy[key]] == ["noise", "seed of the noise"]
    assert first["layers"][:2] == ["Derivatives(order=1)", "Quantum"]
    assert "0  Derivatives  quantum" in network.summary()


def test_runs_know_the_circuit_of_a_quanvolution():
    def identity(factor):
        x = ParameterVector("x", 4)
        circuit = Circuit(4, [gates.RY(factor * p, q) for q, p in enumerate(x)])
        network = Sequential(Quanvolution(QuantumModel(circuit, inputs=x, observables=Z(0)), (2, 2)), Dense(1, 1))
        objective = LayersObjective(network, np.ones((4, 4)), np.zeros(4), np.ones(4), Hinge())
        return run_identity(objective, np.zeros(network.num_weights), {})

    first, other = identity(1.0), identity(2.0)
    assert [key for key in first if first[key] != other[key]] == ["circuit"]
    assert first["layers"][0] == "Quanvolution(image_shape=(2, 2), kernel_size=2, stride=None)"


class TestTrainedObservables:
    """A dense layer without bias behind Pauli strings is an observable with trained coefficients."""

    strings = ("XX", "YZ", "ZI", "IZ", "YY")

    @pytest.mark.parametrize("on", [{}, {"noise": NOISE}], ids=["exact", "noise"])
    def test_equals_the_sum_of_its_strings(self, on):
        network = Sequential(Quantum(repeated_model(observables=self.strings)), Dense(None, 1, bias=False)).on(**on)
        coefficients = RNG.normal(size=5)
        weights = np.concatenate([WEIGHTS, coefficients])
        assert network.num_weights == len(weights)
        terms = map(PauliSum.from_label, self.strings, coefficients)
        fixed = Quantum(repeated_model(observables=sum(terms, 0.0 * Z(0)))).on(**on)
        np.testing.assert_allclose(network.forward(ROWS, weights), fixed.forward(ROWS, WEIGHTS), rtol=0, atol=EXACT)
        seeds = RNG.normal(size=(4, 1))
        d_weights, d_X = network.sweep(ROWS, weights, lambda Y, rows: seeds[rows], inputs=True)
        by_angles, by_rows = fixed.sweep(ROWS, WEIGHTS, lambda Y, rows: seeds[rows], inputs=True)
        np.testing.assert_allclose(d_weights[:3], by_angles, rtol=0, atol=EXACT)
        np.testing.assert_allclose(d_X, by_rows, rtol=0, atol=EXACT)
        each = [Quantum(repeated_model(observables=label)).on(**on).forward(ROWS, WEIGHTS) for label in self.strings]
        np.testing.assert_allclose(d_weights[3:], [np.sum(seeds * values) for values in each], rtol=0, atol=EXACT)

    def test_initial_coefficients(self):
        drawn = Dense(50, 40, bias=False).initial_weights(np.random.default_rng(1))
        np.testing.assert_array_equal(drawn, Dense(50, 40).initial_weights(np.random.default_rng(1))[:-40])
