"""The quantum layer: expectation values or probabilities of a circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from qml.ansatze import INITIAL_SPREAD
from qml.layers.trait import Layer, LayerCalls, PreparedSweep, Rest, RestCalls
from qml.models.evaluation import BackendEvaluation, EngineEvaluation, Evaluation, get_evaluation
from qml.models.quantum_model import QuantumModel
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend
from simulator.noise import NoiseModel

__all__ = ["Quantum"]

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Quantum(Layer):
    """Outputs of a model, expectation values or probabilities; its inputs are the model's features.

    With Pauli strings as observables and ``Dense(..., bias=False)`` behind it, the coefficients of the observable are
    trained together with the circuit.

    Parameters
    ----------
    model : QuantumModel
    evaluation : Evaluation, optional
        Source of the outputs; by default the engine, exact and without noise. `on` replaces it.
    draw_weights : callable, optional
        Function that draws the circuit's initial weights from a ``numpy.random.Generator``; by default they are normal
        with standard deviation ``qml.ansatze.INITIAL_SPREAD``.

    Examples
    --------
    >>> from qml.models.layered import layered_model
    >>> layer = Quantum(layered_model("angle", "basic", num_features=2, num_layers=1))
    >>> layer.num_inputs, layer.num_outputs, layer.num_weights
    (2, 2, 2)
    >>> layer.forward(np.zeros((1, 2)), np.zeros(2))
    array([[1., 1.]])
    """

    model: QuantumModel
    evaluation: Evaluation = field(default=None, compare=False)  # type: ignore[assignment]
    draw_weights: Callable[[np.random.Generator], Array] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.model, QuantumModel):
            raise TypeError(f"a quantum layer expects a QuantumModel, got {self.model!r}")
        if self.evaluation is None:
            object.__setattr__(self, "evaluation", EngineEvaluation(self.model))

    @property
    def num_inputs(self) -> int:
        """Number of features of the model."""
        return self.model.num_features

    @property
    def num_outputs(self) -> int:
        """Number of outputs of the model."""
        return self.model.num_outputs

    @property
    def num_weights(self) -> int:
        """Number of weights of the circuit."""
        return self.model.num_weights

    def initial_weights(self, rng: np.random.Generator) -> Array:
        if self.draw_weights is None:
            return rng.normal(0.0, INITIAL_SPREAD, self.num_weights)
        return self.draw_weights(rng)

    def forward(self, X: Array, weights: Array) -> Array:
        return self.evaluation.expectations(self.model.inputs_of(X), weights)

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        data = self.model.data
        d_weights, d_inputs = self.evaluation.sweep(self.model.inputs_of(X), weights, rest, inputs)
        return d_weights, d_inputs if d_inputs is None or data is None else data.pullback(X, d_inputs)

    def prepared(self, weights: Array, d_weights: Array, rest: Rest, inputs: bool) -> PreparedSweep:
        prepare = getattr(self.evaluation, "prepared", None)  # which only the engine has
        if prepare is None:
            return super().prepared(weights, d_weights, rest, inputs)
        sweep: PreparedSweep = prepare(weights, d_weights, rest, inputs)
        model, data = self.model, self.model.data
        if data is None:
            return sweep

        def prepared(X: Array, rows: slice) -> Array | None:
            d_inputs = sweep(model.inputs_of(X), rows)
            return None if d_inputs is None else data.pullback(X, d_inputs)

        return prepared

    def calls(
        self, X: Array, d_X: Array | None, weights: Array, d_weights: Array, rest: RestCalls
    ) -> LayerCalls | None:
        if not isinstance(self.evaluation, EngineEvaluation):
            return None
        outputs, d_outputs = np.empty((len(X), self.num_outputs)), np.empty((len(X), self.num_outputs))
        calls = rest(outputs, d_outputs)
        if calls is None:
            return None
        sweep = self.model.calls(X, weights, outputs, d_outputs, d_weights, d_X, calls.between)
        return None if sweep is None else calls._replace(between=sweep)

    def on(
        self,
        backend: Backend | str | None = None,
        noise: NoiseModel | None = None,
        resume: str | PathLike[str] | None = None,
        seed: int | None = 0,
    ) -> Quantum:
        if backend is None and noise is None:
            return self
        evaluation = get_evaluation(self.model, backend, noise, resume, seed)
        return replace(self, model=evaluation.model, evaluation=evaluation)

    def with_shots(self, shots: int, seed: int) -> Quantum:
        return replace(self, evaluation=self.evaluation.with_shots(shots, seed))

    def without_entanglement(self) -> Quantum:
        model = self.model.without_entanglement()
        return replace(self, model=model, evaluation=replace(self.evaluation, model=model))  # type: ignore[type-var]

    def plan(self, backend: Backend, X: Array, weights: Array, *, gradient: bool = False, inputs: bool = False) -> Plan:
        return BackendEvaluation(self.model, backend).plan(self.model.inputs_of(X), weights, gradient, inputs)

    @property
    def circuit(self) -> Quantum:
        """The layer itself."""
        return self

    def circuit_inputs(self, X: Array) -> Array:
        return self.model.inputs_of(X)

    def spectra(self) -> tuple[Array | None, ...]:
        return self.model.spectra

    def split_fixed(self) -> tuple[Callable[[Array], Array] | None, Layer | None]:
        if not self.num_weights:
            return super().split_fixed()
        if self.model.data is None:
            return None, self
        return self.model.inputs_of, replace(self, model=self.model.without_data())

    def split_encoding(self) -> tuple[Callable[[Array], Array], Layer] | None:
        parts = self.model.split_encoding() if isinstance(self.evaluation, EngineEvaluation) else None
        if parts is None:
            return None
        encoded, remainder = parts
        return encoded, replace(self, model=remainder, evaluation=EngineEvaluation(remainder))

    def __repr__(self) -> str:
        return f"Quantum({self.model!r})"
