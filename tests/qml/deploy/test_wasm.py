"""C headers as WebAssembly: compiled by clang, run by Node.js, equal to the model."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from qml.deploy import export_c
from tests.qml.deploy.fitted_models import decisions, fitted, unseen

EQUAL = 1e-10

SOURCE = """
#include "model.h"
static model_real x[MODEL_FEATURES], values[MODEL_VALUES];
__attribute__((export_name("features"))) model_real *features(void) { return x; }
__attribute__((export_name("values"))) model_real *values_of(void) { return model_values(x, values) ? 0 : values; }
__attribute__((export_name("class_index"))) int class_index(void) { return model_class(x); }
"""

SCRIPT = """
const [samples, size] = JSON.parse(require("fs").readFileSync("samples.json"));
WebAssembly.instantiate(require("fs").readFileSync("model.wasm")).then(({ instance }) => {
  const code = instance.exports;
  const out = samples.map((row) => {
    new Float64Array(code.memory.buffer, code.features(), row.length).set(row);
    return [code.class_index(), ...new Float64Array(code.memory.buffer, code.values(), size)];
  });
  console.log(JSON.stringify(out));
});
"""


def compiled(folder):
    command = [
        "clang",
        "--target=wasm32-wasi",
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O2",
        "-mexec-model=reactor",
    ]
    return subprocess.run(
        [*command, "model.c", "-o", "model.wasm", "-lm"], cwd=folder, capture_output=True, check=False
    )


def is_available(folder):
    """Return whether clang has the target and a C library for it, and there is a Node.js."""
    if shutil.which("clang") is None or shutil.which("node") is None:
        return False
    (folder / "model.c").write_text(
        "#include <math.h>\ndouble sine(double x);\ndouble sine(double x) { return sin(x); }\n"
    )
    return compiled(folder).returncode == 0


@pytest.mark.parametrize("name", ["multiclass", "binary", "processes", "boltzmann"])
def test_predictions_equal_the_model(name, tmp_path):
    if not is_available(tmp_path):
        pytest.skip("needs clang with wasm32-wasi, and node")
    model, samples = fitted(name), unseen(name)
    expected = decisions(model, samples).reshape(len(samples), -1)
    export_c(model, tmp_path / "model.h")
    (tmp_path / "model.c").write_text(SOURCE)
    done = compiled(tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    (tmp_path / "samples.json").write_text(json.dumps([samples.tolist(), expected.shape[1]]))
    (tmp_path / "run.cjs").write_text(SCRIPT)
    printed = subprocess.run(["node", "run.cjs"], cwd=tmp_path, capture_output=True, check=True).stdout
    results = np.array(json.loads(printed))
    np.testing.assert_array_equal(model.classes_[results[:, 0].astype(int)], model.predict(samples))
    assert np.abs(results[:, 1:] - expected).max() < EQUAL * max(1, np.abs(expected).max())
