"""Feature maps: how data becomes a quantum state.

A feature map is a small immutable value without sizes, such as ``PauliMap(reps=1)``; for given numbers of features and
qubits it makes an `Encoding`: a function from features to inputs, and a circuit with these inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.data_functions import Amplitudes, DataFunction, Products
from qml.entanglement import Entanglement, entangled_groups
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError, ParameterError, unknown_name
from simulator.parameters import Parameter, ParameterVector

__all__ = ["FEATURE_MAPS", "AmplitudeMap", "AngleMap", "Encoding", "FeatureMap", "PauliMap", "get_feature_map"]


@dataclass(frozen=True)
class Encoding:
    """A feature map for a fixed number of features: inputs are computed from the data, then run through the circuit.

    It is a feature map itself, so a circuit of one's own can stand wherever a feature map can.

    Parameters
    ----------
    circuit : Circuit
        All its parameters are inputs.
    inputs : sequence of Parameter
    data : DataFunction, optional
        Features to the values of ``inputs``; without it the features are the inputs.
    num_features : int, optional
        By default the number of inputs.
    angle_range : (float, float), optional
        The range that estimators scale features into; ``None`` divides each by its largest absolute value.
    turns : tuple of Circuit, optional
        What a model puts before the layers of its ansatz, in turn; without them, the circuit stands once before all.
    """

    circuit: Circuit
    inputs: tuple[Parameter, ...]
    data: DataFunction | None = None
    num_features: int = -1
    angle_range: tuple[float, float] | None = (-np.pi / 2, np.pi / 2)
    turns: tuple[Circuit, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "turns", tuple(self.turns))
        if self.num_features < 0:
            object.__setattr__(self, "num_features", len(self.inputs))
        used = {parameter for circuit in (self.circuit, *self.turns) for parameter in circuit.parameters}
        foreign = sorted(parameter.name for parameter in used.difference(self.inputs))
        if foreign:
            raise ParameterError(f"every parameter of a feature map is an input; these are not: {', '.join(foreign)}")

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
        return features if self.data is None else self.data(features)


@runtime_checkable
class FeatureMap(Protocol):
    """What a feature map offers."""

    @property
    def angle_range(self) -> tuple[float, float] | None:
        """Range that estimators scale features into; ``None`` divides each by its largest absolute value."""

    def num_qubits(self, num_features: int) -> int:
        """Qubits it takes when nobody says how many."""

    def max_features(self, num_qubits: int) -> int:
        """Most features that fit on so many qubits."""

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """The circuit and data function for these sizes."""


@dataclass(frozen=True)
class AngleMap:
    """One rotation a feature.

    Feature k turns qubit ``k % num_qubits``; where features are fewer than rotations they start again from the first.

    Parameters
    ----------
    axes : str
        Axes of the successive rotations of a qubit, out of x, y and z, over and over.
    features_per_qubit : int
        How many features share a qubit when there are more features than qubits.
    reupload : bool
        Whether a model encodes the data again before each layer of its ansatz, which makes it a trigonometric
        polynomial of higher degree in the features (Perez-Salinas et al., arXiv:1907.02085). The features of a qubit
        then take turns: each layer has one.
    angle_range : (float, float), radians
        The range that estimators scale features into. Repeated rotations want a narrower one.

    Examples
    --------
    >>> AngleMap(axes="yz", features_per_qubit=2).encoding(num_features=4, num_qubits=2).circuit.num_parameters
    4
    """

    axes: str = "y"
    features_per_qubit: int = 1
    reupload: bool = False
    angle_range: tuple[float, float] = (-np.pi / 2, np.pi / 2)

    def __post_init__(self) -> None:
        if not isinstance(self.axes, str) or not self.axes or set(self.axes) - set("xyz"):
            raise CircuitError(f"axes expects letters out of x, y and z, got {self.axes!r}")
        _check_whole("features_per_qubit", self.features_per_qubit)
        rotations = [self.axes[k % len(self.axes)] for k in range(self.features_per_qubit)]
        if not self.reupload and any(a == b for a, b in pairwise(rotations)):
            raise CircuitError(
                f"{self.features_per_qubit} features a qubit need axes that change from one to the next, because two "
                f"rotations about one axis only add up; got axes={self.axes!r}"
            )

    def num_qubits(self, num_features: int) -> int:
        """One for each ``features_per_qubit`` features."""
        return -(-num_features // self.features_per_qubit)

    def max_features(self, num_qubits: int) -> int:
        """``features_per_qubit`` on each qubit."""
        return num_qubits * self.features_per_qubit

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """The rotations, on as few qubits as possible if ``num_qubits`` is not given."""
        width = _checked_sizes("angle", self, num_features, num_qubits)
        x = ParameterVector("x", num_features)
        rounds = []
        for first in range(0, num_features, width):
            rotation = gates.STANDARD["r" + self.axes[first // width % len(self.axes)]]
            rounds.append(Circuit(width, [rotation(x[(first + q) % num_features], q) for q in range(width)]))
        return Encoding(
            sum(rounds[1:], rounds[0]),
            tuple(x),
            angle_range=self.angle_range,
            turns=tuple(rounds if self.reupload else ()),
        )


@dataclass(frozen=True)
class AmplitudeMap:
    """The features are the amplitudes of the state, divided by their norm; amplitudes beyond them are zero.

    n qubits take up to ``2**n`` features. A row of zeros, which has no direction, becomes the first basis state.
    """

    angle_range: None = None

    def num_qubits(self, num_features: int) -> int:
        """The logarithm of the number of features, rounded up."""
        return max(1, (num_features - 1).bit_length())

    def max_features(self, num_qubits: int) -> int:
        """Two to the number of qubits."""
        return 1 << num_qubits

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """The state preparation, on as few qubits as possible if ``num_qubits`` is not given."""
        width = _checked_sizes("amplitude", self, num_features, num_qubits)
        x = ParameterVector("x", num_features)
        amplitudes = [*x, *([0.0] * ((1 << width) - num_features))]
        return Encoding(Circuit(width).initialize(amplitudes), tuple(x), Amplitudes(), angle_range=None)


@dataclass(frozen=True)
class PauliMap:
    """Pauli evolution: Hadamards, then ``exp(i alpha/2 phi_S(x) P_S)`` for Pauli strings on groups S of qubits.

    ``phi_S(x)`` is ``x_i`` for one qubit, and the product of ``center - x_j`` over the group for several. The defaults
    are Qiskit's ``zz_feature_map``; the state equals Qiskit's up to a global phase. Qubits beyond the features
    stay idle.

    Parameters
    ----------
    paulis : tuple of str
        As in Qiskit's ``pauli_feature_map``.
    reps : int
    entanglement : str or groups of qubits
        See `entangled_groups`.
    alpha : float
    center : float, radians

    References
    ----------
    Havlicek et al., arXiv:1804.11326.
    """

    paulis: tuple[str, ...] = ("Z", "ZZ")
    reps: int = 2
    entanglement: Entanglement = "full"
    alpha: float = 2.0
    center: float = np.pi
    angle_range: tuple[float, float] = (7 * np.pi / 8, 9 * np.pi / 8)

    def __post_init__(self) -> None:
        object.__setattr__(self, "paulis", tuple(self.paulis))
        if not self.paulis or any(not label or set(label) - set("IXYZ") for label in self.paulis):
            raise CircuitError(f"paulis expects strings of I, X, Y and Z, got {self.paulis}")
        _check_whole("reps", self.reps)

    def num_qubits(self, num_features: int) -> int:
        """One a feature."""
        return num_features

    def max_features(self, num_qubits: int) -> int:
        """One a qubit."""
        return num_qubits

    def encoding(self, num_features: int, num_qubits: int | None = None) -> Encoding:
        """The evolution, on one qubit a feature if ``num_qubits`` is not given."""
        width = _checked_sizes("Pauli", self, num_features, num_qubits)
        layers = [
            [(label, group) for label in self.paulis for group in self._groups(num_features, len(label), layer)]
            for layer in range(self.reps)
        ]
        subsets = sorted({tuple(sorted(group)) for layer in layers for _, group in layer}, key=lambda s: (len(s), s))
        x = dict(zip(subsets, ParameterVector("x", len(subsets)), strict=True))
        operations = []
        for layer in layers:
            operations += [gates.H(qubit) for qubit in range(num_features)]
            operations += [
                gates.PauliRotation(label)(self.alpha * x[tuple(sorted(group))], *group)
                for label, group in layer
                if set(label) != {"I"}
            ]
        data = None if all(len(subset) == 1 for subset in subsets) else Products(tuple(subsets), self.center)
        inputs = tuple(x.values())
        return Encoding(Circuit(width, operations), inputs, data, num_features, self.angle_range)

    def _groups(self, num_features: int, size: int, layer: int) -> list[tuple[int, ...]]:
        pattern = self.entanglement if size > 1 else "linear"
        return entangled_groups(pattern, num_features, size, layer)


FEATURE_MAPS: dict[str, Callable[..., FeatureMap]] = {
    "angle": AngleMap,
    "reuploading": partial(AngleMap, reupload=True, angle_range=(-np.pi / 4, np.pi / 4)),
    "amplitude": AmplitudeMap,
    "z": partial(PauliMap, paulis=("Z",)),
    "zz": PauliMap,
    "pauli": PauliMap,
    "iqp": partial(PauliMap, alpha=1.0, center=0.0, angle_range=(-np.pi / 8, np.pi / 8)),
}
"""Feature maps by name; ``get_feature_map`` passes options on to them."""


def get_feature_map(feature_map: str | FeatureMap, **options: Any) -> FeatureMap:
    """The feature map of a name, or the object itself.

    Parameters
    ----------
    feature_map : str or FeatureMap
        One of ``FEATURE_MAPS``, in any case.
    **options
        Settings for the map of that name, such as ``reps=1``.

    Raises
    ------
    UnknownNameError
        If there is no such name; the nearest ones are given.
    TypeError
        If it is neither a name nor a feature map, or options come with an object.
    """
    if isinstance(feature_map, str):
        if feature_map.lower() not in FEATURE_MAPS:
            raise unknown_name("feature map", feature_map, FEATURE_MAPS)
        return FEATURE_MAPS[feature_map.lower()](**options)
    if isinstance(feature_map, type) or not isinstance(feature_map, FeatureMap):
        raise TypeError(f"feature_map expects a name or a feature map object, got {feature_map!r}")
    if options:
        raise TypeError(f"options {sorted(options)} go with a feature map's name, not with an object")
    return feature_map


def _checked_sizes(kind: str, feature_map: FeatureMap, num_features: int, num_qubits: int | None) -> int:
    """The number of qubits, if the features fit on it."""
    if num_features < 1:
        raise CircuitError(f"a feature map needs at least 1 feature, got {num_features}")
    width = feature_map.num_qubits(num_features) if num_qubits is None else num_qubits
    _check_whole("num_qubits", width)
    most = feature_map.max_features(int(width))
    if num_features > most:
        raise CircuitError(
            f"the {kind} feature map takes at most {most} feature{'s' * (most > 1)} on {width} qubit"
            f"{'s' * (width > 1)}, got {num_features}"
        )
    return int(width)


def _check_whole(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise CircuitError(f"{name} expects a whole number of 1 or more, got {value!r}")
