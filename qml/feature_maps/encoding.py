"""Interface of a feature map, and its result: a function from features to inputs, and a circuit with these inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.feature_maps.data_functions import DataFunction, checked_angles
from qml.settings import check_whole
from simulator.circuit import Circuit
from simulator.errors import CircuitError, ParameterError, counted
from simulator.masked import check_unmasked
from simulator.parameters import Parameter

__all__ = ["Encoding", "FeatureMap", "checked_sizes"]


@dataclass(frozen=True)
class Encoding:
    """Feature map for a fixed number of features: inputs are computed from the data and passed to the circuit.

    It is itself a feature map, so a custom circuit can be used wherever a feature map can.

    Parameters
    ----------
    circuit : Circuit
        Circuit whose parameters are inputs or weights.
    inputs : sequence of Parameter
    data : DataFunction, optional
        Function from features to the values of ``inputs``; by default the features are the inputs.
    num_features : int, optional
        Number of features; by default the number of inputs.
    angle_range : (float, float), optional
        Range into which estimators scale features; with ``None`` each is divided by its largest absolute value.
    turns : tuple of Circuit, optional
        Circuits that a model puts before the layers of its ansatz, in order; without them, the circuit precedes all.
    weights : tuple of Parameter, optional
        Trained parameters of the feature map.
    """

    circuit: Circuit
    inputs: tuple[Parameter, ...]
    data: DataFunction | None = None
    num_features: int = -1
    angle_range: tuple[float, float] | None = (-np.pi / 2, np.pi / 2)
    turns: tuple[Circuit, ...] = ()
    weights: tuple[Parameter, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "turns", tuple(self.turns))
        object.__setattr__(self, "weights", tuple(self.weights))
        if self.num_features < 0:
            object.__setattr__(self, "num_features", len(self.inputs))
        used = {parameter for circuit in (self.circuit, *self.turns) for parameter in circuit.parameters}
        foreign = sorted(parameter.name for parameter in used.difference(self.inputs, self.weights))
        if foreign:
            raise ParameterError(
                f"every parameter of a feature map is an input or a weight; these are not: {', '.join(foreign)}"
            )
        both = sorted(parameter.name for parameter in set(self.inputs).intersection(self.weights))
        if both:
            raise ParameterError(f"these parameters are both inputs and weights: {', '.join(both)}")

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits."""
        return self.circuit.num_qubits

    def max_features(self, num_qubits: int) -> int:
        """Return the maximum number of features."""
        return self.num_features

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Return itself, if it has these numbers of features and qubits."""
        if num_features != self.num_features:
            raise CircuitError(f"the feature map takes {self.num_features} features, got {num_features}")
        if num_qubits not in (None, self.circuit.num_qubits):
            raise CircuitError(f"the feature map is on {self.circuit.num_qubits} qubits, got num_qubits={num_qubits}")
        return self

    def angles(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute the inputs, shape (n_samples, n_inputs), from features (n_samples, n_features)."""
        check_unmasked(X, "X")
        features = np.asarray(X, np.float64)
        if features.ndim != 2 or features.shape[1] != self.num_features:
            raise ValueError(f"X must have shape (n_samples, {self.num_features}), got {features.shape}")
        return features if self.data is None else checked_angles(self.data, features)

    def without_entanglement(self) -> Encoding:
        """Return the encoding without gates on two or more qubits; its inputs and weights are the same ones."""
        circuit, *turns = (circuit.without_entanglement() for circuit in (self.circuit, *self.turns))
        return replace(self, circuit=circuit, turns=tuple(turns))

    def initial_weights(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw weights uniformly from the circle, shape (n_weights,), for a kernel that is not trained."""
        return rng.uniform(0.0, 2 * np.pi, len(self.weights))


@runtime_checkable
class FeatureMap(Protocol):
    """Interface of a feature map; a custom one may inherit the rule of one qubit per feature."""

    @property
    def angle_range(self) -> tuple[float, float] | None:
        """Range into which estimators scale features; with ``None`` each is divided by its largest absolute value."""

    def num_qubits(self, num_features: int) -> int:
        """Return the default number of qubits."""
        return num_features

    def max_features(self, num_qubits: int) -> int:
        """Return the maximum number of features for a number of qubits."""
        return num_qubits

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Build the circuit and data function for these sizes."""


def checked_sizes(kind: str, feature_map: FeatureMap, num_features: int, num_qubits: int | None) -> int:
    """Return the number of qubits, after checking that the features fit."""
    check_whole("num_features", num_features, error=CircuitError)
    width = feature_map.num_qubits(num_features) if num_qubits is None else num_qubits
    check_whole("num_qubits", width, error=CircuitError)
    most = feature_map.max_features(int(width))
    if num_features > most:
        raise CircuitError(
            f"the {kind} feature map takes at most {counted(most, 'feature')} on {counted(width, 'qubit')}, "
            f"got {num_features}"
        )
    return int(width)
