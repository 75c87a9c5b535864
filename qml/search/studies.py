"""Studies of Optuna, in memory or in a file that survives ``kill -9``; the only file that imports Optuna."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

try:
    import optuna
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState
except ImportError as error:
    raise ImportError("a search needs Optuna: pip install 'qumba[search]'") from error

from qml.files.container import DamagedFileError, ModelFileError
from qml.search.evaluation import FAILED, PRUNED, Outcome, Reporter
from qml.search.families import Kind
from qml.search.records import TrialRecord, packed, unpacked
from simulator.errors import QumbaError
from simulator.files import beside, check_regular, locked
from simulator.names import choose

__all__ = ["PRUNERS", "KindStudy", "StudyLockedError", "StudyMismatchError", "new_pruner", "open_storage"]

STARTUP_TRIALS = 10
"""Number of trials after which a sampler models the space; before, it draws at random."""

MODELLED_ATTEMPTS = 5
"""Number of draws that repeat earlier trials after which one is drawn at random."""

PRUNERS = ("median", "halving")

LINE_START = b'{"op_code":'
"""Beginning of the lines of a journal."""

CHECKSUM, CHECKSUM_DIGITS = b',"sha256":"%s"}', 16
CHECKSUM_AT_END = re.compile(CHECKSUM % b"([0-9a-f]{%d})" % CHECKSUM_DIGITS + rb"\n\Z")

ATTRIBUTE = "qumba"
"""Name under which a trial or a study stores what is not Optuna's."""


class StudyMismatchError(QumbaError, ValueError):
    """The study belongs to another search: other data, folds, models, objectives or seed."""


class StudyLockedError(QumbaError, RuntimeError):
    """Another process is searching with the same study."""


class _Journal(JournalFileBackend):
    """Journal that one process writes: it waits for the disk at the end of a trial, not after each of its lines.

    Lines survive the end of the process as soon as they are written. Each ends with the checksum of all before it and
    of its own other entries (`check_journal`), which Optuna ignores.
    """

    def __init__(self, path: str) -> None:
        self._path, self._digest = path, check_journal(Path(path))
        super().__init__(path)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        with open(self._path, "ab") as file:
            for log in logs:
                line = json.dumps(log, separators=(",", ":")).encode()
                self._digest.update(line)
                checked = line[:-1] + CHECKSUM % self._digest.hexdigest()[:CHECKSUM_DIGITS].encode() + b"\n"
                self._digest.update(checked)
                file.write(checked)
            file.flush()
            if any("state" in log for log in logs):
                os.fsync(file.fileno())


@contextlib.contextmanager
def open_storage(path: str | os.PathLike[str] | None) -> Iterator[Any]:
    """Open the journal of a study, or a storage in memory if there is no path, and lock it against other processes.

    Raises
    ------
    StudyLockedError
        If another process has the study open.
    ModelFileError
        If the file is not the journal of a study, or is damaged; it is not changed.
    OSError
        If the file cannot be written.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if path is None:
        yield optuna.storages.InMemoryStorage()
        return
    check_regular(path)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(beside(path, ".lock")))
        except BlockingIOError:
            raise StudyLockedError(
                f"{os.fspath(path)}: another process is searching with this study; wait for it, or give another path"
            ) from None
        journal = _Journal(os.fspath(path))
        try:
            storage = optuna.storages.JournalStorage(journal)
        except Exception as error:  # lines of earlier versions, without checksums, may hold anything
            raise ModelFileError(path, f"damaged, or not the file of a study: {error!r}") from error
        yield storage


def check_journal(path: Path) -> Any:
    """Check the lines of a journal, remove a torn last one, and return the digest to which the next line is added.

    A process that was killed while writing leaves a torn line. Lines without a checksum, of earlier versions or other
    programs, are covered by the checksum of the next line that has one.

    Raises
    ------
    DamagedFileError
        If a line is not one of a journal, or differs from what was written; the file is not changed.
    """
    digest = hashlib.sha256()
    with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
        size = 0
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n") and LINE_START[: len(line)] == line[: len(LINE_START)]:
                file.truncate(size)
                break
            if not _is_entry(line):
                raise DamagedFileError(path, f"damaged, or not the file of a study: line {number} is {line[:40]!r}")
            if checksum := CHECKSUM_AT_END.search(line):
                digest.update(line[: checksum.start()] + b"}")
                if digest.hexdigest()[:CHECKSUM_DIGITS].encode() != checksum[1]:
                    raise DamagedFileError(
                        path,
                        f"damaged: line {number}, or one before it, is not as it was written; give another path, or "
                        f"remove this line and those after it to go on from there",
                    )
            digest.update(line)
            size += len(line)
    return digest


def _is_entry(line: bytes) -> bool:
    """Whether a line is an entry of a journal of Optuna."""
    try:
        return line.endswith(b"\n") and type(json.loads(line)["op_code"]) is int
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def new_pruner(name: str | None, costs: bool) -> Any:
    """Return the pruner of a name; none where there are several objectives, which cannot be compared midway."""
    if name is None or costs:
        return optuna.pruners.NopPruner()
    if choose("pruner", name, PRUNERS) == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    return optuna.pruners.MedianPruner(n_startup_trials=5)


class KindStudy:
    """The trials of one kind of models, quantum or classical, with a sampler that sees no others.

    Parameters
    ----------
    storage : storage of Optuna
    name : str
        Name of the search; outer folds of a nested one have their own.
    kind : {"quantum", "classical"}
    identity : mapping of str to str
        What a stored study must agree with.
    costs : sequence of str
        Objectives besides the score.
    pruner : pruner of Optuna
    seed : int
    """

    def __init__(
        self,
        storage: Any,
        name: str,
        kind: Kind,
        identity: Mapping[str, str],
        costs: Any,
        pruner: Any,
        seed: int,
    ) -> None:
        self.kind: Kind = kind
        self._seed, self._pruner, self._prunes = seed, pruner, not costs
        self.study = optuna.create_study(
            study_name=f"{name} {kind}",
            storage=storage,
            directions=["maximize", *["minimize" for _ in costs]],
            pruner=pruner,
            load_if_exists=True,
        )
        self._check(identity)
        for _ in self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self.study.ask()  # enqueued by a process that was killed before it asked
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self.study.tell(trial.number, state=TrialState.FAIL)  # its process was killed

    def _check(self, identity: Mapping[str, str]) -> None:
        stored = self.study.user_attrs.get(ATTRIBUTE)
        if stored is None:
            self.study.set_user_attr(ATTRIBUTE, dict(identity))
            return
        different = [name for name in identity if stored.get(name) != identity[name]]
        if different:
            raise StudyMismatchError(
                f"the study belongs to another search: {', '.join(different)} differ; give another path, or the "
                "arguments and data of the search that made it"
            )

    def records(self) -> list[TrialRecord]:
        """Return the finished trials, failed ones included; not those that were interrupted or repeated another."""
        records = []
        for trial in self.study.get_trials(deepcopy=False):
            stored = trial.user_attrs.get(ATTRIBUTE)
            if stored is None:
                continue
            # a process that is killed between storing the record and the state leaves a trial that is to be repeated
            if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or stored["state"] == FAILED:
                records.append(unpacked(stored, self.kind, dict(trial.params)))
        return records

    def ask(self, position: int, attempt: int, parameters: Mapping[str, Any] | None) -> Any:
        """Return a new trial, whose random numbers depend on the seed, the position and the finished trials only.

        Parameters
        ----------
        position : int
            Number of finished trials of the search.
        attempt : int
            Number of draws at this position that repeated earlier trials.
        parameters : mapping, optional
            Parameters that are not drawn; it may lack some.
        """
        seed = int(self._seeds(position, attempt).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if attempt < MODELLED_ATTEMPTS:
                self.study.sampler = optuna.samplers.TPESampler(
                    seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=False
                )
            else:
                self.study.sampler = optuna.samplers.RandomSampler(seed=seed)
            if parameters:
                self.study.enqueue_trial(dict(parameters))
            return self.study.ask()

    def generator(self, position: int, attempt: int) -> np.random.Generator:
        """Return random numbers for what `ask` takes, which depend on the seed, the position and the attempt only."""
        return np.random.default_rng(self._seeds(position, attempt))

    def _seeds(self, position: int, attempt: int) -> np.random.SeedSequence:
        return np.random.SeedSequence([self._seed, position, attempt, self.kind == "classical"])

    def reporter(self, trial: Any, *, here: bool) -> Reporter | None:
        """Return what scores of a running trial are reported to, in this process or in any other."""
        if not self._prunes:
            return None
        if here:
            return trial  # type: ignore[no-any-return]
        complete = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return SnapshotReporter([(trial.value, trial.intermediate_values) for trial in complete], self._pruner)

    def tell(self, trial: Any, outcome: Outcome, record: TrialRecord, *, reported: bool) -> None:
        """Store the result of a trial; ``reported`` when its scores were reported here while it ran."""
        trial.set_user_attr(ATTRIBUTE, packed(record))
        if self._prunes and not reported:
            for value, step in outcome.reports:
                trial.report(value, step)
        if outcome.state == FAILED:
            self.study.tell(trial, state=TrialState.FAIL)
        elif outcome.state == PRUNED:
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, [outcome.score, *outcome.costs])

    def drop(self, trial: Any) -> None:
        """End a trial that is not evaluated: it repeats another, or was interrupted."""
        self.study.tell(trial, state=TrialState.FAIL)


class SnapshotReporter:
    """Reporter for another process: decides by the trials that were complete when it was made."""

    def __init__(self, trials: list[tuple[float, dict[int, float]]], pruner: Any) -> None:
        self._trials, self._pruner = trials, pruner
        self._trial: Any = None

    def report(self, value: float, step: int) -> None:
        if self._trial is None:
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            study = optuna.create_study(direction="maximize", pruner=self._pruner)
            for value, intermediate in self._trials:
                study.add_trial(optuna.trial.create_trial(value=value, intermediate_values=intermediate))
            self._trial = study.ask()
        self._trial.report(value, step)

    def should_prune(self) -> bool:
        return bool(self._trial.should_prune())
