"""Interface of a layer: a differentiable function of rows and weights.

Derivatives are computed by a sweep with a continuation, rather than by a forward and a backward pass with a tape
between them: a layer computes its outputs, passes them to the remainder of the network, receives the derivative with
respect to them, and propagates it to its weights and inputs. A quantum layer does so chunk by chunk and holds the
states of one chunk only; a tape would hold all states, or simulate the circuit twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from qml.overriding import speaks_for
from qml.seeds import StepSeed
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend
from simulator.noise import NoiseModel

__all__ = [
    "Layer",
    "LayerCalls",
    "PreparedSweep",
    "Rest",
    "RestCalls",
    "calls_of",
    "check_shapes",
    "is_layer",
    "layer_for_steps",
]

Array = NDArray[np.float64]

PreparedSweep = Callable[[Array, slice], Array | None]
Rest = Callable[[Array, slice], Array]
"""Remainder of a network: a function of the outputs of consecutive rows, shape (n, num_outputs), and the slice of these
rows that returns the derivative of the loss with respect to the outputs, of the same shape."""


class LayerCalls(NamedTuple):
    """What a layer and the remainder of the network do in a training step, as calls of kernels on fixed arrays.

    Parameters
    ----------
    before : list of `simulator.engines.host.loops.Call`
        Calls to make before all others, which need no inputs, such as those that draw random numbers.
    between : list of Call
        Calls that compute the derivative with respect to the inputs from these. If all of them can be made on some
        rows, see ``rows`` of `Call`, a circuit before them may take a few samples at a time forward and back.
    after : list of Call
        Calls to make once all rows have gone forward and back, such as sums over them: see `Layer.calls`.
    """

    before: list[Any]
    between: list[Any]
    after: list[Any]

    def around(
        self, forward: list[Any], backward: list[Any], before: Sequence[Any] = (), after: Sequence[Any] = ()
    ) -> LayerCalls:
        """Return the calls of a layer whose remainder of the network these are.

        Parameters
        ----------
        forward, backward : list of Call
            Calls that compute the layer's outputs, and its derivative with respect to its inputs.
        before, after : sequence of Call
        """
        return LayerCalls([*before, *self.before], [*forward, *self.between, *backward], [*self.after, *after])

    def in_order(self) -> list[Any]:
        """Return all calls in the order in which a step makes them."""
        return [*self.before, *self.between, *self.after]


RestCalls = Callable[[Array, Array], LayerCalls | None]
"""Remainder of a network as calls: a function of an array of a layer's outputs, which the calls read, and of one that
they fill with the derivative with respect to them, both of shape (n_samples, num_outputs); None if it needs Python."""


class Layer(Protocol):
    """Interface of a layer; to write one, inherit from it and define the sizes, `forward` and `sweep`.

    Layers are immutable and do not hold weights: these are passed as one array, shape (num_weights,). A size of None is
    not known yet; `with_sizes` fills it in.
    """

    @property
    def num_inputs(self) -> int | None:
        """Number of columns of X."""
        ...

    @property
    def num_outputs(self) -> int | None:
        """Number of columns of the outputs."""
        ...

    @property
    def num_weights(self) -> int:
        """Number of weights."""
        return 0

    def forward(self, X: Array, weights: Array) -> Array:
        """Compute outputs, shape (n_samples, num_outputs), for rows of shape (n_samples, num_inputs)."""
        ...

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        """Differentiate the loss in one forward and one backward pass.

        Parameters
        ----------
        X : float ndarray, shape (n_samples, num_inputs)
        weights : float ndarray, shape (num_weights,)
        rest : callable
            Remainder of the network, ``rest(Y, rows) -> d_Y``: called once for each chunk of rows, in order, with the
            outputs ``Y`` of ``X[rows]``; returns the derivative of the loss with respect to them.
        inputs : bool
            Whether to differentiate with respect to X as well.

        Returns
        -------
        d_weights : float ndarray, shape (num_weights,)
            Summed over the rows.
        d_X : float ndarray, shape (n_samples, num_inputs), or None
        """
        ...

    def prepared(self, weights: Array, d_weights: Array, rest: Rest, inputs: bool) -> PreparedSweep:
        """Prepare `sweep` for many batches at weights that change in place, as in the steps of a training run.

        A layer that keeps views, buffers or plans from batch to batch overrides this. Results must be those of `sweep`,
        to the bit.

        Parameters
        ----------
        weights : float ndarray, shape (num_weights,)
            Read anew in every call.
        d_weights : float ndarray, shape (num_weights,)
            Every call adds its derivatives with respect to the weights.
        rest : callable
            As for `sweep`, but its slices are those of the whole batch.
        inputs : bool
            Whether to differentiate with respect to X as well.

        Returns
        -------
        callable
            Function of consecutive rows X of a batch and their slice, which returns ``d_X`` or None.
        """

        def prepared(X: Array, rows: slice) -> Array | None:
            start = rows.start
            shifted: Rest = rest if not start else lambda Y, part: rest(Y, slice(start + part.start, start + part.stop))
            by_weights, d_X = self.sweep(X, weights, shifted, inputs)
            if len(d_weights):
                np.add(d_weights, by_weights, out=d_weights)
            return d_X

        return prepared

    def calls(
        self, X: Array, d_X: Array | None, weights: Array, d_weights: Array, rest: RestCalls
    ) -> LayerCalls | None:
        """Prepare `sweep` as calls that a compiled loop makes many times; None if it needs Python.

        A layer makes an array for its outputs and one for the derivative with respect to them, has ``rest`` return the
        calls between the two, and puts its own `LayerCalls.around` them. What concerns each row alone are calls
        with ``rows``, which may be made on a few rows at a time; sums over the rows, as derivatives with respect to
        weights, are made after all of them, in the order of the rows.

        Parameters
        ----------
        X : float64 ndarray, shape (n_samples, num_inputs)
            Read anew in every step, as are the weights.
        d_X : float64 ndarray, shape of X, or None
            Overwritten with the derivative with respect to X, if it is wanted.
        weights : float64 ndarray, shape (num_weights,)
        d_weights : float64 ndarray, shape (num_weights,)
            Cleared before every step; receives the derivatives with respect to the weights.
        rest : callable
            Remainder of the network.

        Returns
        -------
        LayerCalls or None
            The results of these calls have the bits of those of `prepared`.
        """
        return None

    def initial_weights(self, rng: np.random.Generator) -> Array:
        """Draw the initial weights for training, shape (num_weights,)."""
        return np.zeros(self.num_weights)

    def with_sizes(self, num_inputs: int | None = None, num_outputs: int | None = None) -> Layer:
        """Return the layer with its open sizes set to these; sizes that are already set do not change."""
        return self

    def on(
        self,
        backend: Backend | str | None = None,
        noise: NoiseModel | None = None,
        resume: str | PathLike[str] | None = None,
        seed: int | None = 0,
    ) -> Layer:
        """Return the layer with its circuits on a backend or with noise; parameters as in `get_evaluation`."""
        return self

    def with_shots(self, shots: int, seed: int) -> Layer:
        """Return the layer with another number of shots for each circuit; see `Evaluation.with_shots`."""
        return self

    def without_entanglement(self) -> Layer:
        """Return the layer with circuits that have no gates on two or more qubits; its weights are the same ones."""
        return self

    def plan(
        self, backend: Backend, X: Array, weights: Array, *, gradient: bool = False, inputs: bool = False
    ) -> Plan | None:
        """Estimate the cost of `forward` (with ``gradient``, of `sweep`) on a backend; None if no circuit is run."""
        return None

    @property
    def circuit(self) -> Any:
        """Quantum layer whose circuit this layer runs; None for a layer without one."""
        return None

    def circuit_inputs(self, X: Array) -> Array:
        """Compute the inputs of the circuit for rows X, shape (n_samples * k, n_inputs), those of a row consecutive."""
        return X

    def spectra(self) -> tuple[Array | None, ...]:
        """Return the positive frequencies of the outputs in each weight; None for a weight that is not an angle."""
        return (None,) * self.num_weights

    @property
    def is_random(self) -> bool:
        """Whether `sweep` takes random numbers in training, as dropout does; then `for_step` provides them."""
        return False

    def for_step(self, seed: Sequence[int]) -> Layer:
        """Return the layer for one training step, which takes its random numbers from this seed."""
        return self

    def for_steps(self, seed: StepSeed, numbers: tuple[int, ...] = ()) -> Layer | None:
        """Return the layer for the steps of a compiled loop; None if its random numbers need Python.

        In each step they are those of `for_step` with the words of the step's seed, followed by ``numbers``.
        """
        return None if self.is_random else self

    def split_fixed(self) -> tuple[Callable[[Array], Array] | None, Layer | None]:
        """Split into a function of X without weights and the layer to train on the values of that function.

        Training computes the function once. Either part is None if it would do nothing: by default a layer without
        weights is entirely such a function, and a layer with weights has no such part. A random layer returns
        ``(None, self)``.
        """
        if self.num_weights:
            return None, self
        return lambda X: self.forward(X, np.empty(0)), None

    def split_encoding(self) -> tuple[Callable[[Array], Array], Layer] | None:
        """Split off the part of a circuit before its weights, whose states training computes once for each row.

        Returns
        -------
        (callable, Layer) or None
            Function from rows X to the states, shape (n_samples, n_columns), and the layer from these to the outputs,
            which has the same weights; the outputs are the same up to rounding. None if this would save no time.
        """
        return None


_SWEEPS = ("forward", "sweep", "prepared", "value", "slope")


def calls_of(
    layer: Layer, X: Array, d_X: Array | None, weights: Array, d_weights: Array, rest: RestCalls
) -> LayerCalls | None:
    """Return the calls of a layer; None if it has none, or if a subclass has sweeps of its own but no calls."""
    return layer.calls(X, d_X, weights, d_weights, rest) if speaks_for(type(layer), "calls", *_SWEEPS) else None


def layer_for_steps(layer: Layer, seed: StepSeed, numbers: tuple[int, ...] = ()) -> Layer | None:
    """Return `Layer.for_steps`; None if a subclass has random numbers of its own."""
    return layer.for_steps(seed, numbers) if speaks_for(type(layer), "for_steps", "for_step", "is_random") else None


def is_layer(value: Any) -> bool:
    """Whether a value is a layer: its class inherits from `Layer`, also for what it does not define."""
    return Layer in type(value).__mro__


def check_shapes(layer: Layer, X: Array, weights: Array) -> None:
    """Raise ValueError unless rows and weights have the layer's sizes."""
    if X.ndim != 2 or layer.num_inputs not in (None, X.shape[1]):
        raise ValueError(f"{layer!r} expects X of shape (n_samples, {layer.num_inputs}), got {X.shape}")
    if weights.shape != (layer.num_weights,):
        raise ValueError(f"{layer!r} expects weights of shape ({layer.num_weights},), got {weights.shape}")
