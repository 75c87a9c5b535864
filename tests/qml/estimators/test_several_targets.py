"""Several targets of a regressor, several labels of a classifier."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.datasets import load_linnerud, make_multilabel_classification
from sklearn.linear_model import Ridge
from sklearn.metrics import f1_score, log_loss, r2_score
from sklearn.neural_network import MLPClassifier

from qml import (
    DressedClassifier,
    NetworkRegressor,
    ReuploadingClassifier,
    VariationalClassifier,
    VariationalRegressor,
    load,
)
from qml.layers import Dense, Sequential
from qml.losses import BinaryCrossEntropy


@pytest.fixture(scope="module")
def curves():
    X = np.linspace(-1, 1, 60)[:, None]
    return X, np.hstack([np.sin(3 * X), 100 * X**2 + 7])


@pytest.fixture(scope="module")
def labels():
    return make_multilabel_classification(150, n_features=6, n_classes=3, random_state=1)


def test_a_regressor_learns_several_targets_of_any_scale(curves):
    X, Y = curves
    reg = VariationalRegressor(n_qubits=4, batch_size=16, random_state=0).fit(X, Y)
    assert reg.predict(X).shape == (60, 2)
    assert reg.score(X, Y) == pytest.approx(r2_score(Y, reg.predict(X)), abs=1e-12)
    assert (r2_score(Y, reg.predict(X), multioutput="raw_values") > 0.9).all()
    np.testing.assert_allclose(reg.target_mean_, Y.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(reg.target_scale_, Y.std(axis=0), rtol=1e-12)


def test_a_dense_network_of_several_targets_is_linear_regression():
    X, Y = load_linnerud(return_X_y=True)
    net = Sequential(Dense(3, 3))
    settings = {"optimizer": "l-bfgs-b", "learning_rate": None, "epochs": 500, "random_state": 0}
    reg = NetworkRegressor(net, **settings).fit(X, Y)
    np.testing.assert_allclose(reg.predict(X), Ridge(alpha=1e-10).fit(X, Y).predict(X), rtol=1e-4)


def test_one_column_is_a_target_with_two_dimensions(curves):
    X, Y = curves
    wide = VariationalRegressor(n_qubits=2, epochs=3, random_state=0).fit(X, Y[:, :1])
    flat = VariationalRegressor(n_qubits=2, epochs=3, random_state=0).fit(X, Y[:, 0])
    np.testing.assert_array_equal(wide.predict(X)[:, 0], flat.predict(X))


def test_model_files_keep_several_targets(curves, tmp_path):
    X, Y = curves
    reg = VariationalRegressor(n_qubits=2, epochs=3, random_state=0).fit(X, Y)
    reg.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(X), reg.predict(X))


def test_partial_fit_refuses_another_number_of_targets(curves):
    X, Y = curves
    reg = VariationalRegressor(n_qubits=2, random_state=0).partial_fit(X, Y)
    with pytest.raises(ValueError, match=r"y must have shape \(n_samples, 2\), as in the first call, got \(60,\)"):
        reg.partial_fit(X, Y[:, 0])


def test_labels_are_learnt_independently(labels):
    X, Y = labels
    clf = DressedClassifier(n_qubits=4, random_state=0).fit(X[:100], Y[:100])
    predicted = clf.predict(X[100:])
    assert predicted.shape == (50, 3)
    assert set(np.unique(predicted)) <= {0, 1}
    peer = MLPClassifier((16,), max_iter=400, tol=0.01, random_state=0).fit(X[:100], Y[:100])
    ours, theirs = (f1_score(Y[100:], values, average="micro") for values in (predicted, peer.predict(X[100:])))
    assert ours > theirs - 0.1
    probabilities = clf.predict_proba(X[100:])
    np.testing.assert_array_equal(probabilities, expit(clf.decision_function(X[100:])))
    np.testing.assert_array_equal(probabilities > 0.5, predicted == 1)


def test_the_loss_of_labels_is_scikit_learns_mean(labels):
    _, Y = labels
    outputs = np.random.default_rng(0).normal(size=Y.shape)
    expected = np.mean([log_loss(Y[:, k], expit(outputs[:, k])) for k in range(3)])
    assert BinaryCrossEntropy().value(outputs, Y).mean() == pytest.approx(expected, abs=1e-12)


def test_model_files_keep_labels(labels, tmp_path):
    X, Y = labels
    clf = VariationalClassifier(n_qubits=2, epochs=2, loss="mse", random_state=0).fit(X, Y)
    clf.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(X), clf.predict(X))
    refitted = clf.fit(X, Y[:, 0])
    assert refitted.predict(X).shape == (150,)


@pytest.mark.parametrize(
    ("clf", "message"),
    [
        (VariationalClassifier(loss="hinge"), "several labels per sample need loss='cross_entropy' or 'mse', got"),
        (ReuploadingClassifier(loss="fidelity"), "several labels per sample need loss="),
        (VariationalClassifier(class_weight="balanced"), "class_weight is for one class per sample"),
    ],
)
def test_what_labels_do_not_go_with(labels, clf, message):
    with pytest.raises(ValueError, match=message):
        clf.fit(*labels)
