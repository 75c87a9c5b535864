"""A request cut into jobs: which values of which circuit go together."""

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

__all__ = ["Piece", "Structure", "cut", "digest", "structures"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Structure:
    """One circuit and all parameter sets at which it is run.

    Parameters
    ----------
    circuit : Transpiled
    rows : intp ndarray, shape (n,)
        Which of the request's sets these are.
    values : float ndarray, shape (n, n_parameters), radians
        In the order of the transpiled circuit's parameters.
    """

    circuit: Transpiled
    rows: NDArray[np.intp]
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Piece:
    """Some consecutive sets of one structure: a PUB."""

    structure: Structure
    start: int
    stop: int

    @property
    def rows(self) -> NDArray[np.intp]:
        """Which of the request's sets these are."""
        return self.structure.rows[self.start : self.stop]

    @property
    def values(self) -> FloatArray:
        """Their values, shape (n, n_parameters)."""
        return self.structure.values[self.start : self.stop]

    def __len__(self) -> int:
        return self.stop - self.start


def structures(circuit: Circuit, sets: FloatArray, transpiled: Callable[[Circuit], Transpiled]) -> list[Structure]:
    """The circuits that a request needs: one, unless amplitudes are among the parameters."""
    amplitudes = amplitude_parameters(circuit)
    if not amplitudes:
        made = transpiled(circuit)
        return [Structure(made, np.arange(len(sets)), np.ascontiguousarray(sets[:, made.columns]))]
    number = {parameter: k for k, parameter in enumerate(circuit.parameters)}
    fixed = [number[parameter] for parameter in amplitudes]
    different, of_set = np.unique(sets[:, fixed], axis=0, return_inverse=True)
    out = []
    for k, row in enumerate(different):
        made = transpiled(circuit.bind(dict(zip(amplitudes, row.tolist(), strict=True))))
        rows = np.flatnonzero(of_set.ravel() == k)
        columns = [number[made.source.parameters[column]] for column in made.columns]
        out.append(Structure(made, rows, np.ascontiguousarray(sets[rows][:, columns])))
    return out


def cut(structures: Sequence[Structure], sets_per_job: int) -> list[list[Piece]]:
    """Jobs of at most ``sets_per_job`` parameter sets, each a list of pieces, in order."""
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
    """A digest of all that is asked for, the same in every process."""
    found = hashlib.sha256(json.dumps(settings, sort_keys=True, default=repr).encode())
    number = {parameter: k for k, parameter in enumerate(circuit.parameters)}
    for operation in circuit.operations:
        angles: list[tuple[float, list[tuple[int, float]]]] = []
        for angle in operation.angles:
            if isinstance(angle, Expression):
                angles.append((angle.constant, sorted((number[p], factor) for p, factor in angle.terms.items())))
            else:
                angles.append((float(angle), []))
        found.update(repr((operation.qubits, operation.clbits, operation.conditions, angles)).encode())
        found.update(_gate_digest(operation.gate))
    for observable in observables or ():
        found.update(repr(observable.terms).encode() + b";")
    found.update(f"{circuit.num_qubits} {circuit.num_clbits} {sets.shape}".encode() + sets.tobytes())
    return found.hexdigest()


def _gate_digest(gate: Gate) -> bytes:
    """What distinguishes a gate from every other."""
    if not isinstance(gate, Composite):
        return repr(gate._identity()).encode()
    steps = [(_gate_digest(step.gate), step.positions, step.rows) for step in gate.steps]
    return repr((gate.name, gate.controls, gate.num_targets, gate.num_params, steps)).encode()
