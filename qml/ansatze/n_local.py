"""Qiskit's n-local ansätze: layers of rotations and two-qubit gates, and a last layer of rotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from qml.ansatze.trait import Ansatz, checked_weights
from qml.entanglement import Entanglement, entangled_groups
from simulator import gates
from simulator.circuit import Circuit
from simulator.gates import Angle, Operation
from simulator.names import choose

__all__ = ["NLocal", "entangling_gate", "rotation_gates"]


@dataclass(frozen=True)
class NLocal(Ansatz):
    """Layers of rotations and two-qubit gates, and a last layer of rotations.

    Qiskit's ``n_local``, of which ``real_amplitudes`` and ``efficient_su2`` are cases. Weights are in Qiskit's order:
    in each layer those of the rotations (rotation, qubit), then those of the two-qubit gates, if these have an angle.
    The last rotations belong to the last layer.

    Parameters
    ----------
    rotations : tuple of str
        Gates with one angle, each on every qubit: ``("ry",)`` for real amplitudes, ``("ry", "rz")`` for SU(2).
    entanglement : str or groups of two qubits
        See `entangled_groups`.
    entangler : str
        Two-qubit gate with at most one angle, such as ``"cz"`` or ``"crx"``.
    final_rotations : bool
        Whether rotations follow the last two-qubit gates.

    Examples
    --------
    >>> from qml import ansatz_circuit
    >>> print(ansatz_circuit(NLocal(("rx",), "linear", "crz"), num_qubits=3, num_layers=2).draw(fold=110))
         ┌──────────┐            ┌──────────┐                        ┌───────────┐
    q_0: ┤ Rx(w[0]) ├─────■──────┤ Rx(w[5]) ├─────────────────■──────┤ Rx(w[10]) ├─────────────
         ├──────────┤┌────┴─────┐└──────────┘┌──────────┐┌────┴─────┐└───────────┘┌───────────┐
    q_1: ┤ Rx(w[1]) ├┤ Rz(w[3]) ├─────■──────┤ Rx(w[6]) ├┤ Rz(w[8]) ├──────■──────┤ Rx(w[11]) ├
         ├──────────┤└──────────┘┌────┴─────┐├──────────┤└──────────┘ ┌────┴─────┐├───────────┤
    q_2: ┤ Rx(w[2]) ├────────────┤ Rz(w[4]) ├┤ Rx(w[7]) ├─────────────┤ Rz(w[9]) ├┤ Rx(w[12]) ├
         └──────────┘            └──────────┘└──────────┘             └──────────┘└───────────┘

    References
    ----------
    Kandala et al., "Hardware-efficient variational quantum eigensolver", arXiv:1704.05018.
    """

    rotations: tuple[str, ...] = ("ry",)
    entanglement: Entanglement = "reverse_linear"
    entangler: str = "cx"
    final_rotations: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "rotations", rotation_gates(self.rotations))
        object.__setattr__(self, "entangler", entangling_gate(self.entangler))

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """Weights of the rotations in each layer and after the last, and of the two-qubit gates that have an angle."""
        rotated = len(self.rotations) * num_qubits * (num_layers + bool(self.final_rotations))
        num_params = gates.STANDARD[self.entangler].num_params
        return rotated + num_params * sum(len(self._pairs(num_qubits, layer)) for layer in range(num_layers))

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        entangler = gates.STANDARD[self.entangler]

        def rotated() -> list[Operation]:
            return [gates.STANDARD[name](next(angles), q) for name in self.rotations for q in range(num_qubits)]

        out = []
        for layer in range(num_layers):
            operations = rotated()
            for pair in self._pairs(num_qubits, layer):
                operations.append(entangler(*islice(angles, entangler.num_params), *pair))
            if self.final_rotations and layer == num_layers - 1:
                operations += rotated()
            out.append(Circuit(num_qubits, operations))
        return out

    def _pairs(self, num_qubits: int, layer: int) -> list[tuple[int, ...]]:
        return entangled_groups(self.entanglement, num_qubits, 2, layer)


def rotation_gates(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of one-qubit gates with one angle, as the table of gates spells them."""
    known = [name for name, gate in gates.STANDARD.items() if (gate.num_params, gate.num_qubits) == (1, 1)]
    return tuple(choose("rotation", name, known) for name in names)


def entangling_gate(name: str, max_params: int = 1) -> str:
    """Return the name of a two-qubit gate with at most ``max_params`` angles, as the table of gates spells it."""
    gates_of_two = {known: gate for known, gate in gates.STANDARD.items() if gate.num_qubits == 2}
    return choose("entangler", name, [known for known, gate in gates_of_two.items() if gate.num_params <= max_params])
