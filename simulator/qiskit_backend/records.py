"""Records of runs on disk: the job of each part, and the results that have arrived. They hold no credentials."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import BackendError, RunLockedError
from simulator.files import locked, replace_file

__all__ = ["PartRecord", "Results", "RunRecord", "new_run_folder"]

Results = dict[str, NDArray[np.generic]]

FORMAT = 1


@dataclass
class PartRecord:
    """One job of a run.

    Parameters
    ----------
    state : {"new", "sending", "sent", "done", "failed"}
        ``"sending"``: the job was about to be sent when this was written; only the backend knows whether it was sent.
    job_id, tag : str
        If the backend has tags, the tag finds a job whose id was lost.
    attempts : int
        Number of attempts to send the job.
    message : str
        Reason of a failure.
    sha256 : str
        Checksum of the file with the results; empty in records of version 0.1.0.
    """

    state: str = "new"
    job_id: str = ""
    tag: str = ""
    attempts: int = 0
    message: str = ""
    sha256: str = ""


STATES = ("new", "sending", "sent", "done", "failed")


def _part(entry: Any) -> PartRecord:
    """Read a part, and check it, because people may have edited the file."""
    part = PartRecord(**entry)
    for field in fields(part):
        value = getattr(part, field.name)
        if type(value) is not type(field.default):
            raise TypeError(f"{field.name} of a part is {value!r}, expected {type(field.default).__name__}")
    if part.state not in STATES:
        raise ValueError(f"state of a part is {part.state!r}, expected one of {', '.join(STATES)}")
    return part


class RunRecord:
    """A folder for one run, named by a digest of the request, so that the same request finds it again.

    Parameters
    ----------
    folder : Path
        Folder of runs, in which this run gets a subfolder.
    digest : str
        Digest of the request.
    backend : str
        Name of the backend.
    num_parts : int
        Number of jobs.

    Raises
    ------
    BackendError
        If the folder cannot be written, or its content is damaged.
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
        """Lock the run and read its record. The lock ends with the process, however that ends."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self.path / "run.lock"))
            except BlockingIOError:
                raise RunLockedError(
                    f"{self.path}: another process works on this run; wait for it, or use another folder"
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
            raise BackendError(f"{file}: damaged ({error!r}); it may still contain readable job ids") from None
        if data != self._head or len(parts) != len(self.parts):
            raise BackendError(f"{file}: belongs to another run or another version of this library: {data}")
        self.parts = parts

    def save(self) -> None:
        """Write the state of all parts; after a crash, the file is either the old or the new one."""
        data = self._head | {"parts": [asdict(part) for part in self.parts]}
        replace_file(self.path / "run.json", [json.dumps(data, indent=1).encode()])

    def store(self, number: int, results: Results) -> None:
        """Store the results of a part."""
        buffer = io.BytesIO()
        np.savez(buffer, **results)  # type: ignore[arg-type]
        replace_file(self._results(number), [buffer.getvalue()])
        part = self.parts[number]
        part.state, part.message, part.sha256 = "done", "", hashlib.sha256(buffer.getvalue()).hexdigest()
        self.save()

    def results(self, number: int) -> Results | None:
        """Return the results of a part; None if it is not finished, or its file is damaged."""
        part = self.parts[number]
        if part.state != "done":
            return None
        try:
            content = self._results(number).read_bytes()
            if part.sha256 not in ("", hashlib.sha256(content).hexdigest()):
                raise ValueError("the checksum differs")
            # from a path, np.load would leave a damaged file open
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                return dict(file.items())
        except Exception:  # a damaged archive may raise anything
            # the job's id is still known, so its results are requested again
            part.state = "sent"
            return None

    def _results(self, number: int) -> Path:
        return self.path / f"part-{number}.npz"

    def remove(self) -> None:
        """Delete the files of the run, and the folders that become empty."""
        for file in self.path.iterdir():
            file.unlink(missing_ok=True)
        self.path.rmdir()
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def new_run_folder(folder: Path) -> Path:
    """Create a folder for a run without ``resume=``, inside ``folder``.

    Raises
    ------
    BackendError
        If it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    except OSError as error:
        raise BackendError(
            f"jobs cannot be recorded in {folder} ({error.strerror}); give QiskitBackend(..., folder=...)"
        ) from error
