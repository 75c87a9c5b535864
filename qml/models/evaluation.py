"""Where a model's expectations and gradients come from, if not from the engine at its fastest: noise, or a backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qml.models.quantum_model import QuantumModel
from qml.settings import check_backend
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Estimates
from simulator.noise import program as noise_program

__all__ = ["BackendEvaluation", "Evaluation", "NoisyEvaluation", "get_evaluation"]

Array = NDArray[np.float64]
Cotangent = Callable[[Array, slice], Array]


class Evaluation(Protocol):
    """A model's values and derivatives; inputs are those of the circuit, the feature map already applied."""

    def expectations(self, inputs: Array, weights: Array) -> Array:
        """Expectation values, shape (n_samples, n_observables)."""
        ...

    def sweep(self, inputs: Array, weights: Array, cotangent: Cotangent) -> Array:
        """Derivative by the weights, shape (n_weights,), of the function whose derivative by the values is given.

        ``cotangent`` takes expectations of consecutive samples and their slice, as in `calculations.gradients`.
        """
        ...


@dataclass(frozen=True)
class NoisyEvaluation:
    """The engine with noise; gradients by the adjoint method.

    Parameters
    ----------
    model : QuantumModel
    noise : NoiseModel
    seed : int
        Of the trajectories, where a density matrix does not fit: the same at every call.
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
        return np.asarray(noise_program.expectations(self.program, inputs, weights))

    def sweep(self, inputs: Array, weights: Array, cotangent: Cotangent) -> Array:
        return np.asarray(noise_program.adjoint_sweep(self.program, inputs, weights, cotangent)[1])


@dataclass(frozen=True)
class BackendEvaluation:
    """A model on a backend: all samples in one request, gradients by parameter shift in the same.

    Parameters
    ----------
    model : QuantumModel
    backend : Backend
    resume : path, optional
        Where the backend keeps its jobs.
    """

    model: QuantumModel
    backend: Backend
    resume: str | PathLike[str] | None = None

    def expectations(self, inputs: Array, weights: Array) -> Array:
        return self.estimate(inputs, weights).values

    def estimate(self, inputs: Array, weights: Array) -> Estimates:
        """Expectation values and their standard errors."""
        model = self.model
        return self.backend.estimate(model.circuit, model.observables, self.values(inputs, weights), resume=self.resume)

    def sweep(self, inputs: Array, weights: Array, cotangent: Cotangent) -> Array:
        model = self.model
        values, derivatives = self.backend.expectation_and_gradient(
            model.circuit, model.observables, self.values(inputs, weights), self._trained, resume=self.resume
        )
        seeds = cotangent(values, slice(0, len(inputs)))
        out = np.zeros(len(weights))
        out[[model.weights.index(parameter) for parameter in self._trained]] = np.tensordot(seeds, derivatives, 2)
        return out

    def plan(self, inputs: Array, weights: Array, gradient: bool = False) -> Plan:
        """What `expectations`, or `sweep`, would take."""
        model = self.model
        return self.backend.plan(
            model.circuit,
            model.observables,
            self.values(inputs, weights),
            gradient=self._trained if gradient else None,
        )

    def values(self, inputs: Array, weights: Array) -> Array:
        """Values of the circuit's parameters in their order, shape (n_samples, n_parameters)."""
        model = self.model
        number = {parameter: k for k, parameter in enumerate((*model.inputs, *model.weights))}
        every = np.hstack([inputs, np.broadcast_to(weights, (len(inputs), len(weights)))])
        return np.ascontiguousarray(every[:, [number[parameter] for parameter in model.circuit.parameters]])

    @cached_property
    def _trained(self) -> list[Any]:
        """Weights that the circuit uses."""
        used = set(self.model.circuit.parameters)
        return [parameter for parameter in self.model.weights if parameter in used]


def get_evaluation(
    model: QuantumModel,
    backend: Backend | str | None = None,
    noise: Any = None,
    resume: str | PathLike[str] | None = None,
    seed: int | None = 0,
) -> Evaluation | None:
    """The evaluation that backend or noise ask for; None for the engine itself, which needs none.

    Parameters
    ----------
    model : QuantumModel
    backend : Backend or "numba", optional
        Goes before ``noise``, which is the engine's.
    noise : NoiseModel, optional
    resume, seed : as in `BackendEvaluation`, `NoisyEvaluation`

    Raises
    ------
    TypeError
        If ``backend`` is none.
    """
    chosen = check_backend(backend)
    if chosen is None and backend is not None:
        return None
    if isinstance(chosen, NumbaBackend):
        noise, seed = chosen.noise, chosen.seed
    elif chosen is not None:
        return BackendEvaluation(model, chosen, resume)
    return None if noise is None else NoisyEvaluation(model, noise, seed)
