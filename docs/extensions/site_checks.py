"""Fail a build for the faults of `faults`.

Undocumented public names, pictures without a text, dead internal links, formulas without a source.
"""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import GenericAlias

from faults import faults_of_names, faults_of_pages, lacks_source
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from simulator.gates import Gate

MODULES_WITHOUT_STUB = (
    "qml.callbacks",
    "qml.layers",
    "qml.plots",
    "simulator.gates",
    "simulator.qiskit_backend",
    "simulator.pennylane_device",
)
"""Public modules that list their names themselves; the others have a stub ``__init__.pyi``."""


def public_names(root: Path) -> Iterator[tuple[str, object]]:
    """Yield every public name and its value: under `qumba` if that has it, else under its own module."""
    top = importlib.import_module("qumba")
    stubs = [".".join(stub.parent.relative_to(root).parts) for stub in root.glob("[sq]*/**/__init__.pyi")]
    for module_name in sorted({*stubs, *MODULES_WITHOUT_STUB}):
        module = importlib.import_module(module_name)
        for name in module.__all__:
            value = getattr(module, name)
            if not callable(value) or isinstance(value, Gate | GenericAlias):
                continue  # modules, tables of names, types, and the standard gates, which are methods of a circuit
            same = name in top.__all__ and getattr(top, name) is value
            yield f"qumba.{name}" if same else f"{module_name}.{name}", value


def check_reference(app: Sphinx) -> None:
    """Check that every public name has a docstring and stands on a page of the reference."""
    pages = "\n".join(page.read_text("utf-8") for page in (Path(app.srcdir) / "api").glob("*.md"))
    documented = set(re.findall(r"^   ((?:qumba|qml|simulator)\.[\w.]+)$", pages, re.MULTILINE))
    names = dict(public_names(Path(app.srcdir).parent))
    problems = faults_of_names(sorted(names.items(), key=lambda item: item[0]), documented)
    if problems:
        raise ExtensionError("the reference is incomplete:\n  " + "\n  ".join(problems))


def check_page(app: Sphinx, docname: str, content: list[str]) -> None:
    """Refuse a page that Sphinx's own would replace, and one with a displayed formula that names no source."""
    if docname in {"genindex", "py-modindex", "search"}:
        raise ExtensionError(f"{docname}.md: Sphinx writes a page of that name itself; choose another")
    if lacks_source(content[0]):
        raise ExtensionError(f"{docname}: formulas, but no source (an arXiv number, a DOI or an address)")


def check_pages(app: Sphinx, exception: Exception | None) -> None:
    """Check each page's internal links and pictures."""
    if exception is not None or app.builder.format != "html":
        return
    problems = faults_of_pages(Path(app.outdir))
    if problems:
        raise ExtensionError("the site is incomplete:\n  " + "\n  ".join(problems))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", check_reference, priority=100)  # before minutes of examples
    app.connect("source-read", check_page)
    app.connect("build-finished", check_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
