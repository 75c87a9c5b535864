"""Loops over calls of kernels (`jit.bridges`), alone or with the help of other threads.

A row of ``calls`` has the addresses of a bridge and of a block, and the number of the call among those that threads
share, from 1, or 0 for the others. ``gate[OPEN]`` is the number of the shared call in progress, ``gate[INSIDE]`` the
number of helpers in it: a call ends when all of them have left, so that none meets the arrays of the next one.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, kernel
from simulator.engines.numba.jit.bridges import invoke
from simulator.engines.numba.layout.queues import CLOSED, INSIDE, OPEN
from simulator.engines.numba.simd import fetch_add, relax


@inlined
def _invoke_shared(calls, k, gate):
    """Open the gate for a call, make it, and close the gate behind the last helper."""
    fetch_add(gate, OPEN, calls[k, 2])
    accepted = invoke(calls[k, 0], calls[k, 1])
    fetch_add(gate, OPEN, -calls[k, 2])
    while fetch_add(gate, INSIDE, 0) > 0:
        relax(gate)
    return accepted


@kernel
def repeat(calls, gate, place, end):
    """Make a sequence of calls again and again, until ``place[0]``, which counts its repetitions, is ``end``.

    It ends at once, in the middle of the sequence, where a kernel refuses. Returns the count.
    """
    while place[0] < end:
        for k in range(len(calls)):
            if calls[k, 2] == 0:
                accepted = invoke(calls[k, 0], calls[k, 1])
            else:
                accepted = _invoke_shared(calls, k, gate)
            if not accepted:
                return place[0]
        place[0] += 1
    return place[0]


@kernel
def help_out(calls, gate):
    """Take part in the shared calls of `repeat` until ``gate[OPEN]`` is CLOSED; row k has the helper's call k + 1."""
    number = fetch_add(gate, OPEN, 0)
    while number != CLOSED:
        if number > 0:
            fetch_add(gate, INSIDE, 1)
            if fetch_add(gate, OPEN, 0) == number:
                invoke(calls[number - 1, 0], calls[number - 1, 1])
            fetch_add(gate, INSIDE, -1)
        last = number
        while number == last and number != CLOSED:
            relax(gate)
            number = fetch_add(gate, OPEN, 0)


@bridged
def copy_rows(source, order, place, size, out):
    """Copy rows of 64-bit words: row i of ``out`` is row ``order[place[0] * size + i]`` of ``source``."""
    begin = place[0] * size
    for i in range(len(out)):
        row = order[begin + i]
        for k in range(out.shape[1]):
            out[i, k] = source[row, k]
