"""Probabilities of measurement outcomes of many samples, and their derivatives by the adjoint method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import progress
from simulator.engines.choice import engine_for
from simulator.engines.trait import Cotangent
from simulator.errors import CircuitError
from simulator.pauli import gather
from simulator.program.program import Program
from simulator.program.values import as_cotangent, as_inputs, as_weights

__all__ = ["checked_qubits", "probabilities", "probability_sweep"]

FloatArray = NDArray[np.float64]

_CHUNK = 1 << 18  # number of amplitudes computed at once; bounds memory, and smaller or larger ones were slower
_COPIES = 8  # copies of the states of a chunk that a sweep and its cotangent hold at once


def probabilities(
    program: Program, X: FloatArray, weights: FloatArray, qubits: Sequence[int] | None = None
) -> FloatArray:
    """Probabilities of the outcomes on some qubits for many samples.

    Parameters
    ----------
    program : Program
        Program without observables, as gates that do not affect observables are left out.
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    qubits : sequence of k int, optional
        Measured qubits; all by default.

    Returns
    -------
    float64 ndarray, shape (n_samples, 2**k)
        Bit j of an outcome is ``qubits[j]``.

    Raises
    ------
    StateTooLargeError
        If the states of a chunk of samples and the result do not fit in memory; raised before allocation.
    """
    X, weights = as_inputs(program, X), as_weights(program, weights)
    measured = _checked(program, qubits)
    _check_memory(program, len(X), len(measured))
    out = np.empty((len(X), 1 << len(measured)))
    for rows in progress.steps(_chunks(program, len(X))):
        states = engine_for(program, rows.stop - rows.start).states(program, X[rows], weights)
        out[rows] = _marginals(states, measured)
    return out


def probability_sweep(
    program: Program,
    X: FloatArray,
    weights: FloatArray,
    cotangent: FloatArray | Cotangent,
    qubits: Sequence[int] | None = None,
    inputs: bool = False,
) -> tuple[FloatArray, FloatArray | None]:
    """Derivatives of any function of the probabilities, by one adjoint sweep for each chunk of samples.

    With ``v`` the derivative with respect to the probability of an outcome, the adjoint state starts as ``2 v psi`` on
    the amplitudes of that outcome.

    Parameters
    ----------
    program, X, weights, qubits : as for `probabilities`
    cotangent : float64 ndarray, shape (n_samples, 2**k), or callable
        Derivative of the function with respect to each probability; or a callable that returns it for the
        probabilities of consecutive rows, shape (n, 2**k), and their slice. It is called once per chunk of rows.
    inputs : bool
        Whether to differentiate with respect to X as well.

    Returns
    -------
    by_weights : float64 ndarray, shape (n_weights,)
        Summed over the samples; exact up to rounding.
    by_inputs : float64 ndarray, shape (n_samples, n_inputs), or None

    References
    ----------
    Jones and Gacon, arXiv:2009.02823.
    """
    X, weights = as_inputs(program, X), as_weights(program, weights)
    measured = _checked(program, qubits)
    _check_memory(program, min(len(X), _chunk_size(program)), len(measured))
    outcomes = None
    if measured != tuple(range(program.num_qubits)):
        outcomes = gather(np.arange(1 << program.num_qubits), measured)
    by_weights = np.zeros(len(weights))
    by_inputs = np.zeros(X.shape) if inputs else None
    for rows in progress.steps(_chunks(program, len(X))):

        def of_states(states: NDArray[Any], rows: slice = rows) -> NDArray[Any]:
            values = _marginals(states, measured)
            v = 2.0 * as_cotangent(cotangent(values, rows) if callable(cotangent) else cotangent[rows], values)
            return (v if outcomes is None else v[:, outcomes]) * states

        engine = engine_for(program, rows.stop - rows.start)
        weights_part, inputs_part = engine.state_sweep(program, X[rows], weights, of_states, inputs)
        by_weights += weights_part
        if by_inputs is not None:
            by_inputs[rows] = inputs_part
    return by_weights, by_inputs


def checked_qubits(qubits: Sequence[int] | None, num_qubits: int) -> tuple[int, ...]:
    """Return the measured qubits, all by default.

    Raises
    ------
    CircuitError
        Unless they are one or more distinct qubits of the circuit.
    """
    if qubits is None:
        return tuple(range(num_qubits))
    try:
        measured = list(qubits)
    except TypeError:
        measured = []
    integers = all(isinstance(q, int | np.integer) and not isinstance(q, bool) for q in measured)
    if not measured or not integers or len(set(measured)) != len(measured):
        raise CircuitError(f"qubits expects a sequence of distinct qubits, such as [0, 2], got {qubits!r}")
    if not all(0 <= q < num_qubits for q in measured):
        raise CircuitError(f"qubits of a circuit of {num_qubits} qubits are 0 to {num_qubits - 1}, got {qubits!r}")
    return tuple(map(int, measured))


def _checked(program: Program, qubits: Sequence[int] | None) -> tuple[int, ...]:
    if program.observables:
        raise ValueError("probabilities need a program without observables")
    return checked_qubits(qubits, program.num_qubits)


def _check_memory(program: Program, samples: int, num_measured: int) -> None:
    """Check the memory for the states of one chunk and for the probabilities of ``samples``, in units of states."""
    chunk = min(samples, _chunk_size(program))
    of_states = 2 * program.dtype().itemsize << program.num_qubits
    engine_for(program, samples).check(program, _COPIES * chunk + (samples * 8 << num_measured) // of_states)


def _chunk_size(program: Program) -> int:
    return max(1, _CHUNK >> program.num_qubits)


def _chunks(program: Program, samples: int) -> list[slice]:
    size = _chunk_size(program)
    return [slice(begin, min(begin + size, samples)) for begin in range(0, samples, size)]


def _marginals(states: NDArray[Any], qubits: tuple[int, ...]) -> FloatArray:
    """Probabilities, shape (n_samples, 2**k), of states, shape (n_samples, 2**n)."""
    n = states.shape[1].bit_length() - 1
    out = np.square(states.real, dtype=np.float64)
    out += np.square(states.imag, dtype=np.float64)
    if qubits == tuple(range(n)):
        return out
    others = [q for q in range(n) if q not in qubits]
    tensor = out.reshape(len(out), *(2,) * n).transpose([0, *(n - q for q in (*qubits[::-1], *others))])
    return np.add.reduce(tensor.reshape(len(out), 1 << len(qubits), -1), axis=2)
