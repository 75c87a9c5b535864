"""The flatten layer: images and other arrays to rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.layers.trait import Layer, Rest
from qml.settings import check_whole

__all__ = ["Flatten"]

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Flatten(Layer):
    """Rows of X with more than two dimensions as rows of numbers, in C order; the first layer of a network of images.

    Layers take and return arrays with two dimensions. A `Sequential` that begins with this layer also accepts X of
    shape (n_samples, ``*shape``).

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, such as (28, 28).

    Examples
    --------
    >>> Flatten((2, 2)).forward(np.arange(8.0).reshape(2, 2, 2), np.empty(0))
    array([[0., 1., 2., 3.],
           [4., 5., 6., 7.]])
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.shape, tuple | list) or not self.shape:
            raise ValueError(f"Flatten expects the shape of one sample, such as (28, 28), got {self.shape!r}")
        for size in self.shape:
            check_whole("each number of the shape", size)
        object.__setattr__(self, "shape", tuple(self.shape))

    @property
    def num_inputs(self) -> int:
        """Number of entries of a sample."""
        return math.prod(self.shape)

    @property
    def num_outputs(self) -> int:
        """Number of entries of a sample."""
        return math.prod(self.shape)

    def forward(self, X: Array, weights: Array) -> Array:
        if X.shape[1:] not in (self.shape, (self.num_inputs,)):
            expected = ", ".join(map(str, ("n_samples", *self.shape)))
            raise ValueError(f"{self!r} expects X of shape ({expected}), got {X.shape}")
        return X.reshape(len(X), -1)

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        d_outputs = rest(self.forward(X, weights), slice(0, len(X)))
        return np.empty(0), d_outputs.reshape(X.shape) if inputs else None

    def __repr__(self) -> str:
        return f"Flatten({self.shape})"
