"""Simultaneous perturbation: gradient estimates from two values, for any number of weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qml.optimizers.objective import Objective, Rows
from qml.optimizers.stepwise import Optimizer, State, require


@dataclass(frozen=True)
class SPSA(Optimizer):
    """Simultaneous perturbation stochastic approximation, for noisy losses without derivatives.

    Step k perturbs all weights at once by ``c_k = perturbation / (k+1)^gamma`` in random directions, estimates the
    gradient from the two losses, and moves by ``a_k = a / (stability + k + 1)^alpha`` times the estimate. The loss it
    reports is the mean of the two. ``a`` is chosen before the first step so that this step changes each weight by
    ``learning_rate`` on average.

    Parameters
    ----------
    learning_rate : average change of a weight in the first step
    perturbation : size of the first perturbation; with shot noise, about the standard deviation of a measured loss
    alpha, gamma : exponents of the decay of steps and perturbations; the defaults are from the literature
    stability : offset that limits the first steps; about a tenth of the number of steps
    calibration_steps : number of pairs of losses evaluated to choose ``a``

    References
    ----------
    Spall, "Implementation of the simultaneous perturbation algorithm for stochastic optimization",
    IEEE Transactions on Aerospace and Electronic Systems 34(3), 817-823 (1998).
    """

    learning_rate: float = 0.1
    perturbation: float = 0.1
    alpha: float = 0.602
    gamma: float = 0.101
    stability: float = 10.0
    calibration_steps: int = 10

    uses_gradient: ClassVar[bool] = False
    evaluations_per_step: ClassVar[int] = 2

    @property
    def evaluations_before(self) -> int:
        """Two for each calibration step."""
        return 2 * self.calibration_steps

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "perturbation", above=0.0)
        require(self, "alpha", above=0.0)
        require(self, "gamma", least=0.0)
        require(self, "stability", least=0.0)
        require(self, "calibration_steps", least=1)

    def init(self, weights: np.ndarray) -> State:
        """Return a step count of 0, with ``a`` not chosen yet."""
        return {"step": 0, "a": 0.0}

    def measure(
        self, state: State, weights: np.ndarray, objective: Objective, rows: Rows, seed: Sequence[int]
    ) -> tuple[State, float, np.ndarray]:
        """Estimate loss and gradient from two values; before the first step, choose ``a`` from several such pairs."""
        rng = np.random.default_rng(seed)
        if state["step"] == 0:
            slopes = [self._pair(0, weights, objective, rows, rng)[1] for _ in range(int(self.calibration_steps))]
            typical = float(np.mean([np.abs(slope).mean() for slope in slopes]))
            first_step = self.learning_rate * (self.stability + 1.0) ** self.alpha
            state = state | {"a": first_step / typical if typical > 0 else first_step}
        loss, gradient = self._pair(state["step"], weights, objective, rows, rng)
        return state, loss, gradient

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Move by ``a_k`` times the estimate."""
        return state | {"step": state["step"] + 1}, weights - self.step_size(state) * gradient

    def step_size(self, state: State) -> float:
        """``a_k``."""
        return state["a"] / (self.stability + state["step"] + 1.0) ** self.alpha

    def _pair(
        self, step: int, weights: np.ndarray, objective: Objective, rows: Rows, rng: np.random.Generator
    ) -> tuple[float, np.ndarray]:
        size = self.perturbation / (step + 1.0) ** self.gamma
        signs = 2.0 * rng.integers(0, 2, weights.shape) - 1.0
        above = objective.value(weights + size * signs, rows)
        below = objective.value(weights - size * signs, rows)
        return (above + below) / 2.0, (above - below) / (2.0 * size) * signs
