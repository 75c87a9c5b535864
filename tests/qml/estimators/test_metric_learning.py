"""Metric learning: density matrices and states by other means, derivatives, fidelities on backends, bad input."""

import numpy as np
import pennylane as qml_pennylane
import pytest
from sklearn.datasets import load_iris, make_circles

from qml import MetricLearningClassifier
from qml.estimators.trained import Samples
from qml.feature_maps import Encoding
from simulator import Circuit, NoiseModel, Parameter, depolarizing
from simulator.backends.numba_backend import NumbaBackend
from tests.qml.layers.differences import TOLERANCE, gradient

EXACT = 1e-12
X, Y = load_iris(return_X_y=True)
ALL = slice(None)
SOME = np.array([3, 60, 61, 120, 149])


def fitted(**settings):
    return MetricLearningClassifier(**{"epochs": 4, "random_state": 0} | settings).fit(X, Y)


def objective(weight=None, rows=ALL, **settings):
    clf = fitted(**settings)
    weight = np.ones(150) if weight is None else weight
    return clf, clf._objective(Samples(X[rows], Y[rows], weight[rows]))


def pennylane_states(scaled, weights, layers=2):
    device = qml_pennylane.device("default.qubit", wires=4)

    @qml_pennylane.qnode(device)
    def state(features):
        qml_pennylane.QAOAEmbedding(features, weights.reshape(layers, 8), wires=range(4))
        return qml_pennylane.state()

    return np.array([state(row) for row in scaled])


class TestObjective:
    def test_against_density_matrices(self):
        weight = np.random.default_rng(0).uniform(0.5, 2, 150)
        clf, loss = objective(weight, reps=2)
        weights = clf.weights_ + 0.1
        psi = pennylane_states(clf.scaling_(X), weights)
        shares = [np.where(k == Y, weight, 0) / weight[k == Y].sum() for k in range(3)]
        rho = [np.einsum("s,si,sj->ij", share, psi, psi.conj()) for share in shares]
        distances = [np.trace((rho[a] - rho[b]) @ (rho[a] - rho[b])).real for a in range(3) for b in range(a)]
        assert loss.value(weights, ALL) == pytest.approx(1 - np.mean(distances) / 2, abs=1e-10)

    @pytest.mark.parametrize(
        "settings",
        [{}, {"feature_map": "hubregtsen", "reps": 1}, {"n_qubits": 2}, {"n_qubits": 3, "entangled": False}],
    )
    @pytest.mark.parametrize("rows", [ALL, SOME], ids=["all", "some"])
    def test_gradient_is_the_derivative(self, settings, rows):
        clf, loss = objective(rows=slice(None, None, 7) if rows is ALL else ALL, **settings)
        value, by_weights = loss.value_and_gradient(clf.weights_, rows)
        assert value == pytest.approx(loss.value(clf.weights_, rows), abs=EXACT)
        differences = gradient(lambda weights: loss.value(weights, rows), clf.weights_)
        np.testing.assert_allclose(by_weights, differences, atol=TOLERANCE)

    def test_a_batch_has_the_mean_states_of_its_own_samples(self):
        clf, loss = objective(reps=2)
        batch = np.array([0, 2, 110, 130, 149])  # nothing of the second class
        psi = pennylane_states(clf.scaling_(X[batch]), clf.weights_)
        first, third = (np.einsum("si,sj->ij", part, part.conj()) / len(part) for part in (psi[:2], psi[2:]))
        distance = np.trace((first - third) @ (first - third)).real
        assert loss.value(clf.weights_, batch) == pytest.approx(1 - distance / 2, abs=1e-10)

    def test_a_batch_of_one_class_says_nothing(self):
        clf, loss = objective()
        value, by_weights = loss.value_and_gradient(clf.weights_, np.array([0, 1, 2]))
        assert value == 1
        np.testing.assert_array_equal(by_weights, 0)


class TestPrediction:
    def test_probabilities_are_mean_fidelities(self):
        clf = fitted(reps=2)
        psi = pennylane_states(clf.scaling_(X), clf.weights_)
        fidelities = np.abs(psi.conj() @ psi.T) ** 2
        means = np.stack([fidelities[:, k == Y].mean(axis=1) for k in range(3)], axis=1)
        expected = means / means.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(clf.predict_proba(X), expected, atol=1e-10)
        np.testing.assert_allclose(clf.decision_function(X), expected, atol=1e-10)
        np.testing.assert_array_equal(clf.predict(X), expected.argmax(axis=1))

    def test_two_classes(self):
        clf = MetricLearningClassifier(epochs=3, random_state=0).fit(X[50:], Y[50:])
        probabilities = clf.predict_proba(X)
        np.testing.assert_allclose(clf.decision_function(X), probabilities[:, 1] - probabilities[:, 0], atol=EXACT)

    def test_class_weights_are_priors(self):
        plain, weighted = fitted(), fitted(class_weight={0: 1, 1: 5, 2: 1})
        np.testing.assert_array_equal(weighted.weights_, plain.weights_)
        expected = plain.predict_proba(X) * [1, 5, 1]
        np.testing.assert_allclose(weighted.predict_proba(X), expected / expected.sum(axis=1, keepdims=True))

    def test_in_blocks(self, monkeypatch):
        clf = fitted()
        whole = clf.predict_proba(X)
        monkeypatch.setattr("qml.estimators.own_objective.metric_learning.MOST_FIDELITIES", 400)
        np.testing.assert_allclose(clf.predict_proba(X), whole, atol=EXACT)

    def test_on_a_backend(self):
        clf = MetricLearningClassifier(epochs=3, random_state=0).fit(X[::10], Y[::10])
        exact = clf.predict_proba(X[:5])
        np.testing.assert_allclose(clf.predict_proba(X[:5], backend=NumbaBackend()), exact, atol=1e-10)
        noisy = NumbaBackend(noise=NoiseModel(after_2q=depolarizing(0.1)))
        assert np.abs(clf.predict_proba(X[:5], backend=noisy) - exact).max() > 1e-3
        assert clf.plan(X[:5]).parameter_sets == 5 * 15

    def test_a_state_far_from_all_has_equal_probabilities(self):
        x, w = Parameter("x"), Parameter("w")
        encoding = Encoding(Circuit(1).rz(w, 0).rx(x, 0), (x,), weights=(w,))
        clf = MetricLearningClassifier(encoding, scale_features=False, epochs=1, random_state=0)
        clf.fit([[0.0], [2 * np.pi]], [0, 1])
        np.testing.assert_allclose(clf.predict_proba([[np.pi]]), [[0.5, 0.5]], atol=1e-6)


class TestLearning:
    def test_training_takes_the_classes_apart(self):
        circles, labels = make_circles(120, noise=0.05, factor=0.4, random_state=0)
        settings = {"random_state": 0, "epochs": 60}
        clf = MetricLearningClassifier(**settings).fit(circles[:80], labels[:80])
        assert clf.loss_history_[-1] < clf.loss_history_[0] - 0.1
        assert clf.score(circles[80:], labels[80:]) > 0.9

    def test_more_features_than_qubits_pass_through_a_linear_map(self):
        clf = fitted(n_qubits=2, epochs=30)
        assert clf.circuit_.num_qubits == 2
        assert clf.score(X, Y) > 0.9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"feature_map": "angle", "reps": None},
            "nothing to train: feature_map='angle' has no weights; use one that has",
        ),
        ({"feature_map": "iqp", "bandwidth": 1.0}, "nothing to train"),
        ({"feature_map": "unheard"}, "feature map"),
        ({"bandwidth": 0.0}, "bandwidth expects a finite number above 0, got 0.0"),
        ({"reps": 0}, "reps expects an integer of 1 or more"),
        ({"n_qubits": 2, "scale_features": False}, "at most 2 features on 2 qubits, got 4"),
        ({"precision": "half"}, "precision"),
        ({"class_weight": {0: -1}}, "positive finite numbers"),
        ({"backend": "somewhere"}, "backend expects a Backend"),
    ],
)
def test_bad_input(settings, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fitted(**settings)
