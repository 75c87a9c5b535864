"""What is on disk of a run: which job does which part, and what has come back. Never credentials."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import BackendError, RunLockedError
from simulator.files import locked, replace_file

__all__ = ["PartRecord", "RunRecord"]

Results = dict[str, NDArray[np.generic]]

FORMAT = 1


@dataclass
class PartRecord:
    """One job of a run.

    Parameters
    ----------
    state : {"new", "sending", "sent", "done", "failed"}
        ``"sending"``: the job was about to be sent when this was written; whether it was, only the backend knows.
    job_id, tag : str
        The tag is given to the job where the backend has tags, so that a job whose id was lost can be found.
    attempts : int
    message : str
        Why it failed.
    sha256 : str
        Checksum of the file of its results; empty in records of version 0.1.0.
    """

    state: str = "new"
    job_id: str = ""
    tag: str = ""
    attempts: int = 0
    message: str = ""
    sha256: str = ""


STATES = ("new", "sending", "sent", "done", "failed")


def _part(entry: Any) -> PartRecord:
    """A part as it was written; a file that people may have edited is checked."""
    part = PartRecord(**entry)
    for field in fields(part):
        value = getattr(part, field.name)
        if type(value) is not type(field.default):
            raise TypeError(f"{field.name} of a part is {value!r}")
    if part.state not in STATES:
        raise ValueError(f"state of a part is {part.state!r}, expected one of {', '.join(STATES)}")
    return part


class RunRecord:
    """A folder for one run, named by a digest of all that was asked; whoever asks the same finds it.

    Parameters
    ----------
    folder : Path
        Of runs; this one gets a folder in it.
    digest : str
    backend : str
    num_parts : int

    Raises
    ------
    BackendError
        If the folder cannot be written, or what is in it is damaged.
    """

    def __init__(self, folder: Path, digest: str, backend: str, num_parts: int) -> None:
        self.folder, self.path = folder, folder / digest[:16]
        self._head = {"format": FORMAT, "digest": digest, "backend": backend}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BackendError(f"{self.path}: jobs cannot be recorded there: {error.strerror}") from error
        self.parts = [PartRecord() for _ in range(num_parts)]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run; what another process left is read. The lock goes with the process, however it ends."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self.path / "run.lock"))
            except BlockingIOError:
                raise RunLockedError(
                    f"{self.path}: another process is at work on this run; wait for it, or give another folder"
                ) from None
            except OSError as error:
                raise BackendError(f"{self.path}: jobs cannot be recorded there: {error.strerror}") from error
            self._read()
            yield

    def _read(self) -> None:
        file = self.path / "run.json"
        if not file.exists():
            return
        try:
            data = json.loads(file.read_bytes())
            if not isinstance(data, dict):
                raise TypeError(f"expected a JSON object, got {type(data).__name__}")
            parts = [_part(entry) for entry in data.pop("parts")]
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise BackendError(f"{file}: damaged ({error!r}); job ids may still be legible in it") from None
        if data != self._head or len(parts) != len(self.parts):
            raise BackendError(f"{file}: belongs to another run, or another version of this library: {data}")
        self.parts = parts

    def save(self) -> None:
        """Write the state of all parts; a crash leaves the old or the new file, never half of one."""
        data = self._head | {"parts": [asdict(part) for part in self.parts]}
        replace_file(self.path / "run.json", [json.dumps(data, indent=1).encode()])

    def keep(self, number: int, results: Results) -> None:
        """Store what a part came back with."""
        buffer = io.BytesIO()
        np.savez(buffer, **results)  # type: ignore[arg-type]
        replace_file(self._results(number), [buffer.getvalue()])
        part = self.parts[number]
        part.state, part.message, part.sha256 = "done", "", hashlib.sha256(buffer.getvalue()).hexdigest()
        self.save()

    def results(self, number: int) -> Results | None:
        """What a finished part came back with; None if there is no such, or its file is damaged."""
        part = self.parts[number]
        if part.state != "done":
            return None
        try:
            content = self._results(number).read_bytes()
            if part.sha256 not in ("", hashlib.sha256(content).hexdigest()):
                raise ValueError("not what was written")
            with np.load(io.BytesIO(content), allow_pickle=False) as file:  # of a path, it leaves a damaged one open
                return dict(file.items())
        except Exception:  # a damaged archive may fail in any way
            # the job is still known by its id: ask for its results again
            part.state = "sent"
            return None

    def _results(self, number: int) -> Path:
        return self.path / f"part-{number}.npz"

    def remove(self) -> None:
        """Delete the run's files; of the folders, those that become empty."""
        for file in self.path.iterdir():
            file.unlink(missing_ok=True)
        self.path.rmdir()
        with contextlib.suppress(OSError):
            self.folder.rmdir()
