"""Measurements that are functions of expectations, with their derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pennylane.measurements import ExpectationMP, MeasurementProcess, ProbabilityMP, VarianceMP

from simulator import pauli
from simulator.observables import PauliSum
from simulator.pennylane_device import observables

FloatArray = NDArray[np.float64]

MAX_PROBABILITY_WIRES = 10
"""Maximum number k of wires of probabilities, which take 2**k observables."""


class Expectation:
    """Expectation ``<O>``, shape () per sample."""

    shape: tuple[int, ...] = ()

    def __init__(self, observable: PauliSum) -> None:
        self.observables: tuple[PauliSum, ...] = (observable,)

    def value(self, f: FloatArray) -> FloatArray:
        """Compute the measurement, shape (n_samples, *shape), from expectations, shape (n_samples, n_observables)."""
        return f[:, 0]

    def pullback(self, f: FloatArray, cotangent: FloatArray) -> FloatArray:
        """Differentiate ``sum(cotangent * value(f))`` with respect to f, shape (n_samples, n_observables)."""
        return cotangent[:, None]


class Variance(Expectation):
    """Variance ``<O O> - <O>**2``, shape () per sample."""

    def __init__(self, observable: PauliSum) -> None:
        self.observables = (observable, observable @ observable)

    def value(self, f: FloatArray) -> FloatArray:
        return f[:, 1] - f[:, 0] ** 2

    def pullback(self, f: FloatArray, cotangent: FloatArray) -> FloatArray:
        return np.stack([-2 * f[:, 0] * cotangent, cotangent], axis=1)


class Probabilities(Expectation):
    """Probabilities of basis states of some qubits, shape (2**k,) per sample.

    They are the Walsh-Hadamard transform of the expectations of the 2**k Z strings on the qubits.
    """

    def __init__(self, qubits: tuple[int, ...]) -> None:
        size = 1 << len(qubits)
        masks = pauli.spread(np.arange(size), qubits).tolist()
        self.observables = tuple(PauliSum([0], [mask], [1.0]) for mask in masks)
        self.shape = (size,)

    def value(self, f: FloatArray) -> FloatArray:
        return pauli.walsh_hadamard(f) / self.shape[0]

    def pullback(self, f: FloatArray, cotangent: FloatArray) -> FloatArray:
        return pauli.walsh_hadamard(cotangent) / self.shape[0]


def readout(measurement: MeasurementProcess, qubits: Mapping[Any, int]) -> Expectation | None:
    """Express a measurement as a function of expectations; None if that is impossible, or takes too many."""
    if isinstance(measurement, ProbabilityMP):
        if measurement.obs is not None or measurement.eigvals() is not None or not measurement.wires:
            return None
        if len(measurement.wires) > MAX_PROBABILITY_WIRES:
            return None
        return Probabilities(tuple(qubits[w] for w in reversed(measurement.wires)))
    if not isinstance(measurement, ExpectationMP | VarianceMP):
        return None
    if measurement.obs is None:
        observable = observables.diagonal(measurement, qubits)
    else:
        observable = observables.pauli_sum(measurement.obs, qubits)
    if observable is None:
        return None
    return Expectation(observable) if isinstance(measurement, ExpectationMP) else Variance(observable)
