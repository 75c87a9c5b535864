"""Each block of Python on a page runs; doctests, which are indented and have prompts, are run by pytest itself.

A page's blocks run in order, in one namespace and an empty folder. They import what they use of libraries; data and
models that a reader has, such as X and y, come from `names` and `PREPARED`.
"""

import ast
import re
import textwrap
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_iris

from qml import VariationalClassifier, VariationalRegressor
from qml.cli import main
from qml.deploy import collapse

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "CONTRIBUTING.md", ROOT / "benchmarks/README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if path.parent.name != "outside"  # which builds of the documentation fill with copies
}
"""All pages but README.md, whose tour tests/test_examples.py runs, with what it prints."""

OPTIONAL = {"torch": "torch", "jax": "jax", "onnx": "onnx", "onnxruntime": "onnx", "flwr": "flower"}
"""Package that the extra [test] does not bring -> extra that does; run by `make test-heavy` and `make test-flower`."""

SHORTER = {
    "n_trials=50": "n_trials=2",
    "shots=2000": "shots=50",
    "VariationalClassifier(), X, y, random_state=0": (
        "VariationalClassifier(epochs=2), X[:20, :2], y[:20], cv=2, repeats=2, candidates=1, random_state=0"
    ),
    "/mnt/other/": "other/",
}
"""Text on a page -> what runs instead: fewer trials, shots, folds and epochs, and a folder of the test."""

Names = dict[str, Any]


def _tables(names: Names) -> None:
    import pandas as pd

    from qml.kernels import RBF
    from qumba import Circuit, FidelityKernel, layered_model

    rng = np.random.default_rng(0)
    df = pd.DataFrame(rng.normal(size=(80, 2)), columns=["age", "bmi"])
    df["label"] = np.where(df["age"] + 0.3 * rng.normal(size=80) > 0, "yes", "no")
    df.to_csv("data.csv", index=False)
    options = ["--epochs", "2", "--layers", "1", "--cv", "0", "--candidates", "1", "--no-twin", "-q", "--no-plots"]
    assert main(["train", "data.csv", "--target", "label", *options]) == 0
    X, y = names["X"], names["y"]
    model = layered_model("angle", "strongly_entangling", num_features=4, num_layers=1)
    names |= {
        "df": df,
        "regressor": VariationalRegressor(n_layers=1, epochs=2, random_state=0).fit(X, X[:, 0]),
        "kernel": FidelityKernel("zz").fit(X),
        "other": RBF(1.0).fit(X),
        "circuit": Circuit(2).h(0).cx(0, 1),
        "quantum_model": model,
        "weights": np.full(model.num_weights, 0.1),
        "X_val": X,
        "y_val": y,
    }


def _fairness(names: Names) -> None:
    import pandas as pd

    X, y = names["X"], (names["y"] > 0).astype(int)
    groups = {"sex": np.arange(len(X)) % 2, "age_group": np.arange(len(X)) // 2 % 2}
    df = pd.DataFrame({"length": X[:, 0], "width": X[:, 1], **groups})
    names |= {"y": y, "y_test": y, "df": df, "df_test": df, "sex": df["sex"], "sex_test": df["sex"]}
    names["clf"] = VariationalClassifier(n_layers=1, epochs=2, random_state=0).fit(X, y)


def _devices(names: Names) -> None:
    """Few rows and weights, as a fake device runs a circuit for each row, and in training for each shift too."""
    X, y = names["X"][::10, :2], names["y"][::10]
    names |= {"X": X, "y": y, "X_test": X}
    names["classifier"] = VariationalClassifier(n_qubits=2, n_layers=1, epochs=1, random_state=0).fit(X, y)


def _accounts(names: Names) -> None:
    Path("other").mkdir()
    names["x"] = names["X"][0].tolist()


def _deploy(names: Names) -> None:
    names |= {"fast": collapse(VariationalClassifier(n_layers=1, epochs=2).fit(np.eye(64)[:6], [0, 1] * 3))}
    names["camera"] = [np.full((8, 8), value) for value in (3, 7)]


def _gates(names: Names) -> None:
    from simulator.gates import standard

    names |= {"Rotation": standard.Rotation, "_X": standard._X}


PREPARED: dict[str, Callable[[Names], None]] = {
    "CONTRIBUTING.md": _gates,
    "docs/accounts.md": _accounts,
    "docs/deploy.md": _deploy,
    "docs/fairness.md": _fairness,
    "docs/guide/devices.md": _devices,
    "docs/hardware.md": _devices,
    "docs/tables.md": _tables,
}
"""Page -> what adds to the names that all pages have."""


def fences(text: str) -> list[tuple[int, str]]:
    """Number of lines before each block of Python, and its code."""
    found = re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in found]


def indented(text: str) -> list[str]:
    """Blocks that Markdown takes for code since they are indented."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"(?:\A|\n\n)((?:    .*\n|\n(?=    ))+)", outside)


def statements(code: str) -> bool:
    """Whether this is Python that does something, other than a lone literal."""
    try:
        parts = ast.parse(textwrap.dedent(code)).body
    except SyntaxError:
        return False
    return any(not isinstance(part, ast.Expr) or isinstance(part.value, ast.Call) for part in parts)


WITH_BLOCKS = [page for page, text in PAGES.items() if fences(text)]
IDS = [
    "-".join([page, *(package for package in OPTIONAL if package in str(fences(PAGES[page])))]) for page in WITH_BLOCKS
]


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """What every page has: a few rows, and a classifier trained on them."""
    monkeypatch.chdir(tmp_path)
    X, y = (part[::5] for part in load_iris(return_X_y=True))
    names = dict.fromkeys(("X", "X_train", "X_test", "X_new"), X) | dict.fromkeys(("y", "y_train", "y_test"), y)
    names["clf"] = names["classifier"] = VariationalClassifier(n_layers=1, epochs=2, random_state=0).fit(X, y)
    with plt.rc_context():
        yield names
    plt.close("all")


@pytest.fixture
def fake_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake device in place of those of IBM's service; nothing leaves this machine."""
    runtime = pytest.importorskip("qiskit_ibm_runtime")
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    class Service:
        save_account = staticmethod(lambda **_: None)
        least_busy = staticmethod(lambda **_: FakeManilaV2())

    monkeypatch.setattr(runtime, "QiskitRuntimeService", Service)


@pytest.mark.usefixtures("fake_device")
@pytest.mark.parametrize("page", WITH_BLOCKS, ids=IDS)
def test_blocks_run(page: str, names: Names) -> None:
    PREPARED.get(page, lambda names: None)(names)
    missing = set()
    for line, block in fences(PAGES[page]):
        for text, replacement in SHORTER.items():
            block = block.replace(text, replacement)
        try:
            exec(compile("\n" * line + block, page, "exec"), names)
        except ImportError as error:
            packages = [
                package
                for package, extra in OPTIONAL.items()
                if find_spec(package) is None and (error.name == package or f"[{extra}]" in str(error))
            ]
            if not packages:
                raise
            missing.update(packages)
    if missing:
        pytest.skip(f"{', '.join(sorted(missing))} missing; the other blocks ran")


@pytest.mark.parametrize("page", PAGES)
def test_no_python_is_left_to_the_reader_to_try(page: str) -> None:
    unprompted = [block for block in indented(PAGES[page]) if ">>>" not in block and statements(block)]
    assert not unprompted, "make it a block ```python, which is run, or a doctest"


def test_tables_of_this_file_are_used() -> None:
    assert PREPARED.keys() <= set(WITH_BLOCKS)
    for text in SHORTER:
        assert any(text in block for page in WITH_BLOCKS for _, block in fences(PAGES[page])), text
