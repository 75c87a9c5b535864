"""Objectives of local training: with the terms of a strategy, and with the noise of differential privacy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.federated.row_gradients import row_gradients
from qml.optimizers.objective import Objective, Rows

__all__ = ["CorrectedObjective", "PrivateObjective"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CorrectedObjective(Objective):
    """Objective plus ``proximal / 2 |w - center|^2 + slope . w``.

    Parameters
    ----------
    objective : Objective
    center : float ndarray, shape (n_weights,)
        Weights that the server sent.
    proximal : float
    slope : float ndarray, shape (n_weights,), or 0
        Difference of the control variates of server and client.
    """

    objective: Objective
    center: Array
    proximal: float
    slope: Array | float

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.objective.n_samples

    @property
    def is_random(self) -> bool:
        """Whether the objective takes random numbers."""
        return bool(getattr(self.objective, "is_random", False))

    def for_step(self, seed: Sequence[int]) -> CorrectedObjective:
        """Return the objective of one step."""
        return replace(self, objective=self.objective.for_step(seed))

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        loss, gradient = self.objective.value_and_gradient(weights, rows)
        return loss + self._term(weights), gradient + self.proximal * (weights - self.center) + self.slope

    def value(self, weights: Array, rows: Rows) -> float:
        return self.objective.value(weights, rows) + self._term(weights)

    def validation_score(self, weights: Array) -> float | None:
        return None

    def _term(self, weights: Array) -> float:
        distance = weights - self.center
        return float(0.5 * self.proximal * (distance @ distance) + np.sum(self.slope * weights))


@dataclass(frozen=True)
class PrivateObjective(Objective):
    """Objective whose gradients are those of DP-SGD: clipped row by row, summed, and with Gaussian noise.

    Each step draws its rows anew, each row independently with probability ``batch / n_samples``: the sampling that the
    accountant assumes. The loss is not computed; its value is 0, so that nothing but the gradients depends on the rows.

    Parameters
    ----------
    objective : LayersObjective
    clip : float
        Maximum norm of the gradient of one row.
    noise : float
        Standard deviation of the noise in the sum, in units of ``clip``.
    batch : int
        Expected number of rows in a step, by which the sum is divided.
    noise_seed : sequence of int
        Seed for the noise and for the drawn rows.
    step : sequence of int
        Seed of the current step.

    References
    ----------
    Abadi et al., arXiv:1607.00133.
    """

    objective: Any
    clip: float
    noise: float
    batch: int
    noise_seed: Sequence[int]
    step: Sequence[int] = ()

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return int(self.objective.n_samples)

    @property
    def is_random(self) -> bool:
        """True: noise is drawn in each step."""
        return True

    def for_step(self, seed: Sequence[int]) -> PrivateObjective:
        """Return the objective of one step."""
        return replace(self, objective=self.objective.for_step(seed), step=seed)

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        """Return 0 and the private gradient of rows that it draws itself; the number of rows passed in is ignored."""
        rng = np.random.default_rng([*self.noise_seed, *self.step])
        drawn = np.flatnonzero(rng.random(self.n_samples) < self.batch / self.n_samples)
        total = self.noise * self.clip * rng.standard_normal(len(weights))
        if len(drawn):
            gradients = row_gradients(self.objective, weights, drawn)
            norms = np.sqrt(np.square(gradients).sum(axis=1))
            factors = np.minimum(1.0, self.clip / np.maximum(norms, np.finfo(np.float64).tiny))
            total = total + factors @ gradients
        return 0.0, total / self.batch

    def value(self, weights: Array, rows: Rows) -> float:
        return 0.0

    def validation_score(self, weights: Array) -> float | None:
        return None
