"""Trained circuits, alone or in an estimator, from which operations are taken."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.diagnostics.subject import as_subject
from qml.estimators.variational.circuit import VariationalEstimator
from qml.estimators.variational.trained import TrainedNetwork
from qml.layers import Quantum, Sequential
from qml.losses import Loss, get_loss
from qml.models.quantum_model import QuantumModel

__all__ = ["CircuitInEstimator", "CircuitWithWeights", "trained_part"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CircuitWithWeights:
    """Model with its weights, and a loss of its outputs."""

    model: QuantumModel
    weights: Array
    X: ArrayLike
    y: NDArray[Any]
    loss_function: Loss

    estimator = None

    @property
    def subject(self) -> tuple[Any, ...]:
        """Arguments of `qml.diagnostics.subject.as_subject`."""
        return self.model, self.X, self.weights

    def loss(self) -> float:
        """Compute the mean loss of the rows."""
        return float(np.mean(self.loss_function.value(self.model.forward(self.X, self.weights), self.y)))

    def without(self, positions: Collection[int]) -> CircuitWithWeights:
        """Return the circuit without some of its operations."""
        model, weights = _without(self.model, self.weights, positions)
        return replace(self, model=model, weights=weights)


@dataclass(frozen=True)
class CircuitInEstimator:
    """Fitted estimator that trains a network with one circuit."""

    fitted: Any
    X: ArrayLike
    y: ArrayLike

    @property
    def _place(self) -> int:
        return next(k for k, layer in enumerate(self.fitted.network_) if isinstance(layer, Quantum))

    @property
    def model(self) -> QuantumModel:
        """Model of the circuit."""
        model: QuantumModel = self.fitted.network_[self._place].model
        return model

    @property
    def weights(self) -> Array:
        """Weights of the circuit."""
        weights: Array = self.fitted.weights_[self.fitted.network_.parts[self._place]]
        return weights

    @property
    def estimator(self) -> Any:
        """Estimator with the circuit as its setting ``model``, or None if it does not take one in place of all else."""
        if not isinstance(self.fitted, VariationalEstimator) or len(self.fitted.network_) != 2:
            return None
        out = copy.copy(self.fitted)
        return out.set_params(model=self.model, initialisation="ansatz")

    @property
    def subject(self) -> tuple[Any, ...]:
        """Arguments of `qml.diagnostics.subject.as_subject`."""
        return self.fitted, self.X

    def loss(self) -> float:
        """Compute the loss of the rows, as in training."""
        return float(self.fitted.losses_at(self.X, self.y, self.fitted.weights_[None])[0])

    def without(self, positions: Collection[int]) -> CircuitInEstimator:
        """Return the estimator without some operations of its circuit."""
        place, layers = self._place, self.fitted.network_.layers
        part, weights = self.fitted.network_.parts[place], self.fitted.weights_
        model, remaining = _without(self.model, self.weights, positions)
        quantum = Quantum(model)
        network = Sequential(*layers[:place], quantum, *layers[place + 1 :])
        return self._with(network, np.concatenate([weights[: part.start], remaining, weights[part.stop :]]))

    def trained(self, epochs: int) -> CircuitInEstimator:
        """Return a copy after further epochs; its weights are those of the lowest training loss."""
        out = self._with(self.fitted.network_, self.fitted.weights_).fitted
        settings = {"epochs": out.epochs, "warm_start": out.warm_start, "early_stopping": out.early_stopping}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a training that fails is judged by its loss
            out.set_params(epochs=epochs, warm_start=True, early_stopping=False).fit(self.X, self.y)
        out.set_params(**settings)
        return replace(self, fitted=out)

    def _with(self, network: Sequential, weights: Array) -> CircuitInEstimator:
        out = copy.copy(self.fitted)
        out.network_ = network
        out._begin(weights)
        return replace(self, fitted=out)


def trained_part(
    model: Any, X: ArrayLike, y: ArrayLike, weights: ArrayLike | None, loss: str | Loss
) -> CircuitWithWeights | CircuitInEstimator:
    """Return the trained circuit of a model or an estimator after checks.

    Raises
    ------
    TypeError
        If the model does not train one circuit.
    ValueError
        If shapes do not fit, weights are missing, or the estimator runs on a backend.
    """
    subject = as_subject(model, X, weights)
    if isinstance(model, QuantumModel):
        if weights is None and model.weights:
            raise ValueError(f"weights of shape ({model.num_weights},) are needed: a model has no trained ones")
        targets = np.asarray(y)
        if targets.shape[:1] != (len(subject.features),):
            raise ValueError(f"y must have one target per row: expected {len(subject.features)}, got {targets.shape}")
        values = np.zeros(0) if weights is None else np.asarray(weights, np.float64)
        return CircuitWithWeights(model, values, X, targets, get_loss(loss))
    layers = getattr(model, "network_", None) or ()
    if not isinstance(model, TrainedNetwork) or sum(isinstance(layer, Quantum) for layer in layers) != 1:
        raise TypeError(
            "expected a fitted estimator that trains a network with one circuit, such as VariationalClassifier, or a "
            f"QuantumModel, got {type(model).__name__}"
        )
    return CircuitInEstimator(model, X, y)


def _without(model: QuantumModel, weights: Array, positions: Collection[int]) -> tuple[QuantumModel, Array]:
    """Return the model without some operations, and the values of the weights that are left."""
    operations = enumerate(model.circuit.operations)
    circuit = model.circuit.with_operations(operation for k, operation in operations if k not in positions)
    used = set(circuit.parameters)
    places = [k for k, parameter in enumerate(model.weights) if parameter in used]
    smaller = QuantumModel(
        circuit,
        model.inputs,
        [model.weights[k] for k in places],
        model.observables if model.qubits is None else (),
        outputs="expectations" if model.qubits is None else "probabilities",
        qubits=model.qubits,
        precision=model.precision,
        data=model.data,
        num_features=model.num_features,
    )
    return smaller, weights[places]
