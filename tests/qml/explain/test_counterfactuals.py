"""Counterfactuals against closed forms and exhaustive search."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from qml import VariationalClassifier
from qml.explain import counterfactual
from simulator.errors import UnknownNameError

X, Y = load_iris(return_X_y=True)
NEAR = 1e-3


def test_distance_to_a_plane():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3)) * [1.0, 5.0, 0.2]
    clf = LogisticRegression(max_iter=1000).fit(rows, rows @ [1.0, 0.2, 4.0] > 0)
    weights = clf.coef_[0] * rows.std(axis=0)
    for row in rows[:10]:
        nearest = counterfactual(clf, rows, row)
        expected = abs(clf.decision_function([row])[0]) / np.linalg.norm(weights)
        assert nearest.distance == pytest.approx(expected, rel=NEAR)
        assert clf.predict([nearest.row])[0] == nearest.after != nearest.before


def test_a_quantum_model_against_a_fine_grid():
    two = Y > 0
    rows, y = X[two][:, 2:], Y[two]
    clf = VariationalClassifier(n_layers=2, epochs=20, random_state=0).fit(rows, y)
    scales = rows.std(axis=0)
    axes = [np.linspace(low, high, 401) for low, high in zip(rows.min(axis=0), rows.max(axis=0), strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    labels = clf.predict(grid)
    step = np.linalg.norm([(axis[1] - axis[0]) / scale for axis, scale in zip(axes, scales, strict=True)])
    for row in rows[[0, 30, 60, 99]]:
        nearest = counterfactual(clf, rows, row)
        other = grid[labels != clf.predict([row])[0]]
        best = np.linalg.norm((other - row) / scales, axis=1).min()
        assert best - step <= nearest.distance <= best + NEAR
        assert np.all((nearest.row >= rows.min(axis=0)) & (nearest.row <= rows.max(axis=0)))


def test_a_tree_changes_few_columns():
    clf = DecisionTreeClassifier(random_state=0).fit(X, Y)
    nearest = counterfactual(clf, X, X[0])
    assert len(nearest.changes) == 1
    assert clf.predict([nearest.row])[0] != 0


def test_fixed_columns_and_targets():
    clf = LogisticRegression(max_iter=1000).fit(X, Y)
    nearest = counterfactual(clf, X, X[0], target=2, fixed=["feature 2", 0])
    assert nearest is None or (nearest.row[[0, 2]] == X[0, [0, 2]]).all()
    free = counterfactual(clf, X, X[0], target=2)
    assert free.after == 2
    assert free.distance >= counterfactual(clf, X, X[0]).distance
    assert counterfactual(clf, X, X[0], fixed=[0, 1, 2, 3]) is None
    with pytest.raises(UnknownNameError, match="unknown class 7"):
        counterfactual(clf, X, X[0], target=7)
    with pytest.raises(ValueError, match="predicted as 0 already"):
        counterfactual(clf, X, X[0], target=0)
    with pytest.raises(UnknownNameError, match="unknown column 'feature 9'"):
        counterfactual(clf, X, X[0], fixed=["feature 9"])
    with pytest.raises(ValueError, match="fixed expects names or numbers from 0 to 3, got 4"):
        counterfactual(clf, X, X[0], fixed=[4])
    with pytest.raises(ValueError, match="x must be one row, got 2"):
        counterfactual(clf, X, X[:2])


def test_a_number_to_be_reached():
    model = LinearRegression().fit(X[:, :2], X[:, 2])
    row = X[0, :2]
    target = model.predict([row])[0] + 0.5
    nearest = counterfactual(model, X[:, :2], row, target=target)
    expected = 0.5 / np.linalg.norm(model.coef_ * X[:, :2].std(axis=0))
    assert nearest.distance == pytest.approx(expected, rel=NEAR)
    assert nearest.after == pytest.approx(target, abs=1e-5)
    with pytest.raises(ValueError, match="needs one output and target=, the prediction to reach"):
        counterfactual(model, X[:, :2], row)


def test_categories_and_counts_stay_what_they_are():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "income": rng.normal(3000, 500, 150),
            "job": rng.choice(["clerk", "doctor", "nurse"], 150),
            "debts": rng.integers(0, 5, 150),
        }
    )

    def score(rows):
        jobs = rows["job"].map({"clerk": 0.0, "doctor": 1.0, "nurse": 0.3}).to_numpy(float)
        return (rows["income"].to_numpy() - 3000) / 500 + jobs - 0.7 * rows["debts"].to_numpy() + 0.5

    class Rule(LogisticRegression):
        def predict(self, rows):
            return (score(rows) > 0).astype(int)

        def predict_proba(self, rows):
            p = 1 / (1 + np.exp(-score(rows)))
            return np.column_stack([1 - p, p])

    rule = Rule()
    rule.classes_, rule.coef_ = np.array([0, 1]), np.zeros((1, 3))
    deviation, counts = frame["income"].std(ddof=0), frame["debts"].std(ddof=0)
    for number in (0, 5, 9, 12):
        row = frame.iloc[[number]]
        nearest = counterfactual(rule, frame, row)
        best = np.inf
        for job, debts in itertools.product(["clerk", "doctor", "nurse"], range(5)):
            changed = row.assign(job=job, debts=debts)
            missing = -score(changed)[0] * 500
            if (score(changed)[0] > 0) != (score(row)[0] > 0):
                missing = 0.0
            if not frame["income"].min() <= row["income"].iloc[0] + missing <= frame["income"].max():
                continue
            parts = [missing / deviation, float(job != row["job"].iloc[0]), (debts - row["debts"].iloc[0]) / counts]
            best = min(best, float(np.linalg.norm(parts)))
        assert nearest.row[2] == round(nearest.row[2])
        assert best - 1e-9 <= nearest.distance <= best * 1.3 + NEAR, "a local optimum, but a good one"
