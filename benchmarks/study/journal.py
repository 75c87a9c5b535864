"""The journal of a study: one line of JSON for each finished cell, in a folder that one process uses at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.study.settings import Cell
from simulator.errors import QumbaError
from simulator.files import locked, replace_file

__all__ = ["Journal", "OtherStudyError", "StudyInUseError", "opened", "read"]

Record = dict[str, Any]

MAX_NAMED = 3
"""Maximum number of differences that an error names."""


class StudyInUseError(QumbaError, RuntimeError):
    """Another process works in the folder of the study."""


class OtherStudyError(QumbaError, ValueError):
    """The folder holds a study with other settings or versions."""


class Journal:
    """Append-only records of a study, which survive a killed process.

    A line is written in one call and flushed to disk. A process killed in the middle leaves a line without its end,
    which is removed when the folder is opened again; that cell is run anew.

    Parameters
    ----------
    path : path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = read(path)
        self._truncate()

    @property
    def done(self) -> set[Cell]:
        """The cells with a result."""
        return {cell_of(record) for record in self.records if "error" not in record}

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record and flush it to disk."""
        line = json.dumps(record, allow_nan=False) + "\n"
        with open(self.path, "ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        self.records.append(dict(record))

    def _truncate(self) -> None:
        """Remove an incomplete last line."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        complete = content.rfind(b"\n") + 1
        if complete < len(content):
            with open(self.path, "r+b") as file:
                file.truncate(complete)


def cell_of(record: Mapping[str, Any]) -> Cell:
    """Return the cell of a record."""
    return Cell(record["family"], record["size"], record["model"], record["entangled"])


def read(path: Path) -> list[Record]:
    """Return the complete records of a journal, the last one of each cell.

    Raises
    ------
    OtherStudyError
        If a complete line is not a record.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    records: dict[Cell, Record] = {}
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
        try:
            record = json.loads(line)
            records[cell_of(record)] = record
        except (ValueError, KeyError, TypeError):
            raise OtherStudyError(
                f"line {number} of {path} is not a record of a study; remove it, and its cell is run again"
            ) from None
    return list(records.values())


@contextmanager
def opened(folder: Path, identity: Mapping[str, Any]) -> Iterator[Journal]:
    """Open the folder of a study for this process alone.

    Parameters
    ----------
    folder : path
        Created if it does not exist.
    identity : mapping
        What all runs in the folder have in common; see `benchmarks.study.settings.identity`.

    Raises
    ------
    StudyInUseError
        If another process has it open.
    OtherStudyError
        If its identity is different.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with locked(folder / "study.lock"):
            _check_identity(folder / "study.json", identity)
            yield Journal(folder / "journal.jsonl")
    except BlockingIOError:
        raise StudyInUseError(
            f"{folder} is in use by another study; wait for it to end, or choose another folder"
        ) from None


def _check_identity(path: Path, identity: Mapping[str, Any]) -> None:
    if not path.exists():
        replace_file(path, [json.dumps(identity, indent=1).encode()])
        return
    try:
        stored = _flat(json.loads(path.read_text()))
    except (ValueError, AttributeError):
        raise OtherStudyError(f"{path} is not the description of a study; choose another folder") from None
    here = _flat(identity)
    different = sorted(key for key in stored.keys() | here.keys() if stored.get(key) != here.get(key))
    if different:
        described = ", ".join(
            f"{key} ({_short(stored.get(key))} there, {_short(here.get(key))} here)" for key in different[:MAX_NAMED]
        )
        more = f" and {len(different) - MAX_NAMED} more" if len(different) > MAX_NAMED else ""
        raise OtherStudyError(
            f"{path.parent} holds a study that differs in {described}{more}; choose another folder, or run it as it was"
        )


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one, with keys such as ``"setting.epochs"``."""
    flat: dict[str, Any] = {}
    for key, entry in value.items():
        flat |= _flat(entry, f"{prefix}{key}.") if isinstance(entry, Mapping) else {f"{prefix}{key}": entry}
    return flat


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
