"""The cost of a request on a backend: circuits, jobs, shots, and an estimate of seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.backends.plan import Plan
from simulator.qiskit_backend.options import Mitigation
from simulator.qiskit_backend.pieces import Piece, Structure

__all__ = ["Costs", "plan_of", "sets_per_job"]

JOB_SECONDS = 2.0
"""Seconds that a job on hardware takes besides its shots; roughly what small IBM jobs are billed."""

MAX_TWO_QUBIT_GATES = 10_000
"""Two-qubit gates per circuit above which IBM's service may refuse the job (its page "Job limits")."""

MAX_JOB_SECONDS = 3 * 3600
"""IBM's maximum execution time of a job, in seconds (its page "Maximum execution time")."""


@dataclass(frozen=True)
class Costs:
    """The quantities that decide how a request is cut into jobs and what it costs.

    Parameters
    ----------
    bases : int
        Number of measurement bases of the observables.
    shots : int
        Number of shots of each circuit; 0 if the primitive decides.
    mitigation : Mitigation
    calibrates : bool
        Whether each job also calibrates the readout.
    max_executions : int
        Maximum of circuits times shots in a job.
    max_sets : int, optional
        Maximum number of parameter sets in a job.
    runs_circuits : bool
        Whether bound circuits are run; the backend may limit their number.
    """

    bases: int
    shots: int
    mitigation: Mitigation
    calibrates: bool
    max_executions: int
    max_sets: int | None
    runs_circuits: bool

    @property
    def circuits_per_set(self) -> int:
        """Number of circuits run for one parameter set."""
        return self.bases * len(self.mitigation.noise_factors)


def sets_per_job(costs: Costs, backend: Any) -> int:
    """Return the number of parameter sets that fit into a job."""
    circuits = max(1, costs.circuits_per_set)
    limits = [max(1, costs.max_executions // (circuits * max(1, costs.shots)))]
    if costs.max_sets is not None:
        limits.append(max(1, costs.max_sets))
    max_circuits = getattr(backend, "max_circuits", None)
    if costs.runs_circuits and max_circuits:
        limits.append(max(1, max_circuits // circuits))
    return min(limits)


def plan_of(
    name: str,
    backend: Any,
    structures: Sequence[Structure],
    jobs: Sequence[Sequence[Piece]],
    costs: Costs,
    mode: str,
) -> Plan:
    """Make the plan of a request that is cut into ``jobs``."""
    sets = sum(len(structure.rows) for structure in structures)
    calibrations = len(jobs) if costs.calibrates else 0
    executions = sets * costs.circuits_per_set + calibrations
    circuits = [structure.circuit for structure in structures]
    two_qubit_gates = max((circuit.two_qubit_gates for circuit in circuits), default=0)
    seconds = _device_seconds(backend, structures, costs, len(jobs))
    problems, notes = [], []
    factor = max(costs.mitigation.noise_factors)
    if two_qubit_gates * factor > MAX_TWO_QUBIT_GATES:
        problems.append(
            f"{two_qubit_gates * factor:g} two-qubit gates in a circuit, IBM allows about {MAX_TWO_QUBIT_GATES:,}"
        )
    if costs.circuits_per_set * costs.shots > costs.max_executions:
        problems.append(
            f"one parameter set takes {costs.circuits_per_set * costs.shots:,} executions, "
            f"a job may hold {costs.max_executions:,}"
        )
    max_shots = getattr(backend, "max_shots", None)
    if costs.runs_circuits and isinstance(max_shots, int) and costs.shots > max_shots:
        problems.append(f"{costs.shots:,} shots per circuit, {name} allows {max_shots:,}")
    if seconds is not None and jobs and seconds / len(jobs) > MAX_JOB_SECONDS:
        problems.append(f"a job would take about {seconds / len(jobs) / 3600:.1f} h, at most 3 h are allowed")
    if len(structures) > 1:
        notes.append("amplitudes are not angles: each distinct row of amplitudes needs a separate circuit")
    if not costs.shots:
        notes.append("the primitive chooses the number of shots")
    if mode == "session":
        notes.append("a session is billed from its first job until it is closed, even while nothing runs")
    return Plan(
        backend=name,
        circuits=len(structures),
        parameter_sets=sets,
        executions=executions,
        pubs=sum(len(job) for job in jobs),
        jobs=len(jobs),
        shots=costs.shots,
        total_shots=executions * costs.shots,
        qubits=max((circuit.source.num_qubits for circuit in circuits), default=0),
        depth=max((circuit.depth for circuit in circuits), default=0),
        two_qubit_gates=two_qubit_gates,
        device_seconds=seconds,
        mitigation=costs.mitigation.describe(),
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _device_seconds(backend: Any, structures: Sequence[Structure], costs: Costs, jobs: int) -> float | None:
    """Estimate the seconds: shots times (duration + delay before the next shot), plus the overhead of each job."""
    delay = _repetition_delay(backend)
    if delay is None or not costs.shots:
        return None
    stretch = sum(costs.mitigation.noise_factors)  # an amplified circuit is longer by at most its noise factor
    repeats = costs.bases * len(costs.mitigation.noise_factors)
    total = JOB_SECONDS * jobs
    for structure in structures:
        if structure.circuit.seconds is None:
            return None
        per_set = costs.bases * stretch * structure.circuit.seconds + repeats * delay
        total += len(structure.rows) * costs.shots * per_set
    return math.fsum([total, jobs * costs.shots * delay if costs.calibrates else 0.0])


def _repetition_delay(backend: Any) -> float | None:
    """Return the seconds between the end of a shot and the start of the next; None if the backend does not say."""
    delay = getattr(backend, "default_rep_delay", None)
    if delay is None and hasattr(backend, "configuration"):
        delay = getattr(backend.configuration(), "default_rep_delay", None)
    return None if delay is None else float(delay)
