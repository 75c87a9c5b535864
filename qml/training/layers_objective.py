"""Objective of an estimator: the weighted mean loss of a network."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qml.layers import Layer
from qml.losses import Loss
from qml.optimizers.objective import Rows

__all__ = ["LayersObjective"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LayersObjective:
    """Objective of one training set, in the form that the training loop takes.

    Parameters
    ----------
    network : Layer
        Network to train, which also determines where its circuits run.
    inputs : float ndarray, shape (n_samples, network.num_inputs)
        Inputs, after the functions that do not change during training: see `Layer.split_fixed`.
    targets : ndarray, shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : float ndarray, shape (n_samples,)
        Sample weights with mean 1, so that minibatches are unbiased.
    loss : Loss
    validation : LayersObjective, optional
        Objective of the held-out samples; its negative mean loss is the score. Accuracy on few samples would be too
        coarse: it reaches its first maximum at a model that has hardly been trained.
    """

    network: Layer
    inputs: Array
    targets: NDArray[np.generic]
    sample_weight: Array
    loss: Loss
    validation: LayersObjective | None = None

    @property
    def n_samples(self) -> int:
        """Number of training rows."""
        return len(self.inputs)

    @property
    def is_random(self) -> bool:
        """Whether the network is random in training, as with dropout."""
        return self.network.is_random

    def for_step(self, seed: Sequence[int]) -> LayersObjective:
        """Return the objective of one training step, with random numbers from this seed."""
        return replace(self, network=self.network.for_step(seed))

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        """Compute the mean loss over the rows, and its gradient, shape (n_weights,)."""
        inputs, targets, shares = self._batch(rows)
        total = 0.0

        def rest(outputs: Array, chunk: slice) -> Array:
            nonlocal total
            share, target = (shares, targets) if len(outputs) == len(shares) else (shares[chunk], targets[chunk])
            total += float(share @ self.loss.value(outputs, target))
            return self.loss.gradient(outputs, target) * share[:, None]

        gradient, _ = self.network.sweep(inputs, weights, rest, inputs=False)
        return total, gradient

    def value(self, weights: Array, rows: Rows) -> float:
        """Compute the mean loss over the rows."""
        inputs, targets, shares = self._batch(rows)
        return float(shares @ self.loss.value(self.network.forward(inputs, weights), targets))

    def validation_score(self, weights: Array) -> float | None:
        """Compute the negative mean loss on the held-out samples; None if there are none."""
        return None if self.validation is None else -self.validation.value(weights, slice(None))

    def fingerprint(self, initial_weights: Array) -> str:
        """Compute a digest of everything that determines a run besides its settings: data and initial weights."""
        digest = hashlib.sha256(type(self.loss).__name__.encode())
        for array in (self.inputs, self.targets, self.sample_weight, initial_weights):
            digest.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def _batch(self, rows: Rows) -> tuple[Array, NDArray[np.generic], Array]:
        inputs = self.inputs[rows]
        return inputs, self.targets[rows], self.sample_weight[rows] / len(inputs)
