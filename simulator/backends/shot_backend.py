"""This engine as a device that measures: expectation values are means of a number of shots."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.plan import Plan
from simulator.backends.trait import DEFAULT_SHOTS, Estimates, Folder, ParameterShift, parameter_sets
from simulator.calculations.parameter_shift import shifted_circuit
from simulator.calculations.sampling import checked_shots
from simulator.circuit import Circuit
from simulator.noise.model import checked_noise
from simulator.observables import PauliSum
from simulator.operations.arguments import check_seed
from simulator.operations.binding import Values
from simulator.parameters import Parameter

__all__ = ["ShotBackend"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ShotBackend(ParameterShift):
    """Backend that estimates expectation values from shots, as hardware does; gradients are by parameter shift.

    Every Pauli string of an observable is measured with its own shots: the number of outcomes +1 is binomial, with the
    probability that the engine computes.

    Parameters
    ----------
    shots : int
        Number of shots for each Pauli string and each set of values.
    noise : NoiseModel, optional
    seed : int, optional
        Seed for the outcomes. With a seed, a request gives the same outcomes whenever it is made, and requests with
        other values or another number of shots give independent ones.

    Examples
    --------
    >>> from simulator import Circuit, ShotBackend, Z
    >>> backend = ShotBackend(shots=1000, seed=1)
    >>> values, errors = backend.estimate(Circuit(1).ry(1.0, 0), [Z(0)])
    >>> bool(abs(values[0, 0] - np.cos(1.0)) < 4 * errors[0, 0])
    True
    """

    shots: int = DEFAULT_SHOTS
    noise: Any = None
    seed: int | None = None

    def __post_init__(self) -> None:
        checked_shots(self.shots)
        checked_noise(self.noise)
        check_seed(self.seed)

    @property
    def name(self) -> str:
        return f"{self._exact.name} with shots"

    @property
    def _exact(self) -> NumbaBackend:
        return NumbaBackend(noise=self.noise, seed=self.seed)

    def with_shots(self, shots: int, seed: int | None = None) -> ShotBackend:
        """Return the backend with another number of shots, and another seed if it has one."""
        return replace(self, shots=shots, seed=None if self.seed is None else seed)

    def expectations(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> FloatArray:
        return self.estimate(circuit, observables, values).values

    def estimate(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> Estimates:
        sets = parameter_sets(circuit, values)
        strings = sorted({string for observable in observables for string in _strings(observable)})
        number = {string: k for k, string in enumerate(strings)}
        singles = [PauliSum([x], [z], [1.0]) for x, z in strings]
        means = np.zeros((len(sets), len(strings)))
        if strings:
            exact = self._exact.expectations(circuit, singles, sets)
            ones = self._rng(sets).binomial(self.shots, np.clip((1.0 + exact) / 2.0, 0.0, 1.0))
            means = 2.0 * ones / self.shots - 1.0
        variances = np.maximum(1.0 - means**2, 0.0) / max(self.shots - 1, 1)
        out = Estimates(np.zeros((len(sets), len(observables))), np.zeros((len(sets), len(observables))))
        for column, observable in enumerate(observables):
            factors = np.zeros(len(strings))
            for string, coefficient in zip(_strings(observable), observable.coefficients, strict=True):
                factors[number[string]] = coefficient
            out.values[:, column] = means @ factors
            out.standard_errors[:, column] = np.sqrt(variances @ factors**2)
        return out

    def sample(
        self, circuit: Circuit, values: Values = None, shots: int | None = None, *, resume: Folder = None
    ) -> list[dict[str, int]]:
        return self._exact.sample(circuit, values, self.shots if shots is None else shots)

    def probabilities(
        self, circuit: Circuit, values: Values = None, *, outcomes: Sequence[int] | None = None, resume: Folder = None
    ) -> FloatArray:
        exact = self._exact.probabilities(circuit, values)
        counts = self._rng(exact).multinomial(self.shots, exact / exact.sum(axis=1, keepdims=True))
        frequencies = counts / self.shots
        return frequencies if outcomes is None else frequencies[:, list(outcomes)]

    def plan(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum] | None = None,
        values: Values = None,
        *,
        gradient: Sequence[Parameter] | None = None,
    ) -> Plan:
        sets = parameter_sets(circuit, values)
        if gradient is not None:
            shifted = shifted_circuit(circuit, tuple(gradient))
            circuit, sets = shifted.circuit, shifted.values(sets)
        strings = {string for observable in observables or () for string in _strings(observable)}
        executions = len(sets) * max(1, len(strings))
        plan = self._exact.plan(circuit, observables, sets)
        return replace(
            plan, backend=self.name, executions=executions, shots=self.shots, total_shots=self.shots * executions
        )

    def _rng(self, values: FloatArray) -> np.random.Generator:
        """Return the generator for a request."""
        if self.seed is None:
            return np.random.default_rng()
        content = zlib.crc32(np.ascontiguousarray(values).tobytes())
        return np.random.default_rng([self.seed, self.shots, content])


def _strings(observable: PauliSum) -> list[tuple[int, int]]:
    """Return the masks of an observable's Pauli strings; that of the identity is (0, 0)."""
    return list(zip(observable.x_masks.tolist(), observable.z_masks.tolist(), strict=True))
