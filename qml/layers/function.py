"""A layer as a function of NumPy arrays, in the form that automatic differentiation of other frameworks calls.

PyTorch and JAX give a function that they map over samples or weights arrays with additional leading axes. Here such
axes are evaluated with as few calls of the layer as possible.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.layers.quantum import Quantum
from qml.layers.trait import Layer
from qml.models.checks import check_finite
from qml.models.quantum_model import QuantumModel
from simulator.program.values import as_array

__all__ = ["LayerFunction"]

Array = NDArray[np.float64]


class LayerFunction:
    """Values and derivatives of a layer for arrays with any number of leading batch axes.

    All arrays of a call have equally many batch axes, and these broadcast against each other: an axis of length 1 is
    not mapped over.

    Parameters
    ----------
    layer : QuantumModel or Layer

    Raises
    ------
    TypeError
        If it is neither a model nor a layer.
    ValueError
        If a size of the layer is still open.

    Attributes
    ----------
    layer : Layer
    num_inputs, num_outputs, num_weights : int
    """

    def __init__(self, layer: QuantumModel | Layer) -> None:
        if isinstance(layer, QuantumModel):
            layer = Quantum(layer)
        if isinstance(layer, type) or not (hasattr(layer, "forward") and hasattr(layer, "sweep")):
            raise TypeError(f"expected a QuantumModel, or a layer as in qml.layers, got {layer!r}")
        if layer.num_inputs is None or layer.num_outputs is None:
            raise ValueError(f"{layer!r} has a size that is not known yet: give it, or use with_sizes")
        self.layer = layer
        self.num_inputs, self.num_outputs = layer.num_inputs, layer.num_outputs
        self.num_weights = layer.num_weights

    def initial_weights(self, weights: Any = None, seed: int | None = None) -> Array:
        """Return ``weights`` as an array, shape (num_weights,); by default draw them with ``seed``.

        Raises
        ------
        ValueError
            If the weights have another shape, or contain NaN or infinity.
        """
        if weights is None:
            return self.layer.initial_weights(np.random.default_rng(seed))
        out = as_array(weights)
        if out.shape != (self.num_weights,):
            raise ValueError(f"weights must have shape ({self.num_weights},), got {out.shape}")
        check_finite("weights", out)
        return out

    def check_rows(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError unless arrays of this shape have one row of inputs for each sample."""
        if not shape or shape[-1] != self.num_inputs:
            raise ValueError(f"X must have shape (..., {self.num_inputs}), got {tuple(shape)}: {self.layer!r}")

    def values(self, X: Any, weights: Any) -> Array:
        """Compute the outputs.

        Parameters
        ----------
        X : float array, shape (*batch, n_samples, num_inputs)
        weights : float array, shape (*batch, num_weights)

        Returns
        -------
        float64 ndarray, shape (*batch, n_samples, num_outputs)
            An array that shares no memory with the arguments.

        Raises
        ------
        ValueError
            If a number is NaN or infinite.
        """
        X, weights = _checked(X, weights)
        if X.ndim == 2:
            return self._forward(X, weights)
        calls = weights.shape[:-1]
        X = _broadcast(X, np.broadcast_shapes(X.shape[:-2], calls))
        out = np.empty((*X.shape[:-1], self.num_outputs))
        for index in np.ndindex(calls):
            part = _part(index, calls)
            out[part] = self._forward(_rows(X[part]), as_array(weights[index])).reshape(out[part].shape)
        return out

    def derivatives(self, X: Any, weights: Any, cotangent: Any, inputs: bool = True) -> tuple[Array, Array | None]:
        """Differentiate ``sum(cotangent * values(X, weights))``, in one sweep for each set of weights.

        Parameters
        ----------
        X : float array, shape (*batch, n_samples, num_inputs)
        weights : float array, shape (*batch, num_weights)
        cotangent : float array, shape (*batch, n_samples, num_outputs)
        inputs : bool
            Whether to differentiate with respect to X as well.

        Returns
        -------
        d_weights : float64 ndarray, of the shape of the weights
        d_X : float64 ndarray, of the shape of X, or None
            Both are summed over the batch axes along which the argument has length 1.
        """
        X, weights = _checked(X, weights)
        cotangent = as_array(cotangent)
        if X.ndim == 2:
            return self._sweep(X, weights, cotangent, inputs)
        calls = weights.shape[:-1]
        batch = np.broadcast_shapes(X.shape[:-2], calls, cotangent.shape[:-2])
        summed = tuple(axis for axis, size in enumerate(batch) if size != X.shape[axis])
        X, cotangent = _broadcast(X, batch), _broadcast(cotangent, batch)
        d_weights, d_X = np.empty(weights.shape), np.empty(X.shape)
        for index in np.ndindex(calls):
            part = _part(index, calls)
            d_weights[index], d_rows = self._sweep(
                _rows(X[part]), as_array(weights[index]), _rows(cotangent[part]), inputs
            )
            if d_rows is not None:
                d_X[part] = d_rows.reshape(d_X[part].shape)
        return d_weights, d_X.sum(axis=summed, keepdims=True) if inputs else None

    def _forward(self, X: Array, weights: Array) -> Array:
        if not len(X):
            return np.empty((0, self.num_outputs))
        return _separate(self.layer.forward(X, weights), X)

    def _sweep(self, X: Array, weights: Array, cotangent: Array, inputs: bool) -> tuple[Array, Array | None]:
        if not len(X):
            return np.zeros(self.num_weights), np.zeros(X.shape) if inputs else None
        d_weights, d_X = self.layer.sweep(X, weights, lambda _, rows: cotangent[rows], inputs)
        return d_weights, None if d_X is None else _separate(d_X, cotangent)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.layer,)

    def __deepcopy__(self, memo: Any) -> LayerFunction:
        return self  # layers are immutable


def _checked(X: Any, weights: Any) -> tuple[Array, Array]:
    X, weights = as_array(X), as_array(weights)
    check_finite("X", X)
    check_finite("weights", weights)
    return X, weights


def _part(index: tuple[int, ...], calls: tuple[int, ...]) -> tuple[int | slice, ...]:
    """Index of the part of an array that one call takes: whole batch axes where all calls have the same weights."""
    return tuple(slice(None) if size == 1 else number for number, size in zip(index, calls, strict=True))


def _broadcast(array: Array, batch: tuple[int, ...]) -> Array:
    return np.broadcast_to(array, (*batch, *array.shape[-2:]))


def _rows(array: Array) -> Array:
    return as_array(array.reshape(-1, array.shape[-1]))


def _separate(out: Array, argument: Array) -> Array:
    """Copy ``out`` if it shares memory with the argument, as an activation's or a reshaping layer's may."""
    return out.copy() if np.may_share_memory(out, argument) else out
