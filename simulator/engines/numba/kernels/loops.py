"""Loops over calls of kernels (`jit.bridges`), and how other threads take part in them.

A helper thread polls its mailbox on a board in compiled code (`serve`), so that it begins at once and needs no GIL. A
caller (`repeat`, `lead`) posts to free helpers, makes its own call, and withdraws what no helper has taken. It waits
for those that have taken a call, so that none meets the arrays of the next one.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, kernel
from simulator.engines.numba.jit.bridges import address_of, invoke, words_at
from simulator.engines.numba.layout.queues import (
    ASLEEP,
    BARRED,
    BLOCK,
    BRIDGE,
    CLAIMED,
    EXPECTING,
    FREE,
    MAILBOX_WORDS,
    POSTED,
    PREVIOUS,
    RETURNED,
    SCRATCH,
    STATE,
    TAKEN,
)
from simulator.engines.numba.simd import cycles, fetch_add, look, relax, replace

_EXPONENT = 0x7FF << 52  # bits of the exponent of a float64; NaN and infinity have all of them
_PATIENCE = 1.5  # durations of a caller's own call for which it waits for a helper without consequence
_ABSENCE = 32  # durations of a longer wait for which the helper gets no calls


@inlined
def _post(bridge, block, place, most, board):
    """Post a call to up to ``most`` free helpers; return the last mailbox, below 0 if there is none.

    ``place`` is where a block has the address of the scratch, or below 0 if all threads have the same.
    """
    last, posted, box, now = -1, 0, 0, cycles(board)
    while posted < most and box < len(board):
        if board[box + BARRED] <= now and replace(board, box + STATE, FREE, CLAIMED):
            for i in range(len(block)):
                board[box + BLOCK + i] = block[i]
            if place >= 0:
                board[box + BLOCK + place] = board[box + SCRATCH]
            board[box + BRIDGE], board[box + PREVIOUS] = bridge, last
            fetch_add(board, box + STATE, POSTED - CLAIMED)
            last = box
            posted += 1
        box += MAILBOX_WORDS
    return last


@inlined
def _withdraw(board, last, begin):
    """Take the calls back that no helper has taken, and wait for the helpers that have taken one.

    ``begin`` is when this thread began its own call. A helper for which it waits longer than that call took has lost
    its processor to another program, which may happen again soon.
    """
    end = cycles(board)
    while last >= 0:
        box, last = last, board[last + PREVIOUS]
        if not replace(board, box + STATE, POSTED, FREE):
            while look(board, box + STATE) != RETURNED:
                relax(board)
            now = cycles(board)
            if now - end > _PATIENCE * (end - begin):
                board[box + BARRED] = now + _ABSENCE * (now - end)
            fetch_add(board, box + STATE, FREE - RETURNED)


@kernel
def repeat(calls, board, helpers, place, end):
    """Make a sequence of calls again and again, until ``place[0]``, which counts its repetitions, is ``end``.

    A row of ``calls`` has the addresses of a bridge and of a block, the length of the block, the place of the scratch
    in it, and the number of helpers that may take part; ``board`` is the address of the board. It ends at once, in the
    middle of the sequence, where a kernel refuses. Returns the count.
    """
    boxes = words_at(board, helpers * MAILBOX_WORDS)
    while place[0] < end:
        for k in range(len(calls)):
            block = words_at(calls[k, 1], calls[k, 2])
            begin = cycles(place)
            last = _post(calls[k, 0], block, calls[k, 3], calls[k, 4], boxes)
            accepted = invoke(calls[k, 0], calls[k, 1])
            _withdraw(boxes, last, begin)
            if not accepted:
                return place[0]
        place[0] += 1
    return place[0]


@bridged
def lead(bridge, block, words, place, most, board, helpers):
    """Make a shared call on this thread, and on up to ``most`` helpers; ``board`` is the address of the board."""
    boxes = words_at(board, helpers * MAILBOX_WORDS)
    begin = cycles(boxes)
    last = _post(bridge, words_at(block, words), place, most, boxes)
    invoke(bridge, block)
    _withdraw(boxes, last, begin)


@kernel
def serve(board, box, rounds):
    """Make the calls posted to a mailbox, until none has come for a number of rounds of polling; then fall asleep."""
    idle = 0
    while True:
        if look(board, box + STATE) == POSTED and replace(board, box + STATE, POSTED, TAKEN):
            invoke(board[box + BRIDGE], address_of(board) + 8 * (box + BLOCK))
            fetch_add(board, box + STATE, RETURNED - TAKEN)
            idle = 0
        elif idle >= rounds and replace(board, box + EXPECTING, 1, 0):
            idle = 0
        elif idle >= rounds and replace(board, box + STATE, FREE, ASLEEP):
            return
        else:
            idle += 1
            relax(board)


@bridged
def clear(words):
    """Set 64-bit words to 0."""
    for i in range(len(words)):
        words[i] = 0


@bridged
def are_finite(words):
    """Whether float64 numbers, given as words, are finite."""
    others = 0
    for i in range(len(words)):
        others += (words[i] & _EXPONENT) == _EXPONENT
    return others == 0
