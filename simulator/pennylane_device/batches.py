"""Tapes of one structure as one batch, and their results, from one call of the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pennylane.devices.qubit.measure import measure
from pennylane.devices.qubit.simulate import _postselection_postprocess, measure_final_state
from pennylane.measurements import MeasurementProcess
from pennylane.tape import QuantumScript

from simulator.calculations.statevector import expectations, states
from simulator.errors import GateError, ParameterError
from simulator.pennylane_device.structures import Structure

FloatArray = NDArray[np.float64]

_NORM_TOLERANCE = 1e-5

_CHUNK_BYTES = 1 << 28
"""Bytes of the final states that are held at the same time."""


class Batch:
    """Tapes of one structure, and their angles as rows of a matrix.

    Parameters
    ----------
    structure : Structure
    tapes : sequence of QuantumScript

    Attributes
    ----------
    rows : list of slice
        Samples of each tape.
    batched : list of bool
        Whether each tape has a batch dimension.
    X : float64 ndarray, shape (n_samples, n_inputs)
        Columns whose values differ between samples.
    weights : float64 ndarray, shape (n_weights,)
        Values of all other columns.
    inputs : tuple of int
        Indices of the columns in ``X``: all of them if there are several tapes.
    """

    def __init__(self, structure: Structure, tapes: Sequence[QuantumScript]) -> None:
        self.structure, self.tapes = structure, tapes
        values = [_values(structure, tape) for tape in tapes]
        sizes = [max((len(column) for _, column in per_sample), default=1) for _, per_sample in values]
        self.batched = [bool(per_sample) for _, per_sample in values]
        ends = np.cumsum(sizes)
        self.rows = [slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]
        self.samples = int(ends[-1])
        if len(tapes) == 1:
            fixed, per_sample = values[0]
            self.inputs = tuple(k for k, _ in per_sample)
            self.X = np.empty((self.samples, len(per_sample)))
            for j, (_, column) in enumerate(per_sample):
                self.X[:, j] = column
            self.weights = np.delete(fixed, self.inputs) if per_sample else fixed
        else:
            self.inputs = tuple(range(len(structure.parameters)))
            self.X = np.empty((self.samples, len(self.inputs)))
            for rows, (fixed, per_sample) in zip(self.rows, values, strict=True):
                self.X[rows] = fixed
                for k, column in per_sample:
                    self.X[rows, k] = column
            self.weights = np.empty(0)
        self._check()

    def _check(self) -> None:
        if not (np.isfinite(self.X).all() and np.isfinite(self.weights).all()):
            raise ParameterError("a parameter of the circuit is NaN or infinite, expected finite numbers")
        if self.structure.prepared:
            norms = np.linalg.norm(self.full[:, : self.structure.prepared], axis=1)
            if np.abs(norms - 1).max() > _NORM_TOLERANCE:
                raise GateError(f"StatePrep: the norm of a state is 1, got {norms[np.abs(norms - 1).argmax()]:.6g}")

    @property
    def full(self) -> FloatArray:
        """All columns of all samples, shape (n_samples, n_columns)."""
        if len(self.inputs) == len(self.structure.parameters):
            return self.X
        out = np.empty((self.samples, len(self.structure.parameters)))
        is_input = np.zeros(out.shape[1], bool)
        is_input[list(self.inputs)] = True
        out[:, is_input], out[:, ~is_input] = self.X, self.weights
        return out

    def batched_columns(self, tape: QuantumScript) -> set[int]:
        """Return the columns that have a value for each sample of a tape."""
        return {k for k, _ in _values(self.structure, tape)[1]}

    def expectations(self) -> FloatArray:
        """Compute the expectations of all readouts' observables, shape (n_samples, n_observables)."""
        return expectations(self.structure.program(self.inputs), self.X, self.weights)

    def results(self, rng: np.random.Generator, postselect_mode: Any) -> list[Any]:
        """Compute the results of each tape's measurements."""
        if self.structure.postselects or any(tape.shots for tape in self.tapes):
            return self._from_states(rng, postselect_mode)
        values = [
            from_readouts if from_states is None else from_states
            for from_readouts, from_states in zip(self._values_of_readouts(), self._values_of_states(), strict=True)
        ]
        return [
            _result([value[rows] for value in values], batched)
            for rows, batched in zip(self.rows, self.batched, strict=True)
        ]

    def _values_of_readouts(self) -> list[Any]:
        """Compute the measurements that are expectations or variances; None for others."""
        scalars = [r if r is not None and not r.shape else None for r in self.structure.readouts]
        if not any(scalars):
            return [None] * len(scalars)
        f = self.expectations()
        return [None if r is None else v for r, v in zip(scalars, _split_values(self.structure, f), strict=True)]

    def _values_of_states(self) -> list[Any]:
        """Compute the other measurements from the final states; None for expectations and variances."""
        structure = self.structure
        numbers = [k for k, r in enumerate(structure.readouts) if r is None or r.shape]
        out: list[Any] = [None] * len(structure.readouts)
        parts: dict[int, list[Any]] = {k: [] for k in numbers}
        if not numbers:
            return out
        for state in self._states():
            for k in numbers:
                parts[k].append(_measured_states(structure.measurements[k], state))
        return [np.concatenate(parts[k]) if k in parts else None for k in range(len(out))]

    def _states(self) -> Iterator[NDArray[Any]]:
        """Iterate over chunks of final states, with an axis for each wire."""
        structure = self.structure
        program = structure.program(self.inputs, with_observables=False)
        step = max(1, _CHUNK_BYTES >> (structure.num_qubits + 4))
        for begin in range(0, self.samples, step):
            chunk = states(program, self.X[begin : begin + step], self.weights)
            yield chunk.reshape(len(chunk), *(2,) * structure.num_qubits)

    def _from_states(self, rng: np.random.Generator, postselect_mode: Any) -> list[Any]:
        """Compute results with shots or postselection: PennyLane measures the states of each tape."""
        structure = self.structure
        out = []
        pending = np.empty((0,) + (2,) * structure.num_qubits, complex)
        source = self._states()
        for tape, rows, batched in zip(self.tapes, self.rows, self.batched, strict=True):
            while len(pending) < rows.stop - rows.start:
                more = next(source)
                pending = np.concatenate([pending, more]) if len(pending) else more
            state, pending = pending[: rows.stop - rows.start], pending[rows.stop - rows.start :]
            shots = tape.shots
            state = state if batched else state[0]
            if structure.postselects:
                state, shots = _postselection_postprocess(
                    state, batched, shots, rng=rng, postselect_mode=postselect_mode
                )
            measured = QuantumScript([], structure.measurements, shots=shots)
            measured._shots = shots
            out.append(measure_final_state(measured, state, batched, rng=rng))
        return out


def _values(structure: Structure, tape: QuantumScript) -> tuple[FloatArray, list[tuple[int, Any]]]:
    """Return a tape's numbers: the columns that have one value (others 0), and those with a value for each sample."""
    fixed = np.zeros(len(structure.parameters))
    per_sample = []
    ops = tape.operations
    k = 0
    if structure.prepared:
        amplitudes = np.asarray(ops[0].data[0], float)
        k = structure.prepared
        if amplitudes.ndim == 2:
            per_sample = list(enumerate(amplitudes.T))
        else:
            fixed[:k] = amplitudes
    for position in structure.angled:
        for value in ops[position].data:
            if np.ndim(value):
                per_sample.append((k, np.asarray(value, float)))
            else:
                fixed[k] = value
            k += 1
    return fixed, per_sample


def _split_values(structure: Structure, f: FloatArray) -> list[Any]:
    """Compute the value of each readout from the expectations of all; None for measurements without a readout."""
    out: list[Any] = []
    begin = 0
    for r in structure.readouts:
        if r is None:
            out.append(None)
            continue
        out.append(r.value(f[:, begin : begin + len(r.observables)]))
        begin += len(r.observables)
    return out


def _measured_states(measurement: MeasurementProcess, state: NDArray[Any]) -> NDArray[Any]:
    """Measure each state by PennyLane, one by one if a custom measurement does not support batches."""
    results = np.asarray(measure(measurement, state, is_state_batched=True))
    if results.ndim and len(results) == len(state):
        return results
    return np.stack([np.asarray(measure(measurement, single)) for single in state])


def _result(values: list[Any], batched: bool) -> Any:
    results = values if batched else [value[0] for value in values]
    return results[0] if len(results) == 1 else tuple(results)
