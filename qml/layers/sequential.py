"""A chain of layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.layers.flatten import Flatten
from qml.layers.summary import network_table
from qml.layers.trait import (
    Layer,
    LayerCalls,
    PreparedSweep,
    Rest,
    RestCalls,
    calls_of,
    check_shapes,
    is_layer,
    layer_for_steps,
)
from qml.models.checks import check_finite
from qml.seeds import StepSeed
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend
from simulator.caching import cached_property
from simulator.display import preformatted
from simulator.noise import NoiseModel
from simulator.program.values import as_array
from simulator.range_reduction import sum_of_squares

__all__ = ["Sequential"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Chain(Layer):
    """Chain of layers without checks: `Sequential` checks its arguments and then uses this.

    Parameters
    ----------
    layers : tuple of Layer
        Layers; the number of inputs of each is the number of outputs of the one before.
    """

    layers: tuple[Layer, ...]

    @property
    def num_inputs(self) -> int | None:
        """Number of inputs of the first layer."""
        return self.layers[0].num_inputs

    @property
    def num_outputs(self) -> int | None:
        """Number of outputs of the last layer."""
        return self.layers[-1].num_outputs

    @cached_property
    def num_weights(self) -> int:
        """Number of weights of all layers together."""
        return sum(layer.num_weights for layer in self.layers)

    @cached_property
    def parts(self) -> tuple[slice, ...]:
        """Slice of each layer's weights in the array of all weights."""
        stops = np.cumsum([layer.num_weights for layer in self.layers]).tolist()
        return tuple(slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False))

    @cached_property
    def _steps(self) -> tuple[tuple[Layer, slice], ...]:
        return tuple(zip(self.layers, self.parts, strict=True))

    def initial_weights(self, rng: np.random.Generator) -> Array:
        return np.concatenate([layer.initial_weights(rng) for layer in self.layers])

    @cached_property
    def is_random(self) -> bool:
        """Whether a layer is random."""
        return any(layer.is_random for layer in self.layers)

    def spectra(self) -> tuple[Array | None, ...]:
        return tuple(spectrum for layer in self.layers for spectrum in layer.spectra())

    def for_step(self, seed: Sequence[int]) -> Chain:
        layers = (layer.for_step([*seed, number]) for number, layer in enumerate(self.layers))
        return Chain(tuple(layers)) if self.is_random else self

    def for_steps(self, seed: StepSeed, numbers: tuple[int, ...] = ()) -> Chain | None:
        layers = []
        for number, layer in enumerate(self.layers):
            prepared = layer_for_steps(layer, seed, (*numbers, number))
            if prepared is None:
                return None
            layers.append(prepared)
        return Chain(tuple(layers)) if self.is_random else self

    def with_shots(self, shots: int, seed: int) -> Chain:
        return Chain(tuple(layer.with_shots(shots, seed) for layer in self.layers))

    def forward(self, X: Array, weights: Array) -> Array:
        for layer, part in self._steps:
            X = layer.forward(X, weights[part])
        return X

    def split_encoding(self) -> tuple[Callable[[Array], Array], Layer] | None:
        parts = self.layers[0].split_encoding()
        return None if parts is None else (parts[0], Chain((parts[1], *self.layers[1:])))

    def prepared(self, weights: Array, d_weights: Array, rest: Rest, inputs: bool) -> PreparedSweep:
        following: Any = rest
        for number, (layer, part) in reversed(list(enumerate(self._steps))):
            following = layer.prepared(weights[part], d_weights[part], following, inputs or number > 0)
        return following  # type: ignore[no-any-return]

    def calls(
        self, X: Array, d_X: Array | None, weights: Array, d_weights: Array, rest: RestCalls
    ) -> LayerCalls | None:
        following: Any = rest
        for layer, part in reversed(self._steps):
            following = partial(_calls_before, layer, weights[part], d_weights[part], following)
        return following(X, d_X)  # type: ignore[no-any-return]

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        weights, d_weights = as_array(weights), np.zeros(len(weights))
        return d_weights, self.prepared(weights, d_weights, rest, inputs)(X, slice(0, len(X)))


@dataclass(frozen=True, init=False)
class Sequential(Chain):
    """Network in which each layer takes the outputs of the one before.

    The weights are those of the layers, concatenated in order.

    Parameters
    ----------
    *layers : Layer
        One or more layers. A size left open becomes the number of outputs of the layer before it.

    Raises
    ------
    ValueError
        If the number of outputs of a layer differs from the number of inputs of the next; both are named.
    TypeError
        If an argument is not a layer.

    Examples
    --------
    >>> from qml.layers import Dense, Tanh
    >>> net = Sequential(Dense(3, 2), Tanh(), Dense(2, 1))
    >>> net.num_inputs, net.num_outputs, net.num_weights
    (3, 1, 11)
    >>> weights = net.initial_weights(np.random.default_rng(0))
    >>> net.forward(np.zeros((5, 3)), weights).shape
    (5, 1)
    """

    def __init__(self, *layers: Layer) -> None:
        if not layers:
            raise ValueError("a Sequential needs at least one layer, got none")
        for layer in layers:
            if not is_layer(layer):
                raise TypeError(f"expected layers, whose class inherits from qml.layers.Layer, got {layer!r}")
        object.__setattr__(self, "layers", _chained(layers, layers[0].num_inputs, None))

    calls = Chain.calls  # `forward` and `sweep` differ in checks only

    def forward(self, X: ArrayLike, weights: ArrayLike) -> Array:
        """Outputs of the last layer.

        Parameters
        ----------
        X : array-like, shape (n_samples, num_inputs)
        weights : array-like, shape (num_weights,)

        Returns
        -------
        float ndarray, shape (n_samples, num_outputs)

        Raises
        ------
        ValueError
            If a shape is wrong, or X contains NaN or infinity.
        """
        rows, weights = self._checked(X, weights)
        outputs = super().forward(rows, weights)
        if not math.isfinite(sum_of_squares(outputs)):  # checked first, because there are fewer of them
            check_finite("X", rows)
        return outputs

    def sweep(self, X: ArrayLike, weights: ArrayLike, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        """Differentiate the loss with respect to all weights, and on demand to X; see `Layer.sweep`.

        ``rest`` is called with slices of the rows of X: once for each chunk of the layer with the smallest chunks.
        """
        return super().sweep(*self._checked(X, weights), rest, inputs)

    def with_sizes(self, num_inputs: int | None = None, num_outputs: int | None = None) -> Sequential:
        """Return the network with its open sizes filled in.

        Raises
        ------
        ValueError
            If the network has a different number of inputs or outputs.
        """
        return Sequential(*_chained(self.layers, num_inputs, num_outputs))

    def on(
        self,
        backend: Backend | str | None = None,
        noise: NoiseModel | None = None,
        resume: str | PathLike[str] | None = None,
        seed: int | None = 0,
    ) -> Sequential:
        """Return the network with all its circuits on a backend or with noise; parameters as in `get_evaluation`."""
        if backend is None and noise is None:
            return self
        return Sequential(*(layer.on(backend, noise, resume, seed) for layer in self.layers))

    def without_entanglement(self) -> Sequential:
        """Return the network with circuits that have no gates on two or more qubits; its weights are the same ones."""
        return Sequential(*(layer.without_entanglement() for layer in self.layers))

    def plan(
        self, backend: Backend, X: Array, weights: Array, *, gradient: bool = False, inputs: bool = False
    ) -> Plan | None:
        """Estimate the cost of all circuits, layer by layer, on a backend; None if there are no circuits."""
        total: Plan | None = None
        for layer, part in self._steps:
            plan = layer.plan(backend, X, weights[part], gradient=gradient, inputs=inputs or part.start > 0)
            if plan is not None:
                total = plan if total is None else total.followed_by(plan)
            X = layer.forward(X, weights[part])
        return total

    def split_fixed(self) -> tuple[Callable[[Array], Array] | None, Layer | None]:
        """Split off the fixed part, as `Layer.split_fixed`; the remaining layer does not check its arrays again."""
        functions: list[Callable[[Array], Array]] = []
        for number, layer in enumerate(self.layers):
            function, trained = layer.split_fixed()
            if function is not None:
                functions.append(function)
            if trained is not None:
                return _composed(functions), Chain((trained, *self.layers[number + 1 :]))
        return _composed(functions), None

    def _checked(self, X: ArrayLike, weights: ArrayLike) -> tuple[Array, Array]:
        rows, weights = as_array(X), as_array(weights)
        if rows.ndim > 2 and isinstance(self.layers[0], Flatten):
            rows = self.layers[0].forward(rows, weights[:0])
        check_shapes(self, rows, weights)
        return rows, weights

    def summary(self) -> str:
        """Return a table with a row for each layer: what it is, its sizes, its number of weights.

        Examples
        --------
        >>> from qml.layers import Dense, Quantum, Tanh
        >>> from qml.models.layered import layered_model
        >>> circuit = layered_model("angle", "basic", num_features=2, num_layers=3)
        >>> print(Sequential(Dense(30, 2), Tanh(), Quantum(circuit), Dense(2, 3)).summary())
           layer    kind       inputs  outputs  weights
        0  Dense    classical      30        2       62
        1  Tanh     classical       2        2        0
        2  Quantum  quantum         2        2        6
        3  Dense    classical       2        3        9
        77 weights: 6 quantum, 71 classical
        """
        return network_table(self.layers)

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return preformatted(self.summary())

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __getitem__(self, number: int) -> Any:
        return self.layers[number]

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"


def _chained(layers: tuple[Layer, ...], num_inputs: int | None, num_outputs: int | None) -> tuple[Layer, ...]:
    """Fill in the open sizes of the layers from the front; raise ValueError if two layers do not fit each other."""
    sized: list[Layer] = []
    size, source = num_inputs, "the number of features is"
    for number, layer in enumerate(layers):
        if size is not None and layer.num_inputs not in (None, size):
            raise ValueError(
                f"sizes do not chain: {source} {size}, layer {number}, {layer!r}, takes {layer.num_inputs}"
            )
        last = number + 1 == len(layers)
        sized.append(layer.with_sizes(size, num_outputs if last else None))
        size, source = sized[-1].num_outputs, f"layer {number}, {sized[-1]!r}, gives"
    if num_outputs is not None and size not in (None, num_outputs):
        raise ValueError(f"sizes do not chain: {source} {size}, the targets need {num_outputs}")
    return tuple(sized)


def flattened(layer: Layer) -> Iterator[Layer]:
    """Iterate over the layers of a chain and of the chains in it, or over the layer itself."""
    if isinstance(layer, Chain):
        for inner in layer.layers:
            yield from flattened(inner)
    else:
        yield layer


def _calls_before(
    layer: Layer, weights: Array, d_weights: Array, rest: RestCalls, X: Array, d_X: Array | None
) -> LayerCalls | None:
    return calls_of(layer, X, d_X, weights, d_weights, rest)


def _composed(functions: list[Callable[[Array], Array]]) -> Callable[[Array], Array] | None:
    if not functions:
        return None

    def composed(X: Array) -> Any:
        for function in functions:
            X = function(X)
        return X

    return composed
