"""Simplified two-design of Cerezo et al."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qml.ansatze.trait import Ansatz, checked_weights
from qml.entanglement import entangled_groups
from simulator import gates
from simulator.circuit import Circuit
from simulator.gates import Angle

__all__ = ["SimplifiedTwoDesign"]


@dataclass(frozen=True)
class SimplifiedTwoDesign(Ansatz):
    """RY on each qubit, then layers of CZ and two RY on each pair of neighbours, even pairs before odd ones.

    PennyLane's ``SimplifiedTwoDesign``; weights are in its order, with those of the first rotations in front. These
    belong to the first layer. With weights from the whole circle, the gradients of this circuit vanish exponentially
    with its width for observables on all qubits, and much more slowly for observables on few.

    Examples
    --------
    >>> from qml import ansatz_circuit
    >>> print(ansatz_circuit("simplified_two_design", num_qubits=3, num_layers=2).draw(fold=110))
         ┌──────────┐   ┌──────────┐                  ┌──────────┐
    q_0: ┤ Ry(w[0]) ├─■─┤ Ry(w[3]) ├────────────────■─┤ Ry(w[7]) ├────────────────
         ├──────────┤ │ ├──────────┤   ┌──────────┐ │ ├──────────┤    ┌──────────┐
    q_1: ┤ Ry(w[1]) ├─■─┤ Ry(w[4]) ├─■─┤ Ry(w[5]) ├─■─┤ Ry(w[8]) ├─■──┤ Ry(w[9]) ├
         ├──────────┤   └──────────┘ │ ├──────────┤   └──────────┘ │ ┌┴──────────┤
    q_2: ┤ Ry(w[2]) ├────────────────■─┤ Ry(w[6]) ├────────────────■─┤ Ry(w[10]) ├
         └──────────┘                  └──────────┘                  └───────────┘

    References
    ----------
    Cerezo, Sone, Volkoff, Cincio and Coles, arXiv:2001.00550.
    """

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """One weight per qubit, and two per pair and layer."""
        return num_qubits + 2 * (num_qubits - 1) * num_layers

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        out, operations = [], [gates.RY(next(angles), q) for q in range(num_qubits)]
        for _ in range(num_layers):
            for a, b in entangled_groups("pairwise", num_qubits):
                operations += [gates.CZ(a, b), gates.RY(next(angles), a), gates.RY(next(angles), b)]
            out.append(Circuit(num_qubits, operations))
            operations = []
        return out
