"""Dropout: inputs that are left out at random during training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from qml.layers.activations import chain
from qml.layers.trait import Layer, LayerCalls, Rest, RestCalls
from qml.seeds import StepSeed, seed_words
from qml.settings import check_whole
from simulator.caching import cached_property
from simulator.engines.host import generators, loops
from simulator.program.values import as_array

__all__ = ["Dropout"]

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Dropout(Layer):
    """Sets inputs to 0 at random in each training step, and divides the remaining ones by ``1 - rate``.

    Predictions use all inputs unchanged. The inputs left out depend on the seed of the run and the number of the step
    only, so a resumed run equals an uninterrupted one.

    Parameters
    ----------
    rate : float
        Probability with which an input is left out; at least 0 and less than 1.
    size : int, optional
        Number of inputs and of outputs; by default the number of outputs of the layer before.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Journal of Machine Learning Research 15 (2014) 1929.

    Examples
    --------
    >>> X = np.ones((1, 6))
    >>> Dropout(0.5).forward(X, np.empty(0))
    array([[1., 1., 1., 1., 1., 1.]])
    >>> _ = Dropout(0.5).for_step([0, 3]).sweep(X, np.empty(0), lambda Y, rows: print(Y), inputs=False)
    [[2. 2. 0. 0. 0. 2.]]
    """

    rate: float
    size: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.rate, bool) or not isinstance(self.rate, Real) or not 0 <= float(self.rate) < 1:
            raise ValueError(f"rate expects a number of at least 0 and less than 1, got {self.rate!r}")
        check_whole("size", self.size, instead=[None])

    @property
    def num_inputs(self) -> int | None:
        """Number of columns of X."""
        return self.size

    @property
    def num_outputs(self) -> int | None:
        """Number of outputs, equal to the number of inputs."""
        return self.size

    @property
    def is_random(self) -> bool:
        return self.rate > 0

    def forward(self, X: Array, weights: Array) -> Array:
        return X

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        d_outputs = rest(X, slice(0, len(X)))
        return np.empty(0), d_outputs if inputs else None

    def calls(
        self, X: Array, d_X: Array | None, weights: Array, d_weights: Array, rest: RestCalls
    ) -> LayerCalls | None:
        return None if self.is_random else rest(X, np.empty(X.shape) if d_X is None else d_X)

    def for_step(self, seed: Sequence[int]) -> Layer:
        return DropoutStep(self.rate, self.size, tuple(seed)) if self.is_random else self

    def for_steps(self, seed: StepSeed, numbers: tuple[int, ...] = ()) -> Layer | None:
        return DropoutStep(self.rate, self.size, numbers, seed) if self.is_random else self

    def split_fixed(self) -> tuple[None, Layer]:
        return None, self

    def with_sizes(self, num_inputs: int | None = None, num_outputs: int | None = None) -> Dropout:
        return replace(self, size=num_inputs) if self.size is None else self

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"


@dataclass(frozen=True, repr=False)
class DropoutStep(Dropout):
    """Dropout in a training step; each chunk of rows takes the next numbers of its generator.

    In a compiled loop, ``seed`` is what follows the words of the step's seed.
    """

    seed: tuple[int, ...] = ()
    of_loop: StepSeed | None = field(default=None, compare=False)

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        X = as_array(X)
        factors = np.empty(X.shape)
        generators.draw_factors(self._generator, float(self.rate), factors.reshape(-1))
        d_outputs = rest(X * factors, slice(0, len(X)))
        return np.empty(0), d_outputs * factors if inputs else None

    def calls(
        self, X: Array, d_X: Array | None, weights: Array, d_weights: Array, rest: RestCalls
    ) -> LayerCalls | None:
        source = self.of_loop
        if source is None:
            return None
        factors, outputs, d_outputs = np.empty(X.shape), np.empty(X.shape), np.empty(X.shape)
        calls = rest(outputs, d_outputs)
        if calls is None:
            return None
        words, generator = np.concatenate([source.words, seed_words(*self.seed)]), np.empty(generators.SIZE, np.int64)
        draws = [
            loops.Call(generators.start_step, source.words, source.step, words, generator),
            loops.Call(generators.draw_factors, generator, float(self.rate), factors.reshape(-1)),
        ]
        backward = [] if d_X is None else [chain(d_outputs, factors, d_X)]
        return calls.around([chain(X, factors, outputs)], backward, before=draws)

    @cached_property
    def _generator(self) -> NDArray[np.int64]:
        words, generator = seed_words(*self.seed), np.empty(generators.SIZE, np.int64)
        generators.start_step(words, np.zeros(1, np.int64), words.copy(), generator)
        return generator
