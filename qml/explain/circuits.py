"""Circuits of trained models with some of their operations."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.estimators.variational.trained import TrainedNetwork
from qml.explain.outputs import explained, output_function
from qml.honesty.twins import innermost, preprocessing
from qml.layers import Quantum, Sequential
from qml.models.quantum_model import QuantumModel
from qml.tables import TableModel
from simulator.caching import cached_property
from simulator.errors import counted

__all__ = ["TrainedCircuit", "entangling_operations"]

Array = NDArray[np.float64]


def entangling_operations(model: Any) -> list[int]:
    """Return the positions of all operations on two or more qubits in the circuit of a model.

    Raises
    ------
    TypeError
        If the model does not train a circuit.
    """
    circuit = model if isinstance(model, QuantumModel) else _trained(model)[1].model
    return [k for k, operation in enumerate(circuit.circuit.operations) if len(operation.qubits) > 1]


def _trained(model: Any) -> tuple[Any, Quantum, int]:
    """Return the estimator in a model, the quantum layer of its network, and the position of this layer."""
    estimator = innermost(model.estimator if isinstance(model, TableModel) else model)
    network = getattr(estimator, "network_", None)
    places = [k for k, layer in enumerate(network or ()) if isinstance(layer, Quantum)]
    if not isinstance(estimator, TrainedNetwork) or len(places) != 1:
        raise TypeError(
            "expected a fitted estimator that trains a network with one circuit, such as VariationalClassifier, "
            f"or a QuantumModel, got {type(estimator).__name__}"
        )
    return estimator, estimator.network_[places[0]], places[0]


@dataclass(frozen=True)
class TrainedCircuit:
    """Circuit of a model, and how its outputs become those of the model.

    ``outputs`` takes a circuit's model; ``estimator`` takes it too, and returns the estimator with it, or None.
    """

    model: QuantumModel
    outputs: Callable[[QuantumModel], Array]
    estimator: Callable[[QuantumModel], Any] | None
    rows: Any

    @classmethod
    def of(cls, model: Any, X: ArrayLike, weights: ArrayLike | None) -> TrainedCircuit:
        if isinstance(model, QuantumModel):
            if weights is None:
                if model.weights:
                    raise ValueError(
                        f"weights of shape ({len(model.weights)},) are needed: a model has no trained ones"
                    )
                weights = ()
            values = np.asarray(weights, np.float64)
            return cls(model, lambda part: part.forward(X, values), None, X)
        if weights is not None:
            raise ValueError("an estimator has weights of its own: give weights with a QuantumModel")
        estimator, layer, place = _trained(model)
        network = estimator.network_
        function, rows = explained(estimator, _inner_rows(model, X))

        def changed(part: QuantumModel) -> Any:
            out = copy.copy(estimator)
            quantum = Quantum(part, draw_weights=layer.draw_weights)
            out.network_ = Sequential(*network.layers[:place], quantum, *network.layers[place + 1 :])
            return out

        def outputs(part: QuantumModel) -> Array:
            return replace(function, function=output_function(changed(part))[0])(rows)

        return cls(layer.model, outputs, changed, function.inputs.restored(rows))

    @cached_property
    def full(self) -> Array:
        """Outputs of the whole circuit."""
        return self.outputs(self.model)

    def restricted(self, players: Mapping[str, Sequence[int]], mask: NDArray[np.bool_]) -> QuantumModel:
        """Return the model without the gates of the players that are not in the mask."""
        removed = {k for gates, present in zip(players.values(), mask, strict=True) if not present for k in gates}
        model = self.model
        operations = (operation for k, operation in enumerate(model.circuit.operations) if k not in removed)
        return QuantumModel(
            model.circuit.with_operations(operations),
            model.inputs,
            model.weights,
            model.observables if model.qubits is None else (),
            outputs="expectations" if model.qubits is None else "probabilities",
            qubits=model.qubits,
            precision=model.precision,
            data=model.data,
            num_features=model.num_features,
        )

    def measure(self, y: ArrayLike | None) -> tuple[Callable[[QuantumModel], float], str]:
        """Return the measure of a circuit's quality, and its name."""
        if y is not None and self.estimator is not None:
            changed = self.estimator
            name = "accuracy" if hasattr(changed(self.model), "classes_") else "R^2"
            return (
                lambda part: float(changed(part).score(self.rows, y))
            ), f"{name} on {counted(len(np.asarray(y)), 'row')}"
        target = self.full if y is None else np.asarray(y, np.float64).reshape(len(self.full), -1)
        if target.shape != self.full.shape:
            raise ValueError(f"y must have shape {self.full.shape}, one row for each row of X, got {target.shape}")
        total = float(np.sum((target - target.mean(axis=0)) ** 2))
        if total <= np.finfo(np.float64).eps ** 2 * max(1.0, float(np.sum(target**2))):
            raise ValueError("the outputs are the same for all rows: there is nothing to divide; give other rows")

        def r_squared(part: QuantumModel) -> float:
            return 1.0 - float(np.sum((self.outputs(part) - target) ** 2)) / total

        name = "R^2" if y is not None else "R^2 with respect to the full circuit"
        return r_squared, f"{name} on {counted(len(target), 'row')}"


def _inner_rows(model: Any, X: ArrayLike) -> Array:
    """Return the rows that the estimator at the end of a pipeline takes."""
    estimator = model.estimator if isinstance(model, TableModel) else model
    front = preprocessing(estimator)
    rows = model.features(X) if isinstance(model, TableModel) else X
    return np.asarray(rows if front is None else front.transform(rows), np.float64)
