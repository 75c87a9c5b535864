"""Activations: scalar functions, applied to each entry."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from qml.layers.trait import Layer, Rest
from qml.settings import check_whole

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
class Tanh(Activation):
    """Hyperbolic tangent: from -1 to 1, so ``pi * tanh`` covers a full period of an angle.

    Parameters
    ----------
    size : int, optional
        Number of inputs and of outputs; by default the number of outputs of the layer before.
    """

    def value(self, X: Array) -> Array:
        return np.tanh(X)

    def slope(self, X: Array, value: Array) -> Array:
        return 1.0 - value * value


@dataclass(frozen=True, repr=False)
class ReLU(Activation):
    """``max(x, 0)``; its slope at 0 is taken as 0.

    Parameters
    ----------
    size : int, optional
        Number of inputs and of outputs; by default the number of outputs of the layer before.
    """

    def value(self, X: Array) -> Array:
        return np.maximum(X, 0.0)

    def slope(self, X: Array, value: Array) -> Array:
        return (X > 0.0).astype(np.float64)


@dataclass(frozen=True, repr=False)
class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``, from 0 to 1.

    Parameters
    ----------
    size : int, optional
        Number of inputs and of outputs; by default the number of outputs of the layer before.
    """

    def value(self, X: Array) -> Array:
        return np.asarray(expit(X))

    def slope(self, X: Array, value: Array) -> Array:
        return value * (1.0 - value)


@dataclass(frozen=True, repr=False)
class Arctan(Activation):
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

    def value(self, X: Array) -> Array:
        return (self.low + self.high) / 2 + (self.high - self.low) / np.pi * np.arctan(X)

    def slope(self, X: Array, value: Array) -> Array:
        return (self.high - self.low) / np.pi / (1.0 + X * X)

    def __repr__(self) -> str:
        return f"Arctan(low={self.low:.4g}, high={self.high:.4g})"
