"""Base of the estimators whose network has one circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qml.estimators.variational.trained import TrainedNetwork
from qml.layers import Dense, Quantum
from qml.models.observables import Observable
from qml.models.quantum_model import QuantumModel
from qml.settings import check_choice, check_layers, check_qubits, check_whole
from simulator.backends.numba_backend import NumbaBackend
from simulator.circuit import Circuit

__all__ = ["OneCircuit"]

Array = NDArray[np.float64]


@dataclass(eq=False, repr=False, kw_only=True)
class OneCircuit(TrainedNetwork):
    """Settings and attributes of a network with one quantum layer, and a dense layer at its end."""

    observables: str | Sequence[Observable] = "z+zz"
    precision: Literal["double", "single"] = "double"

    @property
    def circuit_(self) -> Circuit:
        """Circuit with inputs and weights as parameters."""
        return self.model_.circuit

    @property
    def model_(self) -> QuantumModel:
        """Model of the circuit, without the layers around it."""
        return self._fitted_network[self._circuit_position].model

    @property
    def readout_(self) -> Dense:
        """Layer from expectation values to outputs."""
        return self._fitted_network[-1]

    @property
    def _circuit_position(self) -> int:
        """Position of the quantum layer in the network."""
        return next(number for number, layer in enumerate(self.network_) if isinstance(layer, Quantum))

    def _described(self) -> dict[str, Any]:
        return {"qubits": self.model_.circuit.num_qubits, "observables": self.observables}

    def _check_settings(self) -> None:
        super()._check_settings()
        for name in ("n_layers", "n_qubits"):
            if hasattr(self, name):
                check_whole(name, getattr(self, name), instead=[None] if getattr(type(self), name) is None else [])
        if getattr(self, "n_layers", None) is not None:
            check_layers("n_layers", self.n_layers)  # type: ignore[attr-defined]
        check_choice("precision", self.precision, ("double", "single"))
        if getattr(self, "model", None) is None:
            check_qubits(getattr(self, "n_qubits", None), self.precision, self.backend)

    def _engine(self) -> NumbaBackend:
        return NumbaBackend(noise=self.noise, precision=self.precision)

    def _circuit_arguments(self, scaled: Array) -> tuple[Array, Array]:
        """Return the inputs of the circuit for scaled features, and its weights."""
        position = self._circuit_position
        for layer, part in zip(self.network_.layers[:position], self.network_.parts, strict=False):
            scaled = layer.forward(scaled, self.weights_[part])
        return self.model_.inputs_of(scaled), self.weights_[self.network_.parts[position]]

    def _predictions(self, values: Array) -> NDArray[Any]:
        """Predict from expectation values of any source, shape (n_samples, n_observables)."""
        return self._predicted(self._read_out(values))

    def _read_out(self, values: Array) -> Array:
        """Compute outputs (n_samples, n_outputs) from expectation values (n_samples, n_observables)."""
        network = self.network_
        for position in range(self._circuit_position + 1, len(network)):
            values = network[position].forward(values, self.weights_[network.parts[position]])
        return values
