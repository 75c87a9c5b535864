"""Calls of kernels (`jit.bridges`) on some of the rows of a batch, whose other rows may not be there yet."""

from __future__ import annotations

from simulator.engines.numba.jit import part
from simulator.engines.numba.jit.bridges import address_of, invoke, words_at
from simulator.engines.numba.layout.row_calls import (
    ADDRESS,
    ARRAY_WORDS,
    ARRAYS,
    BLOCK,
    BRIDGE,
    FIRST_ARRAY,
    LENGTH,
    PLACE,
    ROW_BYTES,
    ROW_ENTRIES,
    ROW_LENGTH,
    SIZE,
    WORDS,
)


@part
def invoke_rows(calls, k, first, last, words):
    """Make call ``k`` of a table on the rows from ``first`` to below ``last``; return whether it did not refuse.

    calls : int64 (n_calls, n_columns)
        The ``table`` of a `loops.RowCalls`.
    words : int64 (at least the ``words`` of that,)
        Space for the block of the call, which each thread needs for itself.
    """
    count, rows = calls[k, WORDS], last - first
    block = words_at(calls[k, BLOCK], count)
    for i in range(count):
        words[i] = block[i]
    for number in range(calls[k, ARRAYS]):
        array = FIRST_ARRAY + number * ARRAY_WORDS
        place = calls[k, array + PLACE]
        words[place + SIZE] = rows * calls[k, array + ROW_ENTRIES]
        words[place + ADDRESS] += first * calls[k, array + ROW_BYTES]
        words[place + LENGTH] = rows * calls[k, array + ROW_LENGTH]
    return invoke(calls[k, BRIDGE], address_of(words), 0)
