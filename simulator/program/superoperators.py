"""Programs on density matrices: transfer matrices on a few qubits, applied one after another.

A density matrix is represented by its real Pauli coefficients ``r[i] = tr(P_i rho)``: bits 2q and 2q + 1 of an index
are the x and z bit of the Pauli of qubit q.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.caching import cached_property

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class SuperoperatorGroup:
    """Superoperators on equally many qubits, whose transfer matrices are computed together.

    Attributes
    ----------
    positions : tuple of int
        Position of each member in the sequence of all superoperators.
    qubits : tuple of tuple of int
        Qubits of each member, at least two.
    varies : bool
        Whether the matrices differ between samples.
    differentiated : tuple of int
        Members with respect to whose matrices a sweep differentiates.
    """

    positions: tuple[int, ...]
    qubits: tuple[tuple[int, ...], ...]
    varies: bool
    differentiated: tuple[int, ...]

    def __post_init__(self) -> None:
        for qubits in self.qubits:
            if len(qubits) < 2:
                raise ValueError(f"a superoperator acts on at least 2 qubits, got {qubits}")

    @property
    def size(self) -> int:
        """Number of rows of each matrix, four for each qubit."""
        return 4 ** len(self.qubits[0])


@dataclass(frozen=True, eq=False)
class SuperoperatorProgram:
    """Sequence of superoperators and the Pauli strings whose expectations are computed.

    Attributes
    ----------
    num_qubits : int
        At least 2.
    groups : tuple of SuperoperatorGroup
    strings : int64 ndarray
        Indices of the coefficients that are read at the end.
    explicit_start : bool
        Whether the initial coefficients are given; otherwise all qubits start in 0.
    differentiable_start : bool
        Whether a sweep differentiates with respect to the initial coefficients.
    """

    num_qubits: int
    groups: tuple[SuperoperatorGroup, ...]
    strings: IntArray
    explicit_start: bool = False
    differentiable_start: bool = False

    @cached_property
    def sequence(self) -> tuple[tuple[int, ...], ...]:
        """Qubits of the superoperators in the order in which they are applied."""
        placed = {
            position: qubits
            for group in self.groups
            for position, qubits in zip(group.positions, group.qubits, strict=True)
        }
        return tuple(placed[position] for position in range(len(placed)))
