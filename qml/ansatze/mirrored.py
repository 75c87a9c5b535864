"""Ansatz in which every second layer undoes the structure of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.ansatze.trait import Ansatz, checked_weights
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.gates import Angle
from simulator.parameters import ParameterVector

__all__ = ["Mirrored"]


@dataclass(frozen=True)
class Mirrored(Ansatz):
    """Blocks of two layers: one of another ansatz, and its inverse with weights of its own.

    A block whose two layers have equal weights is the identity. Layers of the other ansatz with even numbers, counted
    from 0, are used; what it adds after its last layer is left out.

    Parameters
    ----------
    ansatz : Ansatz

    Examples
    --------
    >>> from qml.ansatze import BasicEntangling, ansatz_circuit
    >>> print(ansatz_circuit(Mirrored(BasicEntangling("y")), num_qubits=2, num_layers=2))
         ┌──────────┐          ┌───────────┐
    q_0: ┤ Ry(w[0]) ├──■────■──┤ Ry(-w[2]) ├
         ├──────────┤┌─┴─┐┌─┴─┐├───────────┤
    q_1: ┤ Ry(w[1]) ├┤ X ├┤ X ├┤ Ry(-w[3]) ├
         └──────────┘└───┘└───┘└───────────┘

    References
    ----------
    Grant, Wossnig, Ostaszewski, Benedetti, arXiv:1903.05076.
    """

    ansatz: Ansatz

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """Twice the weights of every second layer of the other ansatz."""
        return 2 * sum(layer.num_parameters for layer in self._halves(num_qubits, num_layers))

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        out = []
        for layer in self._halves(num_qubits, num_layers):
            first, second = (layer.bind({p: next(angles) for p in layer.parameters}) for _ in range(2))
            out += [first, second.inverse()]
        return out

    def initial_weights(self, num_qubits: int, num_layers: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw angles from the whole circle, equal in both layers of a block, shape (num_weights,)."""
        drawn = [rng.uniform(-np.pi, np.pi, h.num_parameters) for h in self._halves(num_qubits, num_layers)]
        return np.concatenate([np.tile(angles, 2) for angles in drawn])

    def _halves(self, num_qubits: int, num_layers: int) -> list[Circuit]:
        """First layer of each block."""
        if num_layers % 2:
            raise CircuitError(f"blocks of two layers need an even number of layers, got {num_layers}")
        angles = ParameterVector("m", self.ansatz.num_weights(num_qubits, num_layers))
        return self.ansatz.layers(num_qubits, num_layers, angles)[:-1:2]
