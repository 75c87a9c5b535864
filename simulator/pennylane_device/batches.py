"""Tapes of one structure as one batch: their results and derivatives, each from one call of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pennylane.devices.qubit.measure import measure
from pennylane.devices.qubit.simulate import _postselection_postprocess, measure_final_state
from pennylane.measurements import MeasurementProcess
from pennylane.tape import QuantumScript

from simulator.calculations.gradients import adjoint_sweep
from simulator.calculations.statevector import expectations, states
from simulator.errors import GateError, ParameterError
from simulator.pennylane_device.readouts import Expectation
from simulator.pennylane_device.structures import Structure

FloatArray = NDArray[np.float64]

_NORM_TOLERANCE = 1e-5
_CHUNK_BYTES = 1 << 28  # of final states held at a time


class Products(tuple[Any, ...]):
    """Derivatives by a tape's parameters, whose shapes differ where some are batched and others are not.

    PennyLane's torch interface asks NumPy for the shape of all of them, which a plain tuple cannot tell.
    """

    def squeeze(self) -> NDArray[Any]:
        """An array with as many entries."""
        return np.empty(len(self))


class Batch:
    """Tapes of one structure, and their angles as rows of a matrix.

    Parameters
    ----------
    structure : Structure
    tapes : sequence of QuantumScript

    Attributes
    ----------
    rows : list of slice
        The samples of each tape.
    batched : list of bool
        Whether a tape has a batch dimension of its own.
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    inputs : tuple of int
        The columns that X holds: all of them if there are several tapes.
    """

    def __init__(self, structure: Structure, tapes: Sequence[QuantumScript]) -> None:
        self.structure, self.tapes = structure, tapes
        values = [_values(structure, tape) for tape in tapes]
        sizes = [max((len(column) for _, column in many), default=1) for _, many in values]
        self.batched = [bool(many) for _, many in values]
        ends = np.cumsum(sizes)
        self.rows = [slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]
        self.samples = int(ends[-1])
        if len(tapes) == 1:
            one, many = values[0]
            self.inputs = tuple(k for k, _ in many)
            self.X = np.empty((self.samples, len(many)))
            for j, (_, column) in enumerate(many):
                self.X[:, j] = column
            self.weights = np.delete(one, self.inputs) if many else one
        else:
            self.inputs = tuple(range(len(structure.parameters)))
            self.X = np.empty((self.samples, len(self.inputs)))
            for rows, (one, many) in zip(self.rows, values, strict=True):
                self.X[rows] = one
                for k, column in many:
                    self.X[rows, k] = column
            self.weights = np.empty(0)
        self._check()

    def _check(self) -> None:
        if not (np.isfinite(self.X).all() and np.isfinite(self.weights).all()):
            raise ParameterError("a parameter of the circuit is NaN or infinite")
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
        chosen = np.zeros(out.shape[1], bool)
        chosen[list(self.inputs)] = True
        out[:, chosen], out[:, ~chosen] = self.X, self.weights
        return out

    # Results

    def expectations(self) -> FloatArray:
        """Of all readouts' observables, shape (n_samples, n_observables)."""
        return expectations(self.structure.program(self.inputs), self.X, self.weights)

    def results(self, rng: np.random.Generator, postselect_mode: Any) -> list[Any]:
        """What each tape's measurements give."""
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
        """Of the measurements that are expectations or variances; None for others."""
        chosen = [r if r is not None and not r.shape else None for r in self.structure.readouts]
        if not any(chosen):
            return [None] * len(chosen)
        f = self.expectations()
        return [None if r is None else v for r, v in zip(chosen, _split_values(self.structure, f), strict=True)]

    def _values_of_states(self) -> list[Any]:
        """Of the other measurements, from the final states; None for expectations and variances."""
        structure = self.structure
        wanted = [k for k, r in enumerate(structure.readouts) if r is None or r.shape]
        out: list[Any] = [None] * len(structure.readouts)
        parts: dict[int, list[Any]] = {k: [] for k in wanted}
        if not wanted:
            return out
        for state in self._states():
            for k in wanted:
                parts[k].append(_measured_states(structure.measurements[k], state))
        return [np.concatenate(parts[k]) if k in parts else None for k in range(len(out))]

    def _states(self) -> Iterator[NDArray[Any]]:
        """Final states with an axis for each wire, so many samples at a time as fit."""
        structure = self.structure
        program = structure.program(self.inputs, with_observables=False)
        step = max(1, _CHUNK_BYTES >> (structure.num_qubits + 4))
        for begin in range(0, self.samples, step):
            found = states(program, self.X[begin : begin + step], self.weights)
            yield found.reshape(len(found), *(2,) * structure.num_qubits)

    def _from_states(self, rng: np.random.Generator, postselect_mode: Any) -> list[Any]:
        """Shots and postselection: each tape's own states, measured by PennyLane."""
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

    # Derivatives

    def vjp(self, cotangents: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Vector-Jacobian products: for each tape, one array for each of its trainable parameters.

        A cotangent has the shape of the tape's result, or one axis more in front for many at once.
        """
        structure = self.structure
        readouts = structure.differentiable
        given = [
            _cotangents(readouts, cotangent, rows.stop - rows.start, batched)
            for cotangent, rows, batched in zip(cotangents, self.rows, self.batched, strict=True)
        ]
        if len(self.tapes) == 1 and given[0][1] is None:
            return [Products(self._by_parameter(self.tapes[0], self._single(given[0][0]).__getitem__))]
        # every sample and cotangent is a row of its own
        sources = np.concatenate(
            [
                np.tile(np.arange(rows.start, rows.stop), count or 1)
                for rows, (_, count) in zip(self.rows, given, strict=True)
            ]
        )
        flat = [np.concatenate([dy[m] for dy, _ in given]) for m in range(len(readouts))]
        by_column = self._rows(sources, flat)
        out: list[tuple[Any, ...]] = []
        begin = 0
        for tape, rows, batched, (_, count) in zip(self.tapes, self.rows, self.batched, given, strict=True):
            size = rows.stop - rows.start
            part = by_column[begin : begin + size * (count or 1)].reshape(count or 1, size, -1)
            begin += size * (count or 1)
            out.append(Products(self._by_parameter(tape, _picker(part, self._batched_columns(tape), batched, count))))
        return out

    def jacobians(self) -> list[Any]:
        """The Jacobian of each tape, nested as PennyLane has it: by measurement, then by parameter."""
        structure = self.structure
        readouts = structure.differentiable
        sizes = [int(np.prod(r.shape)) for r in readouts]
        total = sum(sizes)
        sources = np.repeat(np.arange(self.samples), total)  # each sample once for each number that is measured
        ends = np.cumsum(sizes)
        one_hot = np.tile(np.eye(total), (self.samples, 1))
        flat = [
            one_hot[:, end - size : end].reshape(-1, *r.shape)
            for r, size, end in zip(readouts, sizes, ends, strict=True)
        ]
        by_column = self._rows(sources, flat).reshape(self.samples, total, len(structure.parameters))
        out = []
        for tape, rows, batched in zip(self.tapes, self.rows, self.batched, strict=True):
            own = by_column[rows]
            per_sample = self._batched_columns(tape)
            by_measurement = []
            for r, size, end in zip(readouts, sizes, ends, strict=True):
                part = own[:, end - size : end].reshape(len(own), *r.shape, -1)
                by_measurement.append(self._by_parameter(tape, _entry(part, per_sample, batched)))
            nested = [found[0] if len(found) == 1 else found for found in by_measurement]
            out.append(nested[0] if len(nested) == 1 else tuple(nested))
        return out

    def jvp(self, tangents: Sequence[Sequence[Any]]) -> list[Any]:
        """Jacobian-vector products: for each tape, what its result would change by along its tangents."""
        out = []
        for tape, jacobian, given in zip(self.tapes, self.jacobians(), tangents, strict=True):
            by_measurement = (jacobian,) if len(tape.measurements) == 1 else jacobian
            changes = []
            for part in by_measurement:
                columns = (part,) if len(tape.trainable_params) == 1 else part
                change: Any = 0.0
                for column, tangent in zip(columns, given, strict=True):
                    change = change + np.tensordot(column, np.asarray(tangent, float), np.ndim(tangent))
                changes.append(np.asarray(change))
            out.append(changes[0] if len(changes) == 1 else tuple(changes))
        return out

    def _single(self, cotangent: list[FloatArray]) -> dict[int, Any]:
        """Derivatives of one tape by each column, weights summed over the samples: one sweep."""
        structure = self.structure
        live = np.zeros(self.samples, bool)
        for part in cotangent:
            live |= part.reshape(self.samples, -1).any(axis=1)
        chosen = slice(None) if live.all() else np.flatnonzero(live)
        parts = [part[chosen] for part in cotangent]
        _, by_weights, by_inputs = adjoint_sweep(
            structure.program(self.inputs),
            self.X[chosen],
            self.weights,
            lambda f, rows: _pullback(structure, f, [part[rows] for part in parts]),
            inputs=bool(self.inputs),
        )
        inputs = np.zeros(self.X.shape)
        if self.inputs:
            inputs[chosen] = by_inputs
        rest = [k for k in range(len(structure.parameters)) if k not in set(self.inputs)]
        return dict(zip(rest, by_weights, strict=True)) | dict(zip(self.inputs, inputs.T, strict=True))

    def _rows(self, sources: NDArray[np.int64], cotangents: list[FloatArray]) -> FloatArray:
        """Derivatives by every column for rows of samples and cotangents, shape (n_rows, n_columns)."""
        structure = self.structure
        everything = tuple(range(len(structure.parameters)))
        _, _, by_inputs = adjoint_sweep(
            structure.program(everything),
            self.full[sources],
            np.empty(0),
            lambda f, rows: _pullback(structure, f, [part[rows] for part in cotangents]),
            inputs=True,
        )
        assert by_inputs is not None
        return by_inputs

    def _batched_columns(self, tape: QuantumScript) -> set[int]:
        return {k for k, _ in _values(self.structure, tape)[1]}

    def _by_parameter(self, tape: QuantumScript, of_column: Callable[[int], Any]) -> tuple[Any, ...]:
        """One array for each trainable parameter, from the arrays of its columns."""
        out = []
        for number in tape.trainable_params:
            slot = self.structure.slots[number] if number < len(self.structure.slots) else None
            if slot is None:
                out.append(np.zeros(()))  # of an observable: derived by nothing here, as in lightning.qubit
            elif slot[1] == 1:
                out.append(np.asarray(of_column(slot[0])))
            else:
                out.append(np.stack([of_column(slot[0] + k) for k in range(slot[1])], axis=-1))
        return tuple(out)


def _values(structure: Structure, tape: QuantumScript) -> tuple[FloatArray, list[tuple[int, Any]]]:
    """A tape's numbers: the columns that have one value (others 0), and those with a value for each sample."""
    one = np.zeros(len(structure.parameters))
    many = []
    ops = tape.operations
    k = 0
    if structure.prepared:
        amplitudes = np.asarray(ops[0].data[0], float)
        k = structure.prepared
        if amplitudes.ndim == 2:
            many = list(enumerate(amplitudes.T))
        else:
            one[:k] = amplitudes
    for position in structure.angled:
        for value in ops[position].data:
            if np.ndim(value):
                many.append((k, np.asarray(value, float)))
            else:
                one[k] = value
            k += 1
    return one, many


def _split_values(structure: Structure, f: FloatArray) -> list[Any]:
    """Each readout's value from the expectations of all; None for measurements that are none."""
    out: list[Any] = []
    begin = 0
    for r in structure.readouts:
        if r is None:
            out.append(None)
            continue
        out.append(r.value(f[:, begin : begin + len(r.observables)]))
        begin += len(r.observables)
    return out


def _pullback(structure: Structure, f: FloatArray, cotangents: list[FloatArray]) -> FloatArray:
    """Derivative by all expectations, shape (n_rows, n_observables)."""
    parts, begin = [], 0
    for r, cotangent in zip(structure.differentiable, cotangents, strict=True):
        parts.append(r.pullback(f[:, begin : begin + len(r.observables)], cotangent))
        begin += len(r.observables)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _measured_states(measurement: MeasurementProcess, state: NDArray[Any]) -> NDArray[Any]:
    """What PennyLane makes of each state; a measurement of a user's own need not know of batches."""
    found = np.asarray(measure(measurement, state, is_state_batched=True))
    if found.ndim and len(found) == len(state):
        return found
    return np.stack([np.asarray(measure(measurement, one)) for one in state])


def _result(found: list[Any], batched: bool) -> Any:
    values = found if batched else [value[0] for value in found]
    return values[0] if len(values) == 1 else tuple(values)


def _cotangents(
    readouts: list[Expectation], given: Any, samples: int, batched: bool
) -> tuple[list[FloatArray], int | None]:
    """A cotangent for each measurement, (n_samples, *shape) or many below each other; and how many, if not one."""
    parts = [given] if len(readouts) == 1 and not isinstance(given, tuple | list) else list(given)
    if len(parts) != len(readouts):
        parts = [given]
    out: list[FloatArray] = []
    count: int | None = None
    for r, part in zip(readouts, parts, strict=True):
        array = np.asarray(part, float)
        expected = (samples,) * batched + r.shape
        if array.ndim == len(expected) + 1:
            count = len(array)
        out.append(array)
    for k, r in enumerate(readouts):
        shape = (count or 1, *((samples,) * batched + r.shape))
        out[k] = np.broadcast_to(out[k], shape).reshape(-1, *r.shape)
    return out, count


def _picker(part: FloatArray, per_sample: set[int], batched: bool, count: int | None) -> Any:
    """Of (n_cotangents, n_samples, n_columns): a column's derivative, shape ([n_cotangents,] [n_samples])."""

    def pick(k: int) -> FloatArray:
        found = part[:, :, k] if k in per_sample else part[:, :, k].sum(axis=1)
        return found if count is not None else found[0]

    return pick


def _entry(part: FloatArray, per_sample: set[int], batched: bool) -> Any:
    """Of (n_samples, *shape, n_columns): a column's Jacobian, ([n_samples,] *shape [, n_samples])."""

    def pick(k: int) -> FloatArray:
        found = part[..., k]
        if not batched:
            return found[0]
        if k not in per_sample:
            return found
        out = np.zeros((*found.shape, len(found)))
        for b in range(len(found)):
            out[b, ..., b] = found[b]
        return out

    return pick
