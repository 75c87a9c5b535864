"""Sensitive columns of a table, as groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qml.fairness.groups import MAX_GROUPS, quartiles
from qml.tables import Table, TableError
from qml.tables.kinds import numbers, words_like_empty

__all__ = ["EMPTY", "positive_class", "sensitive_columns"]

EMPTY = "(empty)"
"""Name of the group of rows without a value."""

MAX_NUMBERS = 10
"""Maximum number of different numbers that are groups by themselves; more are cut at their quartiles."""


def sensitive_columns(table: Table, names: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Read sensitive columns, and say what was done to make them groups.

    Parameters
    ----------
    table : Table
    names : sequence of str

    Returns
    -------
    columns : dict of str to list of str
        The group of each row, by column.
    notes : list of str

    Raises
    ------
    TableError
        If a column does not exist, has one value only, or too many.
    """
    columns, notes = {}, []
    for name in dict.fromkeys(names):
        cells = list(table.column(name))
        missing = table.missing(name)
        values = numbers(table, name, missing, text_allowed=True)
        if values is None:
            missing &= ~np.isin(cells, sorted(words_like_empty(cells)))
        elif len(np.unique(values[~missing])) > MAX_NUMBERS:
            ranges = iter(quartiles(values[~missing]))
            cells = [cell if absent else next(ranges) for cell, absent in zip(cells, missing, strict=True)]
            notes.append(f"{name}: numbers, cut into groups at their quartiles")
        groups = [EMPTY if absent else cell for cell, absent in zip(cells, missing, strict=True)]
        if missing.any():
            notes.append(f"{name}: {int(missing.sum())} empty, a group of their own")
        count = len(set(groups))
        if count < 2:
            raise TableError(f"--sensitive {name}: it is always {groups[0]!r}, so there are no groups to compare")
        if count > MAX_GROUPS:
            raise TableError(
                f"--sensitive {name}: it has {count} different values, more than {MAX_GROUPS}; cut it into groups first"
            )
        columns[name] = groups
    return columns, notes


def positive_class(classes: Sequence[Any], text: str | None) -> Any:
    """Return the class that ``--positive`` names, or None without it.

    Raises
    ------
    TableError
        If there is no such class.
    """
    if text is None:
        return None
    for label in classes:
        if str(label) == text:
            return label
    raise TableError(f"--positive {text}: expected one of the classes {', '.join(map(str, classes))}")
