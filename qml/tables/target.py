"""Target column of a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qml.tables.kinds import numbers, words_like_empty
from qml.tables.table import Table, TableError, quoted
from simulator.errors import counted, shortened

__all__ = ["MIN_ROWS", "MIN_ROWS_PER_CLASS", "Target", "read_target", "with_target"]

Task = Literal["classification", "regression"]

MAX_NUMBERED_CLASSES = 20
"""Maximum number of distinct numbers that are treated as classes; more are a quantity."""

MIN_ROWS = 10
MIN_ROWS_PER_CLASS = 3


@dataclass(frozen=True)
class Target:
    """Target column.

    Attributes
    ----------
    name : str
    task : {"classification", "regression"}
    y : ndarray, shape (n_rows,)
        Integers if all classes are integers, else words; for regression floats.
    guessed : bool
        Whether the task was guessed from numbers that could be classes or a quantity.
    like_empty : dict of str to int
        Classes whose names count as empty cells elsewhere, such as "None", and their numbers of rows.
    """

    name: str
    task: Task
    y: NDArray[Any]
    guessed: bool = False
    like_empty: dict[str, int] = field(default_factory=dict)


def read_target(table: Table, name: str, task: Task | Literal["auto"] = "auto") -> Target:
    """Read the target column, and check that it is suitable for training.

    Text is classes. Numbers are classes too if they are few different integers, and a quantity otherwise. In a
    column of text, words such as "None" or "NA" are classes if each has as many rows as a class needs.

    Parameters
    ----------
    table : Table
    name : str
    task : {"auto", "classification", "regression"}

    Raises
    ------
    TableError
        If the column does not exist, cells are empty, there is only one class, or a class has too few rows.
    """
    if name not in table.names and any(_is_number(other) for other in table.names):
        raise TableError(
            f"{table.path} has no column {name!r}; its first line, which should name the columns, is "
            f"{shortened(table.names, 5)}"
        )
    cells = table.column(name)
    missing, like_empty = _missing_targets(table, name, task)
    if missing.any():
        count, line = int(missing.sum()), table.lines[int(missing.argmax())]
        raise TableError(
            f"{table.path}: the target {name!r} is empty in {counted(count, 'row')}, first on line {line}; "
            "remove these rows"
        )
    if len(table) < MIN_ROWS:
        raise TableError(
            f"{table.path} has {counted(len(table), 'row')}; training and testing need at least {MIN_ROWS}"
        )

    values = numbers(table, name, missing, text_allowed=task != "regression")
    if values is None and task == "regression":
        raise TableError(f"the target {name!r} holds text, such as {quoted(cells[0])}: regression needs numbers")
    whole = values is not None and (values == np.round(values)).all() and (np.abs(values) < 2**53).all()
    distinct = len(set(cells) if values is None else np.unique(values))
    if distinct == 1:
        raise TableError(f"the target {name!r} is always {quoted(cells[0])}: there is nothing to learn")
    if values is not None and task != "classification":
        quantity = distinct > MAX_NUMBERED_CLASSES or (not whole and distinct > 2)
        if task == "regression" or quantity:
            return Target(name, "regression", values, guessed=task == "auto" and distinct <= 2 * MAX_NUMBERED_CLASSES)

    classes = np.array(cells) if values is None or not whole else values.astype(np.int64)
    _check_classes(table, name, classes)
    guessed = task == "auto" and values is not None and distinct > 2
    return Target(name, "classification", classes, guessed, like_empty)


def with_target(table: Table, name: str, task: Task | Literal["auto"] = "auto") -> tuple[Table, int]:
    """Leave out rows without a target, from which nothing can be learnt; return the other rows and their number."""
    if name not in table.names:
        return table, 0  # `read_target` says so
    missing, _ = _missing_targets(table, name, task)
    if not missing.any() or missing.all():
        return table, 0
    return table.take(np.flatnonzero(~missing).tolist()), int(missing.sum())


def _missing_targets(table: Table, name: str, task: Task | Literal["auto"]) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Return which targets are empty, and the classes that are called like an empty cell."""
    missing = table.missing(name)
    like_empty = _classes_like_empty(table, name, missing) if task != "regression" else {}
    return missing & np.array([cell not in like_empty for cell in table.column(name)]), like_empty


def _classes_like_empty(table: Table, name: str, missing: NDArray[np.bool_]) -> dict[str, int]:
    """Return the words of a text column that would count as empty but are frequent enough to be classes."""
    cells = table.column(name)
    if missing.all():
        words = words_like_empty(cells)
        return words if len(words) > 1 else {}  # one word alone is no class that could be told from another
    if numbers(table, name, missing, text_allowed=True) is not None:
        return {}
    return words_like_empty(cells)


def _check_classes(table: Table, name: str, classes: NDArray[Any]) -> None:
    counts = Counter(classes.tolist())
    if len(counts) > len(classes) / 2:
        raise TableError(
            f"the target {name!r} has {len(counts)} different values in {len(classes)} rows: an identifier, not classes"
        )
    rare = [label for label, count in counts.items() if count < MIN_ROWS_PER_CLASS]
    if rare:
        others = f" (and {len(rare) - 1} more classes)" if len(rare) > 1 else ""
        raise TableError(
            f"{table.path}: class {str(rare[0])!r} of {name!r}{others} has "
            f"{counted(counts[rare[0]], 'row')}; each needs at least {MIN_ROWS_PER_CLASS} to train, validate and test"
        )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
