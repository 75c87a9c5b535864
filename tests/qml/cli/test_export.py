"""`qumba export`, and `qumba predict --engine collapsed`, on a model that `qumba train` wrote."""

import csv
import json

import numpy as np
import pytest
from sklearn.datasets import load_iris

from qml import NystroemFeatures, load, save
from qml.cli import main


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with flowers.csv and the output of training on it."""
    folder = tmp_path_factory.mktemp("trained")
    X, y = load_iris(return_X_y=True)
    with open(folder / "flowers.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["petal length", "petal width", "garden", "species"])
        for row, label in zip(X, y, strict=True):
            writer.writerow([row[2], row[3], ("north", "south", "west")[int(10 * row[1]) % 3], f"iris {label}"])
    arguments = ["--target", "species", "--epochs", "5", "--layers", "1", "--quiet", "--no-plots"]
    arguments += ["--cv", "0", "--candidates", "1", "--no-twin", "-o", str(folder / "out")]
    assert main(["train", str(folder / "flowers.csv"), *arguments]) == 0
    return folder


def test_the_collapsed_engine_predicts_the_same(trained, capsys):
    model, data = str(trained / "out" / "model.qumba"), str(trained / "flowers.csv")
    outputs = []
    for engine in ("numba", "collapsed"):
        assert main(["predict", model, data, "--proba", "--engine", engine]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert outputs[0].count("\n") == 151


def test_c_header_and_qasm(trained, capsys, tmp_path):
    model = str(trained / "out" / "model.qumba")
    assert main(["export", model, "--to", "c", "--int8", "--single", "-o", str(tmp_path / "flowers.h")]) == 0
    assert "bytes of constants" in capsys.readouterr().out
    text = (tmp_path / "flowers.h").read_text()
    assert "typedef float flowers_real;" in text
    assert "petal length, petal width, garden" in text
    assert main(["export", model, "--to", "qasm", "-o", str(tmp_path / "flowers.qasm")]) == 0
    content = json.loads((tmp_path / "flowers.json").read_text())
    assert content["classes"] == ["iris 0", "iris 1", "iris 2"]
    assert len(content["feature_names"]) == load(model).n_features_in_ == 5


def test_onnx_file_is_written_beside_the_model(trained, capsys):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = trained / "out" / "model.qumba"
    assert main(["export", str(model), "--to", "onnx"]) == 0
    X = np.random.default_rng(0).normal(size=(20, 5))
    labels = runtime.InferenceSession(str(model.with_suffix(".onnx"))).run(None, {"X": X})[0]
    assert labels.tolist() == load(model).predict(X).tolist()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--to", "qasm", "--single"], "--single is for --to onnx and --to c"),
        (["--to", "qasm", "--int8"], "--int8 is for --to c"),
        (["--to", "c", "--name", "my model"], "C identifier"),
        (["--to", "c", "--output", "."], "folder"),
        (["--to", "tflite"], "invalid choice"),
        ([], "--to"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(trained, capsys, arguments, text):
    assert main(["export", str(trained / "out" / "model.qumba"), *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert text in output.err


def test_files_without_a_model_are_refused(trained, capsys, tmp_path):
    save(NystroemFeatures(), tmp_path / "features.qumba")
    for path, text in ((tmp_path / "none.qumba", "no model file"), (tmp_path / "features.qumba", "does not predict")):
        assert main(["export", str(path), "--to", "c"]) == 2
        assert text in capsys.readouterr().err
