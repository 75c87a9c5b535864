"""Feature maps of one rotation per feature, without entanglement."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from qml.feature_maps.domains import ArcCosines
from qml.feature_maps.encoding import Encoding, FeatureMap, checked_sizes
from qml.settings import check_whole
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.parameters import ParameterVector

__all__ = ["AngleMap", "ChebyshevMap"]


@dataclass(frozen=True)
class AngleMap:
    """One rotation per feature.

    Feature k rotates qubit ``k % num_qubits``; with fewer features than rotations, features repeat from the first.
    A rotation about z does not change ``|0>``, so if z comes first, Hadamards precede it.

    Parameters
    ----------
    axes : str
        Axes of the successive rotations of a qubit, out of x, y and z, repeated cyclically.
    features_per_qubit : int
        Number of features that share a qubit when there are more features than qubits.
    reupload : bool
        Whether a model encodes the data again before each layer of its ansatz, which makes it a trigonometric
        polynomial of higher degree in the features (Perez-Salinas et al., arXiv:1907.02085). The features of a qubit
        then take turns: each layer has one.
    angle_range : (float, float), radians
        The range that estimators scale features into. Repeated rotations want a narrower one.

    Examples
    --------
    >>> AngleMap(axes="yz", features_per_qubit=2).encoding(num_features=4, num_qubits=2).circuit.num_parameters
    4

    >>> print(AngleMap(axes="yz", features_per_qubit=2).encoding(num_features=4, num_qubits=2).circuit)
         ┌──────────┐┌──────────┐
    q_0: ┤ Ry(x[0]) ├┤ Rz(x[2]) ├
         ├──────────┤├──────────┤
    q_1: ┤ Ry(x[1]) ├┤ Rz(x[3]) ├
         └──────────┘└──────────┘
    """

    axes: str = "y"
    features_per_qubit: int = 1
    reupload: bool = False
    angle_range: tuple[float, float] = (-np.pi / 2, np.pi / 2)

    def __post_init__(self) -> None:
        if not isinstance(self.axes, str) or not self.axes or set(self.axes) - set("xyz"):
            raise CircuitError(f"axes expects letters out of x, y and z, got {self.axes!r}")
        check_whole("features_per_qubit", self.features_per_qubit, error=CircuitError)
        rotations = [self.axes[k % len(self.axes)] for k in range(self.features_per_qubit)]
        if not self.reupload and any(a == b for a, b in pairwise(rotations)):
            raise CircuitError(
                f"{self.features_per_qubit} features a qubit need axes that change from one to the next, because two "
                f"rotations about one axis only add up; got axes={self.axes!r}"
            )

    def num_qubits(self, num_features: int) -> int:
        """Return one qubit for each ``features_per_qubit`` features."""
        return -(-num_features // self.features_per_qubit)

    def max_features(self, num_qubits: int) -> int:
        """Return ``features_per_qubit`` times the number of qubits."""
        return num_qubits * self.features_per_qubit

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the rotations, on as few qubits as possible if ``num_qubits`` is not given."""
        width = checked_sizes("angle", self, num_features, num_qubits)
        x = ParameterVector("x", num_features)
        rounds = []
        for first in range(0, num_features, width):
            rotation = gates.STANDARD["r" + self.axes[first // width % len(self.axes)]]
            rounds.append(Circuit(width, [rotation(x[(first + q) % num_features], q) for q in range(width)]))
        start = [gates.H(q) for q in range(width)] if self.axes[0] == "z" else []
        return Encoding(
            sum(rounds, Circuit(width, start)),
            tuple(x),
            angle_range=self.angle_range,
            turns=tuple(rounds if self.reupload else ()),
        )


@dataclass(frozen=True)
class ChebyshevMap(FeatureMap):
    """Chebyshev polynomials as amplitudes: ``RY(2 d arccos x)|0>`` is ``T_d(x)|0> + sqrt(1 - x^2) U_{d-1}(x)|1>``.

    Qubit q encodes feature ``q % num_features``. Features are from -1 to 1.

    Parameters
    ----------
    tower : bool
        Whether the degree d grows by one each time a feature comes again; otherwise it is 1 throughout.

    Examples
    --------
    >>> print(ChebyshevMap().encoding(num_features=1, num_qubits=3).circuit)
         ┌────────────┐
    q_0: ┤ Ry(2*x[0]) ├
         ├────────────┤
    q_1: ┤ Ry(4*x[0]) ├
         ├────────────┤
    q_2: ┤ Ry(6*x[0]) ├
         └────────────┘

    References
    ----------
    Kyriienko, Paine and Elfving, arXiv:2011.10395: the tower is their equation 15, degree 1 their equation 14, and
    `ArcsineMap` their product feature map.
    """

    tower: bool = True
    angle_range: tuple[float, float] = (-0.95, 0.95)
    domain: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the rotations, on one qubit per feature unless ``num_qubits`` is given."""
        width = checked_sizes("Chebyshev", self, num_features, num_qubits)
        x = ParameterVector("x", num_features)
        rotations = [
            gates.RY(2 * (1 + q // num_features if self.tower else 1) * x[q % num_features], q) for q in range(width)
        ]
        return Encoding(Circuit(width, rotations), tuple(x), ArcCosines(), angle_range=self.angle_range)
