"""Disordered transverse-field Ising model: the dynamics of the reservoirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qml.ansatze.trait import Ansatz, checked_weights
from simulator import gates
from simulator.circuit import Circuit
from simulator.gates import Angle

__all__ = ["IsingEvolution", "draw_couplings", "ising_hamiltonian"]

Array = NDArray[np.float64]


def draw_couplings(num_qubits: int, coupling: float, rng: np.random.Generator) -> Array:
    """Draw the couplings of all pairs of qubits, uniform between plus and minus half of ``coupling``, shape (n_pairs,).

    Pairs are in the order of ``itertools.combinations``.
    """
    return rng.uniform(-coupling / 2, coupling / 2, num_qubits * (num_qubits - 1) // 2)


def ising_hamiltonian(num_qubits: int, couplings: Array, field: float) -> Array:
    """Build ``sum_(i<j) J_ij X_i X_j + field sum_i Z_i``, a real matrix of shape (2**num_qubits, 2**num_qubits).

    This is the Hamiltonian of `IsingEvolution` with X and Z exchanged, for inputs that are written into populations.

    Parameters
    ----------
    num_qubits : int
    couplings : float ndarray, shape (n_pairs,)
        As returned by `draw_couplings`.
    field : float
    """
    states = np.arange(1 << num_qubits)
    signs = 1.0 - 2.0 * (states[:, np.newaxis] >> np.arange(num_qubits) & 1)
    out = np.diag(field * signs.sum(axis=1))
    for (i, j), strength in zip(combinations(range(num_qubits), 2), couplings, strict=True):
        out[states ^ (1 << i | 1 << j), states] += strength
    return out


@dataclass(frozen=True)
class IsingEvolution(Ansatz):
    """Evolution under a disordered transverse-field Ising model, one Trotter step per layer.

    ``(prod_i exp(-i t/L h X_i) prod_(i<j) exp(-i t/L J_ij Z_i Z_j))^L`` for L layers. The weights are the angles of the
    couplings, ``2 t/L J_ij``, repeated in each layer.

    It conserves the parity of the number of Z and Y factors of an observable. Rotations by a feature about Y have
    expectation values of both parities, and so have the observables Z and ZZ together.

    Parameters
    ----------
    coupling : float
        Width of the distribution of the couplings J_ij, uniform around 0.
    field : float
        Strength h of the field along X.
    time : float
        Duration t of the evolution, in units of the inverse of coupling and field.
    """

    coupling: float
    field: float
    time: float

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """One weight per pair of qubits and layer."""
        return num_layers * (num_qubits * (num_qubits - 1) // 2)

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        field_angle = 2 * self.field * self.time / num_layers
        return [
            Circuit(
                num_qubits,
                [gates.RZZ(next(angles), i, j) for i, j in combinations(range(num_qubits), 2)]
                + [gates.RX(field_angle, q) for q in range(num_qubits)],
            )
            for _ in range(num_layers)
        ]

    def initial_weights(self, num_qubits: int, num_layers: int, rng: np.random.Generator) -> Array:
        """Draw the couplings, and repeat their angles in each layer."""
        return np.tile(2 * self.time / num_layers * draw_couplings(num_qubits, self.coupling, rng), num_layers)
