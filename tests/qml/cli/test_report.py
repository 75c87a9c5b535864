"""The report on a training run: on a terminal, as Markdown, as JSON."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_iris

from qml import (
    DressedClassifier,
    QuantumKernelClassifier,
    ReservoirClassifier,
    ReuploadingClassifier,
    VariationalClassifier,
)
from qml.assessment.model_facts import circuit_of, describe, reduction_note, sizes_of
from qml.assessment.report import Picture, markdown, terminal
from qml.cli.estimators import estimator_for
from qml.cli.report import Facts, report_blocks, report_json
from qml.honesty import BaselineComparison
from qml.honesty.evaluation import Contest, ModelScores
from qml.honesty.scores import choose_metrics
from qml.tables import TableError
from simulator.errors import UnknownNameError

TRUTH = np.arange(40) % 2


def scored(metrics, name, role, predictions, truth=TRUTH):
    scores = {key: np.array([value]) for key, value in metrics.evaluate(truth, predictions, None).items()}
    return ModelScores(
        name=name,
        role=role,
        scores=scores,
        train_scores=scores[metrics.primary],
        predictions=(predictions,),
        seconds=np.array([0.5]),
        train_rows=np.array([80]),
        candidates=np.array([4]),
        settings=({},),
    )


def wrong_in(rows):
    predictions = TRUTH.copy()
    predictions[list(rows)] = 1 - predictions[list(rows)]
    return predictions


@pytest.fixture
def comparison():
    metrics = choose_metrics("classification", TRUTH)
    contest = Contest(np.zeros((40, 1)), TRUTH, [(np.arange(80), np.arange(40))], metrics, 4, None, 0)
    models = [
        scored(metrics, "quantum model", "quantum", wrong_in(range(4))),
        scored(metrics, "RBF SVM", "classical", wrong_in(range(2))),
        scored(metrics, "majority class", "trivial", TRUTH * 0),
    ]
    return BaselineComparison.from_contest(contest, models, {}, num_rows=80, folds=1, repeats=1)


@pytest.fixture
def facts():
    return Facts(
        title="y, predicted from data.csv",
        data=("data.csv: 20 rows", "left out: patient_id (identifier)"),
        settings={"feature_map": "angle", "n_layers": np.int64(2)},
        model=("2 qubits, 12 gates, depth 5.",),
        sizes={"qubits": 2, "angles": 6, "classical_weights": 3},
        circuit_text="q_0: ┤ Ry ├",
        loss_history=np.array([0.7, 0.3, np.nan]),
        validation_scores=np.array([0.5, 0.75, 0.7]),
        best_epoch=2,
        notes=("while training: slow",),
        versions={"qumba": "0.1.0"},
    )


class TestReport:
    @pytest.fixture
    def blocks(self, facts, comparison):
        return report_blocks(facts, comparison, [Picture("training.png", "Training")])

    def test_terminal(self, blocks):
        text = terminal(blocks, width=80)
        assert text.startswith("y, predicted from data.csv\n--------------------------\n")
        for words in ("left out: patient_id", "quantum model", "0.900", "majority class", "points of", "depth 5"):
            assert words in text
        assert "┤ Ry ├" not in text
        assert "training.png" not in text

    def test_markdown(self, blocks):
        text = markdown(blocks)
        assert text.startswith("# y, predicted from data.csv\n\n- data.csv: 20 rows\n- left out: patient\\_id")
        assert "| quantum model | 0.900 | nan | 0.900 | 0.900 | 0.50 |" in text
        assert "![Training](training.png)" in text
        assert "```text\nq_0: ┤ Ry ├\n```" in text
        assert "## Class by class" in text
        assert "| 0 | 0.900 | 0.900 | 0.900 | 20 |" in text

    def test_json(self, facts, comparison):
        content = json.loads(report_json(facts, comparison))
        assert content["models"][0]["test"] == {"accuracy": 0.9, "ROC AUC": None, "balanced accuracy": 0.9}
        assert content["quantum_model"]["loss_history"] == [0.7, 0.3, None]
        assert content["quantum_model"]["settings"] == {"feature_map": "angle", "n_layers": 2}
        assert content["quantum_model"]["angles"] == 6
        assert content["confusion"] == [[18, 2], [2, 18]]
        assert content["classes"] == [0, 1]
        assert content["test_rows"] == 40
        assert content["verdict"] == comparison.verdict()


class TestModelFacts:
    X, y = load_iris(return_X_y=True)

    def test_angles_and_classical_weights_are_told_apart(self):
        model = VariationalClassifier(n_layers=2, epochs=2, random_state=0).fit(self.X, self.y)
        sizes = sizes_of(model)
        assert sizes["angles"] == len(model.circuit_.parameters) - 4 == 2 * 4 * 3
        assert sizes["classical_weights"] == 3 * (sizes["observables"] + 1)
        text = " ".join(describe(model, sizes))
        assert "24 angles in the circuit and 33 weights of the classical readout were trained for 2 epochs" in text
        assert reduction_note(model) == ()

    def test_a_weight_decay_that_the_settings_do_not_tell(self):
        model = ReuploadingClassifier(n_layers=1, n_qubits=4, epochs=2, random_state=0).fit(self.X, self.y)
        assert (model.weight_decay, model.weight_decay_ > 0) == (None, True)
        text = " ".join(describe(model, sizes_of(model)))
        assert f"were trained for 2 epochs with a weight decay of {model.weight_decay_}, loss " in text

    def test_layers_before_the_circuit(self):
        model = DressedClassifier(n_layers=1, n_qubits=2, epochs=1, random_state=0).fit(self.X, self.y)
        assert "of the classical layers before and after it" in " ".join(describe(model, sizes_of(model)))
        assert reduction_note(model) == ()

    def test_kernels_and_fixed_features(self):
        kernel = QuantumKernelClassifier(random_state=0).fit(self.X[::3], self.y[::3])
        assert circuit_of(kernel).num_qubits == 4
        assert f"with {len(kernel.support_)} support vectors" in " ".join(describe(kernel, sizes_of(kernel)))
        reservoir = ReservoirClassifier(random_state=0).fit(self.X[::3], self.y[::3])
        assert "No angle is trained" in " ".join(describe(reservoir, sizes_of(reservoir)))


class TestModelNames:
    @pytest.mark.parametrize(
        ("name", "task", "kind"),
        [
            ("variational", "classification", "VariationalClassifier"),
            ("variational", "regression", "VariationalRegressor"),
            ("kernel", "regression", "QuantumKernelRegressor"),
            ("reuploading", "classification", "ReuploadingClassifier"),
            ("KitchenSinks", "regression", "KitchenSinksRegressor"),
            ("quantumkernelclassifier", "classification", "QuantumKernelClassifier"),
        ],
    )
    def test_names(self, name, task, kind):
        assert type(estimator_for(name, task, {"random_state": 1}, verbose=False)).__name__ == kind

    def test_refusals(self):
        with pytest.raises(UnknownNameError, match="unknown model 'kernle'; did you mean 'kernel'"):
            estimator_for("kernle", "classification", {}, verbose=False)
        with pytest.raises(TableError, match="does not fit the target, which needs regression"):
            estimator_for("VariationalClassifier", "regression", {}, verbose=False)
        with pytest.raises(TableError, match="QuantumKernelClassifier does not take --layers, --epochs"):
            estimator_for("kernel", "classification", {"n_layers": 2, "epochs": 3}, verbose=False)


def test_many_classes_are_shown_by_their_worst():
    truth = np.repeat(np.arange(40), 3)
    predictions = truth.copy()
    predictions[:6] = [7, 7, 0, 1, 9, 1]  # class 0 is taken for 7 twice, class 1 for 9 once
    metrics = choose_metrics("classification", truth)
    contest = Contest(np.zeros((120, 1)), truth, [(np.arange(80), np.arange(120))], metrics, 4, None, 0)
    models = [
        scored(metrics, "quantum model", "quantum", predictions, truth),
        scored(metrics, "RBF SVM", "classical", predictions, truth),
        scored(metrics, "majority class", "trivial", truth * 0, truth),
    ]
    comparison = BaselineComparison.from_contest(contest, models, {}, num_rows=80, folds=1, repeats=1)
    facts = Facts("y", (), {}, (), {}, None, np.empty(0), None, None)
    text = terminal(report_blocks(facts, comparison))
    assert "The 15 worst of 40 classes" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["0", "7", "2"] in lines
    assert ["1", "9", "1"] in lines
    assert max(map(len, text.splitlines())) <= 100
    assert len(json.loads(report_json(facts, comparison))["class_scores"]) == 40
