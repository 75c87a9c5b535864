"""From expectation values to a model's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ObservableError
from simulator.observables import PauliSum

__all__ = ["LinearReadout", "readout_observables"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LinearReadout:
    """``outputs = values @ factors.T + bias``, trained together with the circuit.

    Expectation values lie between -1 and 1, too narrow for confident probabilities and for most targets.

    Parameters
    ----------
    num_observables, num_outputs : int
    """

    num_observables: int
    num_outputs: int

    @property
    def num_weights(self) -> int:
        """Factors first, row by row, then biases."""
        return self.num_outputs * (self.num_observables + 1)

    def split(self, weights: Array) -> tuple[Array, Array]:
        """Factors (num_outputs, num_observables) and bias (num_outputs,)."""
        return weights[: -self.num_outputs].reshape(self.num_outputs, -1), weights[-self.num_outputs :]

    def initial_weights(self, rng: np.random.Generator) -> Array:
        """Random factors that keep the variance, and no bias."""
        factors = rng.normal(0.0, 1.0 / np.sqrt(self.num_observables), self.num_outputs * self.num_observables)
        return np.concatenate([factors, np.zeros(self.num_outputs)])

    def outputs(self, values: Array, weights: Array) -> Array:
        """Outputs (n_samples, num_outputs) for expectation values (n_samples, num_observables)."""
        factors, bias = self.split(weights)
        return values @ factors.T + bias


def readout_observables(observables: str | Sequence[PauliSum], num_qubits: int) -> list[PauliSum]:
    """What is measured on each qubit, and on groups of qubits.

    Parameters
    ----------
    observables : str or sequence of PauliSum
        Pauli strings joined by ``+``: ``"z"`` is Z on each qubit, ``"z+zz"`` also Z Z on each pair, ``"z+x"`` Z and X
        on each qubit. Observables themselves come back as they are.
    num_qubits : int

    Examples
    --------
    >>> readout_observables("x+zz", 2)
    [X(0), X(1), Z(0) @ Z(1)]
    """
    if not isinstance(observables, str):
        return list(observables)
    out = []
    for label in observables.upper().split("+"):
        if not label or set(label) - set("XYZ"):
            raise ObservableError(f"observables expects Pauli strings joined by +, such as 'z+zz', got {observables!r}")
        groups = combinations(range(num_qubits), len(label))
        out += [PauliSum.from_terms([(label, group, 1.0)]) for group in groups]
    if not out:
        raise ObservableError(f"observables {observables!r} need more than {num_qubits} qubits")
    return out
