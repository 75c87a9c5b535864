"""Jobs of the backend, each a thread that simulates."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from qiskit.providers import JobError, JobStatus, JobTimeoutError, JobV1
from qiskit.result import Result

__all__ = ["QumbaJob"]


class QumbaJob(JobV1):
    """A simulation in progress, as returned by `QumbaBackend.run`.

    Parameters
    ----------
    backend : BackendV2
    work : callable
        Function from the job's id to a ``qiskit.result.Result``.
    """

    _async = True

    def __init__(self, backend: Any, work: Callable[[str], Result]) -> None:
        super().__init__(backend, str(uuid.uuid4()))
        self._work = work
        self._future: Future[Result] | None = None

    def submit(self) -> None:
        """Start the simulation.

        Raises
        ------
        JobError
            If it was started already.
        """
        if self._future is not None:
            raise JobError(f"job {self.job_id()} was submitted already")
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="qumba-job")
        self._future = executor.submit(self._work, self.job_id())
        executor.shutdown(wait=False)

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the result.

        Parameters
        ----------
        timeout : float, optional
            Maximum seconds to wait; no limit by default.

        Raises
        ------
        JobTimeoutError
            If the job takes longer; it keeps running.
        JobError
            If the job was cancelled.
        Exception
            Any exception that the simulation raised.
        """
        try:
            return self._submitted().result(timeout)
        except FutureTimeoutError:
            if self._submitted().done():  # the simulation raised it
                raise
            raise JobTimeoutError(f"job {self.job_id()} is not done after {timeout} seconds") from None
        except CancelledError:
            raise JobError(f"job {self.job_id()} was cancelled") from None

    def cancel(self) -> bool:
        """Cancel the job if it has not started, and return whether it was cancelled."""
        return self._submitted().cancel()

    def status(self) -> JobStatus:
        """Return the status of the job."""
        future = self._submitted()
        if future.cancelled():
            return JobStatus.CANCELLED
        if not future.done():
            return JobStatus.RUNNING if future.running() else JobStatus.QUEUED
        return JobStatus.ERROR if future.exception() else JobStatus.DONE

    def _submitted(self) -> Future[Result]:
        if self._future is None:
            raise JobError(f"job {self.job_id()} was not submitted; call submit()")
        return self._future
