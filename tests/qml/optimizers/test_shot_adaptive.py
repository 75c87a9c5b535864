"""Shot-adaptive Adam: its rule against the formula, and problems whose solutions are known."""

import numpy as np
import pytest

from qml import BoltzmannClassifier, QuantumModel, ShotAdaptiveAdam, VariationalClassifier, ansatz_circuit
from qml.layers import Quantum
from qml.layers.sequential import Chain
from qml.training import train
from qml.training.layers_objective import LayersObjective
from simulator import X, Z
from simulator.backends.shot_backend import ShotBackend
from simulator.errors import QumbaError
from simulator.noise import NoiseModel, depolarizing
from simulator.qiskit_backend.backend import QiskitBackend
from tests.qml.logistic_regression import LogisticRegression

ROWS = slice(None)


class Energy:
    """Loss that is the circuit's output."""

    def value(self, outputs, targets):
        return outputs[:, 0]

    def gradient(self, outputs, targets):
        return np.ones_like(outputs)


def ising(backend, qubits=3, field=0.6):
    """Energy of an open chain, and its ground energy by diagonalisation of the dense matrix."""
    hamiltonian = sum((-1.0 * Z(q) @ Z(q + 1) for q in range(qubits - 1)), start=-field * X(0))
    for q in range(1, qubits):
        hamiltonian = hamiltonian - field * X(q)
    circuit = ansatz_circuit("real_amplitudes", qubits, 2)
    model = QuantumModel(circuit, weights=circuit.parameters, observables=[hamiltonian])
    network = Chain((Quantum(model).on(backend),))
    objective = LayersObjective(network, np.zeros((1, 0)), np.zeros(1), np.ones(1), Energy())
    x, z, one = np.array([[0, 1], [1, 0]]), np.diag([1.0, -1.0]), np.eye(2)

    def product(factors):
        out = np.eye(1)
        for q in range(qubits):
            out = np.kron(factors.get(q, one), out)
        return out

    dense = -sum(product({q: z, q + 1: z}) for q in range(qubits - 1)) - field * sum(
        product({q: x}) for q in range(qubits)
    )
    return objective, model, np.linalg.eigvalsh(dense)[0]


class Noisy:
    """A gradient with normal noise of known variance for each shot."""

    n_samples = 1
    slope, deviation = np.array([0.3, -0.1]), np.array([2.0, 1.0])

    def __init__(self, shots=None, seed=None):
        self.shots, self.seed = shots, seed

    def with_shots(self, shots, seed):
        return Noisy(shots, seed)

    def value_and_gradient(self, weights, rows):
        noise = np.random.default_rng(self.seed).normal(size=2) * self.deviation / np.sqrt(self.shots)
        return 1.0, self.slope + noise


def measured(optimizer, objective, weights, count):
    """States after each of some steps at fixed weights."""
    state, states = optimizer.init(weights), []
    for k in range(count):
        state, _, gradient = optimizer.measure(state, weights, objective, ROWS, [5, 1, k])
        state = optimizer.step(state, weights, gradient)[0]
        states.append(state)
    return states


def test_the_number_of_shots_is_the_published_rule():
    optimizer = ShotAdaptiveAdam(min_shots=20, memory=0.8, noise_ratio=0.7, regularization=1e-3)
    states = measured(optimizer, Noisy(), np.zeros(2), 4)
    shots, gradients, variances = 20, [], []
    for k, state in enumerate(states, 1):
        seeds = np.random.SeedSequence([5, 1, k - 1]).generate_state(2)
        half = -(-shots // 2)
        one, other = (Noisy(half, int(seed)).value_and_gradient(None, None)[1] for seed in seeds)
        gradients.append((one + other) / 2)
        variances.append(2 * half * (one - other) ** 2 / 4)
        decay = 0.2 * 0.8 ** np.arange(k)[::-1, None] / (1 - 0.8**k)
        chi, xi = (decay * gradients).sum(axis=0), (decay * variances).sum(axis=0)
        expected = int(np.ceil(xi.sum() / (0.49 * (chi @ chi + 1e-3 * 0.8**k))))
        shots = min(max(expected, 20), 100_000)
        assert state["shots"] == shots


def test_the_noise_has_the_asked_ratio_to_the_gradient():
    optimizer = ShotAdaptiveAdam(memory=0.999, noise_ratio=0.5)
    last = measured(optimizer, Noisy(), np.zeros(2), 2000)[-1]
    expected = (Noisy.deviation**2).sum() / (0.25 * (Noisy.slope**2).sum())  # 200 shots
    assert last["shots"] == pytest.approx(expected, rel=0.2)


def test_the_ground_energy_is_found_with_fewer_shots_than_at_a_fixed_number():
    objective, model, lowest = ising(ShotBackend(seed=1))
    weights = np.random.default_rng(3).normal(0.0, 0.3, model.num_weights)
    optimizer, state = ShotAdaptiveAdam(0.1), ShotAdaptiveAdam(0.1).init(weights)
    history = []
    for step in range(100):
        state, _, gradient = optimizer.measure(state, weights, objective, ROWS, [0, 1, step])
        state, weights = optimizer.step(state, weights, gradient)
        history.append(state["shots"])
    energy = float(model.forward(np.zeros((1, 0)), weights)[0, 0])
    assert lowest <= energy < 0.99 * lowest
    assert np.mean(history[-20:]) > 5 * np.mean(history[:5])
    assert state["total_shots"] < 100 * history[-1]


def test_training_and_its_seed():
    objective, model, lowest = ising(ShotBackend(seed=1))
    start = np.random.default_rng(3).normal(0.0, 0.3, model.num_weights)
    first, second = (train(objective, start, "shot_adaptive_adam", epochs=60, rng=4) for _ in range(2))
    np.testing.assert_array_equal(first.weights, second.weights)
    assert model.forward(np.zeros((1, 0)), first.weights)[0, 0] < 0.9 * lowest


def test_an_exact_objective_takes_the_fewest_shots():
    optimizer = ShotAdaptiveAdam(min_shots=12)
    assert [state["shots"] for state in measured(optimizer, LogisticRegression(), np.zeros(5), 3)] == [12, 12, 12]


def test_an_estimator_on_a_qiskit_simulator():
    aer = pytest.importorskip("qiskit_aer")
    backend = QiskitBackend(aer.AerSimulator(), shots=500, seed=1)
    X_train = np.array([[-1.0], [-0.8], [0.9], [1.1]])
    classifier = VariationalClassifier(
        n_layers=1, n_qubits=1, observables="z", optimizer="shot_adaptive_adam", learning_rate=0.3, epochs=3,
        backend=backend, random_state=0,
    )  # fmt: skip
    classifier.fit(X_train, [0, 0, 1, 1])
    assert classifier.loss_history_[-1] < classifier.loss_history_[0] - 0.05
    assert backend.shots == 500


@pytest.mark.parametrize("settings", [{}, {"noise": NoiseModel(depolarizing(0.01))}])
def test_without_shots_it_says_what_to_do(settings):
    classifier = VariationalClassifier(optimizer="shot_adaptive_adam", epochs=1, **settings)
    with pytest.raises(QumbaError, match="no number of shots to choose.*'adam' is the same"):
        classifier.fit([[0.0], [1.0]], [0, 1])


def test_without_circuits_it_says_so():
    with pytest.raises(QumbaError, match="no layer of the network is a circuit"):
        BoltzmannClassifier(optimizer="shot_adaptive_adam", epochs=1).fit([[0.0], [1.0]], [0, 1])


def test_an_objective_without_a_choice_of_shots():
    class Plain:
        pass

    with pytest.raises(QumbaError, match="needs the choice of shots of the objective, and Plain"):
        ShotAdaptiveAdam().measure(ShotAdaptiveAdam().init(np.zeros(1)), np.zeros(1), Plain(), ROWS, [0])


@pytest.mark.parametrize(
    "settings", [{"min_shots": 1}, {"min_shots": 2.5}, {"max_shots": 5}, {"noise_ratio": 0.0}, {"memory": 1.0}]
)
def test_settings_are_checked(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} of ShotAdaptiveAdam"):
        ShotAdaptiveAdam(**settings)
