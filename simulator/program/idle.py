"""Rotations and matrices that no expectation sees, and derivatives that matrices hide.

An observable is carried back through the circuit, from its end. What has been met so far generates an algebra of
strings that contains the observable at each point; a rotation whose string commutes with these generators leaves it
as it is. A string commutes with products of strings if it commutes with each of them, so a basis of the strings' span
over GF(2) replaces them where they are many, and only the identity commutes with strings that span everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from simulator.program.levels import Dense, Level, Rotation
from simulator.program.subspaces import remainder

__all__ = ["out_of_reach", "without_idle"]

_MANY = 3  # strings for each qubit from which a basis replaces them; the rank is at most 2 for each qubit


def without_idle(levels: Sequence[Level], strings: Iterable[tuple[int, int]], num_qubits: int) -> list[Level]:
    """Drop members that commute with the observables and with all later members that stay.

    A matrix that is not unitary stays, as it changes the norm.

    Parameters
    ----------
    levels : sequence of Level
    strings : iterable of (int, int)
        Masks x and z of all observables' strings in the stored basis.
    num_qubits : int

    Returns
    -------
    list of Level
        Levels in which each rotation fails to commute with an observable or a later member.
    """
    seen = _Seen(num_qubits)
    for x, z in strings:
        seen.add(x | z << num_qubits)
    out: list[Level] = []
    for number, level in reversed([*enumerate(levels)]):
        if seen.spans_everything():
            out += reversed(levels[: number + 1])
            break
        members = seen.dense(level.members[0]) if level.kind == "dense" else seen.rotations(level.members)
        if len(members) == len(level.members):
            out.append(level)
        elif members:
            out.append(Level(level.kind, members, level.ordered))
    out.reverse()
    return out


def out_of_reach(levels: Sequence[Level], num_qubits: int, most: float) -> tuple[float, list[int]]:
    """Find the parameters whose derivatives the adjoint method cannot compute, as it undoes matrices on the state.

    Let M be a matrix and M' its pseudoinverse. Going back, the state after M becomes ``M' M psi`` and the adjoint
    state ``M^dagger lambda``. A derivative ``Im <lambda|M G M' M psi>`` is right if M can be inverted, or if the
    generator G commutes with M. Those of initial amplitudes and of the product state's gates need no psi.

    Parameters
    ----------
    levels : sequence of Level
        Levels after the product state.
    num_qubits : int
    most : float
        Maximum condition number of all matrices together that can be inverted.

    Returns
    -------
    condition : float
        Product of the condition numbers of the matrices that are not unitary.
    numbers : list of int
    """
    condition, numbers = 1.0, set[int]()
    if all(level.kind != "dense" or level.members[0].unitary for level in levels):
        return condition, []
    seen = _Seen(num_qubits)
    for level in reversed(levels):
        if level.kind == "dense":
            matrix = level.members[0]
            if not matrix.unitary:
                condition *= float(np.linalg.cond(matrix.matrix))
            seen.dense(matrix)
            continue
        members = level.members if seen.spans_everything() else seen.rotations(level.members)
        if condition > most:
            numbers.update(number for member in members for number in member.angle.factors)
    return condition, sorted(numbers)


class _Seen:
    """Strings, each as an integer ``x | z << num_qubits``, and whether others commute with all of them.

    Two strings commute if the parity of one and the other *exchanged*, ``z | x << num_qubits``, is even.
    """

    def __init__(self, num_qubits: int) -> None:
        self.num_qubits = num_qubits
        self._many = _MANY * num_qubits
        self._strings: list[int] = []  # that span all, exchanged
        self._bits = 0  # of them
        self._turned: set[int] = set()  # strings of rotations that have been added

    def add(self, string: int) -> None:
        """Add a string."""
        n = self.num_qubits
        exchanged = string >> n | (string & (1 << n) - 1) << n
        self._strings.append(exchanged)
        self._bits |= exchanged

    def spans_everything(self) -> bool:
        """Whether only the identity commutes with all strings; found out when they have become many."""
        if len(self._strings) < self._many:
            return False
        echelon: dict[int, int] = {}
        for string in self._strings:
            if residue := remainder(echelon, string):
                echelon[residue.bit_length()] = residue
                if len(echelon) == 2 * self.num_qubits:
                    return True
        self._strings = [*echelon.values()]
        self._many *= 2
        return False

    def commutes(self, string: int) -> bool:
        """Whether a string commutes with all strings so far."""
        if string & self._bits:
            for other in self._strings:  # a loop takes half as long as `any`
                if (other & string).bit_count() & 1:
                    return False
        return True

    def rotations(self, members: Sequence[Rotation]) -> list[Rotation]:
        """Rotations before all that was added that do not commute with it, which are added, too."""
        out, n, turned, commutes, add = [], self.num_qubits, self._turned, self.commutes, self.add
        for rotation in reversed(members):
            x, z, _ = rotation
            string = x | z << n
            if string not in turned:
                if commutes(string):
                    continue
                add(string)
                turned.add(string)
            out.append(rotation)
        out.reverse()
        return out

    def dense(self, matrix: Dense) -> list[Dense]:
        """Likewise for a matrix: what it is a sum of products of is added, the X and Z of its qubits."""
        strings = [*matrix.xs, *(z << self.num_qubits for z in matrix.zs)]
        if matrix.unitary and all(map(self.commutes, strings)):
            return []
        for string in strings:
            self.add(string)
        return [matrix]
