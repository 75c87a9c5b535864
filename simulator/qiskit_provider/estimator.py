"""The engine as Qiskit's estimator primitive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import BaseEstimatorV2, DataBin, EstimatorPubLike, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from simulator.noise import NoiseModel, estimate
from simulator.observables import PauliSum
from simulator.qiskit_provider.observables import Strings, strings_of
from simulator.qiskit_provider.preparation import PreparedCircuit, groups_of_equal_structure, prepare_all
from simulator.qiskit_provider.sampling import Seed

__all__ = ["Estimator"]

FloatArray = NDArray[np.float64]

_WASTE = 4  # times more pairs than asked for may be computed, before observables go one by one


class Estimator(BaseEstimatorV2):
    """Qiskit's ``EstimatorV2`` on this engine: in place of ``StatevectorEstimator``, with the same arguments.

    The whole array of a pub is computed in one call of the engine, and so are pubs of the same circuit. Expectations
    are exact. Of circuits that measure or reset they are averages over the outcomes: exact too for small circuits
    without if-tests, else over 1000 trajectories, and ``stds`` has the standard error.

    Parameters
    ----------
    default_precision : float
        Standard deviation of normal noise that is added where neither `run` nor the pub says how much; 0 is exact.
    seed : int, numpy.random.Generator or None
        Of that noise. With the same int it is that of ``StatevectorEstimator``: each pub begins with this seed.
    noise : NoiseModel, optional
        Noise of gates and read-out.

    Examples
    --------
    >>> from qiskit import QuantumCircuit
    >>> bell = QuantumCircuit(2)
    >>> _ = bell.h(0), bell.cx(0, 1)
    >>> Estimator().run([(bell, ["ZZ", "XX", "ZI"])]).result()[0].data.evs.round(12)
    array([1., 1., 0.])
    """

    def __init__(self, *, default_precision: float = 0.0, seed: Seed = None, noise: NoiseModel | None = None) -> None:
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
            By the job's ``result()``: if a circuit cannot be simulated.
        """
        coerced = [EstimatorPub.coerce(pub, self.default_precision if precision is None else precision) for pub in pubs]
        job = PrimitiveJob(self._run, coerced)
        job._submit()
        return job

    def _run(self, pubs: list[EstimatorPub]) -> PrimitiveResult[PubResult]:
        prepared = prepare_all(pub.circuit for pub in pubs)
        whole = self.noise is not None  # a noise model may speak of particular qubits
        requests = [_Request(pub, one, whole) for pub, one in zip(pubs, prepared, strict=True)]
        shared: dict[Any, list[_Request]] = {}
        for request in requests:
            shared.setdefault((request.width, request.observables), []).append(request)
        for members in shared.values():
            self._evaluate(members)
        return PrimitiveResult([self._result(request) for request in requests], metadata={"version": 2})

    def _evaluate(self, requests: list[_Request]) -> None:
        """Expectations of requests with the same observables."""
        groups = groups_of_equal_structure([r.circuit for r in requests], [r.values for r in requests])
        for circuit, members, values in groups:
            observables, errors = list(requests[members[0]].observables), None
            if circuit.measures or self.noise is not None:
                seed = self.seed if isinstance(self.seed, int | None) else np.random.default_rng(self.seed)
                noise = self.noise or NoiseModel()
                estimated = estimate(circuit, observables, values, noise=noise, seed=seed, trajectories=None)
                found, errors = estimated.value, estimated.standard_error
            elif any(requests[member].is_sparse for member in members):
                found = _pairs(circuit, observables, values, [requests[member] for member in members])
            else:
                found = circuit.expectation(observables, values)
            begin = 0
            for member in members:
                end = begin + len(requests[member].values)
                requests[member].found = found[begin:end]
                requests[member].errors = None if errors is None else errors[begin:end]
                begin = end

    def _result(self, request: _Request) -> PubResult:
        pub = request.pub
        evs = np.asarray(request.found[request.rows, request.columns])
        stds = np.full(evs.shape, float(pub.precision))
        if request.errors is not None:
            stds = np.asarray(np.hypot(stds, request.errors[request.rows, request.columns]))
        if pub.precision:
            evs = np.asarray(np.random.default_rng(self.seed).normal(evs, pub.precision))
        data = DataBin(evs=evs, stds=stds, shape=evs.shape)
        return PubResult(data, metadata={"target_precision": pub.precision, "circuit_metadata": pub.circuit.metadata})


class _Request:
    """A pub as arrays: circuit on the qubits that matter, rows of values, distinct observables, which go together."""

    def __init__(self, pub: EstimatorPub, prepared: PreparedCircuit, whole: bool) -> None:
        self.pub = pub
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        self.values = prepared.angles(values.reshape(pub.parameter_values.size, prepared.angles.num_inputs))
        strings: dict[Strings, int] = {}
        numbers = [strings.setdefault(strings_of(observable), len(strings)) for observable in _flat(pub.observables)]
        support = prepared.used.union(*(found.qubits for found in strings))
        qubits = range(pub.circuit.num_qubits) if whole else sorted(support)
        self.circuit = prepared.compact(prepared.circuit.operations, qubits, prepared.circuit.num_clbits)
        self.width = len(qubits)
        place = {qubit: k for k, qubit in enumerate(qubits)}
        self.observables: tuple[PauliSum, ...] = tuple(found.pauli_sum(place) for found in strings)
        rows = np.arange(len(self.values)).reshape(pub.parameter_values.shape)
        columns = np.array(numbers, int).reshape(pub.observables.shape)
        self.rows, self.columns = np.broadcast_arrays(rows, columns)
        self.found: FloatArray = np.empty((0, 0))
        self.errors: FloatArray | None = None

    @property
    def is_sparse(self) -> bool:
        """Whether few of all pairs of values and observables are asked for."""
        return len(self.values) * len(self.observables) > _WASTE * self.rows.size


def _pairs(
    circuit: Any, observables: Sequence[PauliSum], values: FloatArray, requests: Sequence[_Request]
) -> FloatArray:
    """Only the expectations asked for; the others are left as NaN."""
    wanted = np.zeros((len(values), len(observables)), bool)
    begin = 0
    for request in requests:
        wanted[begin + request.rows, request.columns] = True
        begin += len(request.values)
    out = np.full(wanted.shape, np.nan)
    for column, observable in enumerate(observables):
        rows = np.flatnonzero(wanted[:, column])
        if len(rows):
            out[rows, column] = circuit.expectation(observable, values[rows])
    return out


def _flat(observables: Any) -> list[Any]:
    return list(observables.sparse_observables_array().ravel())
