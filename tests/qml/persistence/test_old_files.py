"""Files that earlier versions wrote: models predict what they did, checkpoints go on as if nothing had changed.

`tests/data/write_files.py` wrote them. On the processor and with the libraries of then every bit must agree; elsewhere
instructions are chosen and sums ordered differently, and the last digits may.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

import qml
from qml.training.checkpoints import CheckpointMismatchError
from tests.data.write_files import interrupted, machine, results

FOLDERS = sorted(path for path in (Path(__file__).parents[2] / "data").iterdir() if path.name.startswith("format_"))
MODELS = [pytest.param(file, id=f"{file.parent.name}-{file.stem}") for f in FOLDERS for file in f.glob("*.qumba")]
CHECKPOINTS = [pytest.param(file, id=f"{file.parent.name}-{file.stem}") for f in FOLDERS for file in f.glob("*.ckpt")]

ROUNDING_OF_A_PREDICTION = 1e-12
ROUNDING_OF_A_RUN = 1e-9  # some dozens of steps, each on the result of the one before


def load_expected(file):
    with np.load(file.parent / "expected.npz") as stored:
        return dict(stored)


def assert_same(found, wanted, tolerance):
    __tracebackhide__ = True
    if wanted.dtype.kind in "US":
        np.testing.assert_array_equal(found, wanted)
    else:
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


def test_there_are_files():
    assert len(MODELS) >= 7
    assert len(CHECKPOINTS) >= 2


@pytest.mark.parametrize("file", MODELS)
def test_a_model_predicts_what_it_did(file):
    expected = load_expected(file)
    wanted = {name.split("/")[1]: array for name, array in expected.items() if name.startswith(f"{file.stem}/")}
    given = results(qml.load(file), expected["X"])
    assert given.keys() == wanted.keys()
    for method, array in wanted.items():
        assert_same(given[method], array, ROUNDING_OF_A_PREDICTION)


def refusal_of(fit):
    try:
        fit()
    except CheckpointMismatchError as error:
        return str(error)
    return None


@pytest.mark.parametrize("file", CHECKPOINTS)
def test_a_checkpoint_goes_on(file, tmp_path):
    expected = load_expected(file)
    path = tmp_path / file.name
    shutil.copy(file, path)
    estimator, _ = interrupted()[file.stem]
    epochs = []
    estimator.set_params(callback=lambda progress: epochs.append(progress.epoch))
    refusal = refusal_of(lambda: estimator.fit(expected["X"], expected[f"{file.stem}/y"], resume=path))
    if refusal is not None:
        # scaled features have other last digits on another processor, and files of format 1 have a digest of all digits
        assert machine() != str(expected["machine"]), refusal
        assert "compared all digits" in refusal
        return
    assert epochs == [4, 5, 6, 7, 8]
    assert_same(estimator.loss_history_, expected[f"{file.stem}/losses"], ROUNDING_OF_A_RUN)
    assert_same(estimator.weights_, expected[f"{file.stem}/weights"], ROUNDING_OF_A_RUN)
