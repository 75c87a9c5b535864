"""Checkpoints: the state of a run in a file, so that it goes on after ``kill -9`` as if nothing had happened."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np

from qml.files.container import DamagedFileError, ModelFileError, previous_path, read_container, write_container
from qml.training.progress import EpochRecord, RunState
from simulator.errors import QumbaError

log = logging.getLogger(__name__)

VERSION = 1
SECONDS_BETWEEN = 1.0
"""Short epochs share a checkpoint: flushing to the disk may take longer than the epoch. At most this much is lost."""

_INTEGERS_AND_TEXT = ("seed", "best_epoch", "stale_epochs", "steps", "batch", "stopped", "message")
_FLOATS = ("best_score", "reference_score", "loss_sum", "gradient_norm_sum", "seconds")
_ARRAYS = ("weights", "best_weights")
_OPTIMIZER = "optimizer_state."


class CheckpointMismatchError(QumbaError, ValueError):
    """The checkpoint belongs to another run: other data, optimizer, sizes or batches."""


class Checkpoints:
    """The last two checkpoints of one run: at ``path`` and ``<path>.previous``.

    Parameters
    ----------
    path : where; nothing is kept if None
    fingerprint : what makes it this run, as JSON values; a file with another one is refused
    """

    def __init__(self, path: str | os.PathLike[str] | None, fingerprint: Mapping[str, Any]) -> None:
        self.path = None if path is None else Path(path)
        self._fingerprint = dict(fingerprint)
        self._last_saved = -np.inf
        self._warned = False

    def start(self, initial: RunState) -> RunState:
        """The state to go on from: the stored one if there is one, else ``initial``, stored so that a bad path shows.

        Raises
        ------
        CheckpointMismatchError
            If the file is of another run.
        ModelFileError
            If the file is no checkpoint, or damaged and there is no previous one.
        OSError
            If ``path`` cannot be written.
        """
        if self.path is None:
            return initial
        stored = _read(self.path)
        if stored is None:
            self._write(initial)
            return initial
        header, arrays = stored
        self._check(header["fingerprint"])
        return _unpack(header, arrays)

    def save(self, state: RunState, *, now: bool = False) -> None:
        """Store the state, if the last time is long enough ago or ``now`` is set.

        A full disk is no reason to lose a run that goes well: it is logged, once, and training goes on.
        """
        if self.path is None or not (now or time.monotonic() - self._last_saved >= SECONDS_BETWEEN):
            return
        try:
            self._write(state)
        except OSError as error:
            if not self._warned:
                log.warning("checkpoint %s could not be written, training goes on without: %s", self.path, error)
            self._warned = True

    def _write(self, state: RunState) -> None:
        assert self.path is not None
        header, arrays = _pack(state)
        header["fingerprint"] = self._fingerprint
        write_container(self.path, header, arrays, kind="checkpoint", version=VERSION, keep_previous=True)
        self._last_saved = time.monotonic()

    def _check(self, found: Mapping[str, Any]) -> None:
        differences = [
            f"{name} is {wanted!r}, there {found.get(name)!r}"
            for name, wanted in self._fingerprint.items()
            if found.get(name) != wanted
        ]
        if differences:
            raise CheckpointMismatchError(
                f"{self.path} belongs to another run ({'; '.join(differences)}); "
                "give another path, or delete the file to start anew"
            )


def saved_seed(path: str | os.PathLike[str] | None) -> int | None:
    """The seed of the run stored at ``path``; None if there is none yet.

    What the caller draws before training (a validation split, initial weights) comes from the same seed then.
    """
    stored = None if path is None else _read(Path(path))
    return None if stored is None else int(stored[0]["seed"])


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """The newest checkpoint that is whole. One that is not is replaced by the previous, with a warning."""
    previous = previous_path(path)
    try:
        return read_container(path, kind="checkpoint", version=VERSION)
    except FileNotFoundError:
        if not previous.exists():
            return None
        return read_container(previous, kind="checkpoint", version=VERSION)  # killed between the two renames
    except DamagedFileError as error:
        try:
            stored = read_container(previous, kind="checkpoint", version=VERSION)
        except (FileNotFoundError, ModelFileError):
            raise error from None
        warnings.warn(f"{error}; going on from {previous}", RuntimeWarning, stacklevel=2)
        os.replace(previous, path)  # else the next save would put the damaged file in the place of the good one
        return stored


def _pack(state: RunState) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Floats go into arrays, where infinity and NaN have a place and no digit is lost."""
    header = {name: getattr(state, name) for name in _INTEGERS_AND_TEXT}
    arrays = {name: np.asarray(getattr(state, name)) for name in (*_ARRAYS, *_FLOATS)}
    arrays |= {_OPTIMIZER + name: np.asarray(value) for name, value in state.optimizer_state.items()}
    arrays["history"] = np.array([astuple(record) for record in state.history], dtype=np.float64)  # None becomes NaN
    return header, arrays


def _unpack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> RunState:
    def plain(array: np.ndarray) -> Any:
        return array.item() if array.ndim == 0 else array

    columns = [field.name for field in fields(EpochRecord)]
    optional = ("validation_score", "learning_rate", "gradient_norm")
    history = []
    for row in arrays["history"].tolist():
        record = dict(zip(columns, row, strict=True))
        absent = {name: None for name in optional if np.isnan(record[name])}
        history.append(EpochRecord(**record | absent | {"epoch": int(record["epoch"])}))
    return RunState(
        **{name: header[name] for name in _INTEGERS_AND_TEXT},
        **{name: plain(arrays[name]) for name in (*_ARRAYS, *_FLOATS)},
        optimizer_state={
            name.removeprefix(_OPTIMIZER): plain(array) for name, array in arrays.items() if name.startswith(_OPTIMIZER)
        },
        history=tuple(history),
    )
