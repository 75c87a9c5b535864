"""Predict the rows of a CSV file with a model that `qumba train` wrote.

The file needs the columns that the model was trained on, in any order and among
others. Predictions go to standard output, one line per row; notes go to
standard error.
"""

from __future__ import annotations

import argparse
import os

from qml.cli.table_data import add_reading_options

__all__ = ["ARGUMENTS", "add_arguments", "run"]

ARGUMENTS = "model.qumba new.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("model", help="model file, such as model.qumba")
    parser.add_argument("data", help="CSV file, .xlsx, .parquet, or - for standard input")
    parser.add_argument("--output", "-o", metavar="FILE", help="file to write instead of standard output")
    parser.add_argument("--proba", action="store_true", help="add the probability of each class")
    parser.add_argument("--append", action="store_true", help="repeat the columns of the file before the predictions")
    parser.add_argument("--log", metavar="FILE", help="append every prediction to this log; see `qumba log verify`")
    parser.add_argument(
        "--engine",
        choices=("numba", "collapsed"),
        default="numba",
        help="simulate the circuit, or collapse the model to a few matrices first; the predictions are the same",
    )
    add_reading_options(parser, fill=True)


def run(options: argparse.Namespace) -> int:
    """Predict."""
    for path in (options.model, options.data):  # told at once, before the library is imported
        if path != "-" and not os.path.exists(path):
            from qml.tables import TableError, read_table

            if path == options.data:
                read_table(path)  # raises, with near names
            raise TableError(f"there is no model file {path}")
    from qml.cli.prediction import predict_file

    return predict_file(options)
