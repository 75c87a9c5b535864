"""Warm starts: meta-features against their formulas, and a table whose entries can be drawn."""

import re

import numpy as np
import optuna
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from qml import VariationalClassifier
from qml.search import QuantumSearchCV
from qml.search.evaluation import _Stored
from qml.search.families import draw, families_for
from qml.search.importance import parameter_importance
from qml.search.records import TrialRecord, pack_array, unpack_array
from qml.search.starts import META_FEATURES, first_parameters, meta_features, starts_table


def test_meta_features_against_their_formulas():
    X, y = load_iris(return_X_y=True)
    values = dict(zip(META_FEATURES, meta_features(X, y, "classification"), strict=True))
    assert values["log rows"] == pytest.approx(np.log10(150))
    assert values["log features"] == pytest.approx(np.log10(4))
    assert values["log classes"] == pytest.approx(np.log10(3))
    rows = np.random.default_rng(0).permutation(150)
    scaled = StandardScaler().fit_transform(X[rows])
    halves = []
    for first in (0, 1):
        model = LogisticRegression(max_iter=200).fit(scaled[first::2], y[rows][first::2])
        halves.append(balanced_accuracy_score(y[rows][1 - first :: 2], model.predict(scaled[1 - first :: 2])))
    assert values["linear score"] == pytest.approx(np.mean(halves))
    variances = np.linalg.svd(scaled, compute_uv=False) ** 2
    assert values["first components"] == pytest.approx(variances[:2].sum() / variances.sum())


def test_table_is_dated_and_can_be_drawn():
    table = starts_table()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", table["made"])
    assert table["command"].startswith("python -m benchmarks.search_starts")
    assert tuple(table["meta-features"]) == META_FEATURES
    families, _ = families_for("classification", None, classical=False, n_rows=100, n_features=100, seed=0)
    assert len(table["data sets"]) >= 6
    for entry in table["data sets"]:
        assert len(entry["meta-features"]) == len(META_FEATURES)
        assert np.isfinite(entry["meta-features"]).all()
        for winner in entry["winners"]:
            drawn = draw(_Stored(winner), "quantum", families, 100)
            drawn.estimator(0)


@pytest.mark.parametrize(
    ("task", "load"),
    [("classification", load_breast_cancer), ("classification", load_iris), ("regression", load_diabetes)],
)
def test_different_starts_that_suit_the_data(task, load):
    X, y = load(return_X_y=True)
    search = QuantumSearchCV(task, random_state=0)
    rules, _ = search._task(X, y, 0)
    starts = first_parameters(rules, task, warm=True)["quantum"]
    assert len(starts) == 10 if task == "classification" else 7 <= len(starts) <= 10
    assert len({repr(sorted(start.items())) for start in starts}) == len(starts)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for start in starts:
        study.enqueue_trial(start)
        trial = study.ask()  # warns, which is an error here, if a value is outside its space
        drawn = draw(trial, "quantum", rules.families, X.shape[1])
        assert drawn.family.name == start["model"]
        assert set(start) - set(trial.params) <= {f"{start['model']}.C"}  # of the classifier's space
        assert all(trial.params[name] == value for name, value in start.items() if name in trial.params)


def test_first_trials_are_the_starts():
    X, y = load_iris(return_X_y=True)
    model = VariationalClassifier(n_qubits=2, n_layers=1)
    search = QuantumSearchCV(
        n_trials=2, cv=2, models=[model], classical=False, random_state=0, warm_starts=False, pruner=None
    ).fit(X[::5], y[::5])
    rules, _ = search._task(X[::5], y[::5], 0)
    starts = first_parameters(rules, "classification", warm=False)["quantum"]
    assert starts[0]["VariationalClassifier.n_qubits"] == 2
    assert search.trials_[0].params == starts[0]


def records(values, scores, name="A.rate"):
    return [
        TrialRecord(number, "A", "quantum", "complete", score, (score,), (), {name: value}, 1.0, 1.0)
        for number, (value, score) in enumerate(zip(values, scores, strict=True))
    ]


def test_importance_of_what_decides_and_of_what_does_not():
    rng = np.random.default_rng(0)
    rates = rng.uniform(size=50)
    assert parameter_importance(records(rates, rates**3)) == {"rate": pytest.approx(1.0)}
    kinds = ["x", "y"] * 25
    decided = [1.0 if kind == "x" else 0.0 for kind in kinds]
    assert parameter_importance(records(kinds, decided))["rate"] == pytest.approx(1.0, abs=0.05)
    noise = [parameter_importance(records(kinds, rng.uniform(size=50)))["rate"] for _ in range(20)]
    assert np.mean(noise) < 0.05
    assert parameter_importance(records(kinds[:4], decided[:4])) == {}


def test_arrays_survive_packing():
    assert unpack_array(pack_array(np.arange(1000))).tolist() == list(range(1000))
    values = np.random.default_rng(0).normal(size=100)
    assert np.allclose(unpack_array(pack_array(values)), values, rtol=1e-6)
