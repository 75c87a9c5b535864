"""The table: named columns of text, and how messages name its columns and cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qml.tables.notation import Notation, notation_of
from simulator.caching import cached_property
from simulator.errors import QumbaError, near_misses, shortened

__all__ = ["MISSING", "Table", "TableError", "nearest", "quoted"]

MISSING = frozenset({"", "?", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "<na>", "#na"})
"""Cell contents that count as empty, in lower case."""


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
    na : frozenset of str
        Cell contents that count as empty, in lower case.
    typed : frozenset of str
        Columns that hold numbers, not text, in their source.
    """

    path: str
    names: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    separator: str
    encoding: str
    na: frozenset[str] = MISSING
    typed: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> tuple[str, ...]:
        """Return the cells of the column ``name``; raise `TableError` with the nearest names if it does not exist."""
        if name not in self._positions:
            raise TableError(f"{self.path} has no column {name!r}; {nearest(name, self.names)}")
        return self.columns[self._positions[name]]

    @cached_property
    def _positions(self) -> dict[str, int]:
        """Position of each column: searching among thousands of names takes longer than all else."""
        return {name: position for position, name in enumerate(self.names)}

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Return which cells of a column are empty."""
        return np.array([cell.lower() in self.na for cell in self.column(name)])

    def notation(self, name: str, missing: NDArray[np.bool_]) -> Notation:
        """Return how the numbers of a column are written."""
        if name in self.typed:
            return "plain"
        cells = self.column(name)
        return notation_of([cells[row] for row in np.flatnonzero(~missing)], self.separator)

    def take(self, rows: Sequence[int]) -> Table:
        """Select rows."""
        columns = tuple(tuple(column[row] for row in rows) for column in self.columns)
        return replace(self, columns=columns, lines=tuple(self.lines[row] for row in rows))


def nearest(name: str, names: Sequence[str]) -> str:
    """Return a hint with the names most similar to ``name``, or with all of them."""
    return near_misses(name, names, cutoff=0.6) or f"it has {shortened(names)}"


def quoted(cell: str, limit: int = 30) -> str:
    """Quote a cell, shortened if long."""
    return repr(cell if len(cell) <= limit else cell[: limit - 3] + "...")
