"""Activations: scalar functions, applied to each entry."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from qml.layers.trait import Layer, LayerCalls, Rest, RestCalls
from qml.settings import check_whole
from simulator.engines.host import activations as kernels
from simulator.engines.host import loops
from simulator.program.values import as_array

__all__ = ["Activation", "Arctan", "ReLU", "Sigmoid", "Tanh"]

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Activation(Layer):
    """Base class of the activations; a subclass defines the value and, beside it, the derivative.

    Parameters
    ----------
    size : int, optional
        Number of inputs and of outputs; by default the number of outputs of the layer before.
    """

    size: int | None = None

    def __post_init__(self) -> None:
        check_whole("size", self.size, instead=[None])

    @property
    def num_inputs(self) -> int | None:
        """Number of columns of X."""
        return self.size

    @property
    def num_outputs(self) -> int | None:
        """Number of outputs, equal to the number of inputs."""
        return self.size

    @abstractmethod
    def value(self, X: Array) -> Array:
        """Value of the function at each entry."""

    @abstractmethod
    def slope(self, X: Array, value: Array) -> Array:
        """Derivative of the function at each entry, given the value there."""

    def forward(self, X: Array, weights: Array) -> Array:
        return self.value(X)

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        value = self.value(X)
        d_value = rest(value, slice(0, len(X)))
        return np.empty(0), d_value * self.slope(X, value) if inputs else None

    def with_sizes(self, num_inputs: int | None = None, num_outputs: int | None = None) -> Self:
        return replace(self, size=num_inputs) if self.size is None else self

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


@dataclass(frozen=True, repr=False)
class CompiledActivation(Activation):
    """Base of the activations whose value and derivative are one kernel of `simulator.engines.host.activations`."""

    @property
    @abstractmethod
    def _kernel(self) -> tuple[Callable[..., None], tuple[float, ...]]:
        """Kernel, and the settings that it takes before entries, values and slopes."""

    def value(self, X: Array) -> Array:
        return self._computed(X)[0]

    def slope(self, X: Array, value: Array) -> Array:
        return self._computed(X)[1]

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        value, slope = self._computed(X)
        d_value = rest(value, slice(0, len(X)))
        return np.empty(0), d_value * slope if inputs else None

    def calls(
        self, X: Array, d_X: Array | None, weights: Array, d_weights: Array, rest: RestCalls
    ) -> LayerCalls | None:
        kernel, settings = self._kernel
        values, slopes, d_values = np.empty(X.shape), np.empty(X.shape), np.empty(X.shape)
        calls = rest(values, d_values)
        if calls is None:
            return None
        entries = X.reshape(-1), values.reshape(-1), slopes.reshape(-1)
        forward = [loops.Call(kernel, *settings, *entries, rows=len(X), of_rows=entries)]
        return calls.around(forward, [] if d_X is None else [chain(d_values, slopes, d_X)])

    def _computed(self, X: Array) -> tuple[Array, Array]:
        """Values and slopes."""
        kernel, settings = self._kernel
        X = as_array(X)
        values, slopes = np.empty(X.shape), np.empty(X.shape)
        kernel(*settings, X.reshape(-1), values.reshape(-1), slopes.reshape(-1))
        return values, slopes


def chain(d_values: Array, slopes: Array, d_X: Array) -> loops.Call:
    """Return the call that fills ``d_X`` with the product of the other two arrays of its shape."""
    entries = d_values.reshape(-1), slopes.reshape(-1), d_X.reshape(-1)
    return loops.Call(kernels.chain, *entries, rows=len(d_X), of_rows=entries)


@dataclass(frozen=True, repr=False)
class Tanh(CompiledActivation):
    """Hyperbolic tangent: from -1 to 1, so ``pi * tanh`` covers a full period of an angle.

    Parameters
    ----------
    size : int, optional
        Number of inputs and of outputs; by default the number of outputs of the layer before.
    """

    @property
    def _kernel(self) -> tuple[Callable[..., None], tuple[float, ...]]:
        return kernels.tanh, ()


@dataclass(frozen=True, repr=False)
class ReLU(CompiledActivation):
    """``max(x, 0)``; its slope at 0 is taken as 0.

    Parameters
    ----------
    size : int, optional
        Number of inputs and of outputs; by default the number of outputs of the layer before.
    """

    @property
    def _kernel(self) -> tuple[Callable[..., None], tuple[float, ...]]:
        return kernels.relu, ()


@dataclass(frozen=True, repr=False)
class Sigmoid(CompiledActivation):
    """``1 / (1 + exp(-x))``, from 0 to 1.

    Parameters
    ----------
    size : int, optional
        Number of inputs and of outputs; by default the number of outputs of the layer before.
    """

    @property
    def _kernel(self) -> tuple[Callable[..., None], tuple[float, ...]]:
        return kernels.sigmoid, ()


@dataclass(frozen=True, repr=False)
class Arctan(CompiledActivation):
    """An arctangent from ``low`` to ``high``, as estimators bend scaled features into the range of a feature map.

    It is ``(low + high) / 2 + (high - low) / pi * arctan(x)``.

    Parameters
    ----------
    size : int, optional
        Number of inputs and of outputs; by default the number of outputs of the layer before.
    low, high : float
        Range of the values, in radians where they are angles.
    """

    _: KW_ONLY
    low: float = -np.pi / 2
    high: float = np.pi / 2

    @property
    def _kernel(self) -> tuple[Callable[..., None], tuple[float, ...]]:
        return kernels.arctan, (float(self.low), float(self.high))

    def __repr__(self) -> str:
        return f"Arctan(low={self.low:.4g}, high={self.high:.4g})"
