"""Rotations that move excitations between qubits: they keep the number of ones, as electrons in a molecule require.

Sources: Anselmetti, Wierichs, Gogolin and Parrish, arXiv:2104.05695; Arrazola et al., arXiv:2106.13839.
"""

from __future__ import annotations

import numpy as np

from simulator.gates.rotations import Rotation

__all__ = ["DOUBLE_EXCITATION", "SINGLE_EXCITATION"]


def _generator(num_qubits: int, first: int, second: int) -> np.ndarray:
    """Return the generator of a real rotation by half the angle between two basis states."""
    matrix = np.zeros((2**num_qubits,) * 2, complex)
    matrix[first, second], matrix[second, first] = 0.5j, -0.5j
    return matrix


SINGLE_EXCITATION = Rotation("single_excitation", _generator(2, 0b01, 0b10))
"""``SINGLE_EXCITATION(theta, p, q)`` rotates between the states with one excitation on p and on q."""

DOUBLE_EXCITATION = Rotation("double_excitation", _generator(4, 0b0011, 0b1100))
"""``DOUBLE_EXCITATION(theta, p, q, r, s)`` rotates between the states with excitations on p, q and on r, s."""
