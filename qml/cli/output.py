"""Output of the commands: blocks of a report, as wide as the terminal allows."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable

from qml.assessment.report import TERMINAL_WIDTH, Block, terminal

__all__ = ["check_plot", "show"]


def check_plot(path: str | None) -> None:
    """Raise `TableError` if no figure can be written to this path: at once, before it is computed."""
    if path is None:
        return
    from qml.tables import TableError

    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError as error:
        raise TableError("--plot needs matplotlib: pip install 'qumba[plot]'") from error
    formats = FigureCanvasBase.get_supported_filetypes()
    suffix = os.path.splitext(path)[1].lower()
    if suffix and suffix[1:] not in formats:
        raise TableError(
            f"--plot {path}: no figure has the format {suffix}; expected one of {', '.join(sorted(formats))}"
        )


def show(blocks: Iterable[Block]) -> None:
    """Print blocks to standard output, which is as wide as the terminal, and at most `TERMINAL_WIDTH` columns."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else TERMINAL_WIDTH
    print(terminal(blocks, min(TERMINAL_WIDTH, columns)))
