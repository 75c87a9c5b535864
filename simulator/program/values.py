"""Validation of a program's inputs and weights, once, before they reach an engine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ParameterError
from simulator.masked import check_unmasked
from simulator.program.program import Program

FloatArray = NDArray[np.float64]


def as_array(values: Any) -> FloatArray:
    """Convert ``values`` to a float64, contiguous, aligned, writable array; return a conforming array unchanged.

    Raises
    ------
    TypeError
        If they are complex: NumPy would drop their imaginary parts with no more than a warning.
    ValueError
        If entries are masked, see `check_unmasked`.
    """
    if type(values) is np.ndarray and values.dtype == np.float64 and values.flags.carray:
        return values
    check_unmasked(values)
    array = np.asarray(values)
    if np.iscomplexobj(array):
        raise TypeError(f"expected real numbers, got {array.dtype}: pass their real part, if that is what you mean")
    return np.require(array, np.float64, ["C", "A", "W"])


def as_inputs(program: Program, X: Any) -> FloatArray:
    """Convert ``X`` to an array for engines, shape (n_samples, n_inputs).

    Raises
    ------
    ParameterError
        If it has another shape.
    """
    X = as_array(X)
    if X.ndim != 2 or X.shape[1] != len(program.inputs):
        raise ParameterError(f"inputs of shape (n_samples, {len(program.inputs)}) expected, got {X.shape}")
    return X  # type: ignore[no-any-return]


def as_weights(program: Program, weights: Any) -> FloatArray:
    """Convert ``weights`` to an array for engines, shape (n_weights,).

    Raises
    ------
    ParameterError
        If it has another shape.
    """
    weights = as_array(weights)
    if weights.shape != (len(program.weights),):
        raise ParameterError(f"weights of shape ({len(program.weights)},) expected, got {weights.shape}")
    return weights  # type: ignore[no-any-return]


def as_cotangent(values: Any, expected: NDArray[Any]) -> FloatArray:
    """Convert a derivative with respect to the expectations to an array for engines, of the shape of ``expected``.

    Raises
    ------
    ValueError
        If it has another shape.
    """
    out = as_array(values)
    if out.shape != expected.shape:
        raise ValueError(f"a cotangent of shape {expected.shape} expected, got {out.shape}")
    return out
