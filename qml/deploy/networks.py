"""Networks of layers as collapsed graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.deploy.circuits import CannotCollapseError, Choice, quantum_outputs
from qml.deploy.gibbs import gibbs_outputs
from qml.deploy.graph import Graph
from qml.features.scaling import Scaling
from qml.layers import (
    Arctan,
    ClassFidelities,
    Dense,
    Dropout,
    Flatten,
    Gibbs,
    Layer,
    Quantum,
    Quanvolution,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    TrainedScales,
)
from qml.layers.fidelities import class_states
from qml.models.evaluation import EngineEvaluation

__all__ = ["arctangents", "network_outputs", "scaled_features"]

Array = NDArray[np.float64]


def network_outputs(graph: Graph, x: int, network: Sequence[Layer], weights: Array) -> tuple[int, list[Choice]]:
    """Add all layers of a network, dropout as the identity; returns the last node and the forms of its circuits."""
    choices: list[Choice] = []
    start, terms = 0, None
    layers = iter(zip(network, [*network[1:], None], strict=True))
    for layer, following in layers:
        part = weights[start : start + layer.num_weights]
        start += layer.num_weights
        if isinstance(layer, Quantum):
            _check_evaluation(layer)
            readout = None
            if isinstance(following, Dense):
                factors, bias = following.split(weights[start : start + following.num_weights])
                readout = factors.T, np.zeros(len(factors)) if bias is None else bias
                start += following.num_weights
                next(layers)
            x, choice = quantum_outputs(graph, x, layer.model, part, readout)
            choices.append(choice)
        elif isinstance(layer, Quanvolution):
            x, choice = _quanvolution(graph, x, layer, part)
            choices.append(choice)
        elif isinstance(layer, Gibbs):
            x = gibbs_outputs(graph, x, layer, terms)
        elif type(layer) in CLASSICAL:
            if isinstance(layer, Dense) and layer is network[0]:
                factors, bias = layer.split(part)
                terms = factors.T, np.zeros(len(factors)) if bias is None else bias
            x = CLASSICAL[type(layer)](graph, x, layer, part)
        else:
            kinds: list[type] = [*CLASSICAL, Gibbs, Quantum, Quanvolution]
            known = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise CannotCollapseError(f"layer {layer!r} cannot be taken out of Python; these layers can: {known}")
    return x, choices


def scaled_features(graph: Graph, x: int, scaling: Scaling) -> int:
    """Add the scaling of features that an estimator learns."""
    x = graph.shifted(x, -scaling.mean) if scaling.mean.any() else x
    if scaling.factor.ndim == 2:
        x = graph.affine(x, scaling.factor)
    else:
        x = graph.scaled(x, scaling.factor)
    return x if scaling.angle_range is None else arctangents(graph, x, *scaling.angle_range)


def arctangents(graph: Graph, x: int, low: float, high: float) -> int:
    """Add ``(low + high) / 2 + (high - low) / pi * arctan(x)``."""
    bent = graph.scaled(graph.function("arctan", x), (high - low) / np.pi)
    return bent if low == -high else graph.shifted(bent, (low + high) / 2)


def _dense(graph: Graph, x: int, layer: Dense, weights: Array) -> int:
    factors, bias = layer.split(weights)
    return graph.affine(x, factors.T, 0.0 if bias is None else bias)


def _trained_scales(graph: Graph, x: int, layer: TrainedScales, weights: Array) -> int:
    copies = graph.gather(x, np.tile(np.arange(graph.size(x)), layer.copies))
    scales, offsets = np.split(weights, 2)
    return graph.shifted(graph.scaled(copies, scales), offsets)


def _class_fidelities(graph: Graph, x: int, layer: ClassFidelities, weights: Array) -> int:
    states = class_states(layer.num_classes)  # (class, axis)
    matrix = np.einsum("ca,pq->apqc", 0.5 * states, np.eye(layer.num_qubits)).reshape(layer.num_inputs, -1)
    return graph.affine(x, matrix * weights, 0.5 * weights)


def _quanvolution(graph: Graph, x: int, layer: Quanvolution, weights: Array) -> tuple[int, Choice]:
    _check_evaluation(layer.filter)
    pixels = layer.patches(np.arange(layer.num_inputs, dtype=np.float64)[None]).astype(np.int64)
    filtered = Graph(layer.filter.num_inputs, graph.target)
    filtered.outputs["values"], choice = quantum_outputs(filtered, 0, layer.filter.model, weights)
    patches = [graph.embed(filtered, graph.gather(x, places), "values") for places in pixels]
    return graph.concat(patches), choice


def _check_evaluation(layer: Quantum) -> None:
    if not isinstance(layer.evaluation, EngineEvaluation):
        raise CannotCollapseError(
            f"a circuit with {type(layer.evaluation).__name__} cannot be collapsed: only exact expectation values "
            "without noise are a fixed function of the features"
        )


def _function(name: str) -> Callable[..., int]:
    return lambda graph, x, layer, weights: graph.function(name, x)


CLASSICAL: dict[type[Layer], Callable[[Graph, int, Any, Array], int]] = {
    Arctan: lambda graph, x, layer, weights: arctangents(graph, x, layer.low, layer.high),
    ClassFidelities: _class_fidelities,
    Dense: _dense,
    Dropout: lambda graph, x, layer, weights: x,
    Flatten: lambda graph, x, layer, weights: x,
    ReLU: _function("relu"),
    Sigmoid: _function("sigmoid"),
    Softmax: _function("softmax"),
    Tanh: _function("tanh"),
    TrainedScales: _trained_scales,
}
"""Function of (graph, x, layer, weights) that adds each kind of layer without circuits."""
