"""Simultaneous perturbation of loss and metric: a natural gradient from a constant number of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml.optimizers.objective import Geometry, Objective, Rows, geometry_of
from qml.optimizers.stepwise import Optimizer, State, require


@dataclass(frozen=True)
class QNSPSA(Optimizer):
    """Quantum natural SPSA: gradient from two losses, metric from four fidelities, for any number of weights.

    With random signs D and E and ``e = metric_perturbation``, a step's estimate of the metric is the symmetric part of
    ``-dF/(4 e^2) D E^T``, where ``dF = F(eD + eE) - F(eD) - F(-eD + eE) + F(-eD)`` and F(v) is the mean fidelity of the
    states with those at weights moved by v. The metric is the mean of the identity and all estimates so far. Its
    eigenvalues are replaced by their absolute values plus ``regularization``, and the gradient estimate is multiplied
    by the inverse. Weights that are not the circuit's follow the gradient estimate.

    Parameters
    ----------
    learning_rate : scale of a step
    perturbation : size of the perturbation of the loss
    metric_perturbation : size of the perturbations of the fidelity
    regularization : number > 0 that is added to the diagonal of the metric

    References
    ----------
    Gacon, Zoufal, Carleo, Woerner, arXiv:2103.09232.
    """

    learning_rate: float = 0.05
    perturbation: float = 0.05
    metric_perturbation: float = 0.05
    regularization: float = 0.05

    uses_gradient: ClassVar[bool] = False
    evaluations_per_step: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "perturbation", above=0.0)
        require(self, "metric_perturbation", above=0.0)
        require(self, "regularization", above=0.0)

    def init(self, weights: np.ndarray) -> State:
        """Return a step count of 0; the metric is the identity until the first estimate."""
        return {"step": 0, "metric": np.zeros((0, 0))}

    def measure(
        self, state: State, weights: np.ndarray, objective: Objective, rows: Rows, seed: Sequence[int]
    ) -> tuple[State, float, np.ndarray]:
        """Estimate loss, gradient and metric; the result is the natural gradient."""
        geometry = geometry_of(objective)
        rng = np.random.default_rng(seed)
        signs = 2.0 * rng.integers(0, 2, weights.shape) - 1.0
        above = objective.value(weights + self.perturbation * signs, rows)
        below = objective.value(weights - self.perturbation * signs, rows)
        direction = (above - below) / (2.0 * self.perturbation) * signs
        estimate = self._estimate(geometry, weights, rows, rng)
        step = state["step"]
        previous = state["metric"] if step else np.eye(len(estimate))
        metric = (estimate + (step + 1) * previous) / (step + 2)
        values, vectors = np.linalg.eigh(metric)
        inside = vectors.T @ direction[geometry.part]
        direction[geometry.part] = vectors @ (inside / (np.abs(values) + self.regularization))
        return {"step": step + 1, "metric": metric}, (above + below) / 2.0, direction

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Move along the estimate of the natural gradient."""
        return state, weights - self.learning_rate * gradient

    def _estimate(self, geometry: Geometry, weights: np.ndarray, rows: Rows, rng: np.random.Generator) -> np.ndarray:
        """Estimate the metric from four fidelities."""
        inner = weights[geometry.part]
        first, second = self.metric_perturbation * (2.0 * rng.integers(0, 2, (2, inner.size)) - 1.0)
        moved = inner + np.array([first + second, first, second - first, -first])
        both, one, other, back = geometry.fidelities(weights, moved, rows)
        product = np.outer(first, second) / self.metric_perturbation**4
        return np.asarray(-(both - one - other + back) / 8.0 * (product + product.T))
