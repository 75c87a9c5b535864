"""Derivatives of a batch of tapes, as PennyLane asks for them: vector-Jacobian products, Jacobians, and their products.

All come from one adjoint sweep. A batch has a column for each number of its structure, and PennyLane has parameters,
each of one or more columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pennylane.tape import QuantumScript

from simulator.calculations.gradients import adjoint_sweep
from simulator.pennylane_device.batches import Batch
from simulator.pennylane_device.readouts import Expectation
from simulator.pennylane_device.structures import Structure

FloatArray = NDArray[np.float64]


class Products(tuple[Any, ...]):
    """Derivatives with respect to a tape's parameters, whose shapes differ if only some parameters are batched.

    PennyLane's torch interface asks NumPy for the shape of all of them, which fails for a plain tuple.
    """

    def squeeze(self) -> NDArray[Any]:
        """Return an array with the same number of entries."""
        return np.empty(len(self))


def vjp(batch: Batch, cotangents: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Compute vector-Jacobian products: for each tape, one array for each of its trainable parameters.

    A cotangent has the shape of the tape's result, or one more leading axis for several cotangents at once.
    """
    readouts = batch.structure.differentiable
    tape_cotangents = [
        _cotangents(readouts, cotangent, rows.stop - rows.start, batched)
        for cotangent, rows, batched in zip(cotangents, batch.rows, batch.batched, strict=True)
    ]
    if len(batch.tapes) == 1 and tape_cotangents[0][1] is None:
        by_column = _single(batch, tape_cotangents[0][0])
        return [Products(_by_parameter(batch, batch.tapes[0], by_column.__getitem__))]
    # each pair of a sample and a cotangent is a row
    sources = np.concatenate(
        [
            np.tile(np.arange(rows.start, rows.stop), count or 1)
            for rows, (_, count) in zip(batch.rows, tape_cotangents, strict=True)
        ]
    )
    flat = [np.concatenate([cotangent[m] for cotangent, _ in tape_cotangents]) for m in range(len(readouts))]
    derivatives = _by_rows(batch, sources, flat)
    out: list[tuple[Any, ...]] = []
    begin = 0
    for tape, rows, (_, count) in zip(batch.tapes, batch.rows, tape_cotangents, strict=True):
        size = rows.stop - rows.start
        part = derivatives[begin : begin + size * (count or 1)].reshape(count or 1, size, -1)
        begin += size * (count or 1)
        out.append(Products(_by_parameter(batch, tape, _product_picker(part, batch.batched_columns(tape), count))))
    return out


def jacobians(batch: Batch) -> list[Any]:
    """Compute the Jacobian of each tape, nested as in PennyLane: by measurement, then by parameter."""
    readouts = batch.structure.differentiable
    sizes = [int(np.prod(readout.shape)) for readout in readouts]
    total = sum(sizes)
    sources = np.repeat(np.arange(batch.samples), total)  # each sample once for each number that is measured
    ends = np.cumsum(sizes)
    one_hot = np.tile(np.eye(total), (batch.samples, 1))
    flat = [
        one_hot[:, end - size : end].reshape(-1, *readout.shape)
        for readout, size, end in zip(readouts, sizes, ends, strict=True)
    ]
    derivatives = _by_rows(batch, sources, flat).reshape(batch.samples, total, len(batch.structure.parameters))
    out = []
    for tape, rows, batched in zip(batch.tapes, batch.rows, batch.batched, strict=True):
        of_tape = derivatives[rows]
        per_sample = batch.batched_columns(tape)
        by_measurement = []
        for readout, size, end in zip(readouts, sizes, ends, strict=True):
            part = of_tape[:, end - size : end].reshape(len(of_tape), *readout.shape, -1)
            by_measurement.append(_by_parameter(batch, tape, _jacobian_picker(part, per_sample, batched)))
        nested = [columns[0] if len(columns) == 1 else columns for columns in by_measurement]
        out.append(nested[0] if len(nested) == 1 else tuple(nested))
    return out


def jvp(batch: Batch, tangents: Sequence[Sequence[Any]]) -> list[Any]:
    """Compute Jacobian-vector products: for each tape, the change of its result along its tangents."""
    out = []
    for tape, jacobian, tape_tangents in zip(batch.tapes, jacobians(batch), tangents, strict=True):
        by_measurement = (jacobian,) if len(tape.measurements) == 1 else jacobian
        changes = []
        for part in by_measurement:
            columns = (part,) if len(tape.trainable_params) == 1 else part
            change: Any = 0.0
            for column, tangent in zip(columns, tape_tangents, strict=True):
                change = change + np.tensordot(column, np.asarray(tangent, float), np.ndim(tangent))
            changes.append(np.asarray(change))
        out.append(changes[0] if len(changes) == 1 else tuple(changes))
    return out


def _single(batch: Batch, cotangent: list[FloatArray]) -> dict[int, Any]:
    """Compute the derivatives of a single tape for each column, those of weights summed over the samples."""
    structure = batch.structure
    is_needed = np.zeros(batch.samples, bool)
    for part in cotangent:
        is_needed |= part.reshape(batch.samples, -1).any(axis=1)
    needed = slice(None) if is_needed.all() else np.flatnonzero(is_needed)
    parts = [part[needed] for part in cotangent]
    _, by_weights, by_inputs = adjoint_sweep(
        structure.program(batch.inputs),
        batch.X[needed],
        batch.weights,
        lambda f, rows: _pullback(structure, f, [part[rows] for part in parts]),
        inputs=bool(batch.inputs),
    )
    inputs = np.zeros(batch.X.shape)
    if batch.inputs:
        inputs[needed] = by_inputs
    input_columns = set(batch.inputs)
    weight_columns = [k for k in range(len(structure.parameters)) if k not in input_columns]
    return dict(zip(weight_columns, by_weights, strict=True)) | dict(zip(batch.inputs, inputs.T, strict=True))


def _by_rows(batch: Batch, sources: NDArray[np.int64], cotangents: list[FloatArray]) -> FloatArray:
    """Compute the derivatives for rows of samples and cotangents, shape (n_rows, n_columns)."""
    structure = batch.structure
    all_columns = tuple(range(len(structure.parameters)))
    _, _, by_inputs = adjoint_sweep(
        structure.program(all_columns),
        batch.full[sources],
        np.empty(0),
        lambda f, rows: _pullback(structure, f, [part[rows] for part in cotangents]),
        inputs=True,
    )
    assert by_inputs is not None
    return by_inputs


def _by_parameter(batch: Batch, tape: QuantumScript, of_column: Callable[[int], Any]) -> tuple[Any, ...]:
    """Collect the arrays of columns into one array for each trainable parameter."""
    slots = batch.structure.slots
    out = []
    for number in tape.trainable_params:
        slot = slots[number] if number < len(slots) else None
        if slot is None:
            out.append(np.zeros(()))  # a coefficient of an observable has no derivative, as in lightning.qubit
        elif slot[1] == 1:
            out.append(np.asarray(of_column(slot[0])))
        else:
            out.append(np.stack([of_column(slot[0] + k) for k in range(slot[1])], axis=-1))
    return tuple(out)


def _pullback(structure: Structure, f: FloatArray, cotangents: list[FloatArray]) -> FloatArray:
    """Compute the derivative with respect to all expectations, shape (n_rows, n_observables)."""
    parts, begin = [], 0
    for readout, cotangent in zip(structure.differentiable, cotangents, strict=True):
        parts.append(readout.pullback(f[:, begin : begin + len(readout.observables)], cotangent))
        begin += len(readout.observables)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _cotangents(
    readouts: list[Expectation], cotangent: Any, samples: int, batched: bool
) -> tuple[list[FloatArray], int | None]:
    """Split a tape's cotangent by measurement.

    Returns
    -------
    cotangents : list of float ndarray, each of shape (count * n_samples, *shape of the measurement)
    count : int or None
        Number of cotangents; None for a single one without a leading axis.
    """
    parts = [cotangent] if len(readouts) == 1 and not isinstance(cotangent, tuple | list) else list(cotangent)
    if len(parts) != len(readouts):
        parts = [cotangent]
    out: list[FloatArray] = []
    count: int | None = None
    for readout, part in zip(readouts, parts, strict=True):
        array = np.asarray(part, float)
        expected = (samples,) * batched + readout.shape
        if array.ndim == len(expected) + 1:
            count = len(array)
        out.append(array)
    for k, readout in enumerate(readouts):
        shape = (count or 1, *((samples,) * batched + readout.shape))
        out[k] = np.broadcast_to(out[k], shape).reshape(-1, *readout.shape)
    return out, count


def _product_picker(part: FloatArray, per_sample: set[int], count: int | None) -> Callable[[int], FloatArray]:
    """Return a function from a column to its product, shape ([n_cotangents,] [n_samples]).

    ``part`` has shape (n_cotangents, n_samples, n_columns); columns not in ``per_sample`` are summed over the samples.
    """

    def pick(column: int) -> FloatArray:
        products = part[:, :, column] if column in per_sample else part[:, :, column].sum(axis=1)
        return products if count is not None else products[0]

    return pick


def _jacobian_picker(part: FloatArray, per_sample: set[int], batched: bool) -> Callable[[int], FloatArray]:
    """Return a function from a column to its Jacobian, shape ([n_samples,] *shape [, n_samples]).

    ``part`` has shape (n_samples, *shape, n_columns).
    """

    def pick(column: int) -> FloatArray:
        jacobian = part[..., column]
        if not batched:
            return jacobian[0]
        if column not in per_sample:
            return jacobian
        out = np.zeros((*jacobian.shape, len(jacobian)))
        for sample in range(len(jacobian)):
            out[sample, ..., sample] = jacobian[sample]
        return out

    return pick
