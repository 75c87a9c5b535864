"""Fidelities ``|<psi_i|psi_j>|**2`` between the final states of many samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engines.choice import engine_for, engine_for_arrays
from simulator.program.program import Program
from simulator.program.values import as_inputs, as_weights

__all__ = ["fidelities", "fidelities_of_states"]

FloatArray = NDArray[np.float64]


def fidelities(
    program: Program,
    X: FloatArray,
    weights: FloatArray,
    Y: FloatArray | None = None,
    out: NDArray[Any] | None = None,
    progress: Callable[[int], object] | None = None,
) -> NDArray[Any]:
    """Compute fidelities between the final states of samples, without holding all states in memory.

    Each entry is bit-identical on any number of threads and for any other samples in the call.

    Parameters
    ----------
    program : Program
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    Y : float64 ndarray, shape (n_others, n_inputs), optional
        Inputs of the second set of samples; X by default.
    out : C-contiguous ndarray or memmap, shape (n_samples, n_others), optional
        float64, or float32 in single precision.
    progress : callable, optional
        Function called with the number of finished entries.

    Returns
    -------
    ndarray, shape (n_samples, n_others)
    """
    X, weights = as_inputs(program, X), as_weights(program, weights)
    others = None if Y is None else as_inputs(program, Y)
    return engine_for(program, len(X)).fidelities(program, X, weights, others, out, progress)


def fidelities_of_states(
    a: NDArray[Any], b: NDArray[Any] | None = None, out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Compute squared overlaps of the rows of ``a`` with those of ``b``, or among the rows of ``a``.

    Parameters
    ----------
    a : complex ndarray, shape (n_samples, 2**n)
    b : complex ndarray of the same precision, shape (n_others, 2**n), optional
    out : C-contiguous ndarray, shape (n_samples, n_others), optional

    Returns
    -------
    ndarray, shape (n_samples, n_others)
        float64, or float32 for complex64 states.

    Raises
    ------
    ValueError
        If the states differ in length or precision.
    """
    if b is not None and (a.shape[1:] != b.shape[1:] or a.dtype != b.dtype):
        raise ValueError(
            "states of the same length and precision are expected, "
            f"got {a.shape[1:]} of {a.dtype} and {b.shape[1:]} of {b.dtype}"
        )
    return engine_for_arrays().fidelities_of_states(a, b, out)
