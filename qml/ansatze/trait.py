"""Interface of an ansatz.

An ansatz is a small immutable value without sizes. For given numbers of qubits and layers it has a number of weights, a
rule to draw their initial values, and one circuit per layer, so that a model can encode data between the layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from qml.settings import check_layers, check_whole
from simulator.circuit import Circuit
from simulator.errors import CircuitError, ParameterError
from simulator.gates import Angle

__all__ = ["INITIAL_SPREAD", "Ansatz", "check_at_least_two", "checked_weights"]

INITIAL_SPREAD = 0.3
"""Standard deviation, in radians, of weights before training.

Angles from the whole circle make a random deep circuit, whose gradients vanish exponentially with its width (McClean et
al., arXiv:1803.11173); all zero would start at a saddle.
"""


@runtime_checkable
class Ansatz(Protocol):
    """Interface of an ansatz; a custom one may inherit the rule for its initial weights."""

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """Number of weights of all layers together."""

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer; applied in order they are the ansatz."""

    def initial_weights(self, num_qubits: int, num_layers: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw the initial weights: normal with standard deviation ``INITIAL_SPREAD``, shape (num_weights,)."""
        return rng.normal(0.0, INITIAL_SPREAD, self.num_weights(num_qubits, num_layers))


def checked_weights(ansatz: Ansatz, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> Sequence[Angle]:
    """Return the weights, after a check of their number and the sizes."""
    check_whole("num_qubits", num_qubits, error=CircuitError)
    check_layers("num_layers", num_layers)
    expected = ansatz.num_weights(num_qubits, num_layers)
    if len(weights) != expected:
        raise ParameterError(f"the ansatz takes {expected} weights, got {len(weights)}")
    return weights


def check_at_least_two(name: str, num_qubits: int) -> None:
    """Raise unless there are qubits enough for a pair."""
    check_whole("num_qubits", num_qubits, error=CircuitError)
    if num_qubits < 2:
        raise CircuitError(f"{name} needs at least 2 qubits, got {num_qubits}")
