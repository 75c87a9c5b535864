"""Verdicts on predictions that are given, so that what is true of them is known."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_rel
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

from qml.honesty import BaselineComparison
from qml.honesty.evaluation import Contest, ModelScores
from qml.honesty.results import paired_differences
from qml.honesty.scores import choose_metrics

EXACT = 1e-12


def scores(metrics, name, role, predictions, truth, *, outputs=None, train=None, rows=80, candidates=4):
    """Scores of given predictions: one array per split, of the true values too."""
    by_split = [
        metrics.evaluate(t, p, None if outputs is None else outputs[k])
        for k, (t, p) in enumerate(zip(truth, predictions, strict=True))
    ]
    count = len(by_split)
    main = np.array([split[metrics.primary] for split in by_split])
    return ModelScores(
        name=name,
        role=role,
        scores={metric: np.array([split[metric] for split in by_split]) for metric in metrics.names},
        train_scores=main if train is None else np.full(count, train),
        predictions=tuple(predictions),
        seconds=np.full(count, 0.5),
        train_rows=np.full(count, rows),
        candidates=np.full(count, candidates),
        settings=({},) * count,
    )


def compared(y, quantum, classical, *, splits=1, twin=None, readout=None, missing=None, changes=None, num_rows=80):
    """Comparison of given predictions of all rows; `changes` are arguments of `scores` for single models."""
    y = np.asarray(y)
    rows = np.array_split(np.arange(len(y)), splits)
    task = "regression" if y.dtype.kind == "f" else "classification"
    metrics = choose_metrics(task, y)
    truth = [y[part] for part in rows]
    changes = {"quantum model": {"candidates": 1}} | (changes or {})
    models = [("quantum model", "quantum", quantum)]
    models += [("without entanglement", "twin", twin)] if twin is not None else []
    models += [("without the circuit", "readout", readout)] if readout is not None else []
    models += [(name, "classical", predictions) for name, predictions in classical.items()]
    trivial = np.full(len(y), y.mean() if task == "regression" else np.bincount(y).argmax())
    models.append(("majority class", "trivial", trivial))
    found = []
    for name, role, predictions in models:
        given = [np.asarray(predictions)[part] for part in rows]
        found.append(scores(metrics, name, role, given, truth, **changes.get(name, {})))
    contest = Contest(np.zeros((len(y), 1)), y, [(np.arange(80), part) for part in rows], metrics, 4, None, 0)
    return BaselineComparison.from_contest(contest, found, missing or {}, num_rows=num_rows, folds=splits, repeats=1)


def wrong_in(truth, rows):
    predictions = np.array(truth)
    predictions[list(rows)] = 1 - predictions[list(rows)]
    return predictions


TRUTH = np.arange(200) % 2


class TestPairedDifferences:
    def test_one_split_is_tested_by_rows(self):
        mine, theirs = wrong_in(TRUTH, range(10)), wrong_in(TRUTH, range(8, 11))
        result = compared(TRUTH, mine, {"RBF SVM": theirs})
        difference = result.difference(result.models[1])
        assert difference.test.mean == pytest.approx(-0.035)
        trivial = binomtest(100, 110, 0.5).pvalue  # the majority class is wrong in 100 rows, the quantum model in 10
        alone = binomtest(8, 9).pvalue
        assert trivial < alone
        assert difference.rows_p_value == pytest.approx(alone)  # the larger p-value counts once
        right = [(predictions == TRUTH).astype(float) for predictions in (mine, theirs)]
        assert difference.test.p_value == pytest.approx(ttest_rel(*right).pvalue)

    def test_several_splits_are_tested_by_the_corrected_t_test(self):
        result = compared(TRUTH, wrong_in(TRUTH, range(50)), {"RBF SVM": TRUTH}, splits=5)
        difference = result.difference(result.models[1])
        by_split = np.array([-1.0, -0.25, 0.0, 0.0, 0.0])
        assert difference.test.error == pytest.approx(by_split.std(ddof=1) * np.sqrt(1 / 5 + 40 / 80))
        assert difference.wins == pytest.approx(0.3)

    def test_regression_differences_are_those_of_r2(self):
        rng = np.random.default_rng(4)
        truth = rng.normal(size=60)
        mine, theirs = truth + rng.normal(0, 0.5, 60), truth + rng.normal(0, 0.3, 60)
        difference = compared(truth, mine, {"RBF SVM": theirs}).differences[0]
        assert difference.test.mean == pytest.approx(r2_score(truth, mine) - r2_score(truth, theirs))
        assert difference.test.p_value == pytest.approx(ttest_rel((truth - mine) ** 2, (truth - theirs) ** 2).pvalue)

    def test_row_gains_average_to_the_difference_of_balanced_accuracies(self):
        truth = np.array([0] * 90 + [1] * 10)
        metrics = choose_metrics("classification", truth)
        mine, theirs = wrong_in(truth, [*range(5), 95]), wrong_in(truth, range(92, 98))
        gains, _ = metrics.row_gains(truth, mine, theirs)
        expected = balanced_accuracy_score(truth, mine) - balanced_accuracy_score(truth, theirs)
        assert gains.mean() == pytest.approx(expected, abs=EXACT)

    def test_repeated_rows_count_once(self):
        """A cross-validation that is repeated with the same folds has no more evidence from rows."""
        metrics = choose_metrics("classification", TRUTH)
        mine, theirs = wrong_in(TRUTH, range(12)), wrong_in(TRUTH, range(4))
        rank = []
        for repeats in (1, 3):
            truth, rows = [TRUTH] * repeats, [np.arange(200)] * repeats
            models = [
                scores(metrics, name, role, [predictions] * repeats, truth)
                for name, role, predictions in (("q", "quantum", mine), ("c", "classical", theirs))
            ]
            rank.append(paired_differences(metrics, models, truth, rows)[0].rows_p_value)
        assert rank[0] == pytest.approx(rank[1], rel=EXACT)


class TestMetrics:
    def test_uneven_classes_are_compared_by_balanced_accuracy_and_roc_auc(self):
        assert choose_metrics("classification", np.array([0] * 20 + [1] * 10)).names[:2] == (
            "balanced accuracy",
            "ROC AUC",
        )
        assert choose_metrics("classification", np.array([0] * 19 + [1] * 10)).names[0] == "accuracy"

    def test_roc_auc_against_scikit_learn(self):
        rng = np.random.default_rng(0)
        truth = rng.integers(3, size=80)
        outputs = rng.dirichlet(np.ones(3), 80)
        values = choose_metrics("classification", truth).evaluate(truth, outputs.argmax(1), outputs)
        assert values["ROC AUC"] == pytest.approx(roc_auc_score(truth, outputs, multi_class="ovr"))
        two = choose_metrics("classification", truth % 2).evaluate(truth % 2, truth % 2, outputs[:, :2])
        assert two["ROC AUC"] == pytest.approx(roc_auc_score(truth % 2, outputs[:, 1]))

    def test_majority_class_is_no_winner_among_uneven_classes(self):
        truth = np.array([0] * 180 + [1] * 20)
        sees_the_rare_class = wrong_in(truth, range(30))
        result = compared(truth, sees_the_rare_class, {"RBF SVM": np.zeros(200, int)}, splits=1)
        assert result.quantum.scores["accuracy"] < result.models[1].scores["accuracy"]
        assert "The quantum model is 41.7 points of balanced accuracy better than the RBF SVM" in result.verdict()
        assert "a clear difference from every classical model" in result.verdict()


class TestVerdict:
    def test_clear_win_says_what_each_got(self):
        result = compared(TRUTH, wrong_in(TRUTH, range(3)), {"RBF SVM": wrong_in(TRUTH, range(60))}, twin=1 - TRUTH)
        verdict = result.verdict()
        assert verdict.startswith("The quantum model is 28.5 points of accuracy better than the RBF SVM, the best")
        assert (
            "a clear difference from every classical model; all were trained on the same 80 rows, the quantum model "
            "with its settings as given, the classical models tuned over 4 candidates each." in verdict
        )
        assert "nothing" not in verdict
        assert "98.5 points of accuracy worse: entanglement helps." in verdict

    def test_clear_loss_says_that_the_quantum_part_adds_nothing(self):
        verdict = compared(TRUTH, wrong_in(TRUTH, range(60)), {"RBF SVM": wrong_in(TRUTH, range(3))}).verdict()
        assert verdict.startswith("The RBF SVM is 28.5 points of accuracy better than the quantum model")
        assert ": a clear difference; all" in verdict
        assert "The quantum part adds nothing here." in verdict

    def test_few_rows_of_difference_tell_nothing(self):
        verdict = compared(TRUTH, wrong_in(TRUTH, range(3)), {"RBF SVM": wrong_in(TRUTH, range(5))}).verdict()
        assert "The quantum model is 1.0 points of accuracy better" in verdict
        assert "too uncertain to tell them apart" in verdict
        assert "There is no evidence that the quantum part adds anything." in verdict

    def test_same_score(self):
        verdict = compared(TRUTH, wrong_in(TRUTH, [1]), {"RBF SVM": wrong_in(TRUTH, [2])}).verdict()
        assert verdict.startswith("The quantum model and the RBF SVM, the best classical model, do equally well")

    def test_twin_and_readout_that_do_as_well(self):
        mine = wrong_in(TRUTH, range(3))
        verdict = compared(TRUTH, mine, {"RBF SVM": 1 - TRUTH}, twin=mine, readout=wrong_in(TRUTH, range(4))).verdict()
        assert "without entanglement does equally well: entanglement adds nothing measurable." in verdict
        assert "without the circuit, is 0.5 points of accuracy worse, but not clearly: there is no" in verdict
        assert "better than the linear model without the circuit" in verdict  # the best of those without a circuit
        assert "a clear difference" not in verdict

    @pytest.mark.parametrize(
        ("changes", "missing", "words"),
        [
            ({"RBF SVM": {"rows": 20}}, {}, "the RBF SVM was trained on 20 of 80 rows"),
            ({"RBF SVM": {"candidates": 1}}, {}, "the RBF SVM was tuned over 1 of 4 candidates"),
            ({}, {"gradient boosting": "no memory"}, "the gradient boosting is missing (no memory)"),
        ],
    )
    def test_a_win_over_a_handicapped_opponent_is_not_clear(self, changes, missing, words):
        opponents = {"RBF SVM": wrong_in(TRUTH, range(60)), "ridge": wrong_in(TRUTH, range(70))}
        good = wrong_in(TRUTH, range(3))
        verdict = compared(
            TRUTH, good, opponents, changes={"quantum model": {"candidates": 1}} | changes, missing=missing
        )
        sentence = verdict.verdict().split(". ")[0]
        assert f"not a clear difference, because {words}" in sentence + verdict.verdict()
        assert "no evidence that the quantum part adds anything" in verdict.verdict()

    def test_a_loss_to_a_handicapped_opponent_is_clear_and_says_so(self):
        bad = wrong_in(TRUTH, range(60))
        verdict = compared(TRUTH, bad, {"RBF SVM": TRUTH}, changes={"RBF SVM": {"rows": 20}}).verdict()
        assert ": a clear difference; the quantum model was trained on the same 80 rows" in verdict
        assert "but the RBF SVM was trained on 20 of 80 rows" in verdict

    def test_rows_that_nobody_got_are_told_in_the_same_sentence(self):
        verdict = compared(TRUTH, TRUTH, {"RBF SVM": 1 - TRUTH}, num_rows=400).verdict()
        assert "all were trained on the same 80 of 400 rows" in verdict

    def test_a_win_must_be_clear_against_every_opponent(self):
        """The best opponent loses clearly in all rows alike; another is as good but for unlucky splits."""
        good = wrong_in(TRUTH, range(2))
        opponents = {"first": wrong_in(TRUTH, range(0, 200, 4)), "second": wrong_in(TRUTH, range(60))}
        verdict = compared(TRUTH, good, opponents, splits=5).verdict()
        assert "not a clear difference, because that from the second is not" in verdict

    def test_roc_auc_that_says_the_opposite(self):
        good, bad = wrong_in(TRUTH, range(3)), wrong_in(TRUTH, range(60))
        ranks = {
            "quantum model": {"candidates": 1, "outputs": [np.column_stack([TRUTH, 1 - TRUTH]).astype(float)]},
            "RBF SVM": {"outputs": [np.column_stack([1 - TRUTH, TRUTH]).astype(float)]},
        }
        result = compared(TRUTH, good, {"RBF SVM": bad}, changes=ranks)
        assert result.differences[0].contradicted
        assert "not a clear difference, because ROC AUC says the opposite" in result.verdict()

    def test_a_class_of_one_test_row_is_named(self):
        truth = np.array([0] * 74 + [1])
        said = compared(truth, np.zeros(75, int), {"RBF SVM": np.zeros(75, int)}).verdict()
        assert "Class '1' (1) has fewer than 5 test rows: the comparison says little about it." in said
        several = compared(np.arange(40) % 10, np.zeros(40, int), {"RBF SVM": np.zeros(40, int)}).verdict()
        assert "'9' (4) have fewer than 5 test rows: the comparison says little about them." in several
        assert "fewer than" not in compared(TRUTH, TRUTH, {"RBF SVM": TRUTH}).verdict()

    def test_nothing_learnt_is_said(self):
        verdict = compared(TRUTH, np.zeros(200, int), {"RBF SVM": TRUTH}).verdict()
        assert verdict.endswith("The quantum model is not clearly better than the majority class either.")

    def test_overfitting_is_said(self):
        memory = {"quantum model": {"candidates": 1, "train": 0.99}}
        verdict = compared(TRUTH, wrong_in(TRUTH, range(60)), {"RBF SVM": TRUTH}, changes=memory).verdict()
        assert "The quantum model overfits: training 0.99, test 0.70. Try fewer layers" in verdict

    @pytest.mark.parametrize("mistakes", [0, 1, 2, 3])
    def test_eight_test_rows_never_make_a_clear_win_of_few_mistakes(self, mistakes):
        truth = np.arange(8) % 2
        opponents = {name: wrong_in(truth, range(mistakes + 2)) for name in ("a", "b", "c", "d", "e")}
        verdict = compared(truth, wrong_in(truth, range(mistakes)), opponents).verdict()
        assert "too uncertain to tell them apart" in verdict

    def test_two_test_rows(self):
        verdict = compared([0, 1], [0, 1], {"RBF SVM": [0, 1]}).verdict()
        assert "do equally well" in verdict
        assert "not clearly better than the majority class either" in verdict


class TestOutput:
    @pytest.fixture
    def result(self):
        return compared(
            TRUTH, wrong_in(TRUTH, range(3)), {"RBF SVM": wrong_in(TRUTH, range(60))}, splits=4, readout=1 - TRUTH
        )

    def test_table(self, result):
        text = str(result)
        assert max(map(len, text.splitlines())) <= 100
        lines = text.splitlines()
        assert (
            lines[0].split() == "mean of 4 splits accuracy ROC AUC balanced accuracy training accuracy seconds".split()
        )
        assert lines[1].startswith("quantum model")
        assert "0.985 ± 0.030" in lines[1]
        for words in ("95 % interval", "p, Wilcoxon", "wins", "quantum model minus"):
            assert words in text

    def test_dict_is_json(self, result):
        content = json.loads(json.dumps(result.as_dict(), allow_nan=False))
        assert [model["name"] for model in content["models"]] == [model.name for model in result.models]
        assert content["models"][0]["test"] == {"accuracy": pytest.approx(0.985), "ROC AUC": None} | {
            "balanced accuracy": pytest.approx(0.985)
        }
        assert content["differences"][0]["difference"] == pytest.approx(0.985)
        assert content["verdict"] == result.verdict()

    def test_plot(self, result, tmp_path):
        pytest.importorskip("matplotlib")
        figure = result.plot(tmp_path / "c.png")
        left, right = figure.axes
        assert [text.get_text() for text in left.get_yticklabels()] == [model.name for model in result.models]
        assert right.get_xlabel() == "quantum model minus other, 95 % interval"
        assert (tmp_path / "c.png").stat().st_size > 5000
