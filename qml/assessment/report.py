"""Reports: lists of blocks that are shown on a terminal and as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from qml.text import markdown as escaped
from qml.text import one_line
from simulator.display import printable

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

GAP = 2
"""Spaces between the columns of a table."""

MIN_NAME = 12
"""Width of the first column of a table however narrow the terminal is."""


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
    """Preformatted lines, which may be many and wide: a terminal shows them only if that is asked for."""

    text: str
    on_terminal: bool = False


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
            case Listing(text, _):
                fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
                parts.append("\n".join([f"{fence}text", *map(one_line, text.split("\n")), fence]))
            case Picture(file, caption):
                parts.append(f"![{escaped(caption)}]({file})")
    return "\n\n".join(parts) + "\n"


def terminal(blocks: Iterable[Block], width: int = TERMINAL_WIDTH) -> str:
    """Format blocks as plain text of at most ``width`` columns, without pictures.

    Wide tables are continued below, with their first column. Longer than ``width`` are only single words, such as
    hashes and paths, and the lines of listings.
    """
    parts = []
    for block in blocks:
        match block:
            case Heading(text):
                shown = _filled(text, width)
                parts.append(f"{shown}\n{'-' * min(len(_shown(text)), width)}")
            case Paragraph(text):
                parts.append(_filled(text, width))
            case Items(lines):
                parts.append("\n".join(_filled(line, width, "    ") for line in lines))
            case Grid(header, rows):
                parts += _aligned([[_shown(cell) for cell in line] for line in (header, *rows)], width)
            case Listing(text, on_terminal=True):
                parts.append("\n".join(map(_shown, text.rstrip("\n").split("\n"))))
    return "\n\n".join(parts) + "\n"


def number(value: float) -> str:
    """Format a score."""
    return f"{value:.3f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.3g}"


def _filled(text: str, width: int, indent: str = "") -> str:
    return textwrap.fill(_shown(text), width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _shown(text: str) -> str:
    """Return a text in one line, of characters that the terminal has."""
    return printable(one_line(text))


def _aligned(lines: Sequence[Sequence[str]], width: int) -> list[str]:
    """Align a table; where it is wider than ``width``, divide its columns, and wrap the names in the first of them."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    room = min(width // 2, width - GAP - max(widths[1:], default=0))
    first = min(widths[0], max(room, MIN_NAME))
    names = [textwrap.wrap(line[0], first) or [""] for line in lines]
    parts: list[list[int]] = [[]]
    used = first
    for column in range(1, len(widths)):
        if parts[-1] and used + GAP + widths[column] > width:
            parts.append([])
            used = first
        parts[-1].append(column)
        used += GAP + widths[column]
    return ["\n".join(_rows(lines, names, [(column, widths[column]) for column in part], first)) for part in parts]


def _rows(
    lines: Sequence[Sequence[str]], names: Sequence[Sequence[str]], columns: Sequence[tuple[int, int]], first: int
) -> Iterator[str]:
    """Return the lines of a table of some columns, with their widths; cells are beside the last line of a name."""
    for name, line in zip(names, lines, strict=True):
        yield from name[:-1]
        cells = [line[column].rjust(width) for column, width in columns]
        yield (" " * GAP).join([name[-1].ljust(first), *cells]).rstrip()
