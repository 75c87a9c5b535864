"""Explain a model that `qumba train` wrote, and its predictions for the first rows of a table.

The report goes to standard output, and a page without scripts or links is
written beside the model. The rows of the table are those that the explanation
refers to, so give the table that the model was trained on, or one like it. If
it has the target's column, the quality of the model is explained too.
"""

from __future__ import annotations

import argparse

from qml.cli.table_data import add_reading_options, check_files

__all__ = ["ARGUMENTS", "add_arguments", "run"]

ARGUMENTS = "model.qumba data.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("model", help="model file, such as model.qumba")
    parser.add_argument("data", help="CSV file, .xlsx, .parquet, or - for standard input")
    parser.add_argument(
        "--rows", metavar="FILE", help="table of the rows to explain; by default the first ones of the data"
    )
    parser.add_argument("--number", type=int, default=5, metavar="N", help="number of rows to explain (default: 5)")
    parser.add_argument(
        "--fix",
        action="append",
        default=[],
        metavar="COLUMN",
        help="column that must not change in the nearest row with another prediction; repeatable",
    )
    parser.add_argument("--output", "-o", metavar="FILE", help="page to write; by default beside the model, with .html")
    parser.add_argument("--json", metavar="FILE", help="write all numbers as JSON")
    parser.add_argument("--plot", metavar="FILE", help="write a figure, such as why.png")
    parser.add_argument(
        "--background",
        type=int,
        default=100,
        metavar="N",
        help="maximum number of rows that Shapley values refer to (default: 100)",
    )
    parser.add_argument("--twin", action="store_true", help="train the model without entanglement too, and compare")
    parser.add_argument("--seed", type=int, default=0, help="seed for all random choices (default: 0)")
    add_reading_options(parser, fill=True)


def run(options: argparse.Namespace) -> int:
    """Explain."""
    if options.number < 1 or options.background < 2:
        from qml.tables import TableError

        raise TableError("--number expects 1 or more, --background 2 or more")
    outputs = [options.output, options.json, options.plot]
    check_files(options.model, options.data, options.rows, outputs=outputs)
    from qml.cli.explanation import explain_file
    from qml.cli.output import check_plot

    check_plot(options.plot)
    return explain_file(options)
