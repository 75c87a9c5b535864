"""Derivatives of outputs with respect to features: saliency and integrated gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax

from qml.estimators.targets import BackendRegressor
from qml.estimators.variational.classifier import TrainedClassifier
from qml.estimators.variational.trained import TrainedNetwork
from qml.explain.outputs import Explained, explained, squeezed
from qml.features.scaling import Scaling
from qml.honesty.twins import innermost, preprocessing
from qml.settings import check_whole
from simulator.errors import CircuitError

__all__ = ["column_sums", "integrated_gradients", "output_gradients", "path_gradients", "saliency"]

Array = NDArray[np.float64]

STEP = np.finfo(np.float64).eps ** (1 / 3)
"""Step of central differences relative to the size of a number; rounding and truncation are then about equal."""

SAME = 1e-9
"""Tolerance of the check that the network's outputs lead to the explained ones."""


def saliency(model: Any, X: ArrayLike) -> Array:
    """Differentiate the outputs with respect to the features of each row.

    Of a trained quantum model, all derivatives come from one sweep forwards and backwards through network and circuit
    (for each output); of other models, from central differences, to about 10 digits. Trees are constant almost
    everywhere: their derivatives are 0.

    Parameters
    ----------
    model : fitted classifier or regressor, TableModel, or callable
    X : array-like or data frame, shape (n_samples, n_features)

    Returns
    -------
    float ndarray, shape (n_samples, n_features), or (n_samples, n_features, n_outputs) for several outputs
        In units of the output per unit of the feature.

    References
    ----------
    Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", arXiv:1312.6034.

    Examples
    --------
    >>> saliency(lambda X: np.sin(X[:, 0]) + 3 * X[:, 1], np.zeros((1, 2))).round(8)
    array([[1., 3.]])
    """
    function, rows = explained(model, X)
    return squeezed(output_gradients(function, rows))


def integrated_gradients(
    model: Any,
    background: ArrayLike,
    X: ArrayLike,
    *,
    n_steps: int = 64,
    groups: Mapping[str, Sequence[int]] | None = None,
) -> Array:
    """Integrate the gradient along the line from the mean background row to each row.

    ``IG_i = (x_i - b_i) * integral over t from 0 to 1 of df/dx_i (b + t (x - b))``, by Gauss-Legendre quadrature. For a
    differentiable model the values of a row add up to ``f(x) - f(b)``.

    Parameters
    ----------
    model : fitted classifier or regressor, TableModel, or callable
    background : array-like or data frame, shape (n_background, n_features)
        Rows whose mean is the baseline b; a single row is the baseline itself.
    X : array-like or data frame, shape (n_samples, n_features)
    n_steps : int
        Number of points on each line.
    groups : mapping from names to numbers of features, optional
        Features whose values are added up.

    Returns
    -------
    float ndarray, shape (n_samples, n_columns), or (n_samples, n_columns, n_outputs) for several outputs

    References
    ----------
    Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", arXiv:1703.01365.

    Examples
    --------
    >>> values = integrated_gradients(lambda X: X[:, 0] ** 2 * X[:, 1], np.zeros((1, 2)), [[2.0, 3.0]])
    >>> values.round(6)
    array([[8., 4.]])
    """
    check_whole("n_steps", n_steps)
    function, rows = explained(model, background, groups)
    return squeezed(path_gradients(function, rows.mean(axis=0), function.inputs.rows(X), n_steps))


def path_gradients(function: Explained, baseline: Array, rows: Array, n_steps: int) -> Array:
    """Compute integrated gradients of checked rows, shape (n_rows, n_columns, n_outputs)."""
    nodes, weights = np.polynomial.legendre.leggauss(n_steps)
    times, weights = (nodes + 1) / 2, weights / 2
    differences = rows - baseline
    points = baseline + times[:, None, None] * differences
    gradients = output_gradients(function, points.reshape(-1, rows.shape[1]))
    means = np.tensordot(weights, gradients.reshape(n_steps, *rows.shape, -1), axes=1)
    return column_sums(function, means * differences[:, :, None])


def column_sums(function: Explained, values: Array) -> Array:
    """Add up the values of the features of each column, shape (n_rows, n_columns, n_outputs)."""
    return np.stack([values[:, list(column.features)].sum(axis=1) for column in function.inputs.columns], axis=1)


def output_gradients(function: Explained, rows: Array) -> Array:
    """Differentiate all outputs of checked rows, shape (n_rows, n_features, n_outputs)."""
    swept = _swept(function, rows)
    return _differences(function, rows) if swept is None else swept


def _differences(function: Callable[[Array], Array], rows: Array) -> Array:
    """Differentiate by central differences, all in one call of the function."""
    count = rows.shape[1]
    steps = STEP * np.maximum(1.0, np.abs(rows))
    shifted = rows + np.array([1.0, -1.0])[:, None, None, None] * np.eye(count)[:, None, :] * steps
    values = function(shifted.reshape(-1, count)).reshape(2, count, len(rows), -1)
    widths = np.einsum("jnj->jn", shifted[0] - shifted[1])
    return np.moveaxis((values[0] - values[1]) / widths[:, :, None], 0, 1)


def _swept(function: Explained, rows: Array) -> Array | None:
    """Differentiate by a sweep through the network; None if the model is not a network, or ends in another way."""
    estimator = innermost(function.estimator)
    if not isinstance(estimator, TrainedNetwork) or estimator.backend is not None or estimator.noise is not None:
        return None
    front = preprocessing(function.estimator)
    taken = function.inputs.restored(rows)
    inner = np.asarray(taken if front is None else front.transform(taken), np.float64)
    network = estimator.network_
    try:
        outputs = network.forward(estimator.scaling_(inner), estimator.weights_)
        final = _final(estimator, function, outputs)
        if final is None or not np.allclose(final[0], function(rows), rtol=SAME, atol=SAME):
            return None
        gradients = []
        for jacobian in np.moveaxis(final[1], 2, 0):  # one output at a time
            scaled = estimator.scaling_(inner)

            def rest(_: Array, part: slice, cotangent: Array = jacobian) -> Array:
                return cotangent[part]

            d_scaled = network.sweep(scaled, estimator.weights_, rest, inputs=True)[1]
            assert d_scaled is not None
            gradients.append(_through_scaling(estimator.scaling_, inner, d_scaled))
    except (NotImplementedError, CircuitError):  # a layer without derivatives with respect to its inputs
        return None
    gradient = np.stack(gradients, axis=2)
    if front is None:
        return gradient
    steps = _differences(lambda X: np.asarray(front.transform(function.inputs.restored(X)), np.float64), rows)
    return np.einsum("njc,nck->njk", steps, gradient)


def _final(estimator: Any, function: Explained, outputs: Array) -> tuple[Array, Array] | None:
    """Return the explained outputs for those of the network, and the derivatives, (n_rows, n_network, n_outputs)."""
    count = outputs.shape[1]
    if isinstance(estimator, BackendRegressor):
        scale = np.broadcast_to(np.asarray(estimator.target_scale_, np.float64), (count,))
        values = outputs * scale + estimator.target_mean_
        return values, np.tile(np.diag(scale), (len(outputs), 1, 1))
    if not isinstance(estimator, TrainedClassifier):
        return None
    if function.quantity != "probability":
        return outputs, np.tile(np.eye(count), (len(outputs), 1, 1))
    if count == 1 or estimator._has_labels:
        values = np.asarray(expit(outputs))
        return values, (values * (1 - values))[:, :, None] * np.eye(count)
    values = softmax(outputs, axis=1)
    return values, values[:, None, :] * np.eye(count) - values[:, :, None] * values[:, None, :]


def _through_scaling(scaling: Scaling, rows: Array, cotangent: Array) -> Array:
    """Map derivatives with respect to scaled features to derivatives with respect to features."""
    if scaling.angle_range is not None:
        low, high = scaling.angle_range
        centred = rows - scaling.mean
        z = centred * scaling.factor if scaling.factor.ndim == 1 else centred @ scaling.factor
        cotangent = cotangent * (high - low) / np.pi / (1.0 + z**2)
    return cotangent * scaling.factor if scaling.factor.ndim == 1 else cotangent @ scaling.factor.T
