"""Bias in a table before any model sees it: who is in it, what is missing, and whom the target favours."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2_contingency, norm

from qml.assessment.report import Block, Grid, Heading, Items, Paragraph, terminal
from qml.fairness.estimates import Estimate
from qml.fairness.groups import Groups, intersection, read_groups, small_groups
from qml.fairness.report import LabelsError
from qml.honesty.statistics import holm
from simulator.display import Preformatted

__all__ = ["DataReport", "GroupData", "data_report"]

Array = NDArray[np.float64]

SIGNIFICANT = 0.05

MEAN = "mean target"


@dataclass(frozen=True)
class GroupData:
    """What a table holds of the groups of a sensitive column.

    Attributes
    ----------
    name : str
    labels : tuple of str
    counts : tuple of int
        Rows of each group.
    target : tuple of Estimate
        Share of the positive class in each group, with Wilson's interval; of a quantity its mean.
    missing : dict of str to tuple of float
        For each feature with gaps, the share of rows without it in each group.
    p_values : dict of str to float
        Chi-squared tests of whether a feature is missing equally often in all groups, corrected by Holm's method.
    incomplete : tuple of float
        Share of each group's rows with any gap: what is lost if incomplete rows are left out.
    """

    name: str
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    target: tuple[Estimate, ...]
    missing: dict[str, tuple[float, ...]]
    p_values: dict[str, float]
    incomplete: tuple[float, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the rows that each group has."""
        return tuple(count / sum(self.counts) for count in self.counts)


@dataclass(frozen=True)
class DataReport(Preformatted):
    """What a table holds of groups; ``print`` it.

    Attributes
    ----------
    n_rows : int
    target : str
        What the target's numbers are: the share of a class, or a mean.
    columns : tuple of GroupData
    warnings : tuple of str
    """

    n_rows: int
    target: str
    columns: tuple[GroupData, ...]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        out: dict[str, Any] = {"rows": self.n_rows, "target": self.target, "warnings": list(self.warnings)}
        out["columns"] = {
            column.name: asdict(column)
            | {"shares": list(column.shares), "target": [estimate.as_dict() for estimate in column.target]}
            for column in self.columns
        }
        return out

    def blocks(self) -> list[Block]:
        """Return the report as blocks of `qml.assessment.report`."""
        blocks: list[Block] = [Heading("Groups in the data")]
        if self.warnings:
            blocks.append(Items(self.warnings))
        shown = Estimate.quantity if self.target == MEAN else str
        for column in self.columns:
            rows = tuple(
                (label, f"{count:,}", f"{share:.1%}", shown(target), f"{incomplete:.1%}")
                for label, count, share, target, incomplete in zip(
                    column.labels, column.counts, column.shares, column.target, column.incomplete, strict=True
                )
            )
            blocks.append(Grid((column.name, "rows", "share", self.target, "with gaps"), rows))
            if column.missing:
                body = tuple(
                    (feature, *(f"{share:.1%}" for share in shares), f"{column.p_values[feature]:.2g}")
                    for feature, shares in column.missing.items()
                )
                blocks.append(Grid(("missing", *column.labels, "p-value"), body))
        blocks.append(
            Paragraph(
                "A target is what was recorded, not what is true: if one group was measured, arrested or treated more "
                "often, its target says so, and no comparison of groups within the table can show it."
            )
        )
        return blocks

    def __str__(self) -> str:
        return terminal(self.blocks())


def data_report(
    X: Any, y: ArrayLike, sensitive: Any, *, positive: Any = None, feature_names: list[str] | None = None
) -> DataReport:
    """Count groups, their gaps and their targets in a table, as it is before gaps are filled.

    Parameters
    ----------
    X : DataFrame or array-like, shape (n_rows, n_features)
        May have gaps: NaN, None or empty text.
    y : array-like, shape (n_rows,)
        Classes, or a quantity.
    sensitive : array-like, Series, DataFrame, mapping of names to columns, or names of columns of ``X``
        If there are several, their combinations are counted too.
    positive : label, optional
        The class whose share is reported; by default the second of two.
    feature_names : list of str, optional
        By default the columns of a DataFrame, or ``feature 0`` and so on.

    Raises
    ------
    SensitiveError
        If a sensitive column is missing, has gaps, one value only, or more than 20.
    LabelsError
        If ``positive`` is not one of the classes, or missing where there are more than two classes of text.
    """
    gaps: NDArray[np.bool_] = missing_cells(X)
    names = feature_names or [str(name) for name in getattr(X, "columns", ())]
    names = names or [f"feature {number}" for number in range(gaps.shape[1])]
    truth = np.asarray(y)
    columns = read_groups(sensitive, X, len(gaps))
    target, values, share = _target(truth, positive)
    compared = columns if len(columns) == 1 else (*columns, intersection(columns))
    parts = tuple(_group_data(groups, gaps, names, values, share=share) for groups in compared)
    warnings = [line for groups in compared for line in small_groups(groups)]
    for part in parts:
        for feature, p_value in part.p_values.items():
            if p_value < SIGNIFICANT:
                worst = int(np.argmax(part.missing[feature]))
                warnings.append(
                    f"{feature} is missing more often in {part.name} {part.labels[worst]} "
                    f"({part.missing[feature][worst]:.1%}, p = {p_value:.2g}): filling gaps treats groups differently"
                )
    return DataReport(len(gaps), target, parts, tuple(warnings))


def missing_cells(X: Any) -> NDArray[np.bool_]:
    """Return which cells of a table are empty, shape (n_rows, n_features)."""
    if hasattr(X, "isna"):
        return np.asarray(X.isna()) | np.asarray(X == "")
    array = np.asarray(X)
    if array.dtype.kind in "fc":
        return np.isnan(array)
    if array.dtype.kind in "biu":
        return np.zeros(array.shape, bool)
    cells = [[cell is None or cell == "" or cell != cell for cell in row] for row in array.tolist()]
    return np.array(cells, bool).reshape(array.shape)


def _target(truth: NDArray[Any], positive: Any) -> tuple[str, Array, bool]:
    """Return what is averaged, the values, and whether they are zeros and ones."""
    classes = np.unique(truth)
    if positive is None and len(classes) > 2 and truth.dtype.kind in "iuf":
        return MEAN, truth.astype(float), False
    if positive is None:
        if len(classes) != 2:
            raise LabelsError(
                f"expected two classes or a quantity, got {len(classes)} classes: choose one by positive="
            )
        positive = classes[1]
    if positive not in classes:
        raise LabelsError(f"positive={positive!r} is not one of the classes {', '.join(map(str, classes[:8]))}")
    return f"share of {positive}", (truth == positive).astype(float), True


def _group_data(groups: Groups, gaps: NDArray[np.bool_], names: list[str], values: Array, *, share: bool) -> GroupData:
    counts = groups.counts
    size = len(groups.labels)
    inside = [groups.codes == code for code in range(size)]
    target = tuple(_wilson(values[rows]) if share else _mean(values[rows]) for rows in inside)
    missing = {
        name: tuple(float(gaps[rows, number].mean()) for rows in inside)
        for number, name in enumerate(names)
        if gaps[:, number].any()
    }
    p_values = {}
    for name in missing:
        column = gaps[:, names.index(name)]
        empty = np.bincount(groups.codes, column, size)
        table = np.array([empty, counts - empty])
        p_values[name] = 1.0 if column.all() else float(chi2_contingency(table, correction=False).pvalue)
    corrected = holm(np.array(list(p_values.values()))) if p_values else ()
    incomplete = gaps.sum(1) > 0
    return GroupData(
        groups.name,
        groups.labels,
        tuple(counts.tolist()),
        target,
        missing,
        dict(zip(p_values, map(float, corrected), strict=True)),
        tuple(float(incomplete[rows].mean()) for rows in inside),
    )


def _wilson(values: Array) -> Estimate:
    """Return a proportion with Wilson's 95 % interval (J. Am. Stat. Assoc. 22 (1927) 209)."""
    count, share, z = len(values), float(values.mean()), float(norm.ppf(0.975))
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return Estimate(share, max(centre - half, 0.0), min(centre + half, 1.0))


def _mean(values: Array) -> Estimate:
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    mean, z = float(values.mean()), float(norm.ppf(0.975))
    return Estimate(mean, mean - z * error, mean + z * error)
