"""Append-only log of the decisions of one model."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from platform import python_version
from typing import TYPE_CHECKING, Any, Literal, Self

from qml.accounts.chain import FORMAT, DecisionLogError, Tail, encode, first_entry, line_hash, now, tail
from qml.accounts.digests import Salt, feature_names, model_digest, plain_rows, rows_of
from qml.accounts.logged import LoggedModel
from qml.tables import TableModel
from simulator.errors import QumbaError
from simulator.files import check_regular, waiting_lock
from simulator.version import installed_versions

if TYPE_CHECKING:
    from qml.explain import Explanation

__all__ = ["DecisionLog", "LogMismatchError"]

PACKAGES = ("qumba", "numpy", "scikit-learn")
OPEN_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class LogMismatchError(QumbaError, ValueError):
    """The log is that of another model, or its salt is another."""


class DecisionLog:
    """Append-only log of decisions: JSON lines, each with the hash of the line before.

    Several processes may append to one log, each with a `DecisionLog` of its own; a lock puts their lines in order. A
    prediction is returned after its line has been handed to the operating system, so that killing the process loses
    nothing that was returned; if the line cannot be written, the prediction is withheld.

    Parameters
    ----------
    path : path
        The log, created if necessary; an existing one is continued.
    model : fitted estimator or TableModel
        A log is for one model; its digest is in every line.
    inputs : {"digest", "clear"}
        Whether a line holds the salted digest of the input only, or its values as well.
    probability : bool, optional
        Whether ``predict`` logs probabilities too, which calls the model twice. By default where the model gives them,
        unless it runs on a backend.
    explain : Explanation or callable, optional
        What is logged with each prediction: its Shapley values, for the background of an `Explanation` of the model,
        which cost as many predictions as `shapley_values` takes; or what a function of X returns for each row, of
        numbers, text, lists and dicts.
    salt : bytes or path, optional
        Secret salt of the digests, or the file that holds it in hexadecimal digits; by default the file
        ``<path>.salt``, which is created with a new log, for its owner only.
    head : path, optional
        File that receives the number and hash of the last line after each call: on another disk or machine, it proves
        that nothing was cut off or rewritten.
    sync : bool
        Whether each call waits until its lines are on the disk, so that not even a power failure loses one.

    Attributes
    ----------
    head : str
        Hash of the last line that this object has seen.
    lines : int
        Its number.

    Raises
    ------
    LogMismatchError
        If the log is that of another model, or its salt is another.
    DecisionLogError
        If the file is not a decision log or cannot be written, or the file of the head holds something else.
    ValueError
        If ``explain`` explains another model.
    NotAFileError
        If the path is not that of a regular file.

    References
    ----------
    Haber and Stornetta, How to time-stamp a digital document, J. Cryptology 3 (1991) 99; Crosby and Wallach, Efficient
    data structures for tamper-evident logging, USENIX Security (2009).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        model: Any,
        *,
        inputs: Literal["digest", "clear"] = "digest",
        probability: bool | None = None,
        explain: Explanation | Callable[[Any], Sequence[Any]] | None = None,
        salt: bytes | str | os.PathLike[str] | None = None,
        head: str | os.PathLike[str] | None = None,
        sync: bool = False,
    ) -> None:
        if inputs not in ("digest", "clear"):
            raise ValueError(f"inputs expects 'digest' or 'clear', got {inputs!r}")
        if not hasattr(model, "predict"):
            raise TypeError(f"model expects a fitted estimator, got {model!r}")
        self.path, self.model, self.sync = os.fspath(path), model, sync
        self.digest = model_digest(model)
        self.probability = getattr(model, "backend", None) is None if probability is None else probability
        self._clear, self._explain = inputs == "clear", _explainer(model, explain)
        self._head_path = None if head is None else os.fspath(head)
        self._thread = threading.Lock()
        check_regular(self.path)
        if self._head_path is not None:
            check_regular(self._head_path)
        self._tail = Tail()
        self._descriptor: int | None = None
        self._head_descriptor: int | None = None
        self._open()
        try:
            self._begin(salt)
        except BaseException:
            self.close()
            raise

    def wrap(self, model: Any = None) -> LoggedModel:
        """Return an estimator whose ``predict``, ``predict_proba`` and ``decision_function`` log each row.

        Parameters
        ----------
        model : estimator, optional
            The log's own model, or a copy of it.

        Raises
        ------
        LogMismatchError
            If it is another model.
        """
        model = self.model if model is None else model
        if model is not self.model:
            self._check_model(self.digest, model_digest(model))
        return LoggedModel(model, self)

    def features(self, X: Any) -> Any:
        """Return what the model sees of a table: the features of a `TableModel`, otherwise ``X`` itself."""
        return self.model.features(X) if isinstance(self.model, TableModel) else X

    def digests(self, X: Any) -> list[str]:
        """Return the salted digest of each row of ``X``, as it stands in the log."""
        return [self._salt.digest(row) for row in rows_of(self.features(X))[0]]

    def append(self, method: str, X: Any, **results: Any) -> None:
        """Write one line for each row of ``X``.

        Parameters
        ----------
        method : str
            The method that computed the results.
        X : array-like, shape (n_rows, n_features)
            Features.
        **results
            Arrays or sequences of one entry per row, such as ``prediction`` and ``probability``.

        Raises
        ------
        DecisionLogError
            If the lines cannot be written.
        ValueError
            If the results are not one per row.
        """
        digested, values = rows_of(X)
        columns = {name: plain_rows(entries) for name, entries in results.items() if entries is not None}
        if self._explain is not None:
            columns["explanation"] = plain_rows(self._explain(X))
        for name, entries in columns.items():
            if len(entries) != len(digested):
                raise ValueError(f"{name}: expected one entry for each of {len(digested)} rows, got {len(entries)}")
        names = feature_names(self.model, X) if self._clear else None
        entries = []
        for row, data in enumerate(digested):
            entry: dict[str, Any] = {"method": method, "input": self._salt.digest(data)}
            if self._clear:
                values_of_row = plain_rows(values[row])
                entry["values"] = values_of_row if names is None else dict(zip(names, values_of_row, strict=True))
            entries.append(entry | {name: column[row] for name, column in columns.items()})
        if entries:
            with self._held() as end:
                self._write(*self._lines(end, f'"kind":"decision",{self._fixed}', entries))

    @property
    def head(self) -> str:
        """Hash of the last line that this object has seen: keep it where the log's owner cannot change it."""
        return self._tail.head

    @property
    def lines(self) -> int:
        """Number of the last line that this object has seen."""
        return self._tail.lines

    def close(self) -> None:
        """Wait until everything is on the disk, and close the file."""
        for descriptor in (self._descriptor, self._head_descriptor):
            if descriptor is not None:
                with contextlib.suppress(OSError):
                    os.fsync(descriptor)
                os.close(descriptor)
        self._descriptor = self._head_descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> Any:
        raise TypeError("a DecisionLog cannot be copied to another process: open the same path there")

    def __repr__(self) -> str:
        return f"DecisionLog({self.path!r}, {self.lines} lines)"

    def _open(self) -> None:
        self._process = os.getpid()
        try:
            self._descriptor = os.open(self.path, OPEN_FLAGS, 0o600)
            if self._head_path is not None:
                flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
                self._head_descriptor = os.open(self._head_path, flags, 0o600)
        except OSError as error:
            raise DecisionLogError(f"{error.filename}: {(error.strerror or str(error)).lower()}") from error

    def _begin(self, salt: bytes | str | os.PathLike[str] | None) -> None:
        """Check an existing log, or begin a new one; write the line that says so."""
        name = type(self.model.estimator if isinstance(self.model, TableModel) else self.model).__name__
        qumba = _versions().get("qumba", "unknown")
        self._fixed = f'"model":{encode(self.digest)},"version":{encode(qumba)},'
        with self._held() as end:
            self._salt = Salt.of(self.path, salt, new=end.lines == 0)
            if end.lines:
                first = first_entry(self._descriptor or 0, self.path)
                self._check_model(first["model"], self.digest)
                self._salt.check_log(first, self.path)
                self._check_head(end)
            entry = {"format": FORMAT, "class": name, "salt": self._salt.check, "versions": _versions()}
            self._write(*self._lines(end, f'"kind":"open",{self._fixed}', [entry]))

    def _check_model(self, expected: str, digest: str) -> None:
        if digest != expected:
            raise LogMismatchError(
                f"{self.path} is the log of the model {expected}, this one is {digest}: "
                "a log is for one model, give each a path of its own"
            )

    def _check_head(self, end: Tail) -> None:
        """Raise if the log is behind the head that is kept elsewhere."""
        if self._head_descriptor is None:
            return
        os.lseek(self._head_descriptor, 0, os.SEEK_SET)
        data = os.read(self._head_descriptor, 200)
        if not data:  # a new file
            return
        kept = Tail.of_head(data)
        if kept is None:
            raise DecisionLogError(
                f"{self._head_path} is damaged, or not the head of a log: see what `qumba log verify` says about the "
                "log, and remove this file or give another"
            )
        if kept.lines > end.lines or (kept.lines == end.lines and kept.head != end.head):
            raise DecisionLogError(
                f"{self.path} was cut or changed: its head in {self._head_path} is line {kept.lines}, "
                f"{kept.head[:12]}..., the log ends with line {end.lines}, {end.head[:12]}...; see what `qumba log "
                "verify` says"
            )

    @contextlib.contextmanager
    def _held(self) -> Iterator[Tail]:
        """Hold the lock, and return the end of the log, which other processes may have moved."""
        with self._thread:
            if self._descriptor is None:
                raise DecisionLogError(f"{self.path}: this log is closed, the prediction is withheld")
            if os.getpid() != self._process:  # a fork shares the lock of its parent
                self._open()
            with waiting_lock(self._descriptor):
                size = os.fstat(self._descriptor).st_size
                if size < self._tail.size:
                    raise DecisionLogError(
                        f"{self.path} is shorter than it was: somebody cut it; the prediction is withheld"
                    )
                if size > self._tail.size:
                    self._tail = tail(self._descriptor, size, self.path)
                    if self._tail.torn:
                        self._end_torn_line()
                yield self._tail

    def _end_torn_line(self) -> None:
        """Make the torn last line of a killed process a line, and record that it is torn."""
        end = self._tail
        if end.lines == 0:
            raise DecisionLogError(f"{self.path} is not a decision log: its only line is not whole; use another path")
        torn = Tail(end.size + 1, end.lines + 1, line_hash(end.torn))
        data, after = self._lines(torn, '"kind":"torn",', [{"torn": torn.lines}])
        self._write(b"\n" + data, after)

    def _lines(self, end: Tail, fixed: str, entries: Sequence[dict[str, Any]]) -> tuple[bytes, Tail]:
        """Return lines that follow the end of the log, and the end after them."""
        number, head, moment, lines = end.lines, end.head, now(), []
        for entry in entries:
            number += 1
            line = f'{{"line":{number},"previous":"{head}","time":"{moment}",{fixed}{encode(entry)[1:]}'.encode()
            head = line_hash(line)
            lines.append(line)
        data = b"\n".join(lines) + b"\n"
        return data, Tail(end.size + len(data), number, head)

    def _write(self, data: bytes, end: Tail) -> None:
        """Append lines, after which the log has this end, or leave the file as it was."""
        assert self._descriptor is not None
        start = end.size - len(data)
        try:
            unwritten = memoryview(data)
            while unwritten:
                unwritten = unwritten[os.write(self._descriptor, unwritten) :]
            if self.sync:
                os.fsync(self._descriptor)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, start)
            if not isinstance(error, OSError):
                raise
            reason = (error.strerror or str(error)).lower()
            raise DecisionLogError(f"{self.path}: {reason}; the prediction is withheld") from error
        self._tail = end
        if self._head_descriptor is not None:
            self._write_head(end)

    def _write_head(self, end: Tail) -> None:
        assert self._head_descriptor is not None
        try:
            os.lseek(self._head_descriptor, 0, os.SEEK_SET)
            os.write(self._head_descriptor, end.as_head())
            if self.sync:
                os.fsync(self._head_descriptor)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise DecisionLogError(f"{self._head_path}: {reason}; the prediction is withheld") from error


def _explainer(model: Any, explain: Any) -> Callable[[Any], Sequence[Any]] | None:
    if explain is None or callable(explain):
        return explain
    from qml.accounts.explanations import row_explainer

    return row_explainer(model, explain)


def _versions() -> dict[str, str]:
    return {"python": python_version()} | installed_versions(PACKAGES)
