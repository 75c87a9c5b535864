"""What a request costs on a backend: circuits, jobs, shots, and an estimate of seconds."""

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
"""What a job on hardware takes besides its shots; about what small jobs of IBM's are billed."""

MAX_TWO_QUBIT_GATES = 10_000
"""Of one circuit; more than about this, IBM's service may refuse (its page "Job limits")."""

MAX_JOB_SECONDS = 3 * 3600
"""IBM's longest execution time of a job (its page "Maximum execution time")."""


@dataclass(frozen=True)
class Costs:
    """What decides how a request is cut and what it costs.

    Parameters
    ----------
    bases : int
        Measurement bases of the observables.
    shots : int
        0 where a primitive decides by itself.
    mitigation : Mitigation
    calibrates : bool
        Whether a job brings a calibration of the readout with it.
    max_executions : int
    max_sets : int, optional
    runs_circuits : bool
        Whether bound circuits are run, of which the backend may limit the number.
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
        """Circuits run for one parameter set."""
        return self.bases * len(self.mitigation.noise_factors)


def sets_per_job(costs: Costs, backend: Any) -> int:
    """Parameter sets that fit into a job."""
    circuits = max(1, costs.circuits_per_set)
    limits = [max(1, costs.max_executions // (circuits * max(1, costs.shots)))]
    if costs.max_sets is not None:
        limits.append(max(1, costs.max_sets))
    most = getattr(backend, "max_circuits", None)
    if costs.runs_circuits and most:
        limits.append(max(1, most // circuits))
    return min(limits)


def plan_of(
    name: str,
    backend: Any,
    structures: Sequence[Structure],
    jobs: Sequence[Sequence[Piece]],
    costs: Costs,
    mode: str,
) -> Plan:
    """The plan of a request that is cut into ``jobs``."""
    sets = sum(len(structure.rows) for structure in structures)
    calibrations = len(jobs) if costs.calibrates else 0
    executions = sets * costs.circuits_per_set + calibrations
    circuits = [structure.circuit for structure in structures]
    two_qubit_gates = max((circuit.two_qubit_gates for circuit in circuits), default=0)
    seconds = _device_seconds(backend, structures, costs, len(jobs))
    problems, notes = [], []
    factor = max(costs.mitigation.noise_factors)
    if two_qubit_gates * factor > MAX_TWO_QUBIT_GATES:
        problems.append(f"{two_qubit_gates * factor:g} two-qubit gates in a circuit, over {MAX_TWO_QUBIT_GATES:,}")
    if costs.circuits_per_set * costs.shots > costs.max_executions:
        problems.append(
            f"one parameter set takes {costs.circuits_per_set * costs.shots:,} executions, "
            f"a job may hold {costs.max_executions:,}"
        )
    most_shots = getattr(backend, "max_shots", None)
    if costs.runs_circuits and isinstance(most_shots, int) and costs.shots > most_shots:
        problems.append(f"{costs.shots:,} shots a circuit, {name} allows {most_shots:,}")
    if seconds is not None and jobs and seconds / len(jobs) > MAX_JOB_SECONDS:
        problems.append(f"a job would take about {seconds / len(jobs) / 3600:.1f} h, at most 3 h are allowed")
    if len(structures) > 1:
        notes.append("amplitudes are no angles: each different row is a circuit of its own")
    if not costs.shots:
        notes.append("the primitive decides on its shots itself")
    if mode == "session":
        notes.append("a session is billed from its first job until it is closed, also while nothing runs")
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
    """Shots times (duration + delay before the next one), and what each job takes besides."""
    delay = _repetition_delay(backend)
    if delay is None or not costs.shots:
        return None
    longer = sum(costs.mitigation.noise_factors)  # amplified circuits are as many times longer, at most
    repeats = costs.bases * len(costs.mitigation.noise_factors)
    total = JOB_SECONDS * jobs
    for structure in structures:
        if structure.circuit.seconds is None:
            return None
        per_set = costs.bases * longer * structure.circuit.seconds + repeats * delay
        total += len(structure.rows) * costs.shots * per_set
    return math.fsum([total, jobs * costs.shots * delay if costs.calibrates else 0.0])


def _repetition_delay(backend: Any) -> float | None:
    """Seconds between the end of a shot and the beginning of the next, where the backend tells."""
    found = getattr(backend, "default_rep_delay", None)
    if found is None and hasattr(backend, "configuration"):
        found = getattr(backend.configuration(), "default_rep_delay", None)
    return None if found is None else float(found)
