"""Conversion of a file into named columns of text: CSV here, Excel, Parquet and DataFrames through pandas.

CSV is read by the csv module because pandas fills short rows without a word, shifts long ones into the index, and does
not know the line of a cell, which the messages name; it also takes half a second to import.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import difflib
import gzip
import io
import lzma
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from qml.tables.table import MISSING, Table, TableError
from simulator.errors import counted

__all__ = ["from_frame", "read_table"]

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
    b"PK\x03\x04": "a zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF file",
}
COMPRESSED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\x00": lzma.decompress,
}
PANDAS: dict[str, tuple[str, str, dict[str, Any]]] = {
    ".xlsx": ("read_excel", "excel", {"engine": "openpyxl"}),
    ".parquet": ("read_parquet", "parquet", {}),
}
"""Endings of files that pandas reads, with its function, the extra that this needs, and options."""


def read_table(
    path: str | PathLike[str],
    separator: str | None = None,
    encoding: str | None = None,
    na: Collection[str] = (),
) -> Table:
    """Read a CSV file whose first line names the columns, or an Excel or Parquet file.

    CSV files may be compressed (gzip, bzip2, xz). Lines above the names that start with # are comments.

    Parameters
    ----------
    path : path
        A file, or ``"-"`` for standard input.
    separator : str, optional
        Single character; by default detected among comma, semicolon, tab and bar.
    encoding : str, optional
        Text encoding; by default that of the byte order mark, else UTF-8, else Windows-1252 (a superset of Latin-1).
    na : collection of str
        Cell contents that count as empty, besides the empty cell, ``?``, ``NA`` and the like.

    Raises
    ------
    TableError
        If the file is missing, empty, not text, ragged, or names a column twice.
    """
    marks = MISSING | {mark.strip().lower() for mark in na}
    ending = Path(path).suffix.lower()
    if ending in PANDAS:
        return replace(from_frame(_frame(path, *PANDAS[ending]), str(path)), na=marks)
    path = "standard input" if str(path) == "-" and not Path(path).exists() else path
    text, encoding = _decoded(path, _bytes(path), encoding)
    text = _without_comments(text, separator)
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
    return Table(str(path), names, columns, tuple(lines), separator, encoding, marks)


def from_frame(frame: Any, path: str = "the table") -> Table:
    """Convert a DataFrame to a table; lines are counted as in a CSV file, whose first line has the names."""
    names = _names(path, [str(name) for name in frame.columns])
    if not len(frame):
        raise TableError(f"{path} names {counted(len(names), 'column')} but has no rows below")
    columns, typed = [], []
    for position, name in enumerate(names):
        series = frame.iloc[:, position]
        columns.append(tuple("" if absent else _text(cell) for cell, absent in zip(series, series.isna(), strict=True)))
        if getattr(series.dtype, "kind", "O") in "iufb":
            typed.append(name)
    lines = tuple(range(2, len(frame) + 2))
    return Table(path, names, tuple(columns), lines, ",", "utf-8", typed=frozenset(typed))


def _text(cell: Any) -> str:
    """Return a cell of a DataFrame as text; integers that a column with gaps made floats are written as integers."""
    if isinstance(cell, float | np.floating):
        value = float(cell)
        return str(int(value)) if abs(value) < 2**53 and value.is_integer() else repr(value)
    return str(cell).strip()


def _frame(path: str | PathLike[str], reader: str, extra: str, options: dict[str, Any]) -> Any:
    if not Path(path).is_file():
        _bytes(path)  # raises
    import pandas

    try:
        return getattr(pandas, reader)(path, **options)
    except ImportError as error:
        raise TableError(
            f"{path}: reading this kind of file needs the extra [{extra}]: pip install 'qumba[{extra}]'"
        ) from error
    except Exception as error:  # each reader has exceptions of its own
        reason = "".join(str(error).splitlines()[:1]) or repr(error)
        raise TableError(f"cannot read {path} as a file of {extra.capitalize()}: {reason}") from error


def _without_comments(text: str, separator: str | None) -> str:
    """Empty the lines of comments above the names; a first name may start with # too."""
    lines = text.splitlines(keepends=True) if text.startswith("#") else []
    body = next((k for k, line in enumerate(lines) if not line.startswith("#")), 0)
    if not body:
        return text
    marks = [separator] if separator else list(SEPARATORS)
    width = max(lines[body].count(mark) for mark in marks)
    if max(lines[body - 1].count(mark) for mark in marks) == width and width:
        body -= 1  # the line above the first row has as many cells: it has the names
    return "".join([*("\n" for _ in lines[:body]), *lines[body:]])


def _bytes(path: str | PathLike[str]) -> bytes:
    try:
        data = sys.stdin.buffer.read() if path == "standard input" else Path(path).read_bytes()
    except FileNotFoundError:
        folder = Path(path).parent
        others = sorted(other.name for other in folder.glob("*.[ct]sv")) if folder.is_dir() else []
        near = difflib.get_close_matches(Path(path).name, others, n=3, cutoff=0.7)
        hint = f"; did you mean {' or '.join(str(folder / other) for other in near)}?" if near else ""
        raise TableError(f"there is no file {path}{hint}") from None
    except OSError as error:
        raise TableError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    for magic, decompress in COMPRESSED.items():
        if data.startswith(magic):
            try:
                data = decompress(data)
            except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
                raise TableError(f"cannot read {path}: its compressed contents are damaged ({error})") from error
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
