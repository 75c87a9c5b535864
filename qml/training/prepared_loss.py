"""Weighted loss of a network and its gradient, prepared for the steps of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.compiled_losses import Kernel, compiled, loss_calls
from qml.layers import Layer
from qml.layers.trait import LayerCalls, calls_of, layer_for_steps
from qml.losses import Loss, value_and_gradient
from qml.seeds import StepSeed, seed_words
from simulator.caching import cached_property
from simulator.engines.host import loops, losses
from simulator.program.values import as_array

__all__ = ["PreparedLoss", "step_calls"]

Array = NDArray[np.float64]

MOST_SHAPES = 2
"""Number of shapes of batches for which calls are kept: that of most steps, and that of the last one of an epoch."""


class PreparedLoss:
    """Loss of batches at weights that differ from call to call; calls, buffers and plans are kept in between.

    The calls are those of the steps in a compiled loop, so that a step has the same bits there and here. Without them,
    one thread at a time may use this.

    Parameters
    ----------
    network : Layer
    loss : Loss
    """

    def __init__(self, network: Layer, loss: Loss) -> None:
        self._network, self._loss = network, loss
        self._steps: dict[Any, loops.Calculation | None] = {}  # by the shapes of their batches, the latest last

    def value_and_gradient(
        self, inputs: Array, targets: NDArray[Any], shares: Array, weights: Array, seed: Sequence[int] = ()
    ) -> tuple[float, Array]:
        """Compute the sum of the losses of rows, times their shares, and its gradient, shape (n_weights,).

        With a seed, those of the network's `Layer.for_step`.
        """
        result = self._in_calls(inputs, targets, shares, weights, seed_words(*seed))
        if result is not None:
            return result
        sweeps = _Sweeps(self._network.for_step(seed), self._loss) if seed else self._sweeps
        return sweeps.value_and_gradient(inputs, targets, shares, weights)

    def _in_calls(
        self, inputs: Array, targets: NDArray[Any], shares: Array, weights: Array, words: NDArray[np.int64]
    ) -> tuple[float, Array] | None:
        """Do so by calls; return None if that needs Python, or a kernel refuses, as Python then says why."""
        loss, network = compiled(self._loss), self._network
        if loss is None or network.num_outputs is None or not len(inputs):
            return None
        kernel, settings, targets = loss.kernel((len(inputs), network.num_outputs), targets)
        key, steps = (inputs.shape, targets.shape, targets.dtype, len(words)), self._steps
        try:
            step = steps.pop(key)  # so that another thread does not find it
        except KeyError:
            targets_of_calls = np.empty(targets.shape, targets.dtype)
            step = _step_of(network, (kernel, settings, targets_of_calls), inputs.shape, len(words))
        results = None if step is None else step((inputs, targets, shares, weights, words))
        steps[key] = step
        for old in list(steps)[:-MOST_SHAPES]:
            steps.pop(old, None)
        return None if results is None else (float(results[0][0]), results[0][1:])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._network, self._loss)  # a copy has calls on arrays of its own

    @cached_property
    def _sweeps(self) -> _Sweeps:
        return _Sweeps(self._network, self._loss)


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
    if inputs.ndim != 2 or network.num_inputs not in (None, inputs.shape[1]):
        return None
    values = np.empty(len(inputs))

    def rest(outputs: Array, slopes: Array) -> LayerCalls:
        between, after = loss_calls(kernel, outputs, slopes, shares, values, total)
        return LayerCalls([], between, after)

    calls = calls_of(network, inputs, None, weights, gradient, rest)
    return None if calls is None else calls.in_order()


def _step_of(network: Layer, kernel: Kernel, shape: tuple[int, ...], seed_size: int) -> loops.Calculation | None:
    """Return the calls of a step with inputs of this shape and a seed of this number of words; None for Python.

    Its arguments are inputs, targets, shares, weights and the words of the seed; its result is loss and gradient.
    """
    inputs, shares, weights = np.empty(shape), np.empty(shape[0]), np.empty(network.num_weights)
    totals, words = np.empty(1 + len(weights)), np.empty(seed_size, np.int64)
    of_steps = layer_for_steps(network, StepSeed(words, np.zeros(1, np.int64))) if seed_size else network
    if of_steps is None:
        return None
    calls = step_calls(of_steps, kernel, inputs, shares, weights, totals[1:], totals[:1])
    if calls is None:
        return None
    return loops.Calculation([loops.clear(totals), *calls], (inputs, kernel[2], shares, weights, words), (totals,))


class _Sweeps:
    """Loss and gradient by sweeps of the network in Python; see `PreparedLoss`."""

    def __init__(self, network: Layer, loss: Loss) -> None:
        self._weights, self._gradient = np.zeros(network.num_weights), np.zeros(network.num_weights)
        self._batch = _Batch(loss)
        self._sweep = network.prepared(self._weights, self._gradient, self._batch.rest, inputs=False)

    def value_and_gradient(
        self, inputs: Array, targets: NDArray[Any], shares: Array, weights: Array
    ) -> tuple[float, Array]:
        self._weights[:] = weights
        self._gradient.fill(0.0)
        self._batch.begin(targets, shares)
        self._sweep(inputs, slice(0, len(inputs)))
        return self._batch.total, self._gradient.copy()


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
