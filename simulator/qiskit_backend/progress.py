"""What a user sees while jobs run: how many have come back, and where the others stand in the queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["JobProgress", "queue_position"]


class JobProgress:
    """A bar over the jobs of a run; shows nothing unless ``visible``."""

    def __init__(self, visible: bool) -> None:
        self._visible = visible
        self._bar: Any = None
        self._stands: dict[int, str] = {}

    def status(self, number: int, status: str, job: Any) -> None:
        """A job's status, as just learnt."""
        if not self._visible:
            return
        position = queue_position(job) if status == "QUEUED" else None
        self._stands[number] = status.lower() if position is None else f"queued, position {position}"
        if status in ("DONE", "ERROR", "CANCELLED"):
            self._stands.pop(number)

    def show(self, total: int, back: int, pending: Sequence[str]) -> None:
        """How many of ``total`` jobs are back, and which are under way."""
        if not self._visible:
            return
        if self._bar is None:
            from tqdm.auto import tqdm  # here: nothing to import where nothing is shown

            self._bar = tqdm(total=total, desc="jobs", unit="job")
        self._bar.n = back
        ids = pending[0] if len(pending) == 1 else f"{len(pending)} jobs"
        stands = "; ".join(dict.fromkeys(self._stands.values()))
        self._bar.set_postfix_str(f"{ids}: {stands}" if pending else "", refresh=True)

    def close(self) -> None:
        """Leave the bar as it is and end its line."""
        if self._bar is not None:
            self._bar.close()


def queue_position(job: Any) -> int | None:
    """A job's place in the queue, where the backend tells; it is only shown, so no failure to learn it matters."""
    try:
        if hasattr(job, "queue_position"):
            found = job.queue_position()
        else:
            found = job.metrics().get("position_in_queue")
        return None if found is None else int(found)
    except Exception:
        return None
