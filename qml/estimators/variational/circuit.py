"""Base of the estimators that train a circuit and a linear readout of its observables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qml.ansatze import INITIAL_SPREAD, Ansatz, get_ansatz
from qml.estimators.variational.trained import TrainedNetwork
from qml.feature_maps import Encoding, FeatureMap, get_feature_map
from qml.layers import Dense, Quantum, Sequential
from qml.models.layered import layered_model
from qml.models.observables import Observable
from qml.models.quantum_model import QuantumModel
from qml.settings import check_choice, check_whole
from simulator.backends.numba_backend import NumbaBackend
from simulator.circuit import Circuit

__all__ = ["VariationalEstimator"]

Array = NDArray[np.float64]

AUTOMATIC_QUBITS = (4, 8)
"""Minimum and maximum default number of qubits."""


@dataclass(eq=False, repr=False)
class VariationalEstimator(TrainedNetwork):
    """Feature map and ansatz, or a custom model, followed by a dense layer that reads out its observables."""

    feature_map: str | FeatureMap = "angle"
    ansatz: str | Ansatz = "strongly_entangling"
    n_layers: int = 4
    n_qubits: int | None = None
    _: KW_ONLY
    observables: str | Sequence[Observable] = "z+zz"
    model: QuantumModel | None = None
    precision: Literal["double", "single"] = "double"

    @property
    def circuit_(self) -> Circuit:
        """Circuit with inputs and weights as parameters."""
        return self.model_.circuit

    @property
    def model_(self) -> QuantumModel:
        """Model of the circuit, without scaling and readout."""
        return self.network_[0].model

    @property
    def readout_(self) -> Dense:
        """Layer from expectation values to outputs."""
        return self.network_[1]

    def _network(self, n_features: int, n_outputs: int) -> Sequential:
        if self.model is not None:
            return Sequential(Quantum(self.model), Dense())
        feature_map, ansatz = get_feature_map(self.feature_map), get_ansatz(self.ansatz)
        num_qubits = self._choose_qubits(feature_map)
        model = layered_model(
            feature_map,
            ansatz,
            num_features=n_features,
            num_layers=self.n_layers,
            num_qubits=num_qubits,
            observables=self.observables,
            precision=self.precision,
        )
        draw_weights = partial(_initial_weights, ansatz, num_qubits, self.n_layers, model.num_weights)
        return Sequential(Quantum(model, draw_weights=draw_weights), Dense())

    def _described(self) -> dict[str, Any]:
        """Return the settings that determine circuit and observables."""
        if self.model is not None:
            return {"model": self.model}
        return {
            "feature map": get_feature_map(self.feature_map),
            "ansatz": get_ansatz(self.ansatz),
            "layers": self.n_layers,
            "qubits": self.model_.circuit.num_qubits,
            "features of the circuit": self.model_.num_features,
            "observables": self.observables,
        }

    def _feature_range(self) -> tuple[int, tuple[float, float] | None]:
        if self.model is None:
            feature_map = get_feature_map(self.feature_map)
            return feature_map.max_features(self._choose_qubits(feature_map)), feature_map.angle_range
        if self.n_features_in_ != self.model.num_features:
            raise ValueError(f"the model takes {self.model.num_features} features, X has {self.n_features_in_}")
        return super()._feature_range()

    def _choose_qubits(self, feature_map: FeatureMap) -> int:
        if self.n_qubits is not None:
            return self.n_qubits
        if isinstance(feature_map, Encoding):
            return feature_map.circuit.num_qubits
        return int(np.clip(feature_map.num_qubits(self.n_features_in_), *AUTOMATIC_QUBITS))

    def _check_settings(self) -> None:
        super()._check_settings()
        check_whole("n_layers", self.n_layers)
        check_whole("n_qubits", self.n_qubits, instead=[None])
        check_choice("precision", self.precision, ("double", "single"))
        if self.model is not None and not isinstance(self.model, QuantumModel):
            raise TypeError(f"model expects a QuantumModel or None, got {self.model!r}")

    def _engine(self) -> NumbaBackend:
        return NumbaBackend(noise=self.noise, precision=self.precision)

    def _predictions(self, values: Array) -> NDArray[Any]:
        """Predict from expectation values of any source, shape (n_samples, n_observables)."""
        return self._predicted(self._read_out(values))

    def _read_out(self, values: Array) -> Array:
        """Compute outputs (n_samples, n_outputs) from expectation values (n_samples, n_observables)."""
        return self.readout_.forward(values, self.weights_[self.model_.num_weights :])


def _initial_weights(
    ansatz: Ansatz, num_qubits: int, num_layers: int, num_weights: int, rng: np.random.Generator
) -> Array:
    """Draw the initial weights: those of the feature map, then those of the ansatz."""
    of_ansatz = ansatz.initial_weights(num_qubits, num_layers, rng)
    of_the_map = rng.normal(0.0, INITIAL_SPREAD, num_weights - len(of_ansatz))
    return np.concatenate([of_the_map, of_ansatz])
