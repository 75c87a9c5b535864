"""Second derivatives: Hessian-vector products of expectations, and the metric tensor of states."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import progress
from simulator.calculations.gradients import check_steps, gradient
from simulator.calculations.statevector import cached_program
from simulator.engines.choice import engine_for
from simulator.errors import ParameterError
from simulator.gates.matrices import unit_vectors
from simulator.operations.binding import values_array
from simulator.operations.sequence import OperationSequence
from simulator.program.program import Program
from simulator.program.values import as_inputs, as_weights

FloatArray = NDArray[np.float64]
_STEP = 2e-3  # step in radians of a fourth-order difference; truncation and rounding errors are both near 1e-12
_CHUNK_BYTES = 1 << 26  # bytes of derivatives of states computed at a time
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
    state are computed in one forward sweep.

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
        If an initial amplitude is a parameter.
    StateTooLargeError
        If the derivatives do not fit in memory; raised before allocation.

    References
    ----------
    Stokes, Izaac, Killoran, Carleo, arXiv:1909.02108.
    """
    point = values_array(circuit, values)
    if point.ndim != 1:
        raise ParameterError(f"the metric tensor takes one set of values, got an array of shape {point.shape}")
    return mean_metric(cached_program(circuit, (), False, "double"), np.zeros((1, 0)), point)


def mean_metric(program: Program, X: FloatArray, weights: FloatArray, shares: FloatArray | None = None) -> FloatArray:
    """Compute the mean of the samples' Fubini-Study metrics with respect to the weights.

    Parameters
    ----------
    program : Program
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    shares : float64 ndarray, shape (n_samples,), optional
        Factors of the samples, not negative, in place of 1 / n_samples.

    Returns
    -------
    float64 ndarray, shape (n_weights, n_weights)
        Symmetric, positive semidefinite, exact up to rounding.

    Raises
    ------
    QumbaError
        If an initial amplitude depends on a weight.
    StateTooLargeError
        If the derivatives of one sample do not fit in memory.
    """
    X, weights = as_inputs(program, X), as_weights(program, weights)
    roots = np.full(len(X), len(X) ** -0.5) if shares is None else np.sqrt(shares)
    engine = engine_for(program, len(X))
    out = np.zeros((len(weights), len(weights)))
    per_sample = max(len(weights), 1) * (16 << program.num_qubits)
    for rows in progress.chunks(len(X), max(1, _CHUNK_BYTES // per_sample)):
        tangents = engine.tangents(program, X[rows], weights)
        tangents *= roots[rows, None, None]
        flat = tangents.reshape(-1, len(weights))
        out += flat.T @ flat
    return out
