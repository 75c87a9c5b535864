"""Each fault that fails a build of the documentation, on a small page that has it and on one that does not."""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

EXTENSIONS = Path(__file__).parents[2] / "docs" / "extensions"


def load(name: str) -> ModuleType:
    """Return a module of the documentation's extensions, which are in no package."""
    specification = importlib.util.spec_from_file_location(f"docs_extensions_{name}", EXTENSIONS / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


faults = load("faults")


@dataclass
class Silent:
    """Text that is taken away below."""

    size: int


def documented() -> None:
    """Say something."""


def test_name_without_docstring_is_a_fault() -> None:
    automatic = dataclass(type("Silent", (), {"__annotations__": {"size": int}}))
    assert automatic.__doc__.startswith("Silent(")
    names = [("qumba.f", lambda: 0), ("qumba.Silent", automatic), ("qumba.g", documented), ("qumba.S", Silent)]
    expected = ["qumba.f has no docstring", "qumba.Silent has no docstring"]
    assert faults.faults_of_names(names, {name for name, _ in names}) == expected


def test_name_on_no_page_is_a_fault() -> None:
    assert faults.faults_of_names([("qumba.g", documented)], {"qumba.h"}) == ["qumba.g is on no page of docs/api"]


@pytest.mark.parametrize("formula", ["$$E = 1$$", "```{math}\nE = 1\n```", ".. math:: E = 1"])
def test_formula_without_source_is_a_fault(formula: str) -> None:
    assert faults.lacks_source(f"# Title\n\n{formula}\n")
    assert not faults.lacks_source(f"# Title\n\n{formula}\n\nSource: arXiv:2009.02823.\n")
    assert not faults.lacks_source("# Title\n\nNo formula, and 3 $ for it.\n")


def site(folder: Path, body: str) -> list[str]:
    (folder / "other.html").write_text('<h1 id="here">Other</h1>', "utf-8")
    (folder / "index.html").write_text(f'<h1 id="top">Title</h1>{body}', "utf-8")
    return faults.faults_of_pages(folder)


def test_picture_without_text_is_a_fault(tmp_path: Path) -> None:
    expected = ["index.html: no text for the picture a.png"]
    assert site(tmp_path, '<img src="a.png">') == expected
    assert site(tmp_path, '<img src="a.png" alt=" ">') == expected
    assert site(tmp_path, '<img src="a.png" alt="A circuit">') == []


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("gone.html", "index.html: dead link gone.html"),
        ("other.html#gone", "index.html: no such place other.html#gone"),
        ("#gone", "index.html: no such place #gone"),
    ],
)
def test_dead_link_is_a_fault(tmp_path: Path, link: str, fault: str) -> None:
    assert site(tmp_path, f'<a href="{link}">text</a>') == [fault]


def test_living_links_are_none(tmp_path: Path) -> None:
    links = ("other.html", "other.html#here", "#top", "https://arxiv.org/abs/2009.02823", "mailto:a@b.c")
    assert site(tmp_path, "".join(f'<a href="{link}">text</a>' for link in links)) == []


def test_example_that_warns_fails(recwarn: pytest.WarningsRecorder) -> None:
    import warnings

    gallery_warnings = load("gallery_warnings")
    before = warnings.filters[:]
    gallery_warnings.warnings_are_errors({}, "example.py", "before")
    try:
        with pytest.raises(UserWarning, match="too small"):
            warnings.warn("too small", UserWarning, stacklevel=1)
        warnings.warn("FigureCanvasAgg is non-interactive, and thus cannot be shown", UserWarning, stacklevel=1)
    finally:
        gallery_warnings.warnings_are_errors({}, "example.py", "after")
    assert warnings.filters == before
