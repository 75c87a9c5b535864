"""Quantum models and networks of layers as modules of PyTorch; needs the extra [torch].

Derivatives are taken by one adjoint sweep in double precision on the CPU, whatever device the tensors are on, through
`torch.autograd`, `torch.func`, `torch.compile` and `torch.export`.
"""

from __future__ import annotations

import inspect
import weakref
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.layers.function import LayerFunction
from qml.layers.trait import Layer
from qml.models.quantum_model import QuantumModel
from simulator.lazy import only_public

try:
    import torch
except ImportError:
    raise ImportError("qml.torch needs the extra [torch]: pip install 'qumba[torch]'") from None

__all__ = ["QuantumLayer"]

__dir__ = only_public(__name__)

FOR_ONNX = "for ONNX train a NetworkClassifier or NetworkRegressor of the same layers and call qml.deploy.export_onnx"

Array = NDArray[np.float64]


class QuantumLayer(torch.nn.Module):
    """Module of a quantum model, or of a layer or network of `qml.layers`.

    It maps a tensor of shape (..., num_inputs) to (..., num_outputs) on the device of its argument, in the wider of the
    precisions of the argument and the weights. The calculation is in double precision, or in the model's.

    Parameters
    ----------
    model : QuantumModel or Layer
        ``Quantum(model).on(noise=...)`` simulates noise, ``Quantum(model).on(backend=...)`` uses a backend.
    weights : array-like, shape (num_weights,), optional
        Initial weights; by default those that the layer draws.
    seed : int, optional
        Seed for drawing the weights; by default drawn from PyTorch's generator, which `torch.manual_seed` sets.
    dtype : torch.dtype, optional
        Floating-point type of the weights; by default PyTorch's default type.

    Attributes
    ----------
    weights : torch.nn.Parameter, shape (num_weights,)
        Trained weights; those of a circuit are in radians.
    layer : Layer

    Raises
    ------
    TypeError
        If ``model`` is neither a model nor a layer or, in a call, if the argument is not a floating-point tensor.
    ValueError
        If the weights have a wrong shape or, in a call, if the argument does, is on another device than the weights, or
        contains NaN or infinity.
    NotImplementedError
        If second derivatives or forward-mode derivatives are asked for, or the module is traced by `torch.jit.trace`
        or exported by `torch.onnx.export`: a trace would hold the outputs as constants, and ONNX has no such operator.

    Examples
    --------
    >>> from qml import layered_model
    >>> model = layered_model("angle", "strongly_entangling", num_features=4, num_layers=2)
    >>> net = torch.nn.Sequential(torch.nn.Linear(30, 4), QuantumLayer(model, seed=0), torch.nn.Linear(4, 3))
    >>> net(torch.zeros(5, 30)).shape
    torch.Size([5, 3])
    >>> net[1]
    QuantumLayer(Quantum(QuantumModel(4 qubits, 4 inputs, 24 weights, 4 observables, precision='double')))
    """

    def __init__(
        self,
        model: QuantumModel | Layer,
        *,
        weights: ArrayLike | torch.Tensor | None = None,
        seed: int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self._function = _NamedFunction(model)
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"dtype expects a floating-point type such as torch.float64, got {dtype}")
        if isinstance(weights, torch.Tensor):
            weights = _array(weights)
        elif weights is None and seed is None:
            seed = _drawn_seed()
        initial = torch.from_numpy(self._function.initial_weights(weights, seed))
        self.weights = torch.nn.Parameter(initial.to(dtype or torch.get_default_dtype(), copy=True))

    @property
    def layer(self) -> Layer:
        """The layer that is evaluated."""
        return self._function.layer

    def reset_parameters(self) -> None:
        """Draw the weights again, from PyTorch's generator, as the layers of PyTorch do."""
        initial = torch.from_numpy(self._function.initial_weights(seed=_drawn_seed()))
        with torch.no_grad():
            self.weights.copy_(initial)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Compute the outputs, shape (..., num_outputs), for inputs of shape (..., num_inputs)."""
        if not isinstance(X, torch.Tensor) or not X.is_floating_point():
            raise TypeError(f"QuantumLayer expects a floating-point tensor, got {getattr(X, 'dtype', type(X))}")
        if torch.jit.is_tracing():
            raise NotImplementedError(
                "QuantumLayer cannot be traced by torch.jit.trace or torch.onnx.export, which would write its outputs"
                f" for the example as constants; use torch.compile or torch.export, and {FOR_ONNX}"
            )
        if X.device != self.weights.device:
            raise ValueError(
                f"X is on {X.device} and the weights are on {self.weights.device}: move one with .to(device)"
            )
        function = self._function
        function.check_rows(X.shape)
        if X.ndim == 2:
            return _Values.apply(X, self.weights, function.name)
        outputs = _Values.apply(X.reshape(-1, function.num_inputs), self.weights, function.name)
        return outputs.reshape(*X.shape[:-1], function.num_outputs)

    def extra_repr(self) -> str:
        """Representation of the layer."""
        return repr(self.layer)


def _drawn_seed() -> int:
    return int(torch.randint(2**62, ()))


_FUNCTIONS: weakref.WeakValueDictionary[str, _NamedFunction] = weakref.WeakValueDictionary()
_IN_GRAPHS: dict[str, _NamedFunction] = {}
"""Functions by name: of all modules, and of those that a compiled or exported graph calls, which outlive the module."""


class _NamedFunction(LayerFunction):
    """Function with a name, under which operators find it; a graph can hold only numbers and strings.

    Names are random, because a graph that is loaded in another process must not find another function there.
    """

    def __init__(self, layer: QuantumModel | Layer) -> None:
        super().__init__(layer)
        self.name = uuid4().hex
        _FUNCTIONS[self.name] = self


def _function(name: str) -> _NamedFunction:
    try:
        return _FUNCTIONS[name]
    except KeyError:
        raise LookupError(
            "this graph calls a QuantumLayer of another process: export or compile it again in this one"
        ) from None


class _Values(torch.autograd.Function):
    """Outputs of the function with this name; batch axes as in `LayerFunction`."""

    @staticmethod
    def forward(X: torch.Tensor, weights: torch.Tensor, name: str) -> torch.Tensor:
        operator = _VALUES if _in_graph(X, weights) else _values
        return operator(X, weights, name)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])
        ctx.name = inputs[2]
        if not torch.compiler.is_compiling():
            ctx.function = _FUNCTIONS.get(ctx.name)  # the module may be gone before the backward pass

    @staticmethod
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        by_inputs, by_weights, _ = ctx.needs_input_grad
        d_weights, d_X = _Derivatives.apply(*ctx.saved_tensors, cotangent, ctx.name, by_weights, by_inputs)
        return (d_X if by_inputs else None), (d_weights if by_weights else None), None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], X: Any, weights: Any, name: str) -> tuple[Any, int]:
        return _Values.apply(_leading(X, in_dims[0]), _leading(weights, in_dims[1]), name), 0


class _Derivatives(torch.autograd.Function):
    """Derivatives by the weights and by X, in one sweep; an empty tensor in place of those that are not needed."""

    @staticmethod
    def forward(
        X: torch.Tensor, weights: torch.Tensor, cotangent: torch.Tensor, name: str, by_weights: bool, by_inputs: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        operator = _DERIVATIVES if _in_graph(X, weights, cotangent) else _derivatives
        return operator(X, weights, cotangent, name, by_weights, by_inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> Any:
        raise NotImplementedError(
            "QuantumLayer has first derivatives only; a Hessian can be taken as differences of gradients"
        )

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], X: Any, weights: Any, cotangent: Any, name: str, *needed: bool
    ) -> tuple[Any, tuple[int | None, int | None]]:
        by_weights, by_inputs = needed
        X, weights, cotangent = map(_leading, (X, weights, cotangent), in_dims)
        if by_weights:  # an axis of length 1 would be summed over
            weights = weights.expand(info.batch_size, *weights.shape[1:])
        if by_inputs:
            X = X.expand(info.batch_size, *X.shape[1:])
        derivatives = _Derivatives.apply(X, weights, cotangent, name, *needed)
        return derivatives, (0 if by_weights else None, 0 if by_inputs else None)


for _kind in (_Values, _Derivatives):  # PyTorch asks for the signature in every call; to know it saves 35 us
    _kind.forward.__signature__ = inspect.signature(_kind.forward)  # type: ignore[union-attr]


def _leading(tensor: torch.Tensor, axis: int | None) -> torch.Tensor:
    """Move the mapped axis to the front; without one, add an axis of length 1."""
    return tensor.unsqueeze(0) if axis is None else tensor.movedim(axis, 0)


def _in_graph(*tensors: torch.Tensor) -> bool:
    """Whether an operator is needed, because there are no numbers yet; without it a call takes 100 us less."""
    return torch.compiler.is_compiling() or any(
        type(tensor) not in (torch.Tensor, torch.nn.Parameter) or tensor.is_meta for tensor in tensors
    )


def _array(tensor: torch.Tensor) -> Array:
    # The copy comes before the conversion, because not every device has double precision.
    return np.asarray(tensor.detach().cpu().to(torch.float64).numpy(force=True))


def _tensor(array: Array, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    return torch.from_numpy(array).to(dtype).to(device)


def _values(X: torch.Tensor, weights: torch.Tensor, name: str) -> torch.Tensor:
    out = _function(name).values(_array(X), _array(weights))
    return _tensor(out, X.device, torch.promote_types(X.dtype, weights.dtype))


def _derivatives(
    X: torch.Tensor, weights: torch.Tensor, cotangent: torch.Tensor, name: str, by_weights: bool, by_inputs: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    d_weights, d_X = _function(name).derivatives(_array(X), _array(weights), _array(cotangent), by_inputs)
    return (
        _tensor(d_weights, weights.device, weights.dtype) if by_weights else weights.new_empty(0),
        X.new_empty(0) if d_X is None else _tensor(d_X, X.device, X.dtype),
    )


_VALUES = torch.library.custom_op(
    "qumba::values", _values, mutates_args=(), schema="(Tensor X, Tensor weights, str name) -> Tensor"
)
_DERIVATIVES = torch.library.custom_op(
    "qumba::derivatives",
    _derivatives,
    mutates_args=(),
    schema="(Tensor X, Tensor weights, Tensor cotangent, str name, bool by_weights, bool by_inputs)"
    " -> (Tensor, Tensor)",
)


@_VALUES.register_fake
def _values_shape(X: torch.Tensor, weights: torch.Tensor, name: str) -> torch.Tensor:
    if torch.onnx.is_in_onnx_export():
        raise NotImplementedError(f"torch.onnx.export has no operator for a QuantumLayer; {FOR_ONNX}")
    function = _IN_GRAPHS[name] = _function(name)
    batch = torch.broadcast_shapes(X.shape[:-2], weights.shape[:-1])
    dtype = torch.promote_types(X.dtype, weights.dtype)
    return X.new_empty((*batch, X.shape[-2], function.num_outputs), dtype=dtype)


@_DERIVATIVES.register_fake
def _derivatives_shape(
    X: torch.Tensor, weights: torch.Tensor, cotangent: torch.Tensor, name: str, by_weights: bool, by_inputs: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    _IN_GRAPHS[name] = _function(name)
    return (
        weights.new_empty(weights.shape if by_weights else 0),
        X.new_empty(X.shape if by_inputs else 0),
    )
