"""Second derivatives: Hessian-vector products of expectations, and the metric tensor of states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import gates, pauli
from simulator.calculations.gradients import check_steps, gradient
from simulator.calculations.statevector import states
from simulator.errors import ParameterError, QumbaError
from simulator.gates.matrices import unit_vectors
from simulator.operations.binding import bind, values_array
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Expression, ParameterVector
from simulator.program.program import Program

FloatArray = NDArray[np.float64]
_STEP = 2e-3  # step in radians of a fourth-order difference; truncation and rounding errors are both near 1e-12
_STEP_ERROR = 1e-6  # maximum rounding error of a step, relative to the largest step


def hessian_vector_product(
    circuit: OperationSequence, observables: Any, values: Any = None, vector: ArrayLike | None = None
) -> FloatArray:
    """Compute the Hessian of expectations times a vector, at the cost of four adjoint gradients.

    Parameters
    ----------
    circuit : Circuit
    observables : PauliSum or sequence of PauliSum
    values : mapping or array_like, shape (num_parameters,)
    vector : array_like, shape (num_parameters,)

    Returns
    -------
    float64 ndarray, shape ([n_observables,] num_parameters)
        Accurate to about 1e-11 times the size of the vector: a fourth-order central difference of exact gradients.

    Raises
    ------
    ParameterError
        If there is more than one set of values, or the vector does not have one entry per parameter.
    """
    point, direction = values_array(circuit, values), np.asarray(vector, float)
    if point.ndim != 1 or direction.shape != point.shape:
        raise ParameterError(
            f"a Hessian-vector product takes one set of {circuit.num_parameters} values and a vector of that length, "
            f"got shapes {point.shape} and {direction.shape}"
        )
    if not np.isfinite(direction).all():
        raise ParameterError("the vector of a Hessian-vector product contains NaN or infinity")
    unit, norm = unit_vectors(direction)
    if norm == 0:
        return 0.0 * gradient(circuit, observables, point)
    step = _STEP * unit
    check_steps(circuit, point, point + step - point, step, _STEP_ERROR)
    near = gradient(circuit, observables, point + step) - gradient(circuit, observables, point - step)
    far = gradient(circuit, observables, point + 2 * step) - gradient(circuit, observables, point - 2 * step)
    return (8 * near - far) * (norm / (12 * _STEP))


def metric_tensor(circuit: OperationSequence, values: Any = None) -> FloatArray:
    """Compute the Fubini-Study metric ``Re(<d_i psi|d_j psi> - <d_i psi|psi><psi|d_j psi>)`` of a circuit's states.

    A quarter of the quantum Fisher information; the natural gradient multiplies by its inverse. All derivatives of the
    state are computed in one batch, with one state per Pauli string of a parameter's generator.

    Parameters
    ----------
    circuit : Circuit
    values : mapping or array_like, shape (num_parameters,)

    Returns
    -------
    float64 ndarray, shape (num_parameters, num_parameters)
        Symmetric, positive semidefinite, exact up to rounding.

    Raises
    ------
    ParameterError
        If there is more than one set of values.
    QumbaError
        If a parameter occurs outside the angle of a rotation.
    StateTooLargeError
        If the derivatives do not fit in memory; raised before allocation.

    References
    ----------
    Stokes, Izaac, Killoran, Carleo, arXiv:1909.02108.
    """
    point = values_array(circuit, values)
    if point.ndim != 1:
        raise ParameterError(f"the metric tensor takes one set of values, got an array of shape {point.shape}")
    inserted, shares = _with_generators(circuit, point)
    count = len(inserted.parameters)
    program = Program(inserted, (), inserted.parameters)
    psi = states(program, np.concatenate([np.zeros((1, count)), np.pi * np.eye(count)]), np.zeros(0))
    derivatives = shares[:, 1:] @ psi[1:] - 1j * shares[:, :1] * psi[:1]
    along = derivatives @ psi[0].conj()
    return np.asarray((derivatives.conj() @ derivatives.T).real - (along[:, None].conj() * along).real)


def _with_generators(circuit: OperationSequence, point: FloatArray) -> tuple[OperationSequence, FloatArray]:
    """Bind the circuit and insert a rotation about each string of each generator, with a new parameter as angle.

    At angle pi such a rotation is -i times its string. The second result holds each circuit parameter's factor of each
    string, shape (num_parameters, 1 + strings); column 0 is the identity's.
    """
    numbers = {p: k for k, p in enumerate(circuit.parameters)}
    values = dict(zip(circuit.parameters, point.tolist(), strict=True))
    steps: list[tuple[gates.Operation | None, str, tuple[int, ...], FloatArray]] = []
    identity = np.zeros(len(point))
    for operation in _flat(circuit.operations):
        steps.append((operation, "", (), identity))
        free = [angle for angle in operation.angles if isinstance(angle, Expression)]
        if not free:
            continue
        if not isinstance(operation.gate, gates.Rotation):
            raise QumbaError(
                f"the metric tensor needs parameters in rotations only; {operation.gate.name} is not a rotation"
            )
        by_parameter = np.zeros(len(point))
        for parameter, factor in free[0].terms.items():
            by_parameter[numbers[parameter]] += factor
        for label, coefficient in _strings(operation.gate):
            if set(label) == {"I"}:
                identity = identity + coefficient * by_parameter
            else:
                steps.append((None, label, operation.qubits, coefficient * by_parameter))
    labels = [step for step in steps if step[0] is None]
    names = iter(ParameterVector("generator", len(labels)))
    operations = [
        gates.PauliRotation(label)(next(names), *qubits) if operation is None else operation
        for operation, label, qubits, _ in steps
    ]
    bound = bind(circuit.with_operations(operations), values)
    return bound, np.stack([identity, *(share for *_, share in labels)], axis=1)


def _strings(gate: gates.Rotation) -> Iterator[tuple[str, float]]:
    """Yield labels (last character: first qubit) and coefficients of the generator on controls and targets."""
    controls = len(gate.controls)
    for x, z, coefficient in zip(*(terms.tolist() for terms in gate.pauli_terms), strict=True):
        for subset in range(1 << controls):
            sign = 1.0
            for k, value in enumerate(gate.controls):
                if subset >> k & 1:
                    sign *= -1.0 if value else 1.0
            label = pauli.label(x << controls, z << controls | subset, controls + gate.num_targets)
            yield label, sign * coefficient / (1 << controls)


def _flat(operations: Sequence[gates.Operation]) -> Iterator[gates.Operation]:
    for operation in operations:
        if isinstance(operation.gate, gates.Composite):
            yield from _flat(operation.gate.expand(operation.qubits, operation.angles))
        else:
            yield operation
