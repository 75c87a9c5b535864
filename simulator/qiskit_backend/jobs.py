"""Send jobs once, record each before waiting for it, poll until it ends, and find it again after an interruption."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from simulator.errors import BackendError, JobCancelledError, JobError, JobLostError, JobTimeoutError
from simulator.qiskit_backend.failures import call_with_timeout, is_transient, never_arrived, one_line
from simulator.qiskit_backend.patience import Patience
from simulator.qiskit_backend.progress import JobProgress
from simulator.qiskit_backend.records import PartRecord, Results, RunRecord

__all__ = ["Work", "run_jobs"]

T = TypeVar("T")

logger = logging.getLogger("qumba.backend")

FINAL = ("DONE", "ERROR", "CANCELLED")
STATUS = {"COMPLETED": "DONE", "FAILED": "ERROR", "CANCELED": "CANCELLED", "VALIDATING": "QUEUED"}
LOCAL_POLL = (0.001, 0.1)
LOCAL_PENDING = 1


class Work(Protocol):
    """A request in parts, each of which is a job."""

    @property
    def backend_name(self) -> str: ...

    @property
    def is_local(self) -> bool:
        """Whether jobs run in this process and end with it."""
        ...

    @property
    def num_parts(self) -> int: ...

    def submit(self, number: int, tag: str) -> Any:
        """Send a part and return its job."""
        ...

    def retrieve(self, job_id: str) -> Any:
        """Return the job with this id."""
        ...

    def find(self, tag: str) -> Any:
        """Return the job with this tag, or None; raise NotImplementedError if the backend cannot tell."""
        ...

    def read(self, number: int, job_result: Any) -> Results:
        """Return the results of a part; raise ValueError if they do not match the request."""
        ...


def run_jobs(
    work: Work, record: RunRecord, patience: Patience, progress: JobProgress, resubmit_unknown: bool
) -> list[Results]:
    """Return the results of all parts, from disk, from pending jobs or from new ones.

    Raises
    ------
    JobError
        If a job fails; the results of all others are awaited and stored first. See also its subclasses.
    RunLockedError
        If another process works on the same run.
    KeyboardInterrupt
        At Ctrl-C; jobs keep running and can be resumed.
    """
    with record.locked():
        run = _Run(work, record, patience, progress, resubmit_unknown)
        try:
            return run.finish()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"jobs keep running; resume={str(record.folder)!r} picks them up") from None
        finally:
            progress.close()


class _Run:
    def __init__(
        self, work: Work, record: RunRecord, patience: Patience, progress: JobProgress, resubmit_unknown: bool
    ) -> None:
        self.work, self.record, self.patience, self.progress = work, record, patience, progress
        self.resubmit_unknown = resubmit_unknown
        self.results: list[Results | None] = [record.results(k) for k in range(work.num_parts)]
        self.waiting = [k for k, result in enumerate(self.results) if result is None]
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
        return [result for result in self.results if result is not None]

    def _start(self, number: int) -> None:
        try:
            self.pending[number] = self._job(number)
        except JobError as error:
            self._fail(number, error)
            self.waiting.clear()  # the others would fail in the same way
        except BackendError:
            raise
        except Exception as error:  # whatever a provider's client raises
            self.waiting.clear()
            text = f"{self.work.backend_name} refused job {number + 1} of {self.work.num_parts}: {one_line(error)}"
            self._fail(number, JobError(text), error)

    def _job(self, number: int) -> Any:
        part = self.record.parts[number]
        if part.state == "sent" and not self.work.is_local:
            return self._ask(lambda: self.work.retrieve(part.job_id), number)
        if part.state == "sending" and not self.work.is_local:
            job = self._lost_job(part, number)
            if job is not None:
                return self._record_sent(number, job)
        return self._submit(number)

    def _submit(self, number: int) -> Any:
        part, work = self.record.parts[number], self.work
        delay = self.patience.first_delay
        for attempt in range(self.patience.retries + 1):
            part.attempts += 1
            part.state, part.job_id = "sending", ""
            part.tag = f"qumba-{self.record.path.name}-{number}-{part.attempts}"
            self.record.save()
            try:
                job = call_with_timeout(
                    None if work.is_local else self.patience.submit_timeout, lambda: work.submit(number, part.tag)
                )
                return self._record_sent(number, job)
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("job %d: %s; waiting %g s", number + 1, one_line(error), delay)
                time.sleep(delay)  # this also gives the service time to list a job that has just arrived
                delay = min(2 * delay, self.patience.longest_delay)
                if not never_arrived(error) and not work.is_local:
                    lost_job = self._lost_job(part, number, error)
                    if lost_job is not None:
                        return self._record_sent(number, lost_job)
                if attempt == self.patience.retries:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _record_sent(self, number: int, job: Any) -> Any:
        part = self.record.parts[number]
        part.state, part.job_id, part.message = "sent", str(job.job_id()), ""
        self.record.save()  # before anything is waited for
        logger.info("job %d of %d is %s; record in %s", number + 1, self.work.num_parts, part.job_id, self.record.path)
        return job

    def _lost_job(self, part: PartRecord, number: int, error: BaseException | None = None) -> Any:
        """Find the job that was being sent when the connection or the process ended; None if it may be sent again."""
        try:
            return self._ask(lambda: self.work.find(part.tag), number)
        except NotImplementedError:
            if self.resubmit_unknown:
                return None
        reason = f" ({one_line(error)})" if error is not None else ""
        raise JobLostError(
            f"it is unknown whether job {number + 1} of {self.work.num_parts} reached "
            f"{self.work.backend_name}{reason}: it has no id yet, and this backend cannot search for it, so it is not "
            "sent again. Look at the backend's list of jobs; resubmit_unknown=True sends it again",
            folder=str(self.record.folder),
        ) from error

    def _has_ended(self, number: int, job: Any) -> bool:
        try:
            status = self._status(number, job)
            self.progress.status(number, status, job)
            if status not in FINAL:
                return False
            if status == "DONE":
                self._store(number, self._ask(job.result, number))
            else:
                self._fail(number, self._error_of(number, job, status))
        except JobError as error:
            self._fail(number, error)
        except Exception as error:  # whatever a provider's client raises
            job_id = self.record.parts[number].job_id
            text = f"job {job_id} on {self.work.backend_name}: {one_line(error)}"
            self._fail(number, JobError(text, (job_id,)), error)
        self.pending.pop(number, None)
        return True

    def _status(self, number: int, job: Any) -> str:
        status = self._ask(job.status, number)
        name = str(getattr(status, "name", status)).upper()
        return STATUS.get(name, name)

    def _store(self, number: int, job_result: Any) -> None:
        job_id = self.record.parts[number].job_id
        try:
            results = self.work.read(number, job_result)
        except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
            message = f"job {job_id} on {self.work.backend_name} did not return what was requested: {error}"
            raise JobError(message, (job_id,)) from error
        broken = [name for name, array in results.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]
        if broken:
            raise JobError(f"job {job_id} on {self.work.backend_name} returned NaN for {broken[0]}", (job_id,))
        self.results[number] = results
        self.record.store(number, results)

    def _error_of(self, number: int, job: Any, status: str) -> JobError:
        job_id = self.record.parts[number].job_id
        name = self.work.backend_name
        if status == "CANCELLED":
            return JobCancelledError(f"job {job_id} on {name} was cancelled", (job_id,))
        message, too_long = self._message_of(number, job)
        if too_long:
            return JobTimeoutError(f"job {job_id} ran longer than {name} allows: {message}", (job_id,))
        return JobError(f"job {job_id} on {name} failed: {message}", (job_id,))

    def _message_of(self, number: int, job: Any) -> tuple[str, bool]:
        """Return why a job failed, and whether it ran too long."""
        message = ""
        if hasattr(job, "error_message"):
            message = str(self._ask(job.error_message, number) or "")
        try:
            call_with_timeout(None if self.work.is_local else self.patience.call_timeout, job.result)
        except Exception as error:  # only the result tells more, and a provider may raise any exception for it
            too_long = "MaxTimeout" in type(error).__name__
            return " ".join((message or one_line(error)).split()), too_long
        return message or "no reason was given", False

    def _ask(self, question: Callable[[], T], number: int) -> T:
        """Call a function that changes nothing on the backend, and repeat the call if the connection fails."""
        delay = self.patience.first_delay
        limit = None if self.work.is_local else self.patience.call_timeout
        for attempt in range(self.patience.retries + 1):
            try:
                return call_with_timeout(limit, question)
            except NotImplementedError:
                raise
            except Exception as error:
                if self.work.is_local or not is_transient(error):
                    raise
                part = self.record.parts[number]
                if attempt == self.patience.retries:
                    raise JobLostError(
                        f"the connection to {self.work.backend_name} is lost ({one_line(error)}, "
                        f"{attempt + 1} times in a row); job {part.job_id or number + 1} may still be running",
                        (part.job_id,) if part.job_id else (),
                    ) from error
                logger.warning("%s: %s; trying again in %g s", part.job_id, one_line(error), delay)
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
        """Make one error for all parts that failed, of the class of the first."""
        _, first = self.failures[0]
        lines = [str(error).rstrip(". ") for _, error in self.failures[:4]]
        if len(self.failures) > len(lines):
            lines.append(f"... and {len(self.failures) - len(lines)} more")
        finished = sum(result is not None for result in self.results)
        stored = f"The results of {finished} of {self.work.num_parts} jobs are stored"
        text = "; ".join(lines) + f". {stored}; continue with resume={str(self.record.folder)!r}"
        ids = tuple(job_id for _, error in self.failures for job_id in error.job_ids)
        raise type(first)(text, ids, str(self.record.folder)) from first.__cause__

    def _check_deadline(self) -> None:
        if self.deadline is None or time.monotonic() < self.deadline:
            return
        ids = tuple(self.record.parts[number].job_id for number in self.pending)
        raise JobTimeoutError(
            f"{self.work.backend_name} has not finished {_listed(ids)} within {self.patience.timeout:g} s; they keep "
            f"running, and resume={str(self.record.folder)!r} picks them up",
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
            finished=sum(result is not None for result in self.results),
            pending=[self.record.parts[number].job_id for number in self.pending],
        )


def _listed(ids: Sequence[str]) -> str:
    return f"job {ids[0]}" if len(ids) == 1 else f"jobs {', '.join(ids)}"
