"""Layers of RY and RZ by features and weights, with CNOTs on alternating pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qml.feature_maps.encoding import Encoding, FeatureMap, checked_sizes
from qml.settings import check_layers
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.parameters import ParameterVector

__all__ = ["YZCXMap"]


@dataclass(frozen=True)
class YZCXMap(FeatureMap):
    """Layers of RY and RZ by a weight plus a feature on each qubit, and CNOTs on even or odd pairs of neighbours.

    Both rotations of qubit q take feature ``q % num_features``. Even layers entangle even pairs, odd layers odd ones.
    Weights are in the order (layer, qubit, (RY, RZ)), those of sQUlearn's ``YZ_CX_EncodingCircuit``.

    Parameters
    ----------
    reps : int
        Layers.
    scale : float
        Factor of the features.

    Examples
    --------
    >>> print(YZCXMap(reps=2).encoding(num_features=3).circuit.draw(fold=110))
         ┌─────────────────┐┌─────────────────┐                    ┌─────────────────┐ ┌─────────────────┐
    q_0: ┤ Ry(v[0] + x[0]) ├┤ Rz(v[1] + x[0]) ├─────────■──────────┤ Ry(v[6] + x[0]) ├─┤ Rz(v[7] + x[0]) ├─────
         ├─────────────────┤├─────────────────┤       ┌─┴─┐        ├─────────────────┤ ├─────────────────┤
    q_1: ┤ Ry(v[2] + x[1]) ├┤ Rz(v[3] + x[1]) ├───────┤ X ├────────┤ Ry(v[8] + x[1]) ├─┤ Rz(v[9] + x[1]) ├──■──
         ├─────────────────┤├─────────────────┤┌──────┴───┴───────┐├─────────────────┴┐└─────────────────┘┌─┴─┐
    q_2: ┤ Ry(v[4] + x[2]) ├┤ Rz(v[5] + x[2]) ├┤ Ry(v[10] + x[2]) ├┤ Rz(v[11] + x[2]) ├───────────────────┤ X ├
         └─────────────────┘└─────────────────┘└──────────────────┘└──────────────────┘                   └───┘

    References
    ----------
    Haug, Self and Kim, arXiv:2108.01039.
    """

    reps: int = 2
    scale: float = 1.0
    angle_range: tuple[float, float] = (-np.pi / 4, np.pi / 4)

    def __post_init__(self) -> None:
        check_layers("reps", self.reps)
        if not np.isfinite(self.scale):
            raise CircuitError(f"scale expects a finite number, got {self.scale!r}")

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the layers, on one qubit per feature unless ``num_qubits`` is given."""
        width = checked_sizes("YZ-CX", self, num_features, num_qubits)
        x, w = ParameterVector("x", num_features), ParameterVector("v", 2 * width * self.reps)
        weights, operations = iter(w), []
        for layer in range(self.reps):
            for q in range(width):
                angle = self.scale * x[q % num_features]
                operations += [gates.RY(next(weights) + angle, q), gates.RZ(next(weights) + angle, q)]
            operations += [gates.CX(q, q + 1) for q in range(layer % 2, width - 1, 2)]
        return Encoding(Circuit(width, operations), tuple(x), angle_range=self.angle_range, weights=tuple(w))
