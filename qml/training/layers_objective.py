"""Objective of an estimator: the weighted mean loss of a network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qml.compiled_losses import compiled
from qml.layers import Layer
from qml.layers.sequential import Chain, flattened
from qml.layers.states import StatesOfNetwork
from qml.layers.trait import layer_for_steps
from qml.losses import Loss
from qml.optimizers.objective import Rows
from qml.training.compiled_steps import Batch
from qml.training.prepared_loss import PreparedLoss, step_calls
from simulator.caching import cached_property
from simulator.engines.host import loops
from simulator.errors import QumbaError
from simulator.program.values import as_array

__all__ = ["LayersObjective"]

Array = NDArray[np.float64]

MAX_BYTES = 1 << 26
"""Size of the data above which the samples of each batch are gathered by themselves, not those of an epoch at once."""


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
    _shared: Any = field(default=None, compare=False, repr=False)  # what does not depend on the samples
    _encoded: Any = field(default=None, compare=False, repr=False)  # `_Encoded` of the inputs, or of earlier ones
    _step: Any = field(default=None, compare=False, repr=False)  # `_RandomStep` of this network, or of an earlier one

    def __post_init__(self) -> None:
        shared = self._shared
        if shared is None or not shared.fits(self.network, self.loss, self.n_samples):
            object.__setattr__(self, "_shared", _Shared(self.network, self.loss, self.n_samples))
            object.__setattr__(self, "_encoded", None)

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
        return NetworkGeometry(self._shared.states, self.inputs, self.sample_weight)

    def spectra(self) -> tuple[Array | None, ...]:
        """Return the positive frequencies of the outputs in each weight; None for a weight that is not an angle."""
        return self.network.spectra()

    def for_step(self, seed: Sequence[int]) -> LayersObjective:
        """Return the objective of one training step, with random numbers from this seed."""
        if not self.is_random:
            return self
        network = self.network.for_step(seed)
        return replace(self, network=network, _step=_RandomStep(network, self.loss, self._shared.steps, tuple(seed)))

    def with_shots(self, shots: int, seed: int) -> LayersObjective:
        """Return the objective with this number of shots for each circuit.

        Raises
        ------
        QumbaError
            If a circuit does not run on a backend that measures with shots, or the network has no circuit.
        """
        if all(layer.circuit is None for layer in flattened(self.network)):
            raise QumbaError("there are no shots to choose: no layer of the network is a circuit; use 'adam'")
        return replace(self, network=self.network.with_shots(shots, seed))

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        """Compute the mean loss over the rows, and its gradient, shape (n_weights,)."""
        inputs, targets, shares = self._batch(rows)
        if self._shared.encoding is not None:
            inputs = self._encoding_states.of(rows)
        step = self._step
        if step is not None and step.network is self.network and step.loss is self.loss:
            return step.steps.value_and_gradient(inputs, targets, shares, weights, step.seed)  # type: ignore[no-any-return]
        return self._shared.steps.value_and_gradient(inputs, targets, shares, weights)

    def value(self, weights: Array, rows: Rows) -> float:
        """Compute the mean loss over the rows."""
        inputs, targets, shares = self._batch(rows)
        return float(shares @ self.loss.value(self.network.forward(inputs, weights), targets))

    def in_order(self, order: NDArray[np.intp]) -> LayersObjective | None:
        """Return the objective with its samples in another order; None if the copy would take too much memory.

        Consecutive rows are views, so the batches of an epoch are gathered once instead of one by one.
        """
        if self.inputs.nbytes + self.targets.nbytes > MAX_BYTES:
            return None
        inputs, targets = self.inputs.take(order, axis=0), self.targets.take(order, axis=0)
        sample_weight = self.sample_weight.take(order)
        encoded = None if self._shared.encoding is None else self._encoding_states.in_order(inputs, order)
        return LayersObjective(
            self.network, inputs, targets, sample_weight, self.loss, self.validation, self._shared, encoded
        )

    def step_calls(self, batch: Batch) -> list[loops.Call] | None:
        """Return `value_and_gradient` as calls that a compiled loop makes; None if it needs Python."""
        all_inputs, rows, loss = as_array(self.inputs), batch.rows, compiled(self.loss)
        network = layer_for_steps(self.network, batch.seed)
        if network is None or loss is None:
            return None
        if self._shared.encoding is not None:
            network, all_inputs = self._shared.encoding[1], self._encoding_states.of_all()
        if network.num_outputs is None:
            return None
        kernel, settings, all_targets = loss.kernel((self.n_samples, network.num_outputs), self.targets)
        inputs, shares = np.empty((rows, *all_inputs.shape[1:])), np.empty(rows)
        targets = np.empty((rows, *all_targets.shape[1:]), all_targets.dtype)
        calls = step_calls(
            network, (kernel, settings, targets), inputs, shares, batch.weights, batch.gradient, batch.loss
        )
        if calls is None:
            return None
        return [
            batch.take((all_inputs, all_targets, self.sample_weight / rows), (inputs, targets, shares)),
            *calls,
        ]

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
    def _encoding_states(self) -> _Encoded:
        """States of the network's encoding, from which the steps of a run begin; see `Layer.split_encoding`."""
        encoded = self._encoded
        if encoded is None or encoded.inputs is not self.inputs:
            encoded = _Encoded(self.inputs, self._shared.encoding[0](self.inputs))
            object.__setattr__(self, "_encoded", encoded)
        return encoded  # type: ignore[no-any-return]

    def _batch(self, rows: Rows) -> tuple[Array, NDArray[np.generic], Array]:
        inputs = self.inputs[rows]
        shares = self._shares.get(len(inputs))
        if shares is None:
            shares = self._shares[len(inputs)] = self.sample_weight / len(inputs)
        return inputs, self.targets[rows], shares[rows]

    @cached_property
    def _shares(self) -> dict[int, Array]:
        """Shares of all samples in the mean loss of a batch of some size."""
        return {}


@dataclass(frozen=True)
class _Encoded:
    """States of the encoding of some inputs, not moved when the samples are reordered, as they are large.

    Parameters
    ----------
    inputs : float ndarray, shape (n_samples, n_inputs)
    states : float ndarray, shape (n_samples, n_columns)
    places : int ndarray, shape (n_samples,), or None
        Row of the states of each input; None if they have the same order.
    """

    inputs: Array
    states: Array
    places: NDArray[np.intp] | None = None

    def of(self, rows: Rows) -> Array:
        """Return the states of rows of the inputs."""
        return self.states[rows] if self.places is None else self.states.take(self.places[rows], axis=0)

    def of_all(self) -> Array:
        """Return the states of all inputs."""
        return self.of(slice(None))

    def in_order(self, inputs: Array, order: NDArray[np.intp]) -> _Encoded:
        """Return the states of the inputs in another order."""
        return _Encoded(inputs, self.states, order if self.places is None else self.places[order])


class _RandomStep(NamedTuple):
    """Step of a random network.

    Parameters
    ----------
    network : the network of the step, see `Layer.for_step`
    loss : loss of ``steps``
    steps : loss of the network of all steps
    seed : seed of the step
    """

    network: Layer
    loss: Loss
    steps: PreparedLoss
    seed: tuple[int, ...]


@dataclass(frozen=True)
class _Shared:
    """What objectives of a network and a loss have in common, whatever their samples and the order of these."""

    network: Layer
    loss: Loss
    n_samples: int

    def fits(self, network: Layer, loss: Loss, n_samples: int) -> bool:
        """Whether this belongs to a network, a loss and a number of samples."""
        return self.network is network and self.loss is loss and self.n_samples == n_samples

    @cached_property
    def encoding(self) -> tuple[Callable[[Array], Array], Layer] | None:
        """Encoding of the samples and the network behind it, if their states are to be computed once."""
        parts = None if self.network.is_random else self.network.split_encoding()
        if parts is None or 8 * self.n_samples * (parts[1].num_inputs or 0) > MAX_BYTES:
            return None
        return parts

    @cached_property
    def steps(self) -> PreparedLoss:
        network = self.network if self.encoding is None else self.encoding[1]
        return PreparedLoss(network, self.loss)

    @cached_property
    def states(self) -> StatesOfNetwork:
        return StatesOfNetwork(Chain(tuple(flattened(self.network))))  # chains inside a chain are part of it


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
