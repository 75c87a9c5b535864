"""States, expectations, probabilities and samples of circuits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import progress
from simulator.engines.numba import memory
from simulator.engines.numba.kernels import tiles as tiles_kernels
from simulator.engines.numba.run import Run
from simulator.errors import ParameterError
from simulator.observables import PauliSum
from simulator.operations.binding import values_array
from simulator.operations.sequence import OperationSequence
from simulator.program.program import Program

FloatArray = NDArray[np.float64]


def expectations(program: Program, X: FloatArray, weights: FloatArray) -> FloatArray:
    """Expectations of a program's observables for many samples.

    Parameters
    ----------
    program : Program
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)

    Returns
    -------
    float64 ndarray, shape (n_samples, n_observables)
    """
    X, weights = as_inputs(program, X), as_weights(program, weights)
    values = np.empty((len(X), len(program.observables)))
    if not values.size:
        return values
    run = Run(program, weights, len(X))
    nothing = np.empty((0, run.plan.tables.state_size), program.dtype)
    run.forward(X, nothing, values)
    run.close()
    return values


def states(program: Program, X: FloatArray, weights: FloatArray) -> NDArray[Any]:
    """Final states for many samples, shape (n_samples, 2**n): complex128, or complex64 in single precision."""
    X, weights = as_inputs(program, X), as_weights(program, weights)
    memory.check_state(program.num_qubits, len(X), program.precision)
    if not len(X):
        return np.empty((0, 1 << program.num_qubits), np.result_type(program.dtype, np.complex64))
    run = Run(program, weights, len(X))
    if run.plan.big:
        out = _big_states(run, X)
        run.close()
        return out
    memory.check_state(program.num_qubits, len(X) + 1, program.precision)
    out = np.empty((len(X), 1 << program.num_qubits), np.result_type(program.dtype, np.complex64))
    size = run.plan.tile_size
    for rows in progress.steps(run.plan.chunks):
        tiles = -(-(rows.stop - rows.start) // run.plan.per_tile)
        buffer = memory.take(tiles * size, program.dtype)
        keep = buffer[: tiles * size].reshape(tiles, size)
        run.forward(X[rows], keep, _NOTHING)
        tiles_kernels.unpack(keep, out[rows], run.plan.states, run.plan.lanes)
        memory.give(buffer)
    run.close()
    return in_circuit_basis(program, out, X, weights)


def _big_states(run: Run, X: FloatArray) -> NDArray[Any]:
    """`states`, each computed and put in order in the result's own memory."""
    program, size = run.program, run.plan.tile_size
    phases = np.exp(1j * global_phases(program, X, run.weights)).tolist()
    buffer = memory.allocate(len(X) * size, program.dtype).reshape(len(X), size)
    for row in progress.steps(range(len(X))):
        for last in progress.steps((False, True)):  # bringing a large state in order takes as long as many gates
            if last:
                run.to_complex(buffer[row], phases[row])
            else:
                run.forward(X[row : row + 1], buffer[row : row + 1], _NOTHING)
    return buffer.view(np.result_type(program.dtype, np.complex64))


def in_circuit_basis(program: Program, stored: NDArray[Any], X: FloatArray, weights: FloatArray) -> NDArray[Any]:
    """Undo the program's change of basis and put the global phase back."""
    order = _stored_order(program)
    if order is not None:
        stored = np.take(stored, order, axis=1)
    phase = global_phases(program, X, weights)
    if np.any(phase):
        stored *= np.exp(1j * phase).astype(stored.dtype)[:, None]
    return stored


def in_stored_basis(program: Program, states: NDArray[Any], X: FloatArray, weights: FloatArray) -> NDArray[Any]:
    """The inverse of `in_circuit_basis`; a new array."""
    phase = global_phases(program, X, weights)
    out = states * np.exp(-1j * phase).astype(states.dtype)[:, None]
    order = _stored_order(program)
    if order is not None:
        out[:, order] = out.copy()
    return out


def _stored_order(program: Program) -> NDArray[np.int64] | None:
    """Where each basis state is stored, shape (2**n,); None if all are in their places."""
    lowered, n = program.lowered, program.num_qubits
    if not lowered.flips and all(row == 1 << q for q, row in enumerate(lowered.z_rows)):
        return None
    # index i of basis state y: i = sum over the bits of y ^ flips of x_columns
    index = np.zeros(1, np.int64)
    for q in range(n):
        index = np.concatenate([index, index ^ lowered.x_columns[q]])
    offset = 0
    for q in range(n):
        if lowered.flips >> q & 1:
            offset ^= lowered.x_columns[q]
    return index ^ offset


def global_phases(program: Program, X: FloatArray, weights: FloatArray) -> FloatArray:
    """Phase of each sample that the program leaves out, shape (n_samples,)."""
    lowered, split = program.lowered, len(program.inputs)
    phase = np.full(len(X), lowered.phase.constant)
    for k, factor in lowered.phase.factors.items():
        phase += factor * (X[:, k] if k < split else weights[k - split])
    return phase


def as_array(values: Any) -> FloatArray:
    """``values`` as the kernels take them: float64, contiguous, writable."""
    if type(values) is np.ndarray and values.dtype == np.float64 and values.flags.carray:
        return values
    return np.require(values, np.float64, ["C", "A", "W"])


def as_inputs(program: Program, X: Any) -> FloatArray:
    """``X`` as an array for the kernels, shape (n_samples, n_inputs)."""
    X = as_array(X)
    if X.ndim != 2 or X.shape[1] != len(program.inputs):
        raise ParameterError(f"inputs of shape (n_samples, {len(program.inputs)}) expected, got {X.shape}")
    return X  # type: ignore[no-any-return]


def as_weights(program: Program, weights: Any) -> FloatArray:
    """``weights`` as an array for the kernels, shape (n_weights,)."""
    weights = as_array(weights)
    if weights.shape != (len(program.weights),):
        raise ParameterError(f"weights of shape ({len(program.weights)},) expected, got {weights.shape}")
    return weights  # type: ignore[no-any-return]


_NO_INPUTS = np.zeros((1, 0))
_NOTHING = np.empty((0, 0))
_RUN = 1 << 18  # amplitudes that are squared at a time


def split_values(
    circuit: OperationSequence, observables: Sequence[PauliSum], values: Any, precision: str
) -> tuple[Program, FloatArray, FloatArray, bool]:
    """The program, inputs and weights of a circuit at one or many sets of values; and whether it is one."""
    array = values_array(circuit, values)
    if array.ndim == 1:
        return cached_program(circuit, observables, False, precision), _NO_INPUTS, array, True
    return cached_program(circuit, observables, True, precision), array, np.zeros(0), False


def cached_program(
    circuit: OperationSequence, observables: Sequence[PauliSum], batched: bool, precision: str
) -> Program:
    """The circuit's program; the last few are kept, so that calling again lowers nothing."""
    key = circuit, tuple(observables), batched, precision
    try:
        program = _programs.pop(key)
    except KeyError:
        inputs = circuit.parameters if batched else ()
        program = Program(circuit, observables, inputs, precision=precision)
        while len(_programs) >= _KEPT_PROGRAMS:
            _programs.pop(next(iter(_programs)), None)
    _programs[key] = program
    return program


_KEPT_PROGRAMS = 32
_programs: dict[Any, Program] = {}


def statevector(circuit: OperationSequence, values: Any = None, precision: str = "double") -> NDArray[Any]:
    """Final state of a circuit started in ``|0...0>``.

    Parameters
    ----------
    circuit : Circuit
    values : mapping or array_like, optional
        Values of the parameters: a mapping, or an array of shape (num_parameters,) or (n_sets, num_parameters).
    precision : {"double", "single"}

    Returns
    -------
    complex ndarray, shape (2**n,) or (n_sets, 2**n)
        Little-endian: bit q of an index is qubit q.

    Raises
    ------
    StateTooLargeError
        If it does not fit in memory; before anything is allocated.
    """
    program, X, weights, one = split_values(circuit, (), values, precision)
    out = states(program, X, weights)
    return out[0] if one else out


def probabilities(circuit: OperationSequence, values: Any = None, precision: str = "double") -> FloatArray:
    """Probability of each basis state, shape (2**n,) or (n_sets, 2**n)."""
    state = statevector(circuit, values, precision)
    amplitudes = state.reshape(-1)
    out = amplitudes.view(np.float64)[: amplitudes.size]  # in the state's own memory, front to back
    for begin in range(0, len(out), _RUN):
        part = amplitudes[begin : begin + _RUN].astype(complex)
        out[begin : begin + _RUN] = part.real**2 + part.imag**2
    return out.reshape(state.shape)


def expectation(circuit: OperationSequence, observables: Any, values: Any = None, precision: str = "double") -> Any:
    """Expectations ``<psi|O|psi>``.

    Parameters
    ----------
    circuit : Circuit
    observables : PauliSum or sequence of PauliSum
    values : mapping or array_like, optional
        As in `statevector`.
    precision : {"double", "single"}

    Returns
    -------
    float or float64 ndarray
        A float for one observable and one set of values; else of shape (n_sets,), (n_observables,) or
        (n_sets, n_observables).
    """
    listed, single = as_observables(observables)
    program, X, weights, one = split_values(circuit, listed, values, precision)
    out = expectations(program, X, weights)
    if single:
        return float(out[0, 0]) if one else out[:, 0]
    return out[0] if one else out


def as_observables(observables: Any) -> tuple[tuple[PauliSum, ...], bool]:
    """``observables`` as a tuple, and whether a single one was given."""
    if isinstance(observables, PauliSum):
        return (observables,), True
    out = tuple(observables)
    for observable in out:
        if not isinstance(observable, PauliSum):
            raise TypeError(f"an observable is a PauliSum such as Z(0) @ Z(1), got {observable!r}")
    return out, False
