"""The engine as Qiskit's estimator primitive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import BaseEstimatorV2, DataBin, EstimatorPubLike, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from simulator.noise import NoiseModel, estimate
from simulator.noise.model import checked_noise
from simulator.observables import PauliSum
from simulator.operations.arguments import check_seed
from simulator.qiskit_provider.observables import Strings, strings_of
from simulator.qiskit_provider.preparation import PreparedCircuit, groups_of_equal_structure, prepare_all
from simulator.qiskit_provider.sampling import Seed

__all__ = ["Estimator"]

FloatArray = NDArray[np.float64]

_MAX_WASTE = 4
"""How many times more pairs than requested may be computed before observables are evaluated one by one."""


class Estimator(BaseEstimatorV2):
    """Qiskit's ``EstimatorV2`` on this engine; replaces ``StatevectorEstimator``, with the same arguments.

    The whole array of a pub is computed in one call of the engine, and so are pubs of the same circuit. Expectations
    are exact. For circuits with measurements or resets, they are averages over the outcomes: exact too for small
    circuits without if-tests, otherwise over 1000 trajectories, with the standard error in ``stds``.

    Parameters
    ----------
    default_precision : float
        Standard deviation of the normal noise that is added if neither `run` nor the pub sets a precision; 0 is exact.
    seed : int, numpy.random.Generator or None
        Seed of that noise. An int gives the same noise as ``StatevectorEstimator``: each pub starts with this seed.
    noise : NoiseModel, optional
        Noise of gates and readout.

    Examples
    --------
    >>> from qiskit import QuantumCircuit
    >>> bell = QuantumCircuit(2)
    >>> _ = bell.h(0), bell.cx(0, 1)
    >>> Estimator().run([(bell, ["ZZ", "XX", "ZI"])]).result()[0].data.evs.round(12)
    array([1., 1., 0.])
    """

    def __init__(self, *, default_precision: float = 0.0, seed: Seed = None, noise: NoiseModel | None = None) -> None:
        precision: Any = default_precision
        if isinstance(precision, bool) or not isinstance(precision, Real) or not float(precision) >= 0:
            raise ValueError(f"default_precision is a number of 0 or more, got {precision!r}")
        check_seed(seed)
        checked_noise(noise)
        self.default_precision, self.seed, self.noise = default_precision, seed, noise

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Estimate pubs ``(circuit, observables, parameter_values, precision)``; the last two are optional.

        Raises
        ------
        ValueError
            If the observables, values or precision do not fit.
        UnsupportedCircuitError
            By ``result()`` of the job, if a circuit cannot be simulated.
        """
        coerced = [EstimatorPub.coerce(pub, self.default_precision if precision is None else precision) for pub in pubs]
        job = PrimitiveJob(self._run, coerced)
        job._submit()
        return job

    def _run(self, pubs: list[EstimatorPub]) -> PrimitiveResult[PubResult]:
        prepared = prepare_all(pub.circuit for pub in pubs)
        keep_qubits = self.noise is not None  # a noise model may refer to particular qubits
        requests = [_Request(pub, circuit, keep_qubits) for pub, circuit in zip(pubs, prepared, strict=True)]
        shared: dict[Any, list[_Request]] = {}
        for request in requests:
            shared.setdefault((request.width, request.observables), []).append(request)
        for members in shared.values():
            self._evaluate(members)
        return PrimitiveResult([self._result(request) for request in requests], metadata={"version": 2})

    def _evaluate(self, requests: list[_Request]) -> None:
        """Compute the expectations of requests with the same observables."""
        groups = groups_of_equal_structure([r.circuit for r in requests], [r.values for r in requests])
        for circuit, members, values in groups:
            observables, errors = list(requests[members[0]].observables), None
            if circuit.measures or self.noise is not None:
                seed = self.seed if isinstance(self.seed, int | None) else np.random.default_rng(self.seed)
                noise = self.noise or NoiseModel()
                estimated = estimate(circuit, observables, values, noise=noise, seed=seed, trajectories=None)
                expectations, errors = estimated.value, estimated.standard_error
            elif any(requests[member].is_sparse for member in members):
                expectations = _requested_pairs(circuit, observables, values, [requests[member] for member in members])
            else:
                expectations = circuit.expectation(observables, values)
            begin = 0
            for member in members:
                end = begin + len(requests[member].values)
                requests[member].expectations = expectations[begin:end]
                requests[member].errors = None if errors is None else errors[begin:end]
                begin = end

    def _result(self, request: _Request) -> PubResult:
        pub = request.pub
        evs = np.asarray(request.expectations[request.rows, request.columns])
        stds = np.full(evs.shape, float(pub.precision))
        if request.errors is not None:
            stds = np.asarray(np.hypot(stds, request.errors[request.rows, request.columns]))
        if pub.precision:
            evs = np.asarray(np.random.default_rng(self.seed).normal(evs, pub.precision))
        data = DataBin(evs=evs, stds=stds, shape=evs.shape)
        return PubResult(data, metadata={"target_precision": pub.precision, "circuit_metadata": pub.circuit.metadata})


class _Request:
    """A pub as arrays: circuit on the relevant qubits, rows of values, distinct observables, requested pairs."""

    def __init__(self, pub: EstimatorPub, prepared: PreparedCircuit, keep_qubits: bool) -> None:
        self.pub = pub
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        self.values = prepared.angles(values.reshape(pub.parameter_values.size, prepared.angles.num_inputs))
        strings: dict[Strings, int] = {}
        numbers = [strings.setdefault(strings_of(observable), len(strings)) for observable in _flat(pub.observables)]
        support = prepared.used.union(*(observable.qubits for observable in strings))
        qubits = range(pub.circuit.num_qubits) if keep_qubits else sorted(support)
        self.circuit = prepared.compact(prepared.circuit.operations, qubits, prepared.circuit.num_clbits)
        self.width = len(qubits)
        position = {qubit: k for k, qubit in enumerate(qubits)}
        self.observables: tuple[PauliSum, ...] = tuple(observable.pauli_sum(position) for observable in strings)
        rows = np.arange(len(self.values)).reshape(pub.parameter_values.shape)
        columns = np.array(numbers, int).reshape(pub.observables.shape)
        self.rows, self.columns = np.broadcast_arrays(rows, columns)
        self.expectations: FloatArray = np.empty((0, 0))
        self.errors: FloatArray | None = None

    @property
    def is_sparse(self) -> bool:
        """Whether few of all pairs of values and observables are requested."""
        return len(self.values) * len(self.observables) > _MAX_WASTE * self.rows.size


def _requested_pairs(
    circuit: Any, observables: Sequence[PauliSum], values: FloatArray, requests: Sequence[_Request]
) -> FloatArray:
    """Compute only the requested expectations; all others are NaN."""
    is_requested = np.zeros((len(values), len(observables)), bool)
    begin = 0
    for request in requests:
        is_requested[begin + request.rows, request.columns] = True
        begin += len(request.values)
    out = np.full(is_requested.shape, np.nan)
    for column, observable in enumerate(observables):
        rows = np.flatnonzero(is_requested[:, column])
        if len(rows):
            out[rows, column] = circuit.expectation(observable, values[rows])
    return out


def _flat(observables: Any) -> list[Any]:
    return list(observables.sparse_observables_array().ravel())
