"""Sources of a model's outputs and gradients: the engine, the engine with noise, or a backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qml.models.probabilities import cotangent_of_strings, from_strings, standard_errors
from qml.models.quantum_model import Cotangent, QuantumModel
from qml.settings import check_backend
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Estimates
from simulator.caching import cached_property
from simulator.calculations.curvature import mean_metric
from simulator.calculations.statevector import states
from simulator.errors import QumbaError
from simulator.noise import NoiseModel
from simulator.noise import program as noise_program
from simulator.parameters import Parameter

__all__ = ["BackendEvaluation", "EngineEvaluation", "Evaluation", "NoisyEvaluation", "check_noise", "get_evaluation"]

Array = NDArray[np.float64]


class Evaluation(Protocol):
    """Values and derivatives of a model; inputs are those of the circuit, with the data function already applied."""

    @property
    def model(self) -> QuantumModel:
        """The model, in the precision in which it is evaluated."""
        ...

    def expectations(self, inputs: Array, weights: Array) -> Array:
        """Compute the model's outputs, expectation values or probabilities, shape (n_samples, n_outputs)."""
        ...

    def sweep(
        self, inputs: Array, weights: Array, cotangent: Cotangent, by_inputs: bool = False
    ) -> tuple[Array, Array | None]:
        """Differentiate a function of the outputs.

        Parameters
        ----------
        inputs : float ndarray, shape (n_samples, n_inputs)
        weights : float ndarray, shape (n_weights,)
        cotangent : callable
            Function of the outputs of consecutive samples and their slice that returns the derivative with respect to
            these outputs; called once for each chunk of samples.
        by_inputs : bool
            Whether to differentiate with respect to the inputs as well.

        Returns
        -------
        d_weights : float ndarray, shape (n_weights,)
        d_inputs : float ndarray, shape (n_samples, n_inputs), or None
        """
        ...

    def with_shots(self, shots: int, seed: int) -> Evaluation:
        """Return the evaluation with another number of shots for each circuit.

        Raises
        ------
        QumbaError
            If it is not a backend that measures with a number of shots.
        """
        ...

    def metric(self, inputs: Array, weights: Array, shares: Array) -> Array:
        """Compute the sum of the samples' Fubini-Study metrics with respect to the weights, times their shares.

        Parameters
        ----------
        inputs : float ndarray, shape (n_samples, n_inputs)
        weights : float ndarray, shape (n_weights,)
        shares : float ndarray, shape (n_samples,)

        Returns
        -------
        float ndarray, shape (n_weights, n_weights)

        Raises
        ------
        QumbaError
            If states are not known: with noise, and on a backend.
        """
        ...

    def fidelities(self, inputs: Array, weights: Array, others: Array) -> Array:
        """Compute the fidelities of the samples' states at ``weights`` with those at other weights.

        Parameters
        ----------
        inputs : float ndarray, shape (n_samples, n_inputs)
        weights : float ndarray, shape (n_weights,)
        others : float ndarray, shape (n_others, n_weights)

        Returns
        -------
        float ndarray, shape (n_others, n_samples)

        Raises
        ------
        QumbaError
            If states are not known: with noise, and on a backend.
        """
        ...


@dataclass(frozen=True)
class EngineEvaluation:
    """The engine: exact, without noise; gradients by the adjoint method.

    Parameters
    ----------
    model : QuantumModel
    """

    model: QuantumModel

    def expectations(self, inputs: Array, weights: Array) -> Array:
        return self.model.evaluate(inputs, weights)

    def sweep(
        self, inputs: Array, weights: Array, cotangent: Cotangent, by_inputs: bool = False
    ) -> tuple[Array, Array | None]:
        return self.model.differentiate(inputs, weights, cotangent, by_inputs)

    def with_shots(self, shots: int, seed: int) -> Evaluation:
        raise _no_shots("this engine")

    def prepared(
        self, weights: Array, d_weights: Array, cotangent: Cotangent, by_inputs: bool
    ) -> Callable[[Array, slice], Array | None]:
        """Prepare `sweep` for many batches, as `qml.layers.Layer.prepared`."""
        return self.model.prepared(weights, d_weights, cotangent, by_inputs)

    def metric(self, inputs: Array, weights: Array, shares: Array) -> Array:
        return mean_metric(self.model.program, inputs, weights, shares)

    def fidelities(self, inputs: Array, weights: Array, others: Array) -> Array:
        program = self.model.state_program
        bra = states(program, inputs, weights).conj()
        overlaps = [np.einsum("si,si->s", bra, states(program, inputs, other)) for other in others]
        return np.abs(np.array(overlaps).reshape(len(others), len(inputs))) ** 2


@dataclass(frozen=True)
class NoisyEvaluation:
    """The engine with noise; gradients by the adjoint method.

    Parameters
    ----------
    model : QuantumModel
    noise : NoiseModel
    seed : int
        Seed for the trajectories, used where a density matrix does not fit in memory; the same in every call.
    """

    model: QuantumModel
    noise: Any
    seed: int | None = 0

    @cached_property
    def program(self) -> Any:
        """The circuit with its noise, lowered once."""
        model = self.model
        return noise_program.NoisyProgram(
            model.circuit, model.observables, model.inputs, model.weights, noise=self.noise, seed=self.seed
        )

    def expectations(self, inputs: Array, weights: Array) -> Array:
        values = np.asarray(noise_program.expectations(self.program, inputs, weights))
        return values if self.model.qubits is None else from_strings(values)

    def sweep(
        self, inputs: Array, weights: Array, cotangent: Cotangent, by_inputs: bool = False
    ) -> tuple[Array, Array | None]:
        if self.model.qubits is not None:
            cotangent = cotangent_of_strings(cotangent)
        return noise_program.adjoint_sweep(self.program, inputs, weights, cotangent, by_inputs)[1:]

    def with_shots(self, shots: int, seed: int) -> Evaluation:
        raise _no_shots("a simulation with noise")

    def metric(self, inputs: Array, weights: Array, shares: Array) -> Array:
        raise _unknown_states("a simulation with noise")

    def fidelities(self, inputs: Array, weights: Array, others: Array) -> Array:
        raise _unknown_states("a simulation with noise")


@dataclass(frozen=True)
class BackendEvaluation:
    """A model on a backend: all samples in one request, gradients by parameter shift in the same.

    Parameters
    ----------
    model : QuantumModel
    backend : Backend
    resume : path, optional
        Folder in which the backend stores its jobs.
    """

    model: QuantumModel
    backend: Backend
    resume: str | PathLike[str] | None = None

    def expectations(self, inputs: Array, weights: Array) -> Array:
        return self.estimate(inputs, weights).values

    def estimate(self, inputs: Array, weights: Array) -> Estimates:
        """Estimate the outputs and their standard errors."""
        model = self.model
        values, errors = self.backend.estimate(
            model.circuit, model.observables, self.values(inputs, weights), resume=self.resume
        )
        if model.qubits is None:
            return Estimates(values, errors)
        return Estimates(from_strings(values), standard_errors(values, errors))

    def sweep(
        self, inputs: Array, weights: Array, cotangent: Cotangent, by_inputs: bool = False
    ) -> tuple[Array, Array | None]:
        model, trained = self.model, self._used(self.model.weights)
        if model.qubits is not None:
            cotangent = cotangent_of_strings(cotangent)
        encoding = self._used(model.inputs) if by_inputs else []
        values, derivatives = self.backend.expectation_and_gradient(
            model.circuit, model.observables, self.values(inputs, weights), trained + encoding, resume=self.resume
        )
        seeds = cotangent(values, slice(0, len(inputs)))
        d_weights = np.zeros(len(weights))
        columns = [model.weights.index(parameter) for parameter in trained]
        d_weights[columns] = np.tensordot(seeds, derivatives[:, :, : len(trained)], 2)
        if not by_inputs:
            return d_weights, None
        d_inputs = np.zeros(inputs.shape)
        columns = [model.inputs.index(parameter) for parameter in encoding]
        d_inputs[:, columns] = np.einsum("so,sop->sp", seeds, derivatives[:, :, len(trained) :])
        return d_weights, d_inputs

    def with_shots(self, shots: int, seed: int) -> Evaluation:
        if not hasattr(self.backend, "with_shots"):
            raise _no_shots(f"the backend {type(self.backend).__name__}")
        return replace(self, backend=self.backend.with_shots(shots, seed))

    def metric(self, inputs: Array, weights: Array, shares: Array) -> Array:
        raise _unknown_states(f"the backend {type(self.backend).__name__}")

    def fidelities(self, inputs: Array, weights: Array, others: Array) -> Array:
        raise _unknown_states(f"the backend {type(self.backend).__name__}")

    def plan(self, inputs: Array, weights: Array, gradient: bool = False, by_inputs: bool = False) -> Plan:
        """Estimate the cost of `expectations`, or with ``gradient`` of `sweep`."""
        model = self.model
        parameters = self._used(model.weights) + (self._used(model.inputs) if by_inputs else [])
        return self.backend.plan(
            model.circuit,
            model.observables,
            self.values(inputs, weights),
            gradient=parameters if gradient else None,
        )

    def values(self, inputs: Array, weights: Array) -> Array:
        """Return the values of the circuit's parameters in circuit order, shape (n_samples, n_parameters)."""
        model = self.model
        number = {parameter: k for k, parameter in enumerate((*model.inputs, *model.weights))}
        every = np.hstack([inputs, np.broadcast_to(weights, (len(inputs), len(weights)))])
        return np.ascontiguousarray(every[:, [number[parameter] for parameter in model.circuit.parameters]])

    def _used(self, parameters: Sequence[Parameter]) -> list[Parameter]:
        """Return the parameters that occur in the circuit."""
        used = set(self.model.circuit.parameters)
        return [parameter for parameter in parameters if parameter in used]


def _unknown_states(source: str) -> QumbaError:
    return QumbaError(
        f"{source} gives expectation values only, and a metric or a fidelity needs the states of the exact engine; "
        "leave out noise and backend, or use an optimizer without a metric, such as 'adam' or 'spsa'"
    )


def _no_shots(source: str) -> QumbaError:
    return QumbaError(
        f"{source} has no number of shots to choose; 'shot_adaptive_adam' needs a backend with shots, a ShotBackend or "
        "QiskitBackend; where expectation values are exact, 'adam' is the same"
    )


def check_noise(noise: Any, backend: Backend | str | None) -> None:
    """Raise unless ``noise`` is a noise model or None, and at most one of noise and backend is given."""
    if noise is not None and not isinstance(noise, NoiseModel):
        raise TypeError(f"noise expects a NoiseModel such as NoiseModel(depolarizing(0.01)), got {noise!r}")
    if noise is not None and backend is not None:
        raise ValueError("noise is what this engine simulates, a backend brings its own: give one of the two")


def get_evaluation(
    model: QuantumModel,
    backend: Backend | str | None = None,
    noise: Any = None,
    resume: str | PathLike[str] | None = None,
    seed: int | None = 0,
) -> Evaluation:
    """Return the evaluation for a backend or a noise model, by default the engine's.

    Amplitudes are in single precision if the model or the `NumbaBackend` says so, as "double" is the default of both;
    with noise always in double precision.

    Parameters
    ----------
    model : QuantumModel
    backend : Backend or "numba", optional
        Backend that evaluates the circuit; takes precedence over ``noise``, which applies to the engine.
    noise : NoiseModel, optional
    resume, seed : as in `BackendEvaluation`, `NoisyEvaluation`

    Raises
    ------
    TypeError
        If ``backend`` is not a backend.
    """
    checked_backend = check_backend(backend)
    if checked_backend is None and backend is not None:
        return EngineEvaluation(model)
    if isinstance(checked_backend, NumbaBackend):
        noise, seed = checked_backend.noise, checked_backend.seed
        if checked_backend.precision == "single" and noise is None:
            model = model.with_precision("single")
    elif checked_backend is not None:
        return BackendEvaluation(model, checked_backend, resume)
    return EngineEvaluation(model) if noise is None else NoisyEvaluation(model, noise, seed)
