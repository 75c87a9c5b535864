"""Output of the commands: blocks of a report, as wide as the terminal allows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable

from qml.assessment.report import TERMINAL_WIDTH, Block, terminal

__all__ = ["show"]


def show(blocks: Iterable[Block]) -> None:
    """Print blocks to standard output, which is as wide as the terminal, and at most `TERMINAL_WIDTH` columns."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else TERMINAL_WIDTH
    print(terminal(blocks, min(TERMINAL_WIDTH, columns)))
