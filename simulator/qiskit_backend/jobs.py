"""Jobs: sent once, written down before they are waited for, asked after until they end, and found again later."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from simulator.errors import BackendError, JobCancelledError, JobError, JobLostError, JobTimeoutError
from simulator.qiskit_backend.failures import in_time, is_transient, never_arrived, said
from simulator.qiskit_backend.progress import JobProgress
from simulator.qiskit_backend.records import PartRecord, Results, RunRecord

__all__ = ["Patience", "Work", "run_jobs"]

T = TypeVar("T")

logger = logging.getLogger("qumba.backend")

FINAL = ("DONE", "ERROR", "CANCELLED")
STATUS = {"COMPLETED": "DONE", "FAILED": "ERROR", "CANCELED": "CANCELLED", "VALIDATING": "QUEUED"}
LOCAL_POLL = (0.001, 0.1)
LOCAL_PENDING = 1


@dataclass(frozen=True)
class Patience:
    """How long to wait for a backend, and how often to ask.

    Parameters
    ----------
    timeout : float, optional
        Seconds to wait for all jobs of a run together. They go on after it, and can be resumed.
    call_timeout : float
        Seconds that one question about a job may take; a server that does not answer counts as a lost connection.
    submit_timeout : float
        Seconds that sending a job may take; the client prepares it in this time too.
    retries : int
        How often in a row a question may fail before we give up.
    first_delay, longest_delay : float
        Seconds before the first of these; each delay is twice the one before.
    poll_interval : float
        Seconds between questions; the first ones follow faster.
    max_pending : int
        Jobs that are sent before the first has come back.
    """

    timeout: float | None = None
    call_timeout: float = 60.0
    submit_timeout: float = 900.0
    retries: int = 6
    first_delay: float = 1.0
    longest_delay: float = 60.0
    poll_interval: float = 10.0
    max_pending: int = 3


class Work(Protocol):
    """What there is to run, part by part: each part is a job."""

    @property
    def backend_name(self) -> str: ...

    @property
    def is_local(self) -> bool:
        """Whether jobs live in this process, and end with it."""
        ...

    @property
    def num_parts(self) -> int: ...

    def submit(self, number: int, tag: str) -> Any:
        """Send a part; returns the job."""
        ...

    def retrieve(self, job_id: str) -> Any:
        """The job of that id."""
        ...

    def find(self, tag: str) -> Any:
        """The job of that tag, or None if there is none. NotImplementedError if nobody can know."""
        ...

    def read(self, number: int, job_result: Any) -> Results:
        """A part's results; ValueError if they are not what was asked for."""
        ...


def run_jobs(
    work: Work, record: RunRecord, patience: Patience, progress: JobProgress, resubmit_unknown: bool
) -> list[Results]:
    """The results of all parts, from the disk, from jobs under way or from new ones.

    Raises
    ------
    JobError
        If a job fails; those that work out are waited for and kept first. See also its subclasses.
    RunLockedError
        If another process is at work on the same run.
    KeyboardInterrupt
        At Ctrl-C; jobs go on and can be resumed.
    """
    with record.locked():
        run = _Run(work, record, patience, progress, resubmit_unknown)
        try:
            return run.finish()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"jobs go on; resume={str(record.folder)!r} picks them up") from None
        finally:
            progress.close()


class _Run:
    def __init__(
        self, work: Work, record: RunRecord, patience: Patience, progress: JobProgress, resubmit_unknown: bool
    ) -> None:
        self.work, self.record, self.patience, self.progress = work, record, patience, progress
        self.resubmit_unknown = resubmit_unknown
        self.results: list[Results | None] = [record.results(k) for k in range(work.num_parts)]
        self.waiting = [k for k, found in enumerate(self.results) if found is None]
        self.pending: dict[int, Any] = {}
        self.failures: list[tuple[int, JobError]] = []
        self.deadline = None if patience.timeout is None else time.monotonic() + patience.timeout
        self.limit = LOCAL_PENDING if work.is_local else max(1, patience.max_pending)

    def finish(self) -> list[Results]:
        pause = LOCAL_POLL[0]
        self._show()
        while self.waiting or self.pending:
            while self.waiting and len(self.pending) < self.limit:
                self._start(self.waiting.pop(0))
            ended = [number for number, job in list(self.pending.items()) if self._has_ended(number, job)]
            self._show()
            if ended:
                pause = LOCAL_POLL[0]
            elif self.pending:
                self._check_deadline()
                pause = self._sleep(pause)
        if self.failures:
            raise self._failure()
        return [found for found in self.results if found is not None]

    def _start(self, number: int) -> None:
        try:
            self.pending[number] = self._job(number)
        except JobError as error:
            self._fail(number, error)
            self.waiting.clear()  # the others would fare no better
        except BackendError:
            raise
        except Exception as error:  # whatever a provider's client raises
            self.waiting.clear()
            text = f"{self.work.backend_name} refused job {number + 1} of {self.work.num_parts}: {said(error)}"
            self._fail(number, JobError(text), error)

    def _job(self, number: int) -> Any:
        part = self.record.parts[number]
        if part.state == "sent" and not self.work.is_local:
            return self._asking(lambda: self.work.retrieve(part.job_id), number)
        if part.state == "sending" and not self.work.is_local:
            found = self._lost_job(part, number)
            if found is not None:
                return self._sent(number, found)
        return self._submitted(number)

    def _submitted(self, number: int) -> Any:
        part, work = self.record.parts[number], self.work
        delay = self.patience.first_delay
        for attempt in range(self.patience.retries + 1):
            part.attempts += 1
            part.state, part.job_id = "sending", ""
            part.tag = f"qumba-{self.record.path.name}-{number}-{part.attempts}"
            self.record.save()
            try:
                job = in_time(
                    None if work.is_local else self.patience.submit_timeout, lambda: work.submit(number, part.tag)
                )
                return self._sent(number, job)
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("job %d: %s; waiting %g s", number + 1, said(error), delay)
                time.sleep(delay)  # also for the service's list of jobs to hold what has just arrived
                delay = min(2 * delay, self.patience.longest_delay)
                if not never_arrived(error) and not work.is_local:
                    found = self._lost_job(part, number, error)
                    if found is not None:
                        return self._sent(number, found)
                if attempt == self.patience.retries:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _sent(self, number: int, job: Any) -> Any:
        part = self.record.parts[number]
        part.state, part.job_id, part.message = "sent", str(job.job_id()), ""
        self.record.save()  # before anything is waited for
        logger.info("job %d of %d is %s; record in %s", number + 1, self.work.num_parts, part.job_id, self.record.path)
        return job

    def _lost_job(self, part: PartRecord, number: int, error: BaseException | None = None) -> Any:
        """The job that was being sent when the connection or the process ended; None if it may be sent again."""
        try:
            return self._asking(lambda: self.work.find(part.tag), number)
        except NotImplementedError:
            if self.resubmit_unknown:
                return None
        reason = f" ({said(error)})" if error is not None else ""
        raise JobLostError(
            f"nobody knows whether job {number + 1} of {self.work.num_parts} reached {self.work.backend_name}{reason}: "
            "it has no id yet, and this backend cannot be asked for it, so it is not sent again. Look at the "
            "backend's own list of jobs; resubmit_unknown=True sends it again",
            folder=str(self.record.folder),
        ) from error

    def _has_ended(self, number: int, job: Any) -> bool:
        try:
            status = self._status(number, job)
            self.progress.status(number, status, job)
            if status not in FINAL:
                return False
            if status == "DONE":
                self._keep(number, self._asking(job.result, number))
            else:
                self._fail(number, self._ended_badly(number, job, status))
        except JobError as error:
            self._fail(number, error)
        except Exception as error:  # whatever a provider's client raises
            job_id = self.record.parts[number].job_id
            self._fail(number, JobError(f"job {job_id} on {self.work.backend_name}: {said(error)}", (job_id,)), error)
        self.pending.pop(number, None)
        return True

    def _status(self, number: int, job: Any) -> str:
        found = self._asking(job.status, number)
        name = str(getattr(found, "name", found)).upper()
        return STATUS.get(name, name)

    def _keep(self, number: int, job_result: Any) -> None:
        job_id = self.record.parts[number].job_id
        try:
            found = self.work.read(number, job_result)
        except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
            message = f"job {job_id} on {self.work.backend_name} returned something else than was asked for: {error}"
            raise JobError(message, (job_id,)) from error
        broken = [name for name, array in found.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]
        if broken:
            raise JobError(f"job {job_id} on {self.work.backend_name} returned NaN for {broken[0]}", (job_id,))
        self.results[number] = found
        self.record.keep(number, found)

    def _ended_badly(self, number: int, job: Any, status: str) -> JobError:
        job_id = self.record.parts[number].job_id
        name = self.work.backend_name
        if status == "CANCELLED":
            return JobCancelledError(f"job {job_id} on {name} was cancelled", (job_id,))
        message, too_long = self._what_went_wrong(number, job)
        if too_long:
            return JobTimeoutError(f"job {job_id} ran longer than {name} allows: {message}", (job_id,))
        return JobError(f"job {job_id} on {name} failed: {message}", (job_id,))

    def _what_went_wrong(self, number: int, job: Any) -> tuple[str, bool]:
        message = ""
        if hasattr(job, "error_message"):
            message = str(self._asking(job.error_message, number) or "")
        try:
            in_time(None if self.work.is_local else self.patience.call_timeout, job.result)
        except Exception as error:  # the only way to learn more, and what it raises is the provider's choice
            too_long = "MaxTimeout" in type(error).__name__
            return " ".join((message or said(error)).split()), too_long
        return message or "it does not say why", False

    def _asking(self, question: Callable[[], T], number: int) -> T:
        """Ask the backend something that changes nothing, again if the connection is bad."""
        delay = self.patience.first_delay
        limit = None if self.work.is_local else self.patience.call_timeout
        for attempt in range(self.patience.retries + 1):
            try:
                return in_time(limit, question)
            except NotImplementedError:
                raise
            except Exception as error:
                if self.work.is_local or not is_transient(error):
                    raise
                part = self.record.parts[number]
                if attempt == self.patience.retries:
                    raise JobLostError(
                        f"the connection to {self.work.backend_name} is lost ({said(error)}, "
                        f"{attempt + 1} times in a row); job {part.job_id or number + 1} may go on without us",
                        (part.job_id,) if part.job_id else (),
                    ) from error
                logger.warning("%s: %s; asking again in %g s", part.job_id, said(error), delay)
                time.sleep(delay)
                delay = min(2 * delay, self.patience.longest_delay)
        raise AssertionError("the last attempt returns or raises")

    def _fail(self, number: int, error: JobError, cause: BaseException | None = None) -> None:
        error.__cause__ = cause or error.__cause__
        self.failures.append((number, error))
        part = self.record.parts[number]
        part.message = str(error)
        if not isinstance(error, JobLostError):
            part.state = "failed"  # this one is sent again when the run is resumed
        self.record.save()

    def _failure(self) -> JobError:
        """One error for all parts that failed, of the class of the first."""
        _, first = self.failures[0]
        lines = [str(error).rstrip(". ") for _, error in self.failures[:4]]
        if len(self.failures) > len(lines):
            lines.append(f"... and {len(self.failures) - len(lines)} more")
        back = sum(found is not None for found in self.results)
        kept = f"{back} of {self.work.num_parts} jobs came back and are kept"
        text = "; ".join(lines) + f". {kept}; go on with resume={str(self.record.folder)!r}"
        ids = tuple(job_id for _, error in self.failures for job_id in error.job_ids)
        raise type(first)(text, ids, str(self.record.folder)) from first.__cause__

    def _check_deadline(self) -> None:
        if self.deadline is None or time.monotonic() < self.deadline:
            return
        ids = tuple(self.record.parts[number].job_id for number in self.pending)
        raise JobTimeoutError(
            f"{self.work.backend_name} has not finished {_listed(ids)} within {self.patience.timeout:g} s; they go on, "
            f"and resume={str(self.record.folder)!r} picks them up",
            ids,
            str(self.record.folder),
        )

    def _sleep(self, pause: float) -> float:
        longest = LOCAL_POLL[1] if self.work.is_local else self.patience.poll_interval
        pause = min(pause, longest)
        if self.deadline is not None:
            pause = min(pause, max(0.0, self.deadline - time.monotonic()))
        time.sleep(pause)
        return min(2 * pause, longest) or LOCAL_POLL[0]

    def _show(self) -> None:
        self.progress.show(
            total=self.work.num_parts,
            back=sum(found is not None for found in self.results),
            pending=[self.record.parts[number].job_id for number in self.pending],
        )


def _listed(ids: Sequence[str]) -> str:
    return f"job {ids[0]}" if len(ids) == 1 else f"jobs {', '.join(ids)}"
