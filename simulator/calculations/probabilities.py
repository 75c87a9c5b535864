"""Probabilities of measurement outcomes of many samples; `gradients.adjoint_sweep` differentiates them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.engines.choice import engine_for
from simulator.errors import CircuitError
from simulator.program.program import Program
from simulator.program.values import as_inputs, as_weights

__all__ = ["check_measured", "checked_qubits", "probabilities"]

FloatArray = NDArray[np.float64]

_COPIES = 4  # states of a sample that a sweep holds at once: final, adjoint and initial adjoint ones, and the outcomes


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
        If the states of a sample and the result do not fit in memory; raised before allocation.
    """
    X, weights = as_inputs(program, X), as_weights(program, weights)
    measured = check_measured(program, qubits, len(X))
    return engine_for(program, len(X)).probabilities(program, X, weights, measured)


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


def check_measured(program: Program, qubits: Sequence[int] | None, samples: int) -> tuple[int, ...]:
    """Return the measured qubits, all by default, after a check that probabilities can be computed.

    Raises
    ------
    StateTooLargeError
        If the probabilities of the samples and the states of one of them do not fit in memory.
    """
    if program.observables:
        raise ValueError("probabilities need a program without observables")
    measured = checked_qubits(qubits, program.num_qubits)
    of_state = 2 * program.dtype().itemsize << program.num_qubits
    engine_for(program, samples).check(program, _COPIES + (samples * 8 << len(measured)) // of_state)
    return measured
