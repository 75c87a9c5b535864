"""Encoding of more features than qubits, with gates between neighbours."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from qml.feature_maps.encoding import Encoding, FeatureMap, checked_sizes
from qml.settings import check_layers
from simulator import gates
from simulator.circuit import Circuit
from simulator.parameters import ParameterVector

__all__ = ["HighDimensionalMap"]


@dataclass(frozen=True)
class HighDimensionalMap(FeatureMap):
    """Layers of RZ RY RZ on each qubit by three features, with sqrt(iSWAP) on neighbours between the layers.

    Hadamards come first. The features fill the first qubit's rotations, then the next one's, then the next layer, and
    start again from the first until the last layer is full. Even pairs of neighbours are entangled before odd ones.

    Parameters
    ----------
    reps : int, optional
        Layers; by default as many as the features fill, at least 2.

    Examples
    --------
    >>> print(HighDimensionalMap().encoding(num_features=9, num_qubits=2).circuit.draw(fold=110))
         ┌───┐┌──────────┐┌──────────┐┌──────────┐┌──────────────────┐┌──────────┐┌──────────┐┌──────────┐
    q_0: ┤ H ├┤ Rz(x[0]) ├┤ Ry(x[1]) ├┤ Rz(x[2]) ├┤0                 ├┤ Rz(x[6]) ├┤ Ry(x[7]) ├┤ Rz(x[8]) ├
         ├───┤├──────────┤├──────────┤├──────────┤│  (XX+YY)(-π/2,0) │├──────────┤├──────────┤├──────────┤
    q_1: ┤ H ├┤ Rz(x[3]) ├┤ Ry(x[4]) ├┤ Rz(x[5]) ├┤1                 ├┤ Rz(x[0]) ├┤ Ry(x[1]) ├┤ Rz(x[2]) ├
         └───┘└──────────┘└──────────┘└──────────┘└──────────────────┘└──────────┘└──────────┘└──────────┘

    References
    ----------
    Peters et al., "Machine learning of high dimensional data on a noisy quantum processor", arXiv:2101.09581, who
    encode 67 features on 17 qubits.
    """

    reps: int | None = None
    angle_range: tuple[float, float] = (-np.pi / 4, np.pi / 4)

    def __post_init__(self) -> None:
        if self.reps is not None:
            check_layers("reps", self.reps)

    def num_qubits(self, num_features: int) -> int:
        """Return one qubit for each six features, at least 2."""
        return max(2, -(-num_features // 6))

    def max_features(self, num_qubits: int) -> int:
        """Return three features for each qubit and layer."""
        return sys.maxsize if self.reps is None else 3 * num_qubits * self.reps

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the layers, on one qubit for each six features if ``num_qubits`` is not given."""
        width = checked_sizes("high-dimensional", self, num_features, num_qubits)
        reps = max(2, -(-num_features // (3 * width))) if self.reps is None else self.reps
        x = ParameterVector("x", num_features)
        pairs = [(q, q + 1) for first in (0, 1) for q in range(first, width - 1, 2)]
        operations = [gates.H(q) for q in range(width)]
        for layer in range(reps):
            if layer:
                operations += [gates.XX_PLUS_YY(-np.pi / 2, 0.0, *pair) for pair in pairs]
            for q in range(width):
                for k, rotation in enumerate((gates.RZ, gates.RY, gates.RZ)):
                    operations.append(rotation(x[(3 * (layer * width + q) + k) % num_features], q))
        return Encoding(Circuit(width, operations), tuple(x), angle_range=self.angle_range)
