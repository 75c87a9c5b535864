"""Angles with trained scales and offsets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qml.layers.affine import affine_calls
from qml.layers.trait import Layer, LayerCalls, Rest, RestCalls, check_shapes
from qml.settings import check_whole
from simulator.engines.host import scales as kernels
from simulator.program.values import as_array

__all__ = ["TrainedScales"]

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class TrainedScales(Layer):
    """``scale * x + offset`` for each input, with trained scales and offsets; gives a quantum layer its angles.

    A circuit cannot multiply a weight by a feature, because its angles are affine in its parameters; this layer does
    so. With several copies, each encoding of a re-uploading circuit has separate scales and offsets.

    Parameters
    ----------
    num_inputs : int, optional
        Number of inputs; by default the number of outputs of the layer before.
    copies : int
        Number of times that all inputs appear among the outputs: the first copy of all inputs, then the second, ...

    References
    ----------
    Perez-Salinas, Cervera-Lierta, Gil-Fuster and Latorre, arXiv:1907.02085.

    Examples
    --------
    >>> TrainedScales(1, copies=2).forward(np.array([[3.0]]), np.array([1.0, 2.0, 0.0, 0.5]))
    array([[3. , 6.5]])
    """

    num_inputs: int | None = None
    copies: int = 1

    def __post_init__(self) -> None:
        check_whole("num_inputs", self.num_inputs, instead=[None])
        check_whole("copies", self.copies)

    @property
    def num_outputs(self) -> int | None:
        """Number of outputs: one for each input and copy."""
        return None if self.num_inputs is None else self.copies * self.num_inputs

    @property
    def num_weights(self) -> int:
        """Number of weights: the scales of all outputs, then their offsets."""
        if self.num_outputs is None:
            raise ValueError(f"{self!r} has a size that is not known yet: give it, or use with_sizes")
        return 2 * self.num_outputs

    def initial_weights(self, rng: np.random.Generator) -> Array:
        """Scales of 1 and offsets of 0: training starts from the unchanged inputs."""
        return np.repeat([1.0, 0.0], self.num_weights // 2)

    def forward(self, X: Array, weights: Array) -> Array:
        check_shapes(self, X, weights)
        outputs = np.empty((len(X), len(weights) // 2))
        kernels.outputs(as_array(X), *self._split(as_array(weights)), outputs)
        return outputs

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        X, weights = as_array(X), as_array(weights)
        d_outputs = as_array(rest(self.forward(X, weights), slice(0, len(X))))
        d_weights = np.zeros(len(weights))
        kernels.by_weights(X, d_outputs, *self._split(d_weights))
        if not inputs:
            return d_weights, None
        d_X = np.empty(X.shape)
        kernels.by_inputs(self._split(weights)[0], d_outputs, d_X)
        return d_weights, d_X

    def calls(
        self, X: Array, d_X: Array | None, weights: Array, d_weights: Array, rest: RestCalls
    ) -> LayerCalls | None:
        return affine_calls(kernels, X, d_X, self._split(weights), self._split(d_weights), rest)

    def with_sizes(self, num_inputs: int | None = None, num_outputs: int | None = None) -> TrainedScales:
        return replace(self, num_inputs=num_inputs) if self.num_inputs is None else self

    def __repr__(self) -> str:
        return f"TrainedScales({self.num_inputs}{f', copies={self.copies}' * (self.copies != 1)})"

    @staticmethod
    def _split(weights: Array) -> tuple[Array, Array]:
        """Views of the scales and of the offsets."""
        return weights[: len(weights) // 2], weights[len(weights) // 2 :]
