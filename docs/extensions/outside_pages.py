"""Pages that live elsewhere in the repository, copied into the documentation's sources before they are read.

A page keeps its place: people read the changelog at the top level and the notebooks in their own folder. Links are
rewritten to where their targets are in the documentation.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "benchmarks/README.md": "benchmarks.md"}


def copy_pages(app: Sphinx) -> None:
    """Write the pages of `PAGES` and the executed notebooks into the folder `outside` of the sources."""
    sources = Path(app.srcdir)
    root = sources.parent
    (sources / "outside").mkdir(exist_ok=True)
    for page, name in PAGES.items():
        text = _relinked((root / page).read_text("utf-8"), (root / page).parent, root)
        _write(sources / "outside" / name, text)
    for notebook in sorted((root / "notebooks").glob("*.ipynb")):
        _write(sources / "outside" / notebook.name, notebook.read_text("utf-8").replace("](../docs/", "](../"))


def _relinked(text: str, folder: Path, root: Path) -> str:
    """Point relative links to pages of the documentation; what the documentation does not have becomes plain text."""

    def relink(match: re.Match[str]) -> str:
        label, target, anchor = match["label"], match["target"], match["anchor"] or ""
        path = (folder / target).resolve()
        if path.is_relative_to(root / "docs") and path.suffix == ".md":
            return f"[{label}](../{path.relative_to(root / 'docs').as_posix()}{anchor})"
        if path == root / "README.md":
            return f"[{label}](../index.md)"
        for page, name in PAGES.items():
            if path == root / page or (path == (root / page).parent and page != "CHANGELOG.md" and path != root):
                return f"[{label}]({name}{anchor})"
        if path.suffix == ".ipynb" and path.parent == root / "notebooks":
            return f"[{label}]({path.name})"
        return f"`{label}`" if label == target else label

    return re.sub(r"\[(?P<label>[^\]]+)\]\((?!https?:|#)(?P<target>[^)#\s]+)(?P<anchor>#[^)]*)?\)", relink, text)


def _write(path: Path, text: str) -> None:
    """Write a file only if it changed, so that a second build reads nothing again."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def relink_sources(app: Sphinx, docname: str, content: list[str]) -> None:
    """Point links of a page of `docs` that leave the folder to the copies of their targets."""
    sources = Path(app.srcdir)
    page = sources / f"{docname}.md"
    if not page.exists() or docname.startswith("outside/"):
        return
    up = "../" * docname.count("/")

    def relink(match: re.Match[str]) -> str:
        path = (page.parent / match["target"]).resolve()
        if path.is_relative_to(sources):
            return match[0]
        label, anchor = match["label"], match["anchor"] or ""
        for outside, name in PAGES.items():
            if path == sources.parent / outside:
                return f"[{label}]({up}outside/{name}{anchor})"
        if path.suffix == ".ipynb":
            return f"[{label}]({up}outside/{path.name})"
        if path.parent == sources.parent / "examples" and (sources / "gallery" / f"{path.stem}.rst").exists():
            return f"[{label}]({up}gallery/{path.stem}.rst)"
        if path == sources.parent / "examples":
            return f"[{label}]({up}gallery/index.rst)"
        if path == sources.parent / "notebooks":
            return f"[{label}]({up}notebooks.md)"
        return label

    content[0] = re.sub(
        r"\[(?P<label>[^\]]+)\]\((?!https?:|#)(?P<target>\.\./[^)#\s]+)(?P<anchor>#[^)]*)?\)", relink, content[0]
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", copy_pages, priority=900)
    app.connect("source-read", relink_sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
