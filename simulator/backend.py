"""Where circuits run: the trait of a backend, and this engine as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simulator.circuit import Circuit
from simulator.circuit.binding import Values
from simulator.observables import PauliSum
from simulator.parameter_shift import shifted_circuit
from simulator.parameters import Parameter
from simulator.plan import Plan

__all__ = ["Backend", "Estimates", "NumbaBackend", "parameter_sets"]

FloatArray = NDArray[np.float64]
Folder = str | PathLike[str] | None

DEFAULT_SHOTS = 1024
MOST_PROBABILITIES = 1 << 22  # held at once where only some are asked for


class Estimates(NamedTuple):
    """Expectations and how well they are known.

    Parameters
    ----------
    values, standard_errors : float ndarray, shape (n_sets, n_observables)
        The errors are of shot noise alone, and zero where values are exact.
    """

    values: FloatArray
    standard_errors: FloatArray


@runtime_checkable
class Backend(Protocol):
    """Something that runs circuits: this engine, a Qiskit backend, hardware.

    In all methods ``values`` are what `Circuit.values_array` takes, one set of them or many; results have an axis of
    sets, of length 1 for one. ``resume`` is a folder in which a remote backend keeps its jobs and what came back: the
    same request with the same folder goes on where it was, and nothing that has come back is run again.
    """

    @property
    def name(self) -> str:
        """For people and plans."""
        ...

    def expectations(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> FloatArray:
        """Expectation values, shape (n_sets, n_observables)."""
        ...

    def estimate(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> Estimates:
        """Expectation values and their standard errors."""
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
        """Expectation values, and their derivatives, shape (n_sets, n_observables, n_parameters), from one batch."""
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
        """Derivatives by ``parameters``, by default all, shape (n_sets, n_observables, n_parameters)."""
        ...

    def sample(
        self, circuit: Circuit, values: Values = None, shots: int | None = None, *, resume: Folder = None
    ) -> list[dict[str, int]]:
        """Counts of the outcomes for each set; qubit 0 is the last character, as in `Circuit.sample`."""
        ...

    def probabilities(
        self, circuit: Circuit, values: Values = None, *, outcomes: Sequence[int] | None = None, resume: Folder = None
    ) -> FloatArray:
        """Probability of each basis state, shape (n_sets, 2**n); frequencies where a backend only samples.

        With ``outcomes``, of these basis states only, shape (n_sets, n_outcomes), on any number of qubits.
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
        """What a run would take; nothing is sent.

        Parameters
        ----------
        circuit : Circuit
        observables : sequence of PauliSum, optional
            Without them, the plan is that of `sample`.
        values : as in the other methods
        gradient : sequence of Parameter, optional
            With them, the plan is that of `expectation_and_gradient`.
        """
        ...


@dataclass(frozen=True)
class NumbaBackend:
    """This engine: exact expectations, gradients by the adjoint method, optionally with noise.

    Parameters
    ----------
    noise : NoiseModel, optional
    precision : {"double", "single"}
        Of the amplitudes inside; with noise always double.
    seed : int, optional
        Of samples, and of trajectories where a density matrix does not fit.

    Examples
    --------
    >>> from simulator import Z
    >>> NumbaBackend().expectations(Circuit(2).h(0).cx(0, 1), [Z(0), Z(0) @ Z(1)]).round(12)
    array([[0., 1.]])
    """

    noise: Any = None
    precision: str = "double"
    seed: int | None = None

    @property
    def name(self) -> str:
        return "numba" if self.noise is None else "numba with noise"

    def expectations(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> FloatArray:
        sets = parameter_sets(circuit, values)
        options = {"precision": self.precision} if self.noise is None else self._noise()
        return np.asarray(circuit.expectation(list(observables), sets, **options))

    def estimate(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> Estimates:
        found = self.expectations(circuit, observables, values)
        return Estimates(found, np.zeros_like(found))

    def expectation_and_gradient(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum],
        values: Values = None,
        parameters: Sequence[Parameter] | None = None,
        *,
        resume: Folder = None,
    ) -> tuple[FloatArray, FloatArray]:
        sets = parameter_sets(circuit, values)
        options = {} if self.noise is None else self._noise()
        found, derivatives = circuit.expectation_and_gradient(list(observables), sets, **options)
        if parameters is not None:
            number = {parameter: k for k, parameter in enumerate(circuit.parameters)}
            derivatives = derivatives[:, :, [number[parameter] for parameter in parameters]]
        return np.asarray(found), derivatives

    def gradient(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum],
        values: Values = None,
        parameters: Sequence[Parameter] | None = None,
        *,
        resume: Folder = None,
    ) -> FloatArray:
        return self.expectation_and_gradient(circuit, observables, values, parameters)[1]

    def sample(
        self, circuit: Circuit, values: Values = None, shots: int | None = None, *, resume: Folder = None
    ) -> list[dict[str, int]]:
        options = {} if self.noise is None else {"noise": self.noise}
        rng = np.random.default_rng(self.seed)
        return [
            circuit.sample(row, shots=DEFAULT_SHOTS if shots is None else shots, seed=rng, **options)
            for row in parameter_sets(circuit, values)
        ]

    def probabilities(
        self, circuit: Circuit, values: Values = None, *, outcomes: Sequence[int] | None = None, resume: Folder = None
    ) -> FloatArray:
        sets = parameter_sets(circuit, values)
        if outcomes is None:
            return self._probabilities(circuit, sets)
        found = np.empty((len(sets), len(outcomes)))
        at_once = max(1, MOST_PROBABILITIES >> circuit.num_qubits * (1 if self.noise is None else 2))
        for begin in range(0, len(sets), at_once):
            rows = slice(begin, begin + at_once)
            found[rows] = self._probabilities(circuit, sets[rows])[:, list(outcomes)]
        return found

    def _probabilities(self, circuit: Circuit, sets: FloatArray) -> FloatArray:
        if self.noise is None:
            return np.asarray(circuit.probabilities(sets, precision=self.precision))
        states = np.asarray(circuit.density_matrix(sets, noise=self.noise))
        return np.diagonal(states, axis1=1, axis2=2).real.copy()

    def _noise(self) -> dict[str, Any]:
        return {"noise": self.noise, "seed": self.seed}

    def plan(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum] | None = None,
        values: Values = None,
        *,
        gradient: Sequence[Parameter] | None = None,
    ) -> Plan:
        count = len(parameter_sets(circuit, values))
        shots = DEFAULT_SHOTS if observables is None else 0
        return Plan(
            backend=self.name,
            circuits=1,
            parameter_sets=count,
            executions=count,
            pubs=0,
            jobs=0,
            shots=shots,
            total_shots=shots * count,
            qubits=circuit.num_qubits,
            depth=circuit.depth(),
            two_qubit_gates=sum(len(operation.qubits) == 2 for operation in circuit.operations),
            notes=("runs here: nothing is sent anywhere",),
        )


def parameter_sets(circuit: Circuit, values: Values) -> FloatArray:
    """``values`` as an array with one row a set, shape (n_sets, n_parameters)."""
    return np.atleast_2d(circuit.values_array(values))


def shift_gradient(
    backend: Backend,
    circuit: Circuit,
    observables: Sequence[PauliSum],
    values: Values,
    parameters: Sequence[Parameter] | None,
    resume: Folder,
) -> tuple[FloatArray, FloatArray]:
    """`Backend.expectation_and_gradient` of a backend that only measures: parameter shift, as one batch."""
    shifted = shifted_circuit(circuit, None if parameters is None else tuple(parameters))
    points = shifted.values(parameter_sets(circuit, values))
    measured = backend.expectations(shifted.circuit, observables, points, resume=resume)
    return shifted.expectations(measured), shifted.gradient(measured)
