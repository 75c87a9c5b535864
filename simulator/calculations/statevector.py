"""States, expectations, probabilities and samples of circuits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.calculations.repeated import expectation_calls, repeat
from simulator.engines.choice import engine_for
from simulator.observables import PauliSum
from simulator.operations.binding import values_array
from simulator.operations.sequence import OperationSequence
from simulator.parameters import ParameterVector
from simulator.program.decomposition import decompose
from simulator.program.program import Program
from simulator.program.structure import keep_numbers, recall, structure_of, with_parameters
from simulator.program.values import as_inputs, as_weights

FloatArray = NDArray[np.float64]


def expectations(program: Program, X: FloatArray, weights: FloatArray) -> FloatArray:
    """Compute expectations of a program's observables for many samples.

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
    results = repeat(program, "expectations", lambda engine: expectation_calls(engine, program, len(X)), X, weights)
    return engine_for(program, len(X)).expectations(program, X, weights) if results is None else results[0]


def states(program: Program, X: FloatArray, weights: FloatArray) -> NDArray[Any]:
    """Compute final states for many samples, shape (n_samples, 2**n): complex128, or complex64 in single precision."""
    X, weights = as_inputs(program, X), as_weights(program, weights)
    return engine_for(program, len(X)).states(program, X, weights)


_NO_INPUTS = np.zeros((1, 0))
_RUN = 1 << 18  # number of amplitudes squared at a time, which bounds temporary memory


def split_values(
    circuit: OperationSequence, observables: Sequence[PauliSum], values: Any, precision: str
) -> tuple[Program, FloatArray, FloatArray, bool]:
    """Return program, inputs and weights of a circuit at one or more sets of values, and whether it is one set."""
    recall(circuit)
    array = values_array(circuit, values)
    if array.ndim == 1:
        return cached_program(circuit, observables, False, precision), _NO_INPUTS, array, True
    return cached_program(circuit, observables, True, precision), array, np.zeros(0), False


def cached_program(
    circuit: OperationSequence, observables: Sequence[PauliSum], batched: bool, precision: str
) -> Program:
    """Return the program of a circuit, cached so that repeated calls do not lower the circuit again."""
    key = circuit, tuple(observables), batched, precision
    try:
        program = _programs.pop(key)
    except KeyError:
        inputs = circuit.parameters if batched else ()
        program = Program(circuit, observables, inputs, precision=precision)
        _make_room()
    _programs[key] = program
    return program


def evaluated_program(
    circuit: OperationSequence, observables: Sequence[PauliSum], values: Any, precision: str
) -> tuple[Program, FloatArray, FloatArray, bool]:
    """Return the same as `split_values` for a result that is not differentiated.

    The weights of a circuit without parameters are its angles, so that circuits with the same gates on the same qubits
    share one program. Angles that must be reduced, or are amplitudes, stay numbers.
    """
    recall(circuit)
    structure = structure_of(circuit) if values is None else None
    if structure is None:
        return split_values(circuit, observables, values, precision)
    gates, weights = structure
    key = gates, tuple(observables), precision
    program = _programs.pop(key, None)
    if program is None:
        if any(not gate.is_reversible or decompose(gate) is None for gate in set(gates.gates)):
            keep_numbers(circuit)
            return split_values(circuit, observables, values, precision)
        angles = ParameterVector("angle", len(weights))
        program = Program(with_parameters(circuit, angles), observables, (), tuple(angles), precision)
        _make_room()
    _programs[key] = program
    return program, _NO_INPUTS, weights, True


def _make_room() -> None:
    """Drop the programs that were used longest ago; other threads may do the same."""
    keys = list(_programs)  # at once, because another thread may change them
    for key in keys[: max(len(keys) - _KEPT_PROGRAMS + 1, 0)]:
        _programs.pop(key, None)


_KEPT_PROGRAMS = 32
_programs: dict[Any, Program] = {}


def statevector(circuit: OperationSequence, values: Any = None, precision: str = "double") -> NDArray[Any]:
    """Compute the final state of a circuit started in ``|0...0>``.

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
        If it does not fit in memory; raised before allocation.
    """
    program, X, weights, one = evaluated_program(circuit, (), values, precision)
    out = states(program, X, weights)
    return out[0] if one else out


def probabilities(circuit: OperationSequence, values: Any = None, precision: str = "double") -> FloatArray:
    """Compute the probability of each basis state, shape (2**n,) or (n_sets, 2**n)."""
    state = statevector(circuit, values, precision)
    amplitudes = state.reshape(-1)
    out = amplitudes.view(np.float64)[: amplitudes.size]  # written front to back into the state's memory
    for begin in range(0, len(out), _RUN):
        part = amplitudes[begin : begin + _RUN].astype(complex)
        out[begin : begin + _RUN] = part.real**2 + part.imag**2
    return out.reshape(state.shape)


def expectation(circuit: OperationSequence, observables: Any, values: Any = None, precision: str = "double") -> Any:
    """Compute expectations ``<psi|O|psi>``.

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
        A float for one observable and one set of values; otherwise an array of shape (n_sets,), (n_observables,) or
        (n_sets, n_observables).
    """
    listed, single = as_observables(observables)
    program, X, weights, one = evaluated_program(circuit, listed, values, precision)
    out = expectations(program, X, weights)
    if single:
        return float(out[0, 0]) if one else out[:, 0]
    return out[0] if one else out


def as_observables(observables: Any) -> tuple[tuple[PauliSum, ...], bool]:
    """Convert ``observables`` to a tuple, and return whether it was a single one."""
    if isinstance(observables, PauliSum):
        return (observables,), True
    out = (
        (observables,) if isinstance(observables, str) or not isinstance(observables, Iterable) else tuple(observables)
    )
    for observable in out:
        if not isinstance(observable, PauliSum):
            hint = f"; PauliSum.from_label({observable!r}) makes one of a label" if isinstance(observable, str) else ""
            raise TypeError(f"an observable is a PauliSum such as Z(0) @ Z(1), got {observable!r}{hint}")
    return out, False
