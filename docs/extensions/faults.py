"""What is wrong with a page or a name, besides what Sphinx itself reports; `site_checks` fails a build for it.

Nothing here imports Sphinx, so that `tests/docs` can call it without.
"""

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SOURCE = re.compile(r"arXiv[: ]*\d{4}\.\d{4,5}|arXiv[: ]*[a-z-]+/\d{7}|doi|https?://|ISBN", re.IGNORECASE)
FORMULA = re.compile(r"\$\$|\{math\}|\.\. math::")


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


def faults_of_names(names: Iterable[tuple[str, object]], documented: set[str]) -> list[str]:
    """Return the public names, given with their values, without a docstring or on no page of the reference."""
    problems = []
    for name, value in names:
        text = (value.__doc__ or "").strip()
        if not text or text.startswith(f"{name.rpartition('.')[2]}("):  # what a dataclass writes by itself
            problems.append(f"{name} has no docstring")
        if name not in documented:
            problems.append(f"{name} is on no page of docs/api")
    return problems


def lacks_source(text: str) -> bool:
    """Return whether a page in Markdown or reStructuredText has a displayed formula, but names no source."""
    return bool(FORMULA.search(text)) and not SOURCE.search(text)


def faults_of_pages(folder: Path) -> list[str]:
    """Return the pictures without a text and the dead internal links of all pages of a site."""
    pages = {path: Page(path.read_text("utf-8")) for path in folder.rglob("*.html")}
    problems = set()
    for path, page in pages.items():
        where = path.relative_to(folder)
        problems |= {f"{where}: no text for the picture {source}" for source in page.without_text}
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            if not target.exists():
                problems.add(f"{where}: dead link {link}")
            elif (
                parts.fragment
                and where.parts[0] != "_modules"
                and target in pages
                and unquote(parts.fragment) not in pages[target].anchors
            ):
                problems.add(f"{where}: no such place {link}")
    return sorted(problems)
