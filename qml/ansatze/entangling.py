"""Ansätze of rotations and rings of CNOTs: PennyLane's ``StronglyEntanglingLayers`` and ``BasicEntanglerLayers``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qml.ansatze.trait import Ansatz, checked_weights
from simulator import gates
from simulator.circuit import Circuit
from simulator.gates import Angle, Operation
from simulator.names import choose

__all__ = ["BasicEntangling", "StronglyEntangling"]


@dataclass(frozen=True)
class StronglyEntangling(Ansatz):
    """Three rotations (RZ, RY, RZ) per qubit, then a ring of CNOTs, whose reach grows from layer to layer.

    Weights are in the order of PennyLane's ``StronglyEntanglingLayers``: (layer, qubit, rotation). Layer l entangles
    qubit q with ``q + 1 + l % (num_qubits - 1)``.

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
                operations += [gates.RZ(next(angles), q), gates.RY(next(angles), q), gates.RZ(next(angles), q)]
            if num_qubits > 1:
                reach = 1 + layer % (num_qubits - 1)
                operations += [gates.CX(q, (q + reach) % num_qubits) for q in range(num_qubits)]
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
