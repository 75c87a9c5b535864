"""Weighted loss of a network and its gradient, prepared for the steps of a training run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.layers import Layer
from qml.layers.trait import LayerCalls, calls_of
from qml.losses import Kernel, Loss, compiled, loss_calls, value_and_gradient
from simulator.engines.host import loops, losses
from simulator.program.values import as_array

__all__ = ["PreparedLoss", "step_calls"]

Array = NDArray[np.float64]


class PreparedLoss:
    """Loss of batches at weights that differ from call to call; views, buffers and plans are kept in between.

    One thread at a time may use it.

    Parameters
    ----------
    network : Layer
    loss : Loss
    """

    def __init__(self, network: Layer, loss: Loss) -> None:
        self._weights, self._gradient = np.zeros(network.num_weights), np.zeros(network.num_weights)
        self._batch = _Batch(loss)
        self._sweep = network.prepared(self._weights, self._gradient, self._batch.rest, inputs=False)

    def value_and_gradient(
        self, inputs: Array, targets: NDArray[Any], shares: Array, weights: Array
    ) -> tuple[float, Array]:
        """Compute the sum of the losses of rows, times their shares, and its gradient, shape (n_weights,)."""
        self._weights[:] = weights
        self._gradient.fill(0.0)
        self._batch.begin(targets, shares)
        self._sweep(inputs, slice(0, len(inputs)))
        return self._batch.total, self._gradient.copy()


def step_calls(
    network: Layer, kernel: Kernel, inputs: Array, shares: Array, weights: Array, gradient: Array, total: Array
) -> list[loops.Call] | None:
    """Return the calls that compute what `PreparedLoss.value_and_gradient` does; None if the network needs Python.

    Parameters
    ----------
    network : Layer
    kernel : tuple
        Kernel of the loss, with targets that may change in place.
    inputs : float64 ndarray, shape (n_samples, num_inputs)
    shares : float64 ndarray, shape (n_samples,)
    weights : float64 ndarray, shape (n_weights,)
    gradient : float64 ndarray, shape (n_weights,)
    total : float64 ndarray, shape (1,)
        The calls add to the last two.
    """
    values = np.empty(len(inputs))

    def rest(outputs: Array, slopes: Array) -> LayerCalls:
        between, after = loss_calls(kernel, outputs, slopes, shares, values, total)
        return LayerCalls([], between, after)

    calls = calls_of(network, inputs, None, weights, gradient, rest)
    return None if calls is None else calls.in_order()


class _Batch:
    """Remainder of the network, the loss, for the current batch."""

    def __init__(self, loss: Loss) -> None:
        self._value_and_gradient = value_and_gradient(loss)
        self._is_compiled = compiled(loss) is not None
        self._total = np.zeros(1)

    @property
    def total(self) -> float:
        """Weighted sum of the losses of all rows so far."""
        return float(self._total[0])

    def begin(self, targets: NDArray[Any], shares: Array) -> None:
        self._targets, self._shares = targets, shares
        self._total[0] = 0.0

    def rest(self, outputs: Array, rows: slice) -> Array:
        whole = len(outputs) == len(self._shares)
        targets, shares = (self._targets, self._shares) if whole else (self._targets[rows], self._shares[rows])
        values, slopes = self._value_and_gradient(outputs, targets)
        if not self._is_compiled:  # the arrays may be the loss's own
            values, slopes = as_array(values), np.array(slopes, np.float64, order="C")
            expected = (len(outputs),), outputs.shape
            if (values.shape, slopes.shape) != expected:
                raise ValueError(
                    f"the loss must have values and gradients of the shapes {expected[0]} and {expected[1]}, got "
                    f"{values.shape} and {slopes.shape}"
                )
        losses.weigh(shares, slopes)
        losses.add_up(shares, values, self._total)
        return slopes
