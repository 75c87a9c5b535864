"""Progress display for jobs: how many have finished, and the queue positions of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.progress import new_bar

__all__ = ["JobProgress", "queue_position"]


class JobProgress:
    """Progress bar over the jobs of a run; shows nothing unless ``visible``."""

    def __init__(self, visible: bool) -> None:
        self._visible = visible
        self._bar: Any = None
        self._statuses: dict[int, str] = {}

    def status(self, number: int, status: str, job: Any) -> None:
        """Record the current status of a job."""
        if not self._visible:
            return
        position = queue_position(job) if status == "QUEUED" else None
        self._statuses[number] = status.lower() if position is None else f"queued, position {position}"
        if status in ("DONE", "ERROR", "CANCELLED"):
            self._statuses.pop(number)

    def show(self, total: int, finished: int, pending: Sequence[str]) -> None:
        """Show how many of ``total`` jobs have finished, and the status of the pending ones."""
        if not self._visible:
            return
        if self._bar is None:
            self._bar = new_bar("jobs", total, unit="job")
        self._bar.n = finished
        ids = pending[0] if len(pending) == 1 else f"{len(pending)} jobs"
        statuses = "; ".join(dict.fromkeys(self._statuses.values()))
        self._bar.set_postfix_str(f"{ids}: {statuses}" if pending else "", refresh=True)

    def close(self) -> None:
        """Close the bar and end its line."""
        if self._bar is not None:
            self._bar.close()


def queue_position(job: Any) -> int | None:
    """Return a job's position in the queue; None if the backend does not say."""
    try:
        if hasattr(job, "queue_position"):
            position = job.queue_position()
        else:
            position = job.metrics().get("position_in_queue")
        return None if position is None else int(position)
    except Exception:  # the position is only shown, so a failure to get it does not matter
        return None
