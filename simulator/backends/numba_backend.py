"""This engine as a backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.backends.plan import Plan
from simulator.backends.trait import DEFAULT_SHOTS, Estimates, Folder, GradientAlone, parameter_sets
from simulator.circuit import Circuit
from simulator.noise.model import checked_noise
from simulator.observables import PauliSum
from simulator.operations.arguments import check_seed
from simulator.operations.binding import Values
from simulator.parameters import Parameter
from simulator.program.program import check_precision

__all__ = ["NumbaBackend"]

FloatArray = NDArray[np.float64]

MAX_PROBABILITIES = 1 << 22
"""Maximum number of probabilities that are held at the same time if only some outcomes are requested."""


@dataclass(frozen=True)
class NumbaBackend(GradientAlone):
    """Backend that uses this engine: exact expectations and adjoint gradients, optionally with noise.

    Parameters
    ----------
    noise : NoiseModel, optional
    precision : {"double", "single"}
        Precision of the amplitudes; always double with noise.
    seed : int, optional
        Seed for samples, and for trajectories if a density matrix is too large.

    Raises
    ------
    NoiseError
        If ``noise`` is not a noise model.
    ValueError
        If the precision is unknown, or the seed is not an integer of 0 or more.

    Examples
    --------
    >>> from simulator import Circuit, NumbaBackend, Z
    >>> NumbaBackend().expectations(Circuit(2).h(0).cx(0, 1), [Z(0), Z(0) @ Z(1)]).round(12)
    array([[0., 1.]])
    """

    noise: Any = None
    precision: str = "double"
    seed: int | None = None

    def __post_init__(self) -> None:
        checked_noise(self.noise)
        check_precision(self.precision)
        check_seed(self.seed)

    @property
    def name(self) -> str:
        return "numba" if self.noise is None else "numba with noise"

    def expectations(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> FloatArray:
        sets = parameter_sets(circuit, values)
        return np.asarray(circuit.expectation(list(observables), sets, **self._options()))

    def estimate(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> Estimates:
        values_out = self.expectations(circuit, observables, values)
        return Estimates(values_out, np.zeros_like(values_out))

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
        values_out, derivatives = circuit.expectation_and_gradient(list(observables), sets, **self._options())
        if parameters is not None:
            number = {parameter: k for k, parameter in enumerate(circuit.parameters)}
            derivatives = derivatives[:, :, [number[parameter] for parameter in parameters]]
        return np.asarray(values_out), derivatives

    def sample(
        self, circuit: Circuit, values: Values = None, shots: int | None = None, *, resume: Folder = None
    ) -> list[dict[str, int]]:
        options: dict[str, Any] = {"precision": self.precision} if self.noise is None else {"noise": self.noise}
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
        frequencies = np.empty((len(sets), len(outcomes)))
        chunk = max(1, MAX_PROBABILITIES >> circuit.num_qubits * (1 if self.noise is None else 2))
        for begin in range(0, len(sets), chunk):
            rows = slice(begin, begin + chunk)
            frequencies[rows] = self._probabilities(circuit, sets[rows])[:, list(outcomes)]
        return frequencies

    def _probabilities(self, circuit: Circuit, sets: FloatArray) -> FloatArray:
        if self.noise is None:
            return np.asarray(circuit.probabilities(sets, precision=self.precision))
        states = np.asarray(circuit.density_matrix(sets, noise=self.noise))
        return np.diagonal(states, axis1=1, axis2=2).real.copy()

    def _options(self) -> dict[str, Any]:
        return {"precision": self.precision} if self.noise is None else {"noise": self.noise, "seed": self.seed}

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
