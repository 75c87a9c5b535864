"""Schedule of stages: the members of each stage in order, their masks in its basis, and their levels.

`tables.schedule` says what is computed. A window of members is considered at a time; their strings are numbered, and a
set of strings is a row of 64-bit words, so that asking what does not commute with it takes a few instructions.
"""

from __future__ import annotations

from simulator.engines.numba.jit import inlined, kernel, part
from simulator.engines.numba.layout.schedule import (
    BLOCK_BITS,
    DENSE,
    DIAGONAL,
    KIND,
    LAST_LEVEL,
    LEVEL,
    MEMBER,
    MERGED,
    MOVING,
    NEGATED,
    ORDERED,
    STRING,
    X,
    Z,
)
from simulator.engines.numba.simd import bit_length, count_ones, section, table_view, trailing_zeros

_CHECKED = 8  # interval, in postponed members, between checks whether any later member can still commute
_RUN_BITS = 1  # qubits beside the lanes that are always in a block, so that it is copied in whole cache lines

_ITEM = 4  # columns of an item, a member of the window: its number, its strings, and the stage it was selected for
_NUMBER, _FIRST, _LAST, _STAGE = range(_ITEM)
_VECTORS, _LENGTHS, _ECHELON = range(3)  # of a span: its vectors, their residues' bit lengths, residues by bit length
_BASIS, _INVERSE = 3, 4
_SPAN = 5
_HEADS, _TAILS, _NEXT = range(3)  # of levels: first and last member; of members: the next one in the level


def scratch_size(num_qubits: int, window: int, words: int) -> int:
    """Number of integers that `schedule` works with, for sets of ``64 * words`` strings."""
    return (2 * window + 2 * num_qubits + 2 + 64) * words + (_ITEM + 5) * window + _SPAN * (num_qubits + 1)


@part
def _add_rows(total, rows, first, mask):
    """Add the rows that a mask selects, from row ``first`` on, to ``total``, modulo 2."""
    while mask != 0:
        row = rows[first + trailing_zeros(mask)]
        for w in range(len(total)):
            total[w] ^= row[w]
        mask &= mask - 1


@part
def _number_strings(strings, begins, items, count, owners, rows, columns, odd):
    """Number the strings of a window; write for each item which strings do not commute with one of its own."""
    num_qubits, words, total = len(columns) // 2, rows.shape[1], 0
    for q in range(len(columns)):
        for w in range(words):
            columns[q, w] = 0
    for k in range(count):
        items[k, _FIRST], items[k, _STAGE] = total, -1
        number = items[k, _NUMBER]
        for s in range(begins[number], begins[number + 1]):
            x, z, bit, w = strings[s, X], strings[s, Z], 1 << (total & 63), total >> 6
            owners[total] = k
            while x != 0:  # strings with Z of a qubit whose X this one has
                columns[num_qubits + trailing_zeros(x), w] |= bit
                x &= x - 1
            while z != 0:
                columns[trailing_zeros(z), w] |= bit
                z &= z - 1
            total += 1
        items[k, _LAST] = total
    for k in range(count):
        number, row = items[k, _NUMBER], rows[k]
        for w in range(words):
            row[w] = 0
        for s in range(begins[number], begins[number + 1]):
            for w in range(words):
                odd[w] = 0
            _add_rows(odd, columns, 0, strings[s, X])
            _add_rows(odd, columns, num_qubits, strings[s, Z])
            for w in range(words):
                row[w] |= odd[w]
    return total


@part
def _extended(span, size, vector, lanes):
    """Add a vector to a span of ``size`` vectors modulo the lanes' bits, unless it is a member; return the new size."""
    residue = vector >> lanes << lanes
    while residue != 0 and span[_ECHELON, bit_length(residue)] != 0:
        residue ^= span[_ECHELON, bit_length(residue)]
    if residue == 0:
        return size
    length = bit_length(residue)
    span[_VECTORS, size], span[_LENGTHS, size], span[_ECHELON, length] = vector, length, residue
    return size + 1


@inlined
def _contains(bits, first, last):
    """Whether a set contains one of the strings from ``first`` to ``last - 1``."""
    odd = 0
    for number in range(first, last):
        odd |= bits[number >> 6] >> (number & 63)
    return odd & 1


@part
def _is_full(bits, first, last):
    """Whether a set contains all of the strings from ``first`` to ``last - 1``."""
    while first < last and bits[first >> 6] >> (first & 63) & 1:
        first += 1
    return first >= last


@part
def _take(selected, count, ready, mask, owners):
    """Select the items that wait in ``ready`` and are in ``mask``; return the number of selected items."""
    for w in range(len(ready)):
        bits = ready[w] & mask[w]
        ready[w] ^= bits
        while bits != 0:
            selected[count] = owners[64 * w + trailing_zeros(bits)]
            bits &= bits - 1
            count += 1
    return count


@part
def _fill(
    strings, begins, items, remaining, count, owners, rows, sets, span, selected, total, lanes, bits, look_ahead, last
):
    """Select the items of one stage in order, and their subspace; return their number and that of its vectors."""
    num_qubits, crossed, ready = span.shape[1] - 1, sets[0], sets[1]
    for w in range(len(crossed)):
        crossed[w] = ready[w] = 0
    for length in range(num_qubits + 1):
        span[_ECHELON, length] = 0
    size = num_selected = blocked = 0
    for q in range(lanes, min(lanes + _RUN_BITS, num_qubits)):
        size = _extended(span, size, 1 << q, lanes)
    searching = True
    for k in range(count):
        if searching:
            row = remaining[k]
            first, end, begin = items[row, _FIRST], items[row, _LAST], begins[items[row, _NUMBER]]
            moves = (end - first) // 2
            if end == first + 1:
                moves = min(1, strings[begin, X])
            postponed = _contains(crossed, first, end)
            if not postponed and moves == 0:
                ready[first >> 6] |= 1 << (first & 63)
            if not postponed and moves != 0:
                new_size = size
                for j in range(moves):
                    new_size = _extended(span, new_size, strings[begin + j, X], lanes)
                if new_size == size or new_size + lanes <= bits or num_selected == 0:
                    size = new_size
                    num_selected = _take(selected, num_selected, ready, rows[row], owners)
                    selected[num_selected] = row
                    num_selected += 1
                else:
                    postponed = 1
                    for j in range(size, new_size):
                        span[_ECHELON, span[_LENGTHS, j]] = 0
            if postponed:
                for w in range(len(crossed)):
                    crossed[w] |= rows[row, w]
                if moves != 0:
                    blocked += 1
                    if blocked > look_ahead or (blocked % _CHECKED == 0 and _is_full(crossed, end, total)):
                        searching = False
    if blocked == 0 and (last or num_selected == 0):
        num_selected = _take(selected, num_selected, ready, ready, owners)
    for q in range(lanes, num_qubits):  # unused qubits of a block make its contiguous runs longer
        if size + lanes < bits:
            size = _extended(span, size, 1 << q, lanes)
    return num_selected, size


@part
def _choose_basis(span, size, lanes):
    """Write the basis of a stage, the lanes' bits, the span's vectors and a complement, and its inverse."""
    num_qubits = span.shape[1] - 1
    basis, inverse, rows = span[_BASIS], span[_INVERSE], span[_LENGTHS]
    for q in range(lanes):
        basis[q] = 1 << q
    for k in range(size):
        basis[lanes + k] = span[_VECTORS, k]
    at = lanes + size
    for q in range(lanes, num_qubits):
        if span[_ECHELON, q + 1] == 0:
            basis[at] = 1 << q
            at += 1
    for j in range(num_qubits):
        rows[j], inverse[j] = basis[j], 1 << j
    for q in range(num_qubits):
        j = q
        while not rows[j] >> q & 1:
            j += 1
        row, coordinates = rows[j], inverse[j]
        rows[j], inverse[j] = rows[q], inverse[q]
        for j in range(num_qubits):
            if j == q:
                rows[j], inverse[j] = row, coordinates
            elif rows[j] >> q & 1:
                rows[j] ^= row
                inverse[j] ^= coordinates


@part
def _in_basis(span, strings, s, masks, at):
    """Write string ``s`` in the stage's basis; return whether the rotation's angle changes its sign."""
    x, z, new_x, new_z = strings[s, X], strings[s, Z], 0, 0
    ys = count_ones(x & z)
    while x != 0:
        new_x ^= span[_INVERSE, trailing_zeros(x)]
        x &= x - 1
    for j in range(span.shape[1] - 1):
        new_z |= (count_ones(z & span[_BASIS, j]) & 1) << j
    masks[at, X], masks[at, Z] = new_x, new_z
    return (ys - count_ones(new_x & new_z)) >> 1 & 1


@part
def _append(place, level, chains, level_set, first, last):
    """Append the member of a stage at ``place`` with its strings to a level."""
    if chains[_HEADS, level] < 0:
        chains[_HEADS, level] = place
    else:
        chains[_NEXT, chains[_TAILS, level]] = place
    chains[_TAILS, level], chains[_NEXT, place] = place, -1
    for number in range(first, last):
        level_set[number >> 6] |= 1 << (number & 63)


@part
def _level_of(masks, placed, place, kind, crossing, levels, count, chains, level_sets, look_back):
    """The earliest level that a rotation may be in, and the place of a rotation about the same string there, or -1."""
    first = max(count - look_back, 0)
    number = count - 1
    while number >= first:
        crosses = 0
        for w in range(len(crossing)):
            crosses |= level_sets[number, w] & crossing[w]
        if crosses != 0:
            if levels[number, KIND] == kind:
                levels[number, ORDERED] = 1
                return number, -1
            first = number + 1
        number -= 1
    string = placed[place, STRING]
    for number in range(first, count):
        if levels[number, KIND] == kind:
            other = chains[_HEADS, number]
            while other >= 0:
                at = placed[other, STRING]
                if masks[at, X] == masks[string, X] and masks[at, Z] == masks[string, Z]:
                    return number, other
                other = chains[_NEXT, other]
            return number, -1
    return count, -1


@kernel
def schedule(
    strings, begins, lanes, bits, window, look_ahead, look_back, words, scratch, placed, masks, levels, stages, bases
):
    """Cut members into stages; return the number of stages.

    strings : masks x and z of each string
    begins : first string of each member; a rotation has one, a matrix on k qubits has X of each, then Z of each
    window : number of members considered for a stage
    look_ahead : maximum number of postponed members before the search for more members of a stage ends
    look_back : maximum number of levels searched for an earlier place
    words : number of words of a set of a window's strings
    scratch : `scratch_size` integers
    placed, masks, levels, stages, bases : the schedule, see `layout.schedule`; a basis for each stage
    """
    num_qubits, members = bases.shape[1], len(begins) - 1
    rows = table_view(scratch, 0, window, words)
    level_sets = table_view(scratch, window * words, window, words)
    columns = table_view(scratch, 2 * window * words, 2 * num_qubits, words)
    sets = table_view(scratch, (2 * window + 2 * num_qubits) * words, 2, words)
    at = (2 * window + 2 * num_qubits + 2) * words
    owners = section(scratch, at, at + 64 * words)
    at += 64 * words
    items = table_view(scratch, at, window, _ITEM)
    at += _ITEM * window
    chains = table_view(scratch, at, 3, window)
    at += 3 * window
    remaining, selected = section(scratch, at, at + window), section(scratch, at + window, at + 2 * window)
    span = table_view(scratch, at + 2 * window, _SPAN, num_qubits + 1)
    count = next_member = total = stage = place = string = level = 0
    while count > 0 or next_member < members:
        if next_member < members and count < window // 2:
            for k in range(count):
                items[k, _NUMBER] = items[remaining[k], _NUMBER]
            while count < window and next_member < members:
                items[count, _NUMBER] = next_member
                count, next_member = count + 1, next_member + 1
            for k in range(count):
                remaining[k] = k
            total = _number_strings(strings, begins, items, count, owners, rows, columns, sets[0])
        num_selected, size = _fill(
            strings, begins, items, remaining, count, owners, rows, sets, span, selected, total, lanes, bits,
            look_ahead, next_member == members,
        )  # fmt: skip
        _choose_basis(span, size, lanes)
        count_levels = 0
        stage_levels = section(levels, level, len(levels))
        stage_members = section(placed, place, members)
        for k in range(num_selected):
            row = selected[k]
            first, last, number = items[row, _FIRST], items[row, _LAST], items[row, _NUMBER]
            items[row, _STAGE], stage_members[k, MEMBER], stage_members[k, STRING] = stage, number, string
            negated = 0
            for s in range(begins[number], begins[number + 1]):
                negated = _in_basis(span, strings, s, masks, string)
                string += 1
            kind, at_level, merged = DENSE, count_levels, -1
            if last == first + 1:
                kind = DIAGONAL if masks[string - 1, X] == 0 else MOVING
                at_level, merged = _level_of(
                    masks, stage_members, k, kind, rows[row], stage_levels, count_levels, chains, level_sets, look_back
                )
            if at_level == count_levels:
                stage_levels[at_level, KIND], stage_levels[at_level, ORDERED], chains[_HEADS, at_level] = kind, 0, -1
                for w in range(words):
                    level_sets[at_level, w] = 0
                count_levels += 1
            if merged < 0:
                _append(k, at_level, chains, level_sets[at_level], first, last)
            else:
                merged += place
            stage_members[k, LEVEL], stage_members[k, MERGED] = level + at_level, merged
            stage_members[k, NEGATED] = negated
        for q in range(num_qubits):
            bases[stage, q] = span[_BASIS, q]
        place, level = place + num_selected, level + count_levels
        stages[stage, LAST_LEVEL], stages[stage, BLOCK_BITS] = level, lanes + size
        stage += 1
        others = 0
        for k in range(count):
            if items[remaining[k], _STAGE] < 0:
                remaining[others] = remaining[k]
                others += 1
        count = others
    return stage
