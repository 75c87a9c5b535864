"""Kinds of columns: numbers, categories, or contents unsuitable for a model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qml.tables.notation import Notation, parse_number, plain_numbers
from qml.tables.table import MISSING, Table, TableError, quoted
from simulator.errors import counted

__all__ = ["Contents", "LeftOut", "inspect_column", "numbers", "words_like_empty"]

MAX_EMPTY = 0.5
"""Share of empty cells above which a column is left out: more cells would be filled in than read."""

MIN_NUMBERS = 0.8
"""Minimum share of numbers in a column that is intended to be numeric."""

NAMES = MISSING - {"", "?"}
"""Words that mean an empty cell in most columns, but may also be names in a column of text."""

MIN_NAMED = 3
"""Minimum number of cells with such a word in a column where it is a name."""

MIN_WORDS = 4
"""Number of words from which a cell counts as free text."""

MAX_NUMBER = 1e100
"""Maximum magnitude of a number: squares and sums of larger ones leave the range of doubles."""

DATES = re.compile(
    r"""
      \d{4}[-/.]\d{1,2}([-/.]\d{1,2})?(?P<time>[ T]+\d{1,2}(:\d{2})+.*)?     # 2024-01-31 12:30
    | \d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})([ T]+\d{1,2}(:\d{2})+.*)?        # 31.01.2024, 1/31/24
    | \d{1,2}:\d{2}(:\d{2}(\.\d+)?)?([ ]?[ap]m)?                             # 12:30:15
    | (\w{3,9},?[ ])?\d{1,2}[-. ]+[^\W\d]{3,9}\.?[-, ]+\d{2,4}([ ].*)?       # 31 Jan 2024
    | [^\W\d]{3,9}\.?[ ]\d{1,2},?[ ]\d{2,4}([ ].*)?                          # January 31, 2024
    """,
    re.VERBOSE | re.IGNORECASE,
)
IDENTIFIER_NAMES = re.compile(r"(.*[\W_])?(?i:id|uuid|guid|index|idx|rowid|row)|.*[a-z]I[dD]|\(column 1\)")
DATE_NAMES = re.compile(r"(.*[\W_])?(date|day|time|timestamp)([\W_].*)?", re.IGNORECASE)


@dataclass(frozen=True)
class LeftOut:
    """Column that is not used, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True)
class Contents:
    """Contents of a column.

    Attributes
    ----------
    kind : {"number", "category"}
    missing : bool ndarray, shape (n_rows,)
    values : float ndarray or object ndarray, shape (n_rows,)
        The numbers, or the words; at missing cells NaN, or the empty word.
    notation : {"plain", "point", "comma"}
        Notation of the numbers.
    """

    kind: Literal["number", "category"]
    missing: NDArray[np.bool_]
    values: NDArray[np.float64] | NDArray[np.object_]
    notation: Notation = "plain"


def inspect_column(
    table: Table, name: str, *, max_categories: int, as_category: bool = False, keep: bool = False
) -> Contents | LeftOut:
    """Determine the contents of a column, or the reason for leaving it out.

    Parameters
    ----------
    table : Table
    name : str
    max_categories : int
        Maximum number of distinct words; a column of text with more is left out.
    as_category : bool
        Whether numbers are names of categories.
    keep : bool
        Whether to use the column even if it looks like an identifier or has many distinct words.

    Raises
    ------
    TableError
        If nearly all cells are numbers, or a number is infinite or too large to compute with.
    """
    cells = table.column(name)
    missing = table.missing(name)
    notation = table.notation(name, missing)
    values = None if as_category else numbers(table, name, missing, text_allowed=True, notation=notation)
    if values is None and not as_category:
        missing &= ~np.isin(cells, sorted(words_like_empty(cells)))
    present = [cell for cell, absent in zip(cells, missing, strict=True) if not absent]
    distinct = len(set(present))
    if distinct == 0:
        return LeftOut(name, "empty")
    if missing.mean() > MAX_EMPTY and not keep and not as_category:
        return LeftOut(name, f"empty in {missing.mean():.0%} of the rows; use --keep to use it")
    if distinct == 1:
        return LeftOut(name, f"always {quoted(present[0])}")
    if not as_category:
        if values is None:  # raises if only a few cells are text
            values = numbers(table, name, missing, notation=notation, droppable=True)
        if values is not None:
            reason = None if keep else _reason_to_leave_out(name, present, values[~missing])
            return Contents("number", missing, values, notation) if reason is None else LeftOut(name, reason)
        if all(DATES.fullmatch(cell) for cell in present):
            return LeftOut(name, f"dates or times, such as {quoted(present[0])}")
    if not keep and distinct > max(2, len(present) // 2, max_categories) and _is_free_text(present):
        return LeftOut(
            name,
            f"free text, such as {quoted(present[0])}: make numbers of it first, for example with scikit-learn's "
            "TfidfVectorizer",
        )
    mark = None if keep or as_category or distinct <= max_categories else _only_mark(present, notation)
    if mark is not None:
        count = counted(present.count(mark), "row")
        return LeftOut(name, f"numbers, except {quoted(mark)} in {count}: if that means an empty cell, use --na")
    if not keep and not as_category and distinct > max(2, len(present) // 2):
        return LeftOut(name, f"identifier: {distinct} different texts in {len(present)} rows")
    if not keep and distinct > max_categories:
        return LeftOut(name, f"text with {distinct} different values (more than --max-categories {max_categories})")
    words = np.array(cells, dtype=object)
    words[missing] = ""
    return Contents("category", missing, words)


def _only_mark(cells: Sequence[str], notation: Notation) -> str | None:
    """Return the word in all cells that are not numbers, if it is one and most cells are numbers; else None."""
    words = [cell for cell in cells if parse_number(cell, notation) is None]
    return words[0] if len(set(words)) == 1 and 2 * len(words) <= len(cells) else None


def _is_free_text(cells: Sequence[str]) -> bool:
    """Whether most cells hold several words, and not always the same number, as the parts of a name or address do."""
    counts = np.array([len(cell.split()) for cell in cells])
    return bool(np.mean(counts >= MIN_WORDS) > 0.5 and len(set(counts.tolist())) > 2)


def words_like_empty(cells: Sequence[str]) -> dict[str, int]:
    """Return words such as "None" or "NA" that are frequent enough to be names, with their numbers of cells."""
    counts = Counter(cell for cell in cells if cell.lower() in NAMES)
    return {word: count for word, count in counts.items() if count >= MIN_NAMED}


def numbers(
    table: Table,
    name: str,
    missing: NDArray[np.bool_],
    *,
    text_allowed: bool = False,
    notation: Notation | None = None,
    droppable: bool = False,
) -> NDArray[np.float64] | None:
    """Convert the column's cells to numbers, NaN where missing; return None if they are text.

    Parameters
    ----------
    table : Table
    name : str
    missing : bool ndarray, shape (n_rows,)
    text_allowed : bool
        Whether a column of which most but not all cells are numbers is text, too.
    notation : {"plain", "point", "comma"}, optional
        Notation of the numbers, by default the one that fits most cells.
    droppable : bool
        Whether the command at work could leave the column out, as its error then says.

    Raises
    ------
    TableError
        If most but not all cells are numbers and ``text_allowed`` does not say that this is text too; or if a number
        is infinite or too large to compute with.
    """
    cells = table.column(name)
    out = np.full(len(cells), np.nan)
    failed = []
    rows = np.flatnonzero(~missing)
    if notation is None or name in table.typed:
        notation = table.notation(name, missing)
    plain = plain_numbers([cells[row] for row in rows]) if notation == "plain" else None
    if plain is not None:
        out[rows] = plain
    else:
        for row in rows:
            value = parse_number(cells[row], notation)
            if value is None:
                failed.append(row)
            else:
                out[row] = value
    present = len(rows)
    if failed and (text_allowed or len(failed) > (1 - MIN_NUMBERS) * present):
        return None
    if failed:
        mark = "name the mark of empty cells with --na"
        advice = f"{mark}, or leave the column out with --drop" if droppable else f"or {mark}"
        raise TableError(
            f"{table.path}: column {name!r} holds numbers, except {counted(len(failed), 'cell')}, first "
            f"{quoted(cells[failed[0]])} on line {table.lines[failed[0]]}; correct or empty them, {advice}"
        )
    too_large = np.flatnonzero(np.abs(out) > MAX_NUMBER)
    if len(too_large):
        row = too_large[0]
        raise TableError(
            f"{table.path}, line {table.lines[row]}: column {name!r} holds {quoted(cells[row])}, which is beyond "
            f"{MAX_NUMBER:.0e}, too large to compute with"
        )
    return out


def _reason_to_leave_out(name: str, present: Sequence[str], values: NDArray[np.float64]) -> str | None:
    """Return the reason why numbers are not a quantity that a model can use, or None."""
    if not (values == np.round(values)).all():
        return None
    if DATE_NAMES.fullmatch(name) and ((values > 19000000) & (values < 21000000)).all():
        return f"dates, such as {present[0]}"
    if len(values) >= 10 and (np.diff(values) == 1).all():
        return "identifier: counts the rows"
    if IDENTIFIER_NAMES.fullmatch(name) and len(set(present)) > 0.9 * len(present):
        return "identifier: a different number in nearly every row"
    return None
