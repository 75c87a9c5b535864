"""`qumba search` from outside: the files that it writes, the study that it resumes, what it refuses."""

import csv
import json
import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris

from qml import load
from qml.cli import main
from qml.search import QuantumSearchCV

BAD_INPUT, INTERRUPTED = 2, 130
QUICK = ["--model", "KitchenSinks", "--cv", "2", "--quiet", "--no-plots"]


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    path = tmp_path_factory.mktemp("iris") / "iris.csv"
    X, y = load_iris(return_X_y=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["length", "width", "petal length", "petal width", "species"])
        writer.writerows([*row, load_iris().target_names[label]] for row, label in zip(X.tolist(), y, strict=True))
    return path


def search(iris, folder, *more):
    return main(["search", str(iris), "--target", "species", "-o", str(folder), *QUICK, *map(str, more)])


def test_report_model_file_and_resumed_study(iris, tmp_path, capsys):
    study = tmp_path / "search.journal"
    assert search(iris, tmp_path / "first", "--trials", 4, "--study", study) == 0
    assert search(iris, tmp_path / "out", "--trials", 6, "--study", study) == 0
    output = capsys.readouterr().out
    assert "The search" in output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    rows = {row["model"]: row for row in report["search"]["models"]}
    assert sum(row["trials"] for row in rows.values()) == 6
    assert rows["KitchenSinksClassifier"]["trials"] == 4
    assert "the best of 4 trials of 1 model" in report["search"]["verdict"]
    assert report["models"][0]["candidates"] == 4
    assert report["test_rows"] == 38
    table = load(tmp_path / "out" / "model.qumba")
    X, y = load_iris(return_X_y=True)
    names = load_iris().target_names[y]
    assert np.mean(table.predict(X) == names) > 0.9
    assert "## The search" in (tmp_path / "out" / "report.md").read_text()


def test_the_models_of_an_ensemble_predict_together(iris, tmp_path):
    assert search(iris, tmp_path, "--trials", 3, "--ensemble", 2) == 0
    settings = json.loads((tmp_path / "report.json").read_text())["quantum_model"]["settings"]
    assert len(settings) == 2
    assert all("KitchenSinksClassifier(" in model and "\n" not in model for model in settings.values())
    text = (tmp_path / "report.md").read_text()
    assert "2 models predict together by the mean of their probabilities: KitchenSinksClassifier, Kitchen" in text
    table = load(tmp_path / "model.qumba")
    X, _ = load_iris(return_X_y=True)
    first, second = (member.predict_proba(X) for member in table.estimators_)
    names = load_iris().target_names[(first + second).argmax(axis=1)]
    np.testing.assert_array_equal(table.predict(X), names)


def test_pictures(iris, tmp_path):
    arguments = ["search", str(iris), "--target", "species", "-o", str(tmp_path), *QUICK[:-1], "--trials", "3"]
    assert main(arguments) == 0
    assert {"search.png", "comparison.png", "confusion.png"} <= {path.name for path in tmp_path.iterdir()}


def test_ctrl_c_writes_the_best_so_far(iris, tmp_path, monkeypatch, capsys):
    fit = QuantumSearchCV.fit

    def interrupted(self, X, y):
        fit(self, X, y)
        raise KeyboardInterrupt

    monkeypatch.setattr(QuantumSearchCV, "fit", interrupted)
    assert search(iris, tmp_path, "--trials", 2) == INTERRUPTED
    assert "interrupted after 2 trials: this is the best model so far" in capsys.readouterr().out
    assert (tmp_path / "model.qumba").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--cv", "0"], "expect at least 2 folds"),
        (["--trials", "0"], "expected a positive integer"),
        (["--model", "Varational"], "Variational"),
        (["--scoring", "acuracy"], "accuracy"),
        (["--timeout", "-1"], "expected a positive number"),
    ],
)
def test_refused_in_one_line(iris, tmp_path, capsys, more, message):
    assert search(iris, tmp_path, *more) == BAD_INPUT
    output = capsys.readouterr()
    assert output.err.count("\n") == 1
    assert message in output.err


def test_without_optuna(iris, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "qml.search.studies", raising=False)
    assert search(iris, tmp_path / "out") == BAD_INPUT
    assert capsys.readouterr().err == "qumba search: a search needs Optuna: pip install 'qumba[search]'\n"
    assert not (tmp_path / "out").exists()
