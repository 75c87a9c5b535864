"""How far a long run is: `shown` puts up a bar, the engine's loops and kernels tell where they are.

Loops may lie within each other: `steps` divides what the loop around it calls one step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Item = TypeVar("Item")

_DELAY = 2.0  # seconds that a run takes without a bar


class _Bar:
    """A bar from 0 to 1, and at which step of how many each loop is."""

    def __init__(self, what: str) -> None:
        from tqdm.auto import tqdm  # here: `import simulator` stays light

        form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
        self.bar: Any = tqdm(total=1.0, desc=what, delay=_DELAY, bar_format=form)
        self.loops: list[list[int]] = []

    def report(self, fraction: float) -> None:
        for done, total in reversed(self.loops):
            fraction = (done + fraction) / total
        if fraction > self.bar.n:  # short work behind the loops is not counted
            self.bar.update(fraction - self.bar.n)


_current: ContextVar[_Bar | None] = ContextVar("progress", default=None)


@contextmanager
def shown(visible: bool, what: str) -> Iterator[None]:
    """Show a bar named ``what``, if ``visible``, for what takes more than two seconds inside."""
    if not visible:
        yield
        return
    bar = _Bar(what)
    token = _current.set(bar)
    try:
        yield
        bar.report(1.0)
    finally:
        _current.reset(token)
        bar.bar.close()


def steps(items: Sequence[Item]) -> Iterator[Item]:
    """The items, each one step of the run."""
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
    """Consecutive slices of at most ``size`` of ``count`` rows."""
    return [slice(begin, min(begin + size, count)) for begin in range(0, count, size)]


def report(fraction: float) -> None:
    """Tell how much of the innermost step is done."""
    bar = _current.get()
    if bar is not None:
        bar.report(fraction)
