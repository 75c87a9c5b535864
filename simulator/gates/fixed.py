"""Gates without angles, defined by a unitary or by the phases of a diagonal unitary."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simulator.errors import GateError
from simulator.gates.matrices import is_power_of_two, log2, square_matrix
from simulator.gates.trait import ComplexMatrix, Gate
from simulator.precision import TOLERANCE, nearest_isometry, tolerance_for, unitary_deviation


class Fixed(Gate):
    """A gate without angles, defined by its unitary.

    Parameters
    ----------
    name : str
    unitary : array_like, shape (2**t, 2**t)
        A matrix of 32-bit numbers may deviate by rounding errors; the nearest unitary takes its place.
    check : bool
        ``False`` accepts a matrix that is not unitary; results are then not normalised.

    Raises
    ------
    GateError
        If the shape is not a power of two, an entry is NaN or infinite, or the matrix is not unitary.
    """

    num_params = 0

    def __init__(self, name: str, unitary: ArrayLike, *, check: bool = True, controls: tuple[int, ...] = ()) -> None:
        self.name, self.controls = name, controls
        self.unitary = square_matrix(name, unitary)
        self.num_targets = log2(len(self.unitary))
        self.check = check
        deviation, tolerance = unitary_deviation(self.unitary), tolerance_for(unitary)
        self.is_unitary = deviation <= tolerance
        if check and not self.is_unitary:
            raise GateError(
                f"{name}: the matrix is not unitary: |U U^dagger - 1| = {deviation:.3g} "
                f"(allowed {tolerance:g}; check=False accepts it)"
            )
        if self.is_unitary and tolerance > TOLERANCE:
            self.unitary = nearest_isometry(self.unitary)
        self.unitary.setflags(write=False)

    @classmethod
    def accepted(cls, name: str, unitary: ArrayLike, tolerance: float) -> Fixed:
        """Make a gate of a matrix that another library takes for unitary.

        A matrix that deviates by more than is allowed here is replaced by the nearest unitary.

        Parameters
        ----------
        name : str
        unitary : array_like, shape (2**t, 2**t)
        tolerance : float
            Largest deviation that the other library allows.

        Raises
        ------
        GateError
            If the shape is not a power of two, an entry is NaN or infinite, or the matrix deviates more.
        """
        gate = cls(name, unitary, check=False)
        if not gate.is_unitary:
            deviation = unitary_deviation(gate.unitary)
            if not deviation <= tolerance:
                raise GateError(f"{name}: the matrix is not unitary: |U U^dagger - 1| = {deviation:.3g}")
            gate.unitary, gate.is_unitary = nearest_isometry(gate.unitary), True
            gate.unitary.setflags(write=False)
        gate.check = True
        return gate

    def target_matrix(self, *angles: float) -> ComplexMatrix:
        return self.unitary.copy()

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        undo = self.unitary.conj().T if self.is_unitary else np.linalg.inv(self.unitary)
        if np.array_equal(undo, self.unitary):
            return self, ()
        name = self.name[:-2] if self.name.endswith("dg") else self.name + "dg"
        gate = Fixed(name, undo, check=self.check, controls=self.controls)
        return gate.under_standard_name(), ()

    @property
    def is_diagonal(self) -> bool:
        return not np.any(self.unitary - np.diag(np.diag(self.unitary)))

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Fixed:
        return Fixed(name, self.unitary, check=self.check, controls=controls)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "fixed", self.controls, self.unitary.tobytes()


class Diagonal(Gate):
    """A fixed diagonal gate, defined by its phases: ``diag(exp(i * phases))``.

    Parameters
    ----------
    name : str
    phases : array_like, shape (2**t,), radians
    """

    num_params = 0
    is_diagonal = True

    def __init__(self, name: str, phases: ArrayLike, *, controls: tuple[int, ...] = ()) -> None:
        self.name, self.controls = name, controls
        try:
            self.phases = np.array(phases, float)
        except (TypeError, ValueError):
            raise GateError(f"{name}: phases are real angles in radians") from None
        if self.phases.ndim != 1 or not is_power_of_two(len(self.phases)):
            raise GateError(f"{name}: phases has shape (2**k,), got {self.phases.shape}")
        if not np.isfinite(self.phases).all():
            raise GateError(f"{name}: phases contain NaN or infinity")
        self.num_targets = log2(len(self.phases))

    def target_matrix(self, *angles: float) -> ComplexMatrix:
        return np.diag(np.exp(1j * self.phases))

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        return Diagonal(self.name, -self.phases, controls=self.controls), ()

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Diagonal:
        return Diagonal(name, self.phases, controls=controls)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "diagonal", self.controls, self.phases.tobytes()
