"""Groups of rows by the values of sensitive columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import QumbaError, counted, near_misses

__all__ = ["Groups", "SensitiveError", "described", "intersection", "quartiles", "read_groups", "small_groups"]

MAX_GROUPS = 20
"""Maximum number of groups of a column: with more, hardly any rate could be told from another."""

MIN_ROWS = 10
"""Number of rows below which a group's rates are called unreliable."""


class SensitiveError(QumbaError, ValueError):
    """A sensitive column is missing, has gaps, one value only, or too many."""


@dataclass(frozen=True)
class Groups:
    """Groups of rows.

    Attributes
    ----------
    name : str
        Name of the column, or of several, joined by ``x``.
    labels : tuple of str
    codes : int ndarray, shape (n_rows,)
        Group of each row, an index of ``labels``.
    """

    name: str
    labels: tuple[str, ...]
    codes: NDArray[np.intp]

    @property
    def counts(self) -> NDArray[np.intp]:
        """Number of rows of each group."""
        return np.bincount(self.codes, minlength=len(self.labels))

    def take(self, rows: NDArray[np.intp]) -> Groups:
        """Select rows; the labels stay."""
        return Groups(self.name, self.labels, self.codes[rows])


def read_groups(sensitive: Any, X: Any, n_rows: int) -> tuple[Groups, ...]:
    """Read one or more sensitive columns.

    Parameters
    ----------
    sensitive : array-like, Series, DataFrame, mapping of names to columns, or names of columns of ``X``
    X : DataFrame or array-like
        Where names are looked up.
    n_rows : int

    Raises
    ------
    SensitiveError
        If a column is missing, has another length, gaps, one value only, or more than 20.
    """
    columns = _columns(sensitive, X)
    return tuple(_group(name, values, n_rows) for name, values in columns.items())


def intersection(columns: Sequence[Groups]) -> Groups:
    """Return the groups of rows that agree in all columns; combinations without rows are left out."""
    codes = np.zeros(len(columns[0].codes), np.intp)
    for column in columns:
        codes = codes * len(column.labels) + column.codes
    present, codes = np.unique(codes, return_inverse=True)
    labels = []
    for code in present.tolist():
        parts: list[str] = []
        for column in reversed(columns):
            code, part = divmod(code, len(column.labels))
            parts.insert(0, described(column.name, column.labels[part]))
        labels.append(", ".join(parts))
    return Groups(" x ".join(column.name for column in columns), tuple(labels), codes)


def described(name: str, label: str) -> str:
    """Return a group's label, with the name of its column if the label is a mere number, True or False."""
    return f"{name} {label}" if label in ("True", "False") or label.lstrip("-").replace(".", "", 1).isdigit() else label


def quartiles(values: NDArray[np.float64]) -> list[str]:
    """Cut numbers at their quartiles, and name each range by its smallest and largest number."""
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75]))
    codes = np.searchsorted(edges, values)  # up to and including each edge
    names = {}
    for code in np.unique(codes):
        inside = values[codes == code]
        names[code] = f"{inside.min():g} to {inside.max():g}"
    return [names[code] for code in codes]


def small_groups(groups: Groups) -> list[str]:
    """Warn of groups of few rows."""
    return [
        f"{groups.name}: {label} has {counted(int(count), 'row')}, fewer than {MIN_ROWS}: its rates say next to nothing"
        for label, count in zip(groups.labels, groups.counts, strict=True)
        if count < MIN_ROWS
    ]


def _columns(sensitive: Any, X: Any) -> dict[str, Any]:
    if isinstance(sensitive, str) or (
        isinstance(sensitive, list | tuple)
        and all(isinstance(name, str) for name in sensitive)
        and hasattr(X, "columns")
        and len(sensitive) != len(X)
    ):
        names = [sensitive] if isinstance(sensitive, str) else list(sensitive)
        if not hasattr(X, "columns"):
            raise SensitiveError(f"{names[0]!r} names a column, but X has no names: give the columns themselves")
        known = [str(name) for name in X.columns]
        for name in names:
            if name not in known:
                hint = near_misses(name, known) or f"it has {', '.join(known[:8])}"
                raise SensitiveError(f"the table has no column {name!r}; {hint}")
        return {name: X[name] for name in names}
    if isinstance(sensitive, Mapping) or hasattr(sensitive, "columns"):
        keys = sensitive.columns if hasattr(sensitive, "columns") else sensitive
        return {str(name): sensitive[name] for name in keys}
    values = np.asarray(sensitive)
    if values.ndim == 0:
        raise SensitiveError(f"sensitive expects names of columns, a table or a value for each row, got {sensitive!r}")
    if values.ndim == 2:
        return {f"sensitive {number + 1}": values[:, number] for number in range(values.shape[1])}
    return {str(getattr(sensitive, "name", None) or "sensitive"): sensitive}


def _group(name: str, values: Any, n_rows: int) -> Groups:
    cells = np.asarray(values).tolist() if not isinstance(values, list) else values
    if len(cells) != n_rows:
        raise SensitiveError(f"{name}: expected a value for each of {n_rows} rows, got {len(cells)}")
    gaps = sum(_is_gap(cell) for cell in cells)
    if gaps:
        raise SensitiveError(
            f"{name} is empty in {counted(gaps, 'row')}: leave these rows out, or make them a group of their own"
        )
    try:
        distinct = sorted(set(cells))
    except TypeError:  # numbers and text
        distinct = sorted(set(cells), key=str)
    if len(distinct) < 2:
        only = f" ({distinct[0]!r})" if distinct else ""
        raise SensitiveError(f"{name} has one value only{only}: there are no groups to compare")
    if len(distinct) > MAX_GROUPS:
        raise SensitiveError(
            f"{name} has {len(distinct)} values, more than {MAX_GROUPS}: cut it into groups first, such as age groups"
        )
    position = {value: code for code, value in enumerate(distinct)}
    return Groups(name, tuple(map(_label, distinct)), np.array([position[cell] for cell in cells], np.intp))


def _label(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _is_gap(value: Any) -> bool:
    return value is None or value == "" or value != value or type(value).__name__ == "NAType"
