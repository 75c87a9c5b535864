"""Model with the column handling of the table that it was trained on."""

from __future__ import annotations

import warnings
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.tables.reading import from_frame
from qml.tables.schema import Schema
from qml.tables.table import Table, TableError
from simulator.errors import shortened

__all__ = ["EXTRA_FORMAT", "TableModel"]

EXTRA_FORMAT = 1
"""Version of the data stored in a model file beside the model."""


class TableModel:
    """Estimator together with the conversion of a table's columns into its features.

    `qml.load` returns it for a file that ``qumba train`` wrote. All other attributes, such as ``weights_`` and
    ``circuit_``, are those of the estimator.

    Parameters
    ----------
    estimator : estimator
        Fitted to features of the schema.
    schema : Schema
    record : dict, optional
        What the training run stored beside the model: data, split, scores, times, versions; plain values.
    """

    def __init__(self, estimator: Any, schema: Schema, record: dict[str, Any] | None = None) -> None:
        self.estimator, self.schema, self.record = estimator, schema, record

    def features(self, X: Any) -> NDArray[np.float64]:
        """Convert a table into the features of the estimator, shape (n_rows, n_features).

        Parameters
        ----------
        X : DataFrame, Table or array-like, shape (n_rows, n_features)
            Columns are found by name, in any order and among others. An array already holds features.

        Raises
        ------
        TableError
            If a column is missing, a cell is empty or not of the kind seen in training, or X is neither a table nor
            an array of numbers.

        Warns
        -----
        UserWarning
            If cells are filled, or hold categories that were not seen in training.
        """
        if not isinstance(X, Table) and not hasattr(X, "columns"):
            try:
                return np.asarray(X, np.float64)
            except (TypeError, ValueError) as error:
                names = shortened([column.name for column in self.schema.columns])
                raise TableError(
                    f"expected a DataFrame with the columns {names}, or an array of numbers, got "
                    f"{type(X).__name__}; pandas.DataFrame(X) makes one of a list of dicts or a dict of lists"
                ) from error
        encoded, notes = self.schema.encode(X if isinstance(X, Table) else from_frame(X))
        for note in notes:
            warnings.warn(note, UserWarning, stacklevel=3)
        return encoded

    def predict(self, X: Any, **options: Any) -> NDArray[Any]:
        """Predict the target of each row; ``X`` as for `features`, options as for the estimator's ``predict``."""
        return np.asarray(self.estimator.predict(self.features(X), **options))

    def predict_proba(self, X: Any, **options: Any) -> NDArray[np.float64]:
        """Predict the probability of each class, shape (n_rows, n_classes)."""
        return np.asarray(self.estimator.predict_proba(self.features(X), **options))

    def decision_function(self, X: Any, **options: Any) -> NDArray[np.float64]:
        """Compute the decision values of each row."""
        return np.asarray(self.estimator.decision_function(self.features(X), **options))

    def score(self, X: Any, y: Any = None, **options: Any) -> float:
        """Compute accuracy or R^2; without ``y`` the target is the column of that name."""
        if y is None:
            if self.schema.target not in getattr(X, "columns", ()):
                raise TableError(f"score needs y, or a table with the target column {self.schema.target!r}")
            y = np.asarray(X[self.schema.target])
        return float(self.estimator.score(self.features(X), y, **options))

    def save(self, path: str | PathLike[str]) -> None:
        """Write estimator and column handling to a model file."""
        record = {} if self.record is None else {"record": self.record}
        self.estimator.save(path, extra={"format": EXTRA_FORMAT, "schema": self.schema.to_json()} | record)

    def __getattr__(self, name: str) -> Any:
        if name in ("estimator", "schema", "record") or name.startswith("__"):  # absent while being copied or unpickled
            raise AttributeError(name)
        return getattr(self.estimator, name)

    def __repr__(self) -> str:
        return f"TableModel({self.estimator!r}, target={self.schema.target!r}, {len(self.schema.columns)} columns)"
