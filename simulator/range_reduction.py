"""Large angles modulo 4 pi, in double precision and as exactly as NumPy's sine takes them.

A rotation ``exp(-i angle/2 P)`` has the period 4 pi. Sums of angles in double precision, and the sines of the
kernels, are exact to rounding up to `EXACT`. A larger angle is replaced by the one between -2 pi and 2 pi whose half
has the same sine and cosine. This is done for each term ``factor * value`` of an angle, before terms are added: a small
one is not lost beside a large one. `simulator.engines.numba.kernels.angles` does the same inside kernels.

The rounding of the angle itself cannot be undone: from 1e16 on, neighbouring numbers are more than a radian apart. A
product ``factor * value`` is one rounded number too; gates that are merged have the factors of a parameter added first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ParameterError

__all__ = ["EXACT", "affine", "ordinary", "overflow", "reduced", "reduced_number", "term"]

FloatArray = NDArray[np.float64]

EXACT = 1e5
"""Radians; an angle of at most this magnitude is left as it is, to the last bit."""


def reduced_number(angle: float) -> float:
    """One angle modulo 4 pi; unchanged up to `EXACT`.

    Raises
    ------
    ParameterError
        If it is infinite: a gate's factor times a finite angle overflowed.
    """
    if -EXACT <= angle <= EXACT:
        return angle
    if not math.isfinite(angle):
        raise ParameterError(
            "an angle times its gate's factor overflows, expected at most 1.8e308; give a smaller angle"
        )
    return 2.0 * math.atan2(math.sin(0.5 * angle), math.cos(0.5 * angle))


def reduced(angles: FloatArray) -> FloatArray:
    """Angles of any shape modulo 4 pi; those of at most `EXACT` are unchanged, NaN stays NaN."""
    large = np.abs(angles) > EXACT
    if not large.any():
        return angles
    half = 0.5 * angles[large]
    out = angles.copy()
    with np.errstate(invalid="ignore"):
        out[large] = 2.0 * np.arctan2(np.sin(half), np.cos(half))
    return out


def term(factor: float, values: Any, parameter: object) -> Any:
    """``factor * values`` modulo 4 pi, the part that one parameter has in an angle.

    Parameters
    ----------
    factor : float
    values : float ndarray or float
        Of one parameter, for each sample.
    parameter : Parameter or str
        What the error calls it.

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
    """Whether no factor times a value is above `EXACT`, told by the sum of all squares, which is quickly found."""
    factor = max(map(abs, factors), default=0.0)
    return bool(factor * factor * float(np.vdot(values, values)) <= EXACT * EXACT)


def _product(factor: float, values: FloatArray, parameter: object) -> FloatArray:
    with np.errstate(over="ignore", invalid="ignore"):
        product = np.asarray(factor * values)
    lost = np.isfinite(values) & ~np.isfinite(product)
    if lost.any():
        raise overflow(factor, float(values[lost].flat[0]), parameter)
    return product


def overflow(factor: float, value: float, parameter: object) -> ParameterError:
    """What to raise where a factor times the finite value of a parameter is infinite."""
    return ParameterError(
        f"parameter {parameter} is multiplied by {factor:g}, which overflows at its value {value:g}; "
        f"expected a product of at most {np.finfo(float).max:.2g}"
    )


def affine(
    constants: FloatArray, factors: FloatArray, values: FloatArray, periodic: NDArray[np.bool_], parameters: Any
) -> FloatArray:
    """Angles ``constants + values @ factors.T``, each term modulo 4 pi where it is large.

    Parameters
    ----------
    constants : float64 ndarray, shape (n_angles,)
    factors : float64 ndarray, shape (n_angles, n_parameters)
    values : float64 ndarray, shape (n_samples, n_parameters)
    periodic : bool ndarray, shape (n_angles,)
        Which of them are angles of period 4 pi. The others are plain sums.
    parameters : sequence of Parameter
        Of the columns; for the error.

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
