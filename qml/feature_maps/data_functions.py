"""Functions from features to angles, with their derivatives, which a feature map applies before the circuit.

The angles of a circuit are affine in its parameters. Everything else, such as ``(pi - x0) * (pi - x1)``, is
computed here for all samples at once, and differentiated by a vector-Jacobian product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.caching import cached_property

__all__ = [
    "Amplitudes",
    "AmplitudesWithConstant",
    "DataFunction",
    "OwnFunction",
    "Products",
    "Shifted",
    "SubsetFunction",
    "check_pullback",
    "checked_angles",
]

Matrix = NDArray[np.float64]

STEP = np.finfo(np.float64).eps ** (1 / 3)
"""Step of central differences at which rounding and truncation errors are about equal."""


class DataFunction(Protocol):
    """Function from features to the values of a circuit's inputs, and its derivative."""

    def __call__(self, X: Matrix) -> Matrix:
        """Compute the inputs of the circuit, shape (n_samples, n_inputs), from features (n_samples, n_features)."""

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """Map d loss / d inputs (n_samples, n_inputs) to d loss / d features (n_samples, n_features)."""


@dataclass(frozen=True)
class OwnFunction:
    """Data function composed of two plain functions.

    Parameters
    ----------
    function : callable
        Features (n_samples, n_features) to inputs (n_samples, n_inputs).
    gradient : callable, optional
        ``gradient(X, cotangent)``: d loss / d inputs to d loss / d features. Only derivatives with respect to the data
        need it; training does not. Without it they are found by central differences, to about 10 digits.

    Examples
    --------
    >>> square = OwnFunction(lambda X: X**2, lambda X, cotangent: 2 * X * cotangent)
    >>> square.pullback(np.array([[3.0]]), np.array([[1.0]]))
    array([[6.]])
    """

    function: Callable[[Matrix], Matrix]
    gradient: Callable[[Matrix, Matrix], Matrix] | None = None

    def __call__(self, X: Matrix) -> Matrix:
        """Compute the inputs of the circuit, shape (n_samples, n_inputs)."""
        return np.asarray(self.function(X), np.float64)

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """Compute d loss / d features, shape (n_samples, n_features)."""
        if self.gradient is None:
            return _numerical_pullback(self, X, cotangent)
        return np.asarray(self.gradient(X, cotangent), np.float64)


@dataclass(frozen=True)
class Products:
    """One input per subset S of the features: the feature itself, or ``prod(center - x_j for j in S)`` of several.

    Parameters
    ----------
    subsets : tuple of tuple of int
    center : float, radians
        Qiskit's data map has pi; with 0 a pair gives the plain product.
    """

    subsets: tuple[tuple[int, ...], ...]
    center: float = np.pi

    def __call__(self, X: Matrix) -> Matrix:
        """Compute the inputs of the circuit, shape (n_samples, n_subsets)."""
        features, shifted = X.T, self.center - X.T
        out = np.empty((len(self.subsets), len(X)))
        for places, members in self._by_size:
            out[places] = features[members[0]] if len(members) == 1 else _product(shifted[members])
        return np.ascontiguousarray(out.T)

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """Compute d loss / d features, shape (n_samples, n_features)."""
        shifted, by_subset = self.center - X.T, cotangent.T
        terms = []
        for places, members in self._by_size:
            slopes = by_subset[places]
            if len(members) == 1:
                terms.append(slopes)
                continue
            factors = shifted[members]
            terms += [-slopes * _product([*factors[:k], *factors[k + 1 :]]) for k in range(len(members))]
        order, firsts, features = self._terms_by_feature
        out = np.zeros(X.shape[::-1])
        out[features] = np.add.reduceat(np.concatenate(terms).take(order, axis=0), firsts, axis=0)
        return np.ascontiguousarray(out.T)

    @cached_property
    def _by_size(self) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
        """For each size: the numbers of the subsets, and their features, shape (size, n_subsets_of_this_size)."""
        sizes = sorted({len(subset) for subset in self.subsets})
        places = [[k for k, subset in enumerate(self.subsets) if len(subset) == size] for size in sizes]
        return tuple((np.array(listed), np.array([self.subsets[k] for k in listed]).T) for listed in places)

    @cached_property
    def _terms_by_feature(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Order that sorts the terms of `pullback` by feature, the first term of each feature, and these features."""
        of_term = np.concatenate([members.ravel() for _, members in self._by_size])
        features, firsts = np.unique(np.sort(of_term), return_index=True)
        return np.argsort(of_term, kind="stable"), firsts, features


@dataclass(frozen=True)
class SubsetFunction:
    """One input per subset of the features, by a custom function.

    Parameters
    ----------
    subsets : tuple of tuple of int
    function : callable
        Features of a subset (size, n_samples) to its input (n_samples,).
    jacobian : callable, optional
        Features of a subset to the derivatives of its input with respect to them, shape (size, n_samples); without it
        they are found by central differences, to about 10 digits.
    """

    subsets: tuple[tuple[int, ...], ...]
    function: Callable[[Matrix], Matrix]
    jacobian: Callable[[Matrix], Matrix] | None = None

    def __call__(self, X: Matrix) -> Matrix:
        """Compute the inputs of the circuit, shape (n_samples, n_subsets)."""
        out = np.empty((len(X), len(self.subsets)))
        for k, subset in enumerate(self.subsets):
            out[:, k] = self._of_samples("data map", self.function(X[:, list(subset)].T), subset, (len(X),))
        return out

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """Compute d loss / d features, shape (n_samples, n_features)."""
        out = np.zeros_like(X)
        for k, subset in enumerate(self.subsets):
            columns = X[:, list(subset)].T
            if self.jacobian is None:
                slopes = np.stack([_slope(self.function, columns, j) for j in range(len(subset))])
            else:
                slopes = self._of_samples("Jacobian", self.jacobian(columns), subset, columns.shape)
            for feature, slope in zip(subset, slopes, strict=True):
                out[:, feature] += cotangent[:, k] * slope
        return out

    @staticmethod
    def _of_samples(what: str, values: object, subset: tuple[int, ...], shape: tuple[int, ...]) -> Matrix:
        array = np.asarray(values, np.float64)
        if array.shape != shape:
            raise ValueError(f"the {what} of features {subset} must have shape {shape}, got {array.shape}")
        return array


@dataclass(frozen=True)
class Shifted:
    """Data function applied to ``X + offset``.

    Parameters
    ----------
    data : DataFunction or None
        ``None`` passes the shifted features on.
    offset : float, radians
    """

    data: DataFunction | None
    offset: float

    def __call__(self, X: Matrix) -> Matrix:
        """Compute the inputs of the circuit, shape (n_samples, n_inputs)."""
        shifted = X + self.offset
        return shifted if self.data is None else self.data(shifted)

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """Compute d loss / d features, shape (n_samples, n_features)."""
        return cotangent if self.data is None else self.data.pullback(X + self.offset, cotangent)


@dataclass(frozen=True)
class Amplitudes:
    """Each row divided by its norm; a row of zeros, which has no direction, becomes the first basis state.

    Its derivative at a row of zeros is taken as zero.
    """

    def __call__(self, X: Matrix) -> Matrix:
        """Compute the amplitudes, shape (n_samples, n_features)."""
        out, _ = _normalized(X)
        out[~X.any(axis=1), 0] = 1.0
        return out

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """Compute d loss / d features, shape (n_samples, n_features)."""
        unit, norm = _normalized(X)
        across = cotangent - unit * np.sum(unit * cotangent, axis=1, keepdims=True)
        return np.divide(across, norm, out=np.zeros_like(X), where=norm > 0)


@dataclass(frozen=True)
class AmplitudesWithConstant:
    """Each row, followed by a constant, divided by its norm: rows of zeros and multiples of a row stay apart.

    Parameters
    ----------
    constant : float
        Last entry before the division; not zero.
    """

    constant: float

    def __call__(self, X: Matrix) -> Matrix:
        """Amplitudes, shape (n_samples, n_features + 1)."""
        return _normalized(self._extended(X))[0]

    def pullback(self, X: Matrix, cotangent: Matrix) -> Matrix:
        """D loss / d features, shape (n_samples, n_features)."""
        return Amplitudes().pullback(self._extended(X), cotangent)[:, :-1]

    def _extended(self, X: Matrix) -> Matrix:
        return np.column_stack([X, np.full(len(X), self.constant)])


def _product(factors: Sequence[Matrix] | Matrix) -> Matrix:
    """Multiply along the first axis, which is short: one multiplication of arrays for each factor after the first."""
    out = factors[0]
    for factor in factors[1:]:
        out = out * factor
    return out


def _normalized(X: Matrix) -> tuple[Matrix, Matrix]:
    """Scale rows to norm 1, except zero rows, without squaring huge or tiny entries; return them and their norms."""
    largest = np.abs(X).max(axis=1, keepdims=True)
    scaled = X / np.where(largest > 0, largest, 1.0)
    norm = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(norm > 0, norm, 1.0), norm * largest


def checked_angles(data: DataFunction, features: Matrix) -> Matrix:
    """Compute the values of a circuit's inputs for finite features.

    Raises
    ------
    ValueError
        If a value is not finite; names the largest feature of that row.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        values = data(features)
        if math.isfinite(np.add.reduce(values, axis=None)):  # quick; a NaN or an infinity shows in the sum
            return values
    finite = np.isfinite(values)
    if not finite.all():
        row = int(np.argwhere(~finite)[0, 0])
        largest = int(np.abs(features[row]).argmax())
        raise ValueError(
            f"features are too large for the feature map, its angles are not finite: row {row} has "
            f"{features[row, largest]:g} in column {largest}"
        )
    return values


def check_pullback(data: DataFunction, X: Matrix, rtol: float = 1e-6) -> None:
    """Compare the derivative of a data function with central differences.

    Parameters
    ----------
    data : DataFunction
    X : float ndarray, shape (n_samples, n_features)
        Samples at which to compare, inside the function's domain.
    rtol : float
        Tolerance, relative to the largest derivative.

    Raises
    ------
    ValueError
        If they differ, naming the feature.

    Examples
    --------
    >>> check_pullback(OwnFunction(np.sin, lambda X, cotangent: np.sin(X) * cotangent), np.array([[0.1]]))
    Traceback (most recent call last):
    ...
    ValueError: the derivative with respect to feature 0 is wrong: central differences give 0.995... for input 0 ...
    """
    inputs = data(X)
    for k in range(inputs.shape[1]):
        cotangent = np.zeros_like(inputs)
        cotangent[:, k] = 1.0
        computed, expected = data.pullback(X, cotangent), _numerical_pullback(data, X, cotangent)
        # negated so that NaN counts as wrong
        wrong = ~(np.abs(computed - expected) <= rtol * max(1.0, np.abs(expected).max()))
        if wrong.any():
            row, feature = (int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(
                f"the derivative with respect to feature {feature} is wrong: central differences give "
                f"{expected[row, feature]:.8g} for input {k} of row {row}, got {computed[row, feature]:.8g}"
            )


def _slope(function: Callable[[Matrix], Matrix], columns: Matrix, j: int) -> Matrix:
    """Compute the central difference of ``function`` along ``columns[j]``, for all samples at once."""
    step = STEP * np.maximum(1.0, np.abs(columns[j]))
    ahead, behind = columns.copy(), columns.copy()
    ahead[j] += step
    behind[j] -= step
    return (np.asarray(function(ahead)) - np.asarray(function(behind))) / (ahead[j] - behind[j])


def _numerical_pullback(function: Callable[[Matrix], Matrix], X: Matrix, cotangent: Matrix) -> Matrix:
    """Compute d loss / d features by central differences, with two calls per feature; rows must be independent."""
    out = np.empty_like(X)
    for feature in range(X.shape[1]):
        slopes = _slope(lambda columns: np.asarray(function(columns.T)).T, X.T, feature)
        out[:, feature] = np.sum(cotangent * slopes.T, axis=1)
    return out
