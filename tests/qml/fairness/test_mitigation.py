"""Mitigation by Fairlearn around the classifiers of this library and of scikit-learn."""

import sys

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import qml
from qml.cli.estimators import _available
from qml.fairness import mitigate
from qml.fairness.report import LabelsError
from simulator.errors import UnknownNameError

PARITY = 0.02


def people(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    sex = rng.integers(2, size=n_rows)
    X = rng.normal(size=(n_rows, 2)) + sex[:, None] * [0.8, 0.0]
    return X, (X[:, 0] + 0.3 * rng.normal(size=n_rows) > 0.4).astype(int), np.where(sex == 1, "m", "f")


def people_with_proxy(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    sex = rng.integers(2, size=n_rows)
    X = np.column_stack([rng.normal(size=n_rows) + 0.8 * sex, sex + 0.3 * rng.normal(size=n_rows)])
    return X, (X[:, 0] + 0.3 * rng.normal(size=n_rows) > 0.4).astype(int), np.where(sex == 1, "m", "f")


X, Y, SEX = people(400)
QUICK = {"epochs": 3, "random_state": 0}
SETTINGS = {
    "BoltzmannClassifier": QUICK | {"n_layers": 1},
    "CircuitCentricClassifier": QUICK,
    "ConvolutionalClassifier": QUICK,
    "DressedClassifier": QUICK,
    "KitchenSinksClassifier": {"random_state": 0},
    "MetricLearningClassifier": QUICK,
    "QuantumGaussianProcessClassifier": {"random_state": 0},
    "QuantumKernelClassifier": {"random_state": 0},
    "ReuploadingClassifier": QUICK | {"n_layers": 2},
    "TreeTensorClassifier": QUICK,
    "VariationalClassifier": QUICK | {"n_layers": 1},
}


def classifier(name):
    settings = SETTINGS[name]
    kind = getattr(qml, name)
    return kind(**{key: value for key, value in settings.items() if key in kind().get_params()})


def test_every_classifier_for_tables_is_mitigated():
    others = {
        "QuanvolutionClassifier",
        "ReservoirClassifier",
        "NetworkClassifier",
    }  # of images, of series, of a network
    assert {name for name in _available() if name.endswith("Classifier")} - others == set(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_both_methods_around_every_classifier(name):
    model = classifier(name)
    model.fit(X[:80], Y[:80])
    result = mitigate(model, X, Y, {"sex": SEX}, random_state=0)
    expected = demographic_parity_difference(Y, result.model.predict(X, {"sex": SEX}), sensitive_features=SEX)
    assert expected < PARITY
    assert result.after["sex"].gaps["demographic parity difference"].value == pytest.approx(expected)
    trained = mitigate(model, X[:80], Y[:80], SEX[:80], method="training", max_iter=1)
    assert set(trained.model.predict(X)) <= {0, 1}


@pytest.fixture(scope="module")
def variational():
    return qml.VariationalClassifier(n_layers=1, epochs=10, random_state=0).fit(X, Y)


class TestThresholds:
    def test_parity_is_reached_and_is_fairlearns(self, variational):
        result = mitigate(variational, X, Y, {"sex": SEX})
        assert result.before["sex"].gaps["demographic parity difference"].value > 0.2
        assert result.after["sex"].gaps["demographic parity difference"].value < PARITY
        theirs = ThresholdOptimizer(
            estimator=variational, constraints="demographic_parity", prefit=True, predict_method="predict_proba"
        ).fit(X, Y, sensitive_features=SEX)
        np.testing.assert_array_equal(
            result.model.predict(X, SEX, random_state=5), theirs.predict(X, sensitive_features=SEX, random_state=5)
        )

    def test_the_price_is_the_loss_of_accuracy(self, variational):
        X_test, y_test, sex_test = people(300, 1)
        result = mitigate(variational, X, Y, {"sex": SEX}, test=(X_test, y_test, {"sex": sex_test}))
        before = (variational.predict(X_test) == y_test).mean()
        after = (result.model.predict(X_test, {"sex": sex_test}) == y_test).mean()
        assert result.price.mean == pytest.approx(before - after)
        low, high = result.price.interval
        assert low < result.price.mean < high
        assert result.tested
        text = str(result)
        assert f"Accuracy falls by {before - after:.3f}" in text
        assert "in many places that is not lawful" in " ".join(text.split())
        assert result.as_dict()["price"]["value"] == result.price.mean

    def test_equalised_odds_and_words_as_labels(self, variational):
        words = np.array(["refused", "granted"])[Y]
        model = LogisticRegression().fit(X, words)
        result = mitigate(model, X, words, SEX, constraint="equalized-odds", positive="granted")
        predicted = result.model.predict(X, SEX)
        assert set(predicted) == {"refused", "granted"}
        gap = equalized_odds_difference(words == "granted", predicted == "granted", sensitive_features=SEX)
        assert gap < 0.08
        assert result.after.positive == "granted"
        assert list(result.model.classes_) == ["refused", "granted"]

    def test_scores_without_probabilities(self):
        model = LinearSVC().fit(X, Y)
        result = mitigate(model, X, Y, SEX)
        assert result.after.columns[0].gaps["demographic parity difference"].value < PARITY

    def test_it_needs_the_attribute_to_predict(self, variational):
        result = mitigate(variational, X, Y, SEX)
        with pytest.raises(ValueError, match="thresholds differ by group: predict needs sensitive="):
            result.model.predict(X)

    def test_a_figure(self, variational, tmp_path):
        pytest.importorskip("matplotlib")
        result = mitigate(variational, X, Y, SEX)
        assert len(result.plot(tmp_path / "mitigation.png").axes) == 1
        assert (tmp_path / "mitigation.png").stat().st_size > 5000
        assert "the same that mitigation saw" in str(result)


class TestTraining:
    def test_parity_without_the_attribute_at_prediction(self):
        model = qml.VariationalClassifier(n_layers=1, epochs=5, random_state=0).fit(X, Y)
        result = mitigate(model, X, Y, {"sex": SEX}, method="training", max_iter=5)
        predicted = result.model.predict(X)
        assert abs(demographic_parity_difference(Y, predicted, sensitive_features=SEX)) < 0.06
        assert not result.model.needs_sensitive
        assert result.price.mean > 0

    @pytest.mark.parametrize(
        "model",
        [
            make_pipeline(StandardScaler(), LogisticRegression()),
            qml.KitchenSinksClassifier(random_state=0),
            qml.MetricLearningClassifier(epochs=2, random_state=0),
        ],
        ids=lambda model: type(model).__name__,
    )
    def test_with_weights_or_with_rows_drawn_by_weight(self, model):
        rows = slice(0, 150)
        model.fit(X[rows], Y[rows])
        result = mitigate(model, X[rows], Y[rows], SEX[rows], method="training", max_iter=2)
        before, after = (
            report.columns[0].gaps["demographic parity difference"].value for report in (result.before, result.after)
        )
        assert set(result.model.predict(X)) == {0, 1}
        if hasattr(model, "steps"):
            assert after < before

    @pytest.mark.parametrize(
        ("model", "n_rows"),
        [
            (LogisticRegression(), 2000),
            (qml.VariationalClassifier(n_layers=2, epochs=20, random_state=0), 1000),
            (qml.QuantumKernelClassifier(random_state=0), 400),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_synthetic_parity_within_two_per_cent(self, model, n_rows):
        """A second feature tells the sex, so that a classifier can make up for it: parity costs, but not everything."""
        X, y, sex = people_with_proxy(n_rows)
        X_test, y_test, sex_test = people_with_proxy(2000, 1)
        model.fit(X, y)
        result = mitigate(
            model, X, y, sex, method="training", tolerance=0.005, test=(X_test, y_test, sex_test), random_state=0
        )
        probability = result.model.predict_proba(X)[:, 1]
        gap = abs(probability[sex == "m"].mean() - probability[sex == "f"].mean())
        assert gap <= PARITY
        assert result.parity.seen == pytest.approx(gap)
        before = demographic_parity_difference(y_test, model.predict(X_test), sensitive_features=sex_test)
        after = demographic_parity_difference(y_test, result.model.predict(X_test), sensitive_features=sex_test)
        assert before > 0.25
        assert after < before / 3
        assert 0 < result.price.mean < 0.2
        assert result.price.interval[0] > 0
        assert result.price.mean == pytest.approx(
            (model.predict(X_test) == y_test).mean() - (result.model.predict(X_test) == y_test).mean()
        )

    def test_probabilities_are_those_of_the_mixture(self):
        model = qml.VariationalClassifier(n_layers=1, epochs=5, random_state=0).fit(X, Y)
        result = mitigate(model, X, Y, SEX, method="training", max_iter=3)
        mixture = result.model.mitigator_
        parts = zip(mixture.weights_, mixture.predictors_, strict=True)
        expected = sum(weight * np.asarray(part.predict(X)) for weight, part in parts if weight)
        np.testing.assert_allclose(result.model.predict_proba(X), np.column_stack([1 - expected, expected]), atol=1e-12)
        certain = (expected < 1e-9) | (expected > 1 - 1e-9)
        assert result.parity.random == pytest.approx(1 - certain.mean())

    def test_a_goal_that_is_not_met_is_told(self):
        """One feature, which tells the sex, and a model that hardly learns: nothing can be mixed but what it gives."""
        model = qml.VariationalClassifier(n_layers=1, epochs=1, random_state=0).fit(X, Y)
        result = mitigate(model, X, Y, SEX, method="training", max_iter=1, tolerance=0.3)
        assert result.parity.seen > PARITY
        text = " ".join(str(result).split())
        assert f"the selection rates of groups differ by {result.parity.seen:.3f}" in text
        assert "That is more than 0.02: the classifiers that were trained cannot be mixed" in text

    @pytest.mark.parametrize(
        "constraint", ["equalized_odds", "true_positive_rate_parity", "false_positive_rate_parity"]
    )
    def test_parity_of_other_constraints(self, variational, constraint):
        result = mitigate(variational, X, Y, SEX, constraint=constraint)
        probability = result.model.predict_proba(X, SEX)[:, 1]
        rates = [[probability[(label == Y) & (sex == SEX)].mean() for sex in "fm"] for label in (0, 1)]
        gaps = np.abs(np.diff(rates, axis=1)).ravel()
        expected = {
            "equalized_odds": gaps.max(), "true_positive_rate_parity": gaps[1],
            "false_positive_rate_parity": gaps[0],
        }  # fmt: skip
        assert result.parity.seen == pytest.approx(expected[constraint])
        assert result.as_dict()["parity"]["tested"] is None


def test_bad_input(variational):
    with pytest.raises(UnknownNameError, match="unknown constraint 'demographic_party'; did you mean"):
        mitigate(variational, X, Y, SEX, constraint="demographic_party")
    with pytest.raises(UnknownNameError, match="unknown method 'threshold'; did you mean 'thresholds'"):
        mitigate(variational, X, Y, SEX, method="threshold")
    with pytest.raises(LabelsError, match="mitigation needs two classes, got 3"):
        mitigate(variational, X, np.arange(400) % 3, SEX)
    with pytest.raises(LabelsError, match="positive=5 is not one of the classes 0 and 1"):
        mitigate(variational, X, Y, SEX, positive=5)


def test_without_fairlearn_it_says_what_to_install(variational, monkeypatch):
    monkeypatch.setitem(sys.modules, "fairlearn", None)
    with pytest.raises(ImportError, match=r"mitigate needs the extra \[fairness\]: pip install 'qumba\[fairness\]'"):
        mitigate(variational, X, Y, SEX)
