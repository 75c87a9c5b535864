"""Quantum models and networks of layers as functions of JAX; needs the extra [jax].

The circuit runs on the CPU in a callback. Derivatives are taken by one adjoint sweep in double precision, under
`jax.jit`, `jax.grad`, `jax.vmap` and `jax.jacrev`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from qml.layers.function import LayerFunction
from qml.layers.trait import Layer
from qml.models.quantum_model import QuantumModel
from simulator.lazy import only_public

try:
    import jax
    import jax.numpy as jnp
except ImportError:
    raise ImportError("qml.jax needs the extra [jax]: pip install 'qumba[jax]'") from None

__all__ = ["quantum_function"]

__dir__ = only_public(__name__)


def quantum_function(model: QuantumModel | Layer) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Make a differentiable function of JAX arrays.

    Parameters
    ----------
    model : QuantumModel or Layer
        ``Quantum(model).on(noise=...)`` simulates noise, ``Quantum(model).on(backend=...)`` uses a backend.

    Returns
    -------
    callable
        ``f(X, weights)``: maps inputs of shape (..., num_inputs) and weights of shape (num_weights,) to outputs of
        shape (..., num_outputs), in the wider of the precisions of both. JAX has single precision unless
        ``jax_enable_x64`` is set; the calculation is in double precision, or in the model's. The function raises
        TypeError if an argument does not have a floating-point type, ValueError if a shape is wrong,
        ``jax.errors.JaxRuntimeError`` with the text of a ValueError if a number is NaN or infinite, and
        NotImplementedError (from `jax.jvp` TypeError) if second or forward-mode derivatives are asked for.

    Raises
    ------
    TypeError
        If ``model`` is neither a model nor a layer.

    Examples
    --------
    >>> from qml import layered_model
    >>> model = layered_model("angle", "strongly_entangling", num_features=4, num_layers=2)
    >>> f = quantum_function(model)
    >>> X, weights = jnp.zeros((5, 4)), jnp.zeros(model.num_weights)
    >>> f(X, weights).shape
    (5, 4)
    >>> jax.jit(jax.grad(lambda weights: f(X, weights).sum()))(weights).shape
    (24,)
    """
    function = LayerFunction(model)
    differentiable = _with_derivatives(function)

    def f(X: jax.Array, weights: jax.Array) -> jax.Array:
        X, weights = _floating("X", X), _floating("weights", weights)
        function.check_rows(X.shape)
        if weights.shape != (function.num_weights,):
            raise ValueError(f"weights must have shape ({function.num_weights},), got {weights.shape}")
        outputs = differentiable(X.reshape(-1, function.num_inputs), weights)
        return outputs.reshape(*X.shape[:-1], function.num_outputs)

    return f


def _floating(name: str, array: Any) -> jax.Array:
    out = jnp.asarray(array)
    if not jnp.issubdtype(out.dtype, jnp.floating):
        raise TypeError(f"{name} must have a floating-point type, got {out.dtype}")
    return out


def _with_derivatives(function: LayerFunction) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Function of rows, shape (n_samples, num_inputs), and weights, whose derivative is one sweep."""

    @jax.custom_vjp
    def values(X: jax.Array, weights: jax.Array) -> jax.Array:
        dtype = jnp.promote_types(X.dtype, weights.dtype)
        shape = jax.ShapeDtypeStruct((len(X), function.num_outputs), dtype)
        return jax.pure_callback(_HostValues(function, dtype), shape, X, weights, vmap_method="expand_dims")

    def forward(X: Any, weights: Any) -> tuple[jax.Array, Any]:
        # What is differentiated is told by the structure of the residuals, () or None: they may hold arrays only.
        needed = tuple(() if argument.perturbed else None for argument in (X, weights))
        return values(X.value, weights.value), (X.value, weights.value, needed)

    def backward(residuals: Any, cotangent: Any) -> tuple[Any, Any]:
        X, weights, needed = residuals
        if isinstance(cotangent, jax.custom_derivatives.SymbolicZero):
            return None, None
        by_inputs, by_weights = (mark is not None for mark in needed)
        results = iter(derivatives(_HostDerivatives(function, by_inputs, by_weights), X, weights, cotangent))
        return (next(results) if by_inputs else None), (next(results) if by_weights else None)

    @partial(jax.custom_vjp, nondiff_argnums=(0,))
    def derivatives(host: _HostDerivatives, X: jax.Array, weights: jax.Array, cotangent: jax.Array) -> Any:
        shapes = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in host.needed(X, weights)]
        return jax.pure_callback(host, shapes, X, weights, cotangent, vmap_method="expand_dims")

    def refuse(host: _HostDerivatives, residuals: Any, cotangents: Any) -> Any:
        raise NotImplementedError(
            "a quantum function has first derivatives only; a Hessian can be taken as differences of gradients"
        )

    values.defvjp(forward, backward, symbolic_zeros=True)
    derivatives.defvjp(lambda *arguments: (derivatives(*arguments), ()), refuse)
    return values


@dataclass(frozen=True)
class _HostValues:
    """Values computed by NumPy; equal callbacks are compiled once."""

    function: LayerFunction
    dtype: Any

    def __call__(self, X: Any, weights: Any) -> Any:
        return self.function.values(X, weights).astype(self.dtype, copy=False)


@dataclass(frozen=True)
class _HostDerivatives:
    """Derivatives with respect to the inputs and the weights, as far as they are needed, computed by NumPy."""

    function: LayerFunction
    by_inputs: bool
    by_weights: bool

    def __call__(self, X: Any, weights: Any, cotangent: Any) -> list[Any]:
        batch = np.broadcast_shapes(X.shape[:-2], weights.shape[:-1], cotangent.shape[:-2])
        if self.by_inputs:  # a batch axis of length 1 would be summed over
            X = np.broadcast_to(X, (*batch, *X.shape[-2:]))
        if self.by_weights:
            weights = np.broadcast_to(weights, (*batch, weights.shape[-1]))
        d_weights, d_X = self.function.derivatives(X, weights, cotangent, self.by_inputs)
        pairs = zip(self.needed(d_X, d_weights), self.needed(X, weights), strict=True)
        return [derivative.astype(array.dtype, copy=False) for derivative, array in pairs]

    def needed(self, by_inputs: Any, by_weights: Any) -> list[Any]:
        """Those of the two that are needed."""
        return [by_inputs] * self.by_inputs + [by_weights] * self.by_weights
