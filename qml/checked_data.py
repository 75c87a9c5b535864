"""Checks of samples and targets by scikit-learn, whose errors name the columns, rows or types that are the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import multiclass, validation

from simulator.errors import shortened
from simulator.masked import check_unmasked

__all__ = ["check_classification_targets", "validate_data"]

MOST_NAMES = 5
"""Number of columns that an error names."""

NOT_CHECKED = "no_validation"
"""What stands for an argument that scikit-learn is not given."""

MISSING_TYPES = ("NAType", "NaTType")
"""Types of the values of pandas that stand for a missing value."""


def validate_data(estimator: Any, X: Any = NOT_CHECKED, y: Any = NOT_CHECKED, **options: Any) -> Any:
    """Check X and y as scikit-learn's ``validate_data`` does; the parameters and results are its.

    Raises
    ------
    ValueError, TypeError
        As scikit-learn raises them, followed by the names of the columns that are not numbers, or not finite. Also if X
        or numeric targets hold dates, which scikit-learn converts to nanoseconds since 1970, targets are missing, or
        entries are masked, which scikit-learn reads like any other.
    """
    check_unmasked(X, "X")
    _check_targets(y, numeric=options.get("y_numeric", False))
    dates = [column for column, dtype in _columns(X) if dtype.kind in "mM"]
    if dates:
        raise TypeError(
            f"X expects numbers, {shortened(dates, MOST_NAMES)} holds dates or times: make numbers of them, such as "
            "the days since a date, or leave them out"
        )
    try:
        return validation.validate_data(estimator, X, y, **options)
    except (TypeError, ValueError) as error:
        reason = _reason(X)
        if reason is None:
            raise
        raise (ValueError if isinstance(error, ValueError) else TypeError)(f"{error}\n{reason}") from error


def check_classification_targets(y: Any) -> None:
    """Check that y holds classes, as scikit-learn's function of this name does.

    Raises
    ------
    ValueError
        As scikit-learn raises it, followed by the types of labels that are Python objects.
    """
    try:
        multiclass.check_classification_targets(y)
    except ValueError as error:
        labels = np.asarray(y)
        if labels.dtype != object:
            raise
        types = ", ".join(sorted({type(label).__name__ for label in labels.ravel()}))
        raise ValueError(
            f"{error}\ny is an array of Python objects ({types}): convert them to one type, such as y.astype(str), or "
            "y.astype(int) if all are integers"
        ) from error


def _check_targets(y: Any, *, numeric: bool) -> None:
    """Raise if targets are missing in some rows, or are dates where numbers are expected."""
    if y is None or isinstance(y, str):
        return
    check_unmasked(y, "y")
    if hasattr(y, "isna"):  # of pandas
        missing = np.asarray(y.isna())
        values = np.asarray(y) if numeric else missing
    else:
        try:
            values = np.asarray(y)
        except (TypeError, ValueError):  # rows of different lengths, for scikit-learn to refuse
            return
        if values.dtype == object:
            missing = np.array([_is_missing(value) for value in values.ravel()]).reshape(values.shape)
        else:
            missing = np.zeros(0, bool)
    if missing.any():
        rows = np.flatnonzero(missing.reshape(len(missing), -1).any(axis=1))
        raise ValueError(
            f"Input y contains NaN: it is missing in {len(rows):,} of {len(missing):,} rows, the first of which is row "
            f"{rows[0]}; leave these rows out, of X too"
        )
    if numeric and values.dtype.kind in "mM":
        raise TypeError("y expects numbers, got dates or times: make numbers of them, such as the days since a date")


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value) or type(value).__name__ in MISSING_TYPES


def _columns(X: Any) -> Iterator[tuple[str, np.dtype[Any]]]:
    """Iterate over the names and types of columns; an array counts as one."""
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        yield from zip(map(repr, X.columns), X.dtypes, strict=True)
    elif isinstance(getattr(X, "dtype", None), np.dtype):
        yield "it", X.dtype


def _reason(X: Any) -> str | None:
    """Return what is wrong with some columns; None if that is not known."""
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        words = [
            f"{name} (such as {word!r})"
            for k, (name, dtype) in enumerate(_columns(X))
            if dtype.kind not in "biuf" and (word := _first_word(X.iloc[:, k])) is not None
        ]
        if words:
            return (
                f"columns that are not numbers: {shortened(words, MOST_NAMES)}; tabular_preprocessor() of "
                "qml.features, as the first step of a pipeline, makes numbers of words"
            )
        numbers = [(name, X.iloc[:, k]) for k, (name, _) in enumerate(_columns(X))]
    elif isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f":
        numbers = [(str(k), column) for k, column in enumerate(X.T)]
    else:
        return None
    gaps = [f"{name} ({count:,} of {len(X):,} rows)" for name, column in numbers if (count := _not_finite(column))]
    if not gaps:
        return None
    return (
        f"columns with NaN or infinity: {shortened(gaps, MOST_NAMES)}; leave these rows out, or fill the gaps, as "
        "tabular_preprocessor(impute=True) of qml.features does in a pipeline"
    )


def _first_word(column: Any) -> Any:
    """Return the first value of a column that is not a number; None if all are."""
    for value in column:
        try:
            float(value)
        except (TypeError, ValueError):
            if not _is_missing(value):
                return value
    return None


def _not_finite(column: Any) -> int:
    """Return the number of entries of a column of numbers that are NaN or infinite."""
    values: NDArray[np.float64] = np.array([np.nan if _is_missing(value) else value for value in column], np.float64)
    return int((~np.isfinite(values)).sum())
