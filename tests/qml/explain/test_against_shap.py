"""Shapley values and plots against shap, whose import alone takes seconds."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from qml import VariationalClassifier
from qml.explain import explain, shapley_values

pytestmark = pytest.mark.slow

EXACT = 1e-12


@pytest.fixture(scope="module")
def shap():
    return pytest.importorskip("shap")


@pytest.mark.parametrize("count", [4, 8])
def test_values_are_those_of_the_exact_explainer(shap, count):
    rng = np.random.default_rng(count)
    background, rows = rng.normal(size=(12, count)), rng.normal(size=(2, count))
    mixing = rng.normal(size=(count, count))

    def function(X):
        return np.sin(X @ mixing).prod(axis=1) + X[:, 0]

    masker = shap.maskers.Independent(background, max_samples=len(background))
    expected = shap.explainers.Exact(function, masker)(rows, max_evals=1 << count, silent=True).values
    np.testing.assert_allclose(shapley_values(function, background, rows), expected, atol=EXACT)


def test_values_of_a_quantum_model_are_those_of_shap(shap):
    X, y = load_iris(return_X_y=True)
    clf = VariationalClassifier(epochs=5, random_state=0).fit(X, y)
    background, rows = X[::10], X[[0, 60, 120]]
    masker = shap.maskers.Independent(background, max_samples=len(background))
    expected = shap.explainers.Exact(clf.predict_proba, masker)(rows, silent=True).values
    np.testing.assert_allclose(shapley_values(clf, background, rows), expected, atol=EXACT)


def test_the_plots_of_shap_take_an_explanation(shap):
    from matplotlib.figure import Figure

    X, y = load_iris(return_X_y=True)
    clf = VariationalClassifier(epochs=2, n_layers=1, random_state=0).fit(X, y)
    explanation = explain(clf, X, X[:4], random_state=0)
    values = explanation.to_shap()
    np.testing.assert_allclose(values.values.sum(axis=1) + values.base_values, clf.predict_proba(X[:4]).max(axis=1))
    import matplotlib.pyplot as plt

    plt.figure()  # shap draws into the current one, which may be another test's
    axes = shap.plots.bar(values, show=False)
    assert isinstance(axes.figure, Figure)
    assert next(label.get_text() for label in axes.get_yticklabels()).startswith("feature")
    plt.close("all")
