"""The interface of the optimizers that go step by step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from qml.optimizers.objective import Objective, Rows

State = dict[str, Any]
"""What an optimizer remembers between steps: name -> ndarray, float or int; goes into checkpoints as it is."""


@dataclass(frozen=True)
class Optimizer(ABC):
    """Base of the optimizers that go step by step; for one of your own, write ``init`` and ``step``.

    Parameters
    ----------
    learning_rate : the scale of a step, in the weights' unit (radians, for angles)
    """

    learning_rate: float

    uses_gradient: ClassVar[bool] = True
    """Whether it asks the objective for derivatives, or for values alone."""
    evaluations_per_step: ClassVar[int] = 1
    """How often a step evaluates the objective: its value and gradient together, or its value alone."""

    @property
    def evaluations_before(self) -> int:
        """How often the objective is evaluated before the first step."""
        return 0

    def __post_init__(self) -> None:
        require(self, "learning_rate", above=0.0)

    @abstractmethod
    def init(self, weights: np.ndarray) -> State:
        """The state before the first step."""

    @abstractmethod
    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """New state and new weights; the arrays that came in are left as they are."""

    def measure(
        self, state: State, weights: np.ndarray, objective: Objective, rows: Rows, seed: Sequence[int]
    ) -> tuple[State, float, np.ndarray]:
        """Loss and gradient at ``weights``, for the next ``step``; a method without derivatives estimates them here.

        ``seed`` differs from step to step: what is random comes from ``np.random.default_rng(seed)``.
        """
        loss, gradient = objective.value_and_gradient(weights, rows)
        return state, loss, gradient

    def step_size(self, state: State) -> float:
        """The learning rate of the next step, for the history."""
        return self.learning_rate


def require(
    settings: object, name: str, *, above: float | None = None, least: float | None = None, below: float | None = None
) -> None:
    """Check that the attribute ``name`` is a finite number between the bounds; ``above`` and ``below`` are excluded."""
    value = getattr(settings, name)
    number = float(value) if isinstance(value, Real) else math.nan
    if (
        not math.isfinite(number)
        or (above is not None and not number > above)
        or (least is not None and not number >= least)
        or (below is not None and not number < below)
    ):
        bounds = {"> ": above, ">= ": least, "< ": below}
        expected = " and ".join(f"{sign}{bound:g}" for sign, bound in bounds.items() if bound is not None)
        raise ValueError(f"{name} of {type(settings).__name__} must be a number {expected}, got {value!r}")
