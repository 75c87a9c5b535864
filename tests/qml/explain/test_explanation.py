"""The whole explanation: known truth, text, numbers, figure, page, and models of all kinds."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from qml import QuantumKernelClassifier, VariationalClassifier, VariationalRegressor
from qml.assessment.report import TERMINAL_WIDTH
from qml.explain import deletion_curves, explain, retrained_stability, shapley_values
from simulator.errors import UnknownNameError

EXACT = 1e-10

X, Y = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def clf():
    return VariationalClassifier(n_layers=2, epochs=15, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def explanation(clf):
    return explain(clf, X, X[::30], Y, random_state=0)


def test_known_truth_in_ten_of_ten_seeds():
    """Two of six features decide: both come first, and removing them hurts more than removing others."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(160, 6))
        relevant = sorted(rng.permutation(6)[:2])
        y = rows[:, relevant[0]] - rows[:, relevant[1]] + 0.1 * rng.normal(size=160) > 0
        model = VariationalClassifier(n_layers=2, epochs=30, random_state=seed).fit(rows[:120], y[:120])
        values = shapley_values(model, rows[:30], rows[120:140])
        first = np.argsort(-np.abs(values).mean(axis=0))[:2]
        assert sorted(first) == relevant
        curves = deletion_curves(model, rows[:30], rows[120:140], values, n_random=5, random_state=seed)
        assert curves.better_than_random


def test_settings_stand_in_one_line():
    model = VariationalClassifier(n_layers=1, n_qubits=4, epochs=2, learning_rate=0.1, batch_size=64, random_state=0)
    assert "\n" in repr(model)
    named = explain(model.fit(X, Y), X[:20], X[:1], random_state=0).facts["model"]
    assert named.startswith("VariationalClassifier(batch_size=64, epochs=2, learning_rate=0.1, ")
    assert named.endswith(", n_layers=1, n_qubits=4, random_state=0)")


def test_numbers_agree_with_the_functions(clf, explanation):
    assert explanation.columns == tuple(f"feature {j}" for j in range(4))
    assert explanation.outputs == ("0", "1", "2")
    np.testing.assert_allclose(explanation.attributions.outputs, clf.predict_proba(X[::30]), atol=EXACT)
    sums = explanation.attributions.base + explanation.attributions.values.sum(axis=1)
    np.testing.assert_allclose(sums, clf.predict_proba(X[::30]), atol=EXACT)
    assert list(explanation.labels) == clf.predict(X[::30]).tolist()
    assert explanation.permutation.score == clf.score(X, Y)
    assert explanation.gates.full == pytest.approx(explanation.permutation.score)
    np.testing.assert_allclose(sum(explanation.sobol.shares.values()), 1, atol=EXACT)
    assert len(explanation.counterfactuals) == 5
    for row, nearest in enumerate(explanation.counterfactuals):
        assert clf.predict(nearest.row[None])[0] == nearest.after != explanation.labels[row]


def test_the_same_seed_gives_the_same_explanation(clf):
    first, second = (explain(clf, X[::3], X[:1], random_state=3, max_background=10).as_dict() for _ in range(2))
    assert first == second
    other = explain(clf, X[::3], X[:1], random_state=4, max_background=10).as_dict()
    assert other["base"] != first["base"]


def test_text_and_dictionary(explanation):
    text = str(explanation)
    for part in (
        "Explanation of VariationalClassifier",
        "depends most on",
        "4 qubits",
        "linear surrogate of probability",
        "tree of depth",
        "accuracy on 150 rows",
        "entangling 1",
        "Correlated columns: feature 2 and feature 3 (+0.96)",
        "Shapley values are exact",
        "nearest other:",
    ):
        assert part in text
    numbers = json.loads(json.dumps(explanation.as_dict(), allow_nan=False))
    assert numbers["rows"][0]["prediction"] == 0
    assert numbers["faithfulness"]["areas"]["deletion"] < numbers["faithfulness"]["areas"]["random_deletion"]
    assert {"gates", "entangling", "sobol", "linear", "tree"} <= numbers.keys()


def test_twin_and_training_runs_are_optional(clf):
    explanation = explain(clf, X[::3], X[1:3], Y[::3], twin=True, n_seeds=2, max_background=20, random_state=0)
    assert explanation.twin.trained_on
    assert [item.runs for item in explanation.stability] == [
        "5 random halves of the background",
        "2 training runs with other seeds",
    ]
    assert "A twin without entanglement" in str(explanation)
    with pytest.raises(ValueError, match="twin and n_seeds train copies of the model, which needs y"):
        explain(clf, X, twin=True)


def test_stability_of_a_deterministic_model_is_perfect():
    stability = retrained_stability(
        LogisticRegression(max_iter=1000).fit(X, Y), X, Y, X[::75], n_seeds=2, max_background=10
    )
    assert stability.rank_correlation == pytest.approx(1.0)
    assert stability.same_first == 1.0
    np.testing.assert_allclose(stability.deviations, 0, atol=EXACT)


def test_figure(explanation, tmp_path):
    pytest.importorskip("matplotlib")
    figure = explanation.plot(tmp_path / "why.png")
    assert (tmp_path / "why.png").stat().st_size > 10_000
    titles = [axis.get_title() for axis in figure.axes if axis.get_visible()]
    assert titles[0] == "importance of the columns"
    assert "layers: accuracy" in titles
    bars = [patch.get_width() for patch in figure.axes[0].patches]
    assert sum(bars) == pytest.approx(explanation.importances.sum())


class Page(HTMLParser):
    """Collects the tags and the text of a page, and checks that tags are closed."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.links, self.text = [], [], [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "srcset", "action", "data")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_stands_alone(explanation, tmp_path):
    pytest.importorskip("matplotlib")
    content = explanation.to_html(tmp_path / "why.html")
    assert (tmp_path / "why.html").read_text("utf-8") == content
    page = Page()
    page.feed(content)
    assert not page.open
    assert not {"script", "link", "iframe", "object", "embed", "form"} & set(page.tags)
    assert page.links
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    markup = re.sub(r"base64,[A-Za-z0-9+/=]+", "", content)
    assert not re.search(r"(https?:)?//|url\(|@import", markup)
    assert "default-src 'none'" in content
    for k in explanation.order:
        assert f"{explanation.importances[k]:.4f}" in page.text
    assert page.tags.count("details") == 5


def test_names_are_shown_as_text(tmp_path):
    evil = '<script>alert("1")</script> & $x$'
    frame = pd.DataFrame({evil: X[:100, 0], "b\nc": np.where(X[:100, 1] > 3, "<i>high</i>", "low")})
    encoder = make_column_transformer((OneHotEncoder(), ["b\nc"]), (StandardScaler(), [evil]))
    labels = np.array(["<b>no</b>", "yes"])[Y[:100]]
    model = make_pipeline(encoder, LogisticRegression()).fit(frame, labels)
    explanation = explain(model, frame, frame[:1], max_background=20, random_state=0)
    content = explanation.to_html()
    assert "<script" not in content
    assert "<i>" not in content.replace("<i class", "")
    assert "<b>no" not in content
    page = Page()
    page.feed(content)
    assert evil in page.text
    assert "b\\nc" in page.text
    explanation.plot(tmp_path / "figure.png")


@pytest.mark.parametrize(
    ("model", "quantity"),
    [
        (LogisticRegression(max_iter=1000), "probability"),
        (RandomForestClassifier(5, random_state=0), "probability"),
        (SVC(), "decision value"),
        (
            make_pipeline(StandardScaler(), PCA(2), VariationalClassifier(n_layers=1, epochs=2, random_state=0)),
            "probability",
        ),
        (QuantumKernelClassifier(random_state=0), "probability"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else value,
)
def test_classifiers_of_all_kinds(model, quantity):
    rows, y = X[::5], Y[::5]
    explanation = explain(model.fit(rows, y), rows, X[:1], y, max_background=20, random_state=0)
    assert explanation.quantity == quantity
    assert ("gates" in explanation.skipped) == (explanation.gates is None)
    assert (explanation.gates is not None) == hasattr(model, "steps")
    assert len(str(explanation)) > 1000
    assert "<h2>Which columns matter</h2>" in explanation.to_html()


@pytest.mark.parametrize(
    "model", [LinearRegression(), VariationalRegressor(epochs=3, weight_decay=0.0, random_state=0)]
)
def test_regressors(model):
    rows, y = load_diabetes(return_X_y=True)
    rows, y = rows[:100, :4], y[:100]
    explanation = explain(model.fit(rows, y), rows, rows[:2], y, max_background=20, random_state=0)
    assert explanation.quantity == "prediction"
    assert explanation.outputs == ("prediction",)
    assert explanation.logistic is None
    assert "target=number" in explanation.skipped["counterfactuals"]
    assert not explanation.counterfactuals
    assert "prediction" in str(explanation)
    json.dumps(explanation.as_dict(), allow_nan=False)
    explanation.to_html()


def test_a_linear_model_is_found_to_be_linear():
    rows, y = load_diabetes(return_X_y=True)
    explanation = explain(LinearRegression().fit(rows, y), rows, rows[:1], max_background=20, random_state=0)
    assert explanation.linear.fidelity == pytest.approx(1.0)
    assert "It is mostly linear" in str(explanation)
    assert "estimates" not in str(explanation)


def test_more_columns_than_can_be_exact():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 14))
    model = LogisticRegression().fit(rows, rows[:, 0] > 0)
    explanation = explain(model, rows, rows[:1], n_permutations=5, max_background=20, random_state=0)
    assert explanation.attributions.errors is not None
    assert "14 columns are more than the 12" in str(explanation)
    assert "shapley errors" in explanation.as_dict()["rows"][0]


def test_rows_outside_the_range_are_named(clf):
    explanation = explain(clf, X[::3], X[:1] * 3, max_background=10, random_state=0)
    assert "predicted by extrapolation: row 0 in feature 0" in str(explanation)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"X": X[:1]}, ValueError, "at least 2 different rows to refer to, got 1 row"),
        ({"X": np.tile(X[:1], (5, 1))}, ValueError, "at least 2 different rows"),
        ({"X": np.where(X > 7, np.nan, X)}, ValueError, "the background contains NaN"),
        ({"X_explained": X[:2, :3]}, ValueError, r"X_explained must have shape \(n_rows, 4\)"),
        ({"y": Y[:3]}, ValueError, "y must have one entry per row: expected 150, got 3"),
        ({"max_background": 1}, ValueError, "max_background expects an integer of 2 or more"),
        ({"n_seeds": -1}, ValueError, "n_seeds expects an integer of 0 or more"),
        ({"model": "clf"}, TypeError, "expected a fitted classifier or regressor"),
    ],
)
def test_bad_input(clf, arguments, error, message):
    with pytest.raises(error, match=message):
        explain(**({"model": clf, "X": X} | arguments))


def test_a_fixed_column_that_does_not_exist_is_not_ignored(clf):
    with pytest.raises(UnknownNameError, match="unknown column 'petal'"):
        explain(clf, X, X[:1], fixed=["petal"])


def test_no_line_is_wider_than_the_terminal(clf):
    explanation = explain(clf, X, X[:2], Y, random_state=0)
    assert explanation.logistic.separation  # which is a long sentence
    assert max(map(len, str(explanation).splitlines())) <= TERMINAL_WIDTH


def test_numbers_that_are_undefined_are_none_in_json():
    """With one column, no rank correlation exists; JSON has no NaN."""
    explanation = explain(LogisticRegression().fit(X[:, :1], Y), X[:, :1], X[:2, :1], Y, random_state=0)
    content = json.loads(json.dumps(explanation.as_dict(), allow_nan=False))
    assert content["stability"][0]["rank correlation"] is None
    assert "nan" not in re.findall("[a-z]+", str(explanation))
