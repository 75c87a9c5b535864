"""Natural gradients against analytic metrics, states by central differences, and known ground states."""

import numpy as np
import pytest

from qml import QuantumModel, VariationalClassifier, VariationalRegressor
from qml.layers import Dense, Quantum, Quanvolution, Sequential, Tanh
from qml.layers.sequential import Chain
from qml.losses import get_loss
from qml.models.layered import layered_model
from qml.optimizers import QNSPSA, SGD, MomentumNaturalGradient, NaturalGradient
from qml.training import train
from qml.training.layers_objective import LayersObjective
from simulator import Circuit, NoiseModel, ParameterVector, X, depolarizing
from simulator.backends.numba_backend import NumbaBackend
from simulator.calculations.statevector import states
from simulator.errors import QumbaError
from tests.qml.ising_chain import Energy, ground_energy, ising_objective

ALL = slice(None)
DIFFERENCES = 1e-8
"""Error of metrics by central differences of states."""


def one_qubit():
    """<X> of RZ(b) RY(a)|0>: the metric is diag(1, sin(a)^2) / 4."""
    w = ParameterVector("w", 2)
    model = QuantumModel(Circuit(1).ry(w[0], 0).rz(w[1], 0), weights=w, observables=[X(0)])
    return LayersObjective(Quantum(model), np.zeros((1, 0)), np.zeros(1), np.ones(1), Energy())


@pytest.mark.parametrize("approximation", ["full", "block_diagonal", "diagonal"])
def test_one_qubit_is_analytic(approximation):
    a, b = 0.8, 0.5
    optimizer = NaturalGradient(0.1, approximation, regularization=0.02)
    state, loss, direction = optimizer.measure({}, np.array([a, b]), one_qubit(), ALL, [0])
    assert loss == pytest.approx(np.sin(a) * np.cos(b), abs=1e-14)
    expected = [
        np.cos(a) * np.cos(b) / (0.25 + 0.02),
        -np.sin(a) * np.sin(b) / (np.sin(a) ** 2 / 4 + 0.02),
    ]
    np.testing.assert_allclose(direction, expected, atol=1e-13)
    np.testing.assert_allclose(
        optimizer.step(state, np.array([a, b]), direction)[1], np.array([a, b]) - 0.1 * np.array(expected)
    )


def test_momentum_is_a_sum_over_the_past():
    optimizer = MomentumNaturalGradient(0.1, momentum=0.8)
    directions = np.random.default_rng(0).normal(size=(5, 3))
    state, weights = optimizer.init(np.zeros(3)), np.zeros(3)
    for t, direction in enumerate(directions):
        state, weights = optimizer.step(state, weights, direction)
        velocity = sum(0.8 ** (t - s) * directions[s] for s in range(t + 1))
        np.testing.assert_allclose(state["velocity"], velocity, rtol=1e-13)


def network_objective(layers=None, samples=7):
    rng = np.random.default_rng(5)
    circuit = Quantum(layered_model("angle", "strongly_entangling", num_features=2, num_layers=2))
    network = Sequential(*(layers or (Dense(3, 2), Tanh(), circuit, Dense(2, 1))))
    inputs = rng.normal(size=(samples, network.num_inputs))
    weight = rng.uniform(0.5, 2.0, samples)
    return LayersObjective(
        Chain(network.layers), inputs, rng.normal(size=samples), weight / weight.mean(), get_loss("mse")
    )


def test_the_metric_of_a_network_is_that_of_its_circuit():
    objective, rng = network_objective(), np.random.default_rng(6)
    network = objective.network
    weights = rng.normal(size=network.num_weights)
    geometry, rows = objective.geometry, np.array([5, 0, 3])
    assert geometry.part == slice(8, 20)
    model = network.layers[2].model
    hidden = np.tanh(network.layers[0].forward(objective.inputs[rows], weights[:8]))
    inner, step = weights[8:20], 1e-5
    psi = states(model.state_program, model.inputs_of(hidden), inner)
    d = np.array(
        [
            states(model.state_program, model.inputs_of(hidden), inner + step * e)
            - states(model.state_program, model.inputs_of(hidden), inner - step * e)
            for e in np.eye(12)
        ]
    ) / (2 * step)
    shares = objective.sample_weight[rows] / objective.sample_weight[rows].sum()
    along = np.einsum("ksi,si->ks", d, psi.conj())
    expected = np.einsum("s,ksi,lsi->kl", shares, d.conj(), d).real
    expected -= np.einsum("s,ks,ls->kl", shares, along.conj(), along).real
    np.testing.assert_allclose(geometry.metric(weights, rows), expected, atol=DIFFERENCES)

    optimizer = NaturalGradient(regularization=0.1)
    loss, gradient = objective.value_and_gradient(weights, rows)
    _, measured, direction = optimizer.measure({}, weights, objective, rows, [0])
    assert measured == loss
    np.testing.assert_array_equal(direction[:8], gradient[:8])  # dense layers follow the gradient
    np.testing.assert_array_equal(direction[20:], gradient[20:])
    np.testing.assert_allclose((expected + 0.1 * np.eye(12)) @ direction[8:20], gradient[8:20], atol=1e-7)

    labels = geometry.layers
    np.testing.assert_array_equal(labels, [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5])
    _, _, in_blocks = NaturalGradient(0.1, "block_diagonal", 0.1).measure({}, weights, objective, rows, [0])
    blocks = np.where(labels[:, None] == labels, expected, 0.0) + 0.1 * np.eye(12)
    np.testing.assert_allclose(blocks @ in_blocks[8:20], gradient[8:20], atol=1e-7)
    _, _, diagonal = NaturalGradient(0.1, "diagonal", 0.1).measure({}, weights, objective, rows, [0])
    np.testing.assert_allclose((np.diagonal(expected) + 0.1) * diagonal[8:20], gradient[8:20], atol=1e-7)


def test_blocks_equal_pennylanes():
    qml = pytest.importorskip("pennylane")
    weights = np.random.default_rng(3).uniform(-np.pi, np.pi, (3, 2, 3))

    @qml.qnode(qml.device("default.qubit", wires=3))
    def node(values):
        for layer in range(3):
            for rotation, angles in zip((qml.RY, qml.RZ), values[layer], strict=True):
                for q in range(3):
                    rotation(angles[q], wires=q)
            if layer < 2:
                qml.CNOT([1, 2])
                qml.CNOT([0, 1])
        return qml.expval(qml.PauliZ(0))

    expected = qml.metric_tensor(node, approx="block-diag")(qml.numpy.array(weights, requires_grad=True))
    geometry = ising_objective(3, 2, "efficient_su2").geometry
    np.testing.assert_array_equal(geometry.layers, np.repeat(np.arange(6), 3))
    metric = geometry.metric(weights.ravel(), ALL)
    blocks = np.where(geometry.layers[:, None] == geometry.layers, metric, 0.0)
    np.testing.assert_allclose(blocks, np.asarray(expected).reshape(18, 18), atol=1e-10)


def test_fidelities_of_a_network():
    objective, rng = network_objective(), np.random.default_rng(7)
    weights = rng.normal(size=objective.network.num_weights)
    geometry, rows = objective.geometry, np.array([1, 2, 6])
    inner = weights[geometry.part]
    others = inner + 0.3 * rng.normal(size=(4, 12))
    np.testing.assert_allclose(geometry.fidelities(weights, inner[None], rows), [1.0], atol=1e-14)
    model = objective.network.layers[2].model
    hidden = np.tanh(objective.network.layers[0].forward(objective.inputs[rows], weights[:8]))
    shares = objective.sample_weight[rows] / objective.sample_weight[rows].sum()
    expected = []
    for other in others:
        a, b = (states(model.state_program, model.inputs_of(hidden), values) for values in (inner, other))
        expected.append(sum(s * abs(np.vdot(x, y)) ** 2 for s, x, y in zip(shares, a, b, strict=True)))
    np.testing.assert_allclose(geometry.fidelities(weights, others, rows), expected, atol=1e-14)


def test_patches_of_an_image_are_samples():
    circuit = layered_model("angle", "strongly_entangling", num_features=4, num_layers=1)
    objective = network_objective((Quanvolution(circuit, (4, 4)), Dense(None, 1)))
    weights = np.random.default_rng(8).normal(size=objective.network.num_weights)
    layer = objective.network.layers[0]
    plain = LayersObjective(
        Chain((Quantum(circuit), Dense(4, 1))), layer.patches(objective.inputs[:2]), np.zeros(8), np.ones(8), Energy()
    )
    images = LayersObjective(objective.network, objective.inputs[:2], objective.targets[:2], np.ones(2), objective.loss)
    part = weights[:12]
    np.testing.assert_allclose(
        images.geometry.metric(weights, ALL),
        plain.geometry.metric(np.concatenate([part, np.zeros(5)]), ALL),
        atol=1e-14,
    )


def test_qnspsa_estimates_the_metric_without_bias():
    objective = ising_objective(2, 1, "real_amplitudes")
    weights = np.array([0.4, -0.7, 0.9, 0.2])
    optimizer, geometry = QNSPSA(metric_perturbation=0.01), objective.geometry
    rng = np.random.default_rng(9)
    estimates = np.array([optimizer._estimate(geometry, weights, ALL, rng) for _ in range(3000)])
    error = estimates.std(axis=0) / np.sqrt(len(estimates))
    assert (np.abs(estimates.mean(axis=0) - geometry.metric(weights, ALL)) < 4 * error + 1e-3).all()


def test_qnspsa_averages_from_the_identity_and_applies_the_inverse():
    objective, weights = ising_objective(2, 1, "real_amplitudes"), np.array([0.4, -0.7, 0.9, 0.2])
    optimizer = QNSPSA(perturbation=0.1, regularization=0.03)
    state, expected = optimizer.init(weights), np.eye(4)
    for k in range(3):
        rng = np.random.default_rng([1, k])
        signs = 2.0 * rng.integers(0, 2, 4) - 1
        above, below = (objective.value(weights + s * 0.1 * signs, ALL) for s in (1, -1))
        expected = ((k + 1) * expected + optimizer._estimate(objective.geometry, weights, ALL, rng)) / (k + 2)
        state, loss, direction = optimizer.measure(state, weights, objective, ALL, [1, k])
        np.testing.assert_allclose(state["metric"], expected, atol=1e-13)
        values, vectors = np.linalg.eigh(expected)
        absolute = vectors @ np.diag(np.abs(values)) @ vectors.T + 0.03 * np.eye(4)
        np.testing.assert_allclose(absolute @ direction, (above - below) / 0.2 * signs, atol=1e-11)
        assert loss == pytest.approx((above + below) / 2)


def test_ground_state_of_an_ising_chain_in_fewer_steps_than_gradient_descent():
    objective, exact = ising_objective(3, 2), ground_energy(3)
    start = np.random.default_rng(0).normal(0.0, 0.3, objective.network.num_weights)

    def gap(optimizer, steps):
        return objective.value(train(objective, start, optimizer, epochs=steps, rng=0).weights, ALL) - exact

    assert 0 <= gap(NaturalGradient(0.1), 150) < 1e-4
    assert 0 <= gap(MomentumNaturalGradient(0.02, momentum=0.8), 150) < 1e-4
    assert gap(SGD(0.1, momentum=0.0), 150) > 10 * gap(NaturalGradient(0.1), 150)
    assert gap(QNSPSA(0.02), 600) < 0.05


ESTIMATORS = [VariationalClassifier, VariationalRegressor]


@pytest.mark.parametrize("name", ["natural_gradient", "momentum_natural_gradient", "qnspsa"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_by_name_in_an_estimator(estimator, name):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (40, 2))
    y = X[:, 0] * X[:, 1] > 0 if estimator is VariationalClassifier else X[:, 0]
    model = estimator(n_layers=2, n_qubits=2, optimizer=name, epochs=25, random_state=0).fit(X, y)
    assert model.loss_history_.min() < 0.9 * model.loss_history_[0]


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.uniform(-1, 1, (40, 2)), rng.integers(0, 2, 40)
    for name in ("momentum_natural_gradient", "qnspsa"):
        settings = {"n_layers": 1, "n_qubits": 2, "optimizer": name, "schedule": "constant", "random_state": 0}
        whole = VariationalClassifier(epochs=6, **settings).fit(X, y)
        VariationalClassifier(epochs=3, **settings).fit(X, y, resume=tmp_path / name)
        resumed = VariationalClassifier(epochs=6, **settings).fit(X, y, resume=tmp_path / name)
        np.testing.assert_array_equal(resumed.weights_, whole.weights_)


class TestErrors:
    @pytest.mark.parametrize("name", ["natural_gradient", "qnspsa"])
    @pytest.mark.parametrize(
        ("settings", "match"),
        [
            ({"noise": NoiseModel(depolarizing(0.01))}, "a simulation with noise gives expectation values only"),
            ({"backend": NumbaBackend(noise=NoiseModel(depolarizing(0.01)))}, "a simulation with noise gives"),
        ],
    )
    def test_no_states(self, name, settings, match):
        X, y = np.random.default_rng(0).normal(size=(8, 2)), np.array([0, 1] * 4)
        with pytest.raises(QumbaError, match=match):
            VariationalClassifier(n_layers=1, optimizer=name, epochs=1, **settings).fit(X, y)

    def test_not_one_circuit(self):
        circuit = layered_model("angle", "basic", num_features=2, num_layers=1)
        for layers, count in (((Quantum(circuit), Quantum(circuit), Dense(2, 1)), 2), ((Dense(2, 1),), 0)):
            with pytest.raises(QumbaError, match=f"exactly one circuit to train, got {count}"):
                train(network_objective(layers), np.zeros(network_objective(layers).network.num_weights), "qnspsa")

    def test_an_objective_without_geometry(self):
        class Line:
            n_samples = 1

            def validation_score(self, weights):
                return None

        with pytest.raises(QumbaError, match="needs the geometry of states .* Line does not give it"):
            train(Line(), np.zeros(2), "natural_gradient", epochs=1)

    @pytest.mark.parametrize(
        ("kind", "settings"),
        [
            (NaturalGradient, {"regularization": 0.0}),
            (MomentumNaturalGradient, {"momentum": 1.0}),
            (QNSPSA, {"metric_perturbation": 0.0}),
        ],
    )
    def test_settings_out_of_range(self, kind, settings):
        with pytest.raises(ValueError, match=f"{next(iter(settings))} of {kind.__name__}.*got"):
            kind(**settings)
        with pytest.raises(ValueError, match="unknown approximation 'blocks'"):
            NaturalGradient(approximation="blocks")
