"""Deadlines and retries for jobs on a backend."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Patience"]


@dataclass(frozen=True)
class Patience:
    """How long to wait for a backend, and how often to ask.

    Parameters
    ----------
    timeout : float, optional
        Seconds to wait for all jobs of a run together. Afterwards they keep running, and can be resumed.
    call_timeout : float
        Maximum seconds for one call about a job; a server that does not answer counts as a lost connection.
    submit_timeout : float
        Maximum seconds for sending a job, including its preparation by the client.
    retries : int
        Number of times that a failed call is repeated.
    first_delay, longest_delay : float
        Seconds before the first repetition, and the maximum; each delay is twice the previous one.
    poll_interval : float
        Seconds between two requests for the status; the first ones are more frequent.
    max_pending : int
        Maximum number of jobs that are pending at the same time.
    """

    timeout: float | None = None
    call_timeout: float = 60.0
    submit_timeout: float = 900.0
    retries: int = 6
    first_delay: float = 1.0
    longest_delay: float = 60.0
    poll_interval: float = 10.0
    max_pending: int = 3
