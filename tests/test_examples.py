"""Everything a newcomer copies from runs: the examples, the notebooks, and the README's tour."""

import contextlib
import io
import logging
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
NEEDS = {"torch_hybrid": "torch", "jax_training": "jax", "onnx_server": "onnxruntime"}
"""Example -> the package it needs that the extra [test] does not bring; `make test-heavy` runs these."""


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder; figures, styles and levels of our loggers are afterwards as they were."""
    monkeypatch.chdir(tmp_path)
    with plt.rc_context():
        yield
    plt.close("all")
    for name, logger in logging.root.manager.loggerDict.items():
        if name.partition(".")[0] in ("simulator", "qml") and isinstance(logger, logging.Logger):
            logger.setLevel(logging.NOTSET)


@pytest.fixture
def run(
    surroundings: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Path], None]:
    """A function that runs a script in this process, which has imported what takes seconds."""

    def run(script: Path) -> None:
        monkeypatch.setattr(sys, "argv", [str(script)])
        runpy.run_path(str(script), run_name="__main__")
        assert capsys.readouterr().out

    return run


# CI leaves those without NEEDS to the build of the documentation, which runs them with an installed wheel.
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore:.*is non-interactive, and thus cannot be shown")
def test_example_runs(script: Path, run: Callable[[Path], None]) -> None:
    if script.stem in NEEDS:
        pytest.importorskip(NEEDS[script.stem])
    run(script)


@pytest.mark.parametrize("script", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore:.*is non-interactive, and thus cannot be shown")
def test_notebook_runs(script: Path, run: Callable[[Path], None]) -> None:
    run(script)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short(script: Path) -> None:
    assert len(script.read_text().splitlines()) < 60


def test_differential_equations_are_solved(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "differential_equations.py"))
    errors = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert len(errors) == 2
    assert max(errors) < 1e-2


@pytest.mark.parametrize("script", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_executed_and_matches_its_script(script: Path) -> None:
    jupytext = pytest.importorskip("jupytext", reason="`make check` installs it")
    written, executed = jupytext.read(script), jupytext.read(script.with_suffix(".ipynb"))
    assert [cell.source for cell in executed.cells] == [cell.source for cell in written.cells], "run `make notebooks`"
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "no plot"


def test_readme_tour_prints_what_its_comments_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block, "README.md", "exec"), {})
    assert printed.getvalue().splitlines() == re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 120
