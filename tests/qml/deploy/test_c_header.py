"""C headers: compiled by gcc without warnings, equal to the model, without allocation."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from qml import ImagePooling, ReuploadingClassifier, VariationalClassifier
from qml.deploy import export_c
from qml.deploy.quantization import quantized_matrix
from simulator.files import NotAFileError
from tests.qml.deploy.fitted_models import CLASSIFIERS, IRIS, REGRESSORS, SPECIES, decisions, fitted, unseen

GCC = shutil.which("gcc")
FLAGS = ["-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic"]
TOLERANCES = {"double": 1e-10, "float": 2e-5}
TYPES = {"double": np.float64, "float": np.float32}
MAX_LOSS = 0.02
MAX_BYTES = 10_000

pytestmark = pytest.mark.skipif(GCC is None, reason="gcc is not installed")


def compiled(path, *arguments, suffix):
    out = path.with_suffix(suffix)
    subprocess.run([GCC, *FLAGS, *arguments, "-o", str(out), "-lm"], check=True, capture_output=True, text=True)
    return out


def library(path, prefix="model"):
    """Compile a file that includes the header, with its functions as symbols of a library."""
    source = path.with_suffix(".c")
    lines = [f'#include "{path.name}"']
    for function in ("values", "probabilities", "class"):
        if f"int {prefix}_{function}(" in path.read_text():
            values = "" if function == "class" else f", {prefix}_real *values"
            call = "" if function == "class" else ", values"
            lines.append(f"int of_{function}(const {prefix}_real *x{values});")
            lines.append(
                f"int of_{function}(const {prefix}_real *x{values}) {{ return {prefix}_{function}(x{call}); }}"
            )
    source.write_text("\n".join(lines) + "\n")
    return ctypes.CDLL(str(compiled(path, "-shared", "-fPIC", str(source), suffix=".so")))


def address(row):
    return row.ctypes.data_as(ctypes.c_void_p)


def outputs(function, samples, size, dtype):
    rows, out = np.ascontiguousarray(samples, dtype), np.empty((len(samples), size), dtype)
    for row, values in zip(rows, out, strict=True):
        assert function(address(row), address(values)) == 0
    return out


def test_rotations_take_little_room(tmp_path):
    samples, classes = IRIS[::3], SPECIES[::3]
    model = ReuploadingClassifier(epochs=1, random_state=0).fit(samples, classes)
    header = export_c(model, tmp_path / "model.h", samples=samples)
    assert model.model_.circuit.num_qubits == 6
    assert header.data_bytes < MAX_BYTES
    code = library(tmp_path / "model.h")
    values = outputs(code.of_values, samples, 3, np.float64)
    assert np.abs(values - model.decision_function(samples)).max() < TOLERANCES["double"]


@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_headers_equal_the_model(name, tmp_path):
    model, samples = fitted(name), unseen(name)
    precision = "float" if name in ("multiclass", "fidelity kernel", "variational") else "double"
    header = export_c(model, tmp_path / "model.h", precision=precision, samples=samples)
    code = library(tmp_path / "model.h")
    expected = model.predict(samples) if name in REGRESSORS else decisions(model, samples)
    expected = expected.reshape(len(samples), -1)
    values = outputs(code.of_values, samples, expected.shape[1], TYPES[precision])
    assert np.abs(values - expected).max() < TOLERANCES[precision] * max(1, np.abs(expected).max())
    if hasattr(model, "predict_proba"):
        expected = model.predict_proba(samples)
        values = outputs(code.of_probabilities, samples, expected.shape[1], TYPES[precision])
        assert np.abs(values - expected).max() < TOLERANCES[precision]
    if hasattr(code, "of_class"):
        rows = np.ascontiguousarray(samples, TYPES[precision])
        indices = [code.of_class(address(row)) for row in rows]
        np.testing.assert_array_equal(model.classes_[indices], model.predict(samples))
    assert "bytes of constants" in str(header)


@pytest.mark.parametrize("precision", TYPES)
def test_the_main_function_checks_the_test_vector(precision, tmp_path):
    path = tmp_path / "model.h"
    export_c(fitted("multiclass"), path, precision=precision, samples=unseen("multiclass"))
    check = ["-O2", "-DMODEL_TEST", "-x", "c"]
    assert subprocess.run([compiled(path, *check, str(path), suffix=".out")], check=False).returncode == 0
    text = path.read_text()
    before, after = text.split("model_test_values[] = {", 1)
    path.write_text(f"{before}model_test_values[] = {{9{after}")  # 9 before the first digit of the first number
    assert subprocess.run([compiled(path, *check, str(path), suffix=".out")], check=False).returncode == 1


def test_nothing_is_allocated_and_bad_samples_are_reported(tmp_path):
    path = tmp_path / "model.h"
    export_c(fitted("multiclass"), path)
    text = path.read_text()
    assert "malloc" not in text
    assert text.count("#include") == 2  # math.h, and stdio.h for the test
    code = library(path)
    for bad in (np.nan, np.inf):
        row = np.array([1.0, bad, 1.0, 1.0])
        assert code.of_class(address(row)) == -1
    export_c(fitted("boltzmann"), tmp_path / "boltzmann.h", name="model")
    code, large = library(tmp_path / "boltzmann.h"), np.full(4, 1e9)
    assert code.of_class(address(large)) == -1  # beyond the features that it takes


def test_eight_bits_lose_little_accuracy_on_digits(tmp_path):
    images, digits = load_digits(n_class=4, return_X_y=True)
    model = make_pipeline(ImagePooling((4, 4)), VariationalClassifier(n_qubits=4, epochs=15, random_state=0))
    model.fit(images[::2], digits[::2])
    path = tmp_path / "model.h"
    header = export_c(model, path, precision="float", weights="int8", samples=images[1::2])
    rows = np.ascontiguousarray(images[1::2], np.float32)
    of_class = library(path).of_class
    classes = [of_class(address(row)) for row in rows]
    score, lossy = model.score(images[1::2], digits[1::2]), np.mean(np.array(classes) == digits[1::2])
    assert score > 0.7
    assert abs(score - lossy) <= MAX_LOSS
    same = int(np.sum(np.array(classes) == model.predict(images[1::2])))
    assert f"{same} of {len(rows)} predictions are the same" in header.quantization
    assert header.quantization in path.read_text()
    full = export_c(model, path, precision="float")
    assert header.data_bytes < 0.6 * full.data_bytes


def test_quantized_matrices_are_within_half_a_step():
    matrix = np.random.default_rng(0).normal(size=(20, 5)) * [1, 10, 100, 0, 1e-8]
    integers, factors = quantized_matrix(matrix)
    assert integers.dtype == np.int8
    assert (np.abs(integers * factors - matrix) <= 0.5000001 * factors).all()
    assert (np.abs(integers[:, factors != 1.0]).max(axis=0) == 127).all()


@pytest.mark.parametrize("name", ["2fast", "my-model", "while", "", "a b", "é"])
def test_names_that_are_no_identifiers_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match="C identifier"):
        export_c(fitted("binary"), tmp_path / "model.h", name=name)


def test_bad_arguments_are_refused(tmp_path):
    with pytest.raises(NotAFileError, match="a folder"):
        export_c(fitted("binary"), tmp_path)
    with pytest.raises(ValueError, match="the name of the file must be a C identifier"):
        export_c(fitted("binary"), tmp_path / "my-model.h")
    with pytest.raises(ValueError, match="samples expects finite numbers of shape"):
        export_c(fitted("binary"), tmp_path / "model.h", samples=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="weights"):
        export_c(fitted("binary"), tmp_path / "model.h", weights="int4")
    assert not list(tmp_path.iterdir())
