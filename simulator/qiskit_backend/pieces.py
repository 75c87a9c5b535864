"""Cut a request into jobs: which parameter values of which circuit are sent together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.circuit import Circuit
from simulator.gates import Composite, Gate
from simulator.observables import PauliSum
from simulator.parameters import Expression
from simulator.qiskit_backend.transpilation import Transpiled, amplitude_parameters

__all__ = ["Piece", "Structure", "cut", "digest", "structures_of"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Structure:
    """One circuit and all parameter sets at which it is run.

    Parameters
    ----------
    circuit : Transpiled
    rows : intp ndarray, shape (n,)
        Indices of these sets in the request.
    values : float ndarray, shape (n, n_parameters), radians
        Values in the order of the transpiled circuit's parameters.
    """

    circuit: Transpiled
    rows: NDArray[np.intp]
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Piece:
    """Consecutive parameter sets of one structure: a PUB."""

    structure: Structure
    start: int
    stop: int

    @property
    def rows(self) -> NDArray[np.intp]:
        """Indices of these sets in the request."""
        return self.structure.rows[self.start : self.stop]

    @property
    def values(self) -> FloatArray:
        """Values of these sets, shape (n, n_parameters)."""
        return self.structure.values[self.start : self.stop]

    def __len__(self) -> int:
        return self.stop - self.start


def structures_of(circuit: Circuit, sets: FloatArray, transpile: Callable[[Circuit], Transpiled]) -> list[Structure]:
    """Return the circuits that a request needs: one, unless some parameters are amplitudes."""
    amplitudes = amplitude_parameters(circuit)
    if not amplitudes:
        transpiled = transpile(circuit)
        return [Structure(transpiled, np.arange(len(sets)), np.ascontiguousarray(sets[:, transpiled.columns]))]
    column_of = {parameter: k for k, parameter in enumerate(circuit.parameters)}
    fixed_columns = [column_of[parameter] for parameter in amplitudes]
    distinct, index_of_set = np.unique(sets[:, fixed_columns], axis=0, return_inverse=True)
    out = []
    for k, row in enumerate(distinct):
        transpiled = transpile(circuit.bind(dict(zip(amplitudes, row.tolist(), strict=True))))
        rows = np.flatnonzero(index_of_set.ravel() == k)
        columns = [column_of[transpiled.source.parameters[column]] for column in transpiled.columns]
        out.append(Structure(transpiled, rows, np.ascontiguousarray(sets[rows][:, columns])))
    return out


def cut(structures: Sequence[Structure], sets_per_job: int) -> list[list[Piece]]:
    """Cut structures into jobs of at most ``sets_per_job`` parameter sets; each job is a list of pieces."""
    jobs: list[list[Piece]] = []
    room = 0
    for structure in structures:
        start = 0
        while start < len(structure.rows):
            if room == 0:
                jobs.append([])
                room = sets_per_job
            stop = min(len(structure.rows), start + room)
            jobs[-1].append(Piece(structure, start, stop))
            room -= stop - start
            start = stop
    return jobs


def digest(circuit: Circuit, sets: FloatArray, observables: Sequence[PauliSum] | None, settings: Any) -> str:
    """Compute a digest of the whole request, which is the same in every process."""
    sha = hashlib.sha256(json.dumps(settings, sort_keys=True, default=repr).encode())
    number = {parameter: k for k, parameter in enumerate(circuit.parameters)}
    for operation in circuit.operations:
        angles: list[tuple[float, list[tuple[int, float]]]] = []
        for angle in operation.angles:
            if isinstance(angle, Expression):
                angles.append((angle.constant, sorted((number[p], factor) for p, factor in angle.terms.items())))
            else:
                angles.append((float(angle), []))
        sha.update(repr((operation.qubits, operation.clbits, operation.conditions, angles)).encode())
        sha.update(_gate_digest(operation.gate))
    for observable in observables or ():
        sha.update(repr(observable.terms).encode() + b";")
    sha.update(f"{circuit.num_qubits} {circuit.num_clbits} {sets.shape}".encode() + sets.tobytes())
    return sha.hexdigest()


def _gate_digest(gate: Gate) -> bytes:
    """Return bytes that distinguish a gate from every other."""
    if not isinstance(gate, Composite):
        return repr(gate._identity()).encode()
    steps = [(_gate_digest(step.gate), step.positions, step.rows) for step in gate.steps]
    return repr((gate.name, gate.controls, gate.num_targets, gate.num_params, steps)).encode()
