"""Ready-made callbacks for training: ``VariationalClassifier(callback=[EarlyStopping(), CSVLog("run.csv")])``.

A callback is any function of a `TrainingProgress`; training stops when it returns True. Logs are written after each
epoch, so that they can be read while training goes on. For a run that is to survive a crash, use
``fit(X, y, resume="run.ckpt")``, and for a rate that falls on plateaus, ``schedule="plateau"``.
"""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any

import numpy as np

from qml.settings import check_non_negative, check_whole
from qml.training.progress import EpochRecord, TrainingProgress
from simulator.files import replace_file

__all__ = ["CSVLog", "EarlyStopping", "JSONLog", "LivePlot", "WeightsCheckpoint"]

COLUMNS = ("epoch", "loss", "validation_score", "learning_rate", "gradient_norm", "seconds")
"""Columns of a log: the fields of an `EpochRecord`."""


@dataclass
class EarlyStopping:
    """Stop when the loss has not decreased for some epochs.

    With validation data it is the loss on these, otherwise the training loss. Which weights are kept is up to the
    estimator: those with the lowest of these losses. The estimators' ``early_stopping=True`` does the same with samples
    that it holds out.

    Parameters
    ----------
    patience : int
        Number of epochs without improvement.
    min_delta : float
        Minimum decrease that counts as an improvement.
    """

    patience: int = 10
    min_delta: float = 0.0
    _best: float = field(default=math.inf, init=False, repr=False)
    _stale: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        check_whole("patience", self.patience)
        check_non_negative("min_delta", self.min_delta)

    def __call__(self, progress: TrainingProgress) -> bool:
        if progress.epoch == 1:  # the object may be used for another run
            self._best, self._stale = math.inf, 0
        loss = progress.loss if progress.validation_score is None else -progress.validation_score
        improved = loss < self._best - self.min_delta
        self._best, self._stale = (loss, 0) if improved else (self._best, self._stale + 1)
        return self._stale >= self.patience


@dataclass
class WeightsCheckpoint:
    """Write the weights to a file of NumPy (``.npz``: weights, epoch, loss), which always stays whole.

    Parameters
    ----------
    path : path
    every : int
        Number of epochs between writes.
    best_only : bool
        Whether to write only after epochs that are the best so far.
    """

    path: str | PathLike[str]
    every: int = 1
    best_only: bool = False

    def __post_init__(self) -> None:
        check_whole("every", self.every)

    def __call__(self, progress: TrainingProgress) -> None:
        if progress.epoch % self.every or (self.best_only and progress.best_epoch != progress.epoch):
            return
        content = io.BytesIO()
        np.savez(content, weights=progress.weights, epoch=progress.epoch, loss=progress.loss)
        replace_file(self.path, [content.getvalue()])


@dataclass
class CSVLog:
    """Write a line for each epoch to a CSV file: epoch, loss, validation score, learning rate, gradient norm, seconds.

    The file is started anew by the first epoch of a run, and continued by a run that is resumed.

    Parameters
    ----------
    path : path
    """

    path: str | PathLike[str]

    def __call__(self, progress: TrainingProgress) -> None:
        first = progress.epoch == 1
        with open(self.path, "w" if first else "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if first:
                writer.writerow(COLUMNS)
            writer.writerow("" if value is None else value for value in _record(progress).values())


@dataclass
class JSONLog:
    """Write an object for each epoch to a file of JSON lines, with the same entries as `CSVLog`.

    Parameters
    ----------
    path : path
    """

    path: str | PathLike[str]

    def __call__(self, progress: TrainingProgress) -> None:
        record = {name: value if _is_json(value) else str(value) for name, value in _record(progress).items()}
        with open(self.path, "w" if progress.epoch == 1 else "a", encoding="utf-8") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")


@dataclass
class LivePlot:
    """Draw loss and validation score in a notebook while training goes on, or into a PNG file.

    Parameters
    ----------
    path : path of a PNG file, optional
        By default the picture is shown in the notebook, which needs IPython.
    every : int
        Number of epochs between pictures.
    """

    path: str | PathLike[str] | None = None
    every: int = 5
    _history: list[EpochRecord] = field(default_factory=list, init=False, repr=False)
    _shown: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_whole("every", self.every)

    def __call__(self, progress: TrainingProgress) -> None:
        if progress.epoch == 1:
            self._history, self._shown = [], None
        self._history.append(progress)
        if progress.epoch % self.every and progress.epoch != progress.epochs:
            return
        from qml.plots.training import draw_training

        scores = [record.validation_score for record in self._history]
        figure = draw_training(
            [record.loss for record in self._history],
            None if scores[-1] is None else np.array(scores, float),
            None if self.path is None else fspath(self.path),
            title=f"Epoch {progress.epoch} of {progress.epochs}",
        )
        if self.path is None:
            self._show(figure)

    def _show(self, figure: Any) -> None:
        try:
            from IPython.display import display
        except ImportError:
            raise ImportError("LivePlot shows its picture in a notebook; elsewhere, give it a path") from None
        if self._shown is None:
            self._shown = display(figure, display_id=True)
        else:
            self._shown.update(figure)


def _record(progress: TrainingProgress) -> dict[str, Any]:
    return {name: getattr(progress, name) for name in COLUMNS}


def _is_json(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
