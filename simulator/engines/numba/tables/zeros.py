"""Unitaries on two qubits made sparser: gates of one qubit are moved on to the next unitary on that qubit.

A unitary U on two qubits, followed by others on both, is replaced by ``(A x B)^-1 U`` if the next unitary on the one
qubit is multiplied by A and the next one on the other by B. A and B are such that of the eight pairs of entries that a
loop multiplies vectors by, one pair is zero and one is real (`has_zeros`): 6 of 32 multiplications less.

Matrices are lists of rows of Python's numbers, which are faster here than arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.program.levels import Dense, Level, Rotation

_EXACT = 1e-12  # bound of what is set to zero
_SMALL = 1e-150  # bound of lengths that count as zero
_ACCURATE = 0.1  # sine of an angle from which rounding hardly changes the direction of a cross product

_Key = tuple[int, int]  # masks x and z of a qubit in the stored basis
_Rows = list[list[complex]]
_Direction = tuple[float, float, float]
_Gate = tuple[complex, complex, complex, complex]  # a 2 x 2 matrix, row by row


def with_zeros(levels: Sequence[Level], lanes: int) -> list[Level]:
    """Levels with the same product, in which unitaries on two qubits have zeros where possible.

    Parameters
    ----------
    levels : sequence of Level
    lanes : int
        Number of bits of an index that select a vector's lane; zeros of single lanes would save nothing.
    """
    followers = sorted(_followers(levels).items())
    if not followers:
        return list(levels)
    members = [levels[number].members[0] for number, _ in followers]
    waiting: dict[int, list[tuple[_Key, _Gate]]] = {}  # gates of one qubit, by the level that is to absorb them
    matrices: list[_Rows] = np.array([member.matrix for member in members]).tolist()
    low = (1 << lanes) - 1
    for place, (number, following) in enumerate(followers):
        member, rows = members[place], matrices[place]
        keys = [*zip(member.xs, member.zs, strict=True)]
        for key, gate in waiting.pop(number, ()):
            rows = _times(rows, gate, 1 << keys.index(key))
        targets = [target for target in following if target is not None]
        slots = [m for m, (x, z) in enumerate(keys) if not (x | z) & low]
        if slots and len(targets) == len(keys) and (split := _split(rows, slots[0])):
            *gates, rows = split
            for key, target, gate in zip(keys, targets, gates, strict=True):
                waiting.setdefault(target, []).append((key, gate))
        matrices[place] = rows
    out = list(levels)
    for (number, _), member, matrix in zip(followers, members, np.array(matrices, complex), strict=True):
        out[number] = Level("dense", [Dense(member.xs, member.zs, matrix, True)])
    return out


def has_zeros(matrix: NDArray[np.complex128], slot: int) -> bool:
    """Whether zeros and real entries of a 4 x 4 matrix are where kernels leave them out.

    ``M[p, p ^ h]`` is zero, h being the bit ``slot``, for both rows p without this bit; ``M[p, p]`` is real for both
    rows with it.
    """
    h = 1 << slot
    return all(matrix[p, p ^ h] == 0 and matrix[p ^ h, p ^ h].imag == 0 for p in range(4) if not p & h)


def _followers(levels: Sequence[Level]) -> dict[int, list[int | None]]:
    """For each unitary on two qubits, the numbers of the next levels that its qubits depend on.

    None where that is not a unitary on two qubits of which this is one.
    """
    following: dict[_Key, int] = {}
    out: dict[int, list[int | None]] = {}
    all_x = all_z = 0  # bits of the masks in `following`, perhaps of more
    for number in reversed(range(len(levels))):
        if not following and levels[number].kind != "dense":
            continue
        for member in levels[number].members:
            keys: list[_Key] = []
            if isinstance(member, Rotation):
                x, z, _ = member
                strings = [(x, z)] if x & all_z or z & all_x else []
            else:
                strings = [*((x, 0) for x in member.xs), *((0, z) for z in member.zs)]
                if member.unitary and len(member.xs) == 2:
                    keys = [*zip(member.xs, member.zs, strict=True)]
                    out[number] = [following.pop(key, None) for key in keys]
            if not strings:
                continue
            all_x = all_z = 0
            for x, z in following:
                all_x, all_z = all_x | x, all_z | z
            for x, z in strings:
                if x & all_z or z & all_x:
                    for key in [key for key in following if ((key[0] & z).bit_count() ^ (key[1] & x).bit_count()) & 1]:
                        del following[key]
            for x, z in keys:
                following[x, z] = number
                all_x, all_z = all_x | x, all_z | z
    return out


def _times(rows: _Rows, gate: _Gate, bit: int) -> _Rows:
    """Product of a matrix and a gate on the qubit of this bit."""
    a, b, c, d = gate
    if bit == 1:
        return [[w * a + x * c, w * b + x * d, y * a + z * c, y * b + z * d] for w, x, y, z in rows]
    return [[w * a + y * c, x * a + z * c, w * b + y * d, x * b + z * d] for w, x, y, z in rows]


def _undone(gate: _Gate, bit: int, rows: _Rows) -> _Rows:
    """Product of the inverse of a gate on the qubit of this bit and a matrix."""
    a, b, c, d = gate
    a, b, c, d = a.conjugate(), b.conjugate(), c.conjugate(), d.conjugate()
    out = rows.copy()
    for p in (0, 3 - bit):
        (r, s, t, u), (w, x, y, z) = rows[p], rows[p | bit]
        out[p] = [a * r + c * w, a * s + c * x, a * t + c * y, a * u + c * z]
        out[p | bit] = [b * r + d * w, b * s + d * x, b * t + d * y, b * u + d * z]
    return out


def _split(rows: _Rows, slot: int) -> tuple[_Gate, _Gate, _Rows] | None:
    """Gates on qubits 0 and 1, and the remaining matrix, which `has_zeros`; None if the matrix is not quite unitary.

    Let h be the bit ``slot``, and Q and S the 2 x 2 blocks of the columns with h. The gate on this qubit replaces Q by
    ``X = v_0 Q + v_1 S``, whose columns are to be orthogonal: ``v^* H v = 0`` for a matrix H that is traceless, because
    the columns of the unitary are orthogonal. So v is a state whose Bloch vector is orthogonal to those of both
    Hermitian parts of H. Then the gate on the other qubit has the columns of X, exchanged, and X loses its diagonal.
    """
    h, other_bit = 1 << slot, 2 >> slot
    columns = [[rows[p][c] for p in (0, other_bit, h, 3)] for c in (h, 3)]  # of Q, then of S below it
    (q, r, s, t), (u, v, w, x) = [number.conjugate() for number in columns[0]], columns[1]
    first, second = _orthogonal_state(q * u + r * v, q * w + r * x, s * u + t * v)
    gate: _Gate = (first.conjugate(), -second, second.conjugate(), first)
    rows = _undone(gate, h, rows)
    pairs = [(rows[0][c], rows[other_bit][c]) for c in (h, 3)]  # columns of X
    lengths = [math.hypot(abs(a), abs(b)) for a, b in pairs]
    k = int(lengths[1] >= lengths[0])
    a, b = (number / lengths[k] for number in pairs[k]) if lengths[k] > _EXACT else (1.0, 0.0)
    other: _Gate = (a, -b.conjugate(), b, a.conjugate()) if k else (-b.conjugate(), a, a.conjugate(), b)
    rows = _undone(other, other_bit, rows)
    phases = [rows[p][p] / abs(rows[p][p]) if rows[p][p] else 1.0 for p in (h, 3)]
    gate = _with_phase(gate, phases[0])
    other = _with_phase(other, phases[1] / phases[0])
    for p, phase in ((h, phases[0]), (3, phases[1]), (other_bit, phases[1] / phases[0])):
        rows[p] = [number / phase for number in rows[p]]
    for p in (0, other_bit):
        if max(abs(rows[p][p | h]), abs(rows[p | h][p | h].imag)) > _EXACT:
            return None
        rows[p][p | h], rows[p | h][p | h] = 0j, complex(rows[p | h][p | h].real)
    return (gate, other, rows) if slot == 0 else (other, gate, rows)


def _with_phase(gate: _Gate, phase: complex) -> _Gate:
    """Gate behind a diagonal one with the phases 1 and ``phase``."""
    a, b, c, d = gate
    return a, b * phase, c, d * phase


def _orthogonal_state(diagonal: complex, above: complex, below: complex) -> tuple[complex, complex]:
    """Normalised v with ``v^* H v = 0`` for the traceless matrix H whose first number is ``diagonal``."""
    first = (above + below).real, (below - above).imag, 2 * diagonal.real  # Bloch vectors of the Hermitian parts
    second = (above + below).imag, (above - below).real, 2 * diagonal.imag
    x, y, z = _crossed(first, second)
    length = math.hypot(x, y, z)
    if length > _ACCURATE * math.hypot(*first) * math.hypot(*second):
        x, y, z = x / length, y / length, z / length
    else:
        if math.hypot(*first) < math.hypot(*second):
            first, second = second, first
        first = _orthogonal(first, (0.0, 0.0, 0.0))
        x, y, z = _crossed(first, _orthogonal(second, first))
    if z < 0:
        x, y, z = -x, -y, -z
    length = math.sqrt(2 + 2 * z)
    return (1 + z) / length + 0j, (x + 1j * y) / length


def _crossed(a: _Direction, b: _Direction) -> _Direction:
    """Cross product of two vectors."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _orthogonal(vector: _Direction, unit: _Direction) -> _Direction:
    """Direction of a vector's part orthogonal to ``unit``; any direction orthogonal to it if there is no such part."""
    axes = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    part = axis = axes[min(range(3), key=lambda k: abs(unit[k]))]
    for candidate in (vector, axis):
        part = candidate
        for _ in range(2):  # once more, as the first difference may be all rounding
            along = sum(a * b for a, b in zip(part, unit, strict=True))
            part = part[0] - along * unit[0], part[1] - along * unit[1], part[2] - along * unit[2]
        length = math.hypot(*part)
        if length > _SMALL:
            return part[0] / length, part[1] / length, part[2] / length
    return axis
