"""Objective of an estimator: the weighted mean loss of a network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qml.layers import Layer
from qml.layers.sequential import Chain
from qml.layers.states import StatesOfNetwork
from qml.losses import Loss
from qml.optimizers.objective import Rows
from simulator.errors import QumbaError

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

    @cached_property
    def geometry(self) -> NetworkGeometry:
        """Geometry of the states of the network's circuit.

        Raises
        ------
        QumbaError
            If the network does not have exactly one circuit with weights.
        """
        return NetworkGeometry(StatesOfNetwork(self._chain), self.inputs, self.sample_weight)

    def spectra(self) -> tuple[Array | None, ...]:
        """Return the positive frequencies of the outputs in each weight; None for a weight that is not an angle."""
        return self.network.spectra()

    def for_step(self, seed: Sequence[int]) -> LayersObjective:
        """Return the objective of one training step, with random numbers from this seed."""
        return replace(self, network=self.network.for_step(seed))

    def with_shots(self, shots: int, seed: int) -> LayersObjective:
        """Return the objective with this number of shots for each circuit.

        Raises
        ------
        QumbaError
            If a circuit does not run on a backend that measures with shots, or the network has no circuit.
        """
        if all(layer.circuit is None for layer in self._chain.layers):
            raise QumbaError("there are no shots to choose: no layer of the network is a circuit; use 'adam'")
        return replace(self, network=self.network.with_shots(shots, seed))

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

    @property
    def _chain(self) -> Chain:
        """The network as one chain; chains inside a chain are part of it."""
        return Chain(tuple(_flattened(self.network)))

    def _batch(self, rows: Rows) -> tuple[Array, NDArray[np.generic], Array]:
        inputs = self.inputs[rows]
        return inputs, self.targets[rows], self.sample_weight[rows] / len(inputs)


def _flattened(layer: Layer) -> Iterator[Layer]:
    if isinstance(layer, Chain):
        for inner in layer.layers:
            yield from _flattened(inner)
    else:
        yield layer


@dataclass(frozen=True)
class NetworkGeometry:
    """Geometry of the states of a network's circuit at rows of the training set; see `qml.optimizers.Geometry`.

    Parameters
    ----------
    states : StatesOfNetwork
    inputs : float ndarray, shape (n_samples, num_inputs)
    sample_weight : float ndarray, shape (n_samples,)
    """

    states: StatesOfNetwork
    inputs: Array
    sample_weight: Array

    @property
    def part(self) -> slice:
        """Place of the circuit's weights among all weights."""
        return self.states.part

    @property
    def layers(self) -> NDArray[np.intp]:
        """Layer of each of the circuit's weights."""
        return self.states.layers

    def metric(self, weights: Array, rows: Rows) -> Array:
        """Compute the mean Fubini-Study metric of the circuit's weights over the rows."""
        return self.states.metric(self.inputs[rows], weights, self._shares(rows))

    def fidelities(self, weights: Array, others: Array, rows: Rows) -> Array:
        """Compute the mean fidelities with the states at other weights of the circuit, shape (n_others,)."""
        return self.states.fidelities(self.inputs[rows], weights, others, self._shares(rows))

    def _shares(self, rows: Rows) -> Array:
        weight = self.sample_weight[rows]
        return weight / weight.sum()
