"""What a command says on stderr between training and report: a live line on a terminal, few lines in a log."""

from __future__ import annotations

import shutil
import sys

from qml.text import one_line

__all__ = ["Phases"]


class Phases:
    """Announcements of the phases of a run.

    Parameters
    ----------
    quiet : bool
        Whether to print nothing.

    Attributes
    ----------
    current : str
        The phase that runs, for the message after Ctrl-C.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.current = "preparing"
        self._quiet = quiet
        self._live = not quiet and sys.stderr.isatty()
        self._count = 0

    def begin(self, phase: str, text: str) -> None:
        """Print what a phase does, and remember its name."""
        self.finish()
        self.current, self._count = phase, 0
        if not self._quiet:
            print(one_line(text), file=sys.stderr)

    def step(self, text: str) -> None:
        """Show a step of the phase; in a log, where lines cannot be replaced, steps are not shown."""
        self._count += 1
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            line = one_line(f"  {self._count}: {text}")[:width]
            print(f"\r{line.ljust(width)}", end="", file=sys.stderr, flush=True)

    def finish(self) -> None:
        """Clear the live line."""
        if self._live and self._count:
            print("\r" + " " * (shutil.get_terminal_size().columns - 1), end="\r", file=sys.stderr, flush=True)
        self._count = 0
