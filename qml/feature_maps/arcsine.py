"""Feature map by arcsines: features themselves are expectation values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml.feature_maps.domains import ArcCosines
from qml.feature_maps.encoding import Encoding, FeatureMap, checked_sizes
from simulator import gates
from simulator.circuit import Circuit
from simulator.parameters import ParameterVector

__all__ = ["ArcsineMap"]


@dataclass(frozen=True)
class ArcsineMap(FeatureMap):
    """RY(arcsin x) on each qubit, after which the expectation of X is x, and optionally RZ(arccos x^2).

    Products of these expectations are the monomials of the features. Qubit q encodes feature ``q % num_features``.
    Features are from -1 to 1.

    Parameters
    ----------
    squares : bool
        Whether RZ(arccos x^2) follows on each qubit, as in quantum circuit learning; otherwise the map is the product
        feature map of Kyriienko et al.

    Examples
    --------
    >>> print(ArcsineMap(squares=True).encoding(num_features=2).circuit)
         ┌────────────────┐┌──────────┐
    q_0: ┤ Ry(π/2 - x[0]) ├┤ Rz(x[2]) ├
         ├────────────────┤├──────────┤
    q_1: ┤ Ry(π/2 - x[1]) ├┤ Rz(x[3]) ├
         └────────────────┘└──────────┘

    References
    ----------
    Mitarai, Negoro, Kitagawa and Fujii, "Quantum circuit learning", arXiv:1803.00745; Kyriienko, Paine and Elfving,
    arXiv:2011.10395, equation 5.
    """

    squares: bool = False
    angle_range: tuple[float, float] = (-0.95, 0.95)
    domain: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the rotations, on one qubit per feature unless ``num_qubits`` is given."""
        width = checked_sizes("arcsine", self, num_features, num_qubits)
        powers = (1, 2) if self.squares else (1,)
        x = ParameterVector("x", num_features * len(powers))  # arccosines of the features, then of their squares
        operations = [gates.RY(np.pi / 2 - x[q % num_features], q) for q in range(width)]
        if self.squares:
            operations += [gates.RZ(x[num_features + q % num_features], q) for q in range(width)]
        circuit = Circuit(width, operations)
        return Encoding(circuit, tuple(x), ArcCosines(powers), num_features, self.angle_range)
