"""Geometry of the states of a network's circuit: what natural gradients need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.layers.sequential import Chain
from simulator.caching import cached_property
from simulator.calculations.parameter_layers import parameter_layers
from simulator.errors import QumbaError

__all__ = ["StatesOfNetwork"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StatesOfNetwork:
    """States of the one circuit of a network, as functions of the network's inputs and weights.

    Parameters
    ----------
    network : Chain

    Raises
    ------
    QumbaError
        If the network does not have exactly one circuit, or its circuit has no weights.
    """

    network: Chain

    def __post_init__(self) -> None:
        layers = [layer for layer in self.network.layers if layer.circuit is not None]
        if len(layers) != 1:
            raise QumbaError(
                f"a metric of states needs a network with exactly one circuit to train, got {len(layers)}; use an "
                "optimizer without a metric, such as 'adam'"
            )
        if not layers[0].num_weights:
            raise QumbaError(
                f"a metric of states needs a circuit with weights, got {layers[0].circuit.model!r}; use an optimizer "
                "without a metric, such as 'adam'"
            )

    @cached_property
    def _position(self) -> int:
        return next(k for k, layer in enumerate(self.network.layers) if layer.circuit is not None)

    @property
    def part(self) -> slice:
        """Place of the circuit's weights among those of the network."""
        return self.network.parts[self._position]

    @cached_property
    def layers(self) -> NDArray[np.intp]:
        """Layer of each of the circuit's weights, see `parameter_layers`."""
        model = self.network.layers[self._position].circuit.model
        return parameter_layers(model.circuit, model.weights)

    def metric(self, X: Array, weights: Array, shares: Array) -> Array:
        """Compute the mean Fubini-Study metric of the circuit's weights.

        Parameters
        ----------
        X : float ndarray, shape (n_samples, num_inputs)
            Inputs of the network.
        weights : float ndarray, shape (num_weights,)
            Weights of the network.
        shares : float ndarray, shape (n_samples,)
            Shares of the samples, with sum 1.

        Returns
        -------
        float ndarray, shape (n_circuit_weights, n_circuit_weights)
        """
        inputs = self._inputs(X, weights)
        per_sample = len(inputs) // len(X)
        evaluation = self.network.layers[self._position].circuit.evaluation
        return np.asarray(evaluation.metric(inputs, weights[self.part], np.repeat(shares / per_sample, per_sample)))

    def fidelities(self, X: Array, weights: Array, others: Array, shares: Array) -> Array:
        """Compute the mean fidelities of the states with those at other weights of the circuit.

        Parameters
        ----------
        X, weights, shares : as in `metric`
        others : float ndarray, shape (n_others, n_circuit_weights)

        Returns
        -------
        float ndarray, shape (n_others,)
        """
        inputs = self._inputs(X, weights)
        evaluation = self.network.layers[self._position].circuit.evaluation
        by_input = evaluation.fidelities(inputs, weights[self.part], others)
        return np.asarray(by_input.reshape(len(others), len(X), -1).mean(axis=2) @ shares)

    def _inputs(self, X: Array, weights: Array) -> Array:
        """Compute the inputs of the circuit, after the layers before it."""
        network = self.network
        for layer, part in zip(network.layers[: self._position], network.parts, strict=False):
            X = layer.forward(X, weights[part])
        return np.asarray(network.layers[self._position].circuit_inputs(X))
