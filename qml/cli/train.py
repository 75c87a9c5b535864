"""Train a quantum model on a CSV file, and compare it with classical baselines.

The first line of the file names the columns. Numbers are used unchanged, text
with few different values is one-hot encoded; dates, identifiers and constants
are left out, and the report lists them. A target of numbers with many different
values means regression. Features that do not fit on the qubits are replaced by
their leading principal components.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from qml.cli.training_options import (
    add_budget_options,
    add_choice_options,
    add_model_options,
    add_output_options,
    folds,
    fraction,
    model_settings,
    positive_integer,
)

__all__ = ["ARGUMENTS", "add_arguments", "run"]

ARGUMENTS = "data.csv --target COLUMN"
MAX_LINES = 12
"""Maximum number of lines of the report about columns that are left out, and about filled cells."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
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
        "--cv",
        type=folds,
        metavar="K",
        help="compare by K-fold cross-validation; 0 for one split (5 below 200 rows, unless --test-size is set)",
    )
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
    table.add_argument(
        "--na", action="append", default=[], metavar="MARK", help="cell that counts as empty, such as -999; repeatable"
    )
    table.add_argument("--separator", metavar="C", help="column separator; detected by default")
    table.add_argument(
        "--encoding", metavar="NAME", help="text encoding, such as utf-8 or latin-1; detected by default"
    )
    add_model_options(parser)
    add_choice_options(parser)
    add_budget_options(parser)
    parser.add_argument("--resume", metavar="FILE", help="checkpoint file to write, and to resume from if it exists")
    add_output_options(parser, "./data-qumba for data.csv")


def run(options: argparse.Namespace) -> int:
    """Train, compare, report."""
    import numpy as np

    from qml.tables import TableError, infer_schema, read_table, read_target, with_target
    from qml.tables.reading import quoted, shortened
    from simulator.errors import counted

    table = read_table(options.data, options.separator, options.encoding, options.na)
    table, num_without = with_target(table, options.target, options.task)
    target = read_target(table, options.target, options.task)

    # imported after the table has been read, so that its faults are told at once
    from qml.cli.experiment import Experiment, output_folder, run_experiment
    from qml.cli.splitting import check_early_stopping, choose_folds, split_rows

    if options.class_weight and target.task == "regression":
        raise TableError("--class-weight is for classes, and the target is a quantity: leave it out")
    num_folds = choose_folds(target, options.cv, options.test_size)
    split = None
    training = np.arange(len(table))
    if num_folds is None:
        split = split_rows(target, 0.25 if options.test_size is None else options.test_size, options.seed)
        training = split[0]
    if options.early_stopping:
        check_early_stopping(target, training)
    schema = infer_schema(
        table,
        target.name,
        training,
        impute=options.impute,
        max_categories=options.max_categories,
        drop=options.drop,
        keep=options.keep,
        categorical=options.categorical,
    )
    X, filled = schema.encode(table)

    words = [column for column in schema.columns if column.kind == "category"]
    data = [
        f"{options.data}: {len(table)} rows, "
        + (
            f"compared by {num_folds}-fold cross-validation; the model file holds the model trained on all rows"
            if split is None
            else f"{len(training)} to train on and {len(split[1])} to test on"
        ),
        f"features: {X.shape[1]}, from {len(schema.columns)} columns"
        + (f"; one-hot encoded: {shortened([column.name for column in words])}" if words else ""),
        *_first(f"left out: {column.name} ({column.reason})" for column in schema.left_out),
        *_first(f"empty cells: {line}" for line in filled),
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

    folder = Path(options.output or f"{_stem(options.data)}-qumba")
    settings = model_settings(options) | ({"class_weight": options.class_weight} if options.class_weight else {})
    models = ("variational", "kernel") if options.model == "both" else (options.model,)
    status = 0
    for model in models:
        status = run_experiment(
            Experiment(
                title=f"{target.name}, predicted from {Path(options.data).name}",
                data=tuple(data),
                X=X,
                y=target.y,
                split=split,
                task=target.task,
                settings=settings,
                schema=schema,
                model=model,
                folds=num_folds or 1,
                candidates=options.candidates or (4 if split else 2),
                twin=not options.no_twin,
            ),
            output_folder(
                folder / model if len(models) > 1 else folder,
                overwrite=options.overwrite,
                numbered=not options.output,
            ),
            plots=not options.no_plots,
            quiet=options.quiet,
            resume=options.resume,
        )
        if status:
            break
    return status


def _first(lines: Iterable[str]) -> list[str]:
    """Return the first lines, and how many follow: a table of 150 columns has a report, too."""
    lines = list(lines)
    return lines if len(lines) <= MAX_LINES else [*lines[:MAX_LINES], f"and {len(lines) - MAX_LINES} more like these"]


def _stem(data: str) -> str:
    """Return the name of a data file without its endings."""
    return "stdin" if data == "-" else Path(data).name.split(".")[0] or "data"
