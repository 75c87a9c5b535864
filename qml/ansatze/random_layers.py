"""Layers of random rotations and entangling gates on random qubits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np

from qml.ansatze.n_local import entangling_gate, rotation_gates
from qml.ansatze.trait import Ansatz, checked_weights
from qml.settings import check_whole
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.gates import Angle, Operation

__all__ = ["RandomLayers"]


@dataclass(frozen=True)
class RandomLayers(Ansatz):
    """Random rotations on random qubits, and entangling gates on random pairs between them.

    The circuit is drawn once, by ``seed``; layers differ from each other, and do not change when more are added. The
    same seed gives the same circuit as PennyLane's ``RandomLayers``. Weights are in the order of the gates.

    Parameters
    ----------
    num_rotations : int, optional
        Rotations per layer; by default one per qubit.
    ratio : float, at least 0 and below 1
        Probability that the next gate is an entangling one.
    rotations : tuple of str
        Gates with one angle to draw from.
    entangler : str
        Two-qubit gate without angles.
    seed : int
        Seed for the gates and their qubits.

    Examples
    --------
    >>> from qml import ansatz_circuit
    >>> print(ansatz_circuit(RandomLayers(seed=9), num_qubits=3, num_layers=2).draw(fold=110))
         ┌──────────┐                             ┌───┐┌──────────┐
    q_0: ┤ Rz(w[0]) ├─────────────────────────────┤ X ├┤ Rz(w[5]) ├
         └──────────┘                             └─┬─┘└──────────┘
    q_1: ──────────────────────────────────────■────┼──────────────
         ┌──────────┐┌──────────┐┌──────────┐┌─┴─┐  │  ┌──────────┐
    q_2: ┤ Rz(w[1]) ├┤ Rz(w[2]) ├┤ Rz(w[3]) ├┤ X ├──■──┤ Rx(w[4]) ├
         └──────────┘└──────────┘└──────────┘└───┘     └──────────┘
    """

    num_rotations: int | None = None
    ratio: float = 0.3
    rotations: tuple[str, ...] = ("rx", "ry", "rz")
    entangler: str = "cx"
    seed: int = 42

    def __post_init__(self) -> None:
        check_whole("num_rotations", self.num_rotations, instead=[None], error=CircuitError)
        check_whole("seed", self.seed, least=0, error=CircuitError)
        if not isinstance(self.ratio, Real) or not 0 <= self.ratio < 1:
            raise CircuitError(f"ratio expects a number of at least 0 and below 1, got {self.ratio!r}")
        object.__setattr__(self, "rotations", rotation_gates(self.rotations))
        if not self.rotations:
            raise CircuitError("rotations expects at least one gate with one angle, got ()")
        object.__setattr__(self, "entangler", entangling_gate(self.entangler, max_params=0))

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """One weight per rotation."""
        return num_layers * (num_qubits if self.num_rotations is None else self.num_rotations)

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = list(checked_weights(self, num_qubits, num_layers, weights))
        rng = np.random.default_rng(self.seed)
        per_layer = len(angles) // num_layers
        return [
            Circuit(num_qubits, self._drawn(num_qubits, angles[first : first + per_layer], rng))
            for first in range(0, len(angles), per_layer)
        ]

    def _drawn(self, num_qubits: int, angles: list[Angle], rng: np.random.Generator) -> list[Operation]:
        """Draw the gates of a layer; the order of the draws is PennyLane's."""
        operations: list[Operation] = []
        remaining = iter(angles)
        num_rotated = 0
        while num_rotated < len(angles):
            if rng.random() > self.ratio:
                name = self.rotations[rng.choice(len(self.rotations))]
                (qubit,) = rng.choice(num_qubits, size=1, replace=False)
                operations.append(gates.STANDARD[name](next(remaining), int(qubit)))
                num_rotated += 1
            elif num_qubits > 1:
                pair = rng.choice(num_qubits, size=2, replace=False)
                operations.append(gates.STANDARD[self.entangler](*map(int, pair)))
        return operations
