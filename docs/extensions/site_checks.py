"""What fails a build besides Sphinx's own warnings.

Undocumented public names, pictures without a text, dead internal links, formulas without a source.
"""

import importlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import GenericAlias
from urllib.parse import unquote, urlsplit

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
SOURCE = re.compile(r"arXiv[: ]*\d{4}\.\d{4,5}|arXiv[: ]*[a-z-]+/\d{7}|doi|https?://|ISBN", re.IGNORECASE)


class Page(HTMLParser):
    """The links, anchors and pictures of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.without_text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if attributes.get("id"):
            self.anchors.add(str(attributes["id"]))
        if tag == "a" and attributes.get("href"):
            self.links.append(str(attributes["href"]))
        if tag == "img" and not (attributes.get("alt") or "").strip():
            self.without_text.append(str(attributes.get("src")))


def public_names(root: Path) -> Iterator[str]:
    """Yield every public name as ``module.name``: under `qumba` if that has it, else under its own package."""
    top = importlib.import_module("qumba")
    stubs = [".".join(stub.parent.relative_to(root).parts) for stub in root.glob("[sq]*/**/__init__.pyi")]
    for module_name in sorted({*stubs, *MODULES_WITHOUT_STUB}):
        module = importlib.import_module(module_name)
        for name in module.__all__:
            value = getattr(module, name)
            if not callable(value) or isinstance(value, Gate | GenericAlias):
                continue  # modules, tables of names, types, and the standard gates, which are methods of a circuit
            same = name in top.__all__ and getattr(top, name) is value
            yield f"qumba.{name}" if same else f"{module_name}.{name}"


def check_reference(app: Sphinx) -> None:
    """Check that every public name has a docstring and stands on a page of the reference."""
    pages = "\n".join(page.read_text("utf-8") for page in (Path(app.srcdir) / "api").glob("*.md"))
    documented = set(re.findall(r"^   ((?:qumba|qml|simulator)\.[\w.]+)$", pages, re.MULTILINE))
    problems = []
    for name in sorted({*public_names(Path(app.srcdir).parent)}):
        module, _, attribute = name.rpartition(".")
        value = getattr(importlib.import_module(module), attribute)
        if (callable(value) or isinstance(value, type)) and not (value.__doc__ or "").strip():
            problems.append(f"{name} has no docstring")
        if name not in documented:
            problems.append(f"{name} is on no page of docs/api")
    if problems:
        raise ExtensionError("the reference is incomplete:\n  " + "\n  ".join(problems))


def check_sources(app: Sphinx, docname: str, content: list[str]) -> None:
    """Refuse a page with a displayed formula that names no source."""
    if "$$" in content[0] and not SOURCE.search(content[0]):
        raise ExtensionError(f"{docname}: formulas, but no source (an arXiv number, a DOI or an address)")


def check_pages(app: Sphinx, exception: Exception | None) -> None:
    """Check each page's internal links and pictures."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    pages = {path: Page(path.read_text("utf-8")) for path in folder.rglob("*.html")}
    problems = []
    for path, page in pages.items():
        where = path.relative_to(folder)
        problems += [f"{where}: no text for the picture {source}" for source in page.without_text]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            if not target.exists():
                problems.append(f"{where}: dead link {link}")
            elif (
                parts.fragment
                and where.parts[0] != "_modules"
                and target in pages
                and unquote(parts.fragment) not in pages[target].anchors
            ):
                problems.append(f"{where}: no such place {link}")
    if problems:
        raise ExtensionError("the site is incomplete:\n  " + "\n  ".join(sorted(set(problems))))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", check_reference, priority=100)  # before minutes of examples
    app.connect("source-read", check_sources)
    app.connect("build-finished", check_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
