"""The cache of compiled kernels: kept, and never in the way."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from numba import types

from simulator.engines.numba import kernels
from simulator.engines.numba.jit import cache
from simulator.engines.numba.kernels import tiles

CODE = """
import warnings, sys
warnings.simplefilter("always")
from simulator import Circuit
from simulator.engines.numba.jit import cache_directory
from simulator.engines.numba.kernels import tiles
print(Circuit(2).h(0).cx(0, 1).probabilities().round(6).tolist(), cache_directory())
print("numba is prepared to compile" if "numba.np.linalg" in sys.modules else "kernels were loaded")
modules = [result.library._shared_module for result in tiles.forward.overloads.values()]
print([[function.name for function in module.functions] if module else module for module in modules])
"""
BELL = "[0.5, 0.0, 0.0, 0.5]"


def run(directory, **variables):
    environment = dict(os.environ, QUMBA_CACHE_DIR=str(directory), **variables)
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cache")
    assert run(directory).stdout.startswith(BELL)
    return directory


def files(directory):
    return sorted(p for p in Path(directory).rglob("*.nb?"))


def test_a_second_process_compiles_nothing(filled):
    before = {p: p.stat().st_mtime_ns for p in files(filled)}
    assert before
    again = run(filled).stdout
    assert again.startswith(BELL)
    assert "kernels were loaded" in again
    assert again.endswith("\n[[]]\n"), "the cache has bitcode that takes longer to read than the object code"
    assert {p: p.stat().st_mtime_ns for p in files(filled)} == before


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
def test_damaged_files_are_compiled_anew_and_mended(filled, tmp_path, ending):
    copy = tmp_path / next(filled.iterdir()).name
    copy.mkdir()
    damaged = {}
    for number, path in enumerate(files(filled)):
        content = path.read_bytes()
        if path.suffix == ending:
            middle = len(content) // 2  # of a kernel, this is machine code
            flipped = content[:middle] + bytes([content[middle] ^ 8]) + content[middle + 1 :]
            content = damaged[copy / path.name] = flipped if number % 4 < 2 else content[:middle]
        (copy / path.name).write_bytes(content)
    assert run(tmp_path).stdout.startswith(BELL)
    assert [path for path, content in damaged.items() if path.suffix == ".nbc" and path.read_bytes() == content] == []
    before = {p: p.stat().st_mtime_ns for p in files(tmp_path)}
    assert run(tmp_path).stdout.startswith(BELL)
    assert {p: p.stat().st_mtime_ns for p in files(tmp_path)} == before


def test_the_kernel_that_a_damaged_index_names_instead_is_not_taken(monkeypatch):
    other = SimpleNamespace(signature=types.void(types.float64))
    monkeypatch.setattr(cache, "obstacle", lambda: None)
    monkeypatch.setattr(cache._Cache, "_load_overload", lambda *_: other)
    of_kernel = tiles.forward._cache._get()
    assert of_kernel.load_overload((types.float64,), None) is other
    assert of_kernel.load_overload((types.float32,), None) is None


def test_without_a_writable_directory_it_warns_once_and_works(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no directory")
    done = run(in_the_way)
    assert done.stdout.splitlines()[0] == f"{BELL} None"
    assert done.stderr.count("cannot be kept") == 1


def test_kernels_are_compiled_even_where_numba_is_told_not_to(filled):
    done = run(filled, NUMBA_DISABLE_JIT="1")
    assert done.stdout.startswith(BELL)
    assert done.stderr.count("NUMBA_DISABLE_JIT is set, but kernels cannot run as Python") == 1


def test_no_two_compiled_functions_have_the_same_name():
    """Two functions of one name could have one symbol, in the code of another process and in that of this one."""
    names = {}
    for path in sorted(Path(kernels.__file__).parent.glob("*.py")):
        for value in vars(import_module(f"{kernels.__name__}.{path.stem}")).values() if path.stem != "__init__" else ():
            if (function := getattr(value, "py_func", None)) is not None:
                names.setdefault((function.__module__, function.__qualname__), set()).add(id(value))
    assert len(names) > 100
    assert [name for name, functions in names.items() if len(functions) > 1] == []
