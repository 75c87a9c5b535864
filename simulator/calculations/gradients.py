"""Derivatives of expectations by the batched adjoint sweep, parameter shift and finite differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import progress
from simulator.calculations.parameter_shift import ShiftedCircuit
from simulator.calculations.probabilities import check_measured
from simulator.calculations.statevector import as_observables, expectations, split_values
from simulator.engines.choice import engine_for
from simulator.engines.trait import Cotangent, PreparedSweep, StateCotangent
from simulator.errors import ParameterError, QumbaError, unknown_name
from simulator.observables import PauliSum
from simulator.operations.binding import values_array
from simulator.operations.sequence import OperationSequence
from simulator.program.program import Program
from simulator.program.values import as_inputs, as_weights

FloatArray = NDArray[np.float64]
METHODS = ("adjoint", "parameter_shift", "finite_difference")
_STEP = 6e-6  # radians; near the cube root of machine epsilon, where central differences are most accurate


def adjoint_sweep(
    program: Program,
    X: FloatArray,
    weights: FloatArray,
    cotangent: FloatArray | Cotangent,
    inputs: bool = False,
    qubits: Sequence[int] | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Compute expectations, and derivatives of any function of them, by the adjoint method for many samples.

    Takes two states per sample and one backward sweep for any number of observables and parameters: the adjoint state
    starts as ``sum_k v_k O_k psi`` with ``v`` the derivative with respect to the expectations. The probability of an
    outcome is the expectation of a projector.

    Parameters
    ----------
    program : Program
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    cotangent : float64 ndarray, shape (n_samples, n_observables), or callable
        Derivative of the function with respect to each expectation; or a callable that returns it for the expectations
        of consecutive rows, shape (n, n_observables), and their slice. It is called once per chunk of rows.
    inputs : bool
        Whether to differentiate with respect to X as well.
    qubits : sequence of k int, optional
        Qubits whose probabilities, shape (n_samples, 2**k), take the place of expectations, for a program without
        observables; see `probabilities`.

    Returns
    -------
    values : float64 ndarray, shape (n_samples, n_observables)
    by_weights : float64 ndarray, shape (n_weights,)
        Summed over the samples; exact up to rounding.
    by_inputs : float64 ndarray, shape (n_samples, n_inputs), or None

    Raises
    ------
    CircuitError
        If a matrix after the gate of a parameter cannot be undone, see `Program.check_undone`.

    References
    ----------
    Jones and Gacon, arXiv:2009.02823.
    """
    program.check_undone(inputs)
    X, weights = as_inputs(program, X), as_weights(program, weights)
    measured = None if qubits is None else check_measured(program, qubits, len(X))
    return engine_for(program, len(X)).sweep(program, X, weights, cotangent, inputs, measured)


def prepared_sweep(
    program: Program,
    weights: FloatArray,
    by_weights: FloatArray,
    cotangent: Cotangent,
    inputs: bool = False,
    qubits: Sequence[int] | None = None,
) -> PreparedSweep:
    """Prepare `adjoint_sweep` for many batches at weights that change in place; see `Engine.prepared_sweep`.

    Raises
    ------
    ParameterError
        If the weights are not a float64 array that an engine can read in place, or have another shape.
    CircuitError
        As for `adjoint_sweep`.
    """
    program.check_undone(inputs)
    if as_weights(program, weights) is not weights:
        raise ParameterError(
            f"weights to change in place must be a contiguous, writable float64 array, got {type(weights).__name__}"
        )
    sweep: PreparedSweep | None = None

    def prepared(X: FloatArray, rows: slice) -> FloatArray | None:
        nonlocal sweep
        X = as_inputs(program, X)
        if sweep is None:
            measured = None if qubits is None else check_measured(program, qubits, len(X))
            engine = engine_for(program, len(X))
            sweep = engine.prepared_sweep(program, weights, by_weights, cotangent, inputs, measured)
        return sweep(X, rows)

    return prepared


def sweep_calls(
    program: Program,
    X: FloatArray,
    weights: FloatArray,
    values: FloatArray,
    cotangent: FloatArray,
    by_weights: FloatArray,
    by_inputs: FloatArray | None,
    qubits: Sequence[int] | None,
    between: list[Any],
) -> list[Any] | None:
    """Prepare `adjoint_sweep` as calls that a compiled loop makes; see `Engine.sweep_calls`."""
    program.check_undone(by_inputs is not None)
    measured = None if qubits is None else check_measured(program, qubits, len(X))
    engine = engine_for(program, len(X))
    return engine.sweep_calls(program, X, weights, values, cotangent, by_weights, by_inputs, measured, between)


def state_sweep(
    program: Program, X: FloatArray, weights: FloatArray, cotangent: StateCotangent, inputs: bool = False
) -> tuple[FloatArray, FloatArray | None]:
    """Differentiate any function of all samples' final states by the adjoint method.

    The counterpart of `adjoint_sweep` for states; the function may couple samples, as fidelities between them do.

    Parameters
    ----------
    program : Program
        Program without observables, as gates that do not affect observables are left out.
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    cotangent : callable
        Function that maps all final states ``psi``, shape (n_samples, 2**n), to ``v`` of the same shape with
        ``df = Re sum(conj(v) * d psi)``: the derivative with respect to the real parts, plus i times that with
        respect to the imaginary parts.
    inputs : bool
        Whether to differentiate with respect to X as well.

    Returns
    -------
    by_weights : float64 ndarray, shape (n_weights,)
    by_inputs : float64 ndarray, shape (n_samples, n_inputs), or None

    Raises
    ------
    CircuitError
        As for `adjoint_sweep`.

    References
    ----------
    Jones and Gacon, arXiv:2009.02823.
    """
    if program.observables:
        raise ValueError("a function of states needs a program without observables")
    program.check_undone(inputs)
    X, weights = as_inputs(program, X), as_weights(program, weights)
    return engine_for(program, len(X)).state_sweep(program, X, weights, cotangent, inputs)


def expectation_and_gradient(
    circuit: OperationSequence, observables: Any, values: Any = None, precision: str = "double"
) -> tuple[Any, FloatArray]:
    """Compute expectations and their derivatives with respect to every parameter; see `gradient`."""
    listed, single = as_observables(observables)
    program, X, weights, one = split_values(circuit, listed, values, precision)
    samples, count = len(X), len(listed)
    out = np.empty((samples, count, circuit.num_parameters))
    values_out = np.empty((samples, count))
    for k in progress.steps(range(count)):
        v = np.zeros((samples, count))
        v[:, k] = 1.0
        values_out, by_weights, by_inputs = adjoint_sweep(program, X, weights, v, inputs=not one)
        out[:, k] = by_weights if by_inputs is None else by_inputs
    if single:
        return (float(values_out[0, 0]), out[0, 0]) if one else (values_out[:, 0], out[:, 0])
    return (values_out[0], out[0]) if one else (values_out, out)


def gradient(
    circuit: OperationSequence, observables: Any, values: Any = None, method: str = "adjoint", precision: str = "double"
) -> FloatArray:
    """Differentiate expectations with respect to every parameter.

    Parameters
    ----------
    circuit : Circuit
    observables : PauliSum or sequence of PauliSum
    values : mapping or array_like, optional
        Values of the parameters: a mapping, or an array of shape (num_parameters,) or (n_sets, num_parameters).
    method : {"adjoint", "parameter_shift", "finite_difference"}
        Adjoint is exact and fastest. Parameter shift is exact and runs on hardware too. Finite differences
        are central, accurate to about 1e-9.
    precision : {"double", "single"}
        Precision of the adjoint method's states; the other methods need double.

    Returns
    -------
    float64 ndarray, shape ([n_sets,] [n_observables,] num_parameters)
    """
    if method not in METHODS:
        raise unknown_name("gradient method", method, METHODS)
    if method == "adjoint":
        return expectation_and_gradient(circuit, observables, values, precision)[1]
    if precision != "double":
        raise QumbaError(f"precision={precision!r} goes with method='adjoint', got {method!r}")
    listed, single = as_observables(observables)
    array = values_array(circuit, values)
    if method == "parameter_shift":
        shifted = ShiftedCircuit(circuit)
        program, X, weights, _ = split_values(shifted.circuit, listed, shifted.values(np.atleast_2d(array)), "double")
        out = shifted.gradient(expectations(program, X, weights))
    else:
        out = np.stack([_differences(circuit, listed, row) for row in np.atleast_2d(array)])
    if single:
        out = out[:, 0]
    return out[0] if array.ndim == 1 else out


def _differences(circuit: OperationSequence, observables: Sequence[PauliSum], values: FloatArray) -> FloatArray:
    """Compute central differences, shape (n_observables, num_parameters)."""
    count = len(values)
    steps = _STEP * np.eye(count)
    above, below = values + steps, values - steps
    check_steps(circuit, values, np.diag(above) - values, _STEP, 0.5)
    program, X, weights, _ = split_values(circuit, observables, np.concatenate([above, below]), "double")
    out = expectations(program, X, weights)
    return ((out[:count] - out[count:]) / (np.diag(above) - np.diag(below))[:, None]).T


def check_steps(circuit: OperationSequence, values: FloatArray, steps: Any, wanted: Any, tolerance: float) -> None:
    """Raise an error if rounding beside large values changes the steps of finite differences.

    Raises
    ------
    ParameterError
        If a step differs from its intended value by more than ``tolerance`` times the largest step.
    """
    if not values.size:
        return
    errors, largest = np.abs(steps - wanted), np.abs(wanted).max()
    worst = int(errors.argmax())
    if errors[worst] > tolerance * largest:
        raise ParameterError(
            f"differences move parameter {circuit.parameters[worst]} by about {largest:.1g}, which "
            f"is lost in the rounding of its value {values[worst]:g}; give the value modulo the gate's period, or take "
            "method='adjoint' for a gradient"
        )
