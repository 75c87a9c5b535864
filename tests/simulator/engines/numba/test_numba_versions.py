"""How many functions numba compiles, and what happens with a numba that the shortcuts do not fit.

The counts are of the installed numba. To try another one: ``pip install numba==0.62.1``, then run this file.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import typed_passes

from simulator.engines.numba.jit import compatibility
from simulator.engines.numba.jit.compatibility import NEWEST, OLDEST, obstacle

RECORD = """
import json, warnings
import numpy as np
from numba.core import event, types

compiled, messages = [], []
warnings.simplefilter("always")
warnings.showwarning = lambda message, *place, **options: messages.append(str(message))

class Recorder(event.Listener):
    def on_start(self, event):
        function, signature = event.data["dispatcher"].py_func, event.data["args"]
        plain = [a.literal_type if isinstance(a, types.IntegerLiteral) else a for a in signature]
        compiled.append((f"{function.__module__}.{function.__qualname__}", str(plain)))

    def on_end(self, event): ...

event.register("numba:compile", Recorder())
"""
SMALL_KERNEL = """
from simulator.engines.numba.jit import inlined, kernel, part

@inlined
def doubled(value):
    return 2 * value

@part
def scaled(array, index, factor):
    return doubled(array[index]) * factor

@kernel
def total(array):
    return scaled(array, 0, 3) + scaled(array, 1, 4) + scaled(array, 2, array.shape[0])

result = total(np.arange(3.0))
"""
CHANGING_TYPES = """
from simulator.engines.numba.jit import kernel

@kernel
def running_total(array):
    total = doubled = 0
    for k in range(array.shape[0]):
        doubled = 2 * total
        total = total + array[k]
    return doubled + total

result = running_total(np.array([0.25, 0.5, 1.0]))
"""
OTHER_FUNCTION = """
import sys, numba
assert "scipy.linalg" not in sys.modules, "compiling a kernel has imported SciPy's linear algebra"
result = numba.njit(lambda array: np.dot(array, array) + np.linalg.det(np.eye(2)))(np.arange(3.0))
"""
CIRCUIT = """
from simulator import Circuit, ParameterVector, X, Z

angles = ParameterVector("a", 4)
circuit = Circuit(3).ry(angles[0], 0).rx(angles[1], 1).h(2).cx(0, 1).cp(angles[2], 1, 2).rzz(angles[3], 0, 2)
values, gradients = circuit.expectation_and_gradient([Z(0), X(1) @ Z(2)], [0.1, 0.2, 0.3, 0.4])
result = np.append(values, gradients)
"""
REPORT = """
bits, distinct = np.asarray(result).tobytes().hex(), len(set(compiled))
print(json.dumps({"result": bits, "compiled": len(compiled), "distinct": distinct, "messages": messages}))
"""
TOTAL = np.float64(2 * (0 * 3 + 1 * 4 + 2 * 3)).tobytes().hex()
OTHER_RELEASE = "import numba\nnumba.__version__ = '99.0.0'\n"
OTHER_INTERNALS = """
from numba.core import typed_passes
original = typed_passes.type_inference_stage
typed_passes.type_inference_stage = lambda *args, **options: original(*args, **options)
"""
OTHER_CACHE = OTHER_RELEASE + "import numba.core.caching\ndel numba.core.caching._CacheLocator\n"
OTHER_CACHE_METHODS = (
    OTHER_RELEASE + "import numba.core.caching\nnumba.core.caching.NullCache.prune = lambda self: None\n"
)


def count(work, cache=None, foreign=""):
    """What a process reports, with a cache of its own or, without ``cache``, with that of all tests."""
    environment = os.environ | ({"QUMBA_CACHE_DIR": str(cache)} if cache else {})
    command = [sys.executable, "-c", foreign + RECORD + work + REPORT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_installed_numba_is_supported():
    assert obstacle() is None, "if this file passes with NEWEST raised in simulator/jit/compatibility.py, raise it"


def test_the_package_requires_the_oldest_supported_numba():
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())["project"]
    (requirement,) = [each for each in project["dependencies"] if each.startswith("numba")]
    assert requirement == f"numba>={OLDEST[0]}.{OLDEST[1]}"


@pytest.mark.parametrize("version", ["0.60.0", f"{NEWEST[0]}.{NEWEST[1] + 1}.0", "1.0.0rc1", "0+unknown"])
def test_other_releases_do_not_fit(monkeypatch, version):
    monkeypatch.setattr(numba, "__version__", version)
    message = f"numba 0.{OLDEST[1]} to 0.{NEWEST[1]}, found {re.escape(version)}"
    assert re.search(message, obstacle.__wrapped__())


def test_changed_internals_do_not_fit(monkeypatch):
    monkeypatch.setattr(typed_passes, "type_inference_stage", lambda *args: None)
    assert "type_inference_stage takes (args)" in obstacle.__wrapped__()
    monkeypatch.delattr(typed_passes, "type_inference_stage")
    assert "has no attribute 'type_inference_stage'" in obstacle.__wrapped__()
    monkeypatch.setattr(compatibility, "_INTERNALS", {"numba.core.missing:function": ""})
    assert "No module named 'numba.core.missing'" in obstacle.__wrapped__()


def test_a_part_is_compiled_once_for_all_integers(tmp_path):
    first = count(SMALL_KERNEL, tmp_path)
    assert first["result"] == TOTAL
    assert first["compiled"] == 3
    assert first["messages"] == []
    assert count(SMALL_KERNEL, tmp_path) == first | {"compiled": 0, "distinct": 0}


def test_types_that_change_in_a_loop_are_inferred_again(tmp_path):
    assert count(CHANGING_TYPES, tmp_path)["result"] == np.float64(1.5 + 1.75).tobytes().hex()


def test_other_functions_have_all_of_numba(tmp_path):
    assert count(SMALL_KERNEL + OTHER_FUNCTION, tmp_path)["result"] == np.float64(5 + 1).tobytes().hex()


@pytest.mark.parametrize(
    ("foreign", "message", "kept"),
    [
        (OTHER_RELEASE, "found 99.0.0: kernels are compiled without shortcuts", True),
        (OTHER_INTERNALS, "type_inference_stage takes (args options): kernels are compiled without shortcuts", True),
        (OTHER_CACHE, "its cache differs as well (cannot import name '_CacheLocator'", False),
        (OTHER_CACHE_METHODS, "its cache differs as well (unknown methods prune)", False),
    ],
    ids=["release", "internals", "cache", "cache methods"],
)
def test_with_another_numba_it_warns_once_and_works(tmp_path, foreign, message, kept):
    first = count(SMALL_KERNEL, tmp_path, foreign)
    assert first["result"] == TOTAL
    assert (first["compiled"], first["distinct"]) == (5, 3)  # numba itself compiles `scaled` for each pair of constants
    (warning,) = first["messages"]
    assert message in warning
    again = {"compiled": 0, "distinct": 0, "messages": []} if kept else {}
    assert count(SMALL_KERNEL, tmp_path, foreign) == first | again


@pytest.mark.slow
def test_a_circuit_has_the_same_bits_with_and_without_shortcuts(tmp_path):
    without = count(CIRCUIT, tmp_path, OTHER_RELEASE)
    assert without["compiled"] > without["distinct"] > 30
    assert without["result"] == count(CIRCUIT)["result"]
