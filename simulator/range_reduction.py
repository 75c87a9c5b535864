"""Reduction of large angles modulo 4 pi, in double precision, as exact as NumPy's sine.

A rotation ``exp(-i angle/2 P)`` has the period 4 pi. Sums of angles in double precision, and the sines of the
kernels, are exact up to rounding for angles of at most `EXACT`. A larger angle is replaced by the one between -2 pi and
2 pi whose half has the same sine and cosine. This is done for each term ``factor * value`` of an angle before terms are
added, so that a small term is not lost next to a large one. `simulator.engines.numba.kernels.angles` does the same
inside kernels.

The rounding of the angle itself cannot be undone: from 1e16 on, neighbouring numbers are more than a radian apart. A
product ``factor * value`` is also a rounded number; when gates are merged, the factors of a parameter are added first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ParameterError

__all__ = ["EXACT", "affine", "ordinary", "overflow", "reduced", "reduced_number", "sum_of_squares", "term"]

FloatArray = NDArray[np.float64]

EXACT = 1e5
"""Magnitude in radians up to which angles do not change, to the last bit."""

_ALONE = 8192  # numbers in a product for which no BLAS wakes threads; OpenBLAS does from 10 000 on


def reduced_number(angle: float) -> float:
    """Reduce one angle modulo 4 pi; angles up to `EXACT` do not change.

    Raises
    ------
    ParameterError
        If the angle is infinite, because a gate's factor times a finite angle overflowed.
    """
    if -EXACT <= angle <= EXACT:
        return angle
    if not math.isfinite(angle):
        raise ParameterError(
            "an angle times its gate's factor overflows, expected at most 1.8e308; give a smaller angle"
        )
    return 2.0 * math.atan2(math.sin(0.5 * angle), math.cos(0.5 * angle))


def reduced(angles: FloatArray) -> FloatArray:
    """Reduce angles of any shape modulo 4 pi; angles up to `EXACT` do not change, and NaN stays NaN."""
    large = np.abs(angles) > EXACT
    if not large.any():
        return angles
    half = 0.5 * angles[large]
    out = angles.copy()
    with np.errstate(invalid="ignore"):
        out[large] = 2.0 * np.arctan2(np.sin(half), np.cos(half))
    return out


def term(factor: float, values: Any, parameter: object) -> Any:
    """Compute ``factor * values`` modulo 4 pi, the contribution of one parameter to an angle.

    Parameters
    ----------
    factor : float
    values : float ndarray or float
        Values of one parameter, one per sample.
    parameter : Parameter or str
        Name of the parameter in errors.

    Raises
    ------
    ParameterError
        If the product of a finite value and the factor overflows.
    """
    values = np.asarray(values, float)
    if ordinary(values, (factor,)):
        return factor * values
    return reduced(_product(factor, values, parameter))


def ordinary(values: FloatArray, factors: Iterable[float]) -> bool:
    """Whether certainly no factor times a value exceeds `EXACT`, by the sum of all squares, which is fast."""
    factor = max(map(abs, factors), default=0.0)
    return bool(factor * factor * sum_of_squares(values) <= EXACT * EXACT)


def sum_of_squares(values: FloatArray) -> float:
    """Sum of the squares of all numbers, which is not finite if one of them is not, without threads of BLAS.

    Those would wait for more work in a loop, on the processors that the engine's threads need next.
    """
    if values.size <= _ALONE:
        return float(np.vdot(values, values))
    flat = values.reshape(-1)
    pieces = (flat[first : first + _ALONE] for first in range(0, flat.size, _ALONE))
    return sum(float(np.vdot(piece, piece)) for piece in pieces)


def _product(factor: float, values: FloatArray, parameter: object) -> FloatArray:
    with np.errstate(over="ignore", invalid="ignore"):
        product = np.asarray(factor * values)
    overflowed = np.isfinite(values) & ~np.isfinite(product)
    if overflowed.any():
        raise overflow(factor, float(values[overflowed].flat[0]), parameter)
    return product


def overflow(factor: float, value: float, parameter: object) -> ParameterError:
    """Make the error for a factor times the finite value of a parameter that is infinite."""
    return ParameterError(
        f"parameter {parameter} is multiplied by {factor:g}, which overflows at its value {value:g}; "
        f"expected a product of at most {np.finfo(float).max:.2g}"
    )


def affine(
    constants: FloatArray, factors: FloatArray, values: FloatArray, periodic: NDArray[np.bool_], parameters: Any
) -> FloatArray:
    """Compute angles ``constants + values @ factors.T``, with large terms reduced modulo 4 pi.

    Parameters
    ----------
    constants : float64 ndarray, shape (n_angles,)
    factors : float64 ndarray, shape (n_angles, n_parameters)
    values : float64 ndarray, shape (n_samples, n_parameters)
    periodic : bool ndarray, shape (n_angles,)
        Whether each is an angle with period 4 pi. The others are plain sums.
    parameters : sequence of Parameter
        Parameters of the columns, for errors.

    Returns
    -------
    float64 ndarray, shape (n_samples, n_angles)

    Raises
    ------
    ParameterError
        If a factor times a finite value overflows.
    """
    if ordinary(values, factors.ravel().tolist()):
        return np.asarray(constants + values @ factors.T)
    out = np.tile(constants, (len(values), 1))
    for k, parameter in enumerate(parameters):
        for row, factor in enumerate(factors[:, k].tolist()):
            if factor:
                product = _product(factor, values[:, k], parameter)
                out[:, row] += reduced(product) if periodic[row] else product
    return out
