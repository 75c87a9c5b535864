"""What `import simulator` and `import qml` may cost: no heavy package, nothing compiled."""

import importlib
import importlib.util
import inspect
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import qml
import qumba
import simulator

LAZY = [
    "simulator",
    "qml",
    "qumba",
    "qml.accounts",
    "qml.datasets",
    "qml.diagnostics",
    "qml.fairness",
    "qml.explain",
    "qml.federated",
    "qml.federated.secure",
    "qml.kernels",
    "simulator.noise",
    "simulator.qiskit_provider",
]

# Public packages that are imported at once.
EAGER = """
simulator.circuit simulator.gates simulator.observables simulator.parameters simulator.qiskit_backend qml.ansatze
qml.feature_maps qml.honesty qml.layers qml.optimizers qml.persistence qml.plots qml.tables
""".split()

# Names that must not get lost from the stubs.
EXPECTED = {
    "simulator": [
        "Circuit",
        "Parameter",
        "PauliSum",
        "Z",
        "gates",
        "noise",
        "metric_tensor",
        "set_num_threads",
        "NumbaBackend",
        "ShotBackend",
    ],
    "qml": [
        "VariationalClassifier",
        "QuantumKernelClassifier",
        "FidelityKernel",
        "Adam",
        "save",
        "load",
        "plots",
        "datasets",
        "diagnostics",
        "fairness",
        "search",
    ],
    "qumba": ["Circuit", "Z", "gates", "VariationalClassifier", "load", "plots", "datasets"],
    "qml.diagnostics": ["diagnose", "expressibility", "effective_dimension", "fourier_spectrum", "parameter_report"],
    "qml.accounts": ["DecisionLog", "decisions", "model_card", "model_digest", "verify"],
    "qml.fairness": ["fairness_report", "find_proxies", "data_report", "mitigate"],
    "qml.explain": ["explain", "shapley_values", "gate_importance", "fourier_spectrum", "saliency", "linear_surrogate"],
    "qml.federated": ["Federation", "FederatedClassifier", "GaussianMechanism", "SecureAggregation", "dirichlet_split"],
    "qml.federated.secure": ["SecureClient", "SecureServer", "MaskedVector"],
    "qml.datasets": ["two_curves", "study_split", "ground_states", "narma"],
    "qml.kernels": ["Kernel", "FidelityKernel", "RBF", "Linear", "Polynomial", "Laplacian", "get_kernel"],
    "simulator.noise": ["NoiseModel", "depolarizing", "estimate", "mitigate_readout"],
    "simulator.qiskit_provider": ["Sampler", "Estimator", "QumbaBackend", "EstimatorGradient"],
}

# Each of these is needed for one job (drawing, exchange, tables, layers) and is imported when that job is asked for.
ON_DEMAND = {
    "IPython", "PIL", "cryptography", "fairlearn", "flwr", "jax", "matplotlib", "optuna", "pandas", "pennylane",
    "qiskit", "shap", "statsmodels", "torch",
}  # fmt: skip

PROBE = """
import json, sys
import {package}
from numba.core.dispatcher import Dispatcher
compiled = sorted(
    f"{{name}}.{{key}}"
    for name, module in list(sys.modules.items())
    if name.partition(".")[0] in ("simulator", "qml", "qumba")
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


@pytest.mark.parametrize("package", ["simulator", "qml", "qumba"])
def test_import_is_light(package: str) -> None:
    found = probe(package)
    roots = {name.partition(".")[0] for name in found["modules"]}
    assert not roots & ON_DEMAND
    assert found["compiled"] == []


@pytest.mark.parametrize("package", ["simulator", "qml", "qumba"])
def test_import_leaves_the_engine_for_later(package: str) -> None:
    code = f"import sys, {package}; print(sorted({{'numba', 'scipy', 'sklearn'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_simulator_does_not_know_qml() -> None:
    roots = {name.partition(".")[0] for name in probe("simulator")["modules"]}
    assert not roots & {"qml", "sklearn"}


@pytest.mark.parametrize("package", LAZY)
def test_public_names_exist_and_are_documented(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__doc__
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.ismodule(value) and package != "qumba":  # whose names are those of the other two
            assert value.__name__ == f"{package}.{name}", f"{package}.{name} is a module, not what it exports"
        assert not (callable(value) or inspect.ismodule(value)) or value.__doc__, f"{package}.{name} has no docstring"


@pytest.fixture(scope="module")
def shown() -> dict[str, list[list[str]]]:
    """What `dir` shows of each package: when it is imported first, and after all names of all packages were used."""
    code = f"""
import importlib, json
before, after = {{}}, {{}}
for name in {LAZY}:
    before[name] = dir(importlib.import_module(name))
for name in before:
    package = importlib.import_module(name)
    for public in package.__all__:
        getattr(package, public)
    getattr(package, "__version__", None)
for name in before:
    after[name] = dir(importlib.import_module(name))
print(json.dumps({{name: [before[name], after[name]] for name in before}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("package", LAZY)
def test_dir_shows_the_public_names_and_no_others(shown: dict[str, list[list[str]]], package: str) -> None:
    before, after = shown[package]
    public = importlib.import_module(package).__all__
    assert before == after, "what is shown depends on what has been used"
    assert [name for name in before if not name.startswith("__")] == public
    assert set(EXPECTED[package]) <= set(public)


@pytest.mark.parametrize("package", EAGER)
def test_dir_does_not_show_what_a_package_imports(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in dir(module) if not name.startswith("__")] == sorted(module.__all__)


@pytest.mark.parametrize("package", LAZY)
def test_a_star_import_brings_the_public_names(package: str) -> None:
    scope: dict[str, object] = {}
    exec(f"from {package} import *", scope)
    module = importlib.import_module(package)
    assert {name: scope[name] for name in module.__all__} == {name: getattr(module, name) for name in module.__all__}


def test_qumba_has_all_names_of_both_packages():
    assert set(simulator.__all__).isdisjoint(qml.__all__), "a name of both would be ambiguous"
    assert qumba.__all__ == sorted([*simulator.__all__, *qml.__all__])
    for package in (simulator, qml):
        assert all(getattr(qumba, name) is getattr(package, name) for name in package.__all__)


def test_modules_of_both_packages_are_imported_from_qumba() -> None:
    code = """
import sys
from qumba.deploy import collapse
import qumba.noise.model as model
import qumba, qml.deploy, simulator.noise.model
assert collapse is qml.deploy.collapse
assert qumba.deploy is qml.deploy is sys.modules["qumba.deploy"]
assert qml.deploy.__name__ == qml.deploy.__spec__.name == "qml.deploy"
assert model is simulator.noise.model and qumba.noise is simulator.noise
import qumba.deploy.graph, qml.deploy.graph
assert qumba.deploy.graph is qml.deploy.graph
import importlib
count = len(sys.meta_path)
importlib.reload(qumba)
assert len(sys.meta_path) == count
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["qumba.deplyo", "qumba.deploy.deplyo"])
def test_a_module_that_neither_package_has(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"No module named '{name}'"):
        importlib.import_module(name)


def test_type_checkers_know_the_documented_modules() -> None:
    root = Path(qumba.__file__).parents[1]
    stubs = {path.stem: path.read_text() for path in (root / "qumba").glob("*.pyi") if path.stem != "__init__"}
    for name, text in stubs.items():
        (package,) = re.findall(rf"^from (qml|simulator)\.{name} import \*\n$", text)
        assert importlib.util.find_spec(f"{package}.{name}") is not None
    pages = "".join(path.read_text() for path in (root / "docs" / "api").glob("*.md"))
    documented = {
        name
        for package, name in re.findall(r"^ *(qml|simulator)\.(\w+)\.\w", pages, re.MULTILINE)
        if not hasattr(getattr(sys.modules[package], name, None), "mro")  # a class with its methods
    }
    assert documented <= stubs.keys()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'simulator' has no attribute 'Circiut'") as caught:
        simulator.Circiut  # type: ignore[attr-defined]  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("Circiut", simulator)  # from these Python names the near miss
    with pytest.raises(ImportError, match="cannot import name 'Circiut' from 'simulator'"):
        exec("from simulator import Circiut")


def test_a_package_without_its_stub_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "packed_without_stub"
    package.mkdir()
    (package / "__init__.py").write_text(Path(qml.__file__).read_text())
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"packed_without_stub is installed without its stub .*__init__\.pyi"):
        importlib.import_module("packed_without_stub")


def test_names_are_read_from_a_zip_archive(tmp_path: Path) -> None:
    archive = tmp_path / "library.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in Path(simulator.__file__).parent.rglob("*.py*"):
            if path.suffix in (".py", ".pyi"):
                file.write(path, path.relative_to(Path(simulator.__file__).parents[1]))
    code = f"import sys; sys.path.insert(0, {str(archive)!r}); import simulator; print(repr(simulator.Circuit(2).h(0)))"
    code = f"{code}; assert simulator.__file__.startswith({str(archive)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", ["torch", "jax"])
def test_a_missing_framework_is_an_import_error_that_names_the_extra(package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; import qml.{package}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode
    expected = f"ImportError: qml.{package} needs the extra [{package}]: pip install 'qumba[{package}]'"
    assert done.stderr.strip().splitlines()[-1] == expected
