"""Checkpoints: the state of a run in a file, so that a run resumes exactly even after ``kill -9``.

A checkpoint also holds the fingerprint of its run, by name. A run that differs in an entry is refused, and the message
names the entry; names that the file lacks, because an earlier version wrote it, are not compared.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from qml.files.container import DamagedFileError, ModelFileError, previous_path, read_container, write_container
from qml.training.description import same_data
from qml.training.progress import EpochRecord, History, RunState
from simulator.errors import QumbaError
from simulator.files import beside, locked

log = logging.getLogger(__name__)

VERSION = 1
SECONDS_BETWEEN = 1.0
"""Minimum time between checkpoints, in seconds: flushing to the disk may take longer than a short epoch."""

_INTEGERS_AND_TEXT = ("seed", "best_epoch", "stale_epochs", "steps", "batch", "stopped", "message")
_FLOATS = ("best_score", "reference_score", "loss_sum", "gradient_norm_sum", "seconds", "initial_loss")
_ARRAYS = ("weights", "best_weights")
_OPTIMIZER = "optimizer_state."


STOPPED = ("", "diverged", "converged")
LENGTH_HINT = (
    ". The learning rate of this schedule depends on the number of epochs, so that such a run cannot be prolonged: "
    "ask for the same number, or start anew with schedule='constant', which can"
)
DIGITS_HINT = "the file is of a version that compared all digits, of which the last ones differ on another processor"
SUMMARY = "data and model"
"""Name of the entry for all of data and model in files of version 0.1.0."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class CheckpointMismatchError(QumbaError, ValueError):
    """The checkpoint belongs to another run: other data, model, loss, optimizer, sizes or batches."""


class CheckpointLockedError(QumbaError, RuntimeError):
    """Another process is training with the same checkpoint."""


class Checkpoints:
    """The two latest checkpoints of one run: at ``path`` and ``<path>.previous``.

    Parameters
    ----------
    path : path of the checkpoint; if None, nothing is stored
    fingerprint : identity of the run: name -> JSON value. A digest (64 hexadecimal digits) stands for large data; a
        mapping of ``"sha256"`` and ``"made of"`` for objects that are determined by a few named settings, and the
        result of `data_identity` for data.
    batches : number of batches in an epoch
    """

    def __init__(
        self, path: str | os.PathLike[str] | None, fingerprint: Mapping[str, Any], batches: int | None = None
    ) -> None:
        self.path = None if path is None else Path(path)
        self._fingerprint = dict(fingerprint)
        self._batches = batches
        self._last_saved = -np.inf
        self._warned = False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Lock the path against other processes for the duration of the run.

        Raises
        ------
        CheckpointLockedError
            If another process or thread is training with it.
        """
        with contextlib.ExitStack() as stack:
            if self.path is not None:
                try:
                    stack.enter_context(locked(beside(self.path, ".lock")))
                except BlockingIOError:
                    raise CheckpointLockedError(
                        f"{self.path}: another process is training with this checkpoint; wait for it, "
                        "or give another path"
                    ) from None
                except OSError:  # the folder cannot be written: `start` raises, unless the run is over
                    pass
            yield

    def start(self, initial: RunState) -> RunState:
        """Return the stored state if there is one, else ``initial``, which is stored at once so that a bad path raises.

        Raises
        ------
        CheckpointMismatchError
            If the file belongs to another run.
        ModelFileError
            If the file is not a checkpoint, or is damaged and there is no previous one.
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
        try:
            stored = header["fingerprint"]
            if not isinstance(stored, dict):
                raise TypeError(f"its fingerprint is {stored!r}")
            self._check(stored)
            return _checked(_unpack(header, arrays), initial, self._batches)
        except CheckpointMismatchError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise ModelFileError(self.path, f"its contents make no sense: {error!r}") from error

    def save(self, state: RunState, *, now: bool = False) -> None:
        """Store the state, if the previous checkpoint is old enough or ``now`` is set.

        A full disk should not end a healthy run: the failure is logged once, and training continues.
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

    def _check(self, stored: Mapping[str, Any]) -> None:
        expected = self._fingerprint
        differing = [name for name in expected if name in stored and not _same(expected[name], stored[name])]
        if not differing:
            return
        if differing != [SUMMARY]:  # the other entries name the difference
            differing = [name for name in differing if name != SUMMARY]
        differences = [line for name in differing for line in _differences(name, expected[name], stored[name])]
        schedules = f"{expected.get('schedule')}, {stored.get('schedule')}"
        if differing == [SUMMARY] and isinstance(expected[SUMMARY], dict) and isinstance(stored[SUMMARY], str):
            differences.append(DIGITS_HINT)
        hint = LENGTH_HINT if "schedule" in differing and schedules.count(" over ") == 2 else ""
        assert self.path is not None
        files = " and ".join(str(path) for path in (self.path, previous_path(self.path)) if path.exists())
        raise CheckpointMismatchError(
            f"{self.path} belongs to another run ({'; '.join(differences)}); "
            f"give another path, or delete {files} to start anew{hint}"
        )


def saved_seed(path: str | os.PathLike[str] | None) -> int | None:
    """Return the seed of the run stored at ``path``; None if there is none yet.

    The caller needs it to draw the same validation split and initial weights before training.
    """
    stored = None if path is None else _read(Path(path))
    if stored is None:
        return None
    seed = stored[0].get("seed")
    if type(seed) is not int or seed < 0:
        raise ModelFileError(os.fspath(path or ""), f"its contents make no sense: seed is {seed!r}")
    return seed


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Read the newest intact checkpoint. A damaged one is replaced by the previous one, with a warning."""
    previous = previous_path(path)
    try:
        return read_container(path, kind="checkpoint", version=VERSION)
    except FileNotFoundError:
        if not previous.exists():
            return None
        # the process was killed between the two renames
        return read_container(previous, kind="checkpoint", version=VERSION)
    except DamagedFileError as error:
        try:
            stored = read_container(previous, kind="checkpoint", version=VERSION)
        except (FileNotFoundError, ModelFileError):
            raise error from None
        warnings.warn(f"{error}; going on from {previous}", RuntimeWarning, stacklevel=2)
        os.replace(previous, os.path.realpath(path))  # or the next save would replace the intact file
        return stored


def _same(expected: Any, stored: Any) -> bool:
    if isinstance(expected, dict) and isinstance(stored, dict):
        return same_data(expected, stored) if "exact" in expected else bool(expected["sha256"] == stored["sha256"])
    if isinstance(expected, dict) and isinstance(stored, str):  # as earlier versions wrote data
        return bool(expected.get("exact") == stored)
    return bool(expected == stored)


def _differences(name: str, expected: Any, stored: Any) -> list[str]:
    """Return one line for each setting in which an entry differs."""
    if isinstance(expected, dict) and isinstance(stored, dict) and "made of" in expected:
        parts, stored_parts = expected["made of"], dict(stored["made of"])
        names = [
            key for key in (*parts, *(stored_parts.keys() - parts.keys())) if parts.get(key) != stored_parts.get(key)
        ]
        lines = [f"{key} is {_shown(parts.get(key))}, there {_shown(stored_parts.get(key))}" for key in names]
        return lines or [f"{name}: not the same"]
    if any(isinstance(value, dict) or _DIGEST.fullmatch(str(value)) for value in (expected, stored)):
        return [f"{name}: not the same"]
    return [f"{name} is {expected!r}, there {stored!r}"]


def _shown(text: Any) -> str:
    """Return a description unchanged, unless it contains control characters."""
    return text if isinstance(text, str) and text.isprintable() else repr(text)


def _pack(state: RunState) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Convert a state to JSON fields and arrays; floats go into arrays, which store infinity, NaN and all digits."""
    header = {name: getattr(state, name) for name in _INTEGERS_AND_TEXT}
    arrays = {name: np.asarray(getattr(state, name)) for name in (*_ARRAYS, *_FLOATS)}
    arrays |= {_OPTIMIZER + name: np.asarray(value) for name, value in state.optimizer_state.items()}
    records = [tuple(vars(record).values()) for record in state.history]
    arrays["history"] = np.array(records, dtype=np.float64)  # None becomes NaN
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
        **{name: plain(arrays[name]) for name in (*_ARRAYS, *_FLOATS) if name in arrays or name != "initial_loss"},
        optimizer_state={
            name.removeprefix(_OPTIMIZER): plain(array) for name, array in arrays.items() if name.startswith(_OPTIMIZER)
        },
        history=History(history),
    )


def _checked(state: RunState, initial: RunState, batches: int | None) -> RunState:
    """Return a state that was read, after checking that the run that starts with ``initial`` can reach it."""
    epochs = len(state.history)
    bounds = {"seed": np.inf, "best_epoch": epochs + 2, "stale_epochs": epochs + 1, "steps": np.inf}
    for name, bound in (bounds | {"batch": np.inf if batches is None else batches}).items():
        value = getattr(state, name)
        if type(value) is not int or not 0 <= value < bound:
            raise ValueError(f"{name} is {value!r}")
    if state.stopped not in STOPPED or not isinstance(state.message, str):
        raise ValueError(f"stopped is {state.stopped!r}, with the message {state.message!r}")
    for name in _ARRAYS:
        _check_like(name, getattr(state, name), getattr(initial, name))
        if not np.isfinite(getattr(state, name)).all():
            raise ValueError(f"{name} are not finite")
    for name in _FLOATS:
        if type(getattr(state, name)) is not float:
            raise ValueError(f"{name} is {getattr(state, name)!r}")
    for name, value in initial.optimizer_state.items():
        entry = state.optimizer_state[name]
        if np.shape(value) == initial.weights.shape:  # other entries may grow
            _check_like(f"the optimizer's {name}", entry, value)
        elif np.asarray(entry).dtype.kind not in "biuf":
            raise ValueError(f"the optimizer's {name} has type {np.asarray(entry).dtype}")
    return state


def _check_like(name: str, entry: Any, reference: Any) -> None:
    """Raise ValueError unless an array has the shape and kind of a reference array."""
    if np.shape(entry) != np.shape(reference) or np.asarray(entry).dtype.kind not in "biuf":
        raise ValueError(f"{name} has shape {np.shape(entry)} and type {np.asarray(entry).dtype}")
