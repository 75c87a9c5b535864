"""Initialisations: distributions, identity blocks as matrices, and gradients that do not vanish."""

import numpy as np
import pytest

from qml import DressedClassifier, QuantumModel, VariationalClassifier, VariationalRegressor, ansatz_circuit, load
from qml.ansatze import ANSATZE, INITIALISATIONS, Mirrored, NLocal, StronglyEntangling, get_ansatz, get_initialisation
from qml.ansatze.initialisation import BetaAngles, GaussianDepth, IdentityBlocks, SmallAngles
from simulator import Circuit, ParameterVector, Z
from simulator.errors import CircuitError, UnknownNameError

RNG_SEED = 3


def draws(name, layers=40, **settings):
    rule = INITIALISATIONS[name](**settings)
    return rule.draw(StronglyEntangling(), 8, layers, np.random.default_rng(RNG_SEED))


def test_distributions():
    assert draws("small_angles").std() == pytest.approx(0.01, rel=0.1)
    assert draws("small_angles", spread=0.1).std() == pytest.approx(0.1, rel=0.1)
    # variance 1 / (4 S (L + 2))
    assert draws("gaussian_depth").var() == pytest.approx(1 / (4 * 2 * 42), rel=0.15)
    assert draws("gaussian_depth", layers=80, locality=1).var() == pytest.approx(1 / (4 * 82), rel=0.15)
    angles = draws("beta", a=2.0, b=5.0, width=np.pi)
    assert 0 <= angles.min() < angles.max() <= np.pi
    assert angles.mean() == pytest.approx(np.pi * 2 / 7, rel=0.05)  # a / (a + b)
    assert angles.var() == pytest.approx(np.pi**2 * 10 / (49 * 8), rel=0.15)  # a b / ((a + b)^2 (a + b + 1))
    np.testing.assert_array_equal(
        draws("ansatz"), StronglyEntangling().initial_weights(8, 40, np.random.default_rng(3))
    )


def test_beta_of_data_has_their_moments():
    rng = np.random.default_rng(0)
    X = np.column_stack([10 * rng.beta(2.0, 3.0, 5000) - 4, np.full(5000, 7.0)])
    X[0, 0], X[1, 0] = -4, 6
    fitted = BetaAngles.fitted(X, width=2.0)
    assert (fitted.a, fitted.b, fitted.width) == (pytest.approx(2.0, rel=0.1), pytest.approx(3.0, rel=0.1), 2.0)
    with pytest.raises(ValueError, match="constant ones only"):
        BetaAngles.fitted(np.ones((4, 2)))


@pytest.mark.parametrize("name", ANSATZE)
@pytest.mark.parametrize("num_layers", [2, 4])
def test_identity_blocks_are_the_identity(name, num_layers):
    ansatz = Mirrored(get_ansatz(name))
    rule, rng = IdentityBlocks(), np.random.default_rng(0)
    assert rule.prepared(get_ansatz(name)) == ansatz
    weights = rule.draw(ansatz, 4, num_layers, rng)
    vector = ParameterVector("w", ansatz.num_weights(4, num_layers))
    circuit = Circuit(4)
    for layer in ansatz.layers(4, num_layers, vector):
        circuit = circuit + layer
    assert len(weights) == len(vector) == circuit.num_parameters
    weights = weights[[list(vector).index(parameter) for parameter in circuit.parameters]]
    np.testing.assert_allclose(unitary(circuit, weights), np.eye(16), atol=1e-12)
    moved = unitary(circuit, weights + 0.1 * rng.normal(size=len(weights)))
    assert np.abs(moved - np.eye(16)).max() > 1e-3


def unitary(circuit, weights):
    """Columns are the images of the basis states."""
    bound = circuit.bind(dict(zip(circuit.parameters, weights.tolist(), strict=True)))
    columns = []
    for k in range(1 << circuit.num_qubits):
        prepared = Circuit(circuit.num_qubits)
        for q in range(circuit.num_qubits):
            prepared = prepared.x(q) if k >> q & 1 else prepared
        columns.append((prepared + bound).statevector())
    return np.array(columns).T


def test_identity_blocks_need_pairs_of_layers():
    with pytest.raises(CircuitError, match="even number of layers, got 3"):
        ansatz_circuit(Mirrored(StronglyEntangling()), 2, 3)
    X, y = np.random.default_rng(0).normal(size=(8, 2)), np.array([0, 1] * 4)
    with pytest.raises(CircuitError, match="even number of layers, got 3"):
        VariationalClassifier(n_layers=3, initialisation="identity_blocks").fit(X, y)


HARDWARE_EFFICIENT = NLocal(("rx", "ry"), "linear", "cz", final_rotations=False)


def squared_gradient(ansatz, draw, num_qubits=10, num_layers=16, samples=10):
    """Mean squared norm of the gradient of <Z Z> over initial weights."""
    rng, vector = np.random.default_rng(1), ParameterVector("w", ansatz.num_weights(num_qubits, num_layers))
    circuit, gradients = Circuit(num_qubits), []
    for q in range(num_qubits):
        circuit = circuit.ry(0.35, q)
    for layer in ansatz.layers(num_qubits, num_layers, vector):
        circuit = circuit + layer
    for _ in range(samples):
        weights = draw(ansatz, num_qubits, num_layers, rng)
        gradients.append(circuit.gradient(Z(0) @ Z(1), dict(zip(vector, weights, strict=True))))
    return float(np.square(gradients).sum(axis=1).mean())


@pytest.mark.parametrize("name", ["small_angles", "gaussian_depth", "identity_blocks"])
def test_gradients_are_larger_than_of_random_circuits(name):
    def uniform(ansatz, num_qubits, num_layers, rng):
        return rng.uniform(-np.pi, np.pi, ansatz.num_weights(num_qubits, num_layers))

    rule = get_initialisation(name)
    ours = squared_gradient(rule.prepared(HARDWARE_EFFICIENT), rule.draw)
    assert ours > 5 * squared_gradient(HARDWARE_EFFICIENT, uniform)


@pytest.mark.parametrize("name", INITIALISATIONS)
@pytest.mark.parametrize("estimator", [VariationalClassifier, VariationalRegressor, DressedClassifier])
def test_by_name_in_the_estimators(name, estimator, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (40, 2))
    y = X[:, 0] * 1.0 if estimator is VariationalRegressor else (X[:, 0] > 0).astype(int)
    settings = {"n_layers": 2, "n_qubits": 2, "random_state": 0}
    model = estimator(initialisation=name, epochs=0, **settings)
    with pytest.warns(match="epochs is 0"):
        model.fit(X, y)
    again = estimator(initialisation=get_initialisation(name), epochs=30, **settings).fit(X, y)
    assert again.loss_history_.min() < 0.9 * again.loss_history_[0]
    again.save(tmp_path / "model.qumba")
    np.testing.assert_array_equal(load(tmp_path / "model.qumba").predict(X), again.predict(X))
    if name == "small_angles":
        position = 0 if estimator is not DressedClassifier else 2
        assert np.abs(model.weights_[model.network_.parts[position]]).max() < 0.05


def test_bad_settings():
    with pytest.raises(UnknownNameError, match="did you mean 'small_angles'"):
        VariationalClassifier(initialisation="small_angle").fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(TypeError, match="expects a name or an Initialisation"):
        get_initialisation(0.1)
    for kind, settings in (
        (SmallAngles, {"spread": 0}),
        (GaussianDepth, {"locality": -1}),
        (BetaAngles, {"a": np.nan}),
    ):
        with pytest.raises(ValueError, match=f"{next(iter(settings))} of {kind.__name__} expects a number > 0"):
            kind(**settings)
    w = ParameterVector("w", 2)
    model = QuantumModel(Circuit(1).ry(w[0], 0).rz(w[1], 0), inputs=w[0], weights=w[1], observables=[Z(0)])
    with pytest.raises(ValueError, match="is for the weights of an ansatz"):
        VariationalClassifier(model=model, initialisation="beta").fit([[0.0], [1.0]], [0, 1])
