"""Surrogates against statsmodels, the formulas of least squares, and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier

from qml import VariationalClassifier
from qml.explain import deletion_curves, linear_surrogate, retrained_stability, tree_surrogate
from qml.explain.surrogates import SurrogateError
from simulator.errors import UnknownNameError

statsmodels = pytest.importorskip("statsmodels.api")

EXACT = 1e-10

X, Y = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def clf():
    return VariationalClassifier(epochs=10, random_state=0).fit(X, Y)


def standardised(rows):
    return np.column_stack([np.ones(len(rows)), (rows - rows.mean(axis=0)) / rows.std(axis=0)])


def test_linear_surrogate_is_that_of_statsmodels_and_of_the_normal_equations(clf):
    surrogate = linear_surrogate(clf, X, output=2)
    matrix, values = standardised(X), clf.predict_proba(X)[:, 2]
    fit = statsmodels.OLS(values, matrix).fit()
    np.testing.assert_allclose(surrogate.coefficients, fit.params, atol=EXACT)
    np.testing.assert_allclose(surrogate.errors, fit.bse, atol=EXACT)
    np.testing.assert_allclose(surrogate.p_values, fit.pvalues, atol=EXACT)
    np.testing.assert_allclose(surrogate.intervals, fit.conf_int(), atol=EXACT)
    beta = np.linalg.solve(matrix.T @ matrix, matrix.T @ values)
    rest = values - matrix @ beta
    errors = np.sqrt(rest @ rest / (len(X) - 5) * np.diag(np.linalg.inv(matrix.T @ matrix)))
    np.testing.assert_allclose(surrogate.coefficients, beta, atol=EXACT)
    np.testing.assert_allclose(surrogate.errors, errors, atol=EXACT)
    assert surrogate.fidelity == pytest.approx(1 - rest @ rest / np.sum((values - values.mean()) ** 2))
    assert f"R^2 {surrogate.fidelity:.3f}" in str(surrogate)
    assert linear_surrogate(clf, X, output="2").output == "probability of 2"


def test_logistic_surrogate_is_that_of_statsmodels(clf):
    surrogate = linear_surrogate(clf, X, kind="logistic", output=1, level=0.9)
    chosen = (clf.predict(X) == 1).astype(float)
    fit = statsmodels.Logit(chosen, standardised(X)).fit(disp=0)
    np.testing.assert_allclose(surrogate.coefficients, fit.params, rtol=1e-6)
    np.testing.assert_allclose(surrogate.errors, fit.bse, rtol=1e-6)
    np.testing.assert_allclose(surrogate.p_values, fit.pvalues, rtol=1e-5)
    np.testing.assert_allclose(surrogate.intervals, fit.conf_int(alpha=0.1), rtol=1e-5, atol=1e-6)
    assert surrogate.fidelity == np.mean((fit.predict() > 0.5) == chosen)
    assert not surrogate.separation


def test_perfect_separation_is_said(clf):
    surrogate = linear_surrogate(clf, X, kind="logistic", output=0)
    assert surrogate.separation.startswith("perfect separation: a plane separates the predicted classes")
    assert np.isnan(surrogate.coefficients).all()
    assert "perfect separation" in str(surrogate)


def test_quasi_perfect_separation_is_said():
    rows = np.column_stack([[-2.0, -1, 0, 0, 1, 2], [0.3, 1, -1, 0.5, 0.2, -0.4]])

    class Threshold(LogisticRegression):
        def predict(self, Z):
            return np.where(Z[:, 0] == 0, (Z[:, 1] > 0).astype(int), (Z[:, 0] > 0).astype(int))

    model = Threshold().fit(rows[:, :2], [0, 0, 0, 1, 1, 1])
    surrogate = linear_surrogate(model, np.vstack([rows, [[0.0, 1.0], [0.0, -1.0]]]), kind="logistic")
    assert "perfect separation" in surrogate.separation  # some combination of both columns separates them
    flat = linear_surrogate(model, rows * [1, 0], kind="logistic")
    assert flat.separation  # one column, all of class 0 at 0 or below


def test_rows_on_the_plane_are_counted():
    x = np.array([-2.0, -1, 0, 0, 0, 1, 2])

    class Coin(LogisticRegression):
        def predict(self, Z):
            labels = (Z[:, 0] > 0).astype(int)
            labels[2::2] = 1 - labels[2::2] if len(Z) == 2 else labels[2::2]
            if len(Z) == 7:
                labels[3] = 1
            return labels

    model = Coin().fit(x[:, None], [0, 0, 0, 1, 0, 1, 1])
    surrogate = linear_surrogate(model, x[:, None], kind="logistic")
    assert surrogate.separation.startswith("quasi-perfect separation")
    assert "but for 3 rows on it" in surrogate.separation


def test_categories_are_compared_with_the_first():
    frame = pd.DataFrame({"size": X[:, 2], "place": np.array(["east", "north", "west"])[np.arange(150) % 3]})
    values = X[:, 2] + (frame["place"] == "west") * 0.5

    def function(rows):
        return rows["size"].to_numpy() + 0.5 * (rows["place"] == "west").to_numpy()

    surrogate = linear_surrogate(function, frame)
    assert surrogate.names == ("intercept", "size", "place=north", "place=west")
    np.testing.assert_allclose(surrogate.coefficients[1:], [X[:, 2].std(), 0, 0.5], atol=EXACT)
    assert surrogate.fidelity == pytest.approx(1.0)
    assert values.shape == (150,)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (X[::30], "5 coefficients and their errors need at least 6 rows, got 5"),
        (np.column_stack([X[:, :3], X[:, 0] + X[:, 1]]), "columns depend linearly on each other"),
        (np.ones((20, 4)), "the columns are the same in all 20 rows"),
    ],
)
def test_rows_that_do_not_determine_a_surrogate(rows, message):
    with pytest.raises(SurrogateError, match=message):
        linear_surrogate(lambda Z: Z @ [1.0, 2.0, 0.0, 1.0], rows)


def test_bad_arguments(clf):
    with pytest.raises(UnknownNameError, match="unknown output 'setosa'"):
        linear_surrogate(clf, X, output="setosa")
    with pytest.raises(ValueError, match="output expects a name or a number from 0 to 2"):
        linear_surrogate(clf, X, output=3)
    with pytest.raises(ValueError, match="describes the classes of a classifier"):
        linear_surrogate(lambda Z: Z[:, 0], X, kind="logistic")
    with pytest.raises(SurrogateError, match="is 1 for all rows: there is nothing to describe"):
        linear_surrogate(lambda Z: np.ones(len(Z)), X)
    with pytest.raises(SurrogateError, match="all of the 30 rows are predicted as 0"):
        linear_surrogate(clf, X[:30], kind="logistic", output=0)
    with pytest.raises(ValueError, match="level expects a number between 0 and 1"):
        linear_surrogate(clf, X, level=1.0)


def test_a_tree_imitates_the_predictions(clf):
    surrogate = tree_surrogate(clf, X, max_depth=2, random_state=0)
    labels = clf.predict(X)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    assert surrogate.fidelity == tree.fit(X, labels).score(X, labels)
    folds = KFold(5, shuffle=True, random_state=0)
    assert surrogate.held_out == pytest.approx(cross_val_score(tree, X, labels, cv=folds).mean())
    assert surrogate.rules.count("\n") <= 6
    with pytest.raises(SurrogateError, match="at least 10 rows, got 9"):
        tree_surrogate(clf, X[:9])
    with pytest.raises(SurrogateError, match="all 20 rows have the prediction"):
        tree_surrogate(clf, X[:20])


def test_features_of_a_group_are_named_after_it(clf):
    groups = {"sepal": [0, 1], "petal": [2, 3]}
    names = linear_surrogate(clf, X, output=2, groups=groups).names
    assert names[-4:] == ("sepal, 0", "sepal, 1", "petal, 0", "petal, 1")
    plain, grouped = (tree_surrogate(clf, X, groups=each, random_state=0) for each in (None, groups))
    assert (grouped.fidelity, grouped.held_out) == (plain.fidelity, plain.held_out)
    assert "petal, " in grouped.rules


def test_a_group_of_all_columns_explains_everything(clf):
    groups = {"flower": [0, 1, 2, 3]}
    curves = deletion_curves(clf, X[::10], X[:5], np.ones((5, 1, 3)), groups=groups, random_state=0)
    with pytest.raises(ValueError, match=r"shape \(5, 1, 3\), the last axis for .*, got \(5, 1\)"):
        deletion_curves(clf, X[::10], X[:5], np.ones((5, 1)), groups=groups)
    np.testing.assert_allclose(curves.deletion, [1, 0], atol=EXACT)
    stability = retrained_stability(clf, X, Y, X[:5], n_seeds=2, max_background=10, groups=groups)
    assert stability.importances.shape[-1] == 1
