"""Ansätze that conserve the number of qubits in state 1, for molecules and other particles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qml.ansatze.trait import Ansatz, check_at_least_two, checked_weights
from qml.entanglement import entangled_groups
from simulator import gates
from simulator.circuit import Circuit
from simulator.gates import Angle, Operation

__all__ = ["ParticleConservingU1", "ParticleConservingU2"]


@dataclass(frozen=True)
class ParticleConservingU1(Ansatz):
    """Exchange gates with two angles on each pair of neighbours, even pairs before odd ones.

    The gate keeps 00 and 11, and acts on 10 and 01 (the first qubit of the pair on the left) as
    ``[[-cos(theta), exp(i phi) sin(theta)], [exp(-i phi) sin(theta), cos(theta)]]``. Weights are in the order of
    PennyLane's ``ParticleConservingU1``: (layer, pair, (phi, theta)). Without particles nothing happens: start from
    a state that has some, or a feature map.

    Examples
    --------
    >>> from simulator import Circuit
    >>> from qml import ansatz_circuit
    >>> ansatz = ansatz_circuit("particle_conserving_u1", num_qubits=3, num_layers=2)
    >>> state = Circuit(3).x(0).compose(ansatz)  # one particle
    >>> [int(index) for index in state.probabilities([0.3] * 8).round(12).nonzero()[0]]
    [1, 2, 4]
    >>> print(ansatz_circuit("particle_conserving_u1", num_qubits=2, num_layers=2).draw(fold=110))
         ┌───┐                     ┌────────────┐┌────────────┐       ┌───┐                            »
    q_0: ┤ Z ├─■───────────────────┤0           ├┤0           ├───────┤ Z ├────────■───────────────────»
         └───┘ │ ┌────────────────┐│  Rxx(w[1]) ││  Ryy(w[1]) │┌──────┴───┴──────┐ │ ┌────────────────┐»
    q_1: ──────■─┤ Rz(π/2 + w[0]) ├┤1           ├┤1           ├┤ Rz(-π/2 - w[0]) ├─■─┤ Rz(π/2 + w[2]) ├»
                 └────────────────┘└────────────┘└────────────┘└─────────────────┘   └────────────────┘»
    «     ┌────────────┐┌────────────┐
    «q_0: ┤0           ├┤0           ├───────────────────
    «     │  Rxx(w[3]) ││  Ryy(w[3]) │┌─────────────────┐
    «q_1: ┤1           ├┤1           ├┤ Rz(-π/2 - w[2]) ├
    «     └────────────┘└────────────┘└─────────────────┘

    References
    ----------
    Barkoutsos et al., arXiv:1805.04340.
    """

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """Two weights per pair and layer."""
        return 2 * len(_neighbours(num_qubits)) * num_layers

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        out = []
        for _ in range(num_layers):
            operations: list[Operation] = []
            for a, b in _neighbours(num_qubits):
                phase, angle = next(angles) + math.pi / 2, next(angles)
                operations += [gates.Z(a), gates.CZ(a, b), gates.RZ(phase, b), *_exchange(angle, a, b)]
                operations.append(gates.RZ(-phase, b))
            out.append(Circuit(num_qubits, operations))
        return out


@dataclass(frozen=True)
class ParticleConservingU2(Ansatz):
    """RZ on each qubit, then exchange gates on each pair of neighbours, even pairs before odd ones.

    The exchange gate is ``exp(-i phi/2 (X X + Y Y))``, which keeps 00 and 11. Weights are in the order of PennyLane's
    ``ParticleConservingU2``: (layer; RZ of the qubits, exchanges of the pairs). Without particles nothing happens:
    start from a state that has some, or a feature map.

    Examples
    --------
    >>> from qml import ansatz_circuit
    >>> print(ansatz_circuit("particle_conserving_u2", num_qubits=3, num_layers=2).draw(fold=110))
         ┌──────────┐┌────────────┐┌────────────┐ ┌──────────┐                           ┌────────────┐»
    q_0: ┤ Rz(w[0]) ├┤0           ├┤0           ├─┤ Rz(w[5]) ├───────────────────────────┤0           ├»
         ├──────────┤│  Rxx(w[3]) ││  Ryy(w[3]) │┌┴──────────┴┐┌────────────┐┌──────────┐│  Rxx(w[8]) │»
    q_1: ┤ Rz(w[1]) ├┤1           ├┤1           ├┤0           ├┤0           ├┤ Rz(w[6]) ├┤1           ├»
         ├──────────┤└────────────┘└────────────┘│  Rxx(w[4]) ││  Ryy(w[4]) │├──────────┤└────────────┘»
    q_2: ┤ Rz(w[2]) ├────────────────────────────┤1           ├┤1           ├┤ Rz(w[7]) ├──────────────»
         └──────────┘                            └────────────┘└────────────┘└──────────┘              »
    «     ┌────────────┐
    «q_0: ┤0           ├────────────────────────────
    «     │  Ryy(w[8]) │┌────────────┐┌────────────┐
    «q_1: ┤1           ├┤0           ├┤0           ├
    «     └────────────┘│  Rxx(w[9]) ││  Ryy(w[9]) │
    «q_2: ──────────────┤1           ├┤1           ├
    «                   └────────────┘└────────────┘

    References
    ----------
    Barkoutsos et al., arXiv:1805.04340.
    """

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """One weight per qubit and per pair, in each layer."""
        return (num_qubits + len(_neighbours(num_qubits))) * num_layers

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        out = []
        for _ in range(num_layers):
            operations = [gates.RZ(next(angles), q) for q in range(num_qubits)]
            for pair in _neighbours(num_qubits):
                operations += _exchange(next(angles), *pair)
            out.append(Circuit(num_qubits, operations))
        return out


def _exchange(angle: Angle, a: int, b: int) -> list[Operation]:
    """``exp(-i angle/2 (X X + Y Y))``; the two terms commute."""
    return [gates.RXX(angle, a, b), gates.RYY(angle, a, b)]


def _neighbours(num_qubits: int) -> list[tuple[int, ...]]:
    check_at_least_two("an ansatz that exchanges particles", num_qubits)
    return entangled_groups("pairwise", num_qubits)
