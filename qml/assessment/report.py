"""Reports: lists of blocks that are shown on a terminal and as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qml.text import markdown as escaped
from qml.text import one_line

__all__ = [
    "TERMINAL_WIDTH",
    "Block",
    "Grid",
    "Heading",
    "Items",
    "Listing",
    "Paragraph",
    "Picture",
    "markdown",
    "number",
    "terminal",
]

TERMINAL_WIDTH = 100


@dataclass(frozen=True)
class Heading:
    """A heading; by default of level 1 for the first one and of level 2 for the others."""

    text: str
    level: int | None = None


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list of short lines."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table of text; the first column is aligned left, the others right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Listing:
    """Preformatted lines, which may be many and wide."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A picture in a file next to the report."""

    file: str
    caption: str


Block = Heading | Paragraph | Items | Grid | Listing | Picture


def markdown(blocks: Iterable[Block]) -> str:
    """Format blocks as Markdown."""
    parts = []
    level = "#"
    for block in blocks:
        match block:
            case Heading(text, wanted):
                parts.append(f"{level if wanted is None else '#' * wanted} {escaped(text)}")
                level = "##"
            case Paragraph(text):
                parts.append(escaped(text))
            case Items(lines):
                parts.append("\n".join(f"- {escaped(line)}" for line in lines))
            case Grid(header, rows):
                head, *body = (" | ".join(map(escaped, line)) for line in (header, *rows))
                rule = " | ".join(["---", *("---:" for _ in header[1:])])
                parts.append("\n".join(f"| {line} |" for line in (head, rule, *body)))
            case Listing(text):
                fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
                parts.append("\n".join([f"{fence}text", *map(one_line, text.split("\n")), fence]))
            case Picture(file, caption):
                parts.append(f"![{escaped(caption)}]({file})")
    return "\n\n".join(parts) + "\n"


def terminal(blocks: Iterable[Block], width: int = TERMINAL_WIDTH) -> str:
    """Format blocks as plain text of at most ``width`` columns, without listings and pictures."""
    parts = []
    for block in blocks:
        match block:
            case Heading(text):
                shown = one_line(text)
                parts.append(f"{shown}\n{'-' * min(len(shown), width)}")
            case Paragraph(text):
                parts.append(textwrap.fill(one_line(text), width))
            case Items(lines):
                filled = (textwrap.fill(one_line(line), width, subsequent_indent="    ") for line in lines)
                parts.append("\n".join(filled))
            case Grid(header, rows):
                parts.append(_aligned([[one_line(cell) for cell in line] for line in (header, *rows)]))
    return "\n\n".join(parts) + "\n"


def number(value: float) -> str:
    """Format a score."""
    return f"{value:.3f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.3g}"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = (
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )
    return "\n".join(line.rstrip() for line in shown)
