"""Observables: sums of Pauli strings with real coefficients.

>>> Z(0) @ Z(1) + 0.5 * X(0)
Z(0) @ Z(1) + 0.5 * X(0)
>>> Projector("01", [0, 1])
0.25 * I() - 0.25 * Z(0) + 0.25 * Z(1) - 0.25 * Z(0) @ Z(1)
"""

from simulator.lazy import only_public
from simulator.observables.named import Hermitian, I, Projector, X, Y, Z
from simulator.observables.pauli_sum import PauliSum

__all__ = ["Hermitian", "I", "PauliSum", "Projector", "X", "Y", "Z"]

__dir__ = only_public(__name__)
