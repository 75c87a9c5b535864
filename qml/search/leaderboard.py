"""Leaderboard of a search: one row per model family, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qml.assessment.report import Block, Grid, Items, Paragraph, markdown, number, terminal
from qml.honesty.statistics import deviation
from qml.search.comparison import Comparison, verdict
from qml.search.families import Family, Kind
from qml.search.records import TrialRecord

__all__ = ["Leaderboard", "Row", "rows_of"]


@dataclass(frozen=True)
class Row:
    """A model family: its best trial and its budget.

    Attributes
    ----------
    model : str
    kind : {"quantum", "classical"}
    trials, complete, failed : int
        Numbers of trials, of those that were scored on all folds, and of those that failed.
    score, spread : float
        Mean and standard deviation of the folds' scores of the best complete trial; NaN without one.
    seconds : float
        Seconds of all trials of the family.
    error : str
        Of the first trial that failed.
    """

    model: str
    kind: Kind
    trials: int
    complete: int
    failed: int
    score: float
    spread: float
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class Leaderboard:
    """Model families by the score of their best trial; printed as a table with a verdict, iterated row by row.

    Attributes
    ----------
    rows : tuple of Row
        The best first; families without a complete trial last.
    comparison : Comparison, optional
        None if there are no classical models.
    left_out : dict of str to str
        Models that took no part, and why.
    metric : str
    notes : tuple of str
    """

    rows: tuple[Row, ...]
    comparison: Comparison | None
    left_out: dict[str, str]
    metric: str
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]

    def verdict(self) -> str:
        """Say in words whether the best quantum model is better than the best classical one, and what that took."""
        return verdict(self.comparison)

    def blocks(self) -> list[Block]:
        """Return table and verdict as blocks of a report."""
        cells = tuple(
            (
                row.model,
                row.kind,
                str(row.trials),
                str(row.complete),
                (number(row.score) if row.complete else "-")
                + (f" ± {number(row.spread)}" if np.isfinite(row.spread) else ""),
                f"{row.seconds:.1f}",
            )
            for row in self.rows
        )
        blocks: list[Block] = [
            Grid(("model", "kind", "trials", "of these complete", self.metric, "seconds"), cells),
            Paragraph(self.verdict()),
        ]
        failed = [f"{row.model}: {row.failed} failed, the first with {row.error}" for row in self.rows if row.failed]
        notes = [*self.notes, *failed, *(f"not searched: {name} ({why})" for name, why in self.left_out.items())]
        return [*blocks, Items(tuple(notes))] if notes else blocks

    def __str__(self) -> str:
        return terminal(self.blocks()).rstrip("\n")

    def _repr_markdown_(self) -> str:
        return markdown(self.blocks())

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers and the verdict as plain data, ready for JSON; undefined numbers are None."""
        comparison = None
        if self.comparison is not None:
            test = self.comparison.test
            comparison = {
                "quantum": self.comparison.quantum.name,
                "classical": self.comparison.classical.name,
                "quantum_trials": self.comparison.quantum.trials,
                "classical_trials": self.comparison.classical.trials,
                "quantum_scores": list(self.comparison.quantum.scores),
                "classical_scores": list(self.comparison.classical.scores),
                "difference": test.mean,
                "interval": [_plain(bound) for bound in test.interval],
                "p_value": test.p_value,
                "rows_p_value": self.comparison.rows_p_value,
                "clear": self.comparison.clear,
                "unseen_rows": self.comparison.unseen,
            }
        rows = [{name: _plain(value) for name, value in asdict(row).items()} for row in self.rows]
        return {
            "metric": self.metric,
            "models": rows,
            "comparison": comparison,
            "left_out": dict(self.left_out),
            "verdict": self.verdict(),
        }


def rows_of(records: Sequence[TrialRecord], families: Sequence[Family]) -> tuple[Row, ...]:
    """Return one row for each family, the best score first."""
    rows = []
    for family in families:
        trials = [record for record in records if record.family == family.name and record.kind == family.kind]
        complete = [record for record in trials if record.complete]
        best = max(complete, key=lambda record: record.score, default=None)
        errors = [record.error for record in trials if record.error]
        rows.append(
            Row(
                family.name,
                family.kind,
                len(trials),
                len(complete),
                len(errors),
                np.nan if best is None else best.score,
                np.nan if best is None else deviation(best.fold_scores),
                sum(record.seconds for record in trials),
                errors[0] if errors else "",
            )
        )
    return tuple(sorted(rows, key=lambda row: -np.inf if np.isnan(row.score) else row.score, reverse=True))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value
