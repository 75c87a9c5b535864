"""Pages made from the code: the picture of the layers, and the list of cited papers."""

import re
import tomllib
from collections import defaultdict
from pathlib import Path

from sphinx.application import Sphinx

CITATION = re.compile(r"arXiv:\s?(\d{4}\.\d{4,5}|[a-z-]+/\d{7})")
ARCHITECTURE = "Layers of the simulator", "Layers of qml"


def draw_architecture(app: Sphinx) -> None:
    """Draw the layers that `lint-imports` enforces: each box imports only from the lines below its own."""
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    root = Path(app.srcdir).parent
    contracts = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    chosen = [next(c for c in contracts if c["name"].startswith(name)) for name in ARCHITECTURE]
    figure = Figure(figsize=(11, 8), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, contract, color in zip(axes, chosen, ("#0072b2", "#d55e00"), strict=True):
        layers = [[name.strip(" ()") for name in re.split(r"[|:]", line)] for line in contract["layers"]]
        for row, names in enumerate(layers):
            width = 1 / len(names)
            for column, name in enumerate(names):
                box = (column * width + 0.01, len(layers) - row - 0.85), width - 0.02, 0.7
                axis.add_patch(FancyBboxPatch(*box, boxstyle="round,pad=0,rounding_size=0.02", color=color, alpha=0.15))
                center = (column + 0.5) * width, len(layers) - row - 0.5
                axis.text(*center, name, ha="center", va="center", fontsize=9)
        axis.set_xlim(0, 1)
        axis.set_ylim(0, len(layers))
        axis.set_title(contract["containers"][0])
        axis.axis("off")
    (Path(app.srcdir) / "outside").mkdir(exist_ok=True)
    target = Path(app.srcdir) / "outside" / "architecture.png"
    if not target.exists() or target.stat().st_mtime < (root / "pyproject.toml").stat().st_mtime:
        figure.savefig(target, dpi=110, metadata={"Software": None})


def list_references(app: Sphinx) -> None:
    """List the papers that docstrings and pages cite, with the places that cite them."""
    root = Path(app.srcdir).parent
    places: dict[str, set[str]] = defaultdict(set)
    for path in sorted([*root.glob("simulator/**/*.py"), *root.glob("qml/**/*.py"), *root.glob("docs/*.md")]):
        for number in CITATION.findall(path.read_text("utf-8")):
            places[number].add(path.relative_to(root).as_posix())
    lines = [
        "# References",
        "",
        "The papers that this library follows, collected from its docstrings and pages.",
        "",
        "| paper | cited in |",
        "|---|---|",
    ]
    for number in sorted(places, key=lambda text: (text[0].isdigit(), text)):
        where = ", ".join(f"`{place}`" for place in sorted(places[number]))
        lines.append(f"| [arXiv:{number}](https://arxiv.org/abs/{number}) | {where} |")
    text = "\n".join(lines) + "\n"
    target = Path(app.srcdir) / "outside" / "references.md"
    if not target.exists() or target.read_text("utf-8") != text:
        target.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", draw_architecture, priority=850)
    app.connect("builder-inited", list_references, priority=850)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
