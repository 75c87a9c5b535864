"""Interface of the optimizers that take one step per minibatch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from qml.optimizers.objective import Objective, Rows
from qml.overriding import speaks_for
from simulator.engines.host import loops

State = dict[str, Any]
"""State of an optimizer between steps: name -> ndarray, float or int; stored unchanged in checkpoints."""


@dataclass(frozen=True)
class Optimizer(ABC):
    """Base of the optimizers that take one step per minibatch; a custom one defines ``init`` and ``step``.

    Parameters
    ----------
    learning_rate : scale of a step, in the unit of the weights (radians, for angles)
    """

    learning_rate: float

    uses_gradient: ClassVar[bool] = True
    """Whether the optimizer uses derivatives of the objective, or values only."""
    evaluations_per_step: ClassVar[int] = 1
    """Number of evaluations of the objective per step: of value and gradient together, or of the value only."""
    gives_warnings: ClassVar[bool] = True
    """Whether numpy may warn in ``step``, as of an overflow; training then silences it and looks at the weights."""
    chooses_steps: ClassVar[bool] = False
    """Whether the method determines how far it moves, so that no other learning rate and no schedule applies to it."""

    def evaluations(self, spectra: Sequence[np.ndarray | None]) -> int:
        """Return the number of evaluations per step, which may depend on the spectra of the weights."""
        return self.evaluations_per_step

    @property
    def evaluations_before(self) -> int:
        """Number of evaluations of the objective before the first step."""
        return 0

    def __post_init__(self) -> None:
        require(self, "learning_rate", above=0.0)

    @abstractmethod
    def init(self, weights: np.ndarray) -> State:
        """Return the state before the first step."""

    @abstractmethod
    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Return new state and new weights; the arguments are not modified."""

    def measure(
        self, state: State, weights: np.ndarray, objective: Objective, rows: Rows, seed: Sequence[int]
    ) -> tuple[State, float, np.ndarray]:
        """Compute loss and gradient at ``weights`` for the next ``step``; a method without derivatives estimates them.

        ``seed`` differs from step to step: random numbers come from ``np.random.default_rng(seed)``.
        """
        loss, gradient = objective.value_and_gradient(weights, rows)
        return state, loss, gradient

    def step_size(self, state: State) -> float:
        """Return the learning rate of the next step, for the history."""
        return self.learning_rate


@dataclass(frozen=True)
class CompiledOptimizer(Optimizer):
    """Base of the optimizers whose step is one kernel of `simulator.engines.host.updates`.

    A subclass names the ``arrays`` of its state, which begin as zeros, and defines `_update`. The kernel takes
    settings, weights, gradient and these arrays, then the arrays for their new values, weights first. If
    ``counts_steps`` is set, it takes, after the settings, the number of steps before this one, a float64 ndarray of
    shape (1,).
    """

    gives_warnings: ClassVar[bool] = False
    arrays: ClassVar[tuple[str, ...]] = ()
    counts_steps: ClassVar[bool] = False

    @property
    @abstractmethod
    def _update(self) -> tuple[Callable[..., None], tuple[float, ...]]:
        """Kernel and settings."""

    def init(self, weights: np.ndarray) -> State:
        """Return arrays of 0, and a step count of 0 if steps are counted."""
        count = {"step": 0} if self.counts_steps else {}
        return count | {name: np.zeros_like(weights) for name in self.arrays}

    def step(self, state: State, weights: np.ndarray, gradient: np.ndarray) -> tuple[State, np.ndarray]:
        """Take one step."""
        kernel, settings = self._update
        new_weights, *new = [np.empty(weights.shape) for _ in range(1 + len(self.arrays))]
        following: State = dict(zip(self.arrays, new, strict=True))
        former = [state[name] for name in self.arrays]
        if self.counts_steps:
            steps = np.array([state["step"]], np.float64)
            kernel(settings, steps, weights, gradient, *former, new_weights, *new)
            return {"step": state["step"] + 1} | following, new_weights
        kernel(settings, weights, gradient, *former, new_weights, *new)
        return following, new_weights

    def call(self, former: np.ndarray, gradient: np.ndarray, new: np.ndarray, steps: np.ndarray) -> loops.Call | None:
        """Return `step` as a call that a compiled loop makes; None if a subclass has another step.

        Parameters
        ----------
        former, new : float64 ndarray, shape (1 + n_arrays, n_weights)
            Weights and arrays before and after the step.
        gradient : float64 ndarray, shape (n_weights,)
        steps : float64 ndarray, shape (1,)
            Number of steps before this one.
        """
        if not speaks_for(type(self), "call", "init", "step", "measure", "step_size"):
            return None
        kernel, settings = self._update
        leading = (settings, steps) if self.counts_steps else (settings,)
        return loops.Call(kernel, *leading, former[0], gradient, *former[1:], *new)


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
