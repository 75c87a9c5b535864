"""Circuit with inputs and weights as a differentiable function of both."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.feature_maps.data_functions import DataFunction, checked_angles
from qml.losses import Loss, get_loss
from qml.models.observables import Observable, as_observables
from simulator.calculations.gradients import adjoint_sweep
from simulator.calculations.statevector import expectations
from simulator.circuit import Circuit
from simulator.errors import ParameterError
from simulator.parameters import Parameter
from simulator.program.program import Program
from simulator.program.values import as_array

__all__ = ["QuantumModel", "check_finite"]

Array = NDArray[np.float64]


class QuantumModel:
    """Expectation values of a circuit as a function of data and weights.

    The constructor lowers the circuit once; every later call is one compiled pass over all samples. A model is
    immutable, so threads may share it.

    Parameters
    ----------
    circuit : Circuit
    inputs, weights : ParameterVector, Parameter, or sequence of Parameter
        Parameters of the circuit that take data, and those that are trained; together all parameters of the circuit.
    observables : Observable or sequence of Observable
        `PauliSum` objects, labels such as ``"ZZ"`` (the last letter is qubit 0's), or operators of Qiskit.
    precision : {"double", "single"}
        Precision of the amplitudes; arguments and results are in double precision.
    data : DataFunction, optional
        Function from features to inputs; by default the features are the inputs.
    num_features : int, optional
        Number of columns of X; by default the number of inputs.

    Raises
    ------
    ParameterError
        If a parameter of the circuit is in neither list, or a list names one twice or in both.

    Examples
    --------
    >>> from simulator import Circuit, Parameter, Z
    >>> x, w = Parameter("x"), Parameter("w")
    >>> model = QuantumModel(Circuit(1).ry(x, 0).ry(w, 0), inputs=x, weights=w, observables=[Z(0)])
    >>> model.forward([[0.0], [np.pi]], [0.0])
    array([[ 1.],
           [-1.]])
    """

    def __init__(
        self,
        circuit: Circuit,
        inputs: Sequence[Parameter] | Parameter = (),
        weights: Sequence[Parameter] | Parameter = (),
        observables: Sequence[Observable] | Observable = (),
        *,
        precision: Literal["double", "single"] = "double",
        data: DataFunction | None = None,
        num_features: int | None = None,
    ) -> None:
        self.circuit = circuit
        self.inputs, self.weights = _parameters("inputs", inputs), _parameters("weights", weights)
        self.observables = as_observables(observables, circuit.num_qubits)
        if not self.observables:
            raise ValueError("a model needs at least one observable")
        _check_roles(circuit, self.inputs, self.weights)
        self.precision = precision
        self.data = data
        self.num_features = len(self.inputs) if num_features is None else num_features
        self.program = Program(circuit, self.observables, inputs=self.inputs, weights=self.weights, precision=precision)

    @property
    def num_weights(self) -> int:
        """Number of weights."""
        return len(self.weights)

    def forward(self, X: ArrayLike, weights: ArrayLike) -> Array:
        """Compute expectation values.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        weights : array-like, shape (n_weights,), radians

        Returns
        -------
        float ndarray, shape (n_samples, n_observables)

        Raises
        ------
        ValueError
            If a shape is wrong, or a number is NaN or infinite.
        """
        return expectations(self.program, self.inputs_of(self._features(X)), self._weights(weights))

    def backward(self, X: ArrayLike, weights: ArrayLike, cotangent: ArrayLike) -> tuple[Array, Array]:
        """Differentiate ``sum(cotangent * forward(X, weights))`` in one sweep.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        weights : array-like, shape (n_weights,), radians
        cotangent : array-like, shape (n_samples, n_observables)
            Derivative of the loss with respect to each expectation value.

        Returns
        -------
        d_weights : float ndarray, shape (n_weights,)
        d_X : float ndarray, shape (n_samples, n_features)
        """
        features = self._features(X)
        seeds = _matrix("cotangent", cotangent, len(self.observables))
        if len(seeds) != len(features):
            raise ValueError(f"cotangent must have one row per sample: expected {len(features)}, got {len(seeds)}")
        _, d_weights, d_inputs = adjoint_sweep(
            self.program, self.inputs_of(features), self._weights(weights), seeds, inputs=True
        )
        assert d_inputs is not None
        return d_weights, d_inputs if self.data is None else self.data.pullback(features, d_inputs)

    def loss_and_gradient(
        self, X: ArrayLike, y: ArrayLike, weights: ArrayLike, loss: str | Loss = "mse"
    ) -> tuple[float, Array]:
        """Compute the mean loss over the samples and its gradient in one sweep.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,) or (n_samples, n_observables)
            Targets in the form that the loss takes.
        weights : array-like, shape (n_weights,), radians
        loss : str or Loss
            Loss function; its outputs are the expectation values.

        Returns
        -------
        value : float
        d_weights : float ndarray, shape (n_weights,)
        """
        features, targets = self._features(X), np.asarray(y)
        if len(targets) != len(features):
            raise ValueError(f"y must have one target per sample: expected {len(features)}, got {len(targets)}")
        loss_function = get_loss(loss)
        share = 1.0 / len(features)
        total = 0.0

        def cotangent(values: Array, rows: slice) -> Array:
            nonlocal total
            target = targets[rows]
            total += float(np.add.reduce(loss_function.value(values, target)))
            return loss_function.gradient(values, target) * share

        _, d_weights, _ = adjoint_sweep(self.program, self.inputs_of(features), self._weights(weights), cotangent)
        return total * share, d_weights

    def inputs_of(self, features: Array) -> Array:
        """Values of the circuit's inputs, shape (n_samples, n_inputs)."""
        return features if self.data is None else checked_angles(self.data, features)

    def without_data(self) -> QuantumModel:
        """The same circuit, lowered once for both, with its inputs as features."""
        out = copy.copy(self)
        out.data, out.num_features = None, len(self.inputs)
        return out

    def without_entanglement(self) -> QuantumModel:
        """Return the model of the circuit without gates on two or more qubits; see `Circuit.without_entanglement`.

        Its weights are the same ones, in the same order; those of removed gates have no effect.
        """
        return QuantumModel(
            self.circuit.without_entanglement(),
            self.inputs,
            self.weights,
            self.observables,
            precision=self.precision,
            data=self.data,
            num_features=self.num_features,
        )

    def _features(self, X: ArrayLike) -> Array:
        return _matrix("X", X, self.num_features)

    def _weights(self, weights: ArrayLike) -> Array:
        out = as_array(weights)
        if out.shape != (len(self.weights),):
            raise ValueError(f"weights must have shape ({len(self.weights)},), got {out.shape}")
        check_finite("weights", out)
        return out

    def __repr__(self) -> str:
        return (
            f"QuantumModel({self.circuit.num_qubits} qubits, {len(self.inputs)} inputs, {len(self.weights)} weights, "
            f"{len(self.observables)} observables, precision={self.precision!r})"
        )


def _parameters(role: str, value: Sequence[Parameter] | Parameter) -> tuple[Parameter, ...]:
    parameters = (value,) if isinstance(value, Parameter) else tuple(value)
    for parameter in parameters:
        if not isinstance(parameter, Parameter):
            raise ParameterError(f"{role} expects parameters, got {parameter!r}")
    return parameters


def _check_roles(circuit: Circuit, inputs: tuple[Parameter, ...], weights: tuple[Parameter, ...]) -> None:
    seen: set[Parameter] = set()
    for parameter in inputs + weights:
        if parameter in seen:
            raise ParameterError(f"parameter {parameter.name} is named twice among inputs and weights")
        seen.add(parameter)
    missing = [parameter.name for parameter in circuit.parameters if parameter not in seen]
    if missing:
        raise ParameterError(f"parameters of the circuit that are neither inputs nor weights: {', '.join(missing)}")


def _matrix(name: str, value: ArrayLike, columns: int) -> Array:
    out = as_array(value)
    if out.ndim != 2 or out.shape[1] != columns or not len(out):
        raise ValueError(f"{name} must have shape (n_samples, {columns}) with at least 1 sample, got {out.shape}")
    check_finite(name, out)
    return out


def check_finite(name: str, values: Array) -> None:
    """Raise ValueError if a number is NaN or infinite, saying where."""
    if math.isfinite(np.vdot(values, values)):  # fast path: a NaN or an infinity makes the sum of squares non-finite
        return
    finite = np.isfinite(values)
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"{name} contains NaN or infinity, first at {first}")
