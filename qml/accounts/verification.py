"""Verification of a decision log, and reading of the decisions in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from qml.accounts.chain import FIRST, DecisionLogError, first_entry, parse
from qml.accounts.digests import Salt, rows_of
from qml.assessment.report import Block, Items, Paragraph, terminal
from simulator.display import Preformatted
from simulator.errors import counted
from simulator.files import check_regular

__all__ = ["Verification", "decisions", "verify"]

SHOWN = 20
"""Maximum number of findings in the text."""

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Verification(Preformatted):
    """What the verification of a log found; ``print`` it.

    Attributes
    ----------
    path : str
    lines, decisions : int
        Whole lines, and those among them that hold a decision.
    model : str
        Digest of the model.
    head : str
        Hash of the last whole line.
    head_line : int or None
        Line whose hash is the one kept elsewhere.
    first_time, last_time : str
    findings : tuple of str
        What shows that the log was changed; empty if it is intact.
    notes : tuple of str
        Torn lines, clocks that went back, lines after the head that was kept.
    """

    path: str
    lines: int
    decisions: int
    model: str
    head: str
    head_line: int | None
    first_time: str
    last_time: str
    findings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing shows that the log was changed."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        return asdict(self) | {"intact": self.intact, "findings": list(self.findings), "notes": list(self.notes)}

    def blocks(self) -> list[Block]:
        """Return the result as blocks of `qml.assessment.report`."""
        span = f", from {self.first_time} to {self.last_time}" if self.lines else ""
        head = f"{self.path}: {counted(self.lines, 'line')}, {counted(self.decisions, 'decision')}{span}"
        blocks: list[Block] = [Items((head, f"model {self.model}", f"head  {self.head}"))]
        if self.findings:
            more = len(self.findings) - SHOWN
            findings = [f"* {finding}" for finding in self.findings[:SHOWN]] + (
                [f"* and {more} more"] if more > 0 else []
            )
            blocks.append(Items((f"CHANGED: {counted(len(self.findings), 'finding')}.", *findings)))
        elif self.head_line is None:
            blocks.append(
                Paragraph(
                    "Intact as far as the log itself can show: each line agrees with the next. That nothing was cut "
                    "from its end, or all of it rewritten, shows only the head kept elsewhere (--head)."
                )
            )
        else:
            text = f"Intact: every line up to the head that was kept, line {self.head_line}, is as it was written."
            blocks.append(Paragraph(text))
        return [*blocks, *([Items(tuple(f"- {note}" for note in self.notes))] if self.notes else [])]

    def __str__(self) -> str:
        return terminal(self.blocks()).rstrip("\n")


def verify(path: str | os.PathLike[str], head: str | os.PathLike[str] | None = None) -> Verification:
    """Check that each line of a log is the one that the next line vouches for.

    Changed, deleted, inserted and reordered lines are found by the log alone, except at its end: what vouches for the
    last line, and against cutting or rewriting the whole, is a head kept elsewhere.

    Parameters
    ----------
    path : path
    head : str or path, optional
        Hash of a line that was the last one at some time, or the file to which `DecisionLog` wrote it.

    Raises
    ------
    DecisionLogError
        If there is no such file, or it is empty, or ``head`` is not a hash nor a file with one.
    """
    name = os.fspath(path)
    if check_regular(path) is None:
        raise DecisionLogError(f"there is no log {name}")
    kept_head, kept_line = (None, None) if head is None else _kept_head(head)
    findings: list[str] = []
    notes: list[str] = []
    number = lines = count = 0
    expected, latest, first_time, model = FIRST, "", "", ""
    head_line = torn = None
    with open(path, "rb") as file:
        for raw in file:
            if not raw.endswith(b"\n"):
                notes.append(
                    f"the last line is torn after {len(raw)} bytes: a process was killed while writing it; its "
                    "prediction was not returned"
                )
                break
            line = raw[:-1]
            lines += 1
            entry = parse(line)
            if torn is not None:
                if entry is not None and entry["kind"] == "torn" and entry.get("torn") == torn:
                    notes.append(f"line {torn} is torn: a process was killed while writing it")
                else:
                    findings.append(f"line {torn} cannot be read, and the next line does not say that it was torn")
                torn = None
            if entry is None:
                number += 1
                torn = number
            else:
                if entry["previous"] != expected:
                    findings.append(_broken(number, entry["line"]))
                elif entry["line"] != number + 1:
                    findings.append(f"line {number + 1} is numbered {entry['line']}")
                number = entry["line"]
                kind = entry["kind"]
                if kind == "decision":
                    count += 1
                if kind != "torn":
                    model = model or str(entry.get("model"))
                    if entry.get("model") != model:
                        findings.append(f"line {number} is of another model, {entry.get('model')}")
                moment = entry["time"]
                if moment < latest:
                    notes.append(f"line {number}: the clock went back, from {latest} to {moment}")
                first_time, latest = first_time or moment, moment
            expected = sha256(line).hexdigest()
            if expected == kept_head:
                head_line = number
    if not lines:
        raise DecisionLogError(f"{name} is not a decision log: it has no whole line")
    if torn is not None:
        findings.append(f"line {torn}, the last one, cannot be read")
    if kept_head is not None and head_line is None:
        where = "" if kept_line is None else f", that of line {kept_line},"
        findings.append(
            f"the head kept elsewhere{where} is not that of any line; the log ends with line {number}: lines were cut "
            "from its end, or changed"
        )
    elif head_line is not None and head_line != number:
        notes.append(f"{counted(number - head_line, 'line')} follow the head that was kept; keep the new one")
    return Verification(
        name, lines, count, model, expected, head_line, first_time, latest, tuple(findings), tuple(notes)
    )


def decisions(
    path: str | os.PathLike[str], X: Any = None, *, salt: bytes | str | os.PathLike[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Iterate over the decisions of a log, or over those on given rows.

    Parameters
    ----------
    path : path
    X : array-like, shape (n_rows, n_features), optional
        Rows as the model got them (of a `TableModel`, its ``features``); decisions on other rows are left out.
    salt : bytes or path, optional
        As for `DecisionLog`; needed to find rows.

    Yields
    ------
    dict
        Entries of a line.

    Raises
    ------
    DecisionLogError
        If the file is not a decision log, where rows are given.
    SaltError
        If its salt is not the one with which the log began.
    """
    wanted = None
    with open(path, "rb") as file:
        if X is not None:
            secret = Salt.of(path, salt, new=False)
            secret.check_log(first_entry(file.fileno(), os.fspath(path)), path)
            wanted = {secret.digest(row) for row in rows_of(X)[0]}
            file.seek(0)
        for raw in file:
            entry = parse(raw[:-1]) if raw.endswith(b"\n") else None
            if entry is not None and entry["kind"] == "decision" and (wanted is None or entry.get("input") in wanted):
                yield entry


def _broken(number: int, following: int) -> str:
    """Say what breaks the chain between line ``number`` and the line that follows, numbered ``following``."""
    if following == number + 1:
        return (
            f"line {number} was changed after line {following} was written" if number else "line 1 does not begin a log"
        )
    if following > number + 1:
        missing = f"line {number + 1} is" if following == number + 2 else f"lines {number + 1} to {following - 1} are"
        return f"{missing} missing"
    return f"line {following} stands behind line {number}: lines were put in another order, or repeated"


def _kept_head(head: str | os.PathLike[str]) -> tuple[str, int | None]:
    if isinstance(head, str) and _HASH.fullmatch(head.strip().lower()):
        return head.strip().lower(), None
    try:
        words = Path(head).read_text("ascii").split()
    except (OSError, UnicodeError):
        words = []
    if not words or not _HASH.fullmatch(words[-1]):
        raise DecisionLogError(
            f"expected a head, 64 hexadecimal digits, or a file that holds one, got {os.fspath(head)!r}"
        )
    return words[-1], int(words[0]) if len(words) == 2 and words[0].isdigit() else None
