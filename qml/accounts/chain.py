"""Lines of a decision log: JSON objects, each with the hash of the line before.

The hash of a line is the SHA-256 digest of its bytes without the line feed, the previous line's hash included::

    {"line":1,"previous":"000...","time":"2026-11-29T14:05:00.123456+00:00","kind":"open",...}
    {"line":2,"previous":"3f9a...","time":"2026-11-29T14:05:00.130211+00:00","kind":"decision",...}

Kinds are ``open`` (a process opened the log), ``decision``, and ``torn`` (the line before is the torn last line of a
process that was killed while it wrote; its bytes are hashed like those of any line).
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from simulator.errors import QumbaError

__all__ = ["FIRST", "FORMAT", "DecisionLogError", "Tail", "encode", "first_entry", "line_hash", "now", "parse", "tail"]

FORMAT = 1
"""Version of the lines, in the line that opens a log."""

FIRST = "0" * 64
"""The previous hash of the first line."""

STEP = 1 << 16
"""Bytes that are read at a time, from the end backwards, to find the last line."""


class DecisionLogError(QumbaError, OSError):
    """A decision log cannot be written, or is not one; the prediction is withheld."""


@dataclass(frozen=True)
class Tail:
    """The end of a log.

    Attributes
    ----------
    size : int
        Bytes of the file.
    lines : int
        Number of the last whole line.
    head : str
        Its hash, 64 hexadecimal digits.
    torn : bytes
        What stands behind the last line feed.
    """

    size: int = 0
    lines: int = 0
    head: str = FIRST
    torn: bytes = b""

    def as_head(self) -> bytes:
        """Return what the file of the head holds: the number of the last line, and its hash."""
        return f"{self.lines:020d} {self.head}\n".encode()

    @classmethod
    def of_head(cls, data: bytes) -> Tail | None:
        """Return the number and the hash that `as_head` wrote, without a size; None if this is something else."""
        kept = _HEAD.fullmatch(data)
        return None if kept is None else cls(lines=int(kept[1]), head=kept[2].decode())


_HEAD = re.compile(rb"([0-9]{20,}) ([0-9a-f]{64})\n")


encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode
"""Compact JSON text, ASCII only, so that a line is one line whatever a label holds."""


def line_hash(line: bytes) -> str:
    """Return the hash of a line, which is given without its line feed."""
    return sha256(line).hexdigest()


def now() -> str:
    """Return the time of the system's clock, in UTC with microseconds."""
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="microseconds")


def parse(line: bytes) -> dict[str, Any] | None:
    """Return the entries of a line, or None if it is not a line of a log."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):  # also bytes that are not UTF-8
        return None
    if not isinstance(entry, dict) or type(entry.get("line")) is not int:
        return None
    return entry if all(isinstance(entry.get(name), str) for name in ("previous", "time", "kind")) else None


def first_entry(descriptor: int, path: str) -> dict[str, Any]:
    """Return the entries of the first line of a log.

    Raises
    ------
    DecisionLogError
        If the file is not a decision log of this version.
    """
    os.lseek(descriptor, 0, os.SEEK_SET)
    data = b""
    while b"\n" not in data and (piece := os.read(descriptor, STEP)):
        data += piece
    entry = parse(data.split(b"\n")[0])
    if entry is None or entry["kind"] != "open" or "model" not in entry:
        raise DecisionLogError(f"{path} is not a decision log: give the path of one, or of a file that does not exist")
    if entry.get("format") != FORMAT:
        raise DecisionLogError(
            f"{path} has format {entry.get('format')!r}, this version knows {FORMAT}: use a new path"
        )
    return entry


def tail(descriptor: int, size: int, path: str) -> Tail:
    """Read the last line of a log.

    Parameters
    ----------
    descriptor : int
        Of the file, whose lock is held.
    size : int
        Bytes of the file.
    path : str
        For errors.
    """
    data, start = b"", size
    while start > 0 and data.count(b"\n") < 2:
        step = min(STEP, start)
        start -= step
        os.lseek(descriptor, start, os.SEEK_SET)
        data = _read(descriptor, step) + data
    *whole, torn = data.split(b"\n")
    if not whole:
        return Tail(size, 0, FIRST, torn)
    entry = parse(whole[-1])
    if entry is None:
        raise DecisionLogError(f"{path}: its last line cannot be read; see what `qumba log verify {path}` says")
    return Tail(size, entry["line"], line_hash(whole[-1]), torn)


def _read(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count and (piece := os.read(descriptor, count - len(data))):
        data += piece
    return data
