"""Gates that prepare amplitudes from ``|0...0>``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simulator.errors import CircuitError
from simulator.gates.matrices import log2, normalized
from simulator.gates.trait import ComplexMatrix, Gate


class StatePreparation(Gate):
    """Gate that prepares amplitudes from ``|0...0>``: a unitary with the amplitudes as its first column.

    As the first operation on its qubits it has no cost; elsewhere it is applied as a dense unitary.

    Parameters
    ----------
    amplitudes : array_like, shape (2**t,)
    normalize : bool

    Raises
    ------
    GateError
        If the length is not a power of two, an entry is NaN, or the norm is not 1.
    """

    num_params = 0
    is_diagonal = False

    def __init__(
        self,
        amplitudes: ArrayLike,
        *,
        normalize: bool = False,
        name: str = "initialize",
        controls: tuple[int, ...] = (),
        adjoint: bool = False,
    ) -> None:
        self.name, self.controls, self.adjoint = name, controls, adjoint
        self.amplitudes = normalized(name, amplitudes, normalize)
        self.num_targets = log2(len(self.amplitudes))

    def target_matrix(self, *angles: float) -> ComplexMatrix:
        """Compute the Householder reflection that maps the first basis state to the amplitudes."""
        first = self.amplitudes[0]
        phase = first / abs(first) if abs(first) > 0 else 1.0
        vector = self.amplitudes / phase
        others = float(np.vdot(vector[1:], vector[1:]).real)
        vector[0] = -others / (1.0 + abs(first))  # abs(first) - 1, without cancellation
        norm = others + vector[0].real ** 2
        out = np.eye(len(vector), dtype=complex)
        if norm > 1e-30:
            out -= 2 * np.outer(vector, vector.conj()) / norm
        out *= phase
        return out.conj().T.copy() if self.adjoint else out

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        name = self.name[:-2] if self.adjoint else self.name + "dg"
        undo = StatePreparation(self.amplitudes, name=name, controls=self.controls, adjoint=not self.adjoint)
        return undo, ()

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        return StatePreparation(self.amplitudes, name=name, controls=controls, adjoint=self.adjoint)

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "state", self.controls, self.adjoint, self.amplitudes.tobytes()


class AmplitudeEncoding(Gate):
    """State preparation whose real amplitudes are the gate's parameters, normalised when bound.

    It must be the first operation on its qubits, and cannot be inverted or controlled.

    Parameters
    ----------
    num_qubits : int
    """

    controls = ()
    is_diagonal = False

    def __init__(self, num_qubits: int) -> None:
        self.name = "amplitude_encoding"
        self.num_targets = num_qubits
        self.num_params = 1 << num_qubits

    def target_matrix(self, *amplitudes: float) -> ComplexMatrix:
        return StatePreparation(amplitudes, normalize=True).target_matrix()

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        raise CircuitError("amplitudes that are parameters cannot be inverted; bind them first")

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        raise CircuitError("amplitudes that are parameters cannot be controlled; bind them first")

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "amplitudes", (), self.num_targets
