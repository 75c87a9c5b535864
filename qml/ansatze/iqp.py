"""Instantaneous quantum polynomial circuits as an ansatz."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

from qml.ansatze.trait import Ansatz, checked_weights
from qml.settings import check_whole
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.gates import Angle

__all__ = ["IQP"]


@dataclass(frozen=True)
class IQP(Ansatz):
    """Hadamards, then Z rotations on all groups of up to ``order`` qubits; Hadamards once more after the last layer.

    One layer is an IQP circuit: all its rotations commute, and sampling from it is believed to be hard classically.

    Parameters
    ----------
    order : int
        Maximum number of qubits of a rotation.

    Examples
    --------
    >>> from qml import ansatz_circuit
    >>> print(ansatz_circuit("iqp", num_qubits=3, num_layers=1))
         ┌───┐┌──────────┐                         ┌───┐
    q_0: ┤ H ├┤ Rz(w[0]) ├─■──────────■────────────┤ H ├────────
         ├───┤├──────────┤ │ZZ(w[3])  │            └───┘   ┌───┐
    q_1: ┤ H ├┤ Rz(w[1]) ├─■──────────┼──────────■─────────┤ H ├
         ├───┤├──────────┤            │ZZ(w[4])  │ZZ(w[5]) ├───┤
    q_2: ┤ H ├┤ Rz(w[2]) ├────────────■──────────■─────────┤ H ├
         └───┘└──────────┘                                 └───┘

    References
    ----------
    Recio-Armengol, Ahmed and Bowles, arXiv:2503.02934.
    """

    order: int = 2

    def __post_init__(self) -> None:
        check_whole("order", self.order, error=CircuitError)

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """One weight per rotation."""
        return num_layers * sum(comb(num_qubits, size) for size in range(1, self.order + 1))

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Build the layers; rotations on fewer qubits come first, groups in lexicographic order."""
        remaining = iter(checked_weights(self, num_qubits, num_layers, weights))
        groups = [group for size in range(1, self.order + 1) for group in combinations(range(num_qubits), size)]
        hadamards = [gates.H(q) for q in range(num_qubits)]
        layers = []
        for number in range(num_layers):
            rotations = [_rotation(len(group))(next(remaining), *group) for group in groups]
            closing = hadamards if number + 1 == num_layers else []
            layers.append(Circuit(num_qubits, [*hadamards, *rotations, *closing]))
        return layers


def _rotation(size: int) -> gates.Rotation:
    """Return the rotation about Z on each of ``size`` qubits."""
    return {1: gates.RZ, 2: gates.RZZ}.get(size) or gates.PauliRotation("Z" * size)
