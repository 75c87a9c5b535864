"""Interface of backends, which run circuits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from os import PathLike
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simulator.backends.plan import Plan
from simulator.calculations.parameter_shift import shifted_circuit
from simulator.circuit import Circuit
from simulator.observables import PauliSum
from simulator.operations.binding import Values
from simulator.parameters import Parameter

__all__ = ["DEFAULT_SHOTS", "Backend", "Estimates", "Folder", "GradientAlone", "ParameterShift", "parameter_sets"]

FloatArray = NDArray[np.float64]
Folder = str | PathLike[str] | None

DEFAULT_SHOTS = 1024


class Estimates(NamedTuple):
    """Expectations and their standard errors.

    Parameters
    ----------
    values, standard_errors : float ndarray, shape (n_sets, n_observables)
        The errors account for shot noise only and are zero for exact values.
    """

    values: FloatArray
    standard_errors: FloatArray


@runtime_checkable
class Backend(Protocol):
    """Interface for running circuits on this engine, a Qiskit backend or hardware.

    In all methods, ``values`` is one set or many sets of values as in `Circuit.values_array`; results have an axis of
    sets, of length 1 for one set. ``resume`` is a folder in which a remote backend stores its jobs and their results:
    the same request with the same folder continues where it stopped, and finished jobs are not run again.
    """

    @property
    def name(self) -> str:
        """Name shown to users and in plans."""
        ...

    def expectations(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> FloatArray:
        """Compute expectation values, shape (n_sets, n_observables)."""
        ...

    def estimate(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> Estimates:
        """Estimate expectation values and their standard errors."""
        ...

    def expectation_and_gradient(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum],
        values: Values = None,
        parameters: Sequence[Parameter] | None = None,
        *,
        resume: Folder = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Compute expectation values and derivatives, shape (n_sets, n_observables, n_parameters), in one batch."""
        ...

    def gradient(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum],
        values: Values = None,
        parameters: Sequence[Parameter] | None = None,
        *,
        resume: Folder = None,
    ) -> FloatArray:
        """Compute derivatives, shape (n_sets, n_observables, n_parameters), by default for all parameters."""
        ...

    def sample(
        self, circuit: Circuit, values: Values = None, shots: int | None = None, *, resume: Folder = None
    ) -> list[dict[str, int]]:
        """Sample counts of outcomes for each set; qubit 0 is the last character, as in `Circuit.sample`."""
        ...

    def probabilities(
        self, circuit: Circuit, values: Values = None, *, outcomes: Sequence[int] | None = None, resume: Folder = None
    ) -> FloatArray:
        """Compute the probability of each basis state, shape (n_sets, 2**n); frequencies if the backend only samples.

        With ``outcomes``, only the probabilities of these basis states, shape (n_sets, n_outcomes), on any number of
        qubits.
        """
        ...

    def plan(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum] | None = None,
        values: Values = None,
        *,
        gradient: Sequence[Parameter] | None = None,
    ) -> Plan:
        """Estimate the cost of a run without sending anything.

        Parameters
        ----------
        circuit : Circuit
        observables : sequence of PauliSum, optional
            Observables to measure; without them, the plan is for `sample`.
        values : as in the other methods
        gradient : sequence of Parameter, optional
            Parameters to differentiate with respect to; with them, the plan is for `expectation_and_gradient`.
        """
        ...


def parameter_sets(circuit: Circuit, values: Values) -> FloatArray:
    """Convert ``values`` to an array with one row per set, shape (n_sets, n_parameters)."""
    return np.atleast_2d(circuit.values_array(values))


class GradientAlone(ABC):
    """Mixin for backends that compute a gradient together with the expectations."""

    @abstractmethod
    def expectation_and_gradient(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum],
        values: Values = None,
        parameters: Sequence[Parameter] | None = None,
        *,
        resume: Folder = None,
    ) -> tuple[FloatArray, FloatArray]:
        """See `Backend.expectation_and_gradient`."""

    def gradient(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum],
        values: Values = None,
        parameters: Sequence[Parameter] | None = None,
        *,
        resume: Folder = None,
    ) -> FloatArray:
        return self.expectation_and_gradient(circuit, observables, values, parameters, resume=resume)[1]


class ParameterShift(GradientAlone):
    """Mixin for backends that only measure: gradients by parameter shift, in one batch of `Backend.expectations`."""

    @abstractmethod
    def expectations(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> FloatArray:
        """See `Backend.expectations`."""

    def expectation_and_gradient(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum],
        values: Values = None,
        parameters: Sequence[Parameter] | None = None,
        *,
        resume: Folder = None,
    ) -> tuple[FloatArray, FloatArray]:
        shifted = shifted_circuit(circuit, None if parameters is None else tuple(parameters))
        points = shifted.values(parameter_sets(circuit, values))
        measured = self.expectations(shifted.circuit, observables, points, resume=resume)
        return shifted.expectations(measured), shifted.gradient(measured)
