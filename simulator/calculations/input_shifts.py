"""Derivatives with respect to one parameter of a circuit by shifting the parameter itself.

An expectation is a trigonometric polynomial in each parameter, whatever the number of gates that depend on it. Its
values at one more point than twice the number of frequencies determine it, and so all of its derivatives.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simulator import gates
from simulator.calculations.parameter_shift import expanded
from simulator.errors import ParameterError, QumbaError
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Expression, Parameter

__all__ = ["derivative_rule", "frequencies", "interpolation", "sums_of_frequencies"]

FloatArray = NDArray[np.float64]

MOST_FREQUENCIES = 128
"""Maximum number of frequencies, each of which takes two shifts."""

_MOST_CANDIDATES = 1 << 15  # shifts among which those for unequally spaced frequencies are selected
_EQUAL = 1e-9  # difference, relative to the largest frequency, up to which two frequencies are one


def frequencies(circuit: OperationSequence, parameter: Parameter) -> FloatArray:
    """Positive frequencies of expectations as functions of a parameter, in ascending order.

    A gate adds the gaps of its generator's spectrum, times the parameter's factor in the angle; the frequencies are
    all sums and differences of one gap, or none, of each gate.

    Parameters
    ----------
    circuit : Circuit
    parameter : Parameter
        Parameter of the circuit; one that does not occur has no frequencies.

    Raises
    ------
    QumbaError
        If a gate that is not a rotation depends on the parameter.
    ParameterError
        If there are more than `MOST_FREQUENCIES` frequencies.

    References
    ----------
    Schuld, Sweke and Meyer, arXiv:2008.08605; Wierichs, Izaac, Wang, Lin, arXiv:2107.12390.

    Examples
    --------
    >>> from simulator import Circuit, Parameter
    >>> x = Parameter("x")
    >>> frequencies(Circuit(2).ry(x, 0).cx(0, 1).ry(3 * x, 1), x)
    array([1., 2., 3., 4.])
    """
    out = np.zeros(1)
    for operation in expanded(circuit.operations):
        for angle in operation.angles:
            if not isinstance(angle, Expression) or parameter not in angle.terms:
                continue
            if not isinstance(operation.gate, gates.Rotation):
                raise QumbaError(
                    f"derivatives by shifts need rotations; {operation.gate.name}, which is not one, depends on "
                    f"{parameter.name}"
                )
            steps = abs(angle.terms[parameter]) * operation.gate.frequencies
            out = _distinct(np.abs(out[:, None] + np.concatenate([[0.0], steps, -steps])).ravel())
            if len(out) > MOST_FREQUENCIES + 1:
                raise ParameterError(
                    f"expectations have more than {MOST_FREQUENCIES} frequencies in {parameter.name}, each of which "
                    "takes two shifts; use fewer gates, or equal factors, for this parameter"
                )
    return out[1:]


def derivative_rule(spectrum: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shifts s and weights c with ``f'(t) = sum_k c[0, k] f(t + s_k)`` and ``f''(t) = sum_k c[1, k] f(t + s_k)``.

    Exact up to rounding for every trigonometric polynomial f with these frequencies.

    Parameters
    ----------
    spectrum : float ndarray, shape (n_frequencies,)
        Positive frequencies in ascending order.

    Returns
    -------
    shifts : float ndarray, shape (2 * n_frequencies + 1,)
        The first is 0.
    weights : float ndarray, shape (2, 2 * n_frequencies + 1)

    Raises
    ------
    ParameterError
        If two frequencies are so close that they cannot be told apart.

    References
    ----------
    Wierichs, Izaac, Wang, Lin, arXiv:2107.12390.

    Examples
    --------
    >>> shifts, weights = derivative_rule(np.array([1.0]))
    >>> np.allclose(weights @ np.sin(0.4 + shifts), [np.cos(0.4), -np.sin(0.4)])
    True
    """
    shifts, matrix = interpolation(spectrum)
    count = len(spectrum)
    derivatives = np.zeros((2, 2 * count + 1))
    derivatives[0, 1 + count :] = spectrum
    derivatives[1, 1 : 1 + count] = -(spectrum**2)
    return shifts, np.asarray(derivatives @ matrix, np.float64)


def interpolation(spectrum: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shifts s, and the matrix from a function's values at ``t + s`` to its coefficients around t.

    Parameters
    ----------
    spectrum : float ndarray, shape (n_frequencies,)
        Positive frequencies in ascending order.

    Returns
    -------
    shifts : float ndarray, shape (2 * n_frequencies + 1,)
        The first is 0.
    matrix : float ndarray, shape (2 * n_frequencies + 1, 2 * n_frequencies + 1)
        From values to the constant, then the factors of the cosines, then those of the sines of ``spectrum * u``, for
        the function of ``u = angle - t``.

    Raises
    ------
    ParameterError
        If two frequencies are so close that they cannot be told apart.

    Examples
    --------
    >>> shifts, matrix = interpolation(np.array([1.0]))
    >>> np.allclose(matrix @ (2 + np.cos(shifts) - 3 * np.sin(shifts)), [2, 1, -3])
    True
    """
    count = len(spectrum)
    if not count:
        return np.zeros(1), np.ones((1, 1))
    if np.allclose(spectrum, spectrum[0] * np.arange(1, count + 1), rtol=_EQUAL, atol=0.0):
        order = np.arange(1, count + 1)
        shifts = 2 * math.pi / ((2 * count + 1) * spectrum[0]) * np.concatenate([[0], order, -order])
    else:
        shifts = _selected(spectrum)
    return shifts, np.asarray(np.linalg.inv(_terms(spectrum, shifts).T), np.float64)


def sums_of_frequencies(spectrum: FloatArray, degree: int) -> FloatArray:
    """Positive frequencies of a polynomial of this degree in functions with these frequencies, in ascending order.

    Raises
    ------
    ParameterError
        If there are more than `MOST_FREQUENCIES` frequencies.
    """
    signed = np.concatenate([[0.0], spectrum, -spectrum])
    out = np.zeros(1)
    for _ in range(degree):
        out = _distinct(np.abs(out[:, None] + signed).ravel())
    if len(out) > MOST_FREQUENCIES + 1:
        raise ParameterError(f"a polynomial of degree {degree} has more than {MOST_FREQUENCIES} frequencies")
    return out[1:]


def _terms(spectrum: FloatArray, shifts: FloatArray) -> FloatArray:
    """Values at the shifts of 1, of the cosines, and of the sines, shape (2 * n_frequencies + 1, n_shifts)."""
    angles = np.outer(spectrum, shifts)
    return np.concatenate([np.ones((1, len(shifts))), np.cos(angles), np.sin(angles)])


def _selected(spectrum: FloatArray) -> FloatArray:
    """Select shifts at which the terms are far from linearly dependent: 0, and then by pivoted Gram-Schmidt."""
    spacing = np.diff(spectrum, prepend=0.0).min()
    number = math.ceil(4 * spectrum[-1] / spacing)
    if number > _MOST_CANDIDATES:
        raise ParameterError(
            f"frequencies {spacing:g} apart cannot be told apart beside one of {spectrum[-1]:g}; make the factors of "
            "the input in its angles multiples of one number"
        )
    half = np.arange(1, number + 1) * (math.pi / spacing / number)
    candidates = np.concatenate([[0.0], half, -half])
    remaining = _terms(spectrum, candidates)
    indices = [0]
    for _ in range(2 * len(spectrum)):
        column = remaining[:, indices[-1]] / np.linalg.norm(remaining[:, indices[-1]])
        remaining -= np.outer(column, column @ remaining)
        indices.append(int(np.einsum("ij,ij->j", remaining, remaining).argmax()))
    return candidates[indices]


def _distinct(values: FloatArray) -> FloatArray:
    ordered = np.sort(values)
    return ordered[np.diff(ordered, prepend=-np.inf) > _EQUAL * ordered[-1]]
