"""Requests to an estimator, a sampler or ``backend.run``, each as `Work` for `run_jobs`."""

from __future__ import annotations

import zlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import PrimitiveJob

from simulator.observables import PauliSum
from simulator.qiskit_backend.measurement import Basis, bases_of, estimates
from simulator.qiskit_backend.pieces import Piece
from simulator.qiskit_backend.records import Results
from simulator.qiskit_backend.transpilation import REGISTER

__all__ = ["CountsWork", "EstimatorWork", "Service", "counts_of", "runs_in_this_process"]

FloatArray = NDArray[np.float64]
Counts = list[dict[str, int]]
"""Counts for each parameter set of a piece."""

IN_PROCESS = ("qiskit", "qiskit_aer", "simulator")
"""Packages whose jobs are threads of this process."""


def runs_in_this_process(runner: Any) -> bool:
    """Whether the jobs of a backend or primitive run in this process and end with it."""
    names = [kind.__module__ for kind in type(runner).__mro__ if kind is not object]
    return any("fake" in name or "local" in name for name in names) or names[0].split(".")[0] in IN_PROCESS


@dataclass(frozen=True)
class Service:
    """Retrieves jobs by id, and, if the backend has tags, by tag."""

    backend: Any
    is_local: bool
    has_tags: bool = False

    def retrieve(self, job_id: str) -> Any:
        """Return the job with this id."""
        runtime: Any = getattr(self.backend, "service", None)
        if hasattr(runtime, "job"):
            return runtime.job(job_id)
        owner: Any
        for owner in (self.backend, getattr(self.backend, "provider", None)):
            if hasattr(owner, "retrieve_job"):
                return owner.retrieve_job(job_id)
        raise RuntimeError(f"{self.backend!r} cannot find a job by its id; look for {job_id} with the provider's tools")

    def find(self, tag: str) -> Any:
        """Return the job with this tag, or None; raise NotImplementedError if jobs have no tags."""
        runtime: Any = getattr(self.backend, "service", None)
        if not (self.has_tags and hasattr(runtime, "jobs")):
            raise NotImplementedError
        jobs = runtime.jobs(job_tags=[tag], limit=1)
        return jobs[0] if jobs else None


@dataclass
class _Work:
    """The common part of all kinds of work.

    Parameters
    ----------
    backend_name : str
    service : Service
    parts : list of list of Piece
        One list per job.
    """

    backend_name: str
    service: Service
    parts: Sequence[Sequence[Piece]]

    @property
    def is_local(self) -> bool:
        return self.service.is_local

    @property
    def num_parts(self) -> int:
        return len(self.parts)

    def retrieve(self, job_id: str) -> Any:
        return self.service.retrieve(job_id)

    def find(self, tag: str) -> Any:
        return self.service.find(tag)

    @abstractmethod
    def submit(self, number: int, tag: str) -> Any: ...

    @abstractmethod
    def read(self, number: int, job_result: Any) -> Results: ...


@dataclass
class EstimatorWork(_Work):
    """Expectations from an estimator primitive: one PUB per piece, with all observables at all parameter sets.

    Parameters
    ----------
    make : callable
        Function from a job's tag to the primitive that runs the job.
    observables : sequence of PauliSum
    precision : float, optional
        Target standard error; None keeps the default of the primitive.
    """

    make: Callable[[str], Any]
    observables: Sequence[PauliSum]
    precision: float | None = None
    _constants: FloatArray = field(init=False)
    _measured: list[int] = field(init=False)

    def __post_init__(self) -> None:
        # the identity is known and has no error, which makes error mitigation fail if it is sent too
        self._constants = bases_of(self.observables)[1]
        self._measured = [k for k, observable in enumerate(self.observables) if observable.num_qubits]

    def submit(self, number: int, tag: str) -> Any:
        measured = [self.observables[k] - float(self._constants[k]) for k in self._measured]
        if not measured:
            return _Finished()
        pubs = []
        for piece in self.parts[number]:
            circuit = piece.structure.circuit
            pub = [circuit.circuit, [circuit.observables(measured)]]
            if piece.values.shape[1]:
                pub.append(piece.values[:, None, :])
            else:
                pub[1] = pub[1] * len(piece)
            pubs.append(tuple(pub))
        primitive = self.make(tag)
        return primitive.run(pubs) if self.precision is None else primitive.run(pubs, precision=self.precision)

    def read(self, number: int, job_result: Any) -> Results:
        pieces = self.parts[number]
        values = np.tile(self._constants, (sum(map(len, pieces)), 1))
        errors = np.zeros_like(values)
        if not self._measured:
            return {"values": values, "standard_errors": errors}
        _check_length("PUBs", len(job_result), len(pieces))
        start = 0
        for piece, result in zip(pieces, job_result, strict=True):
            shape = (len(piece), len(self._measured))
            expectations = np.asarray(result.data.evs, float)
            if expectations.shape != shape:
                raise ValueError(f"expected expectations of shape {shape}, got {expectations.shape}")
            rows = slice(start, start + len(piece))
            values[rows, self._measured] += expectations
            stds = getattr(result.data, "stds", None)
            errors[rows, self._measured] = 0.0 if stds is None else np.asarray(stds, float)
            start += len(piece)
        return {"values": values, "standard_errors": errors}


@dataclass
class CountsWork(_Work):
    """Counts from a sampler or from ``backend.run``, and expectations computed from them.

    Parameters
    ----------
    shots : int
        Number of shots for each circuit.
    observables : sequence of PauliSum, optional
        Without them, the results are the counts.
    make : callable, optional
        Function from a job's tag to the sampler that runs the job; without it, the backend runs bound circuits.
    seed : int, optional
        Seed for simulators, from which each job's seed is derived.
    """

    shots: int
    observables: Sequence[PauliSum] | None = None
    make: Callable[[str], Any] | None = None
    seed: int | None = None
    _bases: list[Basis] = field(init=False)
    _constants: FloatArray = field(init=False)
    _measured: dict[tuple[int, int], QuantumCircuit] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._bases, self._constants = bases_of(self.observables or ())

    def submit(self, number: int, tag: str) -> Any:
        measured = [(circuit, piece.values) for piece in self.parts[number] for circuit in self._circuits(piece)]
        if not measured:  # observables that are multiples of the identity
            return _Finished()
        if self.make is not None:
            pubs: list[tuple[Any, ...]] = []
            for circuit, values in measured:
                pubs += [(circuit, values)] if values.shape[1] else [(circuit,)] * len(values)
            return self.make(tag).run(pubs, shots=self.shots)
        backend = self.service.backend
        bound = [circuit.assign_parameters(row) for circuit, values in measured for row in values]
        options: dict[str, Any] = {"shots": self.shots}
        if self.seed is not None and "seed_simulator" in backend.options:
            options["seed_simulator"] = zlib.crc32(f"{self.seed} {number}".encode()) >> 1
        return backend.run(bound, **options)

    def read(self, number: int, job_result: Any) -> Results:
        pieces = self.parts[number]
        per_piece = 1 if self.observables is None else len(self._bases)
        if per_piece == 0:
            all_counts: list[Counts] = []
        elif self.make is not None:
            all_counts = _counts_of_pubs(job_result, [piece for piece in pieces for _ in range(per_piece)])
        else:
            all_counts = _counts_of_circuits(job_result, [len(piece) for piece in pieces for _ in range(per_piece)])
        self._check_shots(all_counts)
        if self.observables is None:
            return _as_arrays([counts for sets in all_counts for counts in sets])
        values, errors = [], []
        for k, piece in enumerate(pieces):
            piece_counts = all_counts[k * per_piece : (k + 1) * per_piece]
            for row in range(len(piece)):
                value, error = estimates(self._bases, self._constants, [sets[row] for sets in piece_counts])
                values.append(value)
                errors.append(error)
        return {"values": np.array(values), "standard_errors": np.array(errors)}

    def _circuits(self, piece: Piece) -> list[QuantumCircuit]:
        bases: Sequence[Basis | None] = [None] if self.observables is None else self._bases
        out = []
        for k, basis in enumerate(bases):
            key = id(piece.structure), k
            if key not in self._measured:
                self._measured[key] = piece.structure.circuit.measured(basis)
            out.append(self._measured[key])
        return out

    def _check_shots(self, all_counts: Sequence[Counts]) -> None:
        for sets in all_counts:
            for counts in sets:
                if sum(counts.values()) != self.shots:
                    raise ValueError(f"expected {self.shots} shots per circuit, got {sum(counts.values())}")


class _Finished(PrimitiveJob):
    """A job without circuits, which is finished at once."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self._submit()


def counts_of(results: Results) -> Counts:
    """Return the counts that `CountsWork` stored as arrays."""
    out: Counts = [{} for _ in range(int(results["sets"]))]
    for row, outcome, count in zip(results["row"], results["outcome"], results["count"], strict=True):
        out[int(row)][str(outcome)] = int(count)
    return out


def _as_arrays(sets: Counts) -> Results:
    entries = [(row, outcome, count) for row, counts in enumerate(sets) for outcome, count in sorted(counts.items())]
    return {
        "sets": np.array(len(sets)),
        "row": np.array([row for row, _, _ in entries], np.int64),
        "outcome": np.array([outcome for _, outcome, _ in entries], str),
        "count": np.array([count for _, _, count in entries], np.int64),
    }


def _counts_of_pubs(job_result: Any, pieces: Sequence[Piece]) -> list[Counts]:
    sizes = [1 if piece.values.shape[1] else len(piece) for piece in pieces]
    _check_length("PUBs", len(job_result), sum(sizes))
    results = iter(job_result)
    out = []
    for piece, size in zip(pieces, sizes, strict=True):
        counts: Counts = []
        for _ in range(size):
            bits = _joined_bits(next(results))
            counts += (
                [_plain(bits.get_counts(row)) for row in range(bits.size)]
                if bits.shape
                else [_plain(bits.get_counts())]
            )
        _check_length("parameter sets", len(counts), len(piece))
        out.append(counts)
    return out


def _joined_bits(result: Any) -> Any:
    """Return all classical bits of a PUB's result: our register, or those of a circuit that has measurements."""
    if REGISTER in result.data:
        return result.data[REGISTER]
    return result.join_data()


def _counts_of_circuits(job_result: Any, sizes: Sequence[int]) -> list[Counts]:
    all_counts = [job_result.get_counts(k) for k in range(len(job_result.results))]
    _check_length("circuits", len(all_counts), sum(sizes))
    out, start = [], 0
    for size in sizes:
        out.append([_plain(counts) for counts in all_counts[start : start + size]])
        start += size
    return out


def _plain(counts: Mapping[str, int]) -> dict[str, int]:
    return {text.replace(" ", ""): int(count) for text, count in counts.items()}


def _check_length(noun: str, length: int, expected: int) -> None:
    if length != expected:
        raise ValueError(f"expected results of {expected} {noun}, got {length}")
