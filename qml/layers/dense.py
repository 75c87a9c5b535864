"""The dense layer: a matrix and, by default, a bias."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qml.layers.affine import affine_calls
from qml.layers.trait import Layer, LayerCalls, PreparedSweep, Rest, RestCalls
from qml.settings import check_whole
from simulator.engines.host import dense
from simulator.program.values import as_array

__all__ = ["Dense"]

Array = NDArray[np.float64]

SMALL = 512
"""Number of factors up to which a layer is computed by compiled loops, above by the products of a library.

With 480 factors the loops themselves take half again as long for 32 rows, but a network of compiled layers only takes
0.7 of the time of a step.
"""


@dataclass(frozen=True, repr=False)
class Dense(Layer):
    """``outputs = X @ factors.T + bias``.

    After a quantum layer it serves as the readout: expectation values lie between -1 and 1, a range too narrow for
    confident probabilities and for most targets. After expectations of Pauli strings, each output without bias is the
    expectation of an observable whose coefficients are trained, ``sum_k factors[k] <P_k>``.

    Parameters
    ----------
    num_inputs, num_outputs : int, optional
        None leaves a size open: the layer before it in a `Sequential`, or ``fit``, gives the number of inputs, and
        ``fit`` the number of outputs of a network's last layer.
    bias : bool
        Whether to add a trained bias to each output.

    Examples
    --------
    >>> Dense(2, 1).forward(np.array([[1.0, 2.0]]), np.array([10.0, 1.0, 0.5]))
    array([[12.5]])
    """

    num_inputs: int | None = None
    num_outputs: int | None = None
    bias: bool = field(default=True, metadata={"added": True})

    def __post_init__(self) -> None:
        check_whole("num_inputs", self.num_inputs, instead=[None])
        check_whole("num_outputs", self.num_outputs, instead=[None])
        if not isinstance(self.bias, bool):
            raise TypeError(f"bias expects True or False, got {self.bias!r}")

    @property
    def num_weights(self) -> int:
        """Number of weights: the factors, output by output, then the biases if there are any."""
        num_inputs, num_outputs = self._sizes()
        return num_outputs * (num_inputs + self.bias)

    def initial_weights(self, rng: np.random.Generator) -> Array:
        """Normal factors of variance ``1 / num_inputs``, which keep the variance of the inputs, and zero biases."""
        num_inputs, num_outputs = self._sizes()
        factors = rng.normal(0.0, 1.0 / np.sqrt(num_inputs), num_outputs * num_inputs)
        return np.concatenate([factors, np.zeros(num_outputs)]) if self.bias else factors

    def forward(self, X: Array, weights: Array) -> Array:
        return _outputs(X, *self.split(weights), self._is_small)

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        d_weights = np.zeros(len(weights))
        return d_weights, self.prepared(weights, d_weights, rest, inputs)(X, slice(0, len(X)))

    def prepared(self, weights: Array, d_weights: Array, rest: Rest, inputs: bool) -> PreparedSweep:
        (factors, bias), (d_factors, d_bias) = self.split(weights), self.split(d_weights)

        if self._is_small:
            no_bias = np.empty(0)

            def prepared_small(X: Array, rows: slice) -> Array | None:
                X = as_array(X)
                d_outputs = as_array(rest(_outputs(X, factors, bias, True), rows))
                dense.by_weights(X, d_outputs, d_factors, no_bias if d_bias is None else d_bias)
                if not inputs:
                    return None
                d_X = np.empty(X.shape)
                dense.by_inputs(factors, d_outputs, d_X)
                return d_X

            return prepared_small

        def prepared(X: Array, rows: slice) -> Array | None:
            d_outputs = rest(_outputs(X, factors, bias, False), rows)
            np.add(d_factors, np.dot(d_outputs.T, X), out=d_factors)
            if d_bias is not None:
                np.add(d_bias, np.add.reduce(d_outputs, axis=0), out=d_bias)
            return np.dot(d_outputs, factors) if inputs else None

        return prepared

    def calls(
        self, X: Array, d_X: Array | None, weights: Array, d_weights: Array, rest: RestCalls
    ) -> LayerCalls | None:
        if not self._is_small:
            return None
        (factors, bias), (d_factors, d_bias) = self.split(weights), self.split(d_weights)
        if bias is None or d_bias is None:
            bias = d_bias = np.empty(0)
        return affine_calls(dense, X, d_X, (factors, bias), (d_factors, d_bias), rest)

    @property
    def _is_small(self) -> bool:
        """Whether training steps of small batches are faster with loops than with the products of a library."""
        num_inputs, num_outputs = self._sizes()
        return num_inputs * num_outputs <= SMALL

    def split(self, weights: Array) -> tuple[Array, Array | None]:
        """Views of the weights: factors, shape (num_outputs, num_inputs), and biases, shape (num_outputs,), or None."""
        num_inputs, num_outputs = self._sizes()
        if not self.bias:
            return weights.reshape(num_outputs, num_inputs), None
        return weights[:-num_outputs].reshape(num_outputs, num_inputs), weights[-num_outputs:]

    def with_sizes(self, num_inputs: int | None = None, num_outputs: int | None = None) -> Dense:
        if None not in (self.num_inputs, self.num_outputs):
            return self
        return replace(
            self,
            num_inputs=num_inputs if self.num_inputs is None else self.num_inputs,
            num_outputs=num_outputs if self.num_outputs is None else self.num_outputs,
        )

    def __repr__(self) -> str:
        return f"Dense({self.num_inputs}, {self.num_outputs}{', bias=False' * (not self.bias)})"

    def _sizes(self) -> tuple[int, int]:
        if self.num_inputs is None or self.num_outputs is None:
            raise ValueError(f"{self!r} has a size that is not known yet: give it, or use with_sizes")
        return self.num_inputs, self.num_outputs


def _outputs(X: Array, factors: Array, bias: Array | None, is_small: bool) -> Array:
    if is_small:
        outputs = np.empty((len(X), len(factors)))
        dense.outputs(as_array(X), as_array(factors), np.empty(0) if bias is None else as_array(bias), outputs)
        return outputs
    outputs = np.dot(X, factors.T)  # for small matrices faster than @, with the same bits
    if bias is not None:
        outputs += bias
    return outputs
