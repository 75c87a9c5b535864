"""Comparisons against hand counts, verdicts that do not claim too much, reports and pictures that can be read."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_rel
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from qml.assessment.comparison import Comparison, Result, Split, baselines, compare, paired_difference, standard_error
from qml.assessment.report import (
    Facts,
    Grid,
    Heading,
    Items,
    Listing,
    Paragraph,
    Picture,
    markdown,
    report_blocks,
    report_json,
    terminal,
)


def result(name, predictions, truth, role="classical"):
    score = float(np.mean(np.asarray(predictions) == truth))
    return Result(name, role, {"accuracy": score}, score, 0.5, np.asarray(predictions))


def comparison(quantum, classical, truth):
    """A comparison of given predictions; the trivial model always says the most frequent class."""
    truth = np.asarray(truth)
    most = np.full(len(truth), np.bincount(truth).argmax())
    results = (
        result("quantum model", quantum, truth, "quantum"),
        result("RBF SVM", classical, truth),
        result("majority class", most, truth, "trivial"),
    )
    return Comparison("classification", results, truth, np.unique(truth))


def wrong_in(truth, rows):
    predictions = np.array(truth)
    predictions[list(rows)] = 1 - predictions[list(rows)]
    return predictions


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    split = Split(X_train, y_train, X_test, y_test)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01)).fit(X_train, y_train)
    return split, model


@pytest.fixture
def facts():
    return Facts(
        title="y, predicted from data.csv",
        data=("data.csv: 20 rows", "left out: patient_id (identifier)"),
        settings={"feature_map": "angle", "n_layers": np.int64(2)},
        num_qubits=2,
        num_gates=12,
        depth=5,
        num_observables=1,
        num_weights=9,
        circuit_text="q_0: ┤ Ry ├",
        loss_history=np.array([0.7, 0.3, np.nan]),
        validation_scores=np.array([0.5, 0.75, 0.7]),
        best_epoch=2,
        notes=("while training: slow",),
        versions={"qumba": "0.1.0"},
    )


class TestComparison:
    def test_models_learn_and_are_scored_on_the_split(self, cancer):
        split, model = cancer
        done = compare(model, 1.5, split, "classification")
        assert [r.name for r in done.results] == ["quantum model", "logistic regression", "RBF SVM", "majority class"]
        assert [r.role for r in done.results] == ["quantum", "classical", "classical", "trivial"]
        assert done.quantum.scores["accuracy"] == pytest.approx(model.score(split.X_test, split.y_test))
        assert done.quantum.train_score == pytest.approx(model.score(split.X_train, split.y_train))
        assert done.quantum.seconds == 1.5
        assert min(r.scores["accuracy"] for r in done.results[1:3]) > 0.93
        assert done.results[3].scores["balanced accuracy"] == pytest.approx(0.5)

    def test_components_give_one_more_machine(self, cancer):
        split, model = cancer
        names = list(baselines("classification", n_components=3))
        assert names == ["logistic regression", "RBF SVM", "RBF SVM, 3 components", "majority class"]
        done = compare(model, 0.0, split, "classification", classical=baselines("classification", 0, 3))
        assert 0.85 < done.results[3].scores["accuracy"] < done.results[2].scores["accuracy"] + 0.02

    def test_regression(self):
        X, y = load_diabetes(return_X_y=True)
        split = Split(X[:300], y[:300], X[300:], y[300:])
        done = compare(Ridge(0.1).fit(split.X_train, split.y_train), 0.0, split, "regression")
        assert [r.name for r in done.results[1:]] == ["ridge regression", "RBF SVM", "mean of the target"]
        assert min(r.scores["R²"] for r in done.results[:3]) > 0.35
        assert done.labels is None

    def test_machines_get_no_more_rows_than_they_can_take(self, cancer, monkeypatch):
        split, model = cancer
        monkeypatch.setattr("qml.assessment.comparison.MAX_SVM_ROWS", 50)
        names = [r.name for r in compare(model, 0.0, split, "classification").results]
        assert names[2] == "RBF SVM (50 rows)"

    def test_confusion_and_class_scores(self):
        done = comparison([0, 1, 1, 1, 0], [0] * 5, [0, 0, 1, 1, 1])
        np.testing.assert_array_equal(done.confusion(), [[1, 1], [1, 2]])
        zero, one = done.class_scores()
        assert (zero.precision, zero.recall, zero.rows) == (0.5, 0.5, 2)
        assert (one.precision, one.recall, one.rows) == (pytest.approx(2 / 3), pytest.approx(2 / 3), 3)

    def test_paired_difference_is_mcnemars(self):
        truth = np.arange(100) % 2
        done = comparison(wrong_in(truth, range(10)), wrong_in(truth, range(8, 11)), truth)
        difference, error, probability = paired_difference(done, done.results[1])
        gain = np.array([1] * 8 + [-1] + [0] * 91)
        assert difference == pytest.approx(0.07)
        assert error == pytest.approx(gain.std(ddof=1) / 10)
        assert probability == pytest.approx(binomtest(8, 9).pvalue)

    def test_paired_difference_of_regressions(self):
        rng = np.random.default_rng(3)
        truth = rng.normal(size=50)
        mine, theirs = truth + rng.normal(size=50), truth + 0.5 * rng.normal(size=50)
        results = tuple(
            Result(name, role, {"R²": 0.0}, 0.0, 0.0, predicted)
            for name, role, predicted in [("q", "quantum", mine), ("c", "classical", theirs), ("t", "trivial", mine)]
        )
        done = Comparison("regression", results, truth)
        difference, _, probability = paired_difference(done, results[1])
        r2 = [1 - ((truth - p) ** 2).sum() / ((truth - truth.mean()) ** 2).sum() for p in (mine, theirs)]
        assert difference == pytest.approx(r2[1] - r2[0])
        assert probability == pytest.approx(ttest_rel((truth - mine) ** 2, (truth - theirs) ** 2).pvalue)

    def test_standard_error_of_an_accuracy_is_binomial(self):
        truth = np.arange(100) % 2
        done = comparison(wrong_in(truth, range(10)), truth, truth)
        assert standard_error(done, done.quantum) == pytest.approx(np.sqrt(0.9 * 0.1 / 99))


class TestVerdict:
    truth = np.arange(200) % 2

    def test_few_rows_of_difference_tell_nothing(self):
        verdict = comparison(wrong_in(self.truth, range(5)), wrong_in(self.truth, range(3)), self.truth).verdict()
        assert verdict == (
            "The RBF SVM is 1.0 points better than the quantum model (± 0.7 standard error on 200 test rows): "
            "too small to tell them apart."
        )

    def test_clear_loss_and_clear_win(self):
        bad, good = wrong_in(self.truth, range(60)), wrong_in(self.truth, range(3))
        assert "RBF SVM is 28.5 points better than the quantum model" in comparison(bad, good, self.truth).verdict()
        assert "a clear difference" in comparison(bad, good, self.truth).verdict()
        won = comparison(good, bad, self.truth).verdict()
        assert won.startswith("The quantum model is 28.5 points better than the RBF SVM, the best classical model")

    def test_same_score(self):
        same = comparison(wrong_in(self.truth, [1]), wrong_in(self.truth, [2]), self.truth).verdict()
        assert same == "The quantum model and the RBF SVM do equally well on the 200 test rows."

    def test_nothing_learnt_is_said(self):
        nothing = comparison(np.zeros(200, int), self.truth, self.truth).verdict()
        assert nothing.endswith("It is not clearly better than the majority class either.")

    def test_compared_with_the_best_classical_model(self):
        truth = self.truth
        results = (
            result("quantum model", truth, truth, "quantum"),
            result("weak", wrong_in(truth, range(90)), truth),
            result("strong", wrong_in(truth, range(20)), truth),
            result("majority class", truth * 0, truth, "trivial"),
        )
        assert "than the strong" in Comparison("classification", results, truth, np.array([0, 1])).verdict()

    def test_two_test_rows(self):
        verdict = comparison([0, 1], [0, 1], [0, 1]).verdict()
        assert "equally well on the 2 test rows. It is not clearly better" in verdict


class TestReport:
    truth = np.arange(40) % 2

    @pytest.fixture
    def blocks(self, facts):
        done = comparison(wrong_in(self.truth, range(4)), wrong_in(self.truth, range(2)), self.truth)
        return report_blocks(facts, done, [Picture("training.png", "Training")])

    def test_terminal(self, blocks):
        text = terminal(blocks, width=80)
        assert max(map(len, text.splitlines())) <= 80
        assert text.startswith("y, predicted from data.csv\n--------------------------\n")
        for words in ("left out: patient_id", "quantum model", "0.900", "majority class", "points better", "depth 5"):
            assert words in text
        assert "┤ Ry ├" not in text
        assert "training.png" not in text

    def test_markdown(self, blocks):
        text = markdown(blocks)
        assert text.startswith("# y, predicted from data.csv\n\n- data.csv: 20 rows\n- left out: patient\\_id")
        assert "| quantum model | 0.900 | 0.900 | 0.50 |" in text
        assert "![Training](training.png)" in text
        assert "```text\nq_0: ┤ Ry ├\n```" in text
        assert "## Class by class" in text

    def test_tables_are_escaped(self):
        assert "| a\\|b |" in markdown([Grid(("x",), (("a|b",),))])

    def test_columns_line_up(self):
        text = terminal([Grid(("model", "score"), (("a", "1"), ("longer name", "0.25")))])
        assert text == "model        score\na                1\nlonger name   0.25\n"

    def test_every_kind_of_block_is_shown(self):
        blocks = [Heading("h"), Paragraph("p"), Items(("i",)), Listing("l"), Picture("f", "c"), Heading("again")]
        assert markdown(blocks) == "# h\n\np\n\n- i\n\n```text\nl\n```\n\n![c](f)\n\n## again\n"
        assert terminal(blocks) == "h\n-\n\np\n\ni\n\nagain\n-----\n"

    def test_json(self, facts):
        done = comparison(wrong_in(self.truth, range(4)), wrong_in(self.truth, range(2)), self.truth)
        content = json.loads(report_json(facts, done))
        assert content["models"][0]["test"] == {"accuracy": 0.9}
        assert content["quantum_model"]["loss_history"] == [0.7, 0.3, None]
        assert content["quantum_model"]["settings"] == {"feature_map": "angle", "n_layers": 2}
        assert content["confusion"] == [[18, 2], [2, 18]]
        assert content["classes"] == [0, 1]
        assert content["verdict"] == done.verdict()


class TestPlots:
    @pytest.fixture(autouse=True)
    def _matplotlib(self):
        pytest.importorskip("matplotlib")

    def drawn(self, path):
        """The picture, which must show something besides white."""
        from matplotlib.image import imread

        picture = imread(path)
        assert min(picture.shape[:2]) > 150
        assert (picture[..., :3] < 0.9).any(axis=2).mean() > 0.005
        return picture

    @pytest.mark.parametrize("scores", [None, [0.5, 0.8, 0.7]])
    def test_training(self, tmp_path, scores):
        from qml.plots import plot_training

        plot_training([0.7, 0.5, 0.4], scores, tmp_path / "t.png", best_epoch=2)
        self.drawn(tmp_path / "t.png")

    def test_training_of_one_epoch_and_a_diverged_one(self, tmp_path):
        from qml.plots import plot_training

        plot_training([0.7], None, tmp_path / "one.png")
        plot_training([0.7, np.nan], [0.5, np.nan], tmp_path / "nan.png", best_epoch=1)
        self.drawn(tmp_path / "one.png")
        self.drawn(tmp_path / "nan.png")

    @pytest.mark.parametrize("labels", [["yes", "no"], list(range(10)), ["a very long class name", "b", "c"]])
    def test_confusion(self, tmp_path, labels):
        from qml.plots import plot_confusion

        plot_confusion(np.eye(len(labels), dtype=int) * 7, labels, tmp_path / "c.png")
        self.drawn(tmp_path / "c.png")

    def test_comparison(self, tmp_path):
        from qml.plots import plot_comparison

        plot_comparison(["q", "svm"], [0.9, 0.95], [0.02, 0.01], [0.97, 0.96], "accuracy", tmp_path / "c.png")
        self.drawn(tmp_path / "c.png")

    def test_predictions(self, tmp_path):
        from qml.plots import plot_predictions

        plot_predictions([1.0, 2.0, 3.0], [1.1, 1.9, 3.2], "price", tmp_path / "p.png")
        self.drawn(tmp_path / "p.png")

    def test_circuit(self, tmp_path):
        from qml.plots import plot_circuit
        from simulator import Circuit

        plot_circuit(Circuit(2).h(0).cx(0, 1), tmp_path / "c.png")
        assert (tmp_path / "c.png").stat().st_size > 1000
