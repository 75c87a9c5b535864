"""Natural gradient descent: steps of equal length in the space of states instead of the space of angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qml.optimizers.objective import Geometry, Objective, Rows, geometry_of
from qml.optimizers.stepwise import Optimizer, State, require
from simulator.names import choose

APPROXIMATIONS = ("full", "block_diagonal", "diagonal")


@dataclass(frozen=True)
class NaturalGradient(Optimizer):
    """Natural gradient descent: ``w <- w - learning_rate (F + regularization)^-1 g``.

    F is the Fubini-Study metric of the circuit's states, averaged over the rows of the batch. It concerns the weights
    of the circuit; for all other weights, as those of dense layers, the metric is the identity without regularization,
    so that they follow the gradient. ``gradient_norm`` in the history is the norm of the step's direction.

    Parameters
    ----------
    learning_rate : scale of a step
    approximation : "full"; "block_diagonal", without entries between gates of different layers; or "diagonal"
    regularization : number > 0 that is added to the diagonal of F, which may be singular

    References
    ----------
    Stokes, Izaac, Killoran, Carleo, arXiv:1909.02108.
    """

    learning_rate: float = 0.05
    approximation: str = "full"
    regularization: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "approximation", choose("approximation", self.approximation, APPROXIMATIONS))
        require(self, "regularization", above=0.0)

    def init(self, weights: np.ndarray) -> State:
        """Return an empty state."""
        return {}

    def measure(
        self, state: State, weights: np.ndarray, objective: Objective, rows: Rows, seed: Sequence[int]
    ) -> tuple[State, float, np.ndarray]:
        """Compute loss and natural gradient."""
        geometry = geometry_of(objective)
        loss, gradient = objective.value_and_gradient(weights, rows)
        direction = gradient.copy()
        direction[geometry.part] = self._solved(geometry, weights, rows, gradient[geometry.part])
        return state, loss, direction

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Move along the natural gradient."""
        return state, weights - self.learning_rate * gradient

    def _solved(self, geometry: Geometry, weights: np.ndarray, rows: Rows, gradient: np.ndarray) -> np.ndarray:
        metric = geometry.metric(weights, rows)
        if self.approximation == "diagonal":
            return gradient / (np.diagonal(metric) + self.regularization)
        if self.approximation == "block_diagonal":
            metric = np.where(geometry.layers[:, None] == geometry.layers, metric, 0.0)
        return np.asarray(np.linalg.solve(metric + self.regularization * np.eye(len(metric)), gradient))


@dataclass(frozen=True)
class MomentumNaturalGradient(NaturalGradient):
    """Natural gradient descent with momentum: ``v <- momentum v + (F + regularization)^-1 g``, ``w <- w - rate v``.

    Parameters
    ----------
    learning_rate, approximation, regularization : as in `NaturalGradient`
    momentum : share of the last velocity that remains, in [0, 1)

    References
    ----------
    Borysenko, Bratushka, Lukin, Sotnikov, arXiv:2409.01978.
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "momentum", least=0.0, below=1.0)

    def init(self, weights: np.ndarray) -> State:
        """Return a velocity of 0."""
        return {"velocity": np.zeros_like(weights)}

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Move along the velocity."""
        velocity = self.momentum * state["velocity"] + gradient
        return {"velocity": velocity}, weights - self.learning_rate * velocity
