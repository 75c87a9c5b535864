"""CONTRIBUTING names a room for each thing that is added: every file, table and function in it exists; so in docs/."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| a")
]
ASKED_FIRST = ["gate", "pass kernel", "engine", "layer", "estimator", "loss", "optimizer", "feature map", "exporter"]


def named_files(row):
    """Files and folders that a row names: full paths, and names of files beside the latest of them."""
    files = []
    for word in re.findall(r"`([^`]+)`", " ".join(row)):
        if "/" in word:
            files.append(ROOT / word)
        elif files and word.endswith((".py", ".pyi", ".md")):
            files.append((files[-1] if files[-1].is_dir() else files[-1].parent) / word)
    return files


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_file_of_a_row_exists(row):
    assert [str(path) for path in named_files(row) if not path.exists()] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_name_of_a_row_stands_in_one_of_its_files(row):
    sources = [path for path in named_files(row) if path.suffix in (".py", ".pyi")]
    sources += [path for folder in named_files(row) if folder.is_dir() for path in folder.rglob("*.py")]
    if "of its test" in row[1]:
        sources += list((ROOT / "tests").rglob("*.py"))
    if "search_space" in row[1]:
        sources += list((ROOT / "qml/estimators").rglob("*.py"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    words = re.findall(r"`([\w.]+)`", " ".join(row))
    names = [part for word in words if not word.endswith((".py", ".pyi")) for part in word.split(".")]
    assert [
        name
        for name in names
        if name != "random_state" and not re.search(rf"^\s*(def|class) {name}\b|^{name}\b.*=", text, re.MULTILINE)
    ] == []


def test_what_is_added_most_comes_first():
    for name, row in zip(ASKED_FIRST, ROWS, strict=False):
        assert name in row[0]


def test_every_source_file_that_the_documentation_names_exists():
    folders = ("simulator", "qml", "qumba", "tests", "docs", "benchmarks", "examples", "notebooks", "release")
    sources = [path.as_posix() for folder in folders for path in (ROOT / folder).rglob("*.py")]
    pages = [ROOT / "README.md", ROOT / "benchmarks/README.md", *(ROOT / "docs").rglob("*.md")]
    named = {(page.name, name) for page in pages for name in re.findall(r"`([\w/]+\.py)`", page.read_text("utf-8"))}
    assert len(named) > 50
    assert {(page, name) for page, name in named if not any(path.endswith(f"/{name}") for path in sources)} == set()
