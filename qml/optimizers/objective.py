"""Interface of the objective: all that the training loop and the optimizers know about a model and its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np

Rows = np.ndarray | slice


class Objective(Protocol):
    """Mean loss over training rows as a function of the weights, and a score on rows not used for training.

    The methods must not depend on how often or in which order they are called: a resumed run repeats only some calls.
    """

    @property
    def n_samples(self) -> int:
        """Number of training rows."""
        ...

    @property
    def is_random(self) -> bool:
        """Whether `value_and_gradient` takes random numbers, as dropout does; then `for_step` provides them."""
        return False

    def for_step(self, seed: Sequence[int]) -> Self:
        """Return the objective of one training step, which takes its random numbers from this seed."""
        return self

    def value_and_gradient(self, weights: np.ndarray, rows: Rows) -> tuple[float, np.ndarray]:
        """Compute the mean loss over ``rows`` (indices, or ``slice(None)``) and its derivative, shape (n_weights,)."""
        ...

    def value(self, weights: np.ndarray, rows: Rows) -> float:
        """Compute the mean loss over ``rows``."""
        ...

    def validation_score(self, weights: np.ndarray) -> float | None:
        """Compute the score on held-out rows, where higher is better; None if no rows are held out."""
        ...
