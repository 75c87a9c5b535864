"""Rates and gaps of groups, compared with Fairlearn and with counting by hand."""

import json

import fairlearn.metrics as fm
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from qml import QuantumKernelClassifier, VariationalClassifier
from qml.fairness import fairness_of_predictions, fairness_report
from qml.fairness.groups import SensitiveError, intersection, quartiles, read_groups
from qml.fairness.report import LabelsError
from qml.tables import Column, Schema, TableModel

EXACT = 1e-12
RATES = {
    "selection rate": fm.selection_rate,
    "accuracy": lambda y, p, sample_weight=None: np.average(np.asarray(y) == np.asarray(p), weights=sample_weight),
    "true positive rate": fm.true_positive_rate,
    "false positive rate": fm.false_positive_rate,
    "target rate": lambda y, p, sample_weight=None: np.average(np.asarray(y), weights=sample_weight),
}
GAPS = {
    "demographic parity difference": fm.demographic_parity_difference,
    "demographic parity ratio": fm.demographic_parity_ratio,
    "equalised odds difference": fm.equalized_odds_difference,
    "equal opportunity difference": fm.equal_opportunity_difference,
}


def people(seed, n_rows=400, shift=0.8):
    """Features, labels and two sensitive columns on which both depend."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n_rows)
    age = rng.choice(["young", "old", "older"], n_rows, p=[0.5, 0.3, 0.2])
    X = rng.normal(size=(n_rows, 3)) + shift * (sex == "m")[:, None] * [1.0, 0.0, 0.0]
    y = (X[:, 0] + 0.5 * rng.normal(size=n_rows) + 0.3 * (age == "old") > 0.4).astype(int)
    return X, y, pd.DataFrame({"sex": sex, "age": age})


@pytest.fixture(scope="module")
def case():
    X, y, sensitive = people(0)
    model = LogisticRegression().fit(X[:100], y[:100])
    return model, X[100:], y[100:], sensitive.iloc[100:]


class TestAgainstFairlearn:
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("names", [["sex"], ["age"], ["sex", "age"]])
    def test_every_rate_of_every_group(self, case, weighted, names):
        model, X, y, sensitive = case
        weight = np.random.default_rng(1).exponential(size=len(y)) if weighted else None
        report = fairness_report(model, X, y, sensitive[names], sample_weight=weight, n_resamples=10)
        options = {} if weight is None else {"sample_params": {name: {"sample_weight": weight} for name in RATES}}
        for column, used in zip(report.columns, [[name] for name in names] + [names] * (len(names) > 1), strict=True):
            frame = fm.MetricFrame(
                metrics=RATES, y_true=y, y_pred=model.predict(X), sensitive_features=sensitive[used], **options
            )
            for number, label in enumerate(column.labels):
                key = tuple(label.split(", ")) if len(used) > 1 else label
                for rate in RATES:
                    assert abs(column.rates[rate][number].value - frame.by_group.loc[key, rate]) < EXACT
            for rate in RATES:
                assert abs(report.overall[rate].value - frame.overall[rate]) < EXACT

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("name", ["sex", "age"])
    def test_every_gap(self, case, weighted, name):
        model, X, y, sensitive = case
        weight = np.random.default_rng(2).exponential(size=len(y)) if weighted else None
        report = fairness_report(model, X, y, sensitive[name], sample_weight=weight, n_resamples=10)
        for gap, fairlearns in GAPS.items():
            expected = fairlearns(y, model.predict(X), sensitive_features=sensitive[name], sample_weight=weight)
            assert abs(report[name].gaps[gap].value - expected) < EXACT

    def test_precision_and_calibration_by_hand(self, case):
        model, X, y, sensitive = case
        report = fairness_report(model, X, y, sensitive["sex"], n_resamples=10)
        probability, predicted = model.predict_proba(X)[:, 1], model.predict(X)
        for number, label in enumerate(["f", "m"]):
            rows = (sensitive["sex"] == label).to_numpy()
            rates = {name: values[number].value for name, values in report["sex"].rates.items()}
            assert abs(rates["precision"] - y[rows & (predicted == 1)].mean()) < EXACT
            assert abs(rates["mean probability"] - probability[rows].mean()) < EXACT
            assert abs(rates["probability excess"] - (probability[rows].mean() - y[rows].mean())) < EXACT
            error = 0.0
            for low in np.arange(10) / 10:
                inside = rows & (probability >= low) & (probability < low + 0.1)
                error += abs((probability[inside] - y[inside]).sum())
            assert abs(rates["calibration error"] - error / rows.sum()) < EXACT
        assert report["sex"].counts == tuple((sensitive["sex"] == label).sum() for label in ("f", "m"))


class TestIntervals:
    def test_they_cover_what_is_true(self):
        truth = {"f": (0.5, 0.6, 0.2), "m": (0.35, 0.75, 0.45)}
        expected = {
            "true positive rate": [truth[group][1] for group in "fm"],
            "selection rate": [b * t + (1 - b) * f for b, t, f in truth.values()],
            "target rate": [b for b, _, _ in truth.values()],
        }
        gap = abs(expected["selection rate"][0] - expected["selection rate"][1])
        rng = np.random.default_rng(3)
        covered = dict.fromkeys([*expected, "gap"], 0)
        repeats = 300
        for repeat in range(repeats):
            sex = rng.choice(["f", "m"], 500)
            base, tpr, fpr = (np.array([truth[group][k] for group in sex]) for k in range(3))
            y = rng.random(500) < base
            predicted = rng.random(500) < np.where(y, tpr, fpr)
            report = fairness_of_predictions(y, predicted, {"sex": sex}, n_resamples=200, random_state=repeat)["sex"]
            for name, values in expected.items():
                covered[name] += sum(
                    rate.low <= value <= rate.high for rate, value in zip(report.rates[name], values, strict=True)
                )
            difference = report.gaps["demographic parity difference"]
            covered["gap"] += difference.low <= gap <= difference.high
        for name, count in covered.items():
            assert abs(count / (repeats if name == "gap" else 2 * repeats) - 0.95) < 0.03, name

    def test_equal_groups_are_rarely_called_different(self):
        """With five groups, the pair that is furthest apart is chosen by looking, which the interval allows for."""
        rng = np.random.default_rng(4)
        clear = 0
        for repeat in range(200):
            group = rng.integers(5, size=400)
            y, predicted = rng.random((2, 400)) < 0.4
            report = fairness_of_predictions(y, predicted, group, n_resamples=100, random_state=repeat)
            clear += report.columns[0].gaps["demographic parity difference"].low > 0
        assert clear / 200 < 0.08

    def test_three_rows_prove_nothing(self):
        y, predicted = np.array([0, 1, 0, 1, 0, 1]), np.array([1, 1, 1, 0, 0, 0])
        gaps = fairness_of_predictions(y, predicted, list("aaabbb")).columns[0].gaps
        assert gaps["demographic parity difference"].value == 1.0
        assert gaps["demographic parity difference"].low < 0.3
        assert gaps["demographic parity ratio"].high > 0.5

    def test_resamples_are_weighted(self):
        rng = np.random.default_rng(5)
        y, predicted = rng.integers(2, size=(2, 200))
        weight = np.where(predicted == 1, 5.0, 1.0)
        report = fairness_of_predictions(y, predicted, rng.integers(2, size=200), sample_weight=weight)
        for rate in report.columns[0].rates["selection rate"]:
            assert 0.6 < rate.low < rate.value < rate.high

    def test_a_rate_of_zero_is_not_certain(self):
        y, predicted = np.array([0, 1] * 20), np.array([0, 0] * 10 + [0, 1] * 10)
        report = fairness_of_predictions(y, predicted, ["a"] * 20 + ["b"] * 20)
        rate = report.columns[0].rates["selection rate"][0]
        z = 1.959963984540054
        assert (rate.value, rate.low) == (0.0, 0.0)
        assert rate.high == pytest.approx(z**2 / (20 + z**2))
        certain = report.columns[0].rates["accuracy"][1]
        assert (certain.value, certain.high) == (1.0, 1.0)
        assert certain.low == pytest.approx(20 / (20 + z**2))

    def test_the_same_seed_gives_the_same_intervals(self, case):
        model, X, y, sensitive = case
        one, two, other = (fairness_report(model, X, y, sensitive, random_state=seed).as_dict() for seed in (0, 0, 1))
        assert one == two != other
        _, X, y, sensitive = case
        reports = [
            fairness_of_predictions(y, X[:, 0] > 0, sensitive["sex"], level=level, random_state=0)
            for level in (0.5, 0.9)
        ]
        half, most = (report.columns[0].rates["selection rate"][0] for report in reports)
        assert half.value == most.value
        assert most.low < half.low < half.high < most.high
        with pytest.raises(ValueError, match="level expects a probability between 0 and 1, got 95"):
            fairness_report(model, X, y, sensitive, level=95)


class TestReport:
    def test_text_and_data(self, case):
        report = fairness_report(*case)
        text = str(report)
        assert "LogisticRegression, 300 rows. Selected means: predicted 1." in text
        assert "sex x age" in text
        assert "% of m and" in text
        assert "arXiv:1609.05807" in text
        data = json.loads(json.dumps(report.as_dict(), allow_nan=False))
        assert data["columns"]["sex"]["groups"][0]["group"] == "f"
        assert max(map(len, text.splitlines())) <= 120
        with pytest.raises(KeyError, match="no column 'city', expected one of sex, age, sex x age"):
            report["city"]

    def test_a_figure(self, case, tmp_path):
        pytest.importorskip("matplotlib")
        figure = fairness_report(*case).plot(tmp_path / "fairness.png")
        assert len(figure.axes) == 12
        assert (tmp_path / "fairness.png").stat().st_size > 5000

    def test_small_groups_are_named(self):
        rng = np.random.default_rng(0)
        y, predicted = rng.integers(2, size=(2, 60))
        report = fairness_of_predictions(y, predicted, ["a"] * 55 + ["b"] * 5)
        assert "sensitive: b has 5 rows, fewer than 10: its rates say next to nothing" in report.warnings

    def test_undefined_rates_are_left_out_and_named(self):
        y, predicted = np.array([0, 1] * 20), np.array([0, 1, 1, 0] * 10)
        y[20:] = 0
        report = fairness_of_predictions(y, predicted, ["a"] * 20 + ["b"] * 20)
        column = report.columns[0]
        assert np.isnan(column.rates["true positive rate"][1].value)
        assert np.isnan(column.gaps["equal opportunity difference"].value)
        assert np.isfinite(column.gaps["equalised odds difference"].value)  # that of the false positive rates
        assert "true positive rate undefined in some groups" in " ".join(report.warnings)
        assert report.as_dict()["columns"]["sensitive"]["gaps"]["equal opportunity difference"]["value"] is None
        str(report)

    def test_the_positive_class(self, case):
        _, X, y, sensitive = case
        words = np.array(["no", "yes"])
        named = LogisticRegression().fit(X, words[y])
        ones = fairness_report(named, X, words[y], sensitive["sex"], n_resamples=10)
        zeros = fairness_report(named, X, words[y], sensitive["sex"], positive="no", n_resamples=10)
        assert (ones.positive, zeros.positive) == ("yes", "no")
        for one, zero in zip(*(report["sex"].rates["selection rate"] for report in (ones, zeros)), strict=True):
            assert one.value + zero.value == pytest.approx(1)
        for one, zero in zip(*(report["sex"].rates["mean probability"] for report in (ones, zeros)), strict=True):
            assert one.value + zero.value == pytest.approx(1)

    def test_more_classes_need_a_positive_one(self):
        rng = np.random.default_rng(0)
        y, predicted = rng.integers(3, size=(2, 60))
        groups = rng.integers(2, size=60)
        with pytest.raises(LabelsError, match=r"expected two classes, got 3 \(0, 1, 2\): choose by positive="):
            fairness_of_predictions(y, predicted, groups)
        report = fairness_of_predictions(y, predicted, groups, positive=2)
        assert report.overall["selection rate"].value == pytest.approx((predicted == 2).mean())
        with pytest.raises(LabelsError, match="positive=7 is not one of the classes 0, 1, 2"):
            fairness_of_predictions(y, predicted, groups, positive=7)
        with pytest.raises(LabelsError, match="all labels and predictions are 1"):
            fairness_of_predictions(np.ones(9), np.ones(9), groups[:9])
        with pytest.raises(ValueError, match="expected a prediction for each of 60 rows, got 3"):
            fairness_of_predictions(y, [0, 1, 1], groups)

    def test_quantum_models_and_tables(self):
        X, y, sensitive = people(1, 80)
        kernel = QuantumKernelClassifier(random_state=0).fit(X, y)
        report = fairness_report(kernel, X, y, sensitive["sex"], n_resamples=20)
        assert report.model == "QuantumKernelClassifier"
        model = VariationalClassifier(n_layers=1, epochs=2, random_state=0).fit(X, y)
        schema = Schema("y", tuple(Column(name, "number", 0.0) for name in "abc"), sensitive=("sex",))
        frame = pd.DataFrame(X, columns=list("abc")).assign(sex=sensitive["sex"])
        table = fairness_report(TableModel(model, schema), frame, y, "sex", n_resamples=20)
        assert table.as_dict() == fairness_report(model, X, y, {"sex": sensitive["sex"]}, n_resamples=20).as_dict()
        assert table.warnings == ()
        coarse = fairness_report(TableModel(model, schema), frame, y, {"a": X[:, 0] > 0}, n_resamples=20)
        assert coarse.warnings[0] == "a is a feature of the model"


class TestSensitiveColumns:
    def test_every_way_of_giving_them(self):
        _, _, frame = people(2, 50)
        for given in (frame, {"sex": list(frame["sex"]), "age": frame["age"]}, frame.to_numpy()):
            columns = read_groups(given, None, 50)
            assert [column.labels for column in columns] == [("f", "m"), ("old", "older", "young")]
        for given in ("sex", ["sex"]):
            assert read_groups(given, frame, 50)[0].name == "sex"
        assert read_groups(frame["sex"], None, 50)[0].name == "sex"
        assert read_groups(list(frame["sex"]), None, 50)[0].name == "sensitive"

    def test_intersections_are_those_of_pandas(self):
        _, _, frame = people(2, 50)
        both = intersection(read_groups(frame, None, 50))
        counts = frame.groupby(["sex", "age"]).size()
        assert dict(zip(both.labels, both.counts.tolist(), strict=True)) == {
            ", ".join(key): count for key, count in counts.items()
        }

    def test_numbers_as_labels_keep_their_column(self):
        both = intersection(read_groups({"sex": [1, 2, 1, 2], "age": ["a", "b", "b", "a"]}, None, 4))
        assert both.labels == ("sex 1, a", "sex 1, b", "sex 2, a", "sex 2, b")

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (["a", None, "b"], "city is empty in 1 row: leave these rows out"),
            ([1.0, np.nan, np.nan], "city is empty in 2 rows"),
            (["a", "a", "a"], r"city has one value only \('a'\): there are no groups to compare"),
            (["a", "b"], "city: expected a value for each of 3 rows, got 2"),
        ],
    )
    def test_unsuitable_columns(self, values, message):
        with pytest.raises(SensitiveError, match=message):
            read_groups({"city": values}, None, 3)

    def test_too_many_values(self):
        with pytest.raises(SensitiveError, match="age has 30 values, more than 20: cut it into groups first"):
            read_groups({"age": range(30)}, None, 30)

    def test_a_name_that_is_not_there(self):
        frame = pd.DataFrame({"sex": ["f", "m"], "age": [1, 2]})
        with pytest.raises(SensitiveError, match="the table has no column 'sexx'; did you mean 'sex'"):
            read_groups("sexx", frame, 2)
        with pytest.raises(SensitiveError, match="'sex' names a column, but X has no names"):
            read_groups("sex", np.zeros((2, 2)), 2)

    def test_quartiles(self):
        labels = quartiles(np.arange(1.0, 101.0))
        assert sorted(set(labels)) == ["1 to 25", "26 to 50", "51 to 75", "76 to 100"]
        assert labels[24:26] == ["1 to 25", "26 to 50"]


def test_groups_that_are_treated_exactly_alike_are_not_set_against_themselves():
    y, groups = np.arange(40) // 2 % 2, np.arange(40) % 2
    text = str(fairness_of_predictions(y, np.zeros(40, int), groups, n_resamples=10))
    assert "sensitive: 0 % of each group is selected" in text
    quantity = str(fairness_of_predictions(y, np.full(40, 0.5), groups, task="regression", n_resamples=10))
    text = " ".join(quantity.split())
    assert "the mean prediction is the same, a difference of 0" in text
    assert "predictions are alike: mean residuals differ by 0" in text
    assert "Predictions are equally accurate: mean absolute errors differ by 0" in text


@pytest.mark.parametrize("sensitive", [None, 5])
def test_something_else_than_groups(sensitive):
    with pytest.raises(SensitiveError, match=f"sensitive expects names of columns, .*, got {sensitive}"):
        fairness_of_predictions([0, 1], [0, 1], sensitive)
