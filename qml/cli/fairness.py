"""Compare how a trained model treats groups of people in a table.

The file needs the columns that the model was trained on, the target, and the
sensitive columns; rows that the model was not trained on give honest numbers.
Prints who is in the table, which columns stand for the sensitive ones, and
rates by group with intervals; of a quantity, means and errors by group.
"""

from __future__ import annotations

import argparse

from qml.cli.table_data import add_reading_options, check_files

__all__ = ["ARGUMENTS", "add_arguments", "run"]

ARGUMENTS = "model.qumba data.csv --sensitive COLUMN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("model", help="model file that `qumba train` wrote")
    parser.add_argument("data", help="CSV file, .xlsx, .parquet, or - for standard input")
    parser.add_argument(
        "--sensitive", "-s", action="append", required=True, metavar="COLUMN", help="column of groups; repeatable"
    )
    parser.add_argument("--positive", metavar="CLASS", help="class that counts as being selected (the second of two)")
    parser.add_argument("--json", metavar="FILE", help="write all numbers to this file too")
    parser.add_argument("--plot", metavar="FILE", help="write a picture to this PNG file")
    add_reading_options(parser, fill=True)


def run(options: argparse.Namespace) -> int:
    """Report."""
    check_files(options.model, options.data, outputs=[options.json, options.plot])
    import json
    import sys
    from pathlib import Path
    from typing import Any, Literal

    import numpy as np

    from qml.cli.output import check_plot, show
    from qml.cli.prediction import schema_of, trained_model
    from qml.cli.sensitive import positive_class, sensitive_columns
    from qml.fairness.preprocessing import data_report
    from qml.fairness.proxies import find_proxies
    from qml.fairness.report import fairness_report
    from qml.tables import TableError, TableModel, read_table, read_target, with_target
    from qml.text import one_line
    from simulator.files import replace_file

    check_plot(options.plot)
    estimator, extra = trained_model(options.model)
    schema = schema_of(options.model, extra)
    if schema is None:
        raise TableError(
            f"{options.model} was not made by qumba train, so it names no target; use qml.fairness in Python"
        )
    classes = getattr(estimator, "classes_", None)
    if classes is None and options.positive is not None:
        raise TableError(f"--positive is for classes, and {options.model} predicts a quantity: leave it out")
    task: Literal["classification", "regression"] = "regression" if classes is None else "classification"
    table = read_table(options.data, options.separator, options.encoding, options.na)
    table, _ = with_target(table, schema.target, task)
    columns, notes = sensitive_columns(table, options.sensitive)
    truth, positive = read_target(table, schema.target, task).y, None
    if classes is not None:
        if truth.dtype.kind != classes.dtype.kind:
            truth = truth.astype(classes.dtype)
        positive = positive_class(classes.tolist(), options.positive)
    X, filled = schema.encode(table, impute=True if options.impute else None)
    raw = {column.name: [_cell(cell, table.na) for cell in table.column(column.name)] for column in schema.columns}
    model = TableModel(estimator, schema)
    fairness = fairness_report(model, X, truth, columns, positive=positive)
    gaps = np.array(list(raw.values()), dtype=object).T
    data = data_report(gaps, truth, columns, positive=positive, feature_names=list(raw))
    owners = [column.name for column in schema.columns for _ in column.feature_names]
    others = [place for place, name in enumerate(owners) if name not in columns]  # a column is not its own proxy
    reports: dict[str, Any] = {}
    if others:
        proxies = find_proxies(X[:, others], columns, feature_names=[schema.feature_names[place] for place in others])
        reports = proxies if isinstance(proxies, dict) else {proxies.name: proxies}
    for note in (*notes, *filled):
        print(one_line(f"note: {note}"), file=sys.stderr)
    blocks = [*data.blocks(), *(block for report in reports.values() for block in report.blocks()), *fairness.blocks()]
    show(blocks)
    if options.json is not None:
        content = {
            "data": data.as_dict(),
            "proxies": {name: report.as_dict() for name, report in reports.items()},
            "fairness": fairness.as_dict(),
        }
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        replace_file(Path(options.json), [text.encode(errors="backslashreplace")])
    if options.plot is not None:
        fairness.plot(options.plot)
    return 0


def _cell(cell: str, na: frozenset[str]) -> str | None:
    return None if cell.lower() in na else cell
