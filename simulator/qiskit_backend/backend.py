"""Any Qiskit backend or primitive, simulator or hardware, behind the trait `Backend`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from simulator import memory
from simulator.backends.plan import Plan
from simulator.backends.trait import Estimates, Folder, ParameterShift, parameter_sets
from simulator.calculations.parameter_shift import shifted_circuit
from simulator.calculations.sampling import checked_shots
from simulator.circuit import Circuit
from simulator.errors import BackendError
from simulator.observables import PauliSum
from simulator.operations.binding import Values
from simulator.parameters import Parameter
from simulator.qiskit_backend.costs import Costs, plan_of, sets_per_job
from simulator.qiskit_backend.jobs import run_jobs
from simulator.qiskit_backend.measurement import bases_of, num_groups
from simulator.qiskit_backend.options import Mitigation, as_factors, checked_shots_or_precision
from simulator.qiskit_backend.patience import Patience
from simulator.qiskit_backend.pieces import cut, digest, structures_of
from simulator.qiskit_backend.primitives import CountsWork, EstimatorWork, counts_of
from simulator.qiskit_backend.progress import JobProgress
from simulator.qiskit_backend.records import Results, RunRecord, new_run_folder
from simulator.qiskit_backend.target import Mode, Primitives, Target
from simulator.qiskit_backend.transpilation import TranspilationCache

__all__ = ["QiskitBackend"]

FloatArray = NDArray[np.float64]


class QiskitBackend(ParameterShift):
    """A Qiskit backend behind the trait `Backend`.

    A circuit is transpiled once per circuit structure, a whole batch of parameter sets is sent as one PUB (or as few as
    the backend's limits allow), and every job is recorded before it is waited for. IBM backends use the estimators and
    samplers of qiskit-ibm-runtime; other backends run bound circuits by ``backend.run``, and expectations are computed
    here from the counts.

    Parameters
    ----------
    target : BackendV2, BaseEstimatorV2, BaseSamplerV2, Session or Batch
        Backend or primitive that runs the circuits: ``QiskitRuntimeService().backend(...)``, ``AerSimulator()``, a fake
        backend, or a primitive or session that you configured.
    shots : int
        Number of shots for each circuit in each measurement basis. A primitive that you pass as the target keeps its
        default precision unless ``shots`` or ``precision`` is set.
    precision : float, optional
        Target standard error, instead of ``shots``: 1 / sqrt(shots).
    optimization_level : {0, 1, 2, 3}
        Optimization level of the transpiler.
    resilience_level : {0, 1, 2}
        IBM's levels: no mitigation, readout mitigation, and zero-noise extrapolation with twirling.
    readout_mitigation : bool, optional
        Whether to mitigate readout errors; overrides the level.
    zne : bool or sequence of float, optional
        Zero-noise extrapolation, at the default noise factors or those in the sequence; overrides the level.
    dynamical_decoupling : bool or {"XX", "XpXm", "XY4"}
        Whether to decouple idle qubits, or the pulse sequence to use.
    twirling : bool, optional
        Whether to twirl gates and measurements; overrides the level.
    mode : {"job", "batch", "session"}
        A batch holds the jobs of one request; a session stays open until `close`, and is reopened when it expires.
    seed : int, optional
        Seed of the transpiler and of simulators.
    primitives : {"auto", "executor", "v2", "run"}
        ``"auto"``: the runtime's new primitives for IBM's backends, and for fake backends with error mitigation;
        otherwise ``backend.run``. ``"v2"``: the runtime's older primitives.
    options : mapping, optional
        Further options of the runtime's primitives, under the runtime's names.
    max_executions : int
        Maximum of circuits times shots in a job; the default is IBM's limit.
    max_sets_per_job : int, optional
        Maximum number of parameter sets in a job.
    patience : Patience, optional
        Deadlines and retries.
    resubmit_unknown : bool
        Whether to send a job again if it is unknown whether it arrived. It might run, and be billed, twice.
    folder : path, optional
        Folder for job records if ``resume=`` is not set; by default ``.qumba/jobs`` in the home directory. The record
        of a complete run is deleted, unless ``resume=`` names the folder.
    progress : bool
        Whether to show a progress bar with the queue position.

    Notes
    -----
    Credentials stay with Qiskit, in its saved account or the environment. Nothing here stores or logs them, and a
    QiskitBackend cannot be pickled.

    Raises
    ------
    BackendError
        By all methods, before anything is sent, if the backend cannot run the circuit.
    JobError
        If jobs fail, see `run_jobs`; results that have arrived are stored, and ``resume=`` continues the run.
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
        self._requested_shots = checked_shots_or_precision(shots, precision)
        self.shots = self._requested_shots or 4096
        self.optimization_level, self.mode, self.seed = optimization_level, mode, seed
        self.options = dict(options or {})
        self.max_executions, self.max_sets_per_job = max_executions, max_sets_per_job
        self.patience = patience or Patience()
        self.resubmit_unknown, self.progress = resubmit_unknown, progress
        self.folder = Path.home() / ".qumba" / "jobs" if folder is None else Path(folder)
        self._target = Target(target, self.mitigation, primitives=primitives, mode=mode, options=self.options)
        self._transpile = TranspilationCache(self._target.backend, optimization_level, seed)

    def with_shots(self, shots: int, seed: int | None = None) -> Self:
        """Return the backend with another number of shots, and another seed for simulators if it has one."""
        copied = object.__new__(type(self))  # copy.copy would return this object
        vars(copied).update(vars(self))
        copied.shots = copied._requested_shots = checked_shots(shots)
        copied.seed = None if self.seed is None else seed
        return copied

    @property
    def name(self) -> str:
        """Name of the backend, or class of the primitive."""
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
        parts = cut(structures_of(circuit, sets, self._transpile), self._sets_per_job(observables))
        work: EstimatorWork | CountsWork
        if self._target.has_estimator:
            work = self._estimator_work(parts, observables)
        else:
            work = self._counts_work(parts, self.shots, observables)
        results = self._run(work, digest(circuit, sets, observables, self._settings(self.shots)), resume)
        out = Estimates(np.empty(shape), np.empty(shape))
        for pieces, result in zip(parts, results, strict=True):
            rows = np.concatenate([piece.rows for piece in pieces])
            out.values[rows], out.standard_errors[rows] = result["values"], result["standard_errors"]
        return out

    def sample(
        self, circuit: Circuit, values: Values = None, shots: int | None = None, *, resume: Folder = None
    ) -> list[dict[str, int]]:
        sets = parameter_sets(circuit, values)
        num_shots = self.shots if shots is None else checked_shots(shots)
        if self._target.is_estimator:
            raise BackendError(f"{self.name} is an estimator and cannot sample; pass a sampler or the backend instead")
        parts = cut(structures_of(circuit, sets, self._transpile), self._sets_per_job(None, num_shots))
        results = self._run(
            self._counts_work(parts, num_shots, None), digest(circuit, sets, None, self._settings(num_shots)), resume
        )
        out: list[dict[str, int]] = [{} for _ in sets]
        for pieces, result in zip(parts, results, strict=True):
            rows = np.concatenate([piece.rows for piece in pieces])
            for row, counts in zip(rows.tolist(), counts_of(result), strict=True):
                out[row] = counts
        return out

    def probabilities(
        self, circuit: Circuit, values: Values = None, *, outcomes: Sequence[int] | None = None, resume: Folder = None
    ) -> FloatArray:
        if outcomes is None:
            memory.check_state(circuit.num_qubits, len(parameter_sets(circuit, values)), "double")
            outcomes = range(1 << circuit.num_qubits)
        column = {outcome: k for k, outcome in enumerate(outcomes)}
        samples = self.sample(circuit, values, resume=resume)
        out = np.zeros((len(samples), len(outcomes)))
        for row, counts in enumerate(samples):
            for outcome, count in counts.items():
                if (number := int(outcome, 2)) in column:
                    out[row, column[number]] = count
            out[row] /= sum(counts.values())
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
            structures = structures_of(circuit, sets, self._transpile)
        except BackendError as error:
            return Plan(
                self.name, 0, len(sets), 0, 0, 0, self.shots, 0, circuit.num_qubits, 0, 0, problems=(str(error),)
            )
        costs = self._costs(observables)
        jobs = cut(structures, self._sets_per_job(observables))
        return plan_of(self.name, self._target.backend, structures, jobs, costs, self.mode)

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
            "a QiskitBackend is a connection and cannot be pickled, so that no credentials end up in a file; "
            "create it where it is used, and set backend=None on the object to be pickled (n_jobs > 1 pickles too)"
        )

    def __repr__(self) -> str:
        settings = [f"shots={self.shots}", f"optimization_level={self.optimization_level}"]
        if self.mitigation.is_on:
            settings.append(f"mitigation={self.mitigation.describe()!r}")
        return f"QiskitBackend({self.name}, {', '.join(settings)})"

    def _settings(self, shots: int) -> dict[str, Any]:
        """Return the settings that results depend on, besides circuit, values and observables."""
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

    def _costs(self, observables: Sequence[PauliSum] | None, shots: int | None = None) -> Costs:
        bases = 1 if observables is None else len(bases_of(list(observables))[0])
        if observables is not None and self._target.has_estimator:
            bases = num_groups(observables)
        exact = self._target.is_estimator and self._requested_shots is None
        return Costs(
            bases=bases,
            shots=0 if exact else shots or self.shots,
            mitigation=Mitigation() if observables is None else self.mitigation,
            calibrates=self._target.has_estimator and observables is not None and self.mitigation.mitigates_readout,
            max_executions=self.max_executions,
            max_sets=self.max_sets_per_job,
            runs_circuits=self._target.primitives == "run",
        )

    def _sets_per_job(self, observables: Sequence[PauliSum] | None, shots: int | None = None) -> int:
        return sets_per_job(self._costs(observables, shots), self._target.backend)

    def _estimator_work(self, parts: Any, observables: Sequence[PauliSum]) -> EstimatorWork:
        precision = None
        if self._target.primitives == "own" and self._requested_shots is not None:
            precision = float(np.nextafter(self._requested_shots**-0.5, 1.0))  # otherwise rounding up adds a shot
        return EstimatorWork(
            self.name, self._target.service, parts, self._target.maker(self.shots, self.seed), observables, precision
        )

    def _counts_work(self, parts: Any, shots: int, observables: Sequence[PauliSum] | None) -> CountsWork:
        make = None if self._target.primitives == "run" else self._target.maker(None, self.seed)
        return CountsWork(self.name, self._target.service, parts, shots, observables, make, self.seed)

    def _run(self, work: EstimatorWork | CountsWork, request_digest: str, resume: Folder) -> list[Results]:
        folder = Path(resume) if resume is not None else new_run_folder(self.folder)
        record = RunRecord(folder, request_digest, self.name, work.num_parts)
        try:
            results = run_jobs(work, record, self.patience, JobProgress(self.progress), self.resubmit_unknown)
        finally:
            if self.mode == "batch":
                self.close()
        if resume is None:
            record.remove()
        return results
