"""Estimation of distribution: a population drawn from a Gaussian that follows its best members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml.optimizers.objective import Objective, Rows
from qml.optimizers.stepwise import Optimizer, State, require


@dataclass(frozen=True)
class UMDA(Optimizer):
    """Univariate marginal distribution algorithm: a search without derivatives, among many minima.

    A step draws a population from independent Gaussians, keeps its best members, and fits the Gaussians to these. The
    weights are the best member, which stays in the population. The method chooses its steps: learning rates of
    estimators, and schedules, do not apply to it.

    Parameters
    ----------
    learning_rate : share of the way to the best member
    population : number of members, of which each is evaluated once per step
    selected : share of the members that the Gaussians are fitted to, in (0, 1)
    spread : first standard deviation of each weight, in the unit of the weights
    least_spread : minimum standard deviation, with which the search goes on after the population has converged

    References
    ----------
    Muehlenbein and Paass, "From recombination of genes to the estimation of distributions I", PPSN IV (1996).
    """

    learning_rate: float = 1.0
    population: int = 20
    selected: float = 0.5
    spread: float = 0.5
    least_spread: float = 0.03

    uses_gradient: ClassVar[bool] = False
    chooses_steps: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "population", least=3)
        require(self, "selected", above=0.0, below=1.0)
        require(self, "spread", above=0.0)
        require(self, "least_spread", above=0.0)

    def evaluations(self, spectra: Sequence[np.ndarray | None]) -> int:
        """One for each member of the population."""
        return int(self.population)

    def init(self, weights: np.ndarray) -> State:
        """Return a Gaussian around the weights."""
        return {"mean": weights.copy(), "spread": np.full(weights.shape, self.spread)}

    def measure(
        self, state: State, weights: np.ndarray, objective: Objective, rows: Rows, seed: Sequence[int]
    ) -> tuple[State, float, np.ndarray]:
        """Evaluate a population with ``weights`` in it; the result is the displacement from its best member."""
        rng = np.random.default_rng(seed)
        drawn = rng.normal(state["mean"], state["spread"], (int(self.population) - 1, weights.size))
        members = np.concatenate([weights[None], drawn])
        losses = np.array([float(objective.value(member, rows)) for member in members])
        order = np.argsort(losses, kind="stable")
        best = members[order[: max(2, int(self.selected * self.population))]]
        spread = np.maximum(best.std(axis=0), self.least_spread)
        return {"mean": best.mean(axis=0), "spread": spread}, float(losses[0]), weights - members[order[0]]

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Move to the best member, or the share ``learning_rate`` of the way."""
        return state, weights - self.learning_rate * gradient
