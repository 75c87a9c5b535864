"""Report on how a classifier treats groups of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.assessment.report import Block, Grid, Heading, Items, Paragraph, terminal
from qml.fairness.figure import draw
from qml.fairness.groups import Groups, described, intersection, read_groups, small_groups
from qml.fairness.rates import Estimate, estimate_gaps, estimate_rates, resampled_sums
from qml.plots.canvas import model_name
from qml.tables import TableModel
from qml.weights import checked_sample_weight
from simulator.errors import QumbaError, counted

__all__ = ["ColumnReport", "FairnessReport", "LabelsError", "fairness_of_predictions", "fairness_report"]

SHOWN = (
    ("target rate", "selection rate", "accuracy"),
    ("true positive rate", "false positive rate", "precision", "probability excess"),
)
"""Rates that the text shows, table by table."""

FOUR_FIFTHS = 0.8
"""Ratio of selection rates below which US agencies generally see evidence of adverse impact."""


class LabelsError(QumbaError, ValueError):
    """The labels are not of two classes, and no class was named positive."""


@dataclass(frozen=True)
class ColumnReport:
    """Rates of the groups of a sensitive column, or of an intersection of several.

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

    def verdict(self) -> str:
        """Say who is selected most and least, and whether that is clear."""
        values = [rate.value for rate in self.rates["selection rate"]]
        top, bottom = int(np.argmax(values)), int(np.argmin(values))
        gap, odds = self.gaps["demographic parity difference"], self.gaps["equalised odds difference"]
        clear = "clear" if gap.low > 0 else "not clear: groups treated alike could show it"
        text = (
            f"{self.name}: {100 * values[top]:.0f} % of {described(self.name, self.labels[top])} and "
            f"{100 * values[bottom]:.0f} % of {described(self.name, self.labels[bottom])} are selected, a difference "
            f"of {gap} that is {clear}."
        )
        ratio = self.gaps["demographic parity ratio"]
        if ratio.value < FOUR_FIFTHS:
            text += f" The ratio {ratio.value:.2f} is below four fifths, the mark of the US Uniform Guidelines."
        if np.isfinite(odds.value):
            clear = "clear" if odds.low > 0 else "not clear"
            text += f" Error rates differ by up to {odds}, which is {clear}."
        return text


@dataclass(frozen=True)
class FairnessReport:
    """How a classifier treats groups; ``print`` it, or ``plot`` it.

    Attributes
    ----------
    model : str
    positive : str
        The class that counts as being selected.
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
    positive: str
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
            "positive": self.positive,
            "rows": self.n_rows,
            "level": self.level,
            "overall": {name: rate.as_dict() for name, rate in self.overall.items()},
            "columns": {column.name: column.as_dict() for column in self.columns},
            "warnings": list(self.warnings),
        }

    def blocks(self) -> list[Block]:
        """Return the report as blocks of `qml.assessment.report`."""
        blocks: list[Block] = [
            Heading("Fairness"),
            Paragraph(
                f"{self.model}, {counted(self.n_rows, 'row')}. Selected means: predicted {self.positive}. In "
                f"parentheses: bootstrap intervals of {100 * self.level:g} %."
            ),
            Items(tuple(column.verdict() for column in self.columns)),
        ]
        if self.warnings:
            blocks.append(Items(self.warnings))
        for column in self.columns:
            blocks += [self._grid(column, names, rows=number == 0) for number, names in enumerate(SHOWN)]
        gaps = list(dict.fromkeys(name for column in self.columns for name in column.gaps))
        header = ("between groups furthest apart", *(column.name for column in self.columns))
        rows = (
            (name, *(str(column.gaps[name]) if name in column.gaps else "-" for column in self.columns))
            for name in gaps
        )
        blocks += [
            Grid(header, tuple(rows)),
            Paragraph(
                "Which of these should be equal is a decision about the use, not about the data. If the target rates "
                "of groups differ, a model that is not perfect cannot have equal error rates and be calibrated in each "
                "group (Kleinberg et al., arXiv:1609.05807; Chouldechova, arXiv:1610.07524)."
            ),
        ]
        return blocks

    def _grid(self, column: ColumnReport, names: Sequence[str], *, rows: bool) -> Grid:
        names = [name for name in names if name in column.rates]
        body = [
            (
                label,
                *([f"{count:,}"] if rows else []),
                *(str(column.rates[name][number]) for name in names),
            )
            for number, (label, count) in enumerate(zip(column.labels, column.counts, strict=True))
        ]
        everybody = ("all", *([f"{self.n_rows:,}"] if rows else []), *(str(self.overall[name]) for name in names))
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


def fairness_report(
    model: Any,
    X: Any,
    y: ArrayLike,
    sensitive: Any,
    *,
    positive: Any = None,
    sample_weight: ArrayLike | None = None,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int | None = 0,
) -> FairnessReport:
    """Compare how a classifier treats groups of people: selection, error rates and calibration, with intervals.

    Parameters
    ----------
    model : fitted classifier or TableModel
        Of this library, or any other with ``predict``; ``predict_proba`` gives the calibration.
    X : array-like, shape (n_rows, n_features)
        Rows that the model was not trained on.
    y : array-like, shape (n_rows,)
        True classes.
    sensitive : array-like, Series, DataFrame, mapping of names to columns, or names of columns of ``X``
        One or more sensitive columns; of several, the groups of their combinations are compared too.
    positive : label, optional
        The class that counts as being selected; by default the second of two.
    sample_weight : array-like, shape (n_rows,), optional
    n_resamples : int
        Number of bootstrap resamples of the rows.
    level : float
        Probability of the intervals.
    random_state : int, optional
        Seed of the resamples.

    Raises
    ------
    SensitiveError
        If a column is missing, has gaps, one value only, or more than 20.
    LabelsError
        If there are more than two classes and ``positive`` is not given.

    References
    ----------
    Hardt, Price and Srebro, arXiv:1610.02413 (equalised odds, equal opportunity); Kleinberg, Mullainathan and Raghavan,
    arXiv:1609.05807 (calibration within groups). The numbers are those of Fairlearn's ``MetricFrame``.
    """
    predicted = np.asarray(model.predict(X))
    estimator = model.estimator if isinstance(model, TableModel) else model
    probabilities = np.asarray(model.predict_proba(X)) if hasattr(estimator, "predict_proba") else None
    truth = np.asarray(y)
    probability = None
    if probabilities is not None:
        positive = _positive(truth, predicted, positive)
        (place,) = np.flatnonzero(np.asarray(estimator.classes_) == positive)
        probability = probabilities[:, place]
    columns = read_groups(sensitive, X, len(truth))
    report = _report(
        model_name(estimator), truth, predicted, probability, columns, positive, sample_weight, n_resamples, level,
        random_state,
    )  # fmt: skip
    if isinstance(model, TableModel):
        features = {column.name for column in model.schema.columns}
        notes = [f"{column.name} is a feature of the model" for column in columns if column.name in features]
        report = FairnessReport(**{**vars(report), "warnings": (*notes, *report.warnings)})
    return report


def fairness_of_predictions(
    y: ArrayLike,
    predicted: ArrayLike,
    sensitive: Any,
    *,
    probability: ArrayLike | None = None,
    positive: Any = None,
    sample_weight: ArrayLike | None = None,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int | None = 0,
    model: str = "Predictions",
) -> FairnessReport:
    """Compare groups as `fairness_report` does, from predictions that there are already.

    Parameters
    ----------
    y, predicted : array-like, shape (n_rows,)
        True and predicted classes.
    sensitive : array-like, Series, DataFrame, or mapping of names to columns
    probability : array-like, shape (n_rows,), optional
        Probability of the positive class.
    positive, sample_weight, n_resamples, level, random_state
        As for `fairness_report`.
    model : str
        Name for the report.
    """
    truth, labels = np.asarray(y), np.asarray(predicted)
    if len(labels) != len(truth):
        raise ValueError(f"expected a prediction for each of {len(truth)} rows, got {len(labels)}")
    columns = read_groups(sensitive, None, len(truth))
    values = None if probability is None else np.asarray(probability, float)
    return _report(model, truth, labels, values, columns, positive, sample_weight, n_resamples, level, random_state)


def _positive(truth: NDArray[Any], predicted: NDArray[Any], positive: Any) -> Any:
    """Return the positive class, which must be one of the labels."""
    classes = sorted(set(truth.tolist()) | set(predicted.tolist()))
    if positive is None:
        if len(classes) > 2:
            raise LabelsError(
                f"expected two classes, got {len(classes)} ({', '.join(map(str, classes[:5]))}): choose by positive= "
                "the one that counts as being selected"
            )
        if len(classes) < 2:
            raise LabelsError(f"all labels and predictions are {classes[0]!r}: there is nothing to compare")
        return classes[1]
    if positive not in classes:
        raise LabelsError(f"positive={positive!r} is not one of the classes {', '.join(map(repr, classes[:8]))}")
    return positive


def _report(
    model: str,
    truth: NDArray[Any],
    predicted: NDArray[Any],
    probability: NDArray[np.float64] | None,
    columns: tuple[Groups, ...],
    positive: Any,
    sample_weight: ArrayLike | None,
    n_resamples: int,
    level: float,
    random_state: int | None,
) -> FairnessReport:
    if not 0 < level < 1:
        raise ValueError(f"level expects a probability between 0 and 1, got {level}")
    positive = _positive(truth, predicted, positive)
    y, p = truth == positive, predicted == positive
    weight = checked_sample_weight(sample_weight, y[:, None])
    finest = columns[0] if len(columns) == 1 else intersection(columns)
    size = len(finest.labels)
    rng = np.random.default_rng(random_state)
    data, resampled = resampled_sums(finest.codes, size, y, p, probability, weight, n_resamples, rng)
    plain, _ = resampled_sums(finest.codes, size, y, p, None, np.ones(len(y)), 0, rng)

    def column_report(groups: Groups) -> ColumnReport:
        members = np.zeros((len(groups.labels), size))
        members[groups.codes, finest.codes] = 1.0
        merged, drawn = data.merged(members), resampled.merged(members)
        numbers = plain.merged(members).weights
        rates = estimate_rates(merged, drawn, numbers, level)
        counts = tuple(groups.counts.tolist())
        return ColumnReport(groups.name, groups.labels, counts, rates, estimate_gaps(merged, drawn, numbers, level))

    everybody = np.ones((1, size))
    overall = estimate_rates(
        data.merged(everybody), resampled.merged(everybody), plain.merged(everybody).weights, level
    )
    compared = columns if len(columns) == 1 else (*columns, finest)
    reports = tuple(column_report(groups) for groups in compared)
    warnings = [line for groups in compared for line in small_groups(groups)]
    for report in reports:
        undefined = [name for name, values in report.rates.items() if any(np.isnan(rate.value) for rate in values)]
        if undefined:
            warnings.append(
                f"{report.name}: {', '.join(undefined)} undefined in some groups, which are left out of gaps"
            )
    return FairnessReport(
        model, str(positive), len(y), level, {name: values[0] for name, values in overall.items()}, reports,
        tuple(warnings),
    )  # fmt: skip
