"""Time evolution under a Hamiltonian whose couplings are the features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qml.feature_maps.encoding import Encoding, FeatureMap, checked_sizes
from qml.settings import check_whole
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.parameters import ParameterVector

__all__ = ["HamiltonianMap"]


@dataclass(frozen=True)
class HamiltonianMap(FeatureMap):
    """Evolution of random qubits under a Heisenberg chain: feature j couples qubits j and j + 1.

    ``(prod_j exp(-i t/T x_j (X_j X_{j+1} + Y_j Y_{j+1} + Z_j Z_{j+1})))^T`` on a product of one-qubit states that are
    drawn once, uniformly from the sphere. Takes one qubit more than there are features; qubits beyond them keep
    their state.

    Parameters
    ----------
    steps : int
        Trotter steps T.
    time : float, optional
        The evolution time t; by default a third of the number of features.
    seed : int
        Seed for the one-qubit states.

    Examples
    --------
    >>> print(HamiltonianMap(steps=1, time=0.5).encoding(num_features=1).circuit.draw(fold=110))
         ┌────────────┐┌─────────────┐┌────────────┐┌────────────┐
    q_0: ┤ Ry(1.2933) ├┤ Rz(0.25744) ├┤0           ├┤0           ├─■─────────
         ├────────────┤├─────────────┤│  Rxx(x[0]) ││  Ryy(x[0]) │ │ZZ(x[0])
    q_1: ┤ Ry(2.0493) ├┤ Rz(0.10385) ├┤1           ├┤1           ├─■─────────
         └────────────┘└─────────────┘└────────────┘└────────────┘

    References
    ----------
    Huang et al., "Power of data in quantum machine learning", arXiv:2011.01938, embedding E3.
    """

    steps: int = 20
    time: float | None = None
    seed: int = 0
    angle_range: tuple[float, float] = (-np.pi / 4, np.pi / 4)

    def __post_init__(self) -> None:
        check_whole("steps", self.steps, error=CircuitError)
        if self.time is not None and not np.isfinite(self.time):
            raise CircuitError(f"time expects a finite number or None, got {self.time!r}")

    def num_qubits(self, num_features: int) -> int:
        """Return the number of features plus one."""
        return num_features + 1

    def max_features(self, num_qubits: int) -> int:
        """Return the number of qubits minus one."""
        return num_qubits - 1

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the evolution, on one more qubit than features if ``num_qubits`` is not given."""
        width = checked_sizes("Hamiltonian", self, num_features, num_qubits)
        x = ParameterVector("x", num_features)
        time = num_features / 3 if self.time is None else self.time
        rng = np.random.default_rng(self.seed)
        cosines, longitudes = rng.uniform(-1, 1, width), rng.uniform(0, 2 * np.pi, width)
        operations = []
        for q in range(width):
            operations += [gates.RY(float(np.arccos(cosines[q])), q), gates.RZ(float(longitudes[q]), q)]
        for _ in range(self.steps):
            for j in range(num_features):
                angle = 2 * time / self.steps * x[j]  # the three terms commute
                operations += [coupling(angle, j, j + 1) for coupling in (gates.RXX, gates.RYY, gates.RZZ)]
        return Encoding(Circuit(width, operations), tuple(x), angle_range=self.angle_range)
