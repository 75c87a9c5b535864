"""Checks of a model's parameters, and of the arrays that it is called with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.circuit import Circuit
from simulator.errors import ParameterError
from simulator.parameters import Parameter
from simulator.program.values import as_array
from simulator.range_reduction import sum_of_squares

__all__ = ["as_parameters", "check_finite", "check_roles", "checked_rows", "rows_of"]

Array = NDArray[np.float64]


def as_parameters(role: str, value: Sequence[Parameter] | Parameter) -> tuple[Parameter, ...]:
    """Return one or several parameters as a tuple, or raise a ParameterError if they are none."""
    parameters = tuple(value) if isinstance(value, Iterable) else (value,)
    for parameter in parameters:
        if not isinstance(parameter, Parameter):
            raise ParameterError(f"{role} expects parameters, got {parameter!r}")
    return parameters


def check_roles(circuit: Circuit, inputs: tuple[Parameter, ...], weights: tuple[Parameter, ...]) -> None:
    """Raise a ParameterError if a parameter of the circuit is not exactly one of input and weight."""
    seen: set[Parameter] = set()
    for parameter in inputs + weights:
        if parameter in seen:
            raise ParameterError(f"parameter {parameter.name} is named twice among inputs and weights")
        seen.add(parameter)
    missing = [parameter.name for parameter in circuit.parameters if parameter not in seen]
    if missing:
        raise ParameterError(f"parameters of the circuit that are neither inputs nor weights: {', '.join(missing)}")


def checked_rows(name: str, value: ArrayLike, columns: int) -> Array:
    """Convert to a finite array with at least one row and the given number of columns, or raise ValueError."""
    out = rows_of(name, value, columns)
    check_finite(name, out)
    return out


def rows_of(name: str, value: ArrayLike, columns: int) -> Array:
    """Convert to an array with at least one row and the given number of columns, or raise ValueError."""
    out = as_array(value)
    if out.ndim != 2 or out.shape[1] != columns or not len(out):
        raise ValueError(f"{name} must have shape (n_samples, {columns}) with at least 1 sample, got {out.shape}")
    return out


def check_finite(name: str, values: Array) -> None:
    """Raise ValueError if a number is NaN or infinite, saying where."""
    if math.isfinite(sum_of_squares(values)):  # fast path: a NaN or an infinity makes the sum of squares non-finite
        return
    finite = np.isfinite(values)
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"{name} contains NaN or infinity, first at {first}")
