"""Permutation importance and dependence against scikit-learn's own."""

import numpy as np
import pandas as pd
import pytest
from sklearn import inspection
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from qml import QuantumKernelRidge, VariationalClassifier
from qml.explain import partial_dependence, permutation_importance, shapley_values
from simulator.errors import UnknownNameError

EXACT = 1e-12

X, Y = load_iris(return_X_y=True)


@pytest.mark.parametrize(
    "model",
    [VariationalClassifier(epochs=5, random_state=0), RandomForestClassifier(5, random_state=0), QuantumKernelRidge()],
    ids=lambda model: type(model).__name__,
)
def test_numbers_are_those_of_scikit_learn(model):
    y = Y if hasattr(model, "decision_function") or hasattr(model, "predict_proba") else X[:, 0] * X[:, 1]
    model.fit(X, y)
    ours = permutation_importance(model, X, y, n_repeats=4, random_state=3)
    theirs = inspection.permutation_importance(model, X, y, n_repeats=4, random_state=3)
    np.testing.assert_allclose(ours.repeats, theirs.importances, atol=EXACT)
    np.testing.assert_allclose(ours.means, theirs.importances_mean, atol=EXACT)
    np.testing.assert_allclose(ours.deviations, theirs.importances_std, atol=EXACT)
    curves = partial_dependence(model, X, n_values=7)
    for j, curve in enumerate(curves):
        expected = inspection.partial_dependence(model, X, [j], kind="both", grid_resolution=7)
        np.testing.assert_allclose(curve.values, expected["grid_values"][0])
        np.testing.assert_allclose(curve.average, expected["average"], atol=EXACT)
        np.testing.assert_allclose(curve.individual, expected["individual"], atol=EXACT)


def test_without_targets_the_models_own_predictions_are_the_measure():
    clf = LogisticRegression(max_iter=1000).fit(X, Y)
    ours = permutation_importance(clf, X, n_repeats=3, random_state=0)
    theirs = inspection.permutation_importance(clf, X, clf.predict(X), n_repeats=3, random_state=0)
    np.testing.assert_allclose(ours.repeats, theirs.importances, atol=EXACT)
    assert ours.score == 1.0


def test_the_features_of_a_group_are_shuffled_together():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3))
    rows[:, 1] = rows[:, 0]

    def difference(Z):
        return Z[:, 0] - Z[:, 1] + Z[:, 2]

    alone = permutation_importance(difference, rows, random_state=0)
    together = permutation_importance(difference, rows, random_state=0, groups={"both": [0, 1]})
    assert alone.means[0] > 1
    assert together.names == ("both", "feature 2")
    np.testing.assert_allclose(together.means[0], 0, atol=1e-3)


@pytest.fixture(scope="module")
def mixed():
    """A data frame with words, and a classical pipeline for it."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(20, 70, 120),
            "job": rng.choice(["clerk", "doctor", "nurse"], 120),
            "member": rng.choice([True, False], 120),
        }
    )
    y = np.where(frame["age"] + 20 * (frame["job"] == "doctor") > 50, "yes", "no")
    encoder = make_column_transformer((OneHotEncoder(), ["job"]), (StandardScaler(), ["age", "member"]))
    return frame, y, make_pipeline(encoder, LogisticRegression()).fit(frame, y)


def test_data_frames_with_words(mixed):
    frame, y, model = mixed
    ours = permutation_importance(model, frame, y, n_repeats=3, random_state=0)
    theirs = inspection.permutation_importance(model, frame, y, n_repeats=3, random_state=0)
    np.testing.assert_allclose(ours.repeats, theirs.importances, atol=EXACT)
    (curve,) = partial_dependence(model, frame, ["job"])
    assert curve.values == ("clerk", "doctor", "nurse")
    for k, job in enumerate(curve.values):
        changed = frame.assign(job=job)
        np.testing.assert_allclose(curve.individual[0, :, k], model.predict_proba(changed)[:, 1], atol=EXACT)
    values = shapley_values(model, frame, frame[:3])
    expected = model.predict_proba(frame[:3])[:, 1] - model.predict_proba(frame)[:, 1].mean()
    np.testing.assert_allclose(values.sum(axis=1), expected, atol=EXACT)
    np.testing.assert_allclose(values[:, 2].std(), 0, atol=0.2)
    with pytest.raises(ValueError, match="column 'job' holds 'pilot', which the background does not"):
        shapley_values(model, frame, frame[:1].assign(job="pilot"))
    with pytest.raises(ValueError, match=r"lacks the columns \['member'\]"):
        shapley_values(model, frame, frame[["age", "job"]])
    with pytest.raises(ValueError, match="empty cells in column 'job'"):
        shapley_values(model, frame.assign(job=frame["job"].where(frame["age"] > 30)), frame[:1])


def test_bad_arguments(mixed):
    frame, y, model = mixed
    with pytest.raises(UnknownNameError, match="unknown column 'jobs'; did you mean 'job'"):
        partial_dependence(model, frame, ["jobs"])
    with pytest.raises(ValueError, match="y must have one entry per row: expected 120, got 3"):
        permutation_importance(model, frame, y[:3])
    with pytest.raises(ValueError, match="1 row cannot be shuffled"):
        permutation_importance(model, frame[:1])
    with pytest.raises(ValueError, match="is a group of 2 features"):
        partial_dependence(lambda Z: Z[:, 0], X, ["pair"], groups={"pair": [0, 1]})
