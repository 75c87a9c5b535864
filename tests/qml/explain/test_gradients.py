"""Saliency against central differences of the predictions, integrated gradients against numerical integration."""

import numpy as np
import pytest
from scipy.integrate import quad
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from qml import (
    DressedClassifier,
    QuantumKernelClassifier,
    ReuploadingRegressor,
    VariationalClassifier,
    VariationalRegressor,
)
from qml.explain import integrated_gradients, saliency
from qml.explain.gradients import _swept
from qml.explain.outputs import explained
from simulator import NoiseModel, depolarizing

STEP = 1e-6
NUMERICAL = 2e-8
COMPLETE = 1e-6

X, Y = load_iris(return_X_y=True)
PRODUCT = X[:, 0] * X[:, 1]
SHORT = {"epochs": 3, "random_state": 0}


def central_differences(function, rows):
    out = []
    for j in range(rows.shape[1]):
        shift = STEP * np.eye(rows.shape[1])[j]
        out.append((function(rows + shift) - function(rows - shift)) / (2 * STEP))
    return np.stack(out, axis=1)


MODELS = {
    "three classes": (VariationalClassifier(**SHORT), Y, "predict_proba"),
    "data function": (VariationalClassifier("zz", n_layers=1, **SHORT), Y, "predict_proba"),
    "amplitudes": (VariationalClassifier("amplitude", n_layers=1, **SHORT), Y, "predict_proba"),
    "decision values": (VariationalClassifier(loss="hinge", n_layers=1, **SHORT), Y, "decision_function"),
    "numbers": (VariationalRegressor(weight_decay=0.0, **SHORT), PRODUCT, "predict"),
    "several numbers": (VariationalRegressor(weight_decay=0.0, **SHORT), X[:, :2] * X[:, 2:], "predict"),
    "trained scales": (ReuploadingRegressor(n_layers=2, weight_decay=0.0, **SHORT), PRODUCT, "predict"),
    "dense layers": (DressedClassifier(n_layers=1, **SHORT), Y, "predict_proba"),
    "fewer qubits": (VariationalClassifier(n_qubits=2, n_layers=1, **SHORT), Y, "predict_proba"),
    "pipeline": (make_pipeline(StandardScaler(), PCA(3), VariationalClassifier(**SHORT)), Y, "predict_proba"),
}


@pytest.mark.parametrize("name", MODELS)
def test_derivatives_from_the_sweep(name):
    model, y, method = MODELS[name]
    model.fit(X, y)
    rows = X[::40]
    expected = central_differences(getattr(model, method), rows)
    function, _ = explained(model, rows)
    assert _swept(function, rows) is not None, "the sweep was not used"
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(saliency(model, rows), expected, atol=NUMERICAL * scale)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(max_iter=1000),
        QuantumKernelClassifier(random_state=0),
        VariationalClassifier(n_layers=1, noise=NoiseModel(after_2q=depolarizing(0.05)), epochs=2, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_derivatives_of_other_models(model):
    model.fit(X[:100], Y[:100])
    function = getattr(model, "predict_proba", getattr(model, "decision_function", None))
    expected = central_differences(lambda Z: function(Z) if function(Z).ndim == 1 else function(Z)[:, 1], X[:3])
    np.testing.assert_allclose(saliency(model, X[:3]), expected, atol=NUMERICAL)


def test_a_tree_is_constant_almost_everywhere():
    assert not saliency(DecisionTreeClassifier(random_state=0).fit(X, Y), X[:3] + 0.013).any()


def test_integrated_gradients_are_integrals_along_the_line():
    clf = VariationalClassifier(**SHORT).fit(X[:100], Y[:100])
    row, baseline = X[80], X[:100].mean(axis=0)

    def derivative(t, j):
        point = (baseline + t * (row - baseline))[None]
        return central_differences(lambda Z: clf.predict_proba(Z)[:, 1], point)[0, j]

    expected = [(row[j] - baseline[j]) * quad(derivative, 0, 1, args=(j,), epsabs=1e-10)[0] for j in range(4)]
    np.testing.assert_allclose(integrated_gradients(clf, X[:100], row[None])[0], expected, atol=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_integrated_gradients_are_complete(name):
    model, y, method = MODELS[name]
    model.fit(X, y)
    function = getattr(model, method)
    values = integrated_gradients(model, X, X[::40], n_steps=64)
    change = function(X[::40]) - function(X.mean(axis=0)[None])
    np.testing.assert_allclose(values.sum(axis=1), change, atol=COMPLETE * max(1.0, np.abs(change).max()))


def test_groups_are_sums_and_the_number_of_steps_is_checked():
    clf = VariationalClassifier(n_layers=1, **SHORT).fit(X, Y)
    alone = integrated_gradients(clf, X, X[:2])
    grouped = integrated_gradients(clf, X, X[:2], groups={"petal": [2, 3]})
    np.testing.assert_allclose(grouped, np.stack([alone[:, 0], alone[:, 1], alone[:, 2] + alone[:, 3]], axis=1))
    with pytest.raises(ValueError, match="n_steps expects an integer of 1 or more"):
        integrated_gradients(clf, X, X[:2], n_steps=0)
