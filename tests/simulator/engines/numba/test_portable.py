"""Portable kernels: they replace compilation with the same bits, and whatever does not fit is passed over."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
START = """
import json, warnings
import numpy as np
from numba.core import event

compiled, messages = [], []
warnings.simplefilter("always")
warnings.showwarning = lambda message, *place, **options: messages.append(str(message))

class Recorder(event.Listener):
    def on_start(self, event):
        compiled.append((event.data["dispatcher"].py_func.__qualname__, str(event.data["args"])))

    def on_end(self, event): ...

event.register("numba:compile", Recorder())
"""
LOSS = """
from simulator.engines.numba.kernels.losses import squared_error

outputs, y = np.linspace(0.0, 1.0, 6).reshape(3, 2), np.ones((3, 2))
values, slopes = np.empty(3), np.empty((3, 2))
squared_error(outputs, y, values, slopes)
result = np.append(values, slopes)
"""
TRAINING = """
from qml import QuantumModel
from simulator import Circuit, ParameterVector, X, Z

x, w = ParameterVector("x", 3), ParameterVector("w", 6)
circuit = Circuit(3)
for q in range(3):
    circuit = circuit.ry(x[q], q).rz(w[q], q).rx(w[q + 3], q).cx(q, (q + 1) % 3)
model = QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0), X(1)])
rows = np.linspace(-1.0, 1.0, 120).reshape(40, 3)
loss, gradient = model.loss_and_gradient(rows, np.zeros((40, 2)), np.linspace(0.0, 2.0, 6), loss="mse")
result = np.append(loss, gradient)
"""
REPORT = """
print(json.dumps({"result": result.tobytes().hex(), "compiled": compiled, "messages": messages}))
"""
WRITE = """
from simulator.engines.numba.jit import portable

portable.DIRECTORY.mkdir()
portable.archive_path().write_bytes(portable.pack([squared_error]))
"""


def run(package, cache, code):
    environment = os.environ | {"QUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(package)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=package, capture_output=True, text=True, timeout=600, env=environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def copied(target, *packages):
    for name in packages:
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "portable"))
    return target


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A package with an archive of one kernel, and what the process that compiled it has reported."""
    package = copied(tmp_path_factory.mktemp("package"), "simulator")
    report = run(package, tmp_path_factory.mktemp("cache"), START + LOSS + WRITE + REPORT)
    assert [name for name, types in report["compiled"]] == ["squared_error"]
    return package, report


@pytest.fixture
def package(shipped, tmp_path):
    """A copy of the package that may be spoilt."""
    return shutil.copytree(shipped[0], tmp_path / "package")


def archive(package):
    (path,) = (package / "simulator/engines/numba/portable").iterdir()
    return path


def test_an_archive_replaces_compilation_and_fills_the_cache(shipped, package, tmp_path):
    without_compiling = shipped[1] | {"compiled": []}
    assert run(package, tmp_path / "cache", START + LOSS + REPORT) == without_compiling
    archive(package).unlink()
    assert run(package, tmp_path / "cache", START + LOSS + REPORT) == without_compiling
    assert run(package, tmp_path / "another cache", START + LOSS + REPORT) == shipped[1]


def test_it_works_without_a_cache(shipped, package, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a directory")
    report = run(package, in_the_way, START + LOSS + REPORT)
    assert report["compiled"] == []
    assert report["result"] == shipped[1]["result"]


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def change_a_bit(path):
    """Change the digest, with the right checksum of the archive."""
    with zipfile.ZipFile(path) as old:
        members = {name: bytearray(old.read(name)) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            content[0] ^= 1
            new.writestr(name, bytes(content))


def let_everybody_write(path):
    path.chmod(0o666)


def let_everybody_replace(path):
    path.parent.chmod(0o777)


def change_the_sources(path):
    source = path.parents[1] / "kernels/losses.py"
    source.write_text(source.read_text() + "\n# another revision\n")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are not those of POSIX")
@pytest.mark.parametrize(
    "spoil", [truncate, change_a_bit, let_everybody_write, let_everybody_replace, change_the_sources, Path.unlink]
)
def test_whatever_does_not_fit_is_passed_over(shipped, package, tmp_path, spoil):
    spoil(archive(package))
    assert run(package, tmp_path / "cache", START + LOSS + REPORT) == shipped[1]


@pytest.mark.slow
def test_a_training_step_with_the_archives_of_a_release_compiles_nothing(tmp_path):
    package = copied(tmp_path / "package", "simulator", "qml", "release")
    compiled = run(package, tmp_path / "cache", START + TRAINING + REPORT)
    assert len(compiled["compiled"]) == len(set(map(tuple, compiled["compiled"]))) > 30, "a part is compiled twice"
    command = [sys.executable, "-m", "release.portable_kernels", "--here", "train"]
    subprocess.run(command, cwd=package, check=True, capture_output=True, timeout=600)
    expected = compiled | {"compiled": []}
    assert run(package, tmp_path / "another cache", START + TRAINING + REPORT) == expected
