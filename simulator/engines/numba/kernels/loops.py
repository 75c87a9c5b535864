"""Loops over calls of kernels (`jit.bridges`), and how other threads take part in them.

A helper thread polls its mailbox on a board in compiled code (`serve`), so that it begins at once and needs no GIL. A
caller (`repeat`, `lead`) posts to free helpers, makes its own call, and withdraws what no helper has taken. It waits
for those that have taken a call, so that none meets the arrays of the next one.

What is posted is one word, the address of the call's record, which stays where it is: each cache line that one core
writes and another one reads takes 35 to 450 ns.
"""

from __future__ import annotations

from simulator.engines.numba.jit import bridged, inlined, kernel
from simulator.engines.numba.jit.bridges import address_of, invoke, words_at
from simulator.engines.numba.layout.queues import (
    ALONE,
    ASLEEP,
    BARRED,
    BLOCK,
    BRIDGE,
    EXPECTING,
    FREE,
    LAST_STATE,
    MAILBOX_WORDS,
    MOST_HELPERS,
    PAYS,
    PREVIOUS,
    QUEUE_WORDS,
    RECORD,
    RECORD_WORDS,
    RETURNED,
    SCRATCH,
    SHARED,
    STATE,
    TAKEN,
    TRIAL,
    UNTAKEN,
    WAITED,
)
from simulator.engines.numba.simd import cycles, look, publish, relax, replace

_EXPONENT = 0x7FF << 52  # bits of the exponent of a float64; NaN and infinity have all of them
_PATIENCE = 1.5  # durations of a caller's own call for which it waits for a helper without consequence
_ABSENCE = 32  # durations of a longer wait for which the helper gets no calls
_TRIALS = 4  # calls with helpers, and then without, by which a loop finds out how a call is faster
_LONG = 200_000  # duration in cycles from which helpers pay, and might fall asleep while a call is made without
_UNTAKEN = 64  # calls in a row that helpers are awake for but do not take, as they wait for a processor
_NEVER = 1 << 62  # duration in cycles with helpers that never pay
_OUTLIER = 4  # average durations that a call without helpers counts at most, as it may be interrupted
_MEMORY = 3, 8  # binary logarithms of the numbers of calls, without helpers and with, of which averages are taken


@inlined
def _post(record, most, board):
    """Post the call of a record to up to ``most`` free helpers; return the last mailbox, below 0 if there is none."""
    last, posted, box, now = -1, 0, 0, cycles(board)
    while posted < most and box < len(board):
        if board[box + BARRED] <= now and replace(board, box + STATE, FREE, record):
            board[box + PREVIOUS] = last
            last = box
            posted += 1
        box += MAILBOX_WORDS
    return last


@inlined
def _withdraw(record, board, last, begin, waited):
    """Take the calls back that no helper has taken, wait for the helpers that have taken one, and return their number.

    ``begin`` is when this thread began its own call, in which it may have ``waited`` for others already. A helper for
    which it waits longer than that call took has lost its processor to another program, which may happen again soon.
    """
    end, helped = cycles(board), 0
    while last >= 0:
        box, last = last, board[last + PREVIOUS]
        if look(board, box + STATE) != record or not replace(board, box + STATE, record, FREE):
            while look(board, box + STATE) != RETURNED:
                relax(board)
            now = cycles(board)
            if waited + now - end > _PATIENCE * (end - begin - waited):
                board[box + BARRED] = now + _ABSENCE * (waited + now - end)
            publish(board, box + STATE, FREE)
            helped += 1
    return helped


@inlined
def _pays(calls, k):
    """Whether a call is faster with helpers, as far as it is known."""
    shared, alone = calls[k, SHARED], calls[k, ALONE]
    return calls[k, TRIAL] < 2 * _TRIALS or alone == 0 or shared <= alone


@inlined
def _is_trial(calls, k):
    """Whether a call is to be made without helpers, to know how long that takes."""
    return _TRIALS <= calls[k, TRIAL] < 2 * _TRIALS and calls[k, SHARED] < _LONG


@inlined
def _record_duration(calls, k, way, duration):
    """Include the duration of a call in the average of its ``way``, `ALONE` or `SHARED`.

    It begins at the shortest duration of the trials. Helpers that lose their processors count in full.
    """
    average = calls[k, way]
    if average == 0:
        calls[k, way] = duration
    elif calls[k, TRIAL] < 2 * _TRIALS:
        calls[k, way] = min(duration, average)
    elif way == ALONE:
        calls[k, way] = average + ((min(duration, _OUTLIER * average) - average) >> _MEMORY[0])
    else:
        calls[k, way] = average + ((duration - average) >> _MEMORY[1])


@kernel
def repeat(calls, board, helpers, place, end):
    """Make a sequence of calls again and again, until ``place[0]``, which counts its repetitions, is ``end``.

    A row of ``calls`` is described in `layout.queues`; ``board`` is the address of the board. It ends at once, in the
    middle of the sequence, where a kernel refuses. Returns the count.

    A second core may be far from the first one, or busy. So each call is timed with helpers and without, and made in
    the faster way. ``calls[0, PAYS]`` becomes the number of calls that pay with helpers.
    """
    boxes, paying = words_at(board, helpers * MAILBOX_WORDS), 0
    while place[0] < end:
        paying = 0
        for k in range(len(calls)):
            if calls[k, MOST_HELPERS] == 0 or helpers == 0 or not _pays(calls, k):
                if not invoke(calls[k, BRIDGE], calls[k, BLOCK], 0):
                    return place[0]
            else:
                record = address_of(calls) + 8 * k * calls.shape[1]
                begin = cycles(place)
                is_trial = _is_trial(calls, k)
                last = _post(record, 0 if is_trial else calls[k, MOST_HELPERS], boxes)
                accepted = invoke(calls[k, BRIDGE], calls[k, BLOCK], 0)
                helped = _withdraw(record, boxes, last, begin, 0)
                _record_duration(calls, k, SHARED if helped else ALONE, cycles(place) - begin)
                if helped or is_trial:
                    calls[k, TRIAL] += 1
                    calls[k, UNTAKEN] = 0
                elif last >= 0:
                    calls[k, UNTAKEN] += 1
                    if calls[k, UNTAKEN] == _UNTAKEN:
                        calls[k, SHARED], calls[k, TRIAL], calls[k, UNTAKEN] = _NEVER, 2 * _TRIALS, 0
                paying += 1
                if not accepted:
                    return place[0]
        place[0] += 1
    if helpers and len(calls):
        calls[0, PAYS] = paying
    return place[0]


@bridged
def lead(record, most, board, helpers):
    """Make the call of a record on this thread, and on up to ``most`` helpers.

    ``record`` and ``board`` are addresses; the record lies in the queue of the call.
    """
    boxes, call = words_at(board, helpers * MAILBOX_WORDS), words_at(record, RECORD_WORDS)
    queue = words_at(record - 8 * RECORD, QUEUE_WORDS)
    begin = cycles(boxes)
    last = _post(record, most, boxes)
    invoke(call[BRIDGE], call[BLOCK], 0)
    _withdraw(record, boxes, last, begin, queue[WAITED])


@kernel
def serve(board, box, rounds):
    """Make the calls posted to a mailbox, until none has come for a number of rounds of polling; then fall asleep."""
    idle = 0
    while True:
        record = look(board, box + STATE)
        if record > LAST_STATE and replace(board, box + STATE, record, TAKEN):
            call = words_at(record, RECORD_WORDS)
            invoke(call[BRIDGE], call[BLOCK], board[box + SCRATCH])
            publish(board, box + STATE, RETURNED)
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
