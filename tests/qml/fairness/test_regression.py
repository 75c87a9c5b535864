"""Comparison of groups for predicted quantities, against Fairlearn's MetricFrame with scikit-learn's metrics."""

import json

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as fm
from scipy.stats import norm
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from qml import VariationalRegressor
from qml.fairness import data_report, fairness_of_predictions, fairness_report
from qml.fairness.estimates import Estimate
from qml.fairness.report import LabelsError
from qml.tables import Column, Schema, TableModel
from simulator.errors import UnknownNameError

EXACT = 1e-10


def weighted_mean(y, predicted, sample_weight=None):
    return np.average(predicted, weights=sample_weight)


METRICS = {
    "mean target": lambda y, p, sample_weight=None: np.average(y, weights=sample_weight),
    "mean prediction": weighted_mean,
    "mean residual": lambda y, p, sample_weight=None: np.average(y - p, weights=sample_weight),
    "mean absolute error": mean_absolute_error,
    "RMSE": lambda y, p, sample_weight=None: np.sqrt(mean_squared_error(y, p, sample_weight=sample_weight)),
    "R2": r2_score,
}
DIFFERENCES = {
    "mean target difference": "mean target",
    "mean prediction difference": "mean prediction",
    "mean residual difference": "mean residual",
    "mean absolute error difference": "mean absolute error",
    "RMSE difference": "RMSE",
    "R2 difference": "R2",
}


def wages(seed=0, n_rows=400, mean=3000.0):
    """Features, wages and two sensitive columns on which both depend."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n_rows)
    age = rng.choice(["young", "old", "older"], n_rows, p=[0.5, 0.3, 0.2])
    X = rng.normal(size=(n_rows, 3))
    y = mean + 200 * X[:, 0] - 80 * (sex == "f") + 60 * rng.normal(size=n_rows) * (1 + (age == "old"))
    return X, y, pd.DataFrame({"sex": sex, "age": age})


@pytest.fixture(scope="module")
def case():
    X, y, sensitive = wages()
    return LinearRegression().fit(X[:100], y[:100]), X[100:], y[100:], sensitive.iloc[100:]


class TestAgainstFairlearn:
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("names", [["sex"], ["age"], ["sex", "age"]])
    def test_every_number_of_every_group(self, case, weighted, names):
        model, X, y, sensitive = case
        weight = np.random.default_rng(1).exponential(size=len(y)) if weighted else None
        report = fairness_report(model, X, y, sensitive[names], sample_weight=weight, n_resamples=10)
        options = {} if weight is None else {"sample_params": {name: {"sample_weight": weight} for name in METRICS}}
        for column, used in zip(report.columns, [[name] for name in names] + [names] * (len(names) > 1), strict=True):
            frame = fm.MetricFrame(
                metrics=METRICS, y_true=y, y_pred=model.predict(X), sensitive_features=sensitive[used], **options
            )
            for number, label in enumerate(column.labels):
                key = tuple(label.split(", ")) if len(used) > 1 else label
                for name in METRICS:
                    expected = frame.by_group.loc[key, name]
                    assert column.rates[name][number].value == pytest.approx(expected, rel=EXACT, abs=EXACT)
            for name in METRICS:
                assert report.overall[name].value == pytest.approx(frame.overall[name], rel=EXACT, abs=EXACT)
            for gap, name in DIFFERENCES.items():
                assert column.gaps[gap].value == pytest.approx(frame.difference()[name], rel=EXACT, abs=EXACT)
            ratio = frame.ratio()["mean absolute error"]
            assert column.gaps["mean absolute error ratio"].value == pytest.approx(ratio, rel=EXACT)

    def test_targets_far_from_zero(self):
        """Squares of 1e6 would leave a variance of 1 only four digits."""
        rng = np.random.default_rng(0)
        y = 1e6 + rng.normal(size=200)
        p, sex = y + 0.5 * rng.normal(size=200), rng.choice(["f", "m"], 200)
        report = fairness_of_predictions(y, p, {"sex": sex}, task="regression", n_resamples=10)
        for number, label in enumerate("fm"):
            expected = r2_score(y[sex == label], p[sex == label])
            assert report["sex"].rates["R2"][number].value == pytest.approx(expected, rel=1e-9)


class TestIntervals:
    def test_they_cover_what_is_true(self):
        truth = {"f": (4.0, 0.5, 1.0), "m": (5.0, -0.2, 2.0)}  # mean target, mean residual, spread of residuals
        expected = {
            "mean target": [truth[group][0] for group in "fm"],
            "mean residual": [truth[group][1] for group in "fm"],
            "RMSE": [np.hypot(bias, spread) for _, bias, spread in truth.values()],
            "mean absolute error": [
                spread * np.sqrt(2 / np.pi) * np.exp(-(bias**2) / (2 * spread**2))
                + bias * (1 - 2 * norm.cdf(-bias / spread))
                for _, bias, spread in truth.values()
            ],
        }
        gap = truth["f"][1] - truth["m"][1]
        rng = np.random.default_rng(3)
        repeats = 300
        covered = dict.fromkeys([*expected, "gap"], 0)
        for repeat in range(repeats):
            sex = rng.choice(["f", "m"], 300)
            mean, bias, spread = (np.array([truth[group][k] for group in sex]) for k in range(3))
            y = mean + rng.normal(size=300)
            p = y - bias - spread * rng.normal(size=300)
            report = fairness_of_predictions(
                y, p, {"sex": sex}, task="regression", n_resamples=200, random_state=repeat
            )
            for name, values in expected.items():
                covered[name] += sum(
                    rate.low <= value <= rate.high
                    for rate, value in zip(report["sex"].rates[name], values, strict=True)
                )
            difference = report["sex"].gaps["mean residual difference"]
            covered["gap"] += difference.low <= gap <= difference.high
        for name, count in covered.items():
            assert abs(count / (repeats if name == "gap" else 2 * repeats) - 0.95) < 0.03, name

    def test_equal_groups_are_rarely_called_different_also_when_small(self):
        rng = np.random.default_rng(4)
        clear = 0
        for repeat in range(300):
            y = rng.normal(size=24)
            group = np.repeat([0, 1, 2, 3], [4, 4, 8, 8])
            report = fairness_of_predictions(
                y, np.zeros(24), group, task="regression", n_resamples=100, random_state=repeat
            )
            clear += report.columns[0].gaps["mean residual difference"].low > 0
        assert clear / 300 < 0.08

    def test_one_row_has_no_interval(self):
        y = np.arange(12.0)
        report = fairness_of_predictions(y, y[::-1], ["a"] * 11 + ["b"], task="regression", n_resamples=50)
        (column,) = report.columns
        assert np.isnan(column.rates["mean residual"][1].low)
        assert np.isnan(column.rates["R2"][1].value)
        assert np.isnan(column.gaps["mean residual difference"].low)
        assert "sensitive: R2 undefined in some groups" in " ".join(report.warnings)
        json.dumps(report.as_dict(), allow_nan=False)


class TestReport:
    def test_text_and_data(self, case):
        model, X, y, sensitive = case
        report = fairness_report(model, X, y, sensitive)
        text = " ".join(str(report).split())
        assert "LinearRegression, 300 rows. A residual is the target minus the prediction" in text
        assert "predictions are lowest for m and highest for f" in text
        gap = report["sex"].gaps["mean residual difference"]
        assert gap.low > 0
        assert f"mean residuals differ by {gap.quantity()}, which is clear" in text
        assert "arXiv:1905.12843" in text
        assert "Selected" not in text
        data = json.loads(json.dumps(report.as_dict(), allow_nan=False))
        assert (data["task"], data["positive"]) == ("regression", None)
        assert data["columns"]["sex"]["groups"][0]["mean absolute error"]["value"] > 0
        assert max(map(len, str(report).splitlines())) <= 120

    def test_a_figure(self, case, tmp_path):
        figure = fairness_report(*case).plot(tmp_path / "fairness.png")
        assert len(figure.axes) == 12
        assert [axis.get_title() for axis in figure.axes[:4]] == [
            "mean target", "mean prediction", "mean residual", "mean absolute error",
        ]  # fmt: skip

    def test_quantum_models_and_tables(self):
        X, y, sensitive = wages(1, 80)
        model = VariationalRegressor(n_layers=1, epochs=2, random_state=0).fit(X, y)
        schema = Schema("wage", tuple(Column(name, "number", 0.0) for name in "abc"), sensitive=("sex",))
        frame = pd.DataFrame(X, columns=list("abc")).assign(sex=sensitive["sex"])
        table = fairness_report(TableModel(model, schema), frame, y, "sex", n_resamples=20)
        expected = fairness_of_predictions(
            y,
            model.predict(X),
            {"sex": sensitive["sex"]},
            task="regression",
            n_resamples=20,
            model="VariationalRegressor",
        )
        assert table.as_dict() == expected.as_dict()

    @pytest.mark.parametrize(
        ("estimate", "text"),
        [
            (Estimate(152341.4, 150821.2, 153861.9), "152,300 (150,800 to 153,900)"),
            (Estimate(152.13, 146.0, 158.2), "152.1 (146.0 to 158.2)"),
            (Estimate(-0.00213, -0.00244, -0.00182), "-0.00213 (-0.00244 to -0.00182)"),
            (Estimate(2.1e-9, 1.8e-9, 2.4e-9), "2.1e-09 (1.8e-09 to 2.4e-09)"),
            (Estimate(0.42, -250.3, 0.87), "0.42 (-250.30 to 0.87)"),
            (Estimate(0.43, np.nan, np.nan), "0.430"),
            (Estimate(0.0, 0.0, 0.0), "0 (0 to 0)"),
            (Estimate(np.nan, np.nan, np.nan), "-"),
        ],
    )
    def test_numbers_of_any_scale(self, estimate, text):
        assert estimate.quantity() == text

    def test_the_data_report_has_as_many_digits(self):
        _, y, sensitive = wages(mean=30000.0)
        text = str(data_report(np.zeros((len(y), 1)), y, {"sex": sensitive["sex"]}))
        assert "29,9" in text
        assert ".00" not in text

    def test_unsuitable_input(self, case):
        model, X, y, sensitive = case
        with pytest.raises(LabelsError, match="positive= and probability= are for classes"):
            fairness_report(model, X, y, sensitive, positive=1)
        with pytest.raises(LabelsError, match="y: expected a finite number for each row"):
            fairness_report(model, X, np.where(y > y[0], y, np.nan), sensitive)
        with pytest.raises(LabelsError, match="y: expected numbers, as the target is a quantity, got"):
            fairness_report(model, X, np.full(len(y), "low"), sensitive)
        with pytest.raises(LabelsError, match="of a quantity, .*task='regression'"):
            fairness_of_predictions(y, model.predict(X), sensitive)
        with pytest.raises(UnknownNameError, match="did you mean 'regression'"):
            fairness_of_predictions(y, y, sensitive, task="regresion")
