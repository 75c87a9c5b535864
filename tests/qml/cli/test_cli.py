"""The shell from outside: what it writes, what it says, and one line for whatever it cannot use."""

import contextlib
import csv
import inspect
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris

from qml import NystroemFeatures, QuantumKernelClassifier, VariationalClassifier, VariationalRegressor, load, save
from qml.cli import main, training_options

BAD_INPUT, INTERRUPTED = 2, 130
SPLIT = ["--cv", "0", "--candidates", "1"]
QUICK = ["--epochs", "8", "--layers", "1", *SPLIT, "--quiet", "--no-plots"]


def write_csv(path, columns, separator=","):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def flowers(rows=None):
    """Iris with a column of each kind; the numbers decide the species."""
    X, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(5).permutation(150)[:rows]
    return {
        "name": [f"flower {row}" for row in rows],
        "petal length": X[rows, 2].tolist(),
        "petal width": X[rows, 3].tolist(),
        "garden": [("north", "south", "west")[row % 3] for row in range(len(rows))],
        "found": [f"2024-05-{1 + row % 28:02}" for row in rows],
        "species": load_iris().target_names[y[rows]].tolist(),
    }


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with iris.csv and the output of training on it."""
    folder = tmp_path_factory.mktemp("trained")
    data = write_csv(folder / "iris.csv", flowers())
    command = ["train", str(data), "--target", "species", "--epochs", "40", "-q", "-o", str(folder / "out")]
    status = main([*command, *SPLIT])
    assert status == 0
    return folder


def refused(capsys, *arguments):
    """The one line on stderr of a command that must fail as bad input does, and print nothing else."""
    assert main([str(argument) for argument in arguments]) == BAD_INPUT
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert "Traceback" not in output.err
    return output.err


class TestTrain:
    def test_model_and_report_are_written(self, trained):
        out = trained / "out"
        written = {path.name for path in out.iterdir()}
        assert {"model.qumba", "report.md", "report.json"} <= written
        assert ".writable" not in written
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        quantum = report["models"][0]
        assert quantum["test"]["accuracy"] > 0.85
        assert report["classes"] == ["setosa", "versicolor", "virginica"]
        assert report["test_rows"] == 38
        text = (out / "report.md").read_text(encoding="utf-8")
        for words in ("left out: name (identifier", "left out: found (dates", "one-hot encoded: garden", "RBF SVM"):
            assert words in text
        assert "q_0: ┤ Ry(x[0]) ├" in text
        assert report["verdict"].split()[0] in text

    def test_plots(self, here, capsys):
        pytest.importorskip("matplotlib")
        write_csv(here / "iris.csv", flowers(60))
        assert main(["train", "iris.csv", "-t", "species", *QUICK[:-1]]) == 0
        for picture in ("training", "comparison", "confusion", "circuit"):
            assert (here / "iris-qumba" / f"{picture}.png").stat().st_size > 5000
            assert f"]({picture}.png)" in (here / "iris-qumba" / "report.md").read_text(encoding="utf-8")
        assert "Written to iris-qumba/: model.qumba, report.md" in capsys.readouterr().out

    def test_without_matplotlib_it_says_how_to_get_plots(self, here, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        write_csv(here / "iris.csv", flowers(60))
        assert main(["train", "iris.csv", "-t", "species", *QUICK[:-1]]) == 0
        assert "No plots: matplotlib is missing (pip install 'qumba[plot]')." in capsys.readouterr().out
        assert not list(here.glob("iris-qumba/*.png"))

    def test_same_seed_same_model(self, here, capsys):
        write_csv(here / "iris.csv", flowers(60))
        outputs = []
        for folder in ("one", "two"):
            assert main(["train", "iris.csv", "-t", "species", "-o", folder, "--seed", "3", *QUICK]) == 0
            outputs.append(load(here / folder / "model.qumba").weights_)
        np.testing.assert_array_equal(*outputs)

    def test_more_features_than_qubits_pass_through_a_trained_layer_or_are_reduced(self, here, capsys):
        X, y = load_breast_cancer(return_X_y=True)
        columns = {f"f{k}": X[:120, k].tolist() for k in range(12)} | {"y": y[:120].tolist()}
        write_csv(here / "c.csv", columns)
        assert main(["train", "c.csv", "-t", "y", "--qubits", "3", *QUICK]) == 0
        output = capsys.readouterr().out
        assert "12 features do not fit on 3 qubits with this feature map: a trained layer turns them into 3" in output
        assert main(["train", "c.csv", "-t", "y", "--qubits", "3", "--reduction", "components", *QUICK]) == 0
        output = capsys.readouterr().out
        assert "12 features do not fit on 3 qubits with this feature map: their 3 leading principal" in output
        assert "without the circuit" in output

    def test_numbers_to_predict_mean_regression(self, here, capsys):
        pytest.importorskip("matplotlib")
        x = np.random.default_rng(1).uniform(-3, 3, 120).round(4)
        write_csv(here / "wave.csv", {"x": x.tolist(), "height": np.sin(x).round(4).tolist()})
        command = ["train", "wave.csv", "-t", "height", "--qubits", "2", "--feature-map", "reuploading", "-q"]
        assert main([*command, "--epochs", "60", *SPLIT]) == 0
        report = json.loads((here / "wave-qumba" / "report.json").read_text(encoding="utf-8"))
        assert report["task"] == "regression"
        assert report["models"][0]["test"]["R²"] > 0.95
        assert [model["name"] for model in report["models"]][1:4] == [
            "without entanglement",
            "without the circuit",
            "ridge regression",
        ]
        assert (here / "wave-qumba" / "predictions.png").exists()
        capsys.readouterr()
        assert main(["predict", "wave-qumba/model.qumba", "wave.csv"]) == 0
        output = capsys.readouterr()
        assert "note: mean absolute error against column 'height': 0." in output.err
        predicted = [float(line) for line in output.out.splitlines()[1:]]
        assert np.abs(np.array(predicted) - np.sin(x)).mean() < 0.15

    def test_few_rows_are_cross_validated(self, here, capsys):
        write_csv(here / "iris.csv", flowers(60))
        command = ["train", "iris.csv", "-t", "species", "--epochs", "4", "--layers", "1", "--no-plots", "--no-twin"]
        assert main([*command, "--candidates", "1"]) == 0
        output = capsys.readouterr()
        assert "by 5-fold cross-validation" in output.err
        text = " ".join(output.out.split())
        assert "60 rows, compared by 5-fold cross-validation; the model file holds the model trained on all" in text
        assert "mean of 10 splits" in text
        assert "the same 48 rows in each of 10 splits" in text
        report = json.loads((here / "iris-qumba" / "report.json").read_text(encoding="utf-8"))
        assert report["test_rows"] == 60
        assert np.sum(report["confusion"]) == 60
        assert "without entanglement" not in [model["name"] for model in report["models"]]
        assert load(here / "iris-qumba" / "model.qumba").n_iter_ == 4

    @pytest.mark.parametrize("rows", [60, 120])
    def test_a_test_size_means_one_split(self, here, capsys, rows):
        write_csv(here / "iris.csv", flowers(rows))
        command = ["train", "iris.csv", "-t", "species", "--epochs", "2", "--layers", "1", "--candidates", "1", "-q"]
        assert main([*command, "--no-plots", "--test-size", "0.5"]) == 0
        assert f"on {rows // 2} test rows" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("model", "kind"), [("kernel", "QuantumKernel"), ("KitchenSinksClassifier", "KitchenSinks")]
    )
    def test_any_estimator(self, here, capsys, model, kind):
        write_csv(here / "iris.csv", flowers(60))
        command = ["train", "iris.csv", "-t", "species", *SPLIT, "--no-twin", "-q", "--no-plots", "--model", model]
        assert main([*command, "--class-weight", "balanced"]) == 0
        assert "No angle is trained" in capsys.readouterr().out
        saved = load(here / "iris-qumba" / "model.qumba").estimator
        assert type(saved).__name__ == f"{kind}Classifier"
        assert saved.class_weight == "balanced"
        assert main(["predict", "iris-qumba/model.qumba", "iris.csv"]) == 0
        capsys.readouterr()
        if model == "kernel":
            assert "writes no checkpoints: leave out --resume" in refused(capsys, *command, "--resume", "run.ckpt")

    def test_both_models(self, here, capsys):
        write_csv(here / "iris.csv", flowers(60))
        assert main(["train", "iris.csv", "-t", "species", *SPLIT, "-q", "--no-plots", "--model", "both"]) == 0
        for name, kind in (("variational", VariationalClassifier), ("kernel", QuantumKernelClassifier)):
            assert isinstance(load(here / "iris-qumba" / name / "model.qumba").estimator, kind)
        capsys.readouterr()
        command = ["train", "iris.csv", "-t", "species", "-o", "other", "-q", "--model", "both", "--layers", "1"]
        assert "QuantumKernelClassifier does not take --layers" in refused(capsys, *command)
        assert not (here / "other").exists()  # refused before the first of them is trained

    def test_overfitting_is_said(self, here, capsys):
        rng = np.random.default_rng(0)
        noise = {f"x{k}": rng.normal(size=60).tolist() for k in range(4)}
        write_csv(here / "noise.csv", noise | {"y": rng.choice(["a", "b"], 60).tolist()})
        assert main(["train", "noise.csv", "-t", "y", *SPLIT, "-q", "--no-plots"]) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert "The quantum model overfits: training" in text
        assert "Try fewer layers" in text
        assert "a clear difference" not in text.replace("not a clear difference", "")

    def test_small_table(self, here, capsys):
        rows = np.arange(12)
        write_csv(here / "tiny.csv", {"x": (rows % 3 + rows / 50).tolist(), "y": ["abc"[row % 3] for row in rows]})
        assert main(["train", "tiny.csv", "-t", "y", *QUICK]) == 0
        assert "on 3 test rows" in capsys.readouterr().out

    def test_imputation_is_reported(self, here, capsys):
        columns = flowers(60)
        columns["petal width"][4] = ""
        write_csv(here / "holes.csv", columns)
        assert "empty cells, first on line 6: petal width (1)" in refused(capsys, "train", "holes.csv", "-t", "species")
        assert main(["train", "holes.csv", "-t", "species", "--impute", *QUICK]) == 0
        assert "empty cells: petal width: 1 empty, filled with" in capsys.readouterr().out

    def test_a_report_on_very_many_columns_stays_short(self, here):
        """Of a table of 400 columns, the sentences on the data are few, whatever happened to its columns."""
        import argparse

        from qml.cli.table_data import add_table_options, encoded, read_data

        rng = np.random.default_rng(0)
        columns = {f"x{k}": [f"{value:.3f}" for value in rng.normal(size=40)] for k in range(200)}
        columns |= {f"gap{k}": ["", *columns[f"x{k}"][1:]] for k in range(100)}
        columns |= {f"same{k}": [str(k)] * 40 for k in range(50)}
        columns |= {f"day{k}": [f"2024-01-{1 + row % 28:02d}" for row in range(40)] for k in range(50)}
        write_csv(here / "wide.csv", {**columns, "y": ["no", "yes"] * 20})
        parser = argparse.ArgumentParser()
        add_table_options(parser)
        options = parser.parse_args(["wide.csv", "-t", "y", "--impute"])
        table, target, num_without = read_data(options)
        _, X, lines = encoded(options, table, target, num_without, np.arange(40), "all to train on")
        assert X.shape == (40, 300)
        assert lines[2:] == (
            "left out: same0, same1, same2, same3, same4, same5 and 44 more (always '0', and the like)",
            "left out: day0, day1, day2, day3, day4, day5 and 44 more (dates or times, such as '2024-01-01')",
            "empty cells: 100 columns have 100 empty cells, filled with the median or the most frequent text: "
            "gap0, gap1, gap2, gap3, gap4, gap5 and 94 more",
        )

    def test_a_class_called_none_is_one_and_is_said(self, here, capsys):
        columns = flowers()
        columns["species"] = [{"setosa": "None"}.get(species, species) for species in columns["species"]]
        write_csv(here / "data.csv", columns)
        assert main(["train", "data.csv", "-t", "species", *QUICK, "-o", "out"]) == 0
        assert "species: 'None' is treated as the name of a class (50 rows)" in " ".join(
            capsys.readouterr().out.split()
        )
        assert load(here / "out" / "model.qumba").classes_.tolist() == ["None", "versicolor", "virginica"]
        assert main(["predict", "out/model.qumba", "data.csv"]) == 0
        assert "rows agree with column 'species'" in capsys.readouterr().err

    def test_guessed_task_and_encoding_are_said(self, here, capsys):
        columns = flowers(60)
        columns["species"] = [{"setosa": 1, "versicolor": 2, "virginica": 3}[name] for name in columns["species"]]
        columns["garden"] = ["süd" if name == "south" else name for name in columns["garden"]]
        text = write_csv(here / "l.csv", columns).read_text(encoding="utf-8")
        (here / "l.csv").write_text(text, encoding="latin-1")
        assert main(["train", "l.csv", "-t", "species", *QUICK]) == 0
        output = " ".join(capsys.readouterr().out.split())
        assert "species holds numbers, treated as classification (use --task regression for the opposite)" in output
        assert "not UTF-8: it was read as Windows-1252" in output

    def test_early_stopping(self, here, capsys):
        write_csv(here / "iris.csv", flowers())
        assert main(["train", "iris.csv", "-t", "species", *QUICK, "--early-stopping", "--patience", "2"]) == 0
        report = json.loads((here / "iris-qumba" / "report.json").read_text(encoding="utf-8"))
        assert len(report["quantum_model"]["validation_scores"]) == len(report["quantum_model"]["loss_history"])
        write_csv(here / "rare.csv", {"x": range(20), "y": ["a"] * 17 + ["b"] * 3})
        command = ["train", "rare.csv", "-t", "y", "--keep", "x", *QUICK]
        assert main(command) == 0
        capsys.readouterr()
        assert "it needs 40 training rows, and 2 of each class" in refused(capsys, *command, "--early-stopping")

    def test_resumed_run_ends_as_one_that_never_stopped(self, here, capsys):
        write_csv(here / "iris.csv", flowers(60))
        command = ["train", "iris.csv", "-t", "species", "--schedule", "constant", *QUICK[2:]]
        assert main([*command, "--epochs", "12", "-o", "positive_integer"]) == 0
        assert main([*command, "--epochs", "5", "-o", "part", "--resume", "run.ckpt"]) == 0
        assert main([*command, "--epochs", "12", "-o", "rest", "--resume", "run.ckpt"]) == 0
        whole, rest = (load(f"{folder}/model.qumba") for folder in ("positive_integer", "rest"))
        np.testing.assert_array_equal(rest.weights_, whole.weights_)
        np.testing.assert_array_equal(rest.loss_history_, whole.loss_history_)
        capsys.readouterr()
        write_csv(here / "iris.csv", flowers(70))
        assert "run.ckpt" in refused(capsys, *command, "--resume", "run.ckpt")
        (here / "run.ckpt").write_bytes(b"something else")
        assert "run.ckpt" in refused(capsys, *command, "--resume", "run.ckpt")

    @pytest.mark.parametrize("threads", ["1", "2"])
    def test_stopped_by_ctrl_c_it_saves_the_best_so_far(self, tmp_path, threads):
        data = write_csv(tmp_path / "iris.csv", flowers())
        command = [sys.executable, "-m", "qml", "train", str(data), "-t", "species", "--epochs", "1000000"]
        process = subprocess.Popen(
            [*command, "--no-plots", "-o", str(tmp_path / "out")],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"QUMBA_NUM_THREADS": threads, "PYTHONUNBUFFERED": "1"},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
        )
        assert process.stderr is not None
        try:
            seen = ""
            while "loss" not in seen:
                character = process.stderr.read(1)
                assert character, f"ended before it trained: {seen}"
                seen += character
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
        assert process.returncode == INTERRUPTED, err
        assert "Interrupted: the model file holds the best weights so far." in err
        assert "Traceback" not in err
        assert "these are the best weights so far" in out
        assert "Nothing was compared" in out
        assert load(tmp_path / "out" / "model.qumba").n_iter_ > 0


STEERING = "\x1b]0;target\x07\n\n![p](http://evil.example/p.png)\n# $\\frac$"
LABELS = ["$", "$$", "\x1b[31m[red](javascript:alert(1))"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A folder with data.csv, whose names and labels are commands, markup and formulas, and what training printed."""
    folder = tmp_path_factory.mktemp("hostile")
    values = np.random.default_rng(1).permutation(60).tolist()
    columns = {
        "<script>x\x1b[2J</script>": [value + 0.5 for value in values],
        "$a$ | b\nc": [LABELS[value % 2] for value in values],
        "\x1b[2Jsame": ["\x1b[2J"] * 60,
        STEERING: [LABELS[value // 20] for value in values],
    }
    write_csv(folder / "data.csv", columns)
    arguments = ["train", str(folder / "data.csv"), "-t", STEERING, "--epochs", "2", "--layers", "1", "--quiet", *SPLIT]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main([*arguments, "-o", str(folder / "out")]) == 0
    return folder, printed.getvalue()


class TestHostileText:
    """Nothing that a table says reaches a terminal, a report or a picture as anything but text."""

    def test_training(self, hostile):
        folder, printed = hostile
        report = (folder / "out" / "report.md").read_text(encoding="utf-8")
        for text in (printed, report):
            assert "\x1b" not in text
            assert r"\x1b[31m" in text.replace(r"\\x1b\[", r"\x1b[")
            assert "\n![p]" not in text
        assert "<script" not in report
        assert "](javascript:" not in report
        assert (folder / "out" / "confusion.png").exists()
        stored = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))
        assert stored["classes"] == sorted(LABELS)

    def test_prediction_is_data_for_a_pipe_and_text_for_a_terminal(self, capsys, monkeypatch, hostile):
        folder, _ = hostile
        arguments = ["predict", str(folder / "out" / "model.qumba"), str(folder / "data.csv")]
        assert main(arguments) == 0
        piped = capsys.readouterr()
        assert next(csv.reader(io.StringIO(piped.out, newline=""))) == [STEERING]
        assert "\x1b" not in piped.err
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        assert main(arguments) == 0
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert shown.count("\n") == 61

    def test_errors_are_one_line(self, capsys, hostile):
        folder, _ = hostile
        assert "\x1b" not in refused(capsys, "train", folder / "data.csv", "-t", "\x1b[2J\n")
        assert "\x1b" not in refused(capsys, "train", "\x1b[2J\n.csv", "-t", "y")
        assert "\x1b" not in refused(capsys, "train", folder / "data.csv", "\x1b[2J", "-t", "y")
        assert "\x1b" not in refused(capsys, "train", folder / "data.csv", "-t", STEERING, "-o", "/proc/\x1b[2J")


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "arguments", "words"),
        [
            (None, [], "there is no file data.csv"),
            ("", [], "data.csv is empty"),
            ("x,y\n1,2,3\n", [], "line 2: 3 cells where line 1 names 2 columns"),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["-t", "yy"], "no column 'yy'; did you mean 'y'?"),
            ("x,y\n" + "1.5,a\n2.5,a\n" * 9, [], "always 'a'"),
            ("x,y\n" + "1.5,a\n,b\n2.5,a\n" * 9, [], "empty cells, first on line 3: x (9)"),
            ("x,y\n" + "u,a\nu,b\n" * 9, [], "no column to learn from: x (always 'u')"),
            ("x,y\n1,a\n2,b\n", [], "has 2 rows"),
            ("x,y\n" + "1e300,a\n1,b\n" * 9, [], "too large"),
            ("x,y\n" + "1e-322,a\n2e-322,b\n" * 9, [], "column 0 of X holds numbers of up to 1.98e-322, too small"),
            ("x,x,y\n1,2,3\n", [], "names 2 columns 'x'"),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--feature-map", "zzz"], "unknown feature map 'zzz'; did you mean 'zz'"),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--ansatz", "strong"], "unknown ansatz 'strong'"),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--optimizer", "adem"], "did you mean 'adam'"),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--qubits", "60"], "60 qubits"),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--test-size", "0.99"], "--test-size 0.99 leaves 0 of 18 rows"),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--task", "regression"], "regression needs numbers"),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--model", "kernle"], "unknown model 'kernle'; did you mean 'kernel'"),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--model", "kernel"], "does not take --layers, --epochs"),
            (
                "x,y\n" + "1.5,a\n2.5,b\n" * 9,
                ["--cv", "10"],
                "--cv 10 needs at least 10 rows of each class, there are 9",
            ),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--cv", "3", "--test-size", "0.5"], "exclude each other"),
            (
                "x,y\n" + "".join(f"{k}.5,{k}.25\n" for k in range(30)),
                ["--class-weight", "balanced"],
                "--class-weight is for classes",
            ),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--separator", "::"], "one character"),
            ("x,y\n" + "1.5,a\n2.5,b\n" * 9, ["--output", "/proc/nowhere"], "cannot write to /proc/nowhere"),
        ],
    )
    def test_train(self, here, capsys, content, arguments, words):
        if content is not None:
            (here / "data.csv").write_text(content, encoding="utf-8")
        line = refused(capsys, "train", "data.csv", "-t", "y", *QUICK, *arguments)
        assert line.startswith("qumba train: ")
        assert words in line

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["train", "data.csv"], "required: --target"),
            (["train", "data.csv", "-t", "y", "--epochs", "0"], "expected a positive integer, got '0'"),
            (["train", "data.csv", "-t", "y", "--qubits", "two"], "expected a positive integer, got 'two'"),
            (["train", "data.csv", "-t", "y", "--test-size", "1"], "expected a number between 0 and 1"),
            (["train", "data.csv", "-t", "y", "--learning-rate", "nan"], "expected a positive number"),
            (["train", "data.csv", "-t", "y", "--cv", "1"], "at least 2, or 0 for one split, got 1"),
            (["train", "data.csv", "-t", "y", "--seed", "-1"], "expected an integer, 0 or more"),
            (["demo", "mnist"], "invalid choice: 'mnist'"),
            (["trian"], "invalid choice: 'trian'"),
        ],
    )
    def test_usage(self, capsys, arguments, words):
        assert words in refused(capsys, *arguments)

    def test_nothing_is_left_behind(self, here, capsys):
        (here / "data.csv").write_text("x,y\n1,2\n", encoding="utf-8")
        refused(capsys, "train", "data.csv", "-t", "y")
        assert [path.name for path in here.iterdir()] == ["data.csv"]


class TestPredict:
    def predicted(self, capsys, *arguments):
        assert main(["predict", *map(str, arguments)]) == 0
        output = capsys.readouterr()
        return list(csv.reader(io.StringIO(output.out))), output.err

    def test_predictions_of_the_training_file(self, trained, capsys):
        rows, remarks = self.predicted(capsys, trained / "out" / "model.qumba", trained / "iris.csv")
        assert rows[0] == ["species"]
        truth = flowers()["species"]
        right = sum(row[0] == species for row, species in zip(rows[1:], truth, strict=True))
        assert right > 130
        assert f"{right} of 150 rows agree with column 'species'" in remarks

    def test_columns_in_another_order_and_without_the_target(self, trained, here, capsys):
        columns = flowers(20)
        write_csv(here / "new.csv", {"more": range(20)} | dict(reversed(columns.items())), separator=";")
        with_all, _ = self.predicted(capsys, trained / "out" / "model.qumba", "new.csv")
        del columns["species"], columns["name"], columns["found"]
        write_csv(here / "new.csv", columns)
        assert self.predicted(capsys, trained / "out" / "model.qumba", "new.csv") == (with_all, "")

    def test_probabilities_and_file(self, trained, here, capsys):
        write_csv(here / "new.csv", flowers(10))
        arguments = [trained / "out" / "model.qumba", "new.csv", "--proba", "--append", "-o", "p.csv"]
        rows, remarks = self.predicted(capsys, *arguments)
        assert rows == []
        assert "10 predictions written to p.csv" in remarks
        with open("p.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert rows[0][-4:] == ["predicted species", "P(setosa)", "P(versicolor)", "P(virginica)"]
        assert rows[0][:-4] == list(flowers(1))
        probabilities = np.array([row[-3:] for row in rows[1:]], dtype=float)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=2e-6)
        best = np.array(["setosa", "versicolor", "virginica"])[probabilities.argmax(axis=1)]
        assert [row[-4] for row in rows[1:]] == best.tolist()

    def test_words_never_seen_are_remarked(self, trained, here, capsys):
        columns = flowers(4)
        columns["garden"][2] = "east"
        write_csv(here / "new.csv", columns)
        _, remarks = self.predicted(capsys, trained / "out" / "model.qumba", "new.csv")
        assert "garden: 1 row with values not seen in training ('east'), treated as average" in remarks

    def test_empty_cells(self, trained, here, capsys):
        columns = flowers(4)
        columns["petal width"][2] = ""
        write_csv(here / "new.csv", columns)
        model = trained / "out" / "model.qumba"
        assert "empty cells, first on line 4: petal width (1)" in refused(capsys, "predict", model, "new.csv")
        rows, remarks = self.predicted(capsys, model, "new.csv", "--impute")
        assert len(rows) == 5
        assert "petal width: 1 empty, filled with" in remarks

    def test_model_saved_from_python(self, here, capsys):
        X, y = load_iris(return_X_y=True)
        VariationalClassifier(n_layers=1, epochs=5, random_state=0).fit(X, y).save("plain.qumba")
        columns = {f"c{k}": X[:5, k].tolist() for k in range(4)}
        write_csv(here / "new.csv", columns)
        rows, _ = self.predicted(capsys, "plain.qumba", "new.csv")
        assert rows[0] == ["prediction"]
        assert len(rows) == 6
        write_csv(here / "narrow.csv", {"a": [1], "b": [2]})
        assert "takes 4 columns of numbers; narrow.csv has 2 columns" in refused(
            capsys, "predict", "plain.qumba", "narrow.csv"
        )
        write_csv(here / "holes.csv", columns | {"c0": [""] * 5})
        assert "was not made by qumba train" in refused(capsys, "predict", "plain.qumba", "holes.csv", "--impute")

    def test_refusals(self, trained, here, capsys):
        model = trained / "out" / "model.qumba"
        write_csv(here / "new.csv", {"petal length": [1.0], "petal widht": [2.0]})
        assert (
            "lacks 2 of the 3 columns the model was trained on: petal width, garden; did you mean 'petal widht'?"
            in (refused(capsys, "predict", model, "new.csv"))
        )
        assert "there is no model file none.qumba" in refused(capsys, "predict", "none.qumba", "new.csv")
        assert "there is no file none.csv" in refused(capsys, "predict", model, "none.csv")
        content = model.read_bytes()
        for damaged in (b"", content[: len(content) // 2], content[:-20] + b"x" + content[-19:], b"not a model"):
            (here / "bad.qumba").write_bytes(damaged)
            assert "bad.qumba" in refused(capsys, "predict", "bad.qumba", "new.csv")
        VariationalClassifier().save("unfitted.qumba")
        assert "has not been trained" in refused(capsys, "predict", "unfitted.qumba", "new.csv")
        VariationalRegressor(n_layers=1, epochs=1).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).save("r.qumba")
        write_csv(here / "one.csv", {"x": [1.0]})
        assert "--proba needs a classifier" in refused(capsys, "predict", "r.qumba", "one.csv", "--proba")
        write_csv(here / "full.csv", flowers(3))
        assert "cannot write /proc/p.csv" in refused(capsys, "predict", model, "full.csv", "-o", "/proc/p.csv")

    def test_reader_that_has_seen_enough(self, trained):
        command = f"{sys.executable} -m qml predict {trained}/out/model.qumba {trained}/iris.csv --append | head -n 1"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
        assert done.returncode == 0
        assert "Traceback" not in done.stderr


class TestFilesOfTheSystem:
    """What cannot be written or read: one line, exit status 2, and nothing that was there is lost."""

    @pytest.fixture
    def train(self, here):
        write_csv(here / "iris.csv", flowers(60))
        return ["train", "iris.csv", "-t", "species", "-o", "out", *QUICK]

    @pytest.mark.parametrize(
        ("checkpoint", "words"),
        [
            ("nowhere/run.ckpt", "nowhere: no such folder"),
            ("iris.csv", "iris.csv: not a qumba file"),
            (".", "expected the path of a regular file, this is a folder"),
            ("fifo", "expected the path of a regular file, this is a FIFO"),
            ("/dev/null", "/dev/null: expected the path of a regular file, this is a device"),
            ("x" * 300, "file name too long"),
        ],
    )
    @pytest.mark.skipif(sys.platform == "win32", reason="FIFOs and /dev are POSIX")
    def test_checkpoints(self, here, train, capsys, checkpoint, words):
        os.mkfifo(here / "fifo")
        assert words in refused(capsys, *train, "--resume", checkpoint)
        assert os.listdir(here / "out") == []

    @pytest.mark.parametrize("name", ["model.qumba", "report.md", "report.json"])
    def test_a_folder_where_a_file_goes_shows_before_training(self, here, train, capsys, name):
        (here / "out" / name).mkdir(parents=True)
        assert f"out/{name}: expected the path of a regular file, this is a folder" in refused(capsys, *train)
        assert os.listdir(here / "out") == [name]

    def test_private_files_stay_private(self, here, train):
        assert main(train) == 0
        for name in ("model.qumba", "report.md", "report.json"):
            (here / "out" / name).chmod(0o600)
        (here / "out" / ".writable").write_text("a file of the user's")
        assert main([*train, "--overwrite"]) == 0
        for name in ("model.qumba", "report.md", "report.json"):
            assert (here / "out" / name).stat().st_mode & 0o777 == 0o600
        assert (here / "out" / ".writable").read_text() == "a file of the user's"

    def shell(self, command, folder, **environment):
        """Exit status and stderr of the installed command in a shell; QUMBA stands for the command."""
        command = command.replace("QUMBA", f"{sys.executable} -m qml")
        done = subprocess.run(
            ["bash", "-c", command.replace("FOLDER", str(folder))],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[3],
            env=os.environ | environment,
        )
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        return done.returncode, done.stderr

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is always full")
    @pytest.mark.parametrize("command", ["predict FOLDER/out/model.qumba FOLDER/iris.csv", "info", "--version"])
    def test_standard_output_on_a_full_disk(self, trained, command):
        status, said = self.shell(f"QUMBA {command} > /dev/full", trained)
        assert status == BAD_INPUT
        assert said.count("\n") == 1
        assert "cannot write the output: no space left on device" in said

    @pytest.mark.skipif(sys.platform == "win32", reason="descriptors are closed so in POSIX shells")
    @pytest.mark.parametrize("command", ["predict FOLDER/out/model.qumba FOLDER/iris.csv", "info", "--help"])
    def test_standard_output_closed(self, trained, command):
        assert self.shell(f"QUMBA {command} >&-", trained)[0] == 0

    def test_an_encoding_that_lacks_letters(self, here):
        table = flowers(60)
        table["species"] = [f"é{name}" for name in table["species"]]
        write_csv(here / "iris.csv", table)
        arguments = "FOLDER/iris.csv -t species -o FOLDER/out " + " ".join(QUICK)
        assert self.shell(f"QUMBA train {arguments}", here, PYTHONIOENCODING="ascii")[0] == 0
        predict = "QUMBA predict FOLDER/out/model.qumba FOLDER/iris.csv"
        status, said = self.shell(predict, here, PYTHONIOENCODING="ascii")
        assert status == BAD_INPUT
        assert "the output's encoding, ascii, has no" in said
        assert self.shell(f"{predict} -o FOLDER/new.csv", here, PYTHONIOENCODING="ascii")[0] == 0
        assert "éversicolor" in (here / "new.csv").read_text(encoding="utf-8")

    @pytest.mark.skipif(sys.platform == "win32", reason="/dev is POSIX")
    def test_predictions_go_through_devices(self, trained):
        predict = "QUMBA predict FOLDER/out/model.qumba FOLDER/iris.csv"
        assert self.shell(f"test $({predict} -o /dev/stdout | wc -l) = 151", trained)[0] == 0

    def test_models_that_predict_nothing(self, here, capsys):
        X, y = load_iris(return_X_y=True)
        write_csv(here / "new.csv", {"a": [1.0], "b": [1.0], "c": [1.0], "d": [1.0]})
        save(NystroemFeatures(n_landmarks=5, random_state=0).fit(X), here / "features.qumba")
        save(QuantumKernelClassifier(), here / "new.qumba")
        save(QuantumKernelClassifier(random_state=0).fit(X[::5], y[::5]), here / "kernel.qumba")
        assert "holds NystroemFeatures, which does not predict" in refused(
            capsys, "predict", "features.qumba", "new.csv"
        )
        assert "has not been trained" in refused(capsys, "predict", "new.qumba", "new.csv")
        assert main(["predict", "kernel.qumba", "new.csv"]) == 0


class TestDemo:
    def test_options_reach_the_model(self, here, capsys):
        assert (
            main(["demo", "digits-3-8", "--epochs", "2", "--layers", "1", "-q", "--no-plots", "-o", "out", *SPLIT[2:]])
            == 0
        )
        output = capsys.readouterr().out
        assert "Handwritten digits: 3 or 8" in output
        assert "trained for 2 epochs" in output
        assert load("out/model.qumba").classes_.tolist() == [3, 8]
        digits = load_digits()
        columns = {name: digits.data[:40, k].tolist() for k, name in enumerate(digits.feature_names)}
        write_csv(here / "digits.csv", columns | {"class": digits.target[:40].astype(float).tolist()})
        assert main(["predict", "out/model.qumba", "digits.csv"]) == 0
        output = capsys.readouterr()
        assert set(output.out.split()) == {"class", "3", "8"}
        agreeing = sum(
            float(line) == digit for line, digit in zip(output.out.split()[1:], digits.target[:40], strict=True)
        )
        assert f"{agreeing} of 40 rows agree" in output.err

    def test_two_data_sets_have_a_folder_each(self, here, capsys):
        assert (
            main(["demo", "digits", "--epochs", "1", "--layers", "1", "-q", "--no-plots", *SPLIT[2:], "--no-twin"]) == 0
        )
        for name in ("digits-3-8", "digits-all"):
            assert (here / "demo-output" / name / "model.qumba").exists()

    @pytest.mark.slow
    def test_breast_cancer_comes_within_two_points_of_the_rbf_svm(self, here, capsys):
        assert main(["demo", "--quiet", "--no-plots", "--no-twin"]) == 0
        report = json.loads((here / "demo-output" / "report.json").read_text(encoding="utf-8"))
        accuracy = {model["name"]: model["test"]["accuracy"] for model in report["models"]}
        assert accuracy["quantum model"] > accuracy["RBF SVM"] - 0.02

    @pytest.mark.slow
    def test_digits(self, here, capsys):
        assert main(["demo", "digits", "--quiet", "--no-plots", "--no-twin"]) == 0
        for name, enough in (("digits-3-8", None), ("digits-all", 0.9)):
            report = json.loads((here / "demo-output" / name / "report.json").read_text(encoding="utf-8"))
            accuracy = {model["name"]: model["test"]["accuracy"] for model in report["models"]}
            assert accuracy["quantum model"] > (accuracy["RBF SVM"] - 0.02 if enough is None else enough)
            assert report["quantum_model"]["qubits"] <= 10


class TestShell:
    def test_info(self, capsys):
        assert main(["info"]) == 0
        facts = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
        assert {"python", "numpy", "numba", "threads", "vectors", "memory"} <= set(facts)
        assert int(facts["largest"].split()[1]) > 10

    @pytest.mark.parametrize(
        "command",
        [
            "train none.csv -t y", "search none.csv -t y", "predict none.qumba -", "explain here.csv none.csv",
            "explain none.qumba here.csv", "fairness here.csv none.csv -s sex", "card none.qumba",
            "card here.csv --explain none.csv", "export none.qumba --to c", "log verify none.jsonl",
        ],
    )  # fmt: skip
    def test_a_missing_file_is_told_before_the_library_is_imported(self, command, here):
        (here / "here.csv").write_text("x,y\n1,a\n")
        code = f"import sys; from qml.cli import main; main({command.split()!r}); print('sklearn' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"
        assert re.fullmatch(r"qumba \w+: there is no (model )?(file|log) none\.\w+\n", done.stderr)

    def test_help_is_quick_because_it_imports_little(self):
        code = (
            "import sys; from qml.cli import main; status = main(['train', '--help']); "
            "heavy = {'sklearn', 'numba', 'scipy', 'qiskit', 'matplotlib', 'pandas', 'tqdm'} & set(sys.modules); "
            "sys.exit(status or ', '.join(heavy) or 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "--target COLUMN" in done.stdout

    @pytest.mark.parametrize("command", [[], ["train"], ["predict"], ["demo"], ["info"]])
    def test_help_fits_a_terminal(self, command, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")
        assert main([*command, "--help"]) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80

    def test_version_and_no_command(self, capsys):
        assert main(["--version"]) == 0
        assert capsys.readouterr().out.startswith("qumba")
        assert main([]) == BAD_INPUT
        assert "train a quantum model" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "owner"), [(["train", "data.csv", "--target", "y", "--foo"], "qumba train"), (["--foo"], "qumba")]
    )
    def test_unknown_options_name_the_command_whose_help_to_read(self, arguments, owner, capsys):
        assert main(arguments) == BAD_INPUT
        assert capsys.readouterr().err == f"{owner}: unrecognized arguments: --foo (see {owner} --help)\n"

    def test_help_tells_the_estimators_names_and_defaults(self, capsys):
        from qml.ansatze import ANSATZE
        from qml.feature_maps import FEATURE_MAPS

        assert set(training_options.FEATURE_MAPS) == set(FEATURE_MAPS)
        assert set(training_options.ANSATZE) == set(ANSATZE)
        main(["train", "--help"])
        text = " ".join(capsys.readouterr().out.split())
        for estimator in (VariationalClassifier, VariationalRegressor):
            parameters = inspect.signature(estimator).parameters
            assert set(training_options.SETTINGS.values()) <= set(parameters)
            for option, words in (
                ("epochs", "maximum number of epochs"),
                ("patience", "a better score before stopping early"),
            ):
                assert f"{words} ({parameters[option].default})" in text
            assert f"layers of the trained circuit ({parameters['n_layers'].default})" in text
            assert f"learning rate ({parameters['learning_rate'].default})" in text
            assert f"of the learning rate ({parameters['schedule'].default})" in text
            assert f"such as z+zz or x+y+z ({parameters['observables'].default})" in text
