"""Progress of long runs: `shown` shows a progress bar, and the engine's loops and kernels report to it.

Loops can be nested: `steps` divides one step of the surrounding loop. Every progress bar is made by `new_bar`; where
`has_bars` is false, as in a log file, `write_line` writes lines instead.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Item = TypeVar("Item")

_DELAY = 2.0
"""Seconds of a run after which its bar appears."""


def new_bar(name: str, total: float, **options: Any) -> Any:
    """Create a progress bar of tqdm.

    Parameters
    ----------
    name : str
        Text before the bar.
    total : float
        Value at which the bar is full.
    **options
        Further options of tqdm, such as ``unit``, ``initial`` and ``delay``.
    """
    with warnings.catch_warnings():
        # without ipywidgets a notebook gets the terminal's bar
        warnings.filterwarnings("ignore", "IProgress not found")
        from tqdm.auto import tqdm  # imported here to keep `import simulator` fast

    return tqdm(total=total, desc=name, **options)


def has_bars() -> bool:
    """Whether standard error shows a line that is written again and again: a terminal or a notebook."""
    return "ipykernel" in sys.modules or bool(sys.stderr is not None and sys.stderr.isatty())


def write_line(text: str, bar: Any = None) -> None:
    """Write a line to standard error, above ``bar`` if there is one."""
    if bar is not None:
        bar.write(text, file=sys.stderr)
    else:
        print(text, file=sys.stderr, flush=True)


class _Bar:
    """Progress bar from 0 to 1, with the current step and the number of steps of each nested loop."""

    def __init__(self, name: str) -> None:
        bar_format = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
        self.bar = new_bar(name, 1.0, delay=_DELAY, bar_format=bar_format)
        self.loops: list[list[int]] = []

    def report(self, fraction: float) -> None:
        for done, total in reversed(self.loops):
            fraction = (done + fraction) / total
        if fraction > self.bar.n:  # short work after the loops does not count
            self.bar.update(fraction - self.bar.n)


_current: ContextVar[_Bar | None] = ContextVar("progress", default=None)


@contextmanager
def shown(visible: bool, name: str) -> Iterator[None]:
    """Show a progress bar, if ``visible``, while the body of the ``with`` statement takes more than two seconds."""
    if not visible:
        yield
        return
    bar = _Bar(name)
    token = _current.set(bar)
    try:
        yield
        bar.report(1.0)
    finally:
        _current.reset(token)
        bar.bar.close()


def steps(items: Sequence[Item]) -> Iterator[Item]:
    """Iterate over items, each of which is one step of the run."""
    bar = _current.get()
    return iter(items) if bar is None else _counted(items, bar)


def _counted(items: Sequence[Item], bar: _Bar) -> Iterator[Item]:
    loop = [0, len(items)]
    bar.loops.append(loop)
    try:
        for item in items:
            yield item
            loop[0] += 1
            bar.report(0.0)
    finally:
        bar.loops.pop()


def chunks(count: int, size: int) -> list[slice]:
    """Split ``count`` rows into consecutive slices of at most ``size``."""
    return [slice(begin, min(begin + size, count)) for begin in range(0, count, size)]


def report(fraction: float) -> None:
    """Report the completed fraction of the innermost step."""
    bar = _current.get()
    if bar is not None:
        bar.report(fraction)
