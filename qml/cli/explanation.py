"""Implementation of ``qumba explain``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.cli.output import show
from qml.cli.prediction import schema_for, trained_model
from qml.explain import Explanation, explain
from qml.tables import Schema, Table, TableError, TableModel, read_table, read_target
from qml.text import one_line
from simulator.errors import shortened
from simulator.files import replace_file

__all__ = ["explain_file", "explanation_of"]


def explain_file(options: argparse.Namespace) -> int:
    """Explain according to the options; return the exit status."""
    model, extra = trained_model(options.model)
    explanation = explanation_of(
        options,
        model,
        extra,
        options.data,
        rows=options.rows,
        number=options.number,
        fixed=options.fix,
        max_background=options.background,
        twin=options.twin,
        random_state=options.seed,
    )
    show(explanation.blocks())
    page = Path(options.model).with_suffix(".html") if options.output is None else Path(options.output)
    explanation.to_html(page)
    print(one_line(f"{page} written"), file=sys.stderr)
    if options.json is not None:
        replace_file(options.json, [(json.dumps(explanation.as_dict(), indent=1) + "\n").encode()])
        print(one_line(f"{options.json} written"), file=sys.stderr)
    if options.plot is not None:
        explanation.plot(options.plot)
        print(one_line(f"{options.plot} written"), file=sys.stderr)
    return 0


def explanation_of(
    options: argparse.Namespace,
    model: Any,
    extra: Any,
    data: str,
    *,
    rows: str | None = None,
    number: int = 5,
    twin: bool = False,
    **settings: Any,
) -> Explanation:
    """Explain a model file by the columns of its table.

    Parameters
    ----------
    options : Namespace
        With the path of the model file, and how tables are read.
    model, extra
        As `trained_model` returns them.
    data : str
        Path of the table that the explanation refers to.
    rows : str, optional
        Path of the table of the rows to explain; by default the first rows of ``data``.
    number : int
        Maximum number of rows to explain.
    twin : bool
        Whether to train the model without entanglement too.
    **settings
        Of `qml.explain.explain`.

    Raises
    ------
    TableError
        If the tables do not fit the model, or it cannot be explained by them.
    """

    def table_of(path: str) -> Table:
        return read_table(path, options.separator, options.encoding, options.na)

    table = table_of(data)
    schema = schema_for(options.model, extra, model, table)
    X = _encoded(options, schema, table)
    explained = (X if rows is None else _encoded(options, schema, table_of(rows)))[:number]
    y = _target(schema, table, model)
    if y is None and twin:
        raise TableError(f"--twin trains a model: {data} needs the target column {schema.target!r}")
    named = schema if schema.target else replace(schema, target="prediction")
    try:
        return explain(TableModel(model, named), X, explained, y, twin=twin, **settings)
    except (ValueError, TypeError) as error:
        raise TableError(f"{options.model} cannot be explained by these rows: {error}") from error


def _encoded(options: argparse.Namespace, schema: Schema, table: Table) -> NDArray[np.float64]:
    """Convert a table to features, and print what was filled."""
    if options.impute and any(column.fill != column.fill for column in schema.columns):  # NaN
        raise TableError(f"{options.model} has no values to fill empty cells with; omit --impute")
    X, notes = schema.encode(table, impute=True if options.impute else None)
    for note in notes:
        print(one_line(f"note: {note}"), file=sys.stderr)
    return X


def _target(schema: Schema, table: Table, model: Any) -> NDArray[Any] | None:
    """Return the target's column; None if there is none, or if it holds other values than in training."""
    if not schema.target or schema.target not in table.names:
        return None
    classes = getattr(model, "classes_", None)
    try:
        y = read_target(table, schema.target, "regression" if classes is None else "classification").y
    except TableError as error:
        print(one_line(f"note: the target is not used: {error}"), file=sys.stderr)
        return None
    unknown = [] if classes is None else np.setdiff1d(y.astype(str), np.asarray(classes).astype(str)).tolist()
    if unknown:
        print(one_line(f"note: the target is not used: it holds {shortened(unknown, 3)}"), file=sys.stderr)
        return None
    return y
