"""Model composed of a feature map and an ansatz."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

from qml.ansatze import Ansatz, get_ansatz
from qml.feature_maps import FeatureMap, get_feature_map
from qml.models.observables import Observable, readout_observables
from qml.models.quantum_model import QuantumModel
from qml.settings import check_layers
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.parameters import ParameterVector

__all__ = ["layered_model", "shared_model"]


def layered_model(
    feature_map: str | FeatureMap,
    ansatz: str | Ansatz,
    num_features: int,
    num_layers: int,
    num_qubits: int | None = None,
    observables: str | Sequence[Observable] = "z",
    precision: Literal["double", "single"] = "double",
) -> QuantumModel:
    """Build a model that encodes the data once, or again before each layer, and applies the layers of an ansatz.

    The weights of the feature map, if any, precede those of the ansatz.

    Parameters
    ----------
    feature_map : str or FeatureMap
        Feature map; it determines whether the data are encoded once, or again before each layer.
    ansatz : str or Ansatz
    num_features, num_layers : int
    num_qubits : int, optional
        Number of qubits; by default as many as the feature map takes.
    observables : str or sequence of Observable
        See `readout_observables`.
    precision : {"double", "single"}

    Examples
    --------
    >>> layered_model("zz", "real_amplitudes", num_features=3, num_layers=2)
    QuantumModel(3 qubits, 6 inputs, 9 weights, 3 observables, precision='double')
    """
    encoding = get_feature_map(feature_map).encoding(num_features, num_qubits)
    width = encoding.circuit.num_qubits
    ansatz = get_ansatz(ansatz)
    check_layers("num_layers", num_layers)
    weights = ParameterVector("w", ansatz.num_weights(width, num_layers))
    turns = encoding.turns
    if num_layers < len(turns):
        raise CircuitError(f"the feature map needs at least {len(turns)} layers for its features, got {num_layers}")
    circuit = Circuit(width) if turns else encoding.circuit
    for number, layer in enumerate(ansatz.layers(width, num_layers, weights)):
        circuit = circuit + turns[number % len(turns)] + layer if turns else circuit + layer
    return QuantumModel(
        circuit,
        inputs=encoding.inputs,
        weights=(*encoding.weights, *weights),
        observables=readout_observables(observables, width),
        precision=precision,
        data=encoding.data,
        num_features=num_features,
    )


def shared_model(
    feature_map: FeatureMap,
    ansatz: Ansatz,
    num_features: int,
    num_layers: int,
    num_qubits: int | None,
    observables: str | Sequence[Observable],
    precision: Literal["double", "single"],
) -> QuantumModel:
    """Return `layered_model` of these arguments, the same object as for equal ones if it is one of the latest.

    So the folds of a cross-validation lower a circuit, and write its tables, once.
    """
    arguments: Any = feature_map, ansatz, num_features, num_layers, num_qubits, observables, precision
    if isinstance(observables, str) and _is_value(feature_map) and _is_value(ansatz):
        try:
            return _latest_models(*arguments)
        except TypeError as error:
            if "unhashable" not in str(error):
                raise
    return layered_model(*arguments)


_latest_models = functools.lru_cache(maxsize=8)(layered_model)


def _is_value(part: object) -> bool:
    """Whether a feature map or an ansatz cannot change, so that equal ones remain equal."""
    parameters = getattr(type(part), "__dataclass_params__", None)
    return parameters is not None and parameters.frozen and parameters.eq
