"""Busy waiting for work, so that a helper is awake at the next call."""

from __future__ import annotations

from simulator.engines.numba.jit import kernel
from simulator.engines.numba.simd import fetch_add, relax


@kernel
def listen(bell, heard, finished, rounds, handover):
    """Count this thread as finished, then look at ``bell[0]`` up to ``rounds`` times until it is no longer ``heard``.

    Then pause for ``handover`` more rounds, until the caller has released the GIL, which the helper needs next.
    """
    fetch_add(finished, 0, 1)
    for _ in range(rounds):
        relax(bell)
        if fetch_add(bell, 0, 0) != heard:
            for _ in range(handover):
                relax(bell)
                fetch_add(finished, 0, 0)
            return


@kernel
def await_count(finished, count, rounds):
    """Look at ``finished[0]`` up to ``rounds`` times until it is ``count``; returns what it is."""
    now = 0
    for _ in range(rounds):
        now = fetch_add(finished, 0, 0)
        if now >= count:
            break
        relax(finished)
    return now


@kernel
def ring(bell):
    """Change ``bell[0]`` to wake the polling helpers."""
    fetch_add(bell, 0, 1)
