"""Objectives of a Born machine: divergences from exact probabilities, and from samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from qml.estimators.own_objective.divergences import Divergence, MaximumMeanDiscrepancy
from qml.optimizers.objective import Objective, Rows
from qml.training.description import description, digest
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.trait import Backend, Folder
from simulator.calculations.gradients import state_sweep
from simulator.calculations.parameter_shift import shifted_circuit
from simulator.calculations.statevector import states
from simulator.circuit import Circuit
from simulator.program.program import Program

__all__ = ["DataDistribution", "ExactObjective", "SampledObjective", "frequencies"]

Array = NDArray[np.float64]

NO_INPUTS = np.zeros((1, 0))

MOST_PROBABILITIES = 1 << 22
"""Number of probabilities held at a time."""


@dataclass(frozen=True)
class DataDistribution:
    """Distribution of the training rows, as the target of an objective.

    Parameters
    ----------
    codes : int ndarray, shape (n_samples,)
        Basis state of each row.
    sample_weight : float ndarray, shape (n_samples,)
        Sample weights with mean 1.
    num_bits : int
    """

    codes: NDArray[np.int64]
    sample_weight: Array
    num_bits: int

    def target(self, rows: Rows) -> Array:
        """Compute the distribution of some rows, shape (2**num_bits,); its mean over batches is that of all rows."""
        codes = self.codes[rows]
        return np.bincount(codes, self.sample_weight[rows], 2**self.num_bits) / len(codes)


@dataclass(frozen=True)
class BornObjective(Objective):
    """Base of the objectives of a Born machine."""

    data: DataDistribution
    validation: Self | None
    loss: Divergence

    @property
    def n_samples(self) -> int:
        """Number of training rows."""
        return len(self.data.codes)

    def identity(self) -> dict[str, Any]:
        """Return what a checkpoint must agree with."""
        data, aside = self.data, self.validation
        return {
            "loss": description(self.loss),
            "rows": digest(data.codes),
            "sample weights": digest(data.sample_weight),
            "rows kept aside": None if aside is None else digest(aside.data.codes, aside.data.sample_weight),
        }

    def validation_score(self, weights: Array) -> float | None:
        """Compute the negative divergence from the held-out rows; None if there are none."""
        return None if self.validation is None else -self.validation.value(weights, slice(None))


@dataclass(frozen=True)
class ExactObjective(BornObjective):
    """Divergence of exact probabilities, differentiated by one adjoint sweep."""

    program: Program

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        """Compute the divergence from the rows, and its gradient, shape (n_weights,)."""
        target = self.data.target(rows)
        value = 0.0

        def cotangent(psi: NDArray[Any]) -> NDArray[Any]:
            nonlocal value
            probabilities = np.abs(psi[0]) ** 2
            value = self.loss.value(probabilities, target)
            return 2.0 * self.loss.gradient(probabilities, target) * psi  # type: ignore[no-any-return]

        gradient, _ = state_sweep(self.program, NO_INPUTS, weights, cotangent)
        return value, gradient

    def value(self, weights: Array, rows: Rows) -> float:
        """Compute the divergence from the rows."""
        return self.loss.value(np.abs(states(self.program, NO_INPUTS, weights)[0]) ** 2, self.data.target(rows))


@dataclass(frozen=True)
class SampledObjective(BornObjective):
    """Squared maximum mean discrepancy, without bias, from samples of the circuit.

    The derivative is that of the expectation of ``2 K (p - q)``, with p the frequencies in samples of their own, by
    parameter shift: an estimate without bias for any number of shots.

    Parameters
    ----------
    loss : MaximumMeanDiscrepancy
    circuit : Circuit
        Circuit with the weights as its parameters.
    shots : int
    backend : Backend
    seed : sequence of int
        Seed for the samples on this engine.
    jobs : path, optional
        Folder in which a remote backend stores its jobs.

    References
    ----------
    Liu and Wang, arXiv:1804.04168.
    """

    loss: MaximumMeanDiscrepancy
    circuit: Circuit
    shots: int
    backend: Backend
    seed: Sequence[int]
    jobs: Folder = None

    @property
    def is_random(self) -> bool:
        """True: samples are drawn anew in each step."""
        return True

    def identity(self) -> dict[str, Any]:
        return super().identity() | {"shots": self.shots, "backend": type(self.backend).__name__}

    def for_step(self, seed: Sequence[int]) -> SampledObjective:
        """Return the objective of one training step, with samples from this seed."""
        return replace(self, seed=seed)

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        """Estimate the discrepancy from the rows, and its gradient, shape (n_weights,)."""
        target = self.data.target(rows)
        shifted = shifted_circuit(self.circuit)
        drawn = self._drawn(shifted.circuit, shifted.values(weights[None]))
        at_weights = next(drawn)
        function = self.loss.gradient(at_weights, target)
        means = np.array([0.0, *(other @ function for other in drawn)])
        value = self.loss.unbiased_value(at_weights, self.shots, target)
        return value, shifted.gradient(means[:, None])[0, 0]

    def value(self, weights: Array, rows: Rows) -> float:
        """Estimate the discrepancy from the rows."""
        at_weights = next(self._drawn(self.circuit, weights[None]))
        return self.loss.unbiased_value(at_weights, self.shots, self.data.target(rows))

    def _drawn(self, circuit: Circuit, values: Array) -> Any:
        """Iterate over frequencies in samples at each set of values, shape (2**num_bits,)."""
        at_once = max(1, MOST_PROBABILITIES >> self.data.num_bits)
        rng = np.random.default_rng(list(self.seed))
        for begin in range(0, len(values), at_once):
            yield from frequencies(self.backend, circuit, values[begin : begin + at_once], self.shots, rng, self.jobs)


def frequencies(
    backend: Backend, circuit: Circuit, values: Array, shots: int, rng: np.random.Generator, jobs: Folder = None
) -> Array:
    """Sample a circuit at sets of values; return the frequency of each basis state, shape (n_sets, 2**n)."""
    if isinstance(backend, NumbaBackend):
        probabilities = np.maximum(backend.probabilities(circuit, values), 0.0)  # rounding of density matrices
        return rng.multinomial(shots, probabilities / probabilities.sum(axis=1, keepdims=True)) / shots
    out = np.zeros((len(values), 2**circuit.num_qubits))
    for row, counts in zip(out, backend.sample(circuit, values, shots, resume=jobs), strict=True):
        for bits, count in counts.items():
            row[int(bits, 2)] = count
        row /= row.sum()
    return out
