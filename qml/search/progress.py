"""Progress of a search: the best scores so far and the time left."""

from __future__ import annotations

from typing import Any, Self

from qml.search.running import Progress
from simulator.progress import has_bars, new_bar, write_line

__all__ = ["SearchProgress"]

LINES = 20
"""Number of lines that a log gets, at most one per trial."""


class SearchProgress:
    """A bar on a terminal or in a notebook, lines elsewhere; nothing unless ``visible``."""

    def __init__(self, name: str, visible: bool) -> None:
        self._name, self._visible = name, visible
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, progress: Progress) -> None:
        """Show a trial that has ended."""
        if not self._visible:
            return
        if has_bars():
            self._advance(progress)
        elif progress.done == progress.total or progress.done % max(progress.total // LINES, 1) == 0:
            write_line(
                f"{self._name}: trial {progress.done} of {progress.total}, {shown(progress)}, "
                f"about {progress.seconds_left:.0f} s left"
            )

    def _advance(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar = new_bar(self._name, progress.total, initial=progress.done - 1, unit="trial")
        self._bar.set_postfix_str(shown(progress), refresh=False)
        self._bar.update()


def shown(progress: Progress) -> str:
    """Return the best scores in words."""
    if not progress.best:
        return f"no complete trial yet ({progress.record.error or 'pruned'})"
    return ", ".join(f"best {kind} {record.family} {record.score:.4g}" for kind, record in progress.best.items())
