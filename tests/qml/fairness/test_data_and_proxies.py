"""Bias in a table before training, and features that stand for a sensitive column."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from qml.explain import explain
from qml.fairness import data_report, find_proxies
from qml.fairness.groups import SensitiveError
from qml.fairness.report import LabelsError


def table(seed=0, n_rows=300):
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n_rows, p=[0.3, 0.7])
    income = np.where(rng.random(n_rows) < np.where(sex == "f", 0.4, 0.1), np.nan, rng.normal(size=n_rows))
    city = np.where(rng.random(n_rows) < 0.1, None, rng.choice(["Bern", "Basel"], n_rows))
    frame = pd.DataFrame({"income": income, "city": city, "height": rng.normal(size=n_rows)})
    return frame, np.where(rng.random(n_rows) < np.where(sex == "f", 0.3, 0.6), "yes", "no"), sex


class TestDataReport:
    def test_counts_gaps_and_targets_by_group(self):
        frame, y, sex = table()
        report = data_report(frame, y, {"sex": sex})
        (column,) = report.columns
        expected = frame.assign(sex=sex, y=y).groupby("sex")
        assert column.counts == tuple(expected.size())
        assert column.shares == pytest.approx((expected.size() / len(y)).tolist())
        for number, (_, rows) in enumerate(expected):
            assert column.missing["income"][number] == pytest.approx(rows["income"].isna().mean())
            assert column.missing["city"][number] == pytest.approx(rows["city"].isna().mean())
            assert column.incomplete[number] == pytest.approx(rows[["income", "city"]].isna().any(axis=1).mean())
            count = (rows["y"] == "yes").sum()
            low, high = proportion_confint(count, len(rows), method="wilson")
            target = column.target[number]
            assert (target.value, target.low, target.high) == pytest.approx((count / len(rows), low, high))
        assert set(column.missing) == {"income", "city"}
        tables = [pd.crosstab(sex, frame[name].isna()) for name in column.missing]
        p_values = [chi2_contingency(each, correction=False).pvalue for each in tables]
        corrected = multipletests(p_values, method="holm")[1]
        assert list(column.p_values.values()) == pytest.approx(corrected.tolist())
        assert any(line.startswith("income is missing more often in sex f") for line in report.warnings)
        assert not any(line.startswith("city") for line in report.warnings)
        assert "share of yes" in str(report)
        json.dumps(report.as_dict(), allow_nan=False)

    def test_a_quantity(self):
        X, y = load_diabetes(return_X_y=True, scaled=False)
        report = data_report(X, y, {"sex": X[:, 1]})
        (column,) = report.columns
        assert report.target == "mean target"
        for target, label in zip(column.target, (1, 2), strict=True):
            values = y[X[:, 1] == label]
            error = values.std(ddof=1) / np.sqrt(len(values))
            assert (target.value, target.high) == pytest.approx((values.mean(), values.mean() + 1.959964 * error))
        assert column.missing == {}

    def test_intersections_and_small_groups(self):
        frame, y, sex = table()
        report = data_report(frame, y, {"sex": sex, "old": np.arange(300) < 8})
        assert [column.name for column in report.columns] == ["sex", "old", "sex x old"]
        assert any("fewer than 10" in line for line in report.warnings)

    def test_targets_that_cannot_be_averaged(self):
        frame, y, sex = table()
        with pytest.raises(LabelsError, match="expected two classes or a quantity, got 3 classes"):
            data_report(frame, np.resize(["a", "b", "c"], 300), {"sex": sex})
        with pytest.raises(LabelsError, match="positive='maybe' is not one of the classes"):
            data_report(frame, y, {"sex": sex}, positive="maybe")


class TestProxies:
    def test_a_column_that_depends_on_the_attribute_is_found(self):
        rng = np.random.default_rng(0)
        sex = rng.integers(2, size=400)
        X = rng.normal(size=(400, 6))
        X[:, 2] += 1.5 * sex
        X[:, 4] *= 1 + 3 * sex  # no correlation, another spread
        report = find_proxies(X, {"sex": sex})
        assert {entry.feature for entry in report.proxies} == {"feature 2", "feature 4"}
        assert abs(np.corrcoef(X[:, 4], sex)[0, 1]) < 0.1
        assert report.together > report.features[0].strength - 0.05
        by_name = {entry.feature: entry for entry in report.features}
        tables = [pd.crosstab(pd.qcut(column, 5), sex) for column in X.T]
        raw = [chi2_contingency(each).pvalue for each in tables]
        corrected = multipletests(raw, method="holm")[1]
        assert [by_name[f"feature {k}"].p_value for k in range(6)] == pytest.approx(corrected.tolist())

    def test_none_is_found_where_there_is_none(self):
        rng = np.random.default_rng(1)
        for _ in range(2):
            report = find_proxies(rng.normal(size=(300, 4)), rng.choice(["a", "b", "c"], 300))
            assert report.proxies == ()
            assert report.together < 0.15
        assert "no single feature" in str(report)

    def test_a_perfect_copy_in_words(self):
        rng = np.random.default_rng(2)
        sex = rng.choice(["f", "m"], 200)
        frame = pd.DataFrame({"sex": sex, "title": np.where(sex == "f", "Ms", "Mr"), "size": rng.normal(size=200)})
        report = find_proxies(frame, "sex")
        assert [entry.feature for entry in report.features] == ["title", "size"]
        assert report.features[0].strength == 1.0
        assert report.as_dict()["proxies"] == ["title"]

    def test_sex_can_be_told_from_blood_values(self):
        frame = load_diabetes(as_frame=True, scaled=False).frame.drop(columns="target")
        report = find_proxies(frame, ["sex"])
        assert {"s3", "s4"} <= {entry.feature for entry in report.proxies}

    def test_several_columns(self):
        frame, _, sex = table()
        reports = find_proxies(frame, {"sex": sex, "tall": frame["height"] > 0})
        assert set(reports) == {"sex", "tall"}
        assert reports["tall"].features[0].feature == "height"

    def test_a_group_of_one_row(self):
        with pytest.raises(SensitiveError, match="sex: x has one row; merge it with another group"):
            find_proxies(np.zeros((9, 2)), {"sex": ["x", *"ffffmmmm"]})
        with pytest.raises(SensitiveError, match="X has no column besides the sensitive ones"):
            find_proxies(pd.DataFrame({"sex": list("fmfm")}), "sex")


def test_columns_without_names_are_numbered_as_in_explanations():
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    names = explain(LogisticRegression().fit(X, y), X).columns
    assert {proxy.feature for proxy in find_proxies(X, X[:, 1] > 0).features} == set(names)
    X[::4, 1] = np.nan
    (column,) = data_report(X, y, y).columns
    assert set(column.missing) == {"feature 1"} < set(names)
