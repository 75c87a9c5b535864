"""Quantum kernels by measurement on a backend: Pauli expectations of samples, fidelities of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.feature_maps import Encoding
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.observables import PauliSum
from simulator.parameters import Parameter

__all__ = ["MeasuredFidelities", "MeasuredPaulis", "pairs_of"]

Array = NDArray[Any]


class MeasuredPaulis:
    """Pauli expectations of the states of samples, with one parameter set of one circuit per sample.

    Parameters
    ----------
    encoding : Encoding
    weights : float ndarray, shape (n_weights,), radians
    observables : sequence of PauliSum
    backend : Backend
    """

    def __init__(self, encoding: Encoding, weights: Array, observables: Sequence[PauliSum], backend: Backend) -> None:
        self._circuit = _with_weights(encoding, weights)
        self._inputs = encoding.inputs
        self._observables = list(observables)
        self._backend = backend

    def __call__(self, inputs: Array, resume: Folder = None) -> Array:
        """Expectations, shape (n_samples, n_observables), for inputs of shape (n_samples, n_inputs)."""
        return self._backend.expectations(self._circuit, self._observables, self._values(inputs), resume=resume)

    def plan(self, inputs: Array) -> Plan:
        """Estimate the cost."""
        return self._backend.plan(self._circuit, self._observables, self._values(inputs))

    def _values(self, inputs: Array) -> Array:
        return _in_order(self._circuit, self._inputs, inputs)


class MeasuredFidelities:
    """``|<psi(x)|psi(y)>|**2`` as the probability of all zeros after ``U(x)^dagger U(y)``; a parameter set per pair.

    Parameters
    ----------
    encoding : Encoding
    weights : float ndarray, shape (n_weights,), radians
    backend : Backend

    Raises
    ------
    NotImplementedError
        If the feature map has no inverse, such as one that sets amplitudes.
    """

    def __init__(self, encoding: Encoding, weights: Array, backend: Backend) -> None:
        circuit = _with_weights(encoding, weights)
        others = tuple(Parameter(f"{parameter.name}'") for parameter in encoding.inputs)
        renamed = dict(zip(encoding.inputs, others, strict=True))
        try:
            undone = circuit.inverse()
        except CircuitError as error:
            raise NotImplementedError(
                f"a fidelity is measured by running the feature map backwards, and this one has no inverse: {error}; "
                "a ProjectedKernel needs none"
            ) from error
        self._circuit = circuit.bind({p: renamed[p] for p in circuit.parameters}) + undone
        self._inputs = encoding.inputs + others
        self._backend = backend

    def __call__(self, inputs: Array, others: Array, resume: Folder = None) -> Array:
        """Fidelities of pairs, shape (n_pairs,), for the inputs of both, shapes (n_pairs, n_inputs)."""
        values = self._values(inputs, others)
        if not len(values):
            return np.zeros(0)
        return self._backend.probabilities(self._circuit, values, outcomes=[0], resume=resume)[:, 0]

    def plan(self, inputs: Array, others: Array) -> Plan:
        """Estimate the cost."""
        return self._backend.plan(self._circuit, values=self._values(inputs, others))

    def _values(self, inputs: Array, others: Array) -> Array:
        return _in_order(self._circuit, self._inputs, np.hstack([inputs, others]))


def pairs_of(count: int, others: int | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the matrix entries that have to be measured: below the diagonal where it is symmetric."""
    if others is None:
        rows, columns = np.tril_indices(count, -1)
        return rows, columns
    rows, columns = np.indices((count, others)).reshape(2, -1)
    return rows, columns


def _with_weights(encoding: Encoding, weights: Array) -> Circuit:
    values = dict(zip(encoding.weights, weights.tolist(), strict=True))
    return encoding.circuit.bind({p: values[p] for p in encoding.circuit.parameters if p in values})


def _in_order(circuit: Circuit, parameters: Sequence[Parameter], values: Array) -> Array:
    """Return the columns of ``values``, one per parameter, in the order of the circuit's parameters."""
    number = {parameter: k for k, parameter in enumerate(parameters)}
    return np.ascontiguousarray(values[:, [number[parameter] for parameter in circuit.parameters]], np.float64)
