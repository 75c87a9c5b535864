"""Layers of H and RZ by features, with trained controlled rotations about all axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qml.feature_maps.encoding import Encoding, FeatureMap, checked_sizes
from qml.settings import check_layers
from simulator import gates
from simulator.circuit import Circuit
from simulator.parameters import ParameterVector

__all__ = ["MultiControlMap"]


@dataclass(frozen=True)
class MultiControlMap(FeatureMap):
    """Layers of H and RZ by a feature on each qubit, and trained CRX, CRY and CRZ between neighbours.

    Rotations take the features in turn, over and over, through all the layers, so there may be more features than
    qubits. Even pairs come before odd ones, with three weights each, as in sQUlearn's ``MultiControlEncodingCircuit``.
    What comes after the last RZ by a feature drops out of a fidelity kernel.

    Parameters
    ----------
    reps : int
        Layers.
    closed : bool
        Whether the last qubit controls the first. Of two qubits each then controls the other.
    final_features : bool
        Whether RZ by the next features ends the circuit.

    Examples
    --------
    >>> encoding = MultiControlMap(reps=1, closed=False).encoding(num_features=3)
    >>> print(encoding.circuit.draw(fold=110))
         ┌───┐┌──────────┐
    q_0: ┤ H ├┤ Rz(x[0]) ├─────■───────────■───────────■──────────────────────────────────────────
         ├───┤├──────────┤┌────┴─────┐┌────┴─────┐┌────┴─────┐
    q_1: ┤ H ├┤ Rz(x[1]) ├┤ Rx(v[0]) ├┤ Ry(v[1]) ├┤ Rz(v[2]) ├─────■───────────■───────────■──────
         ├───┤├──────────┤└──────────┘└──────────┘└──────────┘┌────┴─────┐┌────┴─────┐┌────┴─────┐
    q_2: ┤ H ├┤ Rz(x[2]) ├────────────────────────────────────┤ Rx(v[3]) ├┤ Ry(v[4]) ├┤ Rz(v[5]) ├
         └───┘└──────────┘                                    └──────────┘└──────────┘└──────────┘

    References
    ----------
    Kreplin, Willmann, Schnabel, Rapp, Hagelueken and Roth, "sQUlearn", arXiv:2311.08990.
    """

    reps: int = 2
    closed: bool = True
    final_features: bool = False
    angle_range: tuple[float, float] = (-np.pi / 2, np.pi / 2)

    def __post_init__(self) -> None:
        check_layers("reps", self.reps)

    def max_features(self, num_qubits: int) -> int:
        """Return one feature for each RZ."""
        return num_qubits * (self.reps + bool(self.final_features))

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the layers, on one qubit per feature unless ``num_qubits`` is given."""
        width = checked_sizes("multi-control", self, num_features, num_qubits)
        neighbours = [(q, (q + 1) % width) for q in range(width if self.closed and width > 1 else width - 1)]
        pairs = neighbours[::2] + neighbours[1::2]
        x, w = ParameterVector("x", num_features), ParameterVector("v", 3 * len(pairs) * self.reps)
        weights, operations = iter(w), []
        for layer in range(self.reps + bool(self.final_features)):
            by_features = [gates.RZ(x[(layer * width + q) % num_features], q) for q in range(width)]
            if layer == self.reps:
                operations += by_features
                break
            operations += [gates.H(q) for q in range(width)] + by_features
            operations += [gate(next(weights), *pair) for pair in pairs for gate in (gates.CRX, gates.CRY, gates.CRZ)]
        return Encoding(Circuit(width, operations), tuple(x), angle_range=self.angle_range, weights=tuple(w))
