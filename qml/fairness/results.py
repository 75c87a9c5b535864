"""Comparison of groups: numbers, text and figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

from qml.assessment.report import Block, Grid, Heading, Items, Paragraph, terminal
from qml.fairness.estimates import Estimate
from qml.fairness.figure import draw
from qml.fairness.words import WORDS
from simulator.display import Preformatted
from simulator.errors import counted

__all__ = ["ColumnReport", "FairnessReport"]


@dataclass(frozen=True)
class ColumnReport:
    """Rates of the groups of a sensitive column, or of an intersection of several; of a quantity, means and errors.

    Attributes
    ----------
    name : str
    labels : tuple of str
        The groups.
    counts : tuple of int
        Rows of each group.
    rates : dict of str to list of Estimate
        By rate, one for each group.
    gaps : dict of str to Estimate
        Differences and ratios between the groups furthest apart.
    """

    name: str
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    rates: dict[str, list[Estimate]]
    gaps: dict[str, Estimate]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        groups = [
            {"group": label, "rows": count} | {name: values[number].as_dict() for name, values in self.rates.items()}
            for number, (label, count) in enumerate(zip(self.labels, self.counts, strict=True))
        ]
        return {"groups": groups, "gaps": {name: gap.as_dict() for name, gap in self.gaps.items()}}


@dataclass(frozen=True)
class FairnessReport(Preformatted):
    """How a model treats groups; ``print`` it, or ``plot`` it.

    Attributes
    ----------
    model : str
    task : {"classification", "regression"}
    positive : str or None
        The class that counts as being selected; None for a quantity.
    n_rows : int
    level : float
        Probability of the intervals.
    overall : dict of str to Estimate
        Rates of all rows together.
    columns : tuple of ColumnReport
        One for each sensitive column, and for their intersection if there are several.
    warnings : tuple of str
    """

    model: str
    task: Literal["classification", "regression"]
    positive: str | None
    n_rows: int
    level: float
    overall: dict[str, Estimate]
    columns: tuple[ColumnReport, ...]
    warnings: tuple[str, ...]

    def __getitem__(self, name: str) -> ColumnReport:
        """Return the report on a column."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"no column {name!r}, expected one of {', '.join(column.name for column in self.columns)}")

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON; undefined numbers are None."""
        return {
            "model": self.model,
            "task": self.task,
            "positive": self.positive,
            "rows": self.n_rows,
            "level": self.level,
            "overall": {name: rate.as_dict() for name, rate in self.overall.items()},
            "columns": {column.name: column.as_dict() for column in self.columns},
            "warnings": list(self.warnings),
        }

    def blocks(self) -> list[Block]:
        """Return the report as blocks of `qml.assessment.report`."""
        words = WORDS[self.task]
        blocks: list[Block] = [
            Heading("Fairness"),
            Paragraph(
                f"{self.model}, {counted(self.n_rows, 'row')}. {words.meaning.format(positive=self.positive)} In "
                f"parentheses: bootstrap intervals of {100 * self.level:g} %."
            ),
            Items(
                tuple(words.verdict(column.name, column.labels, column.rates, column.gaps) for column in self.columns)
            ),
        ]
        if self.warnings:
            blocks.append(Items(self.warnings))
        for column in self.columns:
            blocks += [self._grid(column, names, rows=number == 0) for number, names in enumerate(words.shown)]
        gaps = list(dict.fromkeys(name for column in self.columns for name in column.gaps))
        header = ("between groups furthest apart", *(column.name for column in self.columns))
        rows = (
            (name, *(words.number(column.gaps[name]) if name in column.gaps else "-" for column in self.columns))
            for name in gaps
        )
        return [*blocks, Grid(header, tuple(rows)), Paragraph(words.caution)]

    def _grid(self, column: ColumnReport, names: Sequence[str], *, rows: bool) -> Grid:
        names, shown = [name for name in names if name in column.rates], WORDS[self.task].number
        body = [
            (
                label,
                *([f"{count:,}"] if rows else []),
                *(shown(column.rates[name][number]) for name in names),
            )
            for number, (label, count) in enumerate(zip(column.labels, column.counts, strict=True))
        ]
        everybody = ("all", *([f"{self.n_rows:,}"] if rows else []), *(shown(self.overall[name]) for name in names))
        return Grid((column.name, *(["rows"] if rows else []), *names), (*body, everybody))

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw the rates of all groups with their intervals.

        Parameters
        ----------
        path : path of a PNG file, optional

        Returns
        -------
        matplotlib Figure
        """
        return draw(self, path)

    def __str__(self) -> str:
        return terminal(self.blocks())
