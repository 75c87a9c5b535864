"""What an estimator minimises: the weighted mean loss of circuit and readout together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.losses import Loss
from qml.models.evaluation import Evaluation
from qml.models.observables import LinearReadout
from qml.models.quantum_model import QuantumModel
from qml.optimizers.objective import Rows
from simulator.calculations.gradients import adjoint_sweep
from simulator.calculations.statevector import expectations

__all__ = ["ModelObjective"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ModelObjective:
    """The objective of one training set, in the form that the training loop takes.

    Weights are the circuit's, then the readout's.

    Parameters
    ----------
    model : QuantumModel
    readout : LinearReadout
    inputs : float ndarray, shape (n_samples, n_inputs)
        Values of the circuit's inputs: feature map already applied, because it stays the same all through training.
    targets : ndarray, shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : float ndarray, shape (n_samples,)
        Of mean 1, so that minibatches are unbiased.
    loss : Loss
    validation : ModelObjective, optional
        Of samples kept aside; minus its mean loss is the score. Accuracy of few samples would be too coarse: its first
        maximum is a model that has hardly been trained.
    evaluation : Evaluation, optional
        Where expectations come from; by default the engine.
    """

    model: QuantumModel
    readout: LinearReadout
    inputs: Array
    targets: NDArray[np.generic]
    sample_weight: Array
    loss: Loss
    validation: ModelObjective | None = None
    evaluation: Evaluation | None = None

    @property
    def n_samples(self) -> int:
        """Rows to train on."""
        return len(self.inputs)

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        """Mean loss over the rows, and its gradient, shape of the weights."""
        inputs, targets, shares = self._batch(rows)
        split = self.model.num_weights
        circuit_weights, readout_weights = weights[:split], weights[split:]
        gradient = np.zeros_like(weights)
        d_factors, d_bias = self.readout.split(gradient[split:])
        factors, _ = self.readout.split(readout_weights)
        total = 0.0

        def cotangent(values: Array, chunk: slice) -> Array:
            nonlocal total
            outputs = self.readout.outputs(values, readout_weights)
            share, target = shares[chunk], targets[chunk]
            total += float(share @ self.loss.value(outputs, target))
            d_outputs = self.loss.gradient(outputs, target) * share[:, None]
            d_factors[...] += d_outputs.T @ values
            d_bias[...] += d_outputs.sum(axis=0)
            return d_outputs @ factors

        if self.evaluation is None:
            _, gradient[:split], _ = adjoint_sweep(self.model.program, inputs, circuit_weights, cotangent)
        else:
            gradient[:split] = self.evaluation.sweep(inputs, circuit_weights, cotangent)
        return total, gradient

    def value(self, weights: Array, rows: Rows) -> float:
        """Mean loss over the rows."""
        inputs, targets, shares = self._batch(rows)
        split = self.model.num_weights
        if self.evaluation is None:
            values = expectations(self.model.program, inputs, weights[:split])
        else:
            values = self.evaluation.expectations(inputs, weights[:split])
        return float(shares @ self.loss.value(self.readout.outputs(values, weights[split:]), targets))

    def validation_score(self, weights: Array) -> float | None:
        """Minus the mean loss on samples kept aside, if there are any."""
        return None if self.validation is None else -self.validation.value(weights, slice(None))

    def fingerprint(self, initial_weights: Array) -> str:
        """Digest of everything that decides a run besides its settings: data, and the weights it starts from."""
        digest = hashlib.sha256(type(self.loss).__name__.encode())
        for array in (self.inputs, self.targets, self.sample_weight, initial_weights):
            digest.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def _batch(self, rows: Rows) -> tuple[Array, NDArray[np.generic], Array]:
        inputs = self.inputs[rows]
        return inputs, self.targets[rows], self.sample_weight[rows] / len(inputs)
