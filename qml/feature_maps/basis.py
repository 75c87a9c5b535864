"""Basis encoding of bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml.feature_maps.domains import Bits
from qml.feature_maps.encoding import Encoding, FeatureMap, checked_sizes
from simulator import gates
from simulator.circuit import Circuit
from simulator.parameters import ParameterVector

__all__ = ["BasisMap"]


@dataclass(frozen=True)
class BasisMap(FeatureMap):
    """Basis encoding: each qubit is in the state 0 or 1 that its feature says, by RX(pi x).

    Features are 0 or 1, such as those of scikit-learn's ``Binarizer`` and ``OneHotEncoder``; estimators do not scale
    them. The state is PennyLane's ``BasisEmbedding`` up to a global phase. Qubits beyond the features stay in state 0.

    Examples
    --------
    >>> encoding = BasisMap().encoding(num_features=3)
    >>> print(encoding.circuit)
         ┌────────────┐
    q_0: ┤ Rx(π*x[0]) ├
         ├────────────┤
    q_1: ┤ Rx(π*x[1]) ├
         ├────────────┤
    q_2: ┤ Rx(π*x[2]) ├
         └────────────┘
    >>> encoding.circuit.bind(encoding.angles([[1, 0, 1]])[0]).sample(shots=1, seed=0)
    {'101': 1}
    >>> encoding.angles([[0.5, 0, 1]])
    Traceback (most recent call last):
    ...
    ValueError: features must be 0 or 1 for basis encoding; column 0 has 0.5 in row 0 ...
    """

    angle_range: None = None
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the rotations, on one qubit per feature unless ``num_qubits`` is given."""
        width = checked_sizes("basis", self, num_features, num_qubits)
        x = ParameterVector("x", num_features)
        circuit = Circuit(width, [gates.RX(np.pi * x[q], q) for q in range(num_features)])
        return Encoding(circuit, tuple(x), Bits(), angle_range=None)
