"""Feature maps with trained weights between the rotations by features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from qml.feature_maps.encoding import Encoding, FeatureMap, checked_sizes
from qml.settings import check_layers
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.parameters import ParameterVector

__all__ = ["HubregtsenMap", "QAOAMap"]


@dataclass(frozen=True)
class QAOAMap(FeatureMap):
    """Layers of RX by the features, trained ZZ on a ring and trained local fields, as in PennyLane's QAOAEmbedding.

    Features enter once more after the last layer. Qubits without a feature get a Hadamard in place of RX. Weights are
    in the order (layer; ZZ of the pairs, fields of the qubits); two qubits make one pair, one qubit none.

    Parameters
    ----------
    reps : int
        Layers.
    local_field : {"x", "y", "z"}

    Examples
    --------
    >>> print(QAOAMap(reps=1).encoding(num_features=2, num_qubits=3).circuit)
         ┌──────────┐                                 ┌──────────┐┌──────────┐
    q_0: ┤ Rx(x[0]) ├─■─────────────────────■─────────┤ Ry(v[3]) ├┤ Rx(x[0]) ├
         ├──────────┤ │ZZ(v[0])             │         ├──────────┤├──────────┤
    q_1: ┤ Rx(x[1]) ├─■──────────■──────────┼─────────┤ Ry(v[4]) ├┤ Rx(x[1]) ├
         └──┬───┬───┘            │ZZ(v[1])  │ZZ(v[2]) ├──────────┤└──┬───┬───┘
    q_2: ───┤ H ├────────────────■──────────■─────────┤ Ry(v[5]) ├───┤ H ├────
            └───┘                                     └──────────┘   └───┘

    References
    ----------
    Lloyd, Schuld, Ijaz, Izaac and Killoran, arXiv:2001.03622.
    """

    reps: int = 2
    local_field: Literal["x", "y", "z"] = "y"
    angle_range: tuple[float, float] = (-np.pi / 4, np.pi / 4)

    def __post_init__(self) -> None:
        check_layers("reps", self.reps)
        if self.local_field not in ("x", "y", "z"):
            raise CircuitError(f"local_field expects 'x', 'y' or 'z', got {self.local_field!r}")

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the embedding, on one qubit per feature unless ``num_qubits`` is given."""
        width = checked_sizes("QAOA", self, num_features, num_qubits)
        pairs = _ring(width)
        per_layer = len(pairs) + width
        x, w = ParameterVector("x", num_features), ParameterVector("v", self.reps * per_layer)
        features = [gates.RX(x[q], q) if q < num_features else gates.H(q) for q in range(width)]
        field = gates.STANDARD["r" + self.local_field]
        operations = []
        for layer in range(self.reps):
            layer_weights = w[layer * per_layer : (layer + 1) * per_layer]
            operations += features
            operations += [gates.RZZ(weight, *pair) for weight, pair in zip(layer_weights, pairs, strict=False)]
            operations += [field(layer_weights[len(pairs) + q], q) for q in range(width)]
        circuit = Circuit(width, operations + features)
        return Encoding(circuit, tuple(x), angle_range=self.angle_range, weights=tuple(w))


@dataclass(frozen=True)
class HubregtsenMap(FeatureMap):
    """Layers of H, RZ by a feature and trained RY on each qubit, and trained controlled RZ on a ring.

    Rotations take the features in turn, over and over, through all the layers, so there may be more features than
    qubits. Weights are in the order (layer; RY of the qubits, CRZ of the pairs). What comes after the last RZ by
    a feature drops out of a fidelity kernel: there, weights of the last layer do nothing.

    Parameters
    ----------
    reps : int
        Layers.

    Examples
    --------
    >>> print(HubregtsenMap(reps=1).encoding(num_features=3).circuit)
         ┌───┐┌──────────┐┌──────────┐                        ┌──────────┐
    q_0: ┤ H ├┤ Rz(x[0]) ├┤ Ry(v[0]) ├─────■──────────────────┤ Rz(v[5]) ├
         ├───┤├──────────┤├──────────┤┌────┴─────┐            └────┬─────┘
    q_1: ┤ H ├┤ Rz(x[1]) ├┤ Ry(v[1]) ├┤ Rz(v[3]) ├─────■───────────┼──────
         ├───┤├──────────┤├──────────┤└──────────┘┌────┴─────┐     │
    q_2: ┤ H ├┤ Rz(x[2]) ├┤ Ry(v[2]) ├────────────┤ Rz(v[4]) ├─────■──────
         └───┘└──────────┘└──────────┘            └──────────┘

    References
    ----------
    Hubregtsen et al., "Training quantum embedding kernels on near-term quantum computers", arXiv:2105.02276.
    """

    reps: int = 2
    angle_range: tuple[float, float] = (-np.pi / 2, np.pi / 2)

    def __post_init__(self) -> None:
        check_layers("reps", self.reps)

    def max_features(self, num_qubits: int) -> int:
        """Return one feature for each qubit and layer."""
        return num_qubits * self.reps

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the layers, on one qubit per feature unless ``num_qubits`` is given."""
        width = checked_sizes("Hubregtsen", self, num_features, num_qubits)
        pairs = _ring(width)
        per_layer = width + len(pairs)
        x, w = ParameterVector("x", num_features), ParameterVector("v", self.reps * per_layer)
        operations = []
        for layer in range(self.reps):
            layer_weights = w[layer * per_layer : (layer + 1) * per_layer]
            for q in range(width):
                feature = x[(layer * width + q) % num_features]
                operations += [gates.H(q), gates.RZ(feature, q), gates.RY(layer_weights[q], q)]
            operations += [gates.CRZ(weight, *pair) for weight, pair in zip(layer_weights[width:], pairs, strict=True)]
        return Encoding(Circuit(width, operations), tuple(x), angle_range=self.angle_range, weights=tuple(w))


def _ring(width: int) -> list[tuple[int, int]]:
    """Return the neighbouring pairs on a ring; two qubits have one pair."""
    if width <= 2:
        return [(0, 1)] * (width - 1)
    return [(q, (q + 1) % width) for q in range(width)]
