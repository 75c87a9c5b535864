"""`qumba explain` on a model that `qumba train` wrote, by the columns of its table."""

import csv
import json

import numpy as np
import pytest

from qml import VariationalClassifier, load, save
from qml.cli import main
from qml.explain import explain
from qml.tables import TableModel, read_table


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with loans.csv and the output of training on it."""
    folder = tmp_path_factory.mktemp("loans")
    rng = np.random.default_rng(0)
    income, debts = rng.normal(3000, 800, 120).round(), rng.integers(0, 4, 120)
    job, sex = rng.choice(["clerk", "doctor", "nurse <i>"], 120), rng.choice(["female", "male"], 120)
    granted = np.where((income - 3000) / 800 - debts + 1.5 * (job == "doctor") > -1.0, "yes", "no")
    with open(folder / "loans.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["income", "job", "sex", "debts", "granted"])
        writer.writerows(zip(income, job, sex, debts, granted, strict=True))
    arguments = ["--target", "granted", "--epochs", "10", "--layers", "1", "--quiet", "--no-plots", "--no-twin"]
    arguments += ["--cv", "0", "--candidates", "1", "-o", str(folder / "out")]
    assert main(["train", str(folder / "loans.csv"), *arguments]) == 0
    return folder


def test_report_page_and_numbers(trained, capsys, tmp_path):
    model, data = str(trained / "out" / "model.qumba"), str(trained / "loans.csv")
    files = [
        "--json",
        str(tmp_path / "why.json"),
        "--plot",
        str(tmp_path / "why.png"),
        "-o",
        str(tmp_path / "why.html"),
    ]
    assert main(["explain", model, data, "--number", "3", "--fix", "sex", "--background", "30", *files]) == 0
    output = capsys.readouterr()
    assert "Explanation of VariationalClassifier for granted" in output.out
    assert "probability of yes" in output.out
    assert "why.html written" in output.err
    numbers = json.loads((tmp_path / "why.json").read_text())
    assert numbers["columns"] == ["income", "job", "sex", "debts"], "columns of the table, not of the encoding"
    assert numbers["rows"][0]["values"]["job"] in ("clerk", "doctor", "nurse <i>")
    assert len(numbers["rows"]) == 3
    assert all("sex:" not in row["counterfactual"] for row in numbers["rows"] if row["counterfactual"])
    page = (tmp_path / "why.html").read_text()
    assert "nurse &lt;i&gt;" in page
    assert "nurse <i>" not in page
    assert (tmp_path / "why.png").stat().st_size > 10_000


def test_it_is_the_explanation_of_the_loaded_model(trained, tmp_path):
    model, data = str(trained / "out" / "model.qumba"), str(trained / "loans.csv")
    arguments = ["--background", "30", "--json", str(tmp_path / "a.json"), "-o", str(tmp_path / "a.html")]
    assert main(["explain", model, data, "--number", "2", *arguments]) == 0
    table = read_table(data)
    loaded = load(model)
    assert isinstance(loaded, TableModel)
    y = np.array(table.column("granted"))
    explanation = explain(loaded, table, loaded.features(table)[:2], y, max_background=30, random_state=0)
    assert json.loads((tmp_path / "a.json").read_text()) == json.loads(json.dumps(explanation.as_dict()))


def test_the_page_is_written_beside_the_model(trained, capsys, tmp_path):
    """With rows from another file, without the target."""
    model = trained / "out" / "model.qumba"
    text = (trained / "loans.csv").read_text().splitlines()
    (tmp_path / "new.csv").write_text("\n".join(line.rsplit(",", 1)[0] for line in text[:4]) + "\n")
    arguments = ["--rows", str(tmp_path / "new.csv"), "--background", "20"]
    assert main(["explain", str(model), str(trained / "loans.csv"), *arguments]) == 0
    assert model.with_suffix(".html").exists()
    assert "explained rows: 3" in capsys.readouterr().out
    assert main(["explain", str(model), str(tmp_path / "new.csv"), "--number", "1"]) == 0
    assert "model's own predictions" in capsys.readouterr().out


def test_models_saved_from_python(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    save(VariationalClassifier(n_layers=1, epochs=2, random_state=0).fit(X, X[:, 0] > 0), tmp_path / "model.qumba")
    rows = "\n".join(f"{a},{b}" for a, b in X)
    (tmp_path / "rows.csv").write_text(f"first,second\n{rows}\n")
    assert main(["explain", str(tmp_path / "model.qumba"), str(tmp_path / "rows.csv"), "--background", "10"]) == 0
    output = capsys.readouterr().out
    assert "first" in output
    assert "Explanation of VariationalClassifier" in output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--number", "0"], "--number expects 1 or more"),
        (["--background", "1"], "--background 2 or more"),
        (["--fix", "height"], "unknown column 'height'"),
        (["--rows", "nowhere.csv"], "nowhere.csv"),
        (["-o", "."], "folder"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(trained, capsys, arguments, text):
    model, data = str(trained / "out" / "model.qumba"), str(trained / "loans.csv")
    assert main(["explain", model, data, "--background", "10", "--number", "1", *arguments]) == 2
    output = capsys.readouterr()
    assert output.err.count("\n") == 1
    assert text in output.err


def test_files_that_cannot_be_explained(trained, capsys, tmp_path):
    data = str(trained / "loans.csv")
    assert main(["explain", str(tmp_path / "none.qumba"), data]) == 2
    assert "there is no model file" in capsys.readouterr().err
    (tmp_path / "few.csv").write_text("income,job,sex,debts\n3000,clerk,male,1\n")
    model = str(trained / "out" / "model.qumba")
    assert main(["explain", model, str(tmp_path / "few.csv")]) == 2
    assert "at least 2 different rows" in capsys.readouterr().err
    assert main(["explain", model, str(tmp_path / "few.csv"), "--twin"]) == 2
    assert "--twin trains a model" in capsys.readouterr().err
