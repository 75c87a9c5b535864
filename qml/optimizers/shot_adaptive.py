"""Adam with as many shots as the gradient needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qml.optimizers.gradient_descent import Adam
from qml.optimizers.objective import Objective, Rows, with_shots
from qml.optimizers.stepwise import State, require


@dataclass(frozen=True)
class ShotAdaptiveAdam(Adam):
    """Adam that chooses the number of shots of each step: few while the gradient is large, more near the minimum.

    Each step measures the gradient twice on the same rows, with half of the shots n each. The mean of both is Adam's
    gradient; the squared half difference estimates the variance of that mean without bias, for any loss. Running
    means, corrected for their initial value of 0, of the gradient (chi) and of n times the variance (xi) give the shots
    of the next step, at which the noise has ``noise_ratio`` times the norm of the gradient::

        n = sum_i xi_i / (noise_ratio^2 (|chi|^2 + regularization memory^step))

    This is the coupled rule of Kübler et al. with ``noise_ratio^2 = (2 - L a) / (2 L a)`` for the step size a and the
    Lipschitz constant L of the gradient. Adam's steps do not shrink with the gradient, so the ratio is given instead.
    Shots are those for each circuit in each basis.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : as in `Adam`
    min_shots, max_shots : bounds of the number of shots of a step; the first has ``min_shots``
    noise_ratio : ratio of the noise of the gradient to its norm
    memory : decay factor of the running means of gradient and variance, in [0, 1)
    regularization : number > 0 that keeps the first steps from asking for many shots

    References
    ----------
    Kübler, Arrasmith, Cincio and Coles, arXiv:1909.09083 (CANS and iCANS); Gu et al., arXiv:2108.10434 (gCANS, which
    divides the shots among the components).
    """

    min_shots: int = 20
    max_shots: int = 100_000
    noise_ratio: float = 1.0
    memory: float = 0.9
    regularization: float = 1e-6

    evaluations_per_step: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "noise_ratio", above=0.0)
        require(self, "memory", least=0.0, below=1.0)
        require(self, "regularization", above=0.0)
        for name, least in (("min_shots", 2), ("max_shots", self.min_shots)):
            value: Any = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                bound = "min_shots" if name == "max_shots" else "2"
                raise ValueError(f"{name} of {type(self).__name__} must be an integer >= {bound}, got {value!r}")

    def init(self, weights: np.ndarray) -> State:
        """Return means of 0, a step count of 0, ``min_shots`` for the first step, and no shots spent."""
        means = {"gradient": np.zeros_like(weights), "variance": np.zeros_like(weights)}
        return super().init(weights) | means | {"shots": int(self.min_shots), "total_shots": 0}

    def measure(
        self, state: State, weights: np.ndarray, objective: Objective, rows: Rows, seed: Sequence[int]
    ) -> tuple[State, float, np.ndarray]:
        """Measure loss and gradient twice, and choose the shots of the next step."""
        half = -(-state["shots"] // 2)
        seeds = np.random.SeedSequence(list(seed)).generate_state(2)
        (loss, one), (other_loss, other) = (
            with_shots(objective, half, int(number)).value_and_gradient(weights, rows) for number in seeds
        )
        gradient = (one + other) / 2.0
        variance = 2 * half * ((one - other) / 2.0) ** 2
        mean = self.memory * state["gradient"] + (1.0 - self.memory) * gradient
        mean_variance = self.memory * state["variance"] + (1.0 - self.memory) * variance
        step = state["step"] + 1
        correction = 1.0 - self.memory**step
        signal = float(np.sum((mean / correction) ** 2)) + self.regularization * self.memory**step
        wanted = float(np.sum(mean_variance / correction)) / (self.noise_ratio**2 * signal)
        # NaN, from a diverging loss, asks for the minimum; the training loop reports the loss itself
        shots = math.ceil(min(wanted, self.max_shots)) if wanted > self.min_shots else self.min_shots
        measured = state | {"gradient": mean, "variance": mean_variance, "shots": int(shots)}
        return measured | {"total_shots": state["total_shots"] + 2 * half}, (loss + other_loss) / 2.0, gradient

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Take one step of Adam."""
        moments, moved = super().step(state, weights, gradient)
        return state | moments, moved
