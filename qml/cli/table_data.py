"""The table of a command that trains: its options, how it is read, and the sentences about it in the report."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qml.cli.training_options import fraction, positive_integer

__all__ = ["add_reading_options", "add_table_options", "check_files", "check_outputs", "encoded", "read_data", "stem"]

MAX_LINES = 6
"""Maximum number of lines about columns that are left out, and of names in a line."""

QUOTED = re.compile(r"'.*'|[\d.,]+")
"""Cells and numbers in the reason for which a column is left out."""


def add_table_options(parser: argparse.ArgumentParser) -> Any:
    """Add the options of the data file; returns the group of those of the table."""
    parser.add_argument(
        "data",
        help="CSV file (comma, semicolon, tab or bar between the columns; .gz, .bz2, .xz), .xlsx, .parquet, or - for "
        "standard input",
    )
    parser.add_argument("--target", "-t", required=True, metavar="COLUMN", help="column to predict")
    table = parser.add_argument_group("the table")
    table.add_argument("--task", choices=("auto", "classification", "regression"), default="auto", help="(auto)")
    table.add_argument("--test-size", type=fraction, metavar="X", help="share of the rows used for testing (0.25)")
    table.add_argument(
        "--impute", action="store_true", help="fill empty cells with the median or the most frequent text"
    )
    table.add_argument("--drop", action="append", default=[], metavar="COLUMN", help="omit a column; repeatable")
    table.add_argument(
        "--keep", action="append", default=[], metavar="COLUMN", help="use a column that looks like an identifier"
    )
    table.add_argument(
        "--categorical",
        action="append",
        default=[],
        metavar="COLUMN",
        help="treat the column's numbers as names; repeatable",
    )
    table.add_argument(
        "--max-categories",
        type=positive_integer,
        default=20,
        metavar="N",
        help="omit text columns with more distinct values than this (20)",
    )
    add_reading_options(table)
    return table


def add_reading_options(parser: Any, *, fill: bool = False) -> None:
    """Add the options of how a table is read, with that of filling its gaps if the values are in a model file."""
    if fill:
        parser.add_argument("--impute", action="store_true", help="fill empty cells with the values learnt in training")
    parser.add_argument(
        "--na", action="append", default=[], metavar="MARK", help="cell that counts as empty, such as -999; repeatable"
    )
    parser.add_argument("--separator", metavar="C", help="column separator; detected by default")
    parser.add_argument(
        "--encoding", metavar="NAME", help="text encoding, such as utf-8 or latin-1; detected by default"
    )


def check_files(model: str, *tables: str | None, outputs: Sequence[str | None] = ()) -> None:
    """Raise `TableError` if an input does not exist, or if an output would replace it.

    This is done at once, before the libraries that models need are imported.

    Parameters
    ----------
    model : str
        Path of a model file.
    *tables : str or None
        Paths of tables; ``"-"`` is standard input.
    outputs : sequence of str or None
        Paths of the files that the command writes.
    """
    for path in (model, *tables):
        if path not in (None, "-") and not os.path.exists(path):
            from qml.tables import TableError, read_table

            if path != model:
                read_table(path)  # raises, with near names
            raise TableError(f"there is no model file {path}")
    check_outputs(outputs, model, *tables)


def check_outputs(outputs: Sequence[str | None], *inputs: str | None) -> None:
    """Raise `TableError` if an output is the same file as an input, which it would replace, or as another output."""
    names = [os.path.realpath(output) for output in outputs if output is not None]
    if len(set(names)) < len(names):
        from qml.tables import TableError

        raise TableError(f"{max(names, key=names.count)} is named for two outputs: name a file for each")
    present = [path for path in inputs if path is not None and os.path.exists(path)]
    for output in outputs:
        if output is not None and os.path.exists(output) and any(os.path.samefile(output, path) for path in present):
            from qml.tables import TableError

            raise TableError(f"{output} is read by this command and would be lost: name another file to write")


def read_data(options: argparse.Namespace) -> tuple[Any, Any, int]:
    """Return the table, its target, and the number of rows without a target that were left out."""
    from qml.tables import read_table, read_target, with_target

    table = read_table(options.data, options.separator, options.encoding, options.na)
    table, num_without = with_target(table, options.target, options.task)
    return table, read_target(table, options.target, options.task), num_without


def encoded(
    options: argparse.Namespace,
    table: Any,
    target: Any,
    num_without: int,
    training: Any,
    use: str,
    sensitive: Sequence[str] = (),
) -> tuple[Any, Any, tuple[str, ...]]:
    """Return the schema learnt from the training rows, the features of all rows, and sentences about the data.

    Parameters
    ----------
    options : Namespace
    table, target, num_without
        As `read_data` returns them.
    training : int ndarray
        Indices of the training rows.
    use : str
        What the rows are used for, in words.
    sensitive : sequence of str
        Columns that are kept beside the features.
    """
    from qml.tables import infer_schema
    from qml.tables.table import quoted
    from simulator.errors import counted, shortened

    schema = infer_schema(
        table,
        target.name,
        training,
        impute=options.impute,
        max_categories=options.max_categories,
        drop=options.drop,
        keep=options.keep,
        categorical=options.categorical,
        sensitive=sensitive,
    )
    X, filled = schema.encode(table)

    words = [column for column in schema.columns if column.kind == "category"]
    data = [
        f"{options.data}: {len(table)} rows, {use}",
        f"features: {X.shape[1]}, from {counted(len(schema.columns), 'column')}"
        + (f"; one-hot encoded: {shortened([column.name for column in words])}" if words else ""),
        *_left_out(schema.left_out),
        *(f"empty cells: {line}" for line in filled),
    ]
    if num_without:
        data.append(f"{counted(num_without, 'row')} without a target left out")
    if target.guessed:
        other = "regression" if target.task == "classification" else "classification"
        data.append(f"{target.name} holds numbers, treated as {target.task} (use --task {other} for the opposite)")
    for word, count in target.like_empty.items():
        data.append(
            f"{target.name}: {word!r} is treated as the name of a class ({count} rows); if it means an empty cell, "
            "remove these rows"
        )
    for column in words:
        named = [quoted(word) for word in column.categories if word.lower() in table.na]
        if named:
            data.append(f"{column.name}: {shortened(named)} is treated as a category, not as an empty cell")
    if table.encoding == "cp1252":
        data.append("the file is not UTF-8: it was read as Windows-1252 (Latin-1); use --encoding for another encoding")
    return schema, X, tuple(data)


def _left_out(columns: Sequence[Any]) -> list[str]:
    """Return a line for each column that is left out, or for each kind of reason if they are many."""
    from simulator.errors import counted, shortened

    if len(columns) <= MAX_LINES:
        return [f"left out: {column.name} ({column.reason})" for column in columns]
    kinds: dict[str, list[Any]] = {}
    for column in columns:
        kinds.setdefault(QUOTED.sub("", column.reason), []).append(column)
    largest = sorted(kinds.values(), key=len, reverse=True)
    lines = []
    for alike in largest[:MAX_LINES]:
        reason = alike[0].reason + ("" if len({column.reason for column in alike}) == 1 else ", and the like")
        lines.append(f"left out: {shortened([column.name for column in alike], MAX_LINES)} ({reason})")
    num_others = sum(map(len, largest[MAX_LINES:]))
    return [*lines, f"left out: {counted(num_others, 'column')} for other reasons"] if num_others else lines


def stem(data: str) -> str:
    """Return the name of a data file without its endings."""
    return "stdin" if data == "-" else Path(data).name.split(".")[0] or "data"
