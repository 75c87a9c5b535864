"""Conversion of the columns of a table into features, learnt from one table and applied to others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qml.tables.kinds import Contents, LeftOut, inspect_column, numbers
from qml.tables.notation import Notation, parse_number
from qml.tables.table import MISSING, Table, TableError, nearest, quoted
from simulator.errors import counted, shortened

__all__ = ["Column", "Schema", "infer_schema"]


MAX_NOTES = 6
"""Maximum number of columns whose filled cells are told one by one."""


@dataclass(frozen=True)
class Column:
    """Column of a table, and its conversion into features.

    A number is one feature. Two categories are one feature, 1 for the second; more are one feature each.

    Attributes
    ----------
    name : str
    kind : {"number", "category"}
    fill : float or str
        Value for empty cells: the median, or the most frequent category.
    categories : tuple of str
    shares : tuple of float
        Relative frequency of each category, used as the value for unseen categories.
    notation : {"plain", "point", "comma"}
        How numbers are written: as in Python, as ``1,234.5``, or as ``1.234,5``.
    """

    name: str
    kind: Literal["number", "category"]
    fill: float | str
    categories: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    notation: Notation = "plain"

    @property
    def feature_names(self) -> list[str]:
        """Names of the column's features."""
        if self.kind == "number":
            return [self.name]
        return [f"{self.name}={category}" for category in self._encoded_categories]

    @property
    def _encoded_categories(self) -> tuple[str, ...]:
        return self.categories[1:] if len(self.categories) == 2 else self.categories


@dataclass(frozen=True)
class Schema:
    """Conversion of the columns of a table into features.

    Attributes
    ----------
    target : str
    columns : tuple of Column
    left_out : tuple of LeftOut
        Columns that are not used, with the reasons.
    impute : bool
        Whether empty cells are filled.
    na : tuple of str
        Further cell contents that count as empty, in lower case.
    sensitive : tuple of str
        Columns that are kept beside the features: they are compared by group, and no feature is made of them.
    """

    target: str
    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...] = ()
    impute: bool = False
    na: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in the order of `encode`'s columns."""
        return [name for column in self.columns for name in column.feature_names]

    def encode(self, table: Table, *, impute: bool | None = None) -> tuple[NDArray[np.float64], list[str]]:
        """Compute features of a table, whose columns may be in any order and among others.

        Parameters
        ----------
        table : Table
        impute : bool, optional
            Whether empty cells are filled; by default as in the schema.

        Returns
        -------
        X : float ndarray, shape (n_rows, n_features)
        notes : list of str
            Notes on filled cells and unknown categories, a line for each column, or one for many columns.

        Raises
        ------
        TableError
            If columns are missing, cells are empty, or a cell that should be a number is not.
        """
        absent = [column.name for column in self.columns if column.name not in table.names]
        if absent:
            others = set(table.names) - {column.name for column in self.columns}
            raise TableError(
                f"{table.path} lacks {len(absent)} of the {len(self.columns)} columns the model was trained on: "
                f"{shortened(absent)}; {nearest(absent[0], sorted(others) or table.names)}"
            )
        impute = self.impute if impute is None else impute
        table = replace(table, na=table.na | set(self.na))
        missing = {column.name: table.missing(column.name) for column in self.columns}
        for column in self.columns:
            if column.categories:  # which may be called None
                missing[column.name] &= ~np.isin(table.column(column.name), column.categories)
        if not impute:
            _refuse_empty(table, missing, "values learnt in training")
        features, filled, unseen = [], [], []
        for column in self.columns:
            absent_here = missing[column.name]
            if absent_here.any():
                fill = f"{column.fill:g}" if column.kind == "number" else column.fill
                filled.append(f"{column.name}: {int(absent_here.sum())} empty, filled with {fill}")
            if column.kind == "number":
                features.append(_filled_numbers(table, column, absent_here)[:, None])
            else:
                encoded, unknown = _one_hot(table.column(column.name), column, absent_here)
                features.append(encoded)
                if unknown:
                    total = sum(unknown.values())
                    seen = shortened([quoted(word) for word in unknown], 3)
                    unseen.append(
                        f"{column.name}: {counted(total, 'row')} with values not seen in training ({seen}), "
                        "treated as average"
                    )
        if len(filled) > MAX_NOTES:
            cells = sum(int(absent.sum()) for absent in missing.values())
            names = [column.name for column in self.columns if missing[column.name].any()]
            filled = [
                f"{len(names):,} columns have {cells:,} empty cells, filled with the median or the most frequent text: "
                f"{shortened(names, MAX_NOTES)}"
            ]
        if len(unseen) > MAX_NOTES:
            more = f"and {len(unseen) - MAX_NOTES} more columns with values not seen in training"
            unseen = [*unseen[:MAX_NOTES], more]
        return np.hstack(features), [*filled, *unseen]

    def to_json(self) -> dict[str, Any]:
        """Convert to lists, dicts, numbers and text."""
        data = asdict(self)
        for name in ("na", "sensitive"):
            if not data[name]:  # as in files of earlier versions, which can read this one
                del data[name]
        for column in data["columns"]:
            if column["notation"] == "plain":
                del column["notation"]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Schema:
        """Convert from the result of `to_json`."""
        columns = (
            Column(**{**entry, "categories": tuple(entry["categories"]), "shares": tuple(entry["shares"])})
            for entry in data["columns"]
        )
        left_out = tuple(LeftOut(**entry) for entry in data["left_out"])
        further = (tuple(data.get(name, ())) for name in ("na", "sensitive"))
        return cls(data["target"], tuple(columns), left_out, data["impute"], *further)


def infer_schema(
    table: Table,
    target: str,
    training_rows: NDArray[np.intp] | None = None,
    *,
    impute: bool = False,
    max_categories: int = 20,
    drop: Collection[str] = (),
    keep: Collection[str] = (),
    categorical: Collection[str] = (),
    sensitive: Collection[str] = (),
) -> Schema:
    """Determine the kind of each column.

    Parameters
    ----------
    table : Table
    target : str
    training_rows : int ndarray, optional
        Rows from which medians and frequencies are learnt; by default all.
    impute : bool
        Whether empty cells are filled; otherwise they are an error.
    max_categories : int
        Maximum number of distinct words; a column of text with more is left out.
    drop, keep, categorical : collections of str
        Columns to leave out, columns to use although they look like identifiers, and columns whose numbers are names.
    sensitive : collection of str
        Columns to keep beside the features.

    Raises
    ------
    TableError
        If a name does not match a column, a column is both sensitive and kept, cells are empty, or no columns remain.
    """
    for name in (*keep, *categorical):
        if name in sensitive:
            raise TableError(f"{name!r} is sensitive, so it is not a feature: leave it out of --keep and --categorical")
    for name in (*drop, *keep, *categorical, *sensitive):
        table.column(name)
        if name == target:
            raise TableError(f"{name!r} is the target: it cannot be a feature or left out")
    contents: dict[str, Contents] = {}
    left_out = []
    for name in table.names:
        if name == target:
            continue
        if name in drop or name in sensitive:
            left_out.append(
                LeftOut(name, "sensitive, kept beside the features" if name in sensitive else "as requested")
            )
            continue
        contents_or_reason = inspect_column(
            table, name, max_categories=max_categories, as_category=name in categorical, keep=name in keep
        )
        if isinstance(contents_or_reason, LeftOut):
            left_out.append(contents_or_reason)
        else:
            contents[name] = contents_or_reason
    if not contents:
        reasons = shortened([f"{column.name} ({column.reason})" for column in left_out], 5)
        raise TableError(f"{table.path} has no column to learn from{': ' * bool(reasons)}{reasons}")
    if not impute:
        missing = {name: column.missing for name, column in contents.items()}
        _refuse_empty(table, missing, "median or the most frequent text, or leave columns out with --drop")
    rows = np.arange(len(table)) if training_rows is None else training_rows
    columns = tuple(_column(name, content, rows) for name, content in contents.items())
    return Schema(target, columns, tuple(left_out), impute, tuple(sorted(table.na - MISSING)), tuple(sensitive))


def _column(name: str, contents: Contents, rows: NDArray[np.intp]) -> Column:
    seen = contents.values[rows][~contents.missing[rows]]
    if contents.kind == "number":
        return Column(name, "number", float(np.median(seen)) if len(seen) else 0.0, notation=contents.notation)
    words = sorted(set(contents.values[~contents.missing]), key=_by_number_then_text)
    counts = Counter(seen.tolist())
    total = max(len(seen), 1)
    most_frequent = max(words, key=lambda word: counts[word])
    return Column(name, "category", most_frequent, tuple(words), tuple(counts[word] / total for word in words))


def _by_number_then_text(word: str) -> tuple[bool, float, str]:
    try:
        return False, float(word), word
    except ValueError:
        return True, 0.0, word


def _refuse_empty(table: Table, missing: dict[str, NDArray[np.bool_]], fills: str) -> None:
    empty = {name: mask for name, mask in missing.items() if mask.any()}
    if empty:
        counts = shortened([f"{name} ({int(mask.sum())})" for name, mask in empty.items()], 5)
        line = table.lines[min(int(mask.argmax()) for mask in empty.values())]
        raise TableError(
            f"{table.path} has empty cells, first on line {line}: {counts}; add --impute, which fills them with the "
            f"{fills}"
        )


def _filled_numbers(table: Table, column: Column, missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    values = numbers(table, column.name, missing, notation=column.notation)
    if values is None:
        cells = [cell for cell, absent in zip(table.column(column.name), missing, strict=True) if not absent]
        example = next((cell for cell in cells if parse_number(cell, column.notation) is None), cells[0])
        raise TableError(
            f"{table.path}: column {column.name!r} held numbers in training, but here text, such as {quoted(example)}"
        )
    values[missing] = column.fill
    return values


def _one_hot(
    cells: Sequence[str], column: Column, missing: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], Counter[str]]:
    position = {category: index for index, category in enumerate(column.categories)}
    encoded = np.zeros((len(cells), len(column.categories)))
    unknown: Counter[str] = Counter()
    for row, cell in enumerate(cells):
        word = str(column.fill) if missing[row] else cell
        if word in position:
            encoded[row, position[word]] = 1.0
        else:
            encoded[row] = column.shares
            unknown[word] += 1
    return (encoded[:, 1:] if len(column.categories) == 2 else encoded), unknown
