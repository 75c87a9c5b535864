"""Implementation of ``qumba predict``."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from qml.files.container import ModelFileError
from qml.persistence.estimators import load
from qml.tables import EXTRA_FORMAT, Column, Schema, Table, TableError, TableModel, read_table
from qml.text import one_line
from simulator.files import replace_file

__all__ = ["predict_file", "schema_for", "schema_of", "trained_model"]


def predict_file(options: argparse.Namespace) -> int:
    """Predict according to the options; return the exit status."""
    estimator, extra = trained_model(options.model)
    model = estimator
    if options.engine == "collapsed":
        from qml.deploy import collapse

        if options.log is not None:
            raise TableError("--log is for the model itself: leave out --engine collapsed")
        model = collapse(model)
    table = read_table(options.data, options.separator, options.encoding, options.na)
    schema = schema_for(options.model, extra, model, table)
    if options.impute and any(column.fill != column.fill for column in schema.columns):  # NaN
        raise TableError(
            f"{options.model} was not made by qumba train, so it has no values to fill empty cells with; omit --impute"
        )
    X, notes = schema.encode(table, impute=True if options.impute else None)
    for note in notes:
        print(one_line(f"note: {note}"), file=sys.stderr)

    with contextlib.ExitStack() as stack:
        predict = model.predict
        if options.log is not None:
            from qml.accounts import DecisionLog

            logged = TableModel(estimator, schema) if extra is not None else estimator
            predict = stack.enter_context(DecisionLog(options.log, logged)).wrap().predict
        try:
            predictions = predict(X)
        except (ValueError, TypeError) as error:
            raise TableError(f"{options.model} cannot predict from these columns: {error}") from error
    columns: list[tuple[str, Sequence[str]]] = [
        (schema.target or "prediction", [str(value) for value in predictions.tolist()])
    ]
    if options.proba:
        if not hasattr(model, "predict_proba"):
            raise TableError(f"--proba needs a classifier that gives probabilities; {options.model} does not")
        columns += [
            (f"P({label})", [f"{value:.6f}" for value in column])
            for label, column in zip(model.classes_.tolist(), model.predict_proba(X).T, strict=True)
        ]
    if options.append:
        prefix = "predicted " if schema.target in table.names else ""
        columns[0] = (prefix + columns[0][0], columns[0][1])
        columns = [*zip(table.names, table.columns, strict=True), *columns]
    _write(columns, table, options.output)
    _print_score(predictions, schema, table, model)
    return 0


def trained_model(path: str) -> tuple[Any, Any]:
    """Load a model file; return the fitted model, and what was saved with it.

    Raises
    ------
    TableError
        If the file cannot be read.
    ModelFileError
        If it is damaged, or holds no fitted model that predicts.
    """
    try:
        model, extra = load(path, return_extra=True)
    except FileNotFoundError:
        raise TableError(f"there is no model file {path}") from None
    except OSError as error:
        raise TableError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    if not hasattr(model, "predict"):
        raise ModelFileError(path, f"it holds {type(model).__name__}, which does not predict")
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ModelFileError(path, "the model in it has not been trained") from None
    return model, extra


def schema_of(path: str, extra: Any) -> Schema | None:
    """Return the schema in a model file; None for a model saved from Python."""
    if not isinstance(extra, dict) or "schema" not in extra:
        return None
    if extra.get("format") != EXTRA_FORMAT:
        problem = f"its table format is {extra.get('format')!r}, this version knows {EXTRA_FORMAT}"
        raise ModelFileError(path, problem)
    try:
        return Schema.from_json(extra["schema"])
    except (KeyError, TypeError) as error:
        raise ModelFileError(path, f"its table description is damaged: {error!r}") from error


def schema_for(path: str, extra: Any, model: Any, table: Table) -> Schema:
    """Return the schema in the model file; for a model saved from Python, its feature names as numeric columns."""
    schema = schema_of(path, extra)
    if schema is not None:
        return schema
    names = [str(name) for name in getattr(model, "feature_names_in_", table.names)]
    if len(names) != model.n_features_in_:
        raise TableError(
            f"{path} was saved without column names and takes {model.n_features_in_} columns of numbers; "
            f"{table.path} has {len(names)} columns"
        )
    return Schema("", tuple(Column(name, "number", float("nan")) for name in names))


def _write(columns: list[tuple[str, Sequence[str]]], table: Table, path: str | None) -> None:
    if path is None and sys.stdout.isatty():  # write the data unchanged to a pipe or a file
        columns = [(one_line(name), [one_line(cell) for cell in cells]) for name, cells in columns]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=table.separator, lineterminator="\n")
    writer.writerow([name for name, _ in columns])
    writer.writerows(zip(*(cells for _, cells in columns), strict=True))
    if path is None:
        sys.stdout.write(text.getvalue())
        return
    content = text.getvalue().encode()
    try:
        if Path(path).exists() and not Path(path).is_file():  # /dev/stdout or a FIFO cannot be replaced
            Path(path).write_bytes(content)
        else:
            replace_file(path, [content])
    except OSError as error:
        raise TableError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    print(one_line(f"{len(table)} predictions written to {path}"), file=sys.stderr)


def _print_score(predictions: NDArray[Any], schema: Schema, table: Table, model: Any) -> None:
    """Report the quality of the predictions if the file contains the true values."""
    if schema.target not in table.names:
        return
    truth = np.array(table.column(schema.target))
    if np.issubdtype(predictions.dtype, np.number):
        try:
            truth = truth.astype(np.float64)
        except ValueError:
            return
    if hasattr(model, "classes_"):
        num_correct = int((predictions == truth).sum())
        print(f"note: {num_correct} of {len(truth)} rows agree with column {schema.target!r}", file=sys.stderr)
    else:
        error = float(np.abs(predictions - truth).mean())
        print(f"note: mean absolute error against column {schema.target!r}: {error:.4g}", file=sys.stderr)
