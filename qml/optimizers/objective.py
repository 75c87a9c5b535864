"""What training minimises: the one thing the loop and the optimizers know of a model and its data."""

from __future__ import annotations

from typing import Protocol

import numpy as np

Rows = np.ndarray | slice


class Objective(Protocol):
    """The mean loss over training rows as a function of the weights, and a score that training never sees.

    The methods must not depend on how often or in which order they are called: a resumed run repeats only some calls.
    """

    @property
    def n_samples(self) -> int:
        """Number of training rows."""
        ...

    def value_and_gradient(self, weights: np.ndarray, rows: Rows) -> tuple[float, np.ndarray]:
        """Mean loss over ``rows`` (indices, or ``slice(None)`` for all) and its derivative, shape (n_weights,)."""
        ...

    def value(self, weights: np.ndarray, rows: Rows) -> float:
        """Mean loss over ``rows``."""
        ...

    def validation_score(self, weights: np.ndarray) -> float | None:
        """Score on rows held out, higher is better; None if none are held out."""
        ...
