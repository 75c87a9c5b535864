"""What is on disk of a run: which job does which part, and what has come back. Never credentials."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.errors import BackendError, RunLockedError

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
    """

    state: str = "new"
    job_id: str = ""
    tag: str = ""
    attempts: int = 0
    message: str = ""


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
        If the folder can not be written, or what is in it is damaged.
    """

    def __init__(self, folder: Path, digest: str, backend: str, num_parts: int) -> None:
        self.folder, self.path = folder, folder / digest[:16]
        self._head = {"format": FORMAT, "digest": digest, "backend": backend}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BackendError(f"{self.path}: jobs can not be recorded there: {error.strerror}") from error
        self.parts = [PartRecord() for _ in range(num_parts)]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run; what another process left is read. The lock goes with the process, however it ends."""
        with open(self.path / "run.lock", "a+b") as file:
            try:
                _lock(file.fileno())
            except OSError:
                raise RunLockedError(
                    f"{self.path}: another process is at work on this run; wait for it, or give another folder"
                ) from None
            self._read()
            yield

    def _read(self) -> None:
        file = self.path / "run.json"
        if not file.exists():
            return
        try:
            data = json.loads(file.read_bytes())
            parts = [PartRecord(**part) for part in data.pop("parts")]
        except (ValueError, TypeError, KeyError) as error:
            raise BackendError(f"{file}: damaged ({error}); job ids may still be legible in it") from None
        if data != self._head or len(parts) != len(self.parts):
            raise BackendError(f"{file}: belongs to another run, or another version of this library: {data}")
        self.parts = parts

    def save(self) -> None:
        """Write the state of all parts; a crash leaves the old or the new file, never half of one."""
        data = self._head | {"parts": [asdict(part) for part in self.parts]}
        _replace(self.path / "run.json", json.dumps(data, indent=1).encode())

    def keep(self, number: int, results: Results) -> None:
        """Store what a part came back with."""
        buffer = io.BytesIO()
        np.savez(buffer, **results)  # type: ignore[arg-type]
        _replace(self._results(number), buffer.getvalue())
        self.parts[number].state, self.parts[number].message = "done", ""
        self.save()

    def results(self, number: int) -> Results | None:
        """What a finished part came back with; None if there is no such, or its file is damaged."""
        if self.parts[number].state != "done":
            return None
        try:
            # read first: np.load leaves a damaged file open
            content = io.BytesIO(self._results(number).read_bytes())
            with np.load(content, allow_pickle=False) as file:
                return dict(file.items())
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            # the job is still known by its id: ask for its results again
            self.parts[number].state = "sent"
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


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _lock(descriptor: int) -> None:
    """Lock an open file for this process, or raise an OSError if another has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
