"""Weight decay, given or chosen on held-out rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.optimizers import Adam, AdamW, Optimizer, SciPy
from qml.training.layers_objective import LayersObjective

__all__ = ["CANDIDATES", "MAX_ROWS", "chosen_weight_decay", "takes_weight_decay", "with_weight_decay"]

CANDIDATES = (0.0, 0.3)
"""Decays that are tried. On diabetes 1.0 scored as 0.3 did (R^2 0.468 and 0.461, 5-fold cross-validation)."""

MAX_ROWS = 2000
"""Number of rows above which nothing is tried: larger tables overfit less, and each try takes longer."""

HELD_OUT = 0.25


def with_weight_decay(optimizer: Optimizer | SciPy, weight_decay: float) -> Optimizer | SciPy:
    """Return the optimizer with this weight decay.

    Raises
    ------
    ValueError
        If the optimizer has no weight decay, as only Adam has.
    """
    if weight_decay == 0:
        return optimizer
    if not takes_weight_decay(optimizer):
        raise ValueError(
            f"weight_decay={weight_decay!r} goes with optimizer='adam'; set the decay of AdamW itself, and leave "
            f"weight_decay=0 for other optimizers, got {optimizer!r}"
        )
    settings = {field.name: getattr(optimizer, field.name) for field in fields(Adam)}
    return AdamW(**settings, weight_decay=weight_decay)


def takes_weight_decay(optimizer: Optimizer | SciPy) -> bool:
    """Whether `with_weight_decay` accepts the optimizer."""
    return type(optimizer) is Adam


def chosen_weight_decay(
    objective: Callable[[NDArray[np.intp]], LayersObjective],
    training: Callable[[LayersObjective, float], Any],
    samples: NDArray[Any],
    seed: int,
) -> float:
    """Return the candidate whose training on three quarters of the samples has the lowest loss on the others.

    Equal samples stay together, so that a weight of k chooses the same as k copies of a sample.

    Parameters
    ----------
    objective : callable
        Objective of a selection of rows.
    training : callable
        Function of an objective and a decay that returns a `TrainingResult`.
    samples : ndarray, shape (n_samples, n_columns)
        Features and targets.
    seed : int
    """
    _, group = np.unique(samples, axis=0, return_inverse=True)
    order = np.random.default_rng(seed).permutation(group.max() + 1)
    is_held_out = np.isin(group, order[: int(HELD_OUT * len(order))])
    if not is_held_out.any():
        return CANDIDATES[0]
    learnt, held_out = (objective(np.flatnonzero(rows)) for rows in (~is_held_out, is_held_out))
    losses = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the final run warns
        for candidate in CANDIDATES:
            losses.append(held_out.value(training(learnt, candidate).weights, slice(None)))
    return CANDIDATES[int(np.argmin(losses))]
