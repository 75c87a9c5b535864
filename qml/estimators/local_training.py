"""Training of an estimator's weights from outside: begun without training, trained from given weights.

For callers that hold the weights themselves, such as the server of a federation. The training loop is that of ``fit``.
"""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from qml.estimators.variational.trained import TrainedNetwork
from qml.optimizers.objective import Objective
from qml.training import TrainingResult, train

__all__ = ["begin", "local_objective", "local_steps", "train_from", "with_weights"]

Array = NDArray[np.float64]
Model = TypeVar("Model", bound=TrainedNetwork)


def begin(
    estimator: Model, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike, *, classes: ArrayLike | None, seed: int
) -> Model:
    """Return a clone that has learnt scaling and targets from rows and drawn its initial weights, and no more.

    Parameters
    ----------
    estimator : TrainedNetwork
    X, y, sample_weight : array-like
        Rows, such as those that have the statistics on which the clients of a federation agreed.
    classes : array-like, shape (n_classes,), optional
        All classes, for a classifier.
    seed : int
        Seed for the initial weights, and for the noise of the simulation.
    """
    started: Model = clone(estimator)
    samples = started._checked_samples(X, y, sample_weight, reset=True)
    started._start(samples, seed, classes)
    started.weight_decay_ = started._untried_weight_decay()
    return started


def local_objective(estimator: TrainedNetwork, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Any:
    """Return the training loss on rows as a function of the weights, for an estimator that has begun."""
    samples = estimator._checked_samples(X, y, sample_weight, reset=False)
    return estimator._objective(estimator._class_weighted(samples))


def local_steps(estimator: TrainedNetwork, n_samples: int) -> tuple[int, int]:
    """Return the number of steps of an epoch, and of rows in each."""
    batch = estimator._batch_size(n_samples)
    return -(-n_samples // batch), batch


def train_from(
    estimator: TrainedNetwork, objective: Objective, weights: Array, *, epochs: int, seed: int
) -> TrainingResult:
    """Train for some epochs at a constant learning rate; the estimator does not change.

    Parameters
    ----------
    estimator : TrainedNetwork
        Estimator that has begun, whose optimizer and batch size are used.
    objective : Objective
    weights : float ndarray, shape (n_weights,)
        Initial weights; the optimizer starts without moments.
    epochs : int
    seed : int
        Seed for the minibatches and for dropout.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few steps need not lower the loss
        return train(
            objective,
            weights,
            estimator._chosen_optimizer(),
            epochs=epochs,
            batch_size=estimator._batch_size(objective.n_samples),
            rng=seed,
        )


def with_weights(estimator: Model, weights: Array, losses: Array, epochs: int) -> Model:
    """Give an estimator that has begun its weights, its loss history and its number of epochs; return it."""
    estimator._begin(weights)
    estimator.loss_history_ = losses
    estimator.n_iter_ = estimator.best_epoch_ = epochs
    return estimator
