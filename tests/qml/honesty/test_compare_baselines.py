"""Comparisons on tables whose truth is known: who is better, who is not, and who had less to work with."""

import os

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from qml import (
    FidelityKernel,
    KitchenSinksClassifier,
    KitchenSinksRegressor,
    QuantumKernelClassifier,
    QuantumKernelRegressor,
    VariationalClassifier,
    tabular_preprocessor,
)
from qml.datasets import ad_hoc
from qml.honesty import BaselineComparison, compare_baselines
from qml.honesty.baselines import compare_on_split, limited
from qml.honesty.evaluation import Contest, run_contest
from qml.honesty.opponents import Candidates, Opponent, Tuned, opponents
from qml.honesty.scores import choose_metrics
from qml.honesty.twins import circuit_inputs, twin_of
from simulator import get_num_threads, set_num_threads

QUICK = {"cv": 3, "repeats": 1, "candidates": 1, "random_state": 0}
SINKS = KitchenSinksClassifier(n_components=20)


def names(result):
    return [model.name for model in result.models]


@pytest.fixture(scope="module")
def flowers():
    return load_iris(return_X_y=True)


class TestKnownTruth:
    def test_labels_of_a_quantum_circuit_are_learnt_best_by_its_kernel(self):
        X, y = ad_hoc(n_samples=100, gap=0.3, random_state=1)
        kernel = QuantumKernelClassifier(FidelityKernel("zz"), scale_features=False, C=1e3, probability=False)
        result = compare_baselines(kernel, X, y, cv=5, repeats=1, candidates=2, random_state=0)
        assert result.mean(result.quantum) == 1.0
        assert result.mean(result.best()) < 0.9
        assert "a clear difference from every classical model" in result.verdict()
        assert "without the circuit" in result.verdict()
        assert "the circuit helps." in result.verdict()

    def test_smooth_functions_are_learnt_better_by_classical_models(self):
        rng = np.random.default_rng(0)
        X = rng.uniform(-2, 2, size=(120, 2))
        y = np.sin(2 * X[:, 0]) + X[:, 1] + rng.normal(0, 0.1, 120)
        result = compare_baselines(QuantumKernelRegressor(), X, y, cv=5, repeats=1, candidates=1, random_state=0)
        assert result.metrics.names[:2] == ("R²", "mean absolute error")
        assert "is 0.3" in result.verdict()
        assert ": a clear difference; all were trained on the same 96 rows in each of 5 splits" in result.verdict()
        assert "The quantum part adds nothing here." in result.verdict()

    def test_linear_boundary_is_learnt_equally_well(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(120, 3))
        y = (X @ [1, 2, -1] + rng.normal(0, 0.5, 120) > 0).astype(int)
        result = compare_baselines(KitchenSinksClassifier(n_components=50), X, y, **QUICK)
        assert "There is no evidence that the quantum part adds anything." in result.verdict()
        assert "entanglement adds nothing measurable" in result.verdict()
        assert "majority class" not in result.verdict()

    @pytest.mark.parametrize("seed", range(3))
    def test_labels_that_are_noise_give_no_difference(self, seed):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(60, 3)), rng.integers(2, size=60)
        result = compare_baselines(SINKS, X, y, **QUICK)
        assert not any(difference.clear for difference in result.differences)
        assert "not clearly better than the majority class" in result.verdict()
        assert "The quantum model overfits" in result.verdict()

    def test_uneven_classes(self):
        rng = np.random.default_rng(1)
        X = rng.normal(size=(120, 2))
        y = (X[:, 0] > 1.0).astype(int)
        result = compare_baselines(SINKS, X, y, **QUICK)
        assert result.metrics.names[:2] == ("balanced accuracy", "ROC AUC")
        assert result.mean(result.models[-1]) == pytest.approx(0.5)
        assert "points of balanced accuracy" in result.verdict()
        assert "by sign-flip test" in result.verdict()


class TestSameBudget:
    def test_everybody_gets_the_same_rows_and_candidates(self, flowers):
        X, y = flowers[0], (flowers[1] == 2).astype(int)
        result = compare_baselines(SINKS, X, y, cv=2, repeats=2, candidates=2, max_rows=50, random_state=0)
        assert result.num_splits == 4
        assert {tuple(model.train_rows) for model in result.models} == {(50,) * 4}
        assert {tuple(model.candidates) for model in result.role("classical", "readout")} == {(2,) * 4}
        assert "all were trained on the same 50 of 75 rows in each of 4 splits" in result.verdict()

    def test_opponents_see_the_rows_of_the_folds(self, flowers):
        X, y = flowers
        seen = []

        class Recorder(ClassifierMixin, BaseEstimator):
            def fit(self, X, y):
                self.classes_ = np.unique(y)
                seen.append(X)
                return self

            def predict(self, X):
                return np.zeros(len(X), int)

        result = compare_baselines(Recorder(), X, y, **QUICK)
        assert names(result)[0] == "quantum model"
        for rows, testing in zip(seen, result.test_rows, strict=True):
            np.testing.assert_array_equal(rows, np.delete(X, testing, axis=0))

    def test_grid_tunes_the_quantum_model_and_its_twin(self, flowers):
        X, y = flowers[0], (flowers[1] == 2).astype(int)
        grid = {"n_components": [5, 10, 20]}
        result = compare_baselines(SINKS, X[::2], y[::2], cv=2, repeats=1, candidates=3, grid=grid, random_state=0)
        assert result.quantum.candidates.tolist() == [3, 3]
        assert "and tuned over 3 candidates each" in result.verdict()

    def test_time_limit_is_told_if_it_cost_someone_candidates(self, flowers):
        X, y = flowers

        def slow_score(model, X, y):
            return model.score(X, y)

        tuned = Tuned(SVC(), Candidates([{"C": 3.0}, {"C": 4.0}]), 3, slow_score, stratify=True, seconds=1e-9)
        assert tuned.fit(X, y).num_tried_ == 1

    def test_tuning_finds_the_better_candidate(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(90, 2))
        y = (X[:, 0] * X[:, 1] > 0).astype(int)
        candidates = Candidates([{"kernel": "rbf"}])
        tuned = Tuned(SVC(kernel="linear"), candidates, 2, lambda m, X, y: m.score(X, y), stratify=True).fit(X, y)
        assert tuned.settings_ == {"kernel": "rbf"}
        assert tuned.model_.score(X, y) > 0.9

    def test_class_weights_reach_the_opponents(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(150, 2))
        y = (X[:, 0] + rng.normal(0, 1.0, 150) > 1.3).astype(int)
        rare = []
        for weight in (None, "balanced"):
            result = compare_baselines(clone(SINKS).set_params(class_weight=weight), X, y, **QUICK)
            opponent = next(model for model in result.models if model.name == "logistic regression")
            rare.append(sum(predictions.sum() for predictions in opponent.predictions))
        assert rare[1] > 1.5 * rare[0]

    def test_an_opponent_that_fails_is_missing(self, flowers):
        X, y = flowers
        y = (y == 2).astype(int)
        splits = [(np.arange(0, 150, 2), np.arange(1, 150, 2))]
        contest = Contest(X, y, splits, choose_metrics("classification", y), 1, None, 0)
        broken = Opponent("broken", SVC(C=-1.0), Candidates())
        linear = Opponent("linear", LogisticRegression(), Candidates())
        models, missing = run_contest(contest, SINKS, Candidates(), classical=[broken, linear])
        assert list(missing) == ["broken"]
        result = BaselineComparison.from_contest(contest, models, missing, num_rows=75, folds=1, repeats=1)
        assert "the broken is missing (The 'C' parameter of SVC must be" in result.verdict()
        assert "not compared: broken" in " ".join(str(result).split())

    def test_opponents_are_those_promised(self):
        for task, linear in (("classification", "logistic regression"), ("regression", "ridge regression")):
            few, many = ([o.name for o in opponents(task, 3, rows, 0)] for rows in (100, 5000))
            assert few == [linear, "RBF SVM", "neural network", "gradient boosting", "random forest"]
            assert many == few[:-1]
            for opponent in opponents(task, 3, 100, 0):
                tried = opponent.candidates.first(7, seed=1)
                assert len(tried) == 7
                for settings in tried:
                    clone(opponent.estimator).set_params(**settings)

    @pytest.mark.parametrize("task", ["classification", "regression"])
    def test_trees_see_the_best_of_very_many_features(self, task):
        """The same as selecting beforehand, by training rows only; constant columns are no obstacle."""
        rng = np.random.default_rng(0)
        X = rng.normal(size=(60, 700))
        X[:, 5] = 1.0
        y = X[:, 600] > 0 if task == "classification" else X[:, 600]
        by_name = {opponent.name: opponent for opponent in opponents(task, 700, 60, 0)}
        assert list(by_name)[1:] == [
            "RBF SVM", "neural network", "gradient boosting (500 best features)", "random forest (500 best features)",
        ]  # fmt: skip
        fitted = clone(by_name["random forest (500 best features)"].estimator).fit(X, y)
        steps = fitted if task == "classification" else fitted.regressor_
        selected = steps["selection"].get_support()
        score = np.abs([0.0 if column.std() == 0 else np.corrcoef(column, y)[0, 1] for column in X.T])
        assert set(np.flatnonzero(selected)) == set(np.argsort(-score)[:500])
        assert selected[600]
        assert not selected[5]


class TestEstimators:
    def test_pipelines_searches_and_their_twins(self, flowers):
        X, y = flowers
        search = GridSearchCV(make_pipeline(StandardScaler(), SINKS), {"kitchensinksclassifier__C": [0.1, 1.0]}, cv=2)
        twin = twin_of(search)
        assert twin.estimator[-1].entangled is False
        assert search.estimator[-1].entangled is True
        result = compare_baselines(search, X[::2], y[::2], **QUICK)
        assert names(result)[:3] == ["quantum model", "without entanglement", "without the circuit"]

    def test_the_readout_gets_what_the_circuit_gets(self, flowers):
        X, y = flowers
        model = make_pipeline(StandardScaler(), VariationalClassifier(n_layers=1, epochs=1)).fit(X, y)
        np.testing.assert_array_equal(circuit_inputs(model, X), model[-1].scaling_(model[0].transform(X)))

    def test_tables_with_text_go_through_the_pipeline(self):
        rng = np.random.default_rng(0)
        table = pd.DataFrame({"x": rng.normal(size=60), "color": rng.choice(["red", "blue"], 60)})
        y = np.where(table["color"] == "red", "warm", "cold")
        model = make_pipeline(tabular_preprocessor(), SINKS)
        result = compare_baselines(model, table, y, **QUICK)
        assert result.mean(result.best()) == 1.0
        with pytest.raises(ValueError, match="X holds text or empty cells, .* put the estimator in a pipeline"):
            compare_baselines(SINKS, table, y, **QUICK)

    def test_regression(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(80, 2))
        result = compare_baselines(KitchenSinksRegressor(n_components=10), X, X @ [1.0, 2.0], **QUICK)
        assert "ridge regression" in names(result)
        assert names(result)[-1] == "mean of the target"

    def test_same_seed_same_result_and_the_estimator_is_not_changed(self, flowers):
        X, y = flowers
        before = SINKS.get_params()
        first, second = (compare_baselines(SINKS, X[::3], y[::3], **QUICK).as_dict() for _ in range(2))
        for model in [*first["models"], *second["models"]]:
            del model["seconds"]
        assert first == second
        assert SINKS.get_params() == before
        assert not hasattr(SINKS, "classes_")

    def test_fitted_model_on_a_split(self, flowers):
        X, y = flowers
        split = np.arange(0, 150, 2), np.arange(1, 150, 2)
        fitted = clone(SINKS).set_params(random_state=0).fit(X[split[0]], y[split[0]])
        result = compare_on_split(fitted, 1.5, X, y, split, candidates=1)
        assert result.quantum.seconds.tolist() == [1.5]
        assert result.mean(result.quantum) == pytest.approx(fitted.score(X[split[1]], y[split[1]]))
        fewer = compare_on_split(fitted, 1.5, X, y, split, candidates=1, max_rows=30)
        assert {int(model.train_rows[0]) for model in fewer.models} == {30}
        assert fewer.quantum.seconds[0] != 1.5
        assert "all were trained on the same 30 of 75 rows" in fewer.verdict()

    def test_sampled_rows_keep_the_shares_of_classes(self):
        y = np.array([0] * 900 + [1] * 100)
        rows = limited("classification", y, np.arange(1000), 100, seed=0)
        assert np.bincount(y[rows]).tolist() == [90, 10]

    def test_the_many_fits_show_no_progress(self, flowers, capsys):
        X, y = flowers
        model = make_pipeline(
            StandardScaler(), VariationalClassifier(n_layers=1, epochs=2, random_state=0, verbose=True)
        )
        compare_baselines(model, X, y, cv=2, repeats=1, candidates=1, twin=False, random_state=0)
        assert capsys.readouterr().err == ""
        assert model[-1].verbose


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            ({"cv": 1}, ValueError, "cv expects an integer of 2 or more, got 1"),
            ({"cv": 60}, ValueError, "cv=60 needs 60 rows of each class, class 0 has 50: use fewer folds"),
            ({"repeats": 0}, ValueError, "repeats expects an integer of 1 or more"),
            ({"candidates": 0}, ValueError, "candidates expects an integer of 1 or more"),
            ({"max_rows": 3}, ValueError, "max_rows expects an integer of 10 or more"),
            ({"seconds": 0}, ValueError, "seconds expects a positive number"),
            ({"estimator": StandardScaler()}, TypeError, "expects a classifier or regressor, got a StandardScaler"),
            ({"estimator": "svm"}, TypeError, "expects a classifier or regressor such as VariationalClassifier"),
            ({"y": np.zeros(150)}, ValueError, "y holds one class only"),
            ({"y": np.zeros((150, 2))}, ValueError, "one target per row"),
            ({"y": np.arange(149)}, ValueError, r"X expects shape \(149, n_features\)"),
            ({"estimator": KitchenSinksRegressor(), "y": np.ones(150)}, ValueError, "y is always 1"),
            ({"estimator": KitchenSinksRegressor(), "y": np.full(150, np.nan)}, ValueError, "finite numbers"),
        ],
    )
    def test_refusals(self, flowers, arguments, error, words):
        X, y = flowers
        arguments = {"estimator": SINKS, "X": X, "y": y} | arguments
        with pytest.raises(error, match=words):
            compare_baselines(**arguments)


def test_all_models_use_one_thread():
    counts = []

    class Counting(LogisticRegression):
        def fit(self, X, y):
            counts.append(get_num_threads())
            return super().fit(X, y)

    set_num_threads(2)
    try:
        compare_baselines(Counting(max_iter=1000), *load_iris(return_X_y=True), **QUICK)
        assert get_num_threads() == min(2, os.cpu_count())
    finally:
        set_num_threads(None)
    assert set(counts) == {1}
