"""What `import simulator` and `import qml` may cost: no heavy package, nothing compiled."""

import inspect
import json
import subprocess
import sys

import pytest

# Each of these is needed for one job (drawing, exchange, tables, layers) and is imported when that job is asked for.
ON_DEMAND = {"qiskit", "matplotlib", "pandas", "torch", "jax", "pennylane", "PIL", "IPython"}

PROBE = """
import json, sys
import {package}
from numba.core.dispatcher import Dispatcher
compiled = sorted(
    f"{{name}}.{{key}}"
    for name, module in list(sys.modules.items())
    if name.partition(".")[0] in ("simulator", "qml")
    for key, value in vars(module).items()
    if isinstance(value, Dispatcher) and value.signatures
)
print(json.dumps({{"modules": sorted(sys.modules), "compiled": compiled}}))
"""


def probe(package: str) -> dict[str, list[str]]:
    code = PROBE.format(package=package)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("package", ["simulator", "qml"])
def test_import_is_light(package: str) -> None:
    found = probe(package)
    roots = {name.partition(".")[0] for name in found["modules"]}
    assert not roots & ON_DEMAND
    assert found["compiled"] == []


@pytest.mark.parametrize("package", ["simulator", "qml"])
def test_import_leaves_the_engine_for_later(package: str) -> None:
    code = f"import sys, {package}; print(sorted({{'numba', 'scipy', 'sklearn'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_simulator_does_not_know_qml() -> None:
    roots = {name.partition(".")[0] for name in probe("simulator")["modules"]}
    assert not roots & {"qml", "sklearn"}


@pytest.mark.parametrize("package", ["simulator", "qml"])
def test_public_names_exist_and_are_documented(package: str) -> None:
    module = __import__(package)
    assert module.__doc__
    for name in module.__all__:
        value = getattr(module, name)
        assert not inspect.ismodule(value) or name == "gates", f"{package}.{name} is a module, not what it exports"
        assert not callable(value) or value.__doc__, f"{package}.{name} has no docstring"
