"""Adjoint gradients for Qiskit Machine Learning: one sweep forward and one back for all samples of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.providers import Options

from simulator.calculations.gradients import adjoint_sweep
from simulator.calculations.statevector import cached_program
from simulator.circuit import Circuit
from simulator.observables import PauliSum
from simulator.pauli import spread, walsh_hadamard
from simulator.qiskit_provider.estimator import Estimator
from simulator.qiskit_provider.observables import strings_of
from simulator.qiskit_provider.preparation import PreparedCircuit, UnsupportedCircuitError, prepare
from simulator.qiskit_provider.sampler import Sampler

try:
    from qiskit_machine_learning.gradients import (
        BaseEstimatorGradient,
        BaseSamplerGradient,
        EstimatorGradientResult,
        SamplerGradientResult,
    )
except ModuleNotFoundError as error:
    raise ImportError(
        "EstimatorGradient and SamplerGradient need the extra [qiskit-ml]: pip install 'qumba[qiskit-ml]'"
    ) from error

__all__ = ["EstimatorGradient", "SamplerGradient"]

FloatArray = NDArray[np.float64]

_NO_WEIGHTS = np.zeros(0)


class EstimatorGradient(BaseEstimatorGradient):
    """Exact derivatives of expectations for an ``EstimatorQNN``, by the adjoint method.

    Unlike parameter shift, this works for any gate and any differentiable expression of parameters.

    Parameters
    ----------
    estimator : BaseEstimatorV2, optional
        Stored because Qiskit's interface requires it; not used for gradients.
    options : Options, optional
        Stored, without effect.

    Examples
    --------
    >>> from qiskit.circuit.library import real_amplitudes
    >>> from qiskit.quantum_info import SparsePauliOp
    >>> gradient = EstimatorGradient()
    >>> job = gradient.run([real_amplitudes(1, reps=0)], [SparsePauliOp("Z")], [[0.5]])
    >>> job.result().gradients[0].round(6)  # -sin(0.5)
    array([-0.479426])
    """

    def __init__(self, estimator: Any = None, options: Options | None = None) -> None:
        super().__init__(Estimator() if estimator is None else estimator, options)

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[Any],
        parameter_values: Sequence[Sequence[float]] | FloatArray,
        parameters: Sequence[Sequence[Any]],
        **options: Any,
    ) -> EstimatorGradientResult:
        gradients: list[Any] = [None] * len(circuits)
        for circuit, rows in _rows_by_identity(circuits):
            prepared, unitary = _unitary(circuit)
            distinct: dict[int, int] = {}
            sums: list[PauliSum] = []
            columns = np.empty(len(rows), int)
            for k, row in enumerate(rows):
                observable = observables[row]
                if id(observable) not in distinct:
                    distinct[id(observable)] = len(sums)
                    strings = strings_of(ObservablesArray.coerce_observable(observable))
                    sums.append(strings.pauli_sum({q: q for q in range(circuit.num_qubits)}))
                columns[k] = distinct[id(observable)]
            values = np.array([parameter_values[row] for row in rows], float)
            cotangent = np.zeros((len(rows), len(sums)))
            cotangent[np.arange(len(rows)), columns] = 1.0
            by_parameter = _sweep(prepared, unitary, sums, values, cotangent)
            for row, gradient in _requested(circuit, rows, parameters, by_parameter):
                gradients[row] = gradient
        metadata = [{"parameters": requested} for requested in parameters]
        return EstimatorGradientResult(gradients=gradients, metadata=metadata, options=Options(**options))

    @staticmethod
    def _validate_arguments(*arguments: Any) -> None:
        BaseEstimatorGradient._validate_arguments(*_distinct_rows(*arguments))


class SamplerGradient(BaseSamplerGradient):
    """Exact derivatives of the probabilities of outcomes for a ``SamplerQNN`` or ``VQC``, by the adjoint method.

    The cost grows with the number of outcomes, ``2**k`` for k measured qubits.

    Parameters
    ----------
    sampler : BaseSamplerV2, optional
        Stored because Qiskit's interface requires it; not used for gradients.
    options : Options, optional
        Stored, without effect.
    """

    def __init__(self, sampler: Any = None, options: Options | None = None) -> None:
        super().__init__(Sampler() if sampler is None else sampler, options)

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        parameter_values: Sequence[Sequence[float]] | FloatArray,
        parameters: Sequence[Sequence[Any]],
        **options: Any,
    ) -> SamplerGradientResult:
        gradients: list[Any] = [None] * len(circuits)
        for circuit, rows in _rows_by_identity(circuits):
            prepared, unitary = _unitary(circuit)
            qubits = _measured_qubits(circuit, prepared)
            size = 1 << len(qubits)
            masks = spread(np.arange(size), qubits)
            # probabilities are the Walsh-Hadamard transform of the expectations of all strings of Z
            sums = [PauliSum([0], [int(mask)], [1.0]) for mask in masks]
            values = np.array([parameter_values[row] for row in rows], float)
            cotangent = np.tile(np.eye(size), (len(rows), 1))
            by_string = _sweep(prepared, unitary, sums, np.repeat(values, size, axis=0), cotangent)
            by_string = by_string.reshape(len(rows), size, -1)
            by_outcome = walsh_hadamard(by_string.transpose(0, 2, 1)) / size  # (n_rows, num_parameters, size)
            for row, gradient in _requested(circuit, rows, parameters, by_outcome):
                gradients[row] = [dict(enumerate(derivatives)) for derivatives in gradient.tolist()]
        metadata = [{"parameters": requested} for requested in parameters]
        return SamplerGradientResult(gradients=gradients, metadata=metadata, options=Options(**options))

    @staticmethod
    def _validate_arguments(*arguments: Any) -> None:
        BaseSamplerGradient._validate_arguments(*_distinct_rows(*arguments))


def _distinct_rows(*sequences: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """Keep one of all rows with the same objects and number of values, because checking a circuit is slow."""
    if len({len(sequence) for sequence in sequences}) > 1:
        return sequences  # Qiskit's check names the sequence whose length differs
    rows: dict[Any, int] = {}
    for row, items in enumerate(zip(*sequences, strict=True)):
        values = next(item for item in items if not hasattr(item, "num_qubits"))
        key = len(values), *(id(item) for item in items if item is not values)
        rows.setdefault(key, row)
    return [[sequence[row] for row in rows.values()] for sequence in sequences]


def _rows_by_identity(circuits: Sequence[QuantumCircuit]) -> list[tuple[QuantumCircuit, list[int]]]:
    groups: dict[int, tuple[QuantumCircuit, list[int]]] = {}
    for row, circuit in enumerate(circuits):
        groups.setdefault(id(circuit), (circuit, []))[1].append(row)
    return list(groups.values())


def _unitary(circuit: QuantumCircuit) -> tuple[PreparedCircuit, Circuit]:
    prepared = prepare(circuit)
    if prepared.final is None:
        raise UnsupportedCircuitError(
            f"circuit {circuit.name!r} has mid-circuit measurements or resets, so it has no gradient; "
            "measure only at the end"
        )
    return prepared, prepared.compact(prepared.final[0], range(circuit.num_qubits))


def _sweep(
    prepared: PreparedCircuit, circuit: Circuit, sums: Sequence[PauliSum], values: FloatArray, cotangent: FloatArray
) -> FloatArray:
    """Compute the derivatives with respect to Qiskit's parameters, shape (n_rows, num_parameters)."""
    if not circuit.num_parameters:
        return np.zeros(values.shape)
    angles = prepared.angles(values)
    program = cached_program(circuit, tuple(sums), True, "double")
    by_angles = adjoint_sweep(program, angles, _NO_WEIGHTS, cotangent, inputs=True)[2]
    assert by_angles is not None
    return prepared.angles.pullback(values, by_angles)


def _requested(
    circuit: QuantumCircuit, rows: Sequence[int], parameters: Sequence[Sequence[Any]], by_parameter: FloatArray
) -> list[tuple[int, FloatArray]]:
    """Return the derivatives of each row with respect to the requested parameters."""
    index = {parameter: k for k, parameter in enumerate(circuit.parameters)}
    columns_of: dict[int, list[int]] = {}
    out = []
    for k, row in enumerate(rows):
        columns = columns_of.get(id(parameters[row]))
        if columns is None:
            columns = columns_of[id(parameters[row])] = [index[parameter] for parameter in parameters[row]]
        out.append((row, by_parameter[k][columns]))
    return out


def _measured_qubits(circuit: QuantumCircuit, prepared: PreparedCircuit) -> list[int]:
    """Return the qubit of each bit that Qiskit Machine Learning reads: register ``meas``, else ``c``, else all bits."""
    registers = {register.name: list(register) for register in circuit.cregs}
    bits = registers.get("meas") or registers.get("c") or circuit.clbits
    index = {clbit: k for k, clbit in enumerate(circuit.clbits)}
    assert prepared.final is not None
    measured = prepared.final[1]
    missing = [k for k in map(index.__getitem__, bits) if k not in measured]
    if missing or not bits:
        raise UnsupportedCircuitError(
            f"circuit {circuit.name!r} has to measure a qubit into each classical bit; bits without one: {missing}"
        )
    return [measured[index[bit]] for bit in bits]
