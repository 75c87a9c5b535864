"""Models with probabilities as outputs: against Qiskit, PennyLane, Aer and central differences, in every evaluation."""

import pickle

import numpy as np
import pytest
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import Statevector

from qml import QuantumModel, VariationalClassifier, compare_backends, layered_model, load
from qml.layers import Dense, Quantum, Sequential, Tanh
from qml.models.evaluation import BackendEvaluation, EngineEvaluation, NoisyEvaluation
from qml.models.probabilities import from_strings, standard_errors, z_strings
from qml.training.checkpoints import CheckpointMismatchError
from simulator import Circuit, NoiseModel, Parameter, ParameterVector, Z, depolarizing
from simulator.backends.numba_backend import NumbaBackend
from simulator.engines.choice import using
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.errors import CircuitError, ObservableError, StateTooLargeError, UnknownNameError
from simulator.qiskit_backend import QiskitBackend
from tests.qml.layers.differences import TOLERANCE, gradient

EXACT = 1e-12
SINGLE = 1e-5
ROUNDED = 1e-9  # Qiskit's estimator rounds
NOISE = NoiseModel(after_2q=depolarizing(0.05), readout=(0.02, 0.05))
RNG = np.random.default_rng(41)
QUBITS = [None, (0,), (2, 0), (1, 2), (2, 1, 0)]


def circuit_with_parameters():
    x, w = ParameterVector("x", 2), ParameterVector("w", 4)
    circuit = (
        Circuit(3).ry(x[0], 0).rx(2 * x[1] + w[0], 1).cx(0, 1).rz(w[1] - 0.5 * x[0], 1).ry(w[2], 1).cx(1, 2)
        .rx(w[3], 2).cz(0, 2).rz(w[0], 0)
    )  # fmt: skip
    return circuit, x, w


def model_of(qubits=None, **settings):
    circuit, x, w = circuit_with_parameters()
    return QuantumModel(circuit, inputs=x, weights=w, outputs="probabilities", qubits=qubits, **settings)


X, WEIGHTS = RNG.normal(size=(5, 2)), RNG.normal(size=4)


def qiskit_state(model, row):
    values = dict(zip((*model.inputs, *model.weights), (*row, *WEIGHTS), strict=True))
    return Statevector(model.circuit.bind(values).to_qiskit())


@pytest.mark.parametrize("qubits", QUBITS)
@pytest.mark.parametrize(("precision", "tolerance"), [("double", EXACT), ("single", SINGLE)])
def test_forward_equals_qiskit(qubits, precision, tolerance):
    model = model_of(qubits, precision=precision)
    expected = [qiskit_state(model, row).probabilities(qubits) for row in X]
    values = model.forward(X, WEIGHTS)
    assert values.dtype == np.float64
    assert values.shape == (5, model.num_outputs)
    np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance)


def test_names_of_outcomes_are_those_of_qiskit():
    model = model_of((2, 0))
    assert model.output_names == ("P(00)", "P(01)", "P(10)", "P(11)")
    expected = qiskit_state(model, X[0]).probabilities_dict([2, 0])
    values = dict(zip(model.output_names, model.forward(X[:1], WEIGHTS)[0], strict=True))
    assert {f"P({key})": pytest.approx(value, abs=EXACT) for key, value in expected.items()} == values


@pytest.mark.parametrize("qubits", QUBITS)
def test_backward_is_the_derivative_of_forward(qubits):
    model = model_of(qubits)
    seeds = RNG.normal(size=(5, model.num_outputs))
    d_weights, d_X = model.backward(X, WEIGHTS, seeds)
    by_weights = gradient(lambda w: np.sum(seeds * model.forward(X, w)), WEIGHTS)
    by_inputs = gradient(lambda rows: np.sum(seeds * model.forward(rows, WEIGHTS)), X)
    np.testing.assert_allclose(d_weights, by_weights, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(d_X, by_inputs, rtol=0, atol=TOLERANCE)
    single, _ = model_of(qubits, precision="single").backward(X, WEIGHTS, seeds)
    np.testing.assert_allclose(single, d_weights, rtol=0, atol=1e-4)


def test_gradient_equals_pennylane():
    pennylane = pytest.importorskip("pennylane")
    device = pennylane.device("default.qubit", wires=2)

    @pennylane.qnode(device)
    def circuit(x, w):
        pennylane.RY(x[0], 0)
        pennylane.RX(x[1], 1)
        pennylane.CNOT([0, 1])
        pennylane.RY(w[0], 1)
        pennylane.RX(w[1], 0)
        return pennylane.probs(wires=[1, 0])  # big-endian: the index's higher bit is wire 1, as in ours

    x, w = ParameterVector("x", 2), ParameterVector("w", 2)
    ours = Circuit(2).ry(x[0], 0).rx(x[1], 1).cx(0, 1).ry(w[0], 1).rx(w[1], 0)
    model = QuantumModel(ours, inputs=x, weights=w, outputs="probabilities")
    point, weights = np.array([0.4, -0.9]), np.array([0.7, 0.2])
    arrays = [pennylane.numpy.array(values, requires_grad=True) for values in (point, weights)]
    by_x, by_w = pennylane.jacobian(circuit)(*arrays)
    np.testing.assert_allclose(model.forward([point], weights)[0], circuit(*arrays), rtol=0, atol=EXACT)
    for outcome, seed in enumerate(np.eye(4)):
        d_weights, d_X = model.backward([point], weights, [seed])
        np.testing.assert_allclose(d_weights, by_w[outcome], rtol=0, atol=EXACT)
        np.testing.assert_allclose(d_X[0], by_x[outcome], rtol=0, atol=EXACT)


def test_mean_squared_error_and_its_gradient():
    x, w = Parameter("x"), Parameter("w")
    model = QuantumModel(Circuit(1).ry(x, 0).ry(w, 0), inputs=x, weights=w, outputs="probabilities")
    inputs, targets = RNG.normal(size=(6, 1)), RNG.uniform(size=(6, 2))
    value, d_weights = model.loss_and_gradient(inputs, targets, [0.4])
    angles = inputs + 0.4
    differences = np.hstack([np.cos(angles / 2) ** 2, np.sin(angles / 2) ** 2]) - targets
    slopes = np.hstack([-np.sin(angles) / 2, np.sin(angles) / 2])
    factor = value / np.mean(np.sum(differences**2, axis=1))  # the loss is a sum or a mean over outputs
    assert factor in (pytest.approx(1.0), pytest.approx(0.5))
    expected = factor * np.mean(np.sum(2 * differences * slopes, axis=1))
    np.testing.assert_allclose(d_weights, [expected], rtol=0, atol=EXACT)


def test_chunks_of_samples_and_their_slices():
    model, seeds = model_of((2, 0)), RNG.normal(size=(150, 4))
    rows, seen = RNG.normal(size=(150, 2)), []
    whole, expected = model.forward(rows, WEIGHTS), model.backward(rows, WEIGHTS, seeds)

    def cotangent(values, part):
        seen.append((part.start, part.stop))
        np.testing.assert_array_equal(values, whole[part])
        return seeds[part]

    with using(NumbaEngine(Options(keep_bytes=1, fewest_tiles=1))):
        np.testing.assert_array_equal(model.forward(rows, WEIGHTS), whole)
        d_weights, d_X = model.differentiate(rows, WEIGHTS, cotangent, by_inputs=True)
    starts, stops = zip(*seen, strict=True)
    assert len(seen) > 1
    assert (0, *stops) == (*starts, 150)
    np.testing.assert_allclose(d_weights, expected[0], rtol=0, atol=EXACT)
    np.testing.assert_allclose(d_X, expected[1], rtol=0, atol=EXACT)


@pytest.mark.parametrize("samples", [1, 3])
def test_states_whose_lanes_are_qubits(samples):
    """Few samples of many qubits, as tiles and as one large state."""
    circuit = Circuit(9)
    w = ParameterVector("w", 9)
    for q in range(9):
        circuit = circuit.ry(w[q], q)
    for q in range(8):
        circuit = circuit.cx(q, q + 1).x(q)
    model = QuantumModel(circuit, weights=w, outputs="probabilities", qubits=[7, 0, 3])
    weights, seeds, empty = RNG.normal(size=9), RNG.normal(size=(samples, 8)), np.empty((samples, 0))
    expected = Statevector(circuit.bind(dict(zip(w, weights, strict=True))).to_qiskit()).probabilities([7, 0, 3])
    by_weights = gradient(lambda values: np.sum(seeds * model.forward(empty, values)), weights)
    for options in (
        Options(),
        Options(batch_qubits=4, big_qubits=30, big_alone=30),
        Options(batch_qubits=4, big_qubits=9),
    ):
        with using(NumbaEngine(options)):
            np.testing.assert_allclose(model.forward(empty, weights), [expected] * samples, rtol=0, atol=EXACT)
            d_weights, _ = model.backward(empty, weights, seeds)
        np.testing.assert_allclose(d_weights, by_weights, rtol=0, atol=TOLERANCE)


class TestEvaluations:
    """Noise and backends get the probabilities from strings of Z."""

    @pytest.mark.parametrize("qubits", QUBITS)
    @pytest.mark.parametrize(
        "backend", [NumbaBackend(), QiskitBackend(StatevectorEstimator())], ids=["numba", "qiskit"]
    )
    def test_strings_agree_with_states(self, qubits, backend):
        model = model_of(qubits)
        here, there = EngineEvaluation(model), BackendEvaluation(model, backend)
        np.testing.assert_allclose(there.expectations(X, WEIGHTS), here.expectations(X, WEIGHTS), rtol=0, atol=ROUNDED)
        seeds = RNG.normal(size=(5, model.num_outputs))
        sweeps = [evaluation.sweep(X, WEIGHTS, lambda p, rows: seeds[rows], True) for evaluation in (here, there)]
        for first, second in zip(*sweeps, strict=True):
            np.testing.assert_allclose(first, second, rtol=0, atol=ROUNDED)

    @pytest.mark.parametrize("qubits", QUBITS)
    def test_noise_equals_aer(self, qubits):
        noise = pytest.importorskip("qiskit_aer.noise")
        from qiskit_aer import AerSimulator

        theirs = noise.NoiseModel()
        theirs.add_all_qubit_quantum_error(noise.depolarizing_error(0.05, 2), ["cx", "cz"])
        model = model_of(qubits)
        simulator = AerSimulator(
            method="density_matrix", noise_model=theirs, basis_gates=["rx", "ry", "rz", "cx", "cz"]
        )
        evaluation = NoisyEvaluation(model, NoiseModel(after_2q=depolarizing(0.05, 2)))
        values = evaluation.expectations(X, WEIGHTS)
        for row, probabilities in zip(X, values, strict=True):
            bound = model.circuit.bind(dict(zip((*model.inputs, *model.weights), (*row, *WEIGHTS), strict=True)))
            circuit = bound.to_qiskit()
            circuit.save_density_matrix()
            expected = simulator.run(circuit).result().data()["density_matrix"].probabilities(qubits)
            np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-10)

    def test_readout_errors_confuse_the_outcomes(self):
        model = model_of((2, 0))
        gate_noise, readout = NoiseModel(after_2q=depolarizing(0.05)), np.array([[0.98, 0.05], [0.02, 0.95]])
        before = NoisyEvaluation(model, gate_noise).expectations(X, WEIGHTS)
        after = NoisyEvaluation(model, NOISE).expectations(X, WEIGHTS)
        np.testing.assert_allclose(after, before @ np.kron(readout, readout).T, rtol=0, atol=EXACT)

    @pytest.mark.parametrize("on", [{"noise": NOISE}, {"backend": NumbaBackend(noise=NOISE)}], ids=str)
    def test_derivatives_with_noise(self, on):
        layer = Sequential(Dense(3, 2), Tanh(), Quantum(model_of((1, 2))), Dense(None, 2)).on(**on)
        rng = np.random.default_rng(3)
        weights, rows, seeds = layer.initial_weights(rng), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
        d_weights, d_X = layer.sweep(rows, weights, lambda Y, part: seeds[part], inputs=True)
        by_weights = gradient(lambda w: np.sum(seeds * layer.forward(rows, w)), weights)
        by_inputs = gradient(lambda x: np.sum(seeds * layer.forward(x, weights)), rows)
        np.testing.assert_allclose(d_weights, by_weights, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(d_X, by_inputs, rtol=0, atol=TOLERANCE)

    def test_plan(self):
        backend = QiskitBackend(StatevectorEstimator())
        plan = Quantum(model_of((2, 0))).plan(backend, X, WEIGHTS)
        assert (plan.parameter_sets, plan.circuits, plan.qubits) == (5, 1, 3)

    def test_too_many_qubits_for_strings(self):
        x = ParameterVector("x", 11)
        circuit = Circuit(11)
        for q, p in enumerate(x):
            circuit = circuit.ry(p, q)
        model = QuantumModel(circuit, inputs=x, outputs="probabilities")
        assert model.forward(np.zeros((1, 11)), []).shape == (1, 2048)
        with pytest.raises(ObservableError, match=r"at most 10, got 11; name fewer with qubits=\[...\]"):
            NoisyEvaluation(model, NOISE).expectations(np.zeros((1, 11)), np.empty(0))


def test_strings_and_errors_of_shots():
    assert z_strings((3, 1)) == (Z(3), Z(1), Z(3) @ Z(1))
    p, shots = np.array([[0.5, 0.125, 0.25, 0.125], [1.0, 0.0, 0.0, 0.0]]), 400
    signs = np.array([[(-1) ** (outcome & subset).bit_count() for outcome in range(4)] for subset in range(1, 4)])
    strings = p @ signs.T
    np.testing.assert_allclose(from_strings(strings), p, rtol=0, atol=EXACT)
    errors = standard_errors(strings, np.sqrt((1 - strings**2) / shots))
    np.testing.assert_allclose(errors, np.sqrt(p * (1 - p) / shots), rtol=0, atol=EXACT)


class TestEstimators:
    rows, labels = RNG.normal(size=(30, 2)), np.arange(30) % 3

    def test_training_files_and_comparison(self, tmp_path):
        clf = VariationalClassifier(model=model_of((2, 0)), epochs=3, random_state=0).fit(self.rows, self.labels)
        assert (clf.readout_.num_inputs, clf.readout_.num_outputs) == (4, 3)
        clf.save(tmp_path / "model.qumba")
        loaded = load(tmp_path / "model.qumba")
        assert (loaded.model_.outputs, loaded.model_.qubits) == ("probabilities", (2, 0))
        np.testing.assert_array_equal(loaded.predict_proba(self.rows), clf.predict_proba(self.rows))
        compared = compare_backends(clf, self.rows[:4], ["numba", NumbaBackend(noise=NOISE)])
        assert compared.observables == ("P(00)", "P(01)", "P(10)", "P(11)")
        np.testing.assert_allclose(compared.values.sum(axis=2), 1.0, rtol=0, atol=EXACT)

    def test_checkpoints_know_the_qubits(self, tmp_path):
        def fit(qubits, epochs=2):
            clf = VariationalClassifier(model=model_of(qubits), epochs=epochs, schedule="constant", random_state=0)
            return clf.fit(self.rows, self.labels, resume=tmp_path / "run")

        fit((2, 0))
        assert fit((2, 0), epochs=3).n_iter_ == 3
        with pytest.raises(CheckpointMismatchError, match=r"probabilities of qubits is \(1, 0\), there"):
            fit((1, 0))


def test_copies_and_text():
    model = model_of((2, 0))
    assert repr(model) == "QuantumModel(3 qubits, 2 inputs, 4 weights, 4 probabilities, precision='double')"
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).forward(X, WEIGHTS), model.forward(X, WEIGHTS))
    mapped = layered_model("zz", "basic", 2, 1)
    with_data = QuantumModel(
        mapped.circuit, mapped.inputs, mapped.weights, outputs="probabilities", data=mapped.data, num_features=2
    )
    _, d_X = with_data.backward(X, np.ones(2), np.eye(4)[[0, 1, 2, 3, 0]])
    expected = gradient(lambda x: np.sum(np.eye(4)[[0, 1, 2, 3, 0]] * with_data.forward(x, np.ones(2))), X)
    np.testing.assert_allclose(d_X, expected, rtol=0, atol=10 * TOLERANCE)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"outputs": "probability"}, UnknownNameError, "unknown outputs 'probability'; did you mean 'probabilities'"),
        ({"outputs": "probabilities", "observables": Z(0)}, ValueError, "outputs='probabilities' has no observables"),
        ({"observables": Z(0), "qubits": [0]}, ValueError, r"qubits belongs to outputs='probabilities', got .*\[0\]"),
        ({}, ValueError, "at least one observable, or outputs='probabilities'"),
        ({"outputs": "probabilities", "qubits": [0, 0]}, CircuitError, r"distinct qubits, such as .*got \[0, 0\]"),
        ({"outputs": "probabilities", "qubits": []}, CircuitError, r"distinct qubits, such as .*got \[\]"),
        ({"outputs": "probabilities", "qubits": 1}, CircuitError, "sequence of distinct qubits, such as .*got 1"),
        ({"outputs": "probabilities", "qubits": [3]}, CircuitError, r"of 3 qubits are 0 to 2, got \[3\]"),
    ],
)
def test_errors(settings, error, message):
    circuit, x, w = circuit_with_parameters()
    with pytest.raises(error, match=message):
        QuantumModel(circuit, x, w, **settings)


def test_shapes_and_memory():
    with pytest.raises(ValueError, match=r"cotangent must have shape \(n_samples, 4\)"):
        model_of((2, 0)).backward(X, WEIGHTS, np.zeros((5, 8)))
    x = Parameter("x")
    with pytest.raises(StateTooLargeError, match="of 45 qubits"):
        QuantumModel(Circuit(45).ry(x, 0), inputs=x, outputs="probabilities").forward([[0.1]], [])
    with pytest.raises(StateTooLargeError):
        QuantumModel(Circuit(20).ry(x, 0), inputs=x, outputs="probabilities").forward(np.zeros((10**7, 1)), [])


def test_the_twin_of_a_model_of_probabilities_has_probabilities():
    w = ParameterVector("w", 2)
    circuit = Circuit(2).ry(w[0], 0).cx(0, 1).ry(w[1], 1)
    twin = QuantumModel(circuit, weights=w, outputs="probabilities", qubits=[1, 0]).without_entanglement()
    assert (twin.outputs, twin.qubits) == ("probabilities", (1, 0))
    zeros, ones = np.cos([0.2, 0.4]) ** 2, np.sin([0.2, 0.4]) ** 2
    expected = [zeros[1] * zeros[0], ones[1] * zeros[0], zeros[1] * ones[0], ones[1] * ones[0]]
    np.testing.assert_allclose(twin.forward(np.empty((1, 0)), [0.4, 0.8])[0], expected, rtol=0, atol=1e-12)
