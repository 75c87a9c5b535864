"""What a model takes, as an array of numbers and back: columns of numbers and of categories, with their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from qml.models.checks import check_finite
from qml.tables import Schema, TableModel
from simulator.masked import check_unmasked

__all__ = ["InputColumn", "Inputs", "inputs_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class InputColumn:
    """Column that is explained as one: a number, a category, or a group of features.

    Attributes
    ----------
    name : str
    features : tuple of int
        Numbers of its features in the array.
    categories : tuple of str
        Names of the categories; empty for numbers.
    one_hot : bool
        Whether the features are indicators of categories, rather than one feature that holds the category's number.
    """

    name: str
    features: tuple[int, ...]
    categories: tuple[str, ...] = ()
    one_hot: bool = False

    @property
    def feature_names(self) -> list[str]:
        """Names of the features in the array."""
        if self.one_hot:
            shown = self.categories[1:] if len(self.features) == 1 else self.categories
            return [f"{self.name}={category}" for category in shown]
        return [self.name] if len(self.features) == 1 else [f"{self.name}, {k}" for k in range(len(self.features))]

    @property
    def is_single(self) -> bool:
        """Whether the column has one value, a number or a category."""
        return bool(self.categories) or len(self.features) == 1

    def codes(self, category: int) -> Array:
        """Return the values of the features for a category."""
        if not self.one_hot:
            return np.array([float(category)])
        indicators = np.eye(len(self.categories))[category]
        return indicators[1:] if len(self.features) == 1 else indicators

    def number(self, rows: Array) -> Array:
        """Return the value of the column in each row, shape (n_rows,): numbers of categories, NaN for a group."""
        values = rows[:, list(self.features)]
        if len(self.features) == 1:
            return values[:, 0]
        return values.argmax(axis=1).astype(np.float64) if self.one_hot else np.full(len(rows), np.nan)

    def text(self, row: Array) -> str:
        """Return the value of the column in a row of the array."""
        values = row[list(self.features)]
        if self.categories:
            for number, category in enumerate(self.categories):
                if np.array_equal(self.codes(number), values):
                    return category
            return "not seen in training"
        if len(values) > 1:
            return f"{len(values)} features"
        return f"{values[0]:.4g}"


@dataclass(frozen=True)
class Inputs:
    """Conversion of what a model takes into an array of numbers, and back.

    Attributes
    ----------
    columns : tuple of InputColumn
    num_features : int
        Number of columns of the array.
    table : TableModel or None
        Model whose schema encodes tables.
    frame : dict of str to dtype, or None
        Columns of the data frames that the model takes.
    """

    columns: tuple[InputColumn, ...]
    num_features: int
    table: TableModel | None = None
    frame: Mapping[str, Any] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in the order of the array's columns."""
        names = [""] * self.num_features
        for column in self.columns:
            for j, name in zip(column.features, column.feature_names, strict=True):
                names[j] = name
        return names

    def rows(self, X: Any, role: str = "X") -> Array:
        """Convert rows to an array, shape (n_rows, num_features).

        Raises
        ------
        ValueError
            If the shape is wrong, or a number is NaN, infinite or masked.
        """
        check_unmasked(X, role)
        if self.table is not None:
            out = np.asarray(self.table.features(X), np.float64)
        elif hasattr(X, "columns"):
            out = self._codes(X, role)
        else:
            try:
                out = np.asarray(X, np.float64)
            except (TypeError, ValueError):
                raise ValueError(f"{role} expects numbers, or a data frame for columns of words") from None
        if out.ndim != 2 or out.shape[1] != self.num_features or not len(out):
            expected = f"(n_rows, {self.num_features}) with at least 1 row"
            raise ValueError(f"{role} must have shape {expected}, got {out.shape}")
        check_finite(role, out)
        return np.ascontiguousarray(out)

    def restored(self, rows: Array) -> Any:
        """Convert an array back to what the model takes."""
        if self.frame is None:
            return rows
        import pandas as pd

        if not any(column.categories for column in self.columns):
            out = pd.DataFrame(rows, columns=list(self.frame))
            booleans = {name: kind for name, kind in self.frame.items() if kind == np.bool_}
            return out.astype(booleans) if booleans else out
        words = {column.features[0]: column.categories for column in self.columns if column.categories}
        data: dict[str, Any] = {}
        for number, (name, kind) in enumerate(self.frame.items()):
            values = rows[:, number]
            if number in words:
                values = np.array(words[number], dtype=object)[values.astype(np.intp)]
                data[name] = pd.Series(values).astype(kind)
            else:
                data[name] = values.astype(kind) if kind == np.bool_ else values
        return pd.DataFrame(data)

    def _codes(self, X: Any, role: str) -> Array:
        """Convert a data frame, in which categories become their numbers."""
        if self.frame is None:
            return np.asarray(X, np.float64)
        missing = [name for name in self.frame if name not in X.columns]
        if missing:
            raise ValueError(f"{role} lacks the columns {missing}")
        out = np.empty((len(X), len(self.frame)))
        categories = {column.features[0]: column for column in self.columns if column.categories}
        for number, name in enumerate(self.frame):
            if number not in categories:
                out[:, number] = X[name].to_numpy(np.float64)
                continue
            known = {category: code for code, category in enumerate(categories[number].categories)}
            unseen = [str(value) for value in X[name] if str(value) not in known]
            if unseen:
                raise ValueError(f"{role}: column {name!r} holds {unseen[0]!r}, which the background does not")
            out[:, number] = [known[str(value)] for value in X[name]]
        return out


def inputs_of(model: Any, background: Any, groups: Mapping[str, Sequence[int]] | None = None) -> Inputs:
    """Learn the columns of a model from its background rows.

    Parameters
    ----------
    model : fitted model
    background : array-like or data frame, shape (n_rows, n_features)
    groups : mapping from names to numbers of features, optional
        Features that are explained together; the others stay alone.
    """
    _check_fitted(model)
    if isinstance(model, TableModel):
        columns = _of_schema(model.schema)
        names = getattr(model.estimator, "feature_names_in_", None)
        frame = None if names is None else dict.fromkeys(map(str, names), np.dtype(float))
        return Inputs(_grouped(columns, groups), sum(len(column.features) for column in columns), model, frame)
    if hasattr(background, "columns"):
        return _of_frame(background, groups)
    shape = np.shape(background)
    if len(shape) != 2 or not shape[0]:
        raise ValueError(f"the background must have shape (n_rows, n_features) with at least 1 row, got {shape}")
    num_features = int(getattr(model, "n_features_in_", shape[1]))
    known = getattr(model, "feature_names_in_", None)
    names = [f"feature {j}" for j in range(num_features)] if known is None else [str(name) for name in known]
    columns = tuple(InputColumn(name, (j,)) for j, name in enumerate(names))
    frame = None if known is None else dict.fromkeys(names, np.dtype(float))
    return Inputs(_grouped(columns, groups), num_features, None, frame)


def _check_fitted(model: Any) -> None:
    """Raise NotFittedError for an estimator that is not fitted."""
    estimator = model.estimator if isinstance(model, TableModel) else model
    if not hasattr(estimator, "fit"):
        return
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise NotFittedError(f"{type(estimator).__name__} is not fitted: call fit before explaining it") from None


def _of_schema(schema: Schema) -> tuple[InputColumn, ...]:
    columns, start = [], 0
    for column in schema.columns:
        stop = start + len(column.feature_names)
        features = tuple(range(start, stop))
        columns.append(InputColumn(column.name, features, column.categories, column.kind == "category"))
        start = stop
    return tuple(columns)


def _of_frame(frame: Any, groups: Mapping[str, Sequence[int]] | None) -> Inputs:
    from pandas.api.types import is_numeric_dtype

    if not len(frame):
        raise ValueError("the background must have at least 1 row, got an empty data frame")
    columns = []
    for number, name in enumerate(frame.columns):
        if is_numeric_dtype(frame[name].dtype):
            columns.append(InputColumn(str(name), (number,)))
            continue
        if frame[name].isna().any():
            raise ValueError(f"the background has empty cells in column {name!r}: fill or drop these rows first")
        columns.append(InputColumn(str(name), (number,), tuple(sorted({str(value) for value in frame[name]}))))
    kinds = {name: frame[name].dtype for name in frame.columns}
    return Inputs(_grouped(tuple(columns), groups), len(columns), None, kinds)


def _grouped(columns: tuple[InputColumn, ...], groups: Mapping[str, Sequence[int]] | None) -> tuple[InputColumn, ...]:
    """Replace columns by the groups that they belong to."""
    if groups is None:
        return columns
    number = sum(len(column.features) for column in columns)
    members = [int(j) for group in groups.values() for j in group]
    if len(set(members)) != len(members) or not all(0 <= j < number for j in members) or not all(groups.values()):
        raise ValueError(f"groups expects lists of different numbers from 0 to {number - 1}, got {dict(groups)!r}")
    grouped = set(members)
    split = [column.name for column in columns if 0 < len(grouped.intersection(column.features)) < len(column.features)]
    if split:
        raise ValueError(f"groups must not divide the categories of a column: {split[0]!r}")
    alone = [column for column in columns if not grouped.intersection(column.features)]
    together = [InputColumn(str(name), tuple(int(j) for j in group)) for name, group in groups.items()]
    return tuple(sorted([*alone, *together], key=lambda column: column.features[0]))
