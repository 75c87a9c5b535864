"""What every feature map offers, and what it makes: a function from features to inputs, and a circuit with these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.feature_maps.data_functions import DataFunction, checked_angles
from qml.settings import check_whole
from simulator.circuit import Circuit
from simulator.errors import CircuitError, ParameterError, counted
from simulator.parameters import Parameter

__all__ = ["Encoding", "FeatureMap", "checked_sizes"]


@dataclass(frozen=True)
class Encoding:
    """A feature map for a fixed number of features: inputs are computed from the data, then run through the circuit.

    It is a feature map itself, so a circuit of one's own can stand wherever a feature map can.

    Parameters
    ----------
    circuit : Circuit
        Its parameters are inputs or weights.
    inputs : sequence of Parameter
    data : DataFunction, optional
        Features to the values of ``inputs``; without it the features are the inputs.
    num_features : int, optional
        By default the number of inputs.
    angle_range : (float, float), optional
        The range that estimators scale features into; ``None`` divides each by its largest absolute value.
    turns : tuple of Circuit, optional
        What a model puts before the layers of its ansatz, in turn; without them, the circuit stands once before all.
    weights : tuple of Parameter, optional
        Trained parameters that the feature map has of its own.
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
        """Qubits it takes."""
        return self.circuit.num_qubits

    def max_features(self, num_qubits: int) -> int:
        """Most features that fit."""
        return self.num_features

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """Itself, if it is for so many features and qubits."""
        if num_features != self.num_features:
            raise CircuitError(f"the feature map takes {self.num_features} features, got {num_features}")
        if num_qubits not in (None, self.circuit.num_qubits):
            raise CircuitError(f"the feature map is on {self.circuit.num_qubits} qubits, got num_qubits={num_qubits}")
        return self

    def angles(self, X: ArrayLike) -> NDArray[np.float64]:
        """Values of the inputs, shape (n_samples, n_inputs), for features (n_samples, n_features)."""
        features = np.asarray(X, np.float64)
        if features.ndim != 2 or features.shape[1] != self.num_features:
            raise ValueError(f"X must have shape (n_samples, {self.num_features}), got {features.shape}")
        return features if self.data is None else checked_angles(self.data, features)

    def initial_weights(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Weights from the whole circle, shape (n_weights,): what a kernel that is not trained stands on."""
        return rng.uniform(0.0, 2 * np.pi, len(self.weights))


@runtime_checkable
class FeatureMap(Protocol):
    """What a feature map offers; one of your own may inherit the rule of one qubit a feature."""

    @property
    def angle_range(self) -> tuple[float, float] | None:
        """Range that estimators scale features into; ``None`` divides each by its largest absolute value."""

    def num_qubits(self, num_features: int) -> int:
        """Qubits it takes when nobody says how many."""
        return num_features

    def max_features(self, num_qubits: int) -> int:
        """Most features that fit on so many qubits."""
        return num_qubits

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """The circuit and data function for these sizes."""


def checked_sizes(kind: str, feature_map: FeatureMap, num_features: int, num_qubits: int | None) -> int:
    """The number of qubits, if the features fit on it."""
    if num_features < 1:
        raise CircuitError(f"a feature map needs at least 1 feature, got {num_features}")
    width = feature_map.num_qubits(num_features) if num_qubits is None else num_qubits
    check_whole("num_qubits", width, error=CircuitError)
    most = feature_map.max_features(int(width))
    if num_features > most:
        raise CircuitError(
            f"the {kind} feature map takes at most {counted(most, 'feature')} on {counted(width, 'qubit')}, "
            f"got {num_features}"
        )
    return int(width)
