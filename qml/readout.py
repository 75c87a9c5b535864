"""From expectation values to a model's outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LinearReadout"]

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
