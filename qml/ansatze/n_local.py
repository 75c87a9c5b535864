"""Qiskit's n-local ansätze: layers of rotations and CNOTs, and a last layer of rotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qml.ansatze.trait import Ansatz, checked_weights
from qml.entanglement import Entanglement, entangled_groups
from simulator import gates
from simulator.circuit import Circuit
from simulator.gates import Angle, Operation
from simulator.names import choose

__all__ = ["NLocal"]


@dataclass(frozen=True)
class NLocal(Ansatz):
    """Layers of rotations and CNOTs, and a last layer of rotations: Qiskit's ``real_amplitudes``, ``efficient_su2``.

    Weights are in Qiskit's order: (layer, rotation, qubit). The last rotations belong to the last layer.

    Parameters
    ----------
    rotations : tuple of str
        Gates with one angle, each on every qubit: ``("ry",)`` for real amplitudes, ``("ry", "rz")`` for SU(2).
    entanglement : str or groups of two qubits
        See `entangled_groups`.
    """

    rotations: tuple[str, ...] = ("ry",)
    entanglement: Entanglement = "reverse_linear"

    def __post_init__(self) -> None:
        one_angle = [name for name, gate in gates.STANDARD.items() if (gate.num_params, gate.num_qubits) == (1, 1)]
        object.__setattr__(self, "rotations", tuple(choose("rotation", name, one_angle) for name in self.rotations))

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """One weight per rotation and qubit, in each layer and in the final layer."""
        return len(self.rotations) * num_qubits * (num_layers + 1)

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))

        def rotated() -> list[Operation]:
            return [gates.STANDARD[name](next(angles), q) for name in self.rotations for q in range(num_qubits)]

        out = []
        for layer in range(num_layers):
            operations = rotated()
            operations += [gates.CX(*pair) for pair in entangled_groups(self.entanglement, num_qubits, 2, layer)]
            if layer == num_layers - 1:
                operations += rotated()
            out.append(Circuit(num_qubits, operations))
        return out
