"""The Boltzmann classifier: probabilities from matrix exponentials, sizes, what has no circuit."""

import numpy as np
import pytest
from scipy.linalg import expm
from sklearn.datasets import load_iris

from qml import BoltzmannClassifier
from simulator import NoiseModel, depolarizing
from simulator.backends.numba_backend import NumbaBackend

X, Y = load_iris(return_X_y=True)
PAULI_Z, PAULI_X, ONE = np.diag([1.0, -1.0]), np.array([[0.0, 1.0], [1.0, 0.0]]), np.eye(2)


def fitted(**settings):
    return BoltzmannClassifier(**{"epochs": 4, "random_state": 0} | settings).fit(X, Y)


def test_probabilities_of_three_classes():
    clf = fitted(n_qubits=2, learning_rate=0.3)
    standardised = (X - X.mean(axis=0)) / X.std(axis=0)
    factors, biases = clf.weights_[:20].reshape(5, 4), clf.weights_[20:]
    terms = [np.kron(ONE, PAULI_Z), np.kron(PAULI_Z, ONE), np.kron(ONE, PAULI_X), np.kron(PAULI_X, ONE)]
    terms.append(np.kron(PAULI_Z, PAULI_Z))
    for row, probabilities in zip(standardised[::10], clf.predict_proba(X[::10]), strict=True):
        populations = np.diag(expm(-np.tensordot(factors @ row + biases, terms, axes=1)))[:3]
        np.testing.assert_allclose(probabilities, populations / populations.sum(), atol=1e-10)


def test_probabilities_of_two_classes_need_no_normalisation():
    clf = BoltzmannClassifier(3, "all", epochs=3, random_state=0).fit(X[:100], Y[:100])
    gibbs, fields = clf.network_[1], clf.network_[0].forward(clf.scaling_(X), clf.weights_)
    direct = gibbs._probabilities(fields)[0]
    np.testing.assert_allclose(direct.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(clf.predict_proba(X), direct, atol=1e-10)


@pytest.mark.parametrize(
    ("settings", "groups"),
    [
        ({"visible": "single"}, 1),
        ({"visible": "half", "n_qubits": 8}, 2),
        ({"visible": "all", "n_qubits": 5}, 2),
        ({"visible": "half", "n_qubits": 2}, 1),
    ],
)
def test_visible_qubits(settings, groups):
    assert fitted(epochs=1, entangled=False, **settings).network_[1].num_groups == groups


def test_it_learns():
    clf = BoltzmannClassifier(3, epochs=40, random_state=0).fit(X[::2], Y[::2])
    assert clf.score(X[1::2], Y[1::2]) > 0.9
    assert clf.without_entanglement().fit(X[::2], Y[::2]).score(X[1::2], Y[1::2]) > 0.85


def test_the_twin_takes_more_qubits_than_a_matrix_could_hold():
    assert fitted(n_qubits=40, visible="all", entangled=False).network_[1].num_groups == 20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_qubits": 1}, "3 classes take 2 visible qubits"),
        ({"n_qubits": 12}, "at most 10 of them, got 12"),
        ({"visible": "both"}, "visible"),
        ({"noise": NoiseModel(after_2q=depolarizing(0.1))}, "without a circuit: noise cannot apply"),
        ({"backend": NumbaBackend()}, "without a circuit: a backend cannot apply"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        fitted(**settings)


def test_nothing_runs_on_a_backend():
    clf = fitted(n_qubits=2)
    with pytest.raises(ValueError, match="a backend cannot apply"):
        clf.predict(X, backend=NumbaBackend())
    with pytest.raises(ValueError, match="nothing to run on a backend"):
        clf.plan(X)
