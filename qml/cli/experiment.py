"""Experiment of the command line: model settings and data of a training run, and the folder of its results."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qml import persistence
from qml.tables import EXTRA_FORMAT, Schema, TableError
from simulator.files import check_regular

__all__ = ["FILES", "INTERRUPTED", "Experiment", "output_folder", "remove_files", "save_model"]

FILES = ("model.qumba", "report.md", "report.json")
"""Files written to the folder, besides pictures."""

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + SIGINT, as shells expect."""


@dataclass(frozen=True)
class Experiment:
    """Model settings and data of a training run.

    Attributes
    ----------
    title : str
    data : tuple of str
        Sentences about the data, for the report.
    X : float ndarray, shape (n_rows, n_features)
    y : ndarray, shape (n_rows,)
    split : (int ndarray, int ndarray) or None
        Training and test rows; None for cross-validation, after which the model is trained on all rows.
    task : {"classification", "regression"}
    settings : dict
        Parameters of the estimator.
    schema : Schema
        Conversion of the table into features; stored in the model file.
    sensitive : dict of str to list of str
        Groups of the rows by sensitive column.
    positive : label or None
        The class that counts as being selected when groups are compared; by default the second of two.
    model : str
        Name of the estimator, see `qml.cli.estimators.estimator_for`.
    folds : int
        Number of folds of the cross-validation.
    candidates : int
        Number of settings that each classical model is tuned over.
    twin : bool
        Whether the model without entanglement is trained too.
    """

    title: str
    data: tuple[str, ...]
    X: NDArray[np.float64]
    y: NDArray[Any]
    split: tuple[NDArray[np.intp], NDArray[np.intp]] | None
    task: Literal["classification", "regression"]
    settings: dict[str, Any]
    schema: Schema
    sensitive: dict[str, list[str]] = field(default_factory=dict)
    positive: Any = None
    model: str = "variational"
    folds: int = 5
    candidates: int = 4
    twin: bool = True


def output_folder(path: Path, *, overwrite: bool = False, numbered: bool = False) -> Path:
    """Create a folder for results, or check that the existing one may be used, before training starts.

    Parameters
    ----------
    path : Path
    overwrite : bool
        Whether results of an earlier run in the folder may be replaced.
    numbered : bool
        Whether to use ``path-2``, ``path-3``, ... instead if the folder holds results.

    Raises
    ------
    TableError
        If the folder holds results of an earlier run, or is not writable.
    NotAFileError
        If the path of an output file is a folder or a device.
    """
    base, number = path, 1
    while not overwrite and any((path / name).is_file() for name in FILES):
        if not numbered:
            raise TableError(
                f"{path} holds the results of an earlier run: name another folder with --output, or replace them with "
                "--overwrite"
            )
        number += 1
        path = base.with_name(f"{base.name}-{number}")
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise TableError(f"cannot write to {path}: {(error.strerror or str(error)).lower()}") from error
    for name in FILES:
        check_regular(path / name)
    return path


def save_model(experiment: Experiment, model: Any, folder: Path, record: dict[str, Any] | None = None) -> None:
    """Write the model file, with the conversion of the table's columns and what is known about the run."""
    extra: dict[str, Any] = {"format": EXTRA_FORMAT, "schema": experiment.schema.to_json()}
    persistence.save(model, folder / FILES[0], extra | ({} if record is None else {"record": record}))


def remove_files(folder: Path, names: Sequence[str]) -> None:
    """Remove files that exist from a folder."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
