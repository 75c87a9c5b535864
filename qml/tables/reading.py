"""Conversion of the bytes of a CSV file into named columns of text."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from simulator.errors import QumbaError, counted, near_misses

__all__ = ["Table", "TableError", "quoted", "read_table", "shortened"]

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SNIFFED_CHARACTERS = 1 << 16
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, because it begins with the mark of UTF-16
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
OTHER_FORMATS = {
    b"PK\x03\x04": "an Excel or zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x1f\x8b": "a gzip file",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF file",
}


class TableError(QumbaError, ValueError):
    """A table cannot be read, or is unsuitable for training; the message is one line that says what to do."""


@dataclass(frozen=True)
class Table:
    """Named columns of text.

    Attributes
    ----------
    path : str
    names : tuple of str
    columns : tuple of tuple of str
        Cells without surrounding blanks, by column.
    lines : tuple of int
        Line of the file on which each row ends, counted from 1.
    separator, encoding : str
        Separator and encoding with which the file was read.
    """

    path: str
    names: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    separator: str
    encoding: str

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> tuple[str, ...]:
        """Return the cells of the column ``name``; raise `TableError` with the nearest names if it does not exist."""
        if name not in self.names:
            raise TableError(f"{self.path} has no column {name!r}; {nearest(name, self.names)}")
        return self.columns[self.names.index(name)]


def read_table(path: str | PathLike[str], separator: str | None = None, encoding: str | None = None) -> Table:
    """Read a CSV file whose first line names the columns.

    Parameters
    ----------
    path : path
    separator : str, optional
        Single character; by default detected among comma, semicolon, tab and bar.
    encoding : str, optional
        Text encoding; by default that of the byte order mark, else UTF-8, else Windows-1252 (a superset of Latin-1).

    Raises
    ------
    TableError
        If the file is missing, empty, not text, ragged, or names a column twice.
    """
    text, encoding = _decoded(path, _bytes(path), encoding)
    if separator is None:
        separator = _separator(text)
    records = _records(path, text, separator)
    header = next(records, None)
    if header is None:
        raise TableError(f"{path} is empty")
    names = _names(path, header[1])
    rows: list[Sequence[str]] = []
    lines: list[int] = []
    for line, cells in records:
        if len(cells) != len(names):
            raise TableError(
                f"{path}, line {line}: {counted(len(cells), 'cell')} where line {header[0]} names "
                f"{counted(len(names), 'column')} (separator: {SEPARATORS.get(separator, repr(separator))})"
            )
        rows.append(cells)
        lines.append(line)
    if not rows:
        raise TableError(f"{path} names {counted(len(names), 'column')} but has no rows below")
    columns = tuple(tuple(cell.strip() for cell in column) for column in zip(*rows, strict=True))
    return Table(str(path), names, columns, tuple(lines), separator, encoding)


def nearest(name: str, names: Sequence[str]) -> str:
    """Return a hint with the names most similar to ``name``, or with all of them."""
    return near_misses(name, names, cutoff=0.6) or f"it has {shortened(names)}"


def shortened(words: Sequence[str], limit: int = 8) -> str:
    """Join the first few words, and the number of the remaining ones."""
    shown = ", ".join(words[:limit])
    return shown if len(words) <= limit else f"{shown} and {len(words) - limit} more"


def quoted(cell: str, limit: int = 30) -> str:
    """Quote a cell, shortened if long."""
    return repr(cell if len(cell) <= limit else cell[: limit - 3] + "...")


def _bytes(path: str | PathLike[str]) -> bytes:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        folder = Path(path).parent
        others = sorted(other.name for other in folder.glob("*.[ct]sv")) if folder.is_dir() else []
        near = difflib.get_close_matches(Path(path).name, others, n=3, cutoff=0.7)
        hint = f"; did you mean {' or '.join(str(folder / other) for other in near)}?" if near else ""
        raise TableError(f"there is no file {path}{hint}") from None
    except OSError as error:
        raise TableError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    if not data.strip():
        raise TableError(f"{path} is empty")
    return data


def _decoded(path: str | PathLike[str], data: bytes, encoding: str | None) -> tuple[str, str]:
    for magic, kind in OTHER_FORMATS.items():
        if data.startswith(magic):
            raise TableError(f"{path} is {kind}, not text: save the table as CSV first")
    marked = next((name for mark, name in BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    if encoding is not None:
        candidates = [encoding]
    elif marked is not None:
        candidates = [marked]
    else:
        candidates = ["utf-8", "cp1252"]
    for candidate in candidates:
        try:
            text = data.decode(candidate)
        except LookupError:
            raise TableError(f"unknown encoding {candidate!r}; common ones are utf-8, latin-1, utf-16") from None
        except UnicodeError:
            continue
        if "\0" not in text:
            return text, candidate
    raise TableError(
        f"{path} is not text in {' or '.join(candidates)}: save it as UTF-8, or name its encoding with --encoding"
    )


def _separator(text: str) -> str:
    """Detect the separator: of those that occur in the header, the one that makes the first records most alike."""
    sample = text[:SNIFFED_CHARACTERS]
    best, best_score = ",", (0.0, 1)
    for separator in SEPARATORS:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator, skipinitialspace=True)
        widths: Counter[int] = Counter()
        header_width = 0
        try:
            for record in reader:
                if record:
                    header_width = header_width or len(record)
                    widths[len(record)] += 1
        except csv.Error:
            continue
        if len(sample) < len(text) and widths.total() > 2:
            widths[len(record)] -= 1  # cut off in the middle
        score = (widths[header_width] / max(widths.total(), 1), header_width)
        if header_width > 1 and score > best_score:
            best, best_score = separator, score
    return best


def _records(path: str | PathLike[str], text: str, separator: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Return line number and cells of each record that is not blank."""
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    except TypeError:
        raise TableError(f"a separator is one character, got {separator!r}") from None
    start = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            where = f"line {start}" if reader.line_num <= start else f"lines {start} to {reader.line_num}"
            raise TableError(f"{path}, {where}: {_explained(error)}") from None
        if cells is None:
            return
        if cells and (len(cells) > 1 or cells[0].strip()):
            yield reader.line_num, cells
        start = reader.line_num + 1


def _explained(error: csv.Error) -> str:
    if "unexpected end of data" in str(error):
        return "a quotation mark is never closed"
    if "field limit" in str(error):
        return f"a cell of more than {csv.field_size_limit()} characters; is a quotation mark left open?"
    if "expected after" in str(error):
        return "text continues after a closing quotation mark (inside quotes, write the mark twice)"
    return str(error)


def _names(path: str | PathLike[str], header: Sequence[str]) -> tuple[str, ...]:
    names = [name.strip() or f"(column {position})" for position, name in enumerate(header, 1)]
    for name, count in Counter(names).items():
        if count > 1:
            where = ", ".join(str(position) for position, other in enumerate(names, 1) if other == name)
            raise TableError(f"{path} names {count} columns {name!r} (columns {where}): give them different names")
    return tuple(names)
