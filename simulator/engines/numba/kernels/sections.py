"""Sections of a program's packed constants and of a thread's scratch.

``packed`` holds the constants in the format of `layout.sections`; ``scratch`` is divided by `layout.scratch`.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined
from simulator.engines.numba.layout.passes import COLUMNS, FIRST_TERM, LAST_TERM
from simulator.engines.numba.layout.scratch import END, ROTATIONS, SLOTS
from simulator.engines.numba.layout.sections import COEFFICIENTS, PASSES, TERM_COLUMNS, TERMS
from simulator.engines.numba.simd import entry, lanes_of, like, section, splat, store, table_view


@inlined
def integers(packed, number):
    """A section of integers."""
    ints = packed[0]
    at = END + 1 + 2 * number
    begin = entry(ints, at)
    return section(ints, begin, begin + entry(ints, at + 1))


@inlined
def numbers(packed, number):
    """A section of floats."""
    at = END + 1 + 2 * number
    begin = entry(packed[0], at)
    return section(packed[1], begin, begin + entry(packed[0], at + 1))


@inlined
def rows(packed, number, columns):
    """A section of integers as a table."""
    ints = packed[0]
    at = END + 1 + 2 * number
    return table_view(ints, entry(ints, at), entry(ints, at + 1) // columns, columns)


@inlined
def passes_of(packed):
    """Number of passes."""
    return entry(packed[0], END + 2 + 2 * PASSES) // COLUMNS


@inlined
def one_pass(packed, r):
    """The columns of pass r."""
    begin = entry(packed[0], END + 1 + 2 * PASSES) + r * COLUMNS
    return section(packed[0], begin, begin + COLUMNS)


@inlined
def terms_of(packed, row):
    """The Z strings of a phase pass."""
    begin = entry(packed[0], END + 1 + 2 * TERMS) + TERM_COLUMNS * entry(row, FIRST_TERM)
    return table_view(packed[0], begin, entry(row, LAST_TERM) - entry(row, FIRST_TERM), TERM_COLUMNS)


@inlined
def ends_of(starts):
    """Where lists that lie one behind the other end, from where each begins."""
    return section(starts, 1, len(starts))


@inlined
def local_rotations(packed, scratch, j):
    """Coefficients of a tile's state j that differ from sample to sample."""
    layout = packed[0]
    size = COEFFICIENTS * lanes_of(scratch) * entry(layout, SLOTS)
    begin = entry(layout, ROTATIONS) + j * size
    return section(scratch, begin, begin + size)


@inlined
def cleared(scratch, begin, end):
    """Clear the section of ``scratch`` from begin to end and return it."""
    area = section(scratch, begin, end)
    for o in range(0, end - begin, lanes_of(scratch)):
        store(area, o, splat(like(scratch, 0.0)))
    return area
