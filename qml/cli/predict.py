"""Predict the rows of a CSV file with a model that `qumba train` wrote.

The file needs the columns that the model was trained on, in any order and among
others. Predictions go to standard output, one line per row; notes go to
standard error.
"""

from __future__ import annotations

import argparse

from qml.cli.table_data import add_reading_options, check_files

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
    check_files(options.model, options.data, outputs=[options.output, options.log])
    from qml.cli.prediction import predict_file

    return predict_file(options)
