"""Circuit with inputs and weights as a differentiable function of both."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.feature_maps.data_functions import DataFunction, checked_angles
from qml.losses import Loss, get_loss
from qml.models.checks import as_parameters, check_finite, check_roles, checked_rows, rows_of
from qml.models.mean_loss import mean_loss_and_gradient
from qml.models.observables import Observable, as_observables
from qml.models.probabilities import z_strings
from qml.models.summary import model_summary
from qml.settings import check_choice
from simulator.caching import cached_property
from simulator.calculations.gradients import adjoint_sweep, prepared_sweep, sweep_calls
from simulator.calculations.input_shifts import frequencies
from simulator.calculations.probabilities import checked_qubits, probabilities
from simulator.calculations.statevector import expectations, states
from simulator.circuit import Circuit
from simulator.display import preformatted
from simulator.masked import check_unmasked
from simulator.observables import PauliSum
from simulator.parameters import Parameter
from simulator.program.encoding import split_encoding
from simulator.program.program import Program
from simulator.program.values import as_array

__all__ = ["QuantumModel"]

Array = NDArray[np.float64]
Cotangent = Callable[[Array, slice], Array]

OUTPUTS = ("expectations", "probabilities")


class QuantumModel:
    """Expectation values or probabilities of a circuit as a function of data and weights.

    The constructor lowers the circuit once; every later call is one compiled pass over all samples. A model is
    immutable, so threads may share it.

    Parameters
    ----------
    circuit : Circuit
    inputs, weights : ParameterVector, Parameter, or sequence of Parameter
        Parameters of the circuit that take data, and those that are trained; together all parameters of the circuit.
    observables : Observable or sequence of Observable
        `PauliSum` objects, labels such as ``"ZZ"`` (the last letter is qubit 0's), or operators of Qiskit.
    outputs : {"expectations", "probabilities"}
        Expectation values of the observables, or probabilities of the outcomes on some qubits, without observables.
    qubits : sequence of k int, optional
        Qubits whose probabilities are the outputs, all by default; bit j of an outcome is ``qubits[j]``.
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
    TypeError
        If ``circuit`` is not a Circuit.
    ValueError
        If there are no observables for expectations, or if there are some for probabilities.

    Examples
    --------
    >>> from simulator import Circuit, Parameter, Z
    >>> x, w = Parameter("x"), Parameter("w")
    >>> model = QuantumModel(Circuit(1).ry(x, 0).ry(w, 0), inputs=x, weights=w, observables=[Z(0)])
    >>> model.forward([[0.0], [np.pi]], [0.0])
    array([[ 1.],
           [-1.]])
    >>> model = QuantumModel(Circuit(1).ry(x, 0).ry(w, 0), inputs=x, weights=w, outputs="probabilities")
    >>> model.forward([[0.0], [np.pi]], [0.0]).round(12)
    array([[1., 0.],
           [0., 1.]])
    """

    def __init__(
        self,
        circuit: Circuit,
        inputs: Sequence[Parameter] | Parameter = (),
        weights: Sequence[Parameter] | Parameter = (),
        observables: Sequence[Observable] | Observable = (),
        *,
        outputs: Literal["expectations", "probabilities"] = "expectations",
        qubits: Sequence[int] | None = None,
        precision: Literal["double", "single"] = "double",
        data: DataFunction | None = None,
        num_features: int | None = None,
    ) -> None:
        if not isinstance(circuit, Circuit):
            raise TypeError(f"a QuantumModel takes a Circuit, such as one of Circuit.from_qiskit, got {circuit!r:.200}")
        self.circuit = circuit
        self.inputs, self.weights = as_parameters("inputs", inputs), as_parameters("weights", weights)
        check_choice("outputs", outputs, OUTPUTS)
        listed = as_observables(observables, circuit.num_qubits)
        self.outputs = outputs
        self.qubits: tuple[int, ...] | None = None
        if outputs == "probabilities":
            if listed:
                raise ValueError(f"outputs='probabilities' has no observables, got {observables!r}")
            self.qubits = checked_qubits(qubits, circuit.num_qubits)
        else:
            if not listed:
                raise ValueError("a model needs at least one observable, or outputs='probabilities'")
            if qubits is not None:
                raise ValueError(f"qubits belongs to outputs='probabilities', got qubits={qubits!r} with observables")
            self.observables = listed
        check_roles(circuit, self.inputs, self.weights)
        self.precision = precision
        self.data = data
        self.num_features = len(self.inputs) if num_features is None else num_features
        self.program = Program(circuit, listed, inputs=self.inputs, weights=self.weights, precision=precision)

    @cached_property
    def observables(self) -> tuple[PauliSum, ...]:
        """Observables whose expectations are the outputs, or, by `from_strings`, determine the probabilities."""
        assert self.qubits is not None
        return z_strings(self.qubits)

    @property
    def num_outputs(self) -> int:
        """Number of outputs: one for each observable, or for each outcome on the qubits."""
        return len(self.observables) if self.qubits is None else 1 << len(self.qubits)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Observables as text, or outcomes such as ``"P(01)"``, in which ``qubits[0]`` is the last character."""
        if self.qubits is None:
            return tuple(map(repr, self.observables))
        return tuple(f"P({outcome:0{len(self.qubits)}b})" for outcome in range(self.num_outputs))

    @property
    def num_weights(self) -> int:
        """Number of weights."""
        return len(self.weights)

    @cached_property
    def state_program(self) -> Program:
        """The circuit without observables, lowered on first use: gates that do not affect these affect states."""
        return Program(self.circuit, (), self.inputs, self.weights, self.precision)

    @cached_property
    def spectra(self) -> tuple[Array, ...]:
        """Positive frequencies of the outputs as functions of each weight.

        Raises
        ------
        QumbaError
            If a gate that is not a rotation depends on a weight.
        """
        return tuple(frequencies(self.circuit, weight) for weight in self.weights)

    def forward(self, X: ArrayLike, weights: ArrayLike) -> Array:
        """Compute outputs.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        weights : array-like, shape (n_weights,), radians

        Returns
        -------
        float ndarray, shape (n_samples, n_outputs)

        Raises
        ------
        ValueError
            If a shape is wrong, or a number is NaN or infinite.
        """
        return self.evaluate(self.inputs_of(self._features(X)), self._weights(weights))

    def backward(self, X: ArrayLike, weights: ArrayLike, cotangent: ArrayLike) -> tuple[Array, Array]:
        """Differentiate ``sum(cotangent * forward(X, weights))`` in one sweep.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        weights : array-like, shape (n_weights,), radians
        cotangent : array-like, shape (n_samples, n_outputs)
            Derivative of the loss with respect to each output.

        Returns
        -------
        d_weights : float ndarray, shape (n_weights,)
        d_X : float ndarray, shape (n_samples, n_features)
        """
        features = self._features(X)
        seeds = checked_rows("cotangent", cotangent, self.num_outputs)
        if len(seeds) != len(features):
            raise ValueError(f"cotangent must have one row per sample: expected {len(features)}, got {len(seeds)}")
        d_weights, d_inputs = self.differentiate(
            self.inputs_of(features), self._weights(weights), seeds, by_inputs=True
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
        y : array-like, shape (n_samples,) or (n_samples, n_outputs)
            Targets in the form that the loss takes.
        weights : array-like, shape (n_weights,), radians
        loss : str or Loss
            Loss function of the model's outputs.

        Returns
        -------
        value : float
        d_weights : float ndarray, shape (n_weights,)
        """
        check_unmasked(y, "y")
        features, targets = rows_of("X", X, self.num_features), np.asarray(y)
        if len(targets) != len(features):
            raise ValueError(f"y must have one target per sample: expected {len(features)}, got {len(targets)}")
        loss, inputs, weights = get_loss(loss), features, self._vector(weights)
        if self.data is not None:
            check_finite("X", features)
            inputs = self.inputs_of(features)
        return mean_loss_and_gradient(self.program, loss, inputs, targets, weights, self.qubits)

    def evaluate(self, inputs: Array, weights: Array) -> Array:
        """Compute outputs at inputs of the circuit, to which the data function has been applied; without checks."""
        if self.qubits is None:
            return expectations(self.program, inputs, weights)
        return probabilities(self.program, inputs, weights, self.qubits)

    def differentiate(
        self, inputs: Array, weights: Array, cotangent: Array | Cotangent, by_inputs: bool = False
    ) -> tuple[Array, Array | None]:
        """Differentiate a function of the outputs; see `qml.models.evaluation.Evaluation.sweep`."""
        return adjoint_sweep(self.program, inputs, weights, cotangent, by_inputs, self.qubits)[1:]

    def prepared(
        self, weights: Array, d_weights: Array, cotangent: Cotangent, by_inputs: bool
    ) -> Callable[[Array, slice], Array | None]:
        """Prepare `differentiate` for many batches, as `simulator.calculations.gradients.prepared_sweep`."""
        return prepared_sweep(self.program, weights, d_weights, cotangent, by_inputs, self.qubits)

    def calls(
        self,
        X: Array,
        weights: Array,
        outputs: Array,
        d_outputs: Array,
        d_weights: Array,
        d_X: Array | None,
        between: list[Any],
    ) -> list[Any] | None:
        """Prepare `differentiate` as calls, see `gradients.sweep_calls`; None if it needs Python."""
        if self.data is not None:
            return None
        return sweep_calls(self.program, X, weights, outputs, d_outputs, d_weights, d_X, self.qubits, between)

    def inputs_of(self, features: Array) -> Array:
        """Compute the values of the circuit's inputs, shape (n_samples, n_inputs)."""
        return features if self.data is None else checked_angles(self.data, features)

    def with_precision(self, precision: Literal["double", "single"]) -> QuantumModel:
        """Return the model with this precision of the amplitudes, lowered once."""
        return self if precision == self.precision else self._in_other_precision

    @cached_property
    def _in_other_precision(self) -> QuantumModel:
        out = copy.copy(self)
        out.__dict__.pop("state_program", None)
        out.precision = "double" if self.precision == "single" else "single"
        out.program = Program(
            self.circuit, self.program.observables, inputs=self.inputs, weights=self.weights, precision=out.precision
        )
        return out

    def without_data(self) -> QuantumModel:
        """Return a model of the same circuit, lowered once for both, with its inputs as features."""
        out = copy.copy(self)
        out.data, out.num_features = None, len(self.inputs)
        return out

    def split_encoding(self) -> tuple[Callable[[Array], Array], QuantumModel] | None:
        """Split off the encoding, as `qml.layers.Layer.split_encoding`: training then prepares its states once.

        Returns
        -------
        (callable, QuantumModel) or None
            Function from features to the states' amplitudes, shape (n_samples, 2 * 2**n_qubits), real and imaginary
            parts in turn; and the model of the remaining circuit, whose features they are. None if inputs follow
            weights, or the states take no time to prepare.
        """
        parts = split_encoding(self.program)
        if parts is None:
            return None
        encoding, remainder = parts
        out = copy.copy(self)
        out.__dict__.pop("state_program", None)
        out.circuit, out.program, out.inputs = remainder.circuit, remainder, remainder.inputs  # type: ignore[assignment]
        out.data, out.num_features = None, len(remainder.inputs)

        def encoded(features: Array) -> Array:
            amplitudes = states(encoding, self.inputs_of(features), np.empty(0))
            return np.ascontiguousarray(amplitudes, np.complex128).view(np.float64)

        return encoded, out

    def without_entanglement(self) -> QuantumModel:
        """Return the model of the circuit without gates on two or more qubits; see `Circuit.without_entanglement`.

        Its weights are the same ones, in the same order; those of removed gates have no effect.
        """
        return QuantumModel(
            self.circuit.without_entanglement(),
            self.inputs,
            self.weights,
            self.observables if self.outputs == "expectations" else (),
            outputs=self.outputs,
            qubits=self.qubits,
            precision=self.precision,
            data=self.data,
            num_features=self.num_features,
        )

    def _features(self, X: ArrayLike) -> Array:
        return checked_rows("X", X, self.num_features)

    def _weights(self, weights: ArrayLike) -> Array:
        out = self._vector(weights)
        check_finite("weights", out)
        return out

    def _vector(self, weights: ArrayLike) -> Array:
        """Convert weights and check their number only."""
        out = as_array(weights)
        if out.shape != (len(self.weights),):
            raise ValueError(f"weights must have shape ({len(self.weights)},), got {out.shape}")
        return out

    def __repr__(self) -> str:
        return (
            f"QuantumModel({self.circuit.num_qubits} qubits, {len(self.inputs)} inputs, {len(self.weights)} weights, "
            f"{self.num_outputs} {'observables' if self.qubits is None else 'probabilities'}, "
            f"precision={self.precision!r})"
        )

    def summary(self) -> str:
        """Return the model's inputs, weights and outputs as text, a line for each.

        Examples
        --------
        >>> from simulator import Circuit, ParameterVector, Z
        >>> x, w = ParameterVector("x", 2), ParameterVector("w", 3)
        >>> circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).cx(0, 1).ry(w[0], 0).ry(w[1], 1).rz(w[2], 0)
        >>> print(QuantumModel(circuit, x, w, [Z(0), Z(0) @ Z(1)]).summary())
        circuit  2 qubits, 6 gates, depth 4
        inputs   2: x[0], x[1]
        weights  3: w[0], w[1], w[2]
        outputs  2: Z(0), Z(0) @ Z(1)
        """
        return model_summary(self)

    def _repr_html_(self) -> str:
        return preformatted(self.summary()) + self.circuit._repr_html_()
