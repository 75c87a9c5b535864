"""Estimated cost of a run on a backend, before anything is sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from simulator.display import Preformatted

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan(Preformatted):
    """Cost of a run; prints as a table, and `as_dict` returns it as data.

    Parameters
    ----------
    backend : str
    circuits : int
        Number of circuits with different structure, each transpiled once.
    parameter_sets : int
        Number of sets of parameter values at which the circuits run.
    executions : int
        Number of circuits executed: parameter sets times measurement bases (and noise factors for extrapolation).
    pubs, jobs : int
        Number of PUBs and jobs in which they are sent.
    shots : int
        Shots per execution; 0 for exact results.
    total_shots : int
    qubits, depth, two_qubit_gates : int
        Size of the largest circuit as it runs on the backend.
    device_seconds : float, optional
        Estimated busy time of the device in seconds, without the queue; None if the backend reports no timing.
    mitigation : str
        Error mitigation method and the factor by which it increases the cost.
    problems : tuple of str
        Reasons for which the backend would reject the run.
    notes : tuple of str
    """

    backend: str
    circuits: int
    parameter_sets: int
    executions: int
    pubs: int
    jobs: int
    shots: int
    total_shots: int
    qubits: int
    depth: int
    two_qubit_gates: int
    device_seconds: float | None = None
    mitigation: str = "none"
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether there are no known reasons for the backend to reject the run."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return asdict(self) | {"fits": self.fits}

    def repeated(self, times: int, note: str) -> Plan:
        """Return the plan of ``times`` consecutive runs, with a note that describes them."""
        return replace(
            self,
            parameter_sets=self.parameter_sets * times,
            executions=self.executions * times,
            pubs=self.pubs * times,
            jobs=self.jobs * times,
            total_shots=self.total_shots * times,
            device_seconds=None if self.device_seconds is None else self.device_seconds * times,
            notes=(*self.notes, note),
        )

    def followed_by(self, other: Plan) -> Plan:
        """Return the plan of this run followed by another one on the same backend."""
        first_seconds, second_seconds = self.device_seconds, other.device_seconds
        return replace(
            self if self.two_qubit_gates >= other.two_qubit_gates else other,
            circuits=self.circuits + other.circuits,
            parameter_sets=self.parameter_sets + other.parameter_sets,
            executions=self.executions + other.executions,
            pubs=self.pubs + other.pubs,
            jobs=self.jobs + other.jobs,
            total_shots=self.total_shots + other.total_shots,
            device_seconds=None if first_seconds is None or second_seconds is None else first_seconds + second_seconds,
            problems=tuple(dict.fromkeys((*self.problems, *other.problems))),
            notes=tuple(dict.fromkeys((*self.notes, *other.notes))),
        )

    def __str__(self) -> str:
        shots = f"{self.shots:,} per circuit, {self.total_shots:,} in total"
        if not self.total_shots:
            shots = "chosen by the primitive" if self.jobs else "none: exact"
        lines = [
            ("backend", self.backend),
            ("circuits to transpile", f"{self.circuits:,}"),
            ("parameter sets", f"{self.parameter_sets:,}"),
            ("circuits to run", f"{self.executions:,}"),
            ("PUBs", f"{self.pubs:,}"),
            ("jobs", f"{self.jobs:,}"),
            ("shots", shots),
            ("qubits", f"{self.qubits:,}"),
            ("depth", f"{self.depth:,}"),
            ("two-qubit gates", f"{self.two_qubit_gates:,}"),
            ("device time, estimated", _duration(self.device_seconds)),
            ("error mitigation", self.mitigation),
            ("within the limits", "yes" if self.fits else "NO"),
        ]
        width = max(len(name) for name, _ in lines)
        table = [f"{name:<{width}}  {value}" for name, value in lines]
        table += [f"  problem: {problem}" for problem in self.problems]
        return "\n".join(table + [f"  note: {note}" for note in self.notes])


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "unknown: the backend has no timing"
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes = seconds / 60
    return f"{minutes:.3g} min" if minutes < 120 else f"{minutes / 60:.3g} h"
