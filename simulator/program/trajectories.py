"""Programs of trajectories: matrices on a few qubits, of which each trajectory draws one after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.gates import Condition

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]


@dataclass(eq=False, slots=True)
class Jump:
    """Matrices on some qubits, of which each trajectory draws one.

    Attributes
    ----------
    qubits : tuple of int
    matrices : complex128 ndarray, shape (m, 2**k, 2**k)
    probabilities : float64 ndarray, shape (m,), or None
        None if a matrix K is drawn with the probability ``|K psi|**2``, which depends on the state.
    clbit : int
        Classical bit that receives the number of the drawn matrix; -1 for none.
    conditions : tuple of Condition
        Conditions under which the jump happens.
    """

    qubits: tuple[int, ...]
    matrices: ComplexArray
    probabilities: FloatArray | None
    clbit: int = -1
    conditions: tuple[Condition, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether this is a single matrix that is always applied."""
        return len(self.matrices) == 1 and not self.conditions


@dataclass(frozen=True, eq=False)
class TrajectoryProgram:
    """Jumps of a circuit without free parameters, in order.

    Attributes
    ----------
    num_qubits, num_clbits : int
    initial : complex128 ndarray, shape (2**num_qubits,)
        State in which every trajectory begins.
    jumps : tuple of Jump
    """

    num_qubits: int
    num_clbits: int
    initial: ComplexArray
    jumps: tuple[Jump, ...]

    @property
    def draws(self) -> int:
        """Number of random numbers that a trajectory uses: one for each jump with several matrices."""
        return sum(len(jump.matrices) > 1 for jump in self.jumps)
