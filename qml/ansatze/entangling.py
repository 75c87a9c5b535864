"""Ansätze of rotations and rings of entangling gates, among them two templates of PennyLane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qml.ansatze.trait import Ansatz, checked_weights
from simulator import gates
from simulator.circuit import Circuit
from simulator.gates import Angle, Operation
from simulator.names import choose

__all__ = ["BasicEntangling", "ControlledRotations", "StronglyEntangling"]

ROTATION = (gates.RZ, gates.RY, gates.RZ)
"""Rotations whose product is any gate on one qubit, up to a phase."""


@dataclass(frozen=True)
class StronglyEntangling(Ansatz):
    """Three rotations (RZ, RY, RZ) per qubit, then a ring of CNOTs, whose reach grows from layer to layer.

    Weights are in the order of PennyLane's ``StronglyEntanglingLayers``: (layer, qubit, rotation). Layer l entangles
    qubit q with ``q + 1 + l % (num_qubits - 1)``.

    Examples
    --------
    >>> from qml import ansatz_circuit
    >>> print(ansatz_circuit("strongly_entangling", num_qubits=3, num_layers=1))
         ┌──────────┐┌──────────┐┌──────────┐          ┌───┐
    q_0: ┤ Rz(w[0]) ├┤ Ry(w[1]) ├┤ Rz(w[2]) ├──■───────┤ X ├
         ├──────────┤├──────────┤├──────────┤┌─┴─┐     └─┬─┘
    q_1: ┤ Rz(w[3]) ├┤ Ry(w[4]) ├┤ Rz(w[5]) ├┤ X ├──■────┼──
         ├──────────┤├──────────┤├──────────┤└───┘┌─┴─┐  │
    q_2: ┤ Rz(w[6]) ├┤ Ry(w[7]) ├┤ Rz(w[8]) ├─────┤ X ├──■──
         └──────────┘└──────────┘└──────────┘     └───┘

    References
    ----------
    Schuld, Bocharov, Svore and Wiebe, arXiv:1804.00633.
    """

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """Three weights per qubit and layer."""
        return 3 * num_qubits * num_layers

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        out = []
        for layer in range(num_layers):
            operations: list[Operation] = []
            for q in range(num_qubits):
                operations += [gate(next(angles), q) for gate in ROTATION]
            if num_qubits > 1:
                reach = 1 + layer % (num_qubits - 1)
                operations += [gates.CX(q, (q + reach) % num_qubits) for q in range(num_qubits)]
            out.append(Circuit(num_qubits, operations))
        return out


@dataclass(frozen=True)
class ControlledRotations(Ansatz):
    """Three rotations (RZ, RY, RZ) per qubit, then a ring of such rotations controlled by another qubit.

    The code block of circuit-centric classifiers: every gate has weights, the entangling ones as well. In layer l,
    qubit q controls qubit ``q + 1 + l % (num_qubits - 1)``. Weights are in the order (layer; single qubits, controlled;
    qubit, rotation).

    References
    ----------
    Schuld, Bocharov, Svore and Wiebe, arXiv:1804.00633.

    Examples
    --------
    >>> from qml import ansatz_circuit
    >>> print(ansatz_circuit(ControlledRotations(), num_qubits=2, num_layers=1).draw(fold=110))
         ┌──────────┐┌──────────┐┌──────────┐                                    ┌──────────┐┌───────────┐»
    q_0: ┤ Rz(w[0]) ├┤ Ry(w[1]) ├┤ Rz(w[2]) ├─────■───────────■───────────■──────┤ Rz(w[9]) ├┤ Ry(w[10]) ├»
         ├──────────┤├──────────┤├──────────┤┌────┴─────┐┌────┴─────┐┌────┴─────┐└────┬─────┘└─────┬─────┘»
    q_1: ┤ Rz(w[3]) ├┤ Ry(w[4]) ├┤ Rz(w[5]) ├┤ Rz(w[6]) ├┤ Ry(w[7]) ├┤ Rz(w[8]) ├─────■────────────■──────»
         └──────────┘└──────────┘└──────────┘└──────────┘└──────────┘└──────────┘                         »
    «     ┌───────────┐
    «q_0: ┤ Rz(w[11]) ├
    «     └─────┬─────┘
    «q_1: ──────■──────
    «
    """

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """Six weights per qubit and layer; three if there is only one qubit."""
        return 3 * num_qubits * num_layers * (2 if num_qubits > 1 else 1)

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        out = []
        for layer in range(num_layers):
            operations = [gate(next(angles), q) for q in range(num_qubits) for gate in ROTATION]
            if num_qubits > 1:
                reach = 1 + layer % (num_qubits - 1)
                pairs = [(q, (q + reach) % num_qubits) for q in range(num_qubits)]
                operations += [gate.controlled()(next(angles), *pair) for pair in pairs for gate in ROTATION]
            out.append(Circuit(num_qubits, operations))
        return out


@dataclass(frozen=True)
class BasicEntangling(Ansatz):
    """One rotation per qubit, then a ring of CNOTs between neighbours; two qubits have one CNOT.

    PennyLane's ``BasicEntanglerLayers``, weights in its order (layer, qubit).

    Parameters
    ----------
    axis : str
        Axis of the rotations: x, y or z.

    Examples
    --------
    >>> from qml import ansatz_circuit
    >>> print(ansatz_circuit("basic", num_qubits=3, num_layers=2))
         ┌──────────┐          ┌───┐┌──────────┐          ┌───┐
    q_0: ┤ Rx(w[0]) ├──■───────┤ X ├┤ Rx(w[3]) ├──■───────┤ X ├
         ├──────────┤┌─┴─┐     └─┬─┘├──────────┤┌─┴─┐     └─┬─┘
    q_1: ┤ Rx(w[1]) ├┤ X ├──■────┼──┤ Rx(w[4]) ├┤ X ├──■────┼──
         ├──────────┤└───┘┌─┴─┐  │  ├──────────┤└───┘┌─┴─┐  │
    q_2: ┤ Rx(w[2]) ├─────┤ X ├──■──┤ Rx(w[5]) ├─────┤ X ├──■──
         └──────────┘     └───┘     └──────────┘     └───┘
    """

    axis: str = "x"

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", choose("rotation axis", self.axis, "xyz"))

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """One weight per qubit and layer."""
        return num_qubits * num_layers

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        rotation = gates.STANDARD["r" + self.axis]
        ring = [(q, (q + 1) % num_qubits) for q in range(num_qubits if num_qubits > 2 else num_qubits - 1)]
        return [
            Circuit(num_qubits, [rotation(next(angles), q) for q in range(num_qubits)] + [gates.CX(*p) for p in ring])
            for _ in range(num_layers)
        ]
