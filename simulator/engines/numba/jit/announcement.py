"""Notice of the first kernel that is compiled, which takes longer than a user expects a first step to take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["compilation_announced"]

TEXT = "compiling the kernels for this machine, once, about 20 s"


@contextmanager
def compilation_announced(say: Callable[[str], None]) -> Iterator[None]:
    """Call ``say`` with a notice when, in the body of the ``with`` statement, a kernel has to be compiled first.

    Kernels that are loaded from the disk are not announced.
    """
    from numba.core import event

    class Listener(event.Listener):
        said = False

        def on_start(self, event: Any) -> None:
            if not self.said:
                self.said = True
                say(TEXT)

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", Listener()):
        yield
