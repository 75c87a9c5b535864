"""The softmax layer: numbers to probabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from qml.layers.trait import Layer, Rest
from qml.settings import check_whole

__all__ = ["Softmax"]

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Softmax(Layer):
    """``exp(x_k) / sum_j exp(x_j)`` over the columns of each row: positive numbers with sum 1.

    Cross-entropy takes logits, so a classifier's network ends before it; use it inside a network, for example as
    attention over features or as amplitudes squared.

    Parameters
    ----------
    size : int, optional
        Number of inputs and of outputs; by default the number of outputs of the layer before.

    Examples
    --------
    >>> Softmax(2).forward(np.array([[0.0, 0.0]]), np.empty(0))
    array([[0.5, 0.5]])
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

    def forward(self, X: Array, weights: Array) -> Array:
        return np.asarray(softmax(X, axis=1))

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        shares = self.forward(X, weights)
        d_shares = rest(shares, slice(0, len(X)))
        if not inputs:
            return np.empty(0), None
        mean = np.einsum("ij,ij->i", d_shares, shares)
        return np.empty(0), shares * (d_shares - mean[:, None])

    def with_sizes(self, num_inputs: int | None = None, num_outputs: int | None = None) -> Softmax:
        return replace(self, size=num_inputs) if self.size is None else self

    def __repr__(self) -> str:
        return "Softmax()"
