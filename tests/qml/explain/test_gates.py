"""Shapley values of gates against brute force over orders, with circuits put together by hand."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from qml import QuantumKernelClassifier, QuantumModel, ReuploadingClassifier, VariationalClassifier
from qml.explain import entanglement_share, gate_importance
from simulator import Circuit, ParameterVector, Z
from simulator.errors import ParameterError

EXACT = 1e-12


@pytest.fixture(scope="module")
def small():
    """Circuit of six gates, of which the last two do nothing to the observable."""
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).cx(1, 0).ry(w[0], 0).rz(w[1], 0).rx(w[2], 1)
    rows = np.random.default_rng(0).normal(size=(15, 2))
    return QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0)]), rows, np.array([0.7, 1.1, 0.4])


def rotation(axis, angle):
    pauli = {"x": [[0, 1], [1, 0]], "y": [[0, -1j], [1j, 0]], "z": [[1, 0], [0, -1]]}[axis]
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * np.array(pauli)


def expectation(row, weights, present):
    """Expectation of Z on qubit 0 with some of the six gates, by matrices of NumPy."""
    cx = np.eye(4)[[0, 1, 3, 2]]  # control: bit 1, target: bit 0
    gates = [
        np.kron(np.eye(2), rotation("y", row[0])),
        np.kron(rotation("y", row[1]), np.eye(2)),
        cx,
        np.kron(np.eye(2), rotation("y", weights[0])),
        np.kron(np.eye(2), rotation("z", weights[1])),
        np.kron(rotation("x", weights[2]), np.eye(2)),
    ]
    state = np.eye(4)[0].astype(complex)
    for number in sorted(present):
        state = gates[number] @ state
    return (np.abs(state) ** 2) @ [1, -1, 1, -1]


def test_values_are_those_of_all_orders(small):
    model, rows, weights = small
    target = np.array([expectation(row, weights, range(6)) for row in rows])
    known = {}

    def quality(present):
        key = frozenset(present)
        if key not in known:
            outputs = np.array([expectation(row, weights, present) for row in rows])
            known[key] = 1 - np.sum((outputs - target) ** 2) / np.sum((target - target.mean()) ** 2)
        return known[key]

    expected = np.zeros(6)
    orders = list(itertools.permutations(range(6)))
    for order in orders:
        for place, gate in enumerate(order):
            expected[gate] += quality(order[: place + 1]) - quality(order[:place])
    importance = gate_importance(model, rows, weights=weights, by="gate")
    np.testing.assert_allclose(importance.values, expected / len(orders), atol=1e-11)
    assert importance.full == pytest.approx(1.0)
    assert importance.empty == pytest.approx(quality([]))
    assert importance.values[4] == importance.values[5] == 0.0, "gates that do nothing get exactly nothing"
    assert importance.names[2] == "2: cx(1, 0)"


def test_equal_gates_get_equal_shares():
    x, w = ParameterVector("x", 1), ParameterVector("w", 2)
    circuit = Circuit(1).ry(x[0], 0).ry(w[0], 0).ry(w[1], 0)
    model = QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0)])
    rows = np.random.default_rng(0).normal(size=(20, 1))
    importance = gate_importance(model, rows, weights=[0.4, 0.4], by="gate")
    assert importance.values[1] == pytest.approx(importance.values[2], abs=EXACT)
    assert importance.values[1] != 0


def test_layers_of_an_estimator():
    X, y = load_iris(return_X_y=True)
    clf = VariationalClassifier(n_layers=2, epochs=15, random_state=0).fit(X, y)
    importance = gate_importance(clf, X, y)
    assert importance.names == ("encoding", "rotations 1", "entangling 1", "rotations 2", "entangling 2")
    assert importance.full == clf.score(X, y)
    assert importance.values.sum() == pytest.approx(importance.full - importance.empty, abs=EXACT)
    entangling = [k for k, operation in enumerate(clf.circuit_.operations) if len(operation.qubits) == 2]
    without = gate_importance(clf, X, y, groups={"all": entangling})
    twin = clf.without_entanglement().fit(X, y)  # its network has no gates on two qubits: give it the trained weights
    twin.weights_ = clf.weights_
    assert without.empty == twin.score(X, y)


def test_a_pipeline_and_a_feature_map_with_entangling_gates():
    X, y = load_iris(return_X_y=True)
    clf = make_pipeline(StandardScaler(), VariationalClassifier("zz", n_layers=1, epochs=3, random_state=0)).fit(X, y)
    importance = gate_importance(clf, X)
    assert importance.names[0] == "encoding", "gates between those that encode are part of the feature map"
    assert len(importance.names) == 3
    assert importance.full == pytest.approx(1.0)


def test_many_layers_are_sampled():
    X, y = load_iris(return_X_y=True)
    clf = ReuploadingClassifier(n_layers=4, epochs=2, random_state=0).fit(X, y)
    importance = gate_importance(clf, X[::10], n_permutations=5, random_state=0)
    assert len(importance.names) > 10
    assert importance.errors is not None
    assert importance.values.sum() == pytest.approx(importance.full - importance.empty, abs=1e-10)
    again = gate_importance(clf, X[::10], n_permutations=5, random_state=0)
    assert np.array_equal(importance.values, again.values)
    with pytest.raises(ParameterError, match=r"of \d+ gates or layers; the limit is 12"):
        gate_importance(clf, X, by="gate", method="exact")


def test_bad_input(small):
    model, rows, weights = small
    X, y = load_iris(return_X_y=True)
    for classical in (LogisticRegression(max_iter=1000), QuantumKernelClassifier(random_state=0)):
        with pytest.raises(TypeError, match="expected a fitted estimator that trains a network with one circuit"):
            gate_importance(classical.fit(X[:100:10], y[:100:10]), X)
    with pytest.raises(ValueError, match=r"weights of shape \(3,\) are needed"):
        gate_importance(model, rows)
    with pytest.raises(ValueError, match="the same for all rows: there is nothing to divide"):
        gate_importance(model, rows[:1], weights=weights)
    with pytest.raises(ValueError, match=r"groups expects lists of different positions of the 6 operations"):
        gate_importance(model, rows, weights=weights, groups={"a": [7]})
    with pytest.raises(ValueError, match=r"y must have shape \(15, 1\)"):
        gate_importance(model, rows, np.zeros((15, 2)), weights=weights)


def test_share_of_entanglement():
    X, y = load_iris(return_X_y=True)
    clf = VariationalClassifier(n_layers=1, epochs=20, random_state=0).fit(X[::2], y[::2])
    share = entanglement_share(clf, X[::2], y[::2], X[1::2], y[1::2])
    twin = clf.without_entanglement().fit(X[::2], y[::2])
    assert (share.score, share.twin_score) == (clf.score(X[1::2], y[1::2]), twin.score(X[1::2], y[1::2]))
    outputs, twins = clf.predict_proba(X[1::2]), twin.predict_proba(X[1::2])
    expected = np.sum((outputs - twins) ** 2) / np.sum((outputs - outputs.mean(axis=0)) ** 2)
    assert share.output_share == pytest.approx(expected, abs=EXACT)
    assert share.agreement == np.mean(clf.predict(X[1::2]) == twin.predict(X[1::2]))
    assert not share.trained_on
    with pytest.raises(TypeError, match="no circuit that could do without entanglement"):
        entanglement_share(LogisticRegression(max_iter=1000).fit(X, y), X, y)
    with pytest.raises(ValueError, match="belong together"):
        entanglement_share(clf, X, y, X)
