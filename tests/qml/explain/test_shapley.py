"""Shapley values against brute force over orders, coded here, and their axioms."""

import itertools
import math

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC

from qml import QuantumKernelClassifier, VariationalClassifier, VariationalRegressor
from qml.explain import deletion_curves, shapley_values
from qml.explain.coalitions import coalition_values, exact_shapley, permutation_shapley
from simulator.errors import ParameterError

EXACT = 1e-12


def brute_force(function, background, row):
    """Mean over all orders of what each feature adds to those before it."""
    count = len(row)
    out = np.zeros(count)
    for order in itertools.permutations(range(count)):
        rows = background.copy()
        before = function(rows).mean()
        for feature in order:
            rows[:, feature] = row[feature]
            after = function(rows).mean()
            out[feature] += after - before
            before = after
    return out / math.factorial(count)


def wavy(X):
    return np.sin(X[:, 0]) * X[:, 1] + X[:, 2] ** 2 * X[:, 3] - X[:, 0] * X[:, 1] * X[:, 2]


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X, y, VariationalClassifier(epochs=10, random_state=0).fit(X, y)


def test_values_are_those_of_all_orders():
    rng = np.random.default_rng(0)
    background, rows = rng.normal(size=(7, 4)), rng.normal(size=(3, 4))
    expected = [brute_force(wavy, background, row) for row in rows]
    np.testing.assert_allclose(shapley_values(wavy, background, rows), expected, atol=EXACT)


def test_a_quantum_model_with_several_classes(iris):
    X, _, clf = iris
    background, rows = X[::25], X[[0, 70]]
    values = shapley_values(clf, background, rows)
    assert values.shape == (2, 4, 3)
    for k in range(3):
        expected = [brute_force(lambda Z: clf.predict_proba(Z)[:, k], background, row) for row in rows]  # noqa: B023
        np.testing.assert_allclose(values[:, :, k], expected, atol=EXACT)
    efficiency = clf.predict_proba(rows) - clf.predict_proba(background).mean(axis=0)
    np.testing.assert_allclose(values.sum(axis=1), efficiency, atol=EXACT)


def test_two_classes_and_numbers_have_no_axis_of_outputs(iris):
    X, y, _ = iris
    two = y < 2
    clf = VariationalClassifier(epochs=3, random_state=0).fit(X[two], np.where(y[two] == 1, "b", "a"))
    reg = VariationalRegressor(epochs=3, weight_decay=0.0, random_state=0).fit(X, X[:, 0] * X[:, 1])
    for model, function in ((clf, lambda Z: clf.predict_proba(Z)[:, 1]), (reg, reg.predict)):
        expected = brute_force(function, X[::30], X[3])
        np.testing.assert_allclose(shapley_values(model, X[::30], X[3:4]), [expected], atol=EXACT)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(max_iter=1000),
        SVC(),
        VariationalClassifier(loss="hinge", epochs=2, random_state=0),
        QuantumKernelClassifier(random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_whatever_the_model_gives_is_explained(model, iris):
    X, y, _ = iris
    model.fit(X, y)
    function = model.predict_proba if hasattr(model, "predict_proba") else model.decision_function
    values = shapley_values(model, X[::30], X[:1])
    np.testing.assert_allclose(values.sum(axis=1), function(X[:1]) - function(X[::30]).mean(axis=0), atol=1e-9)


def test_a_linear_model_has_the_known_values():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 5))
    model = LinearRegression().fit(X, X @ [3.0, -2.0, 0.0, 1.0, 0.5])
    expected = model.coef_ * (X[:4] - X.mean(axis=0))
    np.testing.assert_allclose(shapley_values(model, X, X[:4]), expected, atol=EXACT)


def test_random_orders_are_unbiased_with_honest_errors():
    rng = np.random.default_rng(2)
    background, row = rng.normal(size=(5, 4)), rng.normal(size=(1, 4))
    expected = brute_force(wavy, background, row[0])
    scores = []
    for seed in range(40):
        values, errors = shapley_values(
            wavy, background, row, method="permutations", n_permutations=20, random_state=seed, errors=True
        )
        assert values.sum() == pytest.approx(wavy(row)[0] - wavy(background).mean(), abs=EXACT)
        scores.append((values - expected)[0] / errors[0])
    assert np.mean(np.abs(scores) < 2) > 0.88  # 95 % for a normal distribution, 94 % for 19 degrees of freedom
    assert np.abs(np.mean(scores, axis=0)).max() < 4 / np.sqrt(40)


def test_more_than_twelve_columns_are_sampled_and_groups_are_exact():
    rng = np.random.default_rng(3)
    X, weights = rng.normal(size=(10, 15)), rng.normal(size=15)

    def linear(Z):
        return Z @ weights

    expected = weights * (X[:2] - X.mean(axis=0))
    values, errors = shapley_values(linear, X, X[:2], random_state=0, errors=True)
    np.testing.assert_allclose(values, expected, atol=EXACT)  # linear: each order gives the same
    assert errors.shape == values.shape
    with pytest.raises(ParameterError, match=r"all 2\^15 sets of 15 columns; the limit is 12 columns"):
        shapley_values(linear, X, X[:2], method="exact")
    groups = {"first": range(10), "second": range(10, 15)}
    grouped = shapley_values(linear, X, X[:2], method="exact", groups=groups)
    np.testing.assert_allclose(grouped, [[row[:10].sum(), row[10:].sum()] for row in expected], atol=EXACT)


def test_one_background_row_is_a_baseline():
    values = shapley_values(wavy, np.zeros((1, 4)), [[1.0, 2.0, 0.5, 0.0]])
    np.testing.assert_allclose(
        values[0], brute_force(wavy, np.zeros((1, 4)), np.array([1.0, 2.0, 0.5, 0.0])), atol=EXACT
    )


def test_all_sets_are_evaluated_once_and_in_pieces():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 10))
    clf = VariationalClassifier(n_qubits=4, epochs=2, random_state=0).fit(X, X[:, 0] > 0)
    calls = []
    model = clf.predict_proba

    def counted(Z):
        calls.append(len(Z))
        return model(Z)[:, 1]

    shapley_values(counted, X, X[:1])
    assert sum(calls) == 2**10 * 100 + 2 * 3 + 1 + 100  # all sets, the check of the model, the row, the background
    assert max(calls) <= 1 << 15  # so that memory is bounded


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[0], r"background must have shape \(n_rows, n_features\)"),
        (lambda X: X[:, :3], r"must have shape \(n_rows, 4\)"),
        (lambda X: np.where(X > 6, np.nan, X), "the background contains NaN or infinity, first at"),
        (lambda X: X[:0], "with at least 1 row"),
        (lambda X: X.astype(str) + "cm", "expects numbers, or a data frame"),
    ],
)
def test_bad_backgrounds(iris, change, message):
    X, _, clf = iris
    with pytest.raises(ValueError, match=message):
        shapley_values(clf, change(X), X[:1])


def test_bad_models(iris):
    X, _, clf = iris
    with pytest.raises(NotFittedError, match="call fit before explaining it"):
        shapley_values(VariationalClassifier(), X, X[:1])
    with pytest.raises(TypeError, match="expected a fitted classifier or regressor, .*got dict"):
        shapley_values({}, X, X[:1])
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="different outputs for the same rows"):
        shapley_values(lambda Z: rng.normal(size=len(Z)), X, X[:1])
    with pytest.raises(ValueError, match=r"groups expects lists of different numbers from 0 to 3"):
        shapley_values(clf, X, X[:1], groups={"a": [0, 1], "b": [1]})
    with pytest.raises(ValueError, match="n_permutations expects an integer of 2 or more"):
        shapley_values(clf, X, X[:1], n_permutations=1)
    with pytest.raises(ValueError, match=r"X must have shape \(n_rows, 4\)"):
        shapley_values(clf, X, X[0])


def test_a_backend_needs_a_seed(iris):
    qiskit_aer = pytest.importorskip("qiskit_aer")
    from simulator.qiskit_backend import QiskitBackend

    X, y, _ = iris
    backend = QiskitBackend(qiskit_aer.AerSimulator(), shots=100)
    clf = VariationalClassifier(n_layers=1, epochs=2, random_state=0).fit(X, y).set_params(backend=backend)
    with pytest.raises(ValueError, match="drawn without a seed.*give the backend a seed"):
        shapley_values(clf, X[:2], X[:1])


def test_deletion_curves_are_means_over_the_background():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    rows = X[:4]

    def function(Z):
        return 3 * Z[:, 0] + Z[:, 1]

    values = shapley_values(function, X, rows)
    curves = deletion_curves(function, X, rows, values, n_random=50, random_state=0)
    expected = np.zeros(4)
    for phi in values:
        sign = np.sign(phi.sum())
        removed = np.cumsum([0.0, *sorted(sign * phi, reverse=True)])
        expected += sign * phi.sum() - removed
    np.testing.assert_allclose(curves.deletion, expected / np.abs(values.sum(axis=1)).sum(), atol=EXACT)
    np.testing.assert_allclose(curves.deletion[[0, -1]], [1, 0], atol=EXACT)
    np.testing.assert_allclose(curves.insertion[[0, -1]], [0, 1], atol=EXACT)
    assert curves.better_than_random
    wrong = deletion_curves(function, X, rows, -values, random_state=0)
    assert not wrong.better_than_random
    with pytest.raises(ValueError, match=r"attributions must have shape \(4, 3, 1\) or \(4, 3\), got \(4, 2\)"):
        deletion_curves(function, X, rows, values[:, :2])


def test_weights_of_exact_values_add_up():
    for count in range(1, 9):
        values = np.random.default_rng(count).normal(size=(1 << count, 2))
        shares = exact_shapley(values)
        np.testing.assert_allclose(shares.sum(axis=0), values[-1] - values[0], atol=EXACT)


def test_an_estimate_of_a_symmetric_game_is_symmetric():
    values, errors = permutation_shapley(
        lambda masks: masks.sum(axis=1)[:, None] ** 2.0, 5, 10, np.random.default_rng(0)
    )
    np.testing.assert_allclose(values, 5.0)  # 25 / 5: exact, since an order and its reverse cancel pairs
    np.testing.assert_allclose(errors, 0.0, atol=EXACT)


def test_coalitions_are_composed_in_pieces():
    rng = np.random.default_rng(0)
    background, row = rng.normal(size=(20000, 2)), np.array([1.0, 2.0])
    known = np.array([[False, False], [True, False], [True, True]])
    values = coalition_values(lambda Z: Z[:, :1] + Z[:, 1:], background, row, known)
    means = background.mean(axis=0)
    np.testing.assert_allclose(values[:, 0], [means.sum(), 1 + means[1], 3.0], atol=EXACT)


def test_a_forest(iris):
    X, _, _ = iris
    model = RandomForestRegressor(5, random_state=0).fit(X, X[:, 0])
    expected = brute_force(model.predict, X[::50], X[1])
    np.testing.assert_allclose(shapley_values(model, X[::50], X[1:2])[0], expected, atol=EXACT)
