"""Gradients of the loss of each row, for differential privacy.

A sweep through a circuit sums its gradient over the rows. With the weights as further inputs of the circuit, each row
has weights of its own, and one sweep gives each row's gradient: it costs a sweep by all parameters instead of one by
the weights, and an array of rows times weights. Dense layers give theirs as outer products. For other layers with
weights, and for circuits with noise or on a backend, the rows are swept one by one.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from qml.layers import Dense, Layer, Quantum
from qml.layers.sequential import flattened
from qml.models.evaluation import EngineEvaluation
from qml.models.quantum_model import QuantumModel
from qml.training.layers_objective import LayersObjective

__all__ = ["row_gradients"]

Array = NDArray[np.float64]

NO_WEIGHTS = np.zeros(0)


def row_gradients(objective: LayersObjective, weights: Array, rows: NDArray[np.intp]) -> Array:
    """Compute the gradient of the weighted loss of each row.

    Parameters
    ----------
    objective : LayersObjective
    weights : float ndarray, shape (n_weights,)
    rows : int ndarray, shape (n_rows,)

    Returns
    -------
    float ndarray, shape (n_rows, n_weights)
        Its mean is the gradient of the objective on these rows.
    """
    targets, share = objective.targets[rows], objective.sample_weight[rows]
    layers = list(flattened(objective.network))
    stops = np.cumsum([layer.num_weights for layer in layers]).tolist()
    parts = [slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False)]
    inputs = [objective.inputs[rows]]
    for layer, part in zip(layers, parts, strict=True):
        inputs.append(layer.forward(inputs[-1], weights[part]))
    out = np.zeros((len(rows), len(weights)))
    cotangent = objective.loss.gradient(inputs[-1], targets) * share[:, None]
    for k in reversed(range(len(layers))):
        by_weights, cotangent = _backward(layers[k], inputs[k], weights[parts[k]], cotangent)
        out[:, parts[k]] = by_weights
    return out


def _backward(layer: Layer, X: Array, weights: Array, cotangent: Array) -> tuple[Array, Array]:
    """Return the derivatives with respect to the weights, shape (n_rows, n_weights), and the inputs of each row."""
    if type(layer) is Dense:
        factors, bias = layer.split(weights)
        outer = (cotangent[:, :, None] * X[:, None, :]).reshape(len(X), -1)
        return outer if bias is None else np.concatenate([outer, cotangent], axis=1), cotangent @ factors
    if type(layer) is Quantum and type(layer.evaluation) is EngineEvaluation:
        model = layer.model
        angles = model.inputs_of(X)
        values = np.concatenate([angles, np.broadcast_to(weights, (len(X), len(weights)))], axis=1)
        derivatives = cast(Array, _by_row(model).differentiate(values, NO_WEIGHTS, cotangent, by_inputs=True)[1])
        by_inputs, by_weights = np.split(derivatives, [angles.shape[1]], axis=1)
        return by_weights, by_inputs if model.data is None else model.data.pullback(X, by_inputs)
    if not layer.num_weights:
        return np.empty((len(X), 0)), cast(Array, layer.sweep(X, weights, partial(_constant, cotangent), True)[1])
    parts = [(X[k : k + 1], cotangent[k : k + 1]) for k in range(len(X))]
    each = [layer.sweep(row, weights, partial(_constant, of_row), True) for row, of_row in parts]
    return np.stack([d_weights for d_weights, _ in each]), np.concatenate([cast(Array, d_X) for _, d_X in each])


def _constant(cotangent: Array, outputs: Array, rows: slice) -> Array:
    """Return the derivative with respect to the outputs, which is known already."""
    return cotangent[rows]


@lru_cache(maxsize=32)
def _by_row(model: QuantumModel) -> QuantumModel:
    """Return the model with its weights as further inputs."""
    probabilities = model.qubits is not None
    return QuantumModel(
        model.circuit,
        inputs=(*model.inputs, *model.weights),
        observables=() if probabilities else model.observables,
        outputs="probabilities" if probabilities else "expectations",
        qubits=model.qubits,
        precision=model.precision,
    )
