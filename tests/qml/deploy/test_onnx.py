"""ONNX files: checked by the package onnx, run by onnxruntime, equal to the model."""

import json

import numpy as np
import pandas as pd
import pytest

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from qml import VariationalClassifier  # noqa: E402
from qml.deploy import CannotCollapseError, check_onnx, export_onnx  # noqa: E402
from qml.files.container import ModelFileError  # noqa: E402
from simulator import NoiseModel, depolarizing  # noqa: E402
from simulator.files import NotAFileError  # noqa: E402
from tests.qml.deploy.fitted_models import BINARY, CLASSIFIERS, IRIS, REGRESSORS, fitted, unseen  # noqa: E402

TOLERANCES = {"double": 1e-10, "single": 2e-5}
TYPES = {"double": np.float64, "single": np.float32}
LOOSE = {("processes", "single"): 1e-4}
"""A variance of a thousand, minus what the training rows explain of it, is exact to 1e-4 in single precision."""
MAX_BYTES = 100_000


def run(path, samples, precision="double"):
    onnx.checker.check_model(str(path), full_check=True)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (declared,) = session.get_inputs()
    assert declared.shape == ["n_samples", samples.shape[1]]
    return session, session.run(None, {"X": samples.astype(TYPES[precision])})


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_equal_the_model(name, precision, tmp_path):
    model, samples = fitted(name), unseen(name)
    export_onnx(model, tmp_path / "model.onnx", precision=precision)
    session, (labels, second) = run(tmp_path / "model.onnx", samples, precision)
    names = [output.name for output in session.get_outputs()]
    if hasattr(model, "predict_proba"):
        expected = model.predict_proba(samples)
        assert names == ["label", "probabilities"]
    else:
        expected = model.decision_function(samples).reshape(len(samples), -1)
        assert names == ["label", "decision_function"]
    tolerance = LOOSE.get((name, precision), TOLERANCES[precision])
    assert np.abs(second - expected).max() < tolerance * max(1, np.abs(expected).max())
    np.testing.assert_array_equal(labels, model.predict(samples))
    assert session.run(None, {"X": samples[:1].astype(TYPES[precision])})[0].shape == labels[:1].shape


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_equal_the_model(name, precision, tmp_path):
    model, samples = fitted(name), unseen(name)
    export_onnx(model, tmp_path / "model.onnx", precision=precision)
    session, (values,) = run(tmp_path / "model.onnx", samples, precision)
    expected = model.predict(samples)
    assert [output.name for output in session.get_outputs()] == ["variable"]
    assert values.shape == expected.shape
    assert np.abs(values - expected).max() < TOLERANCES[precision] * np.abs(expected).max()


def test_labels_are_those_of_the_model_on_a_thousand_rows(tmp_path):
    rows = np.random.default_rng(0).normal(IRIS.mean(axis=0), IRIS.std(axis=0), (1000, 4))
    export_onnx(fitted("multiclass"), tmp_path / "model.onnx")
    _, (labels, _) = run(tmp_path / "model.onnx", rows)
    np.testing.assert_array_equal(labels, fitted("multiclass").predict(rows))


def test_the_file_is_small_and_says_what_is_in_it(tmp_path):
    table = pd.DataFrame(IRIS[:100], columns=["sepal length", "sepal width", "petal length", "petal width"])
    model = VariationalClassifier(epochs=1, random_state=0).fit(table, np.where(BINARY, "yes", "no"))
    export_onnx(model, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").stat().st_size < MAX_BYTES
    entries = check_onnx(tmp_path / "model.onnx")
    assert json.loads(entries["feature_names"]) == list(table.columns)
    assert json.loads(entries["classes"]) == ["no", "yes"]
    assert entries["estimator"] == "VariationalClassifier"
    assert len(entries["model_digest"]) == 64
    assert {"qumba_version", "python_version"} <= entries.keys()
    loaded = onnx.load(tmp_path / "model.onnx")
    assert (loaded.ir_version, loaded.opset_import[0].version) == (10, 21)


def test_equal_models_give_equal_files_and_others_another_digest(tmp_path):
    for name, model in (("a", "binary"), ("b", "binary"), ("c", "multiclass")):
        export_onnx(fitted(model), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    digests = {check_onnx(tmp_path / name)["model_digest"] for name in "abc"}
    assert len(digests) == 2


def test_a_changed_byte_is_noticed(tmp_path):
    path = tmp_path / "model.onnx"
    export_onnx(fitted("binary"), path)
    content = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(content), 60):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(bytes(changed))
        with pytest.raises(ModelFileError):
            check_onnx(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelFileError):
        check_onnx(path)


def test_bad_arguments_are_refused(tmp_path):
    with pytest.raises(NotAFileError, match="a folder"):
        export_onnx(fitted("binary"), tmp_path)
    with pytest.raises(ValueError, match="precision"):
        export_onnx(fitted("binary"), tmp_path / "model.onnx", precision="half")
    with pytest.raises(ValueError, match="expected 4 feature names, got 1"):
        export_onnx(fitted("binary"), tmp_path / "model.onnx", feature_names=["a"])
    noisy = VariationalClassifier(epochs=1, noise=NoiseModel(after_2q=depolarizing(0.01)), random_state=0)
    with pytest.raises(CannotCollapseError, match="noise"):
        export_onnx(noisy.fit(IRIS[:100], BINARY), tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
