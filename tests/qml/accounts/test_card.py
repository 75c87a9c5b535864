"""Model cards: every section filled from the fit or marked as missing, numbers as in the reports."""

import re

import numpy as np
import pytest
import yaml
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, brier_score_loss, r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from qml import QuantumKernelClassifier, VariationalClassifier, VariationalRegressor
from qml.accounts import model_card, model_digest, score_rows
from qml.accounts.card import MISSING
from qml.accounts.front_matter import front_matter
from qml.explain import explain
from qml.fairness import fairness_report

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 2))
Y = (X[:, 0] + 0.3 * RNG.normal(size=120) > 0).astype(int)
SECTIONS = [
    "Model Details", "Model Description", "Uses", "Direct Use", "Out-of-Scope Use", "Bias, Risks, and Limitations",
    "Recommendations", "How to Get Started with the Model", "Training Details", "Training Data", "Training Procedure",
    "Preprocessing", "Training Hyperparameters", "Speeds, Sizes, Times", "Evaluation", "Testing Data", "Factors",
    "Metrics", "Results", "Summary", "Model Examination", "Environmental Impact", "Technical Specifications",
    "Model Architecture and Objective", "Compute Infrastructure", "Model Card Authors", "Model Card Contact",
]  # fmt: skip
"""Of the template of huggingface_hub, without those for links, citations and glossaries."""


def split(card):
    """The front matter as YAML, and the text of each section."""
    _, head, body = card.split("---\n", 2)
    parts = re.split(r"^#+ (.*)$", body, flags=re.MULTILINE)
    return yaml.safe_load(head), dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


@pytest.fixture(scope="module")
def model():
    return VariationalClassifier(n_layers=1, epochs=5, random_state=0).fit(X[:80], Y[:80])


class TestSections:
    def test_each_is_filled_or_says_what_is_missing(self, model):
        _, sections = split(model_card(model))
        assert [name for name in sections if name in SECTIONS] == SECTIONS
        containers = {"Model Details", "Uses", "Training Details", "Evaluation", "Technical Specifications"}
        for name in SECTIONS:
            assert sections[name] or name in containers, name
        missing = {name for name, text in sections.items() if MISSING in text}
        assert missing == {
            "Model Description",  # its license
            *("Direct Use", "Out-of-Scope Use", "Training Data", "Preprocessing", "Testing Data", "Factors", "Metrics"),
            *("Results", "Summary", "Model Examination", "Compute Infrastructure", "Model Card Authors"),
            "Model Card Contact",
        } - {"Preprocessing"}
        assert sections["Direct Use"] == f"{MISSING} (intended\\_use=)"

    def test_what_the_caller_says_is_there(self, model, tmp_path):
        fairness = fairness_report(model, X[80:], Y[80:], {"sex": RNG.integers(2, size=40)}, n_resamples=20)

        class Explanation:
            def as_dict(self):
                return {}

            def __str__(self):
                return "x1 matters most | *really*"

        card = model_card(
            model, tmp_path / "card.md", name="Risk <1>", intended_use="Sorting letters.", out_of_scope="Credit.",
            limitations=["Trained in winter."], data="Letters of 2024.", test=(X[80:], Y[80:]), fairness=fairness,
            explanation=Explanation(), license="apache-2.0", authors=["Ada", "Bo"], contact="ada@example.org",
            tags=["a: b"],
        )  # fmt: skip
        assert (tmp_path / "card.md").read_text(encoding="utf-8") == card
        head, sections = split(card)
        assert sections["Direct Use"] == "Sorting letters."
        assert "Trained in winter." in sections["Bias, Risks, and Limitations"]
        assert sections["Training Data"] == "- Letters of 2024."
        assert sections["Model Examination"] == "```text\nx1 matters most | *really*\n```"
        assert sections["Model Card Authors"] == "- Ada\n- Bo"
        assert head["license"] == "apache-2.0"
        assert "a: b" in head["tags"]
        missing = {name for name, text in sections.items() if MISSING in text}
        assert missing == {"Summary", "Compute Infrastructure"}

    def test_an_explanation_is_a_table_and_sentences(self, model):
        explanation = explain(model, X[:80], X[80:88], Y[:80], random_state=0)
        sections = split(model_card(model, explanation=explanation))[1]
        examined = next(text for heading, text in sections.items() if heading.startswith("Explanation of"))
        grid = re.findall(r"^\| feature\\? (\d) \| ([\d.]+) \|", examined, re.MULTILINE)
        expected = explanation.importances[explanation.order]
        assert [int(column) for column, _ in grid] == explanation.order.tolist()
        np.testing.assert_allclose([float(value) for _, value in grid], expected, atol=1e-4)
        assert sections["Rows"].count("on average") == 5
        assert "and 3 rows more" in sections["Rows"]
        assert "Shapley values are exact for this background" in sections["How far to trust this"]

    def test_numbers_are_those_of_the_reports(self, model):
        sex = RNG.integers(2, size=40)
        fairness = fairness_report(model, X[80:], Y[80:], {"sex": sex})
        card = model_card(model, test=(X[80:], Y[80:]), fairness=fairness)
        head, sections = split(card)
        predicted, probability = model.predict(X[80:]), model.predict_proba(X[80:])[:, 1]
        expected = {
            "accuracy": accuracy_score(Y[80:], predicted),
            "balanced accuracy": balanced_accuracy_score(Y[80:], predicted),
            "ROC AUC": roc_auc_score(Y[80:], probability),
            "Brier score": brier_score_loss(Y[80:], probability),
        }
        (entry,) = head["model-index"]
        metrics = {metric["name"]: metric["value"] for metric in entry["results"][0]["metrics"]}
        assert metrics == pytest.approx(expected, abs=1e-12)
        for name, value in expected.items():
            assert f"| {name} | {value:.4g} |" in sections["Results"]
        for rate in fairness["sex"].rates["selection rate"]:
            assert str(rate) in card
        assert str(fairness["sex"].gaps["demographic parity difference"]) in card

    def test_training_and_circuit(self, model):
        _, sections = split(model_card(model))
        assert model_digest(model) in sections["Model Description"]
        assert "trained for 5 epochs" in sections["Training Procedure"]
        assert "| epochs | 5 |" in sections["Training Hyperparameters"]
        assert f"| weights | {len(model.weights_)} |" in sections["Model Architecture and Objective"]
        assert "q_0: ┤ Ry(x[0]) ├" in sections["Model Architecture and Objective"]
        assert "seconds of training: not in the model file" in sections["Speeds, Sizes, Times"]
        assert (
            "went through the rows 5 times; the number of rows is not in the model file"
            in (sections["Speeds, Sizes, Times"])
        )

    def test_a_large_circuit_is_not_drawn(self):
        rows = RNG.normal(size=(80, 6))
        wide = VariationalClassifier(n_layers=8, n_qubits=6, epochs=1, random_state=0).fit(rows, Y[:80])
        assert "too large to be drawn here" in model_card(wide)

    @pytest.mark.parametrize(
        "other",
        [
            QuantumKernelClassifier(random_state=0),
            VariationalRegressor(n_layers=1, epochs=2, random_state=0),
            make_pipeline(StandardScaler(), VariationalClassifier(n_layers=1, epochs=2, random_state=0)),
            LogisticRegression(),
            LinearRegression(),
        ],
        ids=lambda model: type(model).__name__,
    )
    def test_any_model(self, other):
        head, sections = split(model_card(other.fit(X[:80], Y[:80]), test=(X[80:], Y[80:])))
        assert set(SECTIONS) <= set(sections)
        regression = type(other).__name__.endswith(("Regressor", "LinearRegression"))
        assert head["pipeline_tag"] == ("tabular-regression" if regression else "tabular-classification")
        first = head["model-index"][0]["results"][0]["metrics"][0]
        score = r2_score if regression else accuracy_score
        assert first["value"] == pytest.approx(score(Y[80:], other.predict(X[80:])))

    def test_an_unfitted_model(self):
        with pytest.raises(NotFittedError, match="a model card is written of a fitted model; this Vari"):
            model_card(VariationalClassifier())


class TestFrontMatter:
    def test_any_text_comes_back(self):
        data = {
            "name": 'a "b": {c} # d', "yes": ["no", "on", "1.5", "", "- x", "é\n\t", "null", "plain words"],
            "nested": [{"a": 1, "b": [{"c": None}, {"d": True}]}, 2.5e-7], "1": {"x": {"y": "z"}},
        }  # fmt: skip
        text = front_matter(data)
        assert text.startswith("---\n")
        assert yaml.safe_load(text.strip().strip("-")) == data


class TestScores:
    def test_intervals_are_those_of_the_binomial_distribution(self):
        rng = np.random.default_rng(1)
        truth = rng.integers(2, size=900)
        guess = np.where(rng.random(900) < 0.8, truth, 1 - truth)
        score = score_rows(truth, guess, classification=True).scores["accuracy"]
        error = 1.96 * np.sqrt(score.value * (1 - score.value) / 900)
        assert score.low == pytest.approx(score.value - error, abs=0.005)
        assert score.high == pytest.approx(score.value + error, abs=0.005)

    def test_ties_of_probabilities(self):
        rng = np.random.default_rng(2)
        truth, probability = rng.integers(2, size=200), rng.integers(5, size=200) / 5
        scores = score_rows(truth, probability > 0.5, probability, classification=True).scores
        assert scores["ROC AUC"].value == pytest.approx(roc_auc_score(truth, probability), abs=1e-12)

    def test_quantities(self):
        rng = np.random.default_rng(3)
        truth = rng.normal(size=100)
        guess = truth + 0.1 * rng.normal(size=100)
        scores = score_rows(truth, guess, classification=False).scores
        assert scores["R2"].value == pytest.approx(r2_score(truth, guess), abs=1e-12)
        assert scores["RMSE"].value == pytest.approx(np.sqrt(np.mean((truth - guess) ** 2)))
        with pytest.raises(ValueError, match="expected a prediction for each of"):
            score_rows(truth, guess[:5], classification=False)
