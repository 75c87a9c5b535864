"""Leaderboard of a search: one row per model family, and a paired test of the best two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.assessment.report import Block, Grid, Items, Paragraph, markdown, number, terminal
from qml.honesty.scores import Metrics
from qml.honesty.statistics import PairedTest, corrected_t_test, paired_rows_test
from qml.search.families import Family, Kind
from qml.search.records import TrialRecord

__all__ = ["Contender", "Leaderboard", "Row", "compare", "rows_of"]

SIGNIFICANT = 0.05
"""P-value below which a difference is called clear."""


ROUNDING = 1e-12
"""Difference of scores below which models do equally well."""


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
class Contender:
    """The best model of a kind, as the paired test takes it.

    Attributes
    ----------
    name : str
    trials, families : int
        Numbers of trials and of models among which it was chosen; in a nested search, per outer fold.
    scores : tuple of float
        Scores of the folds.
    predictions : tuple of ndarray
        Predictions of each fold's rows.
    """

    name: str
    trials: int
    families: int
    scores: tuple[float, ...]
    predictions: tuple[NDArray[Any], ...]

    @property
    def mean(self) -> float:
        """Mean score."""
        return float(np.mean(self.scores))


@dataclass(frozen=True)
class Comparison:
    """Paired test of the best quantum model against the best classical one.

    Attributes
    ----------
    quantum, classical : Contender
    test : PairedTest
        Corrected resampled t-test of the folds' scores, or with one fold the t-test of the rows.
    rows_p_value : float
        P-value of the test of rows: Wilcoxon's, or sign flips for a balanced accuracy.
    unseen : bool
        Whether the scores are those of rows that no trial has seen.
    metric : str
        Name of the score.
    """

    quantum: Contender
    classical: Contender
    test: PairedTest
    rows_p_value: float
    unseen: bool
    metric: str

    @property
    def clear(self) -> bool:
        """Whether both tests call the difference significant."""
        return max(self.test.p_value, self.rows_p_value) < SIGNIFICANT


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
                number(row.score) + (f" ± {number(row.spread)}" if np.isfinite(row.spread) else ""),
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
        mine = [record for record in records if record.family == family.name and record.kind == family.kind]
        complete = [record for record in mine if record.complete]
        best = max(complete, key=lambda record: record.score, default=None)
        errors = [record.error for record in mine if record.error]
        rows.append(
            Row(
                family.name,
                family.kind,
                len(mine),
                len(complete),
                len(errors),
                np.nan if best is None else best.score,
                float(np.std(best.fold_scores, ddof=1)) if best is not None and len(best.fold_scores) > 1 else np.nan,
                sum(record.seconds for record in mine),
                errors[0] if errors else "",
            )
        )
    return tuple(sorted(rows, key=lambda row: -np.inf if np.isnan(row.score) else row.score, reverse=True))


def compare(
    quantum: Contender,
    classical: Contender,
    truth: Sequence[NDArray[Any]],
    train_rows: float,
    metrics: Metrics,
    *,
    unseen: bool,
    metric: str,
) -> Comparison:
    """Test the best quantum model against the best classical one on the same folds.

    Parameters
    ----------
    quantum, classical : Contender
    truth : sequence of ndarray
        True values of each fold's rows.
    train_rows : float
        Mean number of training rows of a fold.
    metrics : Metrics
    unseen : bool
    metric : str
    """
    gains = [
        metrics.row_gains(values, mine, theirs)
        for values, mine, theirs in zip(truth, quantum.predictions, classical.predictions, strict=True)
    ]
    if len(truth) > 1:
        differences = np.array(quantum.scores) - np.array(classical.scores)
        test = corrected_t_test(differences, train_rows, float(np.mean([len(values) for values in truth])))
    else:
        test = paired_rows_test(gains[0][0])
    rows_p_value = metrics.rows_test(np.concatenate([ranked for _, ranked in gains]))
    return Comparison(quantum, classical, test, rows_p_value, unseen, metric)


def verdict(comparison: Comparison | None) -> str:
    """Say in words which of two models is better, whether that is clear, and how many trials it took."""
    if comparison is None:
        return (
            "There are no classical models to compare with: search with classical=True to know what the circuits add."
        )
    quantum, classical, test = comparison.quantum, comparison.classical, comparison.test
    budget = f"the best of {_budget(quantum)}", f"the best of {_budget(classical)}"
    if abs(test.mean) < ROUNDING:
        sentence = f"{quantum.name}, {budget[0]}, and {classical.name}, {budget[1]}, do equally well"
    else:
        direction = "better" if test.mean > 0 else "worse"
        sentence = (
            f"{quantum.name}, {budget[0]}, is {abs(test.mean):.3f} of {comparison.metric} {direction} than "
            f"{classical.name}, {budget[1]}"
        )
    low, high = test.interval
    numbers = f"p = {test.p_value:.2g} by t-test and {comparison.rows_p_value:.2g} by a test of the rows"
    if np.isfinite(low) and np.isfinite(high):
        numbers = f"95 % interval {low:+.3f} to {high:+.3f}; {numbers}"
    if comparison.clear:
        conclusion = "a clear difference"
    else:
        conclusion = "too uncertain to tell them apart"
    if comparison.clear and test.mean > 0 and not comparison.unseen:
        conclusion = "clear on the folds that chose them, which is no evidence for other rows"
    where = (
        "These scores are of rows that no trial has seen."
        if comparison.unseen
        else "These are the scores by which the models were chosen, so both are flattering: nested=5 gives scores of "
        "rows that no trial has seen."
    )
    evidence = (
        "" if comparison.clear and test.mean > 0 else " There is no evidence that the quantum part adds anything."
    )
    return f"{sentence} ({numbers}): {conclusion}. {where}{evidence}"


def _budget(contender: Contender) -> str:
    trials = "trial" if contender.trials == 1 else "trials"
    models = "model" if contender.families == 1 else "models"
    return f"{contender.trials} {trials} of {contender.families} {models}"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value
