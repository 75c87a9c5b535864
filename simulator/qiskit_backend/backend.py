"""Any Qiskit backend, simulator or hardware, or a primitive, as one of ours."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from simulator.backends.plan import Plan
from simulator.backends.trait import Estimates, Folder, parameter_sets, shift_gradient
from simulator.calculations.parameter_shift import shifted_circuit
from simulator.calculations.sampling import checked_shots
from simulator.circuit import Circuit
from simulator.engines.numba import memory
from simulator.errors import BackendError
from simulator.observables import PauliSum
from simulator.operations.binding import Values
from simulator.parameters import Parameter
from simulator.qiskit_backend.costs import Costs, plan_of, sets_per_job
from simulator.qiskit_backend.jobs import Patience, run_jobs
from simulator.qiskit_backend.measurement import bases_of, num_groups
from simulator.qiskit_backend.options import Mitigation, as_factors
from simulator.qiskit_backend.pieces import Structure, cut, digest, structures
from simulator.qiskit_backend.primitives import CountsWork, EstimatorWork, counts_of
from simulator.qiskit_backend.progress import JobProgress
from simulator.qiskit_backend.records import Results, RunRecord
from simulator.qiskit_backend.target import Mode, Primitives, Target
from simulator.qiskit_backend.transpilation import Transpiled, transpiled

__all__ = ["QiskitBackend"]

FloatArray = NDArray[np.float64]
KEPT_CIRCUITS = 64


class QiskitBackend:
    """A Qiskit backend behind the trait `Backend`.

    A circuit is transpiled once a structure, a whole batch of parameter sets goes as one PUB (or as few as the
    backend's limits allow), and every job is written down before it is waited for. An IBM backend runs estimators
    and samplers of qiskit-ibm-runtime; any other runs bound circuits by ``backend.run``, whose counts become
    expectations here.

    Parameters
    ----------
    target : BackendV2, BaseEstimatorV2, BaseSamplerV2, Session or Batch
        What runs the circuits: ``QiskitRuntimeService().backend(...)``, ``AerSimulator()``, a fake backend, or a
        primitive or session of your own.
    shots : int
        Of each circuit in each measurement basis. A primitive of your own keeps its own precision unless this is given.
    precision : float, optional
        Standard error to aim at, instead of ``shots``: 1 / sqrt(shots).
    optimization_level : {0, 1, 2, 3}
        Of the transpiler.
    resilience_level : {0, 1, 2}
        IBM's: nothing, readout mitigation, and zero-noise extrapolation with twirling.
    readout_mitigation : bool, optional
        Overrules the level.
    zne : bool or sequence of float, optional
        Zero-noise extrapolation, at the usual or the given noise factors; overrules the level.
    dynamical_decoupling : bool or {"XX", "XpXm", "XY4"}
    twirling : bool, optional
        Of gates and measurements; overrules the level.
    mode : {"job", "batch", "session"}
        A batch holds the jobs of one request; a session stays open until `close`, and is opened anew when it expires.
    seed : int, optional
        Of the transpiler, and of simulators.
    primitives : {"auto", "executor", "v2", "run"}
        ``"auto"``: the runtime's new primitives for IBM's backends, and for fake ones where errors are to be mitigated;
        otherwise ``backend.run``. ``"v2"`` are the runtime's older primitives.
    options : mapping, optional
        More options of the runtime's primitives, in its own words.
    max_executions : int
        Circuits times shots that a job may hold; IBM's limit by default.
    max_sets_per_job : int, optional
        A limit of your own, in parameter sets.
    patience : Patience, optional
        Deadlines and retries.
    resubmit_unknown : bool
        Whether to send a job again of which nobody knows whether it arrived. It might run, and cost, twice.
    folder : path, optional
        Where jobs are recorded if no ``resume=`` is given; by default ``.qumba/jobs`` in the home directory. What has
        come back completely is deleted, except where ``resume=`` names the folder.
    progress : bool
        Whether to show a bar with the queue position.

    Notes
    -----
    Credentials are Qiskit's business, its saved account or environment. Nothing here stores or logs them, and a
    QiskitBackend cannot be pickled.

    Raises
    ------
    BackendError
        From all methods, before anything is sent, if the backend cannot run the circuit.
    JobError
        If jobs fail, see `run_jobs`; what has come back is kept, and ``resume=`` goes on.
    """

    def __init__(
        self,
        target: Any,
        *,
        shots: int | None = None,
        precision: float | None = None,
        optimization_level: int = 2,
        resilience_level: int = 0,
        readout_mitigation: bool | None = None,
        zne: bool | Sequence[float] | None = None,
        dynamical_decoupling: bool | str = False,
        twirling: bool | None = None,
        mode: Mode = "job",
        seed: int | None = None,
        primitives: Primitives = "auto",
        options: Mapping[str, Any] | None = None,
        max_executions: int = 10_000_000,
        max_sets_per_job: int | None = None,
        patience: Patience | None = None,
        resubmit_unknown: bool = False,
        folder: Folder = None,
        progress: bool = False,
    ) -> None:
        self.mitigation = Mitigation(
            resilience_level, readout_mitigation, as_factors(zne), dynamical_decoupling, twirling
        )
        self._given_shots = _shots(shots, precision)
        self.shots = self._given_shots or 4096
        self.optimization_level, self.mode, self.seed = optimization_level, mode, seed
        self.options = dict(options or {})
        self.max_executions, self.max_sets_per_job = max_executions, max_sets_per_job
        self.patience = patience or Patience()
        self.resubmit_unknown, self.progress = resubmit_unknown, progress
        self.folder = Path.home() / ".qumba" / "jobs" if folder is None else Path(folder)
        self._target = Target(
            target, self.mitigation, primitives=primitives, mode=mode, seed=seed, options=self.options
        )
        self._transpiled: dict[Circuit, Transpiled] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The backend's own, or the primitive's class."""
        return self._target.name

    def expectations(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> FloatArray:
        return self.estimate(circuit, observables, values, resume=resume).values

    def estimate(
        self, circuit: Circuit, observables: Sequence[PauliSum], values: Values = None, *, resume: Folder = None
    ) -> Estimates:
        sets = parameter_sets(circuit, values)
        observables = list(observables)
        for observable in observables:
            observable.check_fits(circuit.num_qubits)
        shape = (len(sets), len(observables))
        if not sets.shape[0] or not observables:
            return Estimates(np.zeros(shape), np.zeros(shape))
        found = self._structures(circuit, sets)
        parts = cut(found, self._sets_per_job(found, observables))
        work: EstimatorWork | CountsWork
        if self._target.has_estimator:
            work = self._estimator_work(parts, observables)
        else:
            work = self._counts_work(parts, self.shots, observables)
        results = self._run(work, digest(circuit, sets, observables, self._settings(self.shots)), resume)
        out = Estimates(np.empty(shape), np.empty(shape))
        for pieces, came in zip(parts, results, strict=True):
            rows = np.concatenate([piece.rows for piece in pieces])
            out.values[rows], out.standard_errors[rows] = came["values"], came["standard_errors"]
        return out

    def expectation_and_gradient(
        self,
        circuit: Circuit,
        observables: Sequence[PauliSum],
        values: Values = None,
        parameters: Sequence[Parameter] | None = None,
        *,
        resume: Folder = None,
    ) -> tuple[FloatArray, FloatArray]:
        return shift_gradient(self, circuit, observables, values, parameters, resume)

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

    def sample(
        self, circuit: Circuit, values: Values = None, shots: int | None = None, *, resume: Folder = None
    ) -> list[dict[str, int]]:
        sets = parameter_sets(circuit, values)
        times = self.shots if shots is None else _shots(shots, None)
        assert times is not None
        if self._target.is_estimator:
            raise BackendError(f"{self.name} is an estimator and gives no samples; give a sampler or the backend")
        found = self._structures(circuit, sets)
        parts = cut(found, self._sets_per_job(found, None, times))
        results = self._run(
            self._counts_work(parts, times, None), digest(circuit, sets, None, self._settings(times)), resume
        )
        out: list[dict[str, int]] = [{} for _ in sets]
        for pieces, came in zip(parts, results, strict=True):
            rows = np.concatenate([piece.rows for piece in pieces])
            for row, counts in zip(rows.tolist(), counts_of(came), strict=True):
                out[row] = counts
        return out

    def probabilities(
        self, circuit: Circuit, values: Values = None, *, outcomes: Sequence[int] | None = None, resume: Folder = None
    ) -> FloatArray:
        if outcomes is None:
            memory.check_state(circuit.num_qubits, len(parameter_sets(circuit, values)), "double")
            outcomes = range(1 << circuit.num_qubits)
        column = {outcome: k for k, outcome in enumerate(outcomes)}
        counts = self.sample(circuit, values, resume=resume)
        out = np.zeros((len(counts), len(outcomes)))
        for row, found in enumerate(counts):
            for outcome, count in found.items():
                if (number := int(outcome, 2)) in column:
                    out[row, column[number]] = count
            out[row] /= sum(found.values())
        return out

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
        try:
            found = self._structures(circuit, sets)
        except BackendError as error:
            return Plan(
                self.name, 0, len(sets), 0, 0, 0, self.shots, 0, circuit.num_qubits, 0, 0, problems=(str(error),)
            )
        costs = self._costs(observables)
        jobs = cut(found, self._sets_per_job(found, observables))
        return plan_of(self.name, self._target.backend, found, jobs, costs, self.mode)

    def close(self) -> None:
        """Close the session that ``mode="session"`` opened, so that its time stops counting."""
        self._target.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # a connection, not data: scikit-learn's clones share it

    def __reduce__(self) -> Any:
        raise TypeError(
            "a QiskitBackend is a connection and cannot be pickled, so that no credentials end in a file; "
            "make it where it is used, and set backend=None on what is to be pickled (n_jobs > 1 pickles, too)"
        )

    def __repr__(self) -> str:
        asked = [f"shots={self.shots}", f"optimization_level={self.optimization_level}"]
        if self.mitigation.is_on:
            asked.append(f"mitigation={self.mitigation.describe()!r}")
        return f"QiskitBackend({self.name}, {', '.join(asked)})"

    def _settings(self, shots: int) -> dict[str, Any]:
        """What results depend on, besides circuit, values and observables."""
        return {
            "backend": self.name,
            "shots": shots,
            "seed": self.seed,
            "optimization_level": self.optimization_level,
            "mitigation": repr(self.mitigation),
            "primitives": self._target.primitives,
            "options": self.options,
            "max_executions": self.max_executions,
            "max_sets_per_job": self.max_sets_per_job,
        }

    def _structures(self, circuit: Circuit, sets: FloatArray) -> list[Structure]:
        return structures(circuit, sets, self._transpile)

    def _transpile(self, circuit: Circuit) -> Transpiled:
        with self._lock:
            made = self._transpiled.pop(circuit, None)
            if made is None:
                made = transpiled(circuit, self._target.backend, self.optimization_level, self.seed)
                while len(self._transpiled) >= KEPT_CIRCUITS:
                    self._transpiled.pop(next(iter(self._transpiled)))
            self._transpiled[circuit] = made
            return made

    def _costs(self, observables: Sequence[PauliSum] | None, shots: int | None = None) -> Costs:
        bases = 1 if observables is None else len(bases_of(list(observables))[0])
        if observables is not None and self._target.has_estimator:
            bases = num_groups(observables)
        exact = self._target.is_estimator and self._given_shots is None
        return Costs(
            bases=bases,
            shots=0 if exact else shots or self.shots,
            mitigation=Mitigation() if observables is None else self.mitigation,
            calibrates=self._target.has_estimator and observables is not None and self.mitigation.mitigates_readout,
            max_executions=self.max_executions,
            max_sets=self.max_sets_per_job,
            runs_circuits=self._target.primitives == "run",
        )

    def _sets_per_job(
        self, found: Sequence[Structure], observables: Sequence[PauliSum] | None, shots: int | None = None
    ) -> int:
        return sets_per_job(self._costs(observables, shots), self._target.backend)

    def _estimator_work(self, parts: Any, observables: Sequence[PauliSum]) -> EstimatorWork:
        precision = None
        if self._target.primitives == "own" and self._given_shots is not None:
            precision = float(np.nextafter(self._given_shots**-0.5, 1.0))  # or rounding up gives a shot more
        return EstimatorWork(
            self.name, self._target.service, parts, self._target.maker(self.shots), observables, precision
        )

    def _counts_work(self, parts: Any, shots: int, observables: Sequence[PauliSum] | None) -> CountsWork:
        make = None if self._target.primitives == "run" else self._target.maker(None)
        return CountsWork(self.name, self._target.service, parts, shots, observables, make, self.seed)

    def _run(self, work: EstimatorWork | CountsWork, asked: str, resume: Folder) -> list[Results]:
        folder = Path(resume) if resume is not None else self._new_folder()
        record = RunRecord(folder, asked, self.name, work.num_parts)
        try:
            results = run_jobs(work, record, self.patience, JobProgress(self.progress), self.resubmit_unknown)
        finally:
            if self.mode == "batch":
                self.close()
        if resume is None:
            record.remove()
        return results

    def _new_folder(self) -> Path:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))
        except OSError as error:
            raise BackendError(
                f"jobs cannot be recorded in {self.folder} ({error.strerror}); give QiskitBackend(..., folder=...)"
            ) from error


def _shots(shots: int | None, precision: float | None) -> int | None:
    if precision is not None:
        if shots is not None:
            raise ValueError("give shots or precision, not both")
        if not 0 < precision < 1:
            raise ValueError(f"precision is a standard error between 0 and 1, got {precision!r}")
        return int(np.ceil(precision**-2 * (1 - 1e-12)))
    return None if shots is None else checked_shots(shots)
