"""Derivatives with respect to inputs as outputs of a layer, for losses that contain them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from qml.layers.quantum import Quantum
from qml.layers.trait import Layer, Rest
from qml.models.quantum_model import QuantumModel
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend
from simulator.caching import cached_property
from simulator.calculations.input_shifts import derivative_rule, frequencies
from simulator.noise import NoiseModel

__all__ = ["Derivatives"]

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Derivatives(Layer):
    """Outputs of a quantum layer and their derivatives with respect to each input, for differential equations.

    All are exact: an output is a trigonometric polynomial in each input, so its derivatives are fixed combinations of
    its values at shifted inputs. One input with R frequencies takes 2 R shifts, and all shifts of all samples are one
    evaluation, on the engine, with noise or on a backend. The layer is differentiable like any other, with respect to
    the weights and to the inputs.

    Parameters
    ----------
    quantum : Quantum or QuantumModel
        Layer whose model has no data function.
    order : {1, 2}
        Highest order of the derivatives.

    Raises
    ------
    QumbaError
        If a gate that is not a rotation depends on an input.
    ParameterError
        If an output has too many frequencies in an input, or two that are too close to each other.

    Notes
    -----
    With d inputs and m outputs of the quantum layer, the columns are blocks of m: the outputs f, then df/dx_0, ...,
    df/dx_{d-1}, and with ``order=2`` the second derivatives d2f/dx_0^2, ..., d2f/dx_{d-1}^2. So
    ``Y.reshape(n_samples, 1 + order * d, m)`` has an axis of blocks.

    References
    ----------
    Wierichs, Izaac, Wang, Lin, arXiv:2107.12390: the shift rule for any spectrum. Kyriienko, Paine, Elfving,
    arXiv:2011.10395: differential equations.

    Examples
    --------
    >>> from qml import QuantumModel
    >>> from simulator import Circuit, Parameter, Z
    >>> x = Parameter("x")
    >>> layer = Derivatives(QuantumModel(Circuit(1).ry(2 * x, 0), inputs=x, observables=Z(0)))
    >>> np.allclose(layer.forward(np.array([[0.3]]), np.empty(0)), [np.cos(0.6), -2 * np.sin(0.6), -4 * np.cos(0.6)])
    True
    """

    quantum: Quantum
    order: int = 2

    def __post_init__(self) -> None:
        if isinstance(self.quantum, QuantumModel):
            object.__setattr__(self, "quantum", Quantum(self.quantum))
        if not isinstance(self.quantum, Quantum):
            raise TypeError(f"Derivatives expects a Quantum layer or a QuantumModel, got {self.quantum!r}")
        if isinstance(self.order, bool) or self.order not in (1, 2):
            raise ValueError(f"order expects 1 or 2, got {self.order!r}")
        if self.quantum.model.data is not None:
            raise ValueError(
                f"Derivatives needs a model whose features are the circuit's inputs, got one with the data function "
                f"{self.quantum.model.data!r}; use model.without_data(), and multiply its derivatives by the function's"
            )
        self._rule  # noqa: B018  a circuit without a rule is an error here, not in the first evaluation

    @property
    def num_inputs(self) -> int:
        """Number of inputs of the quantum layer."""
        return self.quantum.num_inputs

    @property
    def num_outputs(self) -> int:
        """Number of outputs: those of the quantum layer, and for each input their derivatives of each order."""
        return self.quantum.num_outputs * (1 + self.order * self.num_inputs)

    @property
    def num_weights(self) -> int:
        """Number of weights of the circuit."""
        return self.quantum.num_weights

    def initial_weights(self, rng: np.random.Generator) -> Array:
        return self.quantum.initial_weights(rng)

    def forward(self, X: Array, weights: Array) -> Array:
        return self._combined(self.quantum.forward(self._points(X), weights))

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        points, d_values = self._points(X), None

        def of_points(values: Array, rows: slice) -> Array:
            nonlocal d_values
            if len(values) == len(points):
                return self._pullback(rest(self._combined(values), slice(0, len(X))))
            if d_values is None:  # the points of a sample may be in two chunks, so the outputs are needed before
                d_values = self._pullback(rest(self.forward(X, weights), slice(0, len(X))))
            return d_values[rows]

        d_weights, d_points = self.quantum.sweep(points, weights, of_points, inputs)
        if d_points is None:
            return d_weights, None
        return d_weights, np.add.reduce(d_points.reshape(len(X), -1, self.num_inputs), axis=1)

    @property
    def circuit(self) -> Quantum:
        """Layer of the circuit."""
        return self.quantum

    def circuit_inputs(self, X: Array) -> Array:
        return self._points(X)

    def spectra(self) -> tuple[Array | None, ...]:
        return self.quantum.spectra()

    def on(
        self,
        backend: Backend | str | None = None,
        noise: NoiseModel | None = None,
        resume: str | PathLike[str] | None = None,
        seed: int | None = 0,
    ) -> Derivatives:
        return replace(self, quantum=self.quantum.on(backend, noise, resume, seed))

    def with_shots(self, shots: int, seed: int) -> Derivatives:
        return replace(self, quantum=self.quantum.with_shots(shots, seed))

    def without_entanglement(self) -> Derivatives:
        return replace(self, quantum=self.quantum.without_entanglement())

    def plan(self, backend: Backend, X: Array, weights: Array, *, gradient: bool = False, inputs: bool = False) -> Plan:
        return self.quantum.plan(backend, self._points(X), weights, gradient=gradient, inputs=inputs)

    def __repr__(self) -> str:
        return f"Derivatives({self.quantum!r}, order={self.order})"

    @cached_property
    def _rule(self) -> tuple[Array, Array]:
        """Shifts of the inputs, shape (n_points, n_inputs), and weights, shape (n_blocks, n_points)."""
        model, d = self.quantum.model, self.num_inputs
        rules = [derivative_rule(frequencies(model.circuit, parameter)) for parameter in model.inputs]
        ends = np.cumsum([1, *(len(shifts) - 1 for shifts, _ in rules)]).tolist()
        offsets, factors = np.zeros((ends[-1], d)), np.zeros((1 + self.order * d, ends[-1]))
        factors[0, 0] = 1.0
        for number, (shifts, weights) in enumerate(rules):
            part = slice(ends[number], ends[number + 1])
            offsets[part, number] = shifts[1:]
            for order in range(self.order):
                block = 1 + order * d + number
                factors[block, 0], factors[block, part] = weights[order, 0], weights[order, 1:]
        return offsets, factors

    def _points(self, X: Array) -> Array:
        """Shifted inputs, those of a sample consecutive, shape (n_samples * n_points, n_inputs)."""
        if X.ndim != 2 or X.shape[1] != self.num_inputs:
            raise ValueError(f"{self!r} expects X of shape (n_samples, {self.num_inputs}), got {X.shape}")
        return (X[:, None, :] + self._rule[0]).reshape(-1, self.num_inputs)

    def _combined(self, values: Array) -> Array:
        """Outputs from values at the points."""
        factors = self._rule[1]
        by_sample = values.reshape(-1, factors.shape[1], values.shape[1])
        return np.matmul(factors, by_sample).reshape(len(by_sample), -1)

    def _pullback(self, d_outputs: Array) -> Array:
        """Derivatives with respect to the values at the points."""
        factors = self._rule[1]
        by_block = np.asarray(d_outputs).reshape(len(d_outputs), len(factors), self.quantum.num_outputs)
        return np.matmul(factors.T, by_block).reshape(-1, self.quantum.num_outputs)
